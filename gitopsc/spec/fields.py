"""The fields of the kinds, and which of the built-in types have which: read off ``schemas/``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from gitopsc.spec import written
from gitopsc.spec.written import Schema
from gitopsc.values import Map

FILES = {
    "Workspace": "workspace.json",
    "Environment": "environment.json",
    "Application": "application.json",
    "Overlay": "overlay.json",
    "ComponentType": "component-type.json",
    "Pipeline": "pipeline.json",
}
FRAGMENTS = {"workload": "workload.json", "container": "container.json"}
BASES = ("service", "worker", "stateful", "daemon", "job", "cronjob")


@cache
def fields(kind: str) -> Mapping[str, Schema]:
    """The fields of a kind's ``spec``, or of ``workload`` (a container's included) or ``container``, each with its schema as written in
    ``schemas/`` (references to other definitions unfollowed). Raises KeyError for another word.
    """
    if kind in FRAGMENTS:
        schema = written.included(written.source(FRAGMENTS[kind]))
    else:
        file = FILES[kind]
        schema = written.source(file)["properties"]["spec"]
        schema = written.target(schema["$ref"], file) if "$ref" in schema else schema
    found: Mapping[str, Schema] = schema["properties"]
    return found


def names_field(kind: str, path: str) -> bool:
    """Whether a path in a document (``spec.alerts[0].on``) is that of a field of its kind, and not of a key that its author chose.

    An environment's lock has the fields of its ``spec`` at the top.
    """
    if kind == "EnvironmentLock":
        kind, path = "Environment", f"spec.{path}"
    if kind not in FILES:
        return False
    places = [(written.source(FILES[kind]), FILES[kind])]
    for step in re.findall(r"[^.\[\]]+|\[\d+\]", path):
        places = [below for schema, file in places for below in _below(schema, file, step)]
    return bool(places)


def _below(schema: Schema, file: str, step: str) -> Iterator[tuple[Schema, str]]:
    """What a step leads to: the name of a field, or ``[0]``, an item of a list."""
    if "$ref" in schema:
        yield from _below(written.target(schema["$ref"], file), schema["$ref"].partition("#")[0] or file, step)
    for branch in schema.get("anyOf", ()):
        yield from _below(branch, file, step)
    found = schema.get("items") if step.startswith("[") else schema.get("properties", {}).get(step)
    if isinstance(found, dict):
        yield found, file


def container_fields() -> frozenset[str]:
    """The fields of a container that may stand on a workload, too."""
    return frozenset(fields("container")) - {"role", "after"}


@cache
def fields_of(base: str) -> frozenset[str]:
    """The fields that a workload of a built-in type has, those of its main container included."""
    return frozenset(key for key, schema in fields("workload").items() if base in schema.get("x-only", BASES))


@cache
def _limited() -> tuple[tuple[tuple[str, ...], frozenset[str]], ...]:
    """(path, types) of each field that not every type has; ``*`` stands for any name."""
    found: list[tuple[tuple[str, ...], frozenset[str]]] = []

    def look(schema: Any, file: str, path: tuple[str, ...]) -> None:
        if "$ref" in schema:
            beside = {key: value for key, value in schema.items() if key != "$ref"}
            file, schema = schema["$ref"].partition("#")[0] or file, {**written.target(schema["$ref"], file), **beside}
        if "x-only" in schema and path:
            found.append((path, frozenset(schema["x-only"])))
        for branch in schema.get("anyOf", ()):
            look(branch, file, path)
        for key, value in schema.get("properties", {}).items():
            look(value, file, (*path, key))
        if isinstance(schema.get("additionalProperties"), dict):
            look(schema["additionalProperties"], file, (*path, "*"))

    look(written.source("workload.json"), "workload.json", ())
    return tuple(dict(found).items())


def types_with(path: tuple[str, ...]) -> tuple[str, ...]:
    """The built-in types that have the field at a path."""
    for pattern, types in _limited():
        if len(pattern) == len(path) and all(a in ("*", b) for a, b in zip(pattern, path, strict=True)):
            return tuple(base for base in BASES if base in types)
    return BASES


def foreign_fields(base: str, spec: Map) -> list[tuple[str, ...]]:
    """The paths in a workload (``("rollout", "partition")``) of fields that a built-in type does not have."""
    out: list[tuple[str, ...]] = []
    for pattern, types in _limited():
        if base not in types and (len(pattern) == 1 or not any(pattern[: len(known)] == known for known in out)):
            out += [path for path in _matches(spec, pattern, ()) if not any(path[: len(known)] == known for known in out)]
    return out


def _matches(value: Any, pattern: tuple[str, ...], path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if not pattern:
        yield path
    elif isinstance(value, dict):
        for key in (k for k in value if k != "$replace") if pattern[0] == "*" else (pattern[0],):
            if key in value:
                yield from _matches(value[key], pattern[1:], (*path, key))


def own_fields(base: str, spec: Map, extra: Mapping[str, Any] | None = None) -> Map:
    """The part of a platform's defaults that a type has: without the fields that ``foreign_fields`` names, and without those that only
    other component types add. ``base`` is the built-in type, ``extra`` the JSON Schema of the fields added to it. Shares what is unchanged.
    """
    added = (extra or {}).get("properties") or {}
    unknown = [(key,) for key in spec if key not in fields("workload") and key not in added and key != "$replace"]
    for path in [*foreign_fields(base, spec), *unknown]:
        spec = _without(spec, path)
    return spec


def _without(spec: Map, path: tuple[str, ...]) -> Map:
    out = Map(spec, spec.at)
    out.places, out.keys_at, out.raw, out.removed = dict(spec.places), dict(spec.keys_at), dict(spec.raw), dict(spec.removed)
    if len(path) == 1:
        del out[path[0]]
    else:
        out[path[0]] = _without(out[path[0]], path[1:])
    return out
