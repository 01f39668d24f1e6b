"""The JSON Schema that a component type brings for the fields it adds: written by people, so it is looked at before it is used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gitopsc.diagnostics import Diagnostics, Place
from gitopsc.spec.fields import fields
from gitopsc.spec.merge import dotted
from gitopsc.spec.written import step_into
from gitopsc.values import LeadingZero, Map, Path, place_of

LARGEST = 10_000
DEEPEST = 100


Refusal = Callable[[Any], tuple[Path, str] | None]


class TooLarge(Exception):
    """A schema that means more than anybody writes: following its references it has no end in sight."""


def own_words(schema: Any) -> Any:
    """The schema without words that would mean more to us, or elsewhere, than they say to a validator."""
    if isinstance(schema, dict):
        return {key: own_words(value) for key, value in schema.items() if not key.startswith("x-") and key not in ("$id", "$schema", "id")}
    if isinstance(schema, list):
        return [own_words(item) for item in schema]
    return int(schema) if isinstance(schema, LeadingZero) else schema


def check_type_schema(schema: Map, place: Place | None, refusal: Refusal, diagnostics: Diagnostics) -> bool:
    """Whether it is a JSON Schema (draft-07) that refers to nothing outside itself, whose patterns are matched in linear time, of a
    bounded size with its references followed, and whose fields no workload has already. ``refusal`` gives the place in a schema that
    the validator cannot take, and why.
    """
    before = len(diagnostics)
    words = own_words(schema)
    try:
        _size(words, words, {}, 0)
    except TooLarge:
        message = f"expected a JSON Schema of at most {LARGEST} parts and {DEEPEST} levels, its references followed, found a larger one"
        diagnostics.error("bad-schema", message, place, path="spec.schema", hint="say it with fewer references")
        return False
    refused = refusal(words)
    if refused is not None:
        path, reason = refused
        message = f"expected a JSON Schema of draft-07 that refers to nothing outside itself, found one in which {reason}"
        diagnostics.error("bad-schema", message, place_of(schema, path) or place, path=dotted(("spec", "schema", *path)))
    known, own = fields("workload"), schema.get("properties")
    own = own if isinstance(own, Map) else Map()
    for name in sorted(known.keys() & own):
        message = f"expected a name that no field of a workload has, found '{name}'"
        diagnostics.error("bad-name", message, own.key_place(name), path=dotted(("spec", "schema", "properties", name)), hint="call the type's field otherwise")
    return len(diagnostics) == before


def _size(schema: Any, root: Any, sizes: dict[str, int], depth: int) -> int:
    """How many parts a validator may have to look at for one value. Raises ``TooLarge``."""
    if depth > DEEPEST:
        raise TooLarge
    if isinstance(schema, list):
        total = sum(_size(item, root, sizes, depth + 1) for item in schema)
    elif isinstance(schema, dict):
        total = 1 + sum(_size(value, root, sizes, depth + 1) for key, value in schema.items() if key not in ("definitions", "$defs", "$ref"))
        ref = schema.get("$ref")
        if isinstance(ref, str) and ref.startswith("#"):
            total += _target_size(ref, root, sizes, depth)
    else:
        return 1
    if total > LARGEST:
        raise TooLarge
    return total


def _target_size(ref: str, root: Any, sizes: dict[str, int], depth: int) -> int:
    if ref not in sizes:
        sizes[ref] = 1  # where it refers to itself, the data decides how deep it goes
        try:
            sizes[ref] = _size(step_into(root, ref[1:]), root, sizes, depth + 1)
        except (KeyError, IndexError, ValueError, TypeError):
            return 1  # the validator tells that it leads nowhere
    return sizes[ref]
