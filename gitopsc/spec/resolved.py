"""What the spec room hands to the rendering room: one environment of one application, merged and with every reference expanded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gitopsc.diagnostics import Place
from gitopsc.values import Map, Seq

MergeKeys = Mapping[tuple[str, str, tuple[str, ...]], str]
"""(group, kind, path) → merge key: what a workspace registers for lists of custom kinds."""


@dataclass(frozen=True, slots=True)
class ServicePort:
    """A port of a Service. ``name`` is null where the spec says ``named: false``; ``target`` is a port's name or number."""

    name: str | None
    port: int
    target: int | str
    protocol: str
    node_port: int | None
    app_protocol: str | None
    place: Place | None


@dataclass(frozen=True, slots=True)
class Service:
    """A Service of a workload. ``spec`` holds the written fields (type, headless, publishNotReady, labels, annotations, raw)."""

    key: str
    name: str
    spec: Map
    ports: tuple[ServicePort, ...]
    headless: bool


@dataclass(frozen=True, slots=True)
class Workload:
    """A workload in canonical form: shorthands expanded, layers merged, references resolved.

    ``type`` is as written, ``base`` the built-in type it descends from. ``selector`` are the matchLabels, already decided.
    ``main`` names the main container. ``governing`` is a stateful set's ``serviceName``. ``waves`` is the apply wave where
    ``dependsOn`` is used at all. ``version`` is the tag of the main image.
    """

    name: str
    application: str
    type: str
    base: str
    profile: str
    selector: Map
    namespace: str
    main: str
    spec: Map
    services: tuple[Service, ...]
    governing: str | None
    waves: int | None
    version: str | None
    place: Place | None


@dataclass(frozen=True, slots=True)
class Resolved:
    """One application in one environment, ready to be rendered.

    ``configs`` maps a name to a map of key to text; ``manifests`` maps ``Kind/name`` to the raw object, without namespace and
    ``managed-by``; ``patches`` are ``{target: {kind, name, apiVersion?}, merge: {…} | json: […]}`` in order. ``cluster_kinds``:
    (apiVersion, kind) of custom kinds that the workspace's definitions say have no namespace.
    """

    application: str
    environment: str
    owner: str | None
    namespace: str
    kubernetes: tuple[int, int]
    facts: Map
    values: Map
    features: Map
    version: str | None
    stage: str | None
    region: str | None
    engine: str
    workloads: tuple[Workload, ...]
    configs: Map
    manifests: Map
    patches: Seq
    profile: str
    cluster_kinds: frozenset[tuple[str, str]] = frozenset()
