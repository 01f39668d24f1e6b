"""The schemas as editors and people read them: JSON Schema draft-07 in one piece a kind, and tables of fields."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from gitopsc.spec.fields import BASES, FILES, FRAGMENTS, container_fields, fields
from gitopsc.spec.wording import either, expected
from gitopsc.spec.written import PLAIN, WRITTEN, Bundle, Schema, source, step_into

TITLES = {"workload": "Workload", "container": "Container"}
LINKS = {"#/definitions/workload": "workload", "#/definitions/container": "container"}

ANYTHING = "#/definitions/any"


class Row(NamedTuple):
    """A field in a table: its path (``ports.<name>.port``), what it may be, its default as text, what it is for."""

    path: str
    type: str
    default: str
    description: str


def kinds() -> tuple[str, ...]:
    """The names of everything that has a schema of its own."""
    return (*FILES, *FRAGMENTS)


def published(kind: str) -> Schema:
    """The JSON Schema of a kind as people write it: with null, operators and references where they may stand.

    Raises KeyError for a kind that has none.
    """
    file = FRAGMENTS.get(kind) or FILES[kind]
    out = Bundle().root(file, WRITTEN if kind in FRAGMENTS else PLAIN)
    if kind in FILES:
        _open_workloads(out, strict=kind == "Application")
    notes = {key: source(file)[key] for key in ("title", "description")}
    for_editors: Schema = _for_editors({"$schema": out.pop("$schema"), **notes, **out})
    return for_editors


def _open_workloads(schema: Any, *, strict: bool) -> None:
    """Let workloads have fields that a component type of the workspace adds: where their type is none of ours, or cannot be told from
    the document alone.
    """
    for inner in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        _open_workloads(inner, strict=strict)
    if isinstance(schema, dict) and schema.get("x-include") == FRAGMENTS["container"] and schema.pop("additionalProperties", None) is False and strict:
        schema["if"] = {"properties": {"type": {"enum": list(BASES)}}}
        schema["then"] = {"propertyNames": {"enum": [*schema["properties"]]}}


def _for_editors(schema: Any) -> Any:
    """Without our own keywords; what a pattern means is told in words where it does not match."""
    if isinstance(schema, list):
        return [_for_editors(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    out = {key: _for_editors(value) for key, value in schema.items() if not key.startswith("x-")}
    if "pattern" in out and "x-expected" in schema:
        out["patternErrorMessage"] = f"expected {schema['x-expected']}"
    return out


def reference(kind: str) -> str:
    """The fields of a kind as a page of Markdown."""
    file = FRAGMENTS.get(kind) or FILES[kind]
    written = source(file)
    lines = [f"# {written['title'] if kind in FILES else TITLES[kind]}", "", written["description"], ""]
    if kind in FILES:
        lines += ["```yaml", "apiVersion: gitopsc.dev/v1alpha1", f"kind: {kind}", "```", ""]
    lines += ["| field | type | default | description |", "|---|---|---|---|"]
    for row in rows(kind):
        if not (kind in FILES and row.path in ("apiVersion", "kind")):
            lines.append("| " + " | ".join(_cell(text) for text in (f"`{row.path}`", row.type, row.default, row.description)) + " |")
    if kind == "workload":
        lines += ["", _container_fields()]
    return "\n".join(lines) + "\n"


def _container_fields() -> str:
    names = ", ".join(f"`{name}`" for name in fields("container") if name in container_fields())
    return f"The fields {names} are a container's, for the main container: see `gitopsc schema container`."


def rows(kind: str) -> Iterator[Row]:
    """Every field of a kind as it is after merging, those inside maps and lists too. Workloads and containers have tables of their own,
    and what has the shape of an earlier field refers to that.
    """
    schema = Bundle(merged=True).root(FRAGMENTS.get(kind) or FILES[kind])
    if kind == "workload":
        own = {key: value for key, value in schema["properties"].items() if key not in container_fields()}
        schema = {**schema, "properties": own}
    yield from _Table(schema).inside(schema, "")


@dataclass(slots=True)
class _Table:
    schema: Schema
    told: dict[str, str] = field(default_factory=dict)

    def deref(self, found: Schema) -> Schema:
        while "$ref" in found:
            found = step_into(self.schema, found["$ref"].removeprefix("#"))
        return found

    def inside(self, found: Schema, path: str) -> Iterator[Row]:
        """The fields below a value."""
        found = self.deref(found)
        for branch in found.get("anyOf", ()):
            yield from self.inside(branch, path)
        for name, value in found.get("properties", {}).items():
            yield from self.fields(value, f"{path}.{name}" if path else name)
        rest = found.get("additionalProperties")
        if isinstance(rest, dict) and rest.get("$ref") not in (*LINKS, ANYTHING):
            yield from self.inside(rest, f"{path}.<name>")
        if "items" in found:
            yield from self.inside(found["items"], f"{path}[]")

    def fields(self, value: Schema, path: str) -> Iterator[Row]:
        """A field and those below it, or only where to look."""
        ref = value.get("$ref", "")
        known = self.told.setdefault(ref, path) if ref and ref not in LINKS and any(self.inside(self.deref(value), "")) else path
        yield self.row(path, value, None if known == path else known)
        if known == path and ref not in LINKS:
            yield from self.inside(value, path)

    def row(self, path: str, value: Schema, known: str | None) -> Row:
        described = value.get("description", "")
        if "x-only" in value:
            described += f" Only for {either([f'`{name}`' for name in value['x-only']])}."
        if "examples" in value:
            described += f" Example: `{_shown(value['examples'][0])}`."
        return Row(path, f"as `{known}`" if known else self.type(value), f"`{_shown(value['default'])}`" if "default" in value else "", described)

    def type(self, value: Schema) -> str:
        """What a field may be, in words."""
        followed = self.deref(value)
        rest, items = followed.get("additionalProperties"), followed.get("items")
        for inner, words in ((value, "a {0}: see `gitopsc schema {0}`"), (rest, "a map of {0}s by name: see `gitopsc schema {0}`")):
            name = LINKS.get(inner.get("$ref", "")) if isinstance(inner, dict) else None
            if name:
                return words.format(name)
        if "x-expected" in value or "x-expected" in followed or "anyOf" in followed:
            return expected(value, self.deref)
        if isinstance(rest, dict) and rest.get("$ref") != ANYTHING:
            inner = self.type(rest)
            return "a map of maps" if inner == "a map" else f"a map; each value: {inner}"
        if items:
            return f"a list; each item: {self.type(items)}"
        return expected(value, self.deref)


def _shown(value: Any) -> str:
    return value if isinstance(value, str) and value and "\n" not in value else json.dumps(value, ensure_ascii=False)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
