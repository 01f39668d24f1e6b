"""The kinds a person writes, as values: what ``load.py`` reads and ``resolve.py`` merges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gitopsc.diagnostics import Place
from gitopsc.spec.documents import Document
from gitopsc.values import Map, Seq

API_VERSION = "gitopsc.dev/v1alpha1"
PROFILES = ("recommended", "baseline", "none")
BUILT_IN = ("service", "worker", "stateful", "daemon", "job", "cronjob")


@dataclass(frozen=True, slots=True)
class TypeTemplate:
    """A template of a component type. ``name`` is what replaces a base's; ``when`` is a reference or null. ``first_line`` and ``indent``:
    the line of ``file`` on which the text begins, and how far it is indented there.
    """

    name: str
    text: str
    file: str
    first_line: int
    when: Any = None
    indent: int = 0


@dataclass(frozen=True, slots=True)
class ComponentType:
    """A component type with everything it inherits.

    ``base`` is the built-in type it descends from; ``lineage`` its names from the root to itself. ``layers`` are
    (label, defaults) from the root, the profile's before a type's own. ``schema`` holds the fields it adds.
    """

    name: str
    extends: str | None
    base: str
    lineage: tuple[str, ...]
    abstract: bool
    kinds: tuple[str, ...]
    templates: tuple[TypeTemplate, ...]
    profiles: tuple[Map, ...]
    defaults: tuple[tuple[str, Map], ...]
    schema: Map
    document: Document
    description: str = ""
    tests: tuple[Any, ...] = ()

    @property
    def built_in(self) -> bool:
        """Whether gitopsc ships it."""
        return self.document.file.startswith("gitopsc:")

    def profile_layers(self, profile: str) -> list[tuple[str, Map]]:
        """Layer 1: the defaults of a profile, from the root of the lineage."""
        label = f"type {self.base}, profile {profile}"
        return [(label, one[profile]) for one in self.profiles if isinstance(one.get(profile), Map)]


@dataclass(frozen=True, slots=True)
class Environment:
    """An environment with what its ancestors say. ``chain`` goes from the root ancestor to itself."""

    name: str
    chain: tuple[Document, ...]
    abstract: bool
    stage: str | None
    region: str | None
    kubernetes: tuple[int, int]
    target: Map
    facts: Map
    policy: Map
    engine: str
    settings: Map

    @property
    def names(self) -> tuple[str, ...]:
        """Its own name and those of its ancestors, root first."""
        return tuple(document.name for document in self.chain)

    def layers(self, key: str) -> list[tuple[str, Map]]:
        """(label, spec[key]) of each ancestor that has it, root first."""
        return [(f"Environment {d.name}", d.spec[key]) for d in self.chain if isinstance(d.spec.get(key), Map)]


@dataclass(frozen=True, slots=True)
class Overlay:
    """A partial application, bound to environments, features or both."""

    document: Document
    application: str
    environments: tuple[str, ...]
    features: tuple[str, ...]

    @property
    def order(self) -> tuple[str, int]:
        """Where it was written: ties of one layer go by it."""
        return (self.document.file, self.document.index)


@dataclass(frozen=True, slots=True)
class Workspace:
    """Everything the workspace's files say. ``broken`` names documents (kind, name) that have errors, so that nobody else
    complains about their absence. ``crds`` maps (group, version, kind) to the schema a CustomResourceDefinition gives.
    ``pipelines`` are ``{name, spec}`` in plain values, resolved.
    """

    document: Document
    name: str
    kubernetes: tuple[int, int]
    spec: Map
    environments: Mapping[str, Environment]
    applications: Mapping[str, Document]
    overlays: Mapping[str, tuple[Overlay, ...]]
    types: Mapping[str, ComponentType]
    crds: Mapping[tuple[str, str, str], Any]
    merge_keys: Mapping[tuple[str, str, tuple[str, ...]], str]
    broken: frozenset[tuple[str, str]]
    pipelines: tuple[Mapping[str, Any], ...] = ()

    @property
    def policy(self) -> Map:
        """The organisation's policy, that environments can tighten only."""
        found = self.spec.get("policy")
        return found if isinstance(found, Map) else Map()


def as_names(value: Any) -> tuple[str, ...]:
    """A list of names as a tuple; anything else is empty."""
    return tuple(str(item) for item in value) if isinstance(value, list) else ()


def labels_of(document: Document) -> dict[str, str]:
    """The labels of a document itself, by key; none of what it makes."""
    metadata = document.data.get("metadata")
    found = metadata.get("labels") if isinstance(metadata, Map) else None
    return {str(key): str(found[key]) for key in sorted(found)} if isinstance(found, Map) else {}


def name_place(document: Document) -> Place | None:
    """Where a document says its name."""
    metadata = document.data.get("metadata")
    return metadata.place("name") if isinstance(metadata, Map) else document.data.at


def seq(value: Any) -> Seq:
    """A list as it is, anything else as an empty one."""
    return value if isinstance(value, Seq) else Seq(value if isinstance(value, list) else ())
