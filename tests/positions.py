"""Every place for a text that the schemas have, and where a document has one of them: values, and the keys of maps of names.

A position is written like a field (``workload.routes.<name>.host``); workloads and containers, which stand in many places, have names of
their own. ``<native>`` is a text in a fragment that is Kubernetes' own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from gitopsc.spec.fields import FILES, FRAGMENTS, container_fields
from gitopsc.spec.written import source, target

Schema = dict[str, Any]
FRAGMENT_OF = {file: name for name, file in FRAGMENTS.items()}


class Spot(NamedTuple):
    """A text in a document: its position, its path in the data, and whether it is the key at the end of that path."""

    position: str
    path: tuple[str | int, ...]
    is_key: bool


def every() -> set[str]:
    """All positions of the schemas."""
    found: set[str] = set()
    for name, file in {**FILES, **FRAGMENTS}.items():
        found.update(_every(source(file), file, name))
    return found


def _every(schema: Schema, file: str, position: str) -> Iterator[str]:
    schema, file, name = _followed(schema, file)
    if name is not None and position not in FRAGMENTS:
        return
    if _takes_text(schema):
        yield position
    for branch in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        yield from _every(branch, file, position)
    for key, value in schema.get("properties", {}).items():
        yield from _every(value, file, f"{position}.{key}")
    if isinstance(schema.get("additionalProperties"), dict):
        yield f"{position}.<name>"
        yield from _every(schema["additionalProperties"], file, f"{position}.<name>")
    if "items" in schema:
        yield from _every(schema["items"], file, f"{position}[]")
    if schema.get("x-native"):
        yield f"{position}.<native>"


def spots(kind: str, data: Any) -> Iterator[Spot]:
    """Every text of a document of a kind."""
    yield from _spots(source(FILES[kind]), FILES[kind], kind, data, ())


def _spots(schema: Schema, file: str, position: str, data: Any, path: tuple[str | int, ...]) -> Iterator[Spot]:
    schema, file, name = _followed(schema, file)
    position = name or position
    if isinstance(data, str) and _takes_text(schema):
        yield Spot(position, path, False)
    for branch in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        yield from _spots(branch, file, position, data, path)
    if isinstance(data, dict) and schema.get("type", "object") == "object" and "anyOf" not in schema:
        yield from _inside(schema, file, position, data, path)
    for number, item in enumerate(data) if isinstance(data, list) and "items" in schema else ():
        yield from _spots(schema["items"], file, f"{position}[]", item, (*path, number))


def _inside(schema: Schema, file: str, position: str, data: dict[str, Any], path: tuple[str | int, ...]) -> Iterator[Spot]:
    rest = schema.get("additionalProperties")
    for key, value in data.items():
        here = (*path, key)
        if position == "workload" and key in container_fields():
            yield from _spots(source("container.json")["properties"][key], "container.json", f"container.{key}", value, here)
        elif key in schema.get("properties", {}):
            yield from _spots(schema["properties"][key], file, f"{position}.{key}", value, here)
        elif isinstance(rest, dict):
            yield Spot(f"{position}.<name>", here, True)
            yield from _spots(rest, file, f"{position}.<name>", value, here)
        elif schema.get("x-native"):
            yield from _natives(f"{position}.<native>", value, here)


def _natives(position: str, data: Any, path: tuple[str | int, ...]) -> Iterator[Spot]:
    if isinstance(data, str):
        yield Spot(position, path, False)
    for key, value in data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ():
        yield from _natives(position, value, (*path, key))


def _followed(schema: Schema, file: str) -> tuple[Schema, str, str | None]:
    """(the schema behind references, its file, the fragment's name where it is a whole one)."""
    name = None
    while "$ref" in schema:
        reference = schema["$ref"]
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        there, _, pointer = reference.partition("#")
        schema, file = {**target(reference, file), **beside}, there or file
        if not pointer:
            name = FRAGMENT_OF.get(file)
    return schema, file, name


def _takes_text(schema: Schema) -> bool:
    kinds = schema.get("type", ())
    if "enum" in schema:
        return any(isinstance(choice, str) for choice in schema["enum"])
    return "string" in ([kinds] if isinstance(kinds, str) else kinds)
