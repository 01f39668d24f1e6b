"""The schemas under ``schemas/`` as validators need them: bundled, and in the variants that layers may write.

The files describe values as they are after merging. What a person writes may say more: ``null`` deletes a field, ``$append``, ``$prepend``,
``$remove`` and ``$replace`` change what lies below, and a string with a reference stands for what it refers to. Nobody writes that into
the files, it is derived here. Their own keywords: ``x-layer`` (what may be written at a value and below it), ``x-contents`` (only below it),
``x-one-of`` and ``x-needs-one`` (a one-of group), ``x-native`` (a Kubernetes fragment, with more fields than are named), ``x-expected``,
``x-also`` and ``x-not-supported`` (words for messages), ``x-only`` (the types that have a field), ``x-include`` (another file's fields, too).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

Schema = dict[str, Any]

FOLDER = Path(__file__).parent.parent / "_schemas"
ANNOTATIONS = ("title", "description", "default", "examples", "x-expected", "x-only")
REBUILT = frozenset("properties additionalProperties propertyNames definitions $schema title description default examples x-layer x-contents".split())
CONDITIONS = frozenset({"required", "dependencies", "minProperties"})
"""What holds for a whole map, and so not for the part of it that one layer says."""

TEXT_REFERENCE = r"(^|[^$])(\$\$)*\$\{"
WHOLE_REFERENCE = r"^\$\{[^${}]*\}$"
LIST_OPERATORS = ("$append", "$prepend", "$remove")

DEFINED: dict[str, Schema] = {
    "any": {
        "anyOf": [
            {"type": ["string", "number", "boolean", "null"]},
            {"type": "object", "additionalProperties": {"$ref": "#/definitions/any"}},
            {"type": "array", "items": {"$ref": "#/definitions/any"}},
        ],
        "description": "Anything.",
    },
    "reference": {
        "type": "string",
        "pattern": TEXT_REFERENCE,
        "x-operator": "reference",
        "description": "A text with a reference in it, such as `${values.name}`.",
    },
    "whole-reference": {
        "type": "string",
        "pattern": WHOLE_REFERENCE,
        "x-operator": "reference",
        "description": "A text that is one reference, such as `${values.name}`.",
    },
    "operator": {
        "type": ["null", "object"],
        "required": ["$replace"],
        "maxProperties": 1,
        "x-operator": "replace",
        "description": "`null` deletes what the layers below say; `{$replace: …}` replaces it by a value of another type.",
    },
}


@dataclass(frozen=True, slots=True)
class Layer:
    """What may stand beside plain values: operators of merging, references."""

    suffix: str
    operators: bool = False
    references: bool = False

    @property
    def inside_lists(self) -> Layer:
        """Items of lists are not merged: no operators there."""
        return {"merged": PLAIN, "written": REFERENCES}.get(self.suffix, self)


PLAIN = Layer("")
REFERENCES = Layer("references", references=True)
MERGED = Layer("merged", operators=True)
WRITTEN = Layer("written", operators=True, references=True)
LAYERS = {"plain": PLAIN, "references": REFERENCES, "merged": MERGED, "written": WRITTEN}


@cache
def source(file: str) -> Schema:
    """A schema file as it was written."""
    loaded: Schema = json.loads((FOLDER / file).read_bytes())
    return loaded


def files() -> tuple[str, ...]:
    """The names of all schema files."""
    return tuple(sorted(path.name for path in FOLDER.glob("*.json")))


def step_into(schema: Any, pointer: str) -> Any:
    """What a JSON pointer (``/definitions/name``) leads to. Raises KeyError where it leads nowhere."""
    for step in pointer.split("/")[1:]:
        step = step.replace("~1", "/").replace("~0", "~")
        schema = schema[int(step)] if isinstance(schema, list) else schema[step]
    return schema


def target(ref: str, file: str) -> Schema:
    """What a reference in a file leads to."""
    name, _, pointer = ref.partition("#")
    found: Schema = step_into(source(name or file), pointer)
    return found


def included(schema: Schema) -> Schema:
    """The fields of the file that ``x-include`` names, but ``role`` and ``after``, and then its own."""
    if "x-include" not in schema:
        return schema
    other = source(schema["x-include"])
    properties = {key: _elsewhere(value, schema["x-include"]) for key, value in other["properties"].items() if key not in ("role", "after")}
    return {**schema, "properties": {**schema["properties"], **properties}, "x-also": {**other.get("x-also", {}), **schema.get("x-also", {})}}


def _elsewhere(schema: Any, file: str) -> Any:
    """The schema with its own file's references made those of another file."""
    if isinstance(schema, dict):
        return {key: f"{file}{value}" if key == "$ref" and str(value).startswith("#") else _elsewhere(value, file) for key, value in schema.items()}
    return [_elsewhere(item, file) for item in schema] if isinstance(schema, list) else schema


@dataclass(slots=True)
class Bundle:
    """Gathers the definitions that a root needs, each in the variant of the layer it is used in.

    ``opaque``: files whose values are only maps here (they are checked elsewhere). ``own``: schemas that are no file, by name.
    ``merged``: values as they are after merging, whatever the files say of layers.
    """

    opaque: frozenset[str] = frozenset()
    own: Mapping[str, Schema] = field(default_factory=dict)
    merged: bool = False
    definitions: dict[str, Schema] = field(default_factory=dict)

    def _is_opaque(self, reference: str, file: str) -> bool:
        """Whether a reference is to the whole of an opaque file: its smaller definitions are looked at everywhere."""
        return not reference.partition("#")[2] and self._file(reference, file) in self.opaque

    def root(self, file: str, layer: Layer = PLAIN) -> Schema:
        """The whole schema of a file, with its definitions; the outermost value itself is plain."""
        schema = self.core(included(source(file)), file, layer, "#")
        return {"$schema": "http://json-schema.org/draft-07/schema#", **schema, "definitions": self.definitions}

    def node(self, schema: Any, file: str, layer: Layer, at: str) -> Any:
        """A schema found in ``file`` in the variant of a layer; ``at`` is where it will stand in the bundle."""
        if not isinstance(schema, dict):
            return schema  # true or false: anything, nothing
        layer = self._layer(schema, "x-layer", layer)
        notes = {key: schema[key] for key in ANNOTATIONS if key in schema}
        if "$ref" in schema and "x-contents" not in schema and not self._is_opaque(schema["$ref"], file):
            return {"$ref": self._named(schema["$ref"], file, layer), **notes}
        leaves = list(self._leaves(schema, file))
        alone = len(leaves) == 1 and not layer.operators
        cores = [self._leaf(leaf, origin, layer, at if alone else f"{at}/anyOf/{index}") for index, (leaf, origin) in enumerate(leaves)]
        extra = list(self._operators(cores, layer, at))
        if not extra and len(cores) == 1:
            return {**cores[0], **notes}
        return {"anyOf": [*cores, *extra], **notes}

    def _leaves(self, schema: Schema, file: str) -> Iterator[tuple[Schema, str]]:
        """The alternatives of a schema, with the files they are from. References to scalars stay references."""
        if "$ref" in schema:
            target, target_file = self._target(schema["$ref"], file), self._file(schema["$ref"], file)
            if self._is_opaque(schema["$ref"], file):
                yield {"type": "object"}, file
            elif _is_scalar(target) or target_file in self.own:
                yield {"$ref": schema["$ref"]}, file
            else:
                passed = {"x-contents": schema["x-contents"]} if "x-contents" in schema else {}
                yield from self._leaves({**target, **passed}, target_file)
        elif "anyOf" in schema:
            for branch in schema["anyOf"]:
                yield from self._leaves(branch, file)
        else:
            yield schema, file

    def _leaf(self, schema: Schema, file: str, layer: Layer, at: str) -> Schema:
        """One alternative in the variant of a layer, without operators and references of its own."""
        if "$ref" in schema:
            return {"$ref": self._named(schema["$ref"], file, PLAIN)}
        return self.core(schema, file, self._layer(schema, "x-contents", layer), at)

    def _layer(self, schema: Schema, key: str, outer: Layer) -> Layer:
        return PLAIN if self.merged else LAYERS.get(schema.get(key, ""), outer)

    def core(self, schema: Schema, file: str, layer: Layer, at: str) -> Schema:
        """One alternative: a map, a list or a scalar, with what is inside it in the variant of the layer."""
        if schema.get("type") == "array" and isinstance(schema.get("items", {}), dict):
            kept = self._copied(schema, frozenset({"items", *ANNOTATIONS}), file)
            return {**kept, "items": self.node(schema.get("items", {}), file, layer.inside_lists, f"{at}/items")}
        if schema.get("type") == "object" or "properties" in schema:
            return self._map(schema, file, layer, at)
        return self._copied(schema, frozenset({"x-layer", *ANNOTATIONS}) - {"x-expected"}, file)

    def _copied(self, schema: Schema, dropped: frozenset[str], file: str) -> Schema:
        """The keywords that are taken over as they are, their references made the bundle's."""
        return {key: self._rewritten(value, file) for key, value in schema.items() if key not in dropped}

    def _rewritten(self, value: Any, file: str) -> Any:
        if isinstance(value, dict):
            return {
                key: self._named(item, file, PLAIN) if key == "$ref" and isinstance(item, str) else self._rewritten(item, file) for key, item in value.items()
            }
        return [self._rewritten(item, file) for item in value] if isinstance(value, list) else value

    def _map(self, schema: Schema, file: str, layer: Layer, at: str) -> Schema:
        dropped = REBUILT if not layer.operators else REBUILT | CONDITIONS
        out = self._copied(schema, dropped, file)
        if "properties" in schema:
            out["properties"] = {key: self.node(value, file, layer, f"{at}/properties/{_escaped(key)}") for key, value in schema["properties"].items()}
        rest = schema.get("additionalProperties")
        if rest is not None:
            out["additionalProperties"] = self.node(rest, file, layer, f"{at}/additionalProperties") if isinstance(rest, dict) else rest
        if "x-native" in schema:  # looked at all the same: a validator that does not look cannot tell of an integer with a leading zero
            out["additionalProperties"] = self._defined("any")
        if "propertyNames" in schema:
            out["propertyNames"] = self.node(schema["propertyNames"], file, PLAIN, f"{at}/propertyNames")
        if layer.operators:
            self._allow_replace(out)
        if "x-one-of" in schema:
            out["allOf"] = [_one_of(schema["x-one-of"], needed=schema.get("x-needs-one", False) and not layer.operators)]
        if "x-any-of" in schema:
            out["anyOf"] = [{"required": [name]} for name in schema["x-any-of"]]
        return out

    def _allow_replace(self, out: Schema) -> None:
        out["properties"] = {**out.get("properties", {}), "$replace": {"enum": [True], "description": "`true`: this map replaces what the layers below say."}}
        if "propertyNames" in out:
            out["propertyNames"] = {"anyOf": [out["propertyNames"], {"enum": ["$replace"]}]}

    def _operators(self, cores: list[Schema], layer: Layer, at: str) -> Iterator[Schema]:
        """What may stand for a value in a layer."""
        if layer.operators:
            lists = [index for index, core in enumerate(cores) if core.get("type") == "array"]
            if lists:
                items = {"type": "array", "items": cores[lists[0]]["items"]}
                operations = dict.fromkeys(LIST_OPERATORS, items)
                yield {"type": "object", "additionalProperties": False, "minProperties": 1, "properties": operations, "x-operator": "list"}
            if all(_is_scalar(self._resolved(core)) for core in cores):
                yield self._defined("operator")
            else:
                yield {**DEFINED["operator"], "properties": {"$replace": {"$ref": at}}}
        if layer.references and self._may_refer(cores):
            strings = [core for core in map(self._resolved, cores) if "string" in _types(core)]
            if not any("pattern" not in core and "enum" not in core for core in strings):
                yield self._defined("reference" if any("pattern" in core for core in strings) else "whole-reference")

    def _may_refer(self, cores: list[Schema]) -> bool:
        """Whether a reference may stand for the value: for a scalar always; not for a map that layers are merged into."""
        if any(_is_scalar(core) and "enum" not in core for core in map(self._resolved, cores)):
            return True
        return not any(_is_structured(core, self._resolved) for core in cores if core.get("type") == "object")

    def _defined(self, name: str) -> Schema:
        self.definitions[name] = DEFINED[name]
        return {"$ref": f"#/definitions/{name}"}

    def _resolved(self, core: Schema) -> Schema:
        found: Schema = self.definitions[core["$ref"].removeprefix("#/definitions/")] if "$ref" in core else core
        return found

    def _named(self, ref: str, file: str, layer: Layer) -> str:
        """The bundle's pointer to a definition in the variant of a layer; made at the first use."""
        target_file = self._file(ref, file)
        pointer = ref.partition("#")[2]
        stem = target_file.removesuffix(".json")
        name = ".".join(word for word in ("" if stem == "definitions" else stem, pointer.rpartition("/")[2], layer.suffix) if word)
        if name not in self.definitions:
            self.definitions[name] = {}
            target = self._target(ref, file)
            self.definitions[name] = self.node(included(target) if isinstance(target, dict) else target, target_file, layer, f"#/definitions/{name}")
        return f"#/definitions/{name}"

    @staticmethod
    def _file(ref: str, file: str) -> str:
        return ref.partition("#")[0] or file

    def _target(self, ref: str, file: str) -> Schema:
        name = self._file(ref, file)
        return target(ref, file) if name not in self.own else step_into(self.own[name], ref.partition("#")[2])


def _one_of(members: list[str], *, needed: bool) -> Schema:
    """At most one member of a group (exactly one where needed); a member that is null does not count. Alternatives that have all
    of a member's keys (``min+max``) count as one member.
    """
    alternatives: list[Schema] = []
    for member in members:
        keys = member.split("+")
        one = [{"required": [key], "properties": {key: {"not": {"type": "null"}}}} for key in keys]
        alternatives.append(one[0] if len(one) == 1 else {"anyOf": one})
    if not needed:
        alternatives.insert(0, {"not": {"anyOf": list(alternatives)}})
    return {"oneOf": alternatives, "x-one-of": members}


def _types(schema: Schema) -> tuple[str, ...]:
    """The JSON types that a schema allows; () where it says none."""
    kind = schema.get("type")
    if kind is None and "enum" in schema:
        return tuple(dict.fromkeys(json_type(value) for value in schema["enum"]))
    return (kind,) if isinstance(kind, str) else tuple(kind or ())


def json_type(value: Any) -> str:
    """The JSON type of a value."""
    if isinstance(value, bool):
        return "boolean"
    for python, name in ((str, "string"), (int, "integer"), (float, "number"), (dict, "object"), (list, "array")):
        if isinstance(value, python):
            return name
    return "null"


def _is_structured(core: Schema, resolved: Callable[[Schema], Schema]) -> bool:
    """Whether a map's fields are known here, or are maps themselves: layers are merged into it, so no reference may stand for it."""
    rest = core.get("additionalProperties")
    if not isinstance(rest, dict):
        return True
    branches = [resolved(branch) for branch in resolved(rest).get("anyOf", (rest,))]
    return rest.get("$ref") != "#/definitions/any" and not all(_is_scalar(branch) for branch in branches if "x-operator" not in branch)


def _is_scalar(schema: Schema) -> bool:
    kinds = _types(schema)
    return bool(kinds) and not {"object", "array"} & set(kinds)


def _escaped(key: str) -> str:
    """A key as a step of a JSON pointer in a URI's fragment."""
    from urllib.parse import quote

    return quote(key.replace("~", "~0").replace("/", "~1"), safe="~$")
