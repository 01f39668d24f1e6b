"""The schema pass: one compiled validator a kind, and its errors in words for people.

Owns jsonschema_rs. The strict schema of the kind and the conditions of ``fields.py`` are one schema, so that a right manifest
costs one call.
"""

from __future__ import annotations

import difflib
import functools
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from gitopsc import kubernetes
from gitopsc.kubernetes import REF, CustomKind, Minor, Schema
from gitopsc.validate.conditions import CONDITIONS
from gitopsc.validate.fields import Condition, condition
from gitopsc.validate.finding import listed, shown
from gitopsc.validate.formats import FORMATS, PREFIX, Format
from gitopsc.values import Path

ALL_FORMATS: dict[str, Format] = {**FORMATS, **CONDITIONS}
OBJECT_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
TYPES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": "a map",
    "array": "a list",
    "null": "nothing",
}


class Problem(NamedTuple):
    """One finding of the schema pass. ``structural``: the shape itself is wrong, so rules that look into it cannot run."""

    code: str
    path: Path
    message: str
    hint: str | None
    structural: bool


class UnusableSchema(Exception):
    """A custom kind's schema that no validator can be made of, with the reason."""


class Checker:
    """The compiled validator of one kind."""

    __slots__ = ("is_valid", "schema", "validator")

    def __init__(self, schema: Schema) -> None:
        import jsonschema_rs

        self.schema = schema
        # Patterns may come from a workspace's CustomResourceDefinitions: the linear engine has no catastrophic ones.
        self.validator = jsonschema_rs.Draft202012Validator(schema, pattern_options=jsonschema_rs.RegexOptions(), retriever=_refuse)
        self.is_valid = self.validator.is_valid

    def problems(self, data: Mapping[str, Any]) -> Iterator[Problem]:
        """What is wrong with a manifest, in the order of the schema."""
        seen: set[tuple[str, Path, str]] = set()
        for error in self.validator.iter_errors(data):
            for problem in _explain(error, self.schema, data):
                key = (problem.code, problem.path, problem.message)
                if key not in seen:
                    seen.add(key)
                    yield problem


def _refuse(uri: str) -> Any:
    raise ValueError(f"a schema may not refer to {uri}")


@functools.cache
def built_in(version: Minor, api_version: str, kind: str) -> Checker | None:
    """The checker of a kind that Kubernetes or a shipped definition has; None for any other."""
    schema = kubernetes.kind_schema(version, api_version, kind)
    if schema is None:
        shipped = kubernetes.custom_kind(api_version, kind)
        return None if shipped is None else custom(version, shipped)
    return Checker(_with_conditions(schema, version))


def custom(version: Minor, kind: CustomKind) -> Checker:
    """The checker of a custom kind: its own schema, and object metadata as for every object.

    Raises UnusableSchema where its definition holds a pattern or a value that no schema may have.
    """
    schema = dict(kind.schema)
    properties = dict(schema.get("properties", {}))
    properties["metadata"] = {"$ref": REF + OBJECT_META}
    schema["properties"] = properties
    meta = kubernetes.kind_schema(version, "v1", "ConfigMap")
    assert meta is not None
    schema["$defs"] = {name: found for name, found in meta["$defs"].items() if ".meta." in name}
    try:
        return Checker(_with_conditions(schema, version))
    except ValueError as error:
        raise UnusableSchema(str(error).splitlines()[0]) from error


def _with_conditions(schema: Schema, version: Minor) -> Schema:
    definitions: dict[str, Any] = schema["$defs"]
    out = {name: _conditioned(name, found, definitions, version) for name, found in definitions.items()}
    for name, made in ALL_FORMATS.items():
        out[PREFIX + name] = made.schema
    return {**schema, "$schema": "https://json-schema.org/draft/2020-12/schema", "$defs": out}


def _conditioned(name: str, found: Schema, definitions: Mapping[str, Schema], version: Minor) -> Schema:
    out = dict(found)
    union = union_of(found)
    if union is not None:
        # The branches of Quantity and IntOrString all allow null, so that null, which the API server takes, would match two.
        del out["oneOf"]
        out["type"] = union
    whole = condition(name, "*", version)
    if whole is not None:
        out["allOf"] = [{"if": {"type": "object"}, "then": _fragment(whole)}] if "null" in out.get("type", ()) and "properties" in out else [_fragment(whole)]
    needed = found.get("required", ())
    if "properties" in found:
        out["properties"] = {key: _field(field, condition(name, key, version), definitions, key in needed) for key, field in found["properties"].items()}
    return out


def _field(field: Schema, demanded: Condition | None, definitions: Mapping[str, Schema], needed: bool) -> Schema:
    """A field's schema with what is demanded of it: its range by format, objects where null would count as absent, the table's conditions."""
    extra: list[Schema] = [_fragment(demanded)] if demanded is not None else []
    if field.get("format") == "int32":
        extra.append({"$ref": f"{REF}{PREFIX}int32"})
    if field.get("format") == "byte":
        extra.append({"$ref": f"{REF}{PREFIX}base64"})
    items = field.get("items")
    if isinstance(items, dict) and _is_object(items, definitions):
        field = {**field, "items": {**items, "type": "object"}}
    elif needed and "$ref" in field:
        kinds = definitions.get(str(field["$ref"]).removeprefix(REF), {}).get("type") or union_of(definitions.get(str(field["$ref"]).removeprefix(REF), {}))
        if isinstance(kinds, list) and "null" in kinds:
            field = {**field, "type": [kind for kind in kinds if kind != "null"]}
    return {**field, "allOf": extra} if extra else field


def union_of(definition: Schema) -> list[str] | None:
    """The types of a definition that is one of several types and nothing else."""
    branches = definition.get("oneOf")
    if not branches or any(set(branch) != {"type"} for branch in branches):
        return None
    return sorted({name for branch in branches for name in branch["type"]}, reverse=True)


def _is_object(schema: Schema, definitions: Mapping[str, Schema]) -> bool:
    """Whether a schema refers to an object with fields."""
    return "$ref" in schema and "properties" in definitions.get(str(schema["$ref"]).removeprefix(REF), {})


def _fragment(demanded: Condition) -> Schema:
    if isinstance(demanded, str):
        return {"$ref": f"{REF}{PREFIX}{demanded}"}
    if isinstance(demanded, tuple):
        return {"enum": [None, *demanded]}
    return {"items": {**_fragment(demanded[0]), "type": ["string", "integer"]}}


def _explain(error: Any, schema: Schema, data: Mapping[str, Any]) -> Iterator[Problem]:
    path: Path = tuple(error.instance_path)
    keyword = error.kind.name
    if keyword == "propertyNames":
        # What is wrong is a key: the inner error tells which, and against what.
        error = error.kind.error
        path, keyword = (*path, str(error.instance)), error.kind.name
    where = list(error.schema_path)
    made = _format_of(where)
    instance = error.instance
    if made is not None:
        yield Problem(made.code, path, _against(made, instance, data), made.hint, False)
    elif keyword == "additionalProperties":
        known = _known(schema, where)
        for name in error.kind.unexpected:
            yield Problem("unknown-field", (*path, str(name)), f"unknown field '{name}'", _did_you_mean(str(name), known), False)
    elif keyword == "type":
        wanted = [TYPES[str(name)] for name in error.kind.types if str(name) != "null"]
        hint = "quote it" if wanted == ["text"] and isinstance(instance, (int, float)) else None
        yield Problem("wrong-type", path, f"expected {listed(wanted)}, found {_found(instance, data)}", hint, True)
    elif keyword == "required":
        yield Problem("missing-field", path, f"expected the field '{error.kind.property}', found none", None, True)
    elif keyword == "enum":
        options = [option for option in error.kind.options if option not in (None, "")]
        close = difflib.get_close_matches(str(instance), [str(option) for option in options], 1, 0.6)
        hint = f"did you mean '{close[0]}'?" if close and instance != "" else None
        yield Problem("wrong-value", path, f"expected {listed(options)}, found {_found(instance, data)}", hint, False)
    else:
        yield Problem("wrong-value", path, f"{_generic(error, keyword)}, found {_found(instance, data)}", None, True)


def _format_of(where: list[Any]) -> Format | None:
    """The innermost named format that an error's place in the schema lies in."""
    for step in reversed(where):
        if isinstance(step, str) and step.startswith(PREFIX):
            return ALL_FORMATS.get(step.removeprefix(PREFIX))
    return None


def _against(made: Format, instance: Any, data: Mapping[str, Any]) -> str:
    if isinstance(instance, dict):
        return f"expected {made.expected}, found {_fields_of(instance)}"
    return f"expected {made.expected}, found {_found(instance, data)}"


def _fields_of(instance: Mapping[str, Any]) -> str:
    names = [str(name) for name, value in instance.items() if value is not None]
    return listed(names, "and") if names else "none"


def _found(instance: Any, data: Mapping[str, Any]) -> str:
    """The value, but never one of a Secret."""
    if data.get("kind") == "Secret" and isinstance(instance, (str, int, float)):
        return "other text" if isinstance(instance, str) else "true or false" if isinstance(instance, bool) else "a number"
    return shown(instance)


def _known(schema: Schema, where: list[Any]) -> list[str]:
    """The fields of the schema whose ``additionalProperties`` refused one."""
    node: Any = schema
    for step in where[:-1]:
        try:
            node = node[step]
        except (KeyError, IndexError, TypeError):
            return []
    return list(node.get("properties", ())) if isinstance(node, dict) else []


def _did_you_mean(name: str, known: list[str]) -> str | None:
    folded = {field.lower(): field for field in known}
    close = difflib.get_close_matches(name.lower(), folded, 1, 0.6)
    return f"did you mean '{folded[close[0]]}'?" if close else None


def _generic(error: Any, keyword: str) -> str:
    """The condition of a custom kind's own schema in words."""
    limit = getattr(error.kind, "limit", None)
    words = {
        "minimum": f"expected {limit} or more",
        "maximum": f"expected {limit} or less",
        "exclusiveMinimum": f"expected more than {limit}",
        "exclusiveMaximum": f"expected less than {limit}",
        "minLength": f"expected at least {limit} characters",
        "maxLength": f"expected at most {limit} characters",
        "minItems": f"expected at least {limit} items",
        "maxItems": f"expected at most {limit} items",
        "minProperties": f"expected at least {limit} fields",
        "maxProperties": f"expected at most {limit} fields",
        "pattern": f"expected text that matches {getattr(error.kind, 'pattern', '')}",
        "const": f"expected {getattr(error.kind, 'expected_value', '')}",
        "uniqueItems": "expected no item twice",
        "oneOf": "expected exactly one of the allowed shapes",
        "anyOf": "expected one of the allowed shapes",
        "not": "expected another value",
    }
    return words.get(keyword, "expected another value")
