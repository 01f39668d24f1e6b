"""Resolved values for tests, written as YAML: every leaf knows its line, a null is a removal, but in native fragments."""

from __future__ import annotations

from dataclasses import replace
from textwrap import dedent
from typing import Any

import yaml

from gitopsc.diagnostics import Diagnostics, Place
from gitopsc.spec.resolved import Resolved, Service, ServicePort, Workload
from gitopsc.values import Map, Seq


def tree(text: str, file: str = "app.yaml") -> Any:
    """A YAML text as a tree with places."""
    node = yaml.compose(dedent(text), Loader=yaml.SafeLoader)
    return Map() if node is None else _value(node, file, yaml.SafeLoader(""))


def plain_yaml(text: str) -> Any:
    """A YAML text as plain values."""
    return yaml.safe_load(dedent(text))


NATIVE = ("podSpec", "workloadSpec", "raw", "merge", "json")


def _value(node: yaml.Node, file: str, loader: yaml.SafeLoader, native: bool = False) -> Any:
    if isinstance(node, yaml.MappingNode):
        out = Map((), _place(node, file))
        for key, child in node.value:
            value = _value(child, file, loader, native or key.value in NATIVE)
            if value is None and not native:
                out.removed[key.value] = _place(child, file)
            else:
                out.put(key.value, value, _place(child, file))
                out.keys_at[key.value] = _place(key, file)
                if isinstance(child, yaml.ScalarNode) and not isinstance(value, str):
                    out.raw[key.value] = child.value
        return out
    if isinstance(node, yaml.SequenceNode):
        seq = Seq([_value(child, file, loader, native) for child in node.value], _place(node, file))
        seq.places = [_place(child, file) for child in node.value]
        return seq
    return loader.construct_object(node)


def _place(node: yaml.Node, file: str) -> Place:
    return Place(file, node.start_mark.line + 1, node.start_mark.column + 1)


IMAGE = "{repository: ghcr.io/acme/web, tag: 1.4.2}"


def container(fields: str = "") -> Map:
    """A container; ``fields`` are its own beside an image."""
    made: Map = tree(f"image: {IMAGE}")
    for key, value in tree(fields).items():
        made.put(key, value, tree(fields).place(key))
    made.removed.update(tree(fields).removed)
    return made


def workload(spec: str = "", main: str | Map = "", **fields: Any) -> Workload:
    """A workload ``web``: ``spec`` are its fields, ``main`` those of its one container, which stands first."""
    written: Map = tree(spec)
    own = container(main) if isinstance(main, str) else main
    others: Map = written.get("containers") or Map((), Place("app.yaml", 1, 1))
    containers = Map({"web": own, **others}, Place("app.yaml", 1, 1))
    containers.places.update({"web": Place("app.yaml", 1, 1), **others.places})
    written.put("containers", containers, containers.at)
    made = Workload(
        name="web",
        application="shop",
        type="service",
        base="service",
        profile="recommended",
        selector=Map({"app.kubernetes.io/name": "web", "app.kubernetes.io/instance": "shop"}),
        namespace="shop",
        main="web",
        spec=written,
        services=(),
        governing=None,
        waves=None,
        version="1.4.2",
        place=Place("app.yaml", 1, 1),
    )
    if "base" in fields:
        fields.setdefault("type", fields["base"])
    return replace(made, **fields)


def service(key: str = "web", spec: str = "", *ports: ServicePort, headless: bool = False) -> Service:
    """A Service of a workload; port ``http`` 8080 where none is given."""
    return Service(key, key, tree(spec), ports or (port(),), headless)


def port(name: str | None = "http", number: int = 8080, target: int | str = "http", **fields: Any) -> ServicePort:
    """A port of a Service."""
    return replace(ServicePort(name, number, target, "TCP", None, None, Place("app.yaml", 3, 5)), **fields)


def resolved(*workloads: Workload, **fields: Any) -> Resolved:
    """The application ``shop`` in ``prod``."""
    made = Resolved(
        application="shop",
        environment="prod",
        owner=None,
        namespace="shop",
        kubernetes=(1, 33),
        facts=Map(),
        values=Map(),
        features=Map(),
        version=None,
        stage=None,
        region=None,
        engine="gitopsc",
        workloads=workloads,
        configs=Map(),
        manifests=Map(),
        patches=Seq(),
        profile="recommended",
    )
    return replace(made, **fields)


def codes(diagnostics: Diagnostics) -> list[str]:
    """What was found, in words."""
    return [d.code for d in diagnostics]
