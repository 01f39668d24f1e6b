"""What a schema expects, what was found and what to do about it, in words for people."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from gitopsc.spec.nearest import nearest
from gitopsc.spec.written import LIST_OPERATORS, Schema, json_type

Deref = Callable[[Schema], Schema]

TYPES = {"string": "text", "integer": "an integer", "number": "a number", "boolean": "true or false", "object": "a map", "array": "a list", "null": "nothing"}
YES = frozenset({"yes", "on", "y", "true"})
NO = frozenset({"no", "off", "n", "false"})
UNIT = re.compile(r"^([0-9.]+) *([kKMGTPE])i?[bB](?:yte)?s?$")
LONGEST = 60


def either(words: Sequence[str]) -> str:
    """``a``, ``a or b``, ``a, b or c``."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def shown(value: Any) -> str:
    """A value of an enum as a person would write it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"'{value}'" if isinstance(value, str) else str(value)


def expected(schema: Schema, deref: Deref) -> str:
    """A noun phrase for what a schema allows: its own words, or words made of its type, choices and bounds."""
    followed = deref(schema)
    words = schema.get("x-expected") or followed.get("x-expected")
    if words:
        return str(words)
    if "anyOf" in followed:
        parts = [expected(branch, deref) for branch in followed["anyOf"] if "x-operator" not in deref(branch)]
        return either(list(dict.fromkeys(parts))) if parts else "another value"
    if "enum" in followed:
        return either([shown(value) for value in followed["enum"]])
    if "const" in followed:
        return shown(followed["const"])
    kinds = followed.get("type")
    kinds = [kinds] if isinstance(kinds, str) else kinds or (["object"] if "properties" in followed else [])
    text = either([TYPES[kind] for kind in kinds if kind != "null"] or ["another value"])
    return text + _bounds(followed)


def _bounds(schema: Schema) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return f" from {low} to {high}"
    if low is not None:
        return f" of {low} or more"
    if high is not None:
        return f" of at most {high}"
    if "maxLength" in schema:
        return f" of at most {schema['maxLength']} characters"
    if schema.get("minItems"):
        return f" of at least {schema['minItems']} item{'s' if schema['minItems'] > 1 else ''}"
    if schema.get("pattern"):
        return f" that matches {schema['pattern']}"
    return ""


def found(value: Any, raw: str | None) -> str:
    """What stands there, in few words."""
    if isinstance(value, str):
        text = value if len(value) <= LONGEST else f"{value[:LONGEST]}…"
        return "'" + text.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t") + "'"
    if isinstance(value, dict):
        return "a map"
    if isinstance(value, list):
        return "a list"
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return f"the boolean {raw or str(value).lower()}"
    return f"the number {raw or value}"


def hint(schema: Schema, value: Any, raw: str | None, deref: Deref) -> str | None:
    """What to do about a value that a schema does not allow, where it can be told."""
    leaves = _leaves(schema, deref)
    kinds = {kind for leaf in leaves for kind in _kinds(leaf)}
    if isinstance(value, str):
        return _text_hint(leaves, kinds, value)
    if isinstance(value, list):
        if "object" in kinds and "array" not in kinds and any("propertyNames" in leaf for leaf in leaves):
            return "write a map: each item under its name"
        return None
    if isinstance(value, dict):
        return _map_hint(kinds, value)
    if "string" in kinds and value is not None and json_type(value) not in kinds:
        text = raw or (str(value).lower() if isinstance(value, bool) else str(value))
        return f'quote it: "{text}"'
    if "array" in kinds and value is not None:
        return f"write a list: [{raw or value}]"
    if any(leaf.get("maximum") == 0o777 for leaf in leaves) and set(str(value)) <= set("01234567"):
        return f"write it in octal, with a leading zero: 0{value}"
    return None


def _leaves(schema: Schema, deref: Deref) -> list[Schema]:
    """The alternatives of a schema, without the operators of merging."""
    followed = deref(schema)
    if "x-operator" in followed:
        return []
    if "anyOf" in followed:
        return [leaf for branch in followed["anyOf"] for leaf in _leaves(branch, deref)]
    return [followed]


def _kinds(schema: Schema) -> tuple[str, ...]:
    kind = schema.get("type")
    if kind is None and "enum" in schema:
        return tuple(json_type(value) for value in schema["enum"])
    return (kind,) if isinstance(kind, str) else tuple(kind or ())


def _text_hint(leaves: list[Schema], kinds: set[str], value: str) -> str | None:
    choices = [choice for leaf in leaves for choice in leaf.get("enum", ()) if isinstance(choice, str)]
    near = nearest(value, choices) if choices else None
    if near:
        return f"did you mean '{near}'?"
    if "boolean" in kinds and value.lower() in YES | NO:
        return f"write {'true' if value.lower() in YES else 'false'}"
    if kinds & {"integer", "number"} and "string" not in kinds and re.fullmatch(r"[0-9]+", value):
        return f"write it without quotes: {value}"
    if "array" in kinds and "string" not in kinds:
        return f"write a list: [{value}]" if len(value) <= LONGEST and "\n" not in value else "write a list"
    patterns = [leaf["pattern"] for leaf in leaves if "pattern" in leaf and "x-expected" in leaf]
    if value != value.lower() and len(value) <= 255 and any(re.search(pattern, value.lower()) for pattern in patterns):
        return f"write it in lower case: {value.lower()}"
    unit = UNIT.match(value)
    if unit and any(re.search(pattern, "1Gi") for pattern in patterns):
        letter = unit[2].upper() if unit[2] == "k" else unit[2]
        return f"write {unit[1]}{letter}i (1024s) or {unit[1]}{'k' if letter == 'K' else letter} (1000s)"
    return None


def _map_hint(kinds: set[str], value: dict[str, Any]) -> str | None:
    if "array" in kinds:
        return "write a list: each item after '- '"
    if any(operator in value for operator in LIST_OPERATORS):
        return "'$append', '$prepend' and '$remove' are for lists"
    return None
