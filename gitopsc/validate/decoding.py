"""What an API server refuses while it reads an object: fields that the kind does not have, values of another type.

That comes before defaults, webhooks and the fields of other managers have a say, so it is certain, whatever else the cluster does. What is
merely missing or out of place is not looked for: somebody may put it right before the server judges.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from gitopsc import kubernetes
from gitopsc.kubernetes import Minor, Schema
from gitopsc.validate.formats import FORMATS, PREFIX, Format
from gitopsc.validate.schema import Checker, Problem, union_of

_QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"
_SPACED = Format(
    "wrong-quantity", FORMATS["quantity"].expected, {"pattern": rf"^\s*{FORMATS['quantity'].schema['pattern'][1:-1]}\s*$"}, FORMATS["quantity"].hint
)
_DEMANDS = {"int32": "int32", "byte": "base64"}
"""By the ``format`` of a field: what must hold, else it is no value of its type."""


def unreadable(version: Minor, data: Mapping[str, Any]) -> list[Problem]:
    """What a server of this minor cannot read of an object; nothing of kinds, and of minors, whose schemas are not at hand.

    ``data`` is a whole object. Custom kinds are the cluster's own, also those whose definitions gitopsc ships.
    """
    checker = _checker(version, str(data.get("apiVersion", "")), str(data.get("kind", "")))
    return [] if checker is None or checker.is_valid(data) else list(checker.problems(data))


@functools.cache
def _checker(version: Minor, api_version: str, kind: str) -> Checker | None:
    schema = kubernetes.kind_schema(version, api_version, kind)
    if schema is None:
        return None
    definitions: dict[str, Schema] = {name: _read(name, found) for name, found in schema["$defs"].items()}
    definitions |= {PREFIX + name: made.schema for name, made in FORMATS.items()}
    definitions[f"{PREFIX}quantity"] = _SPACED.schema
    return Checker({**schema, "$defs": definitions})


def _read(name: str, found: Schema) -> Schema:
    """A definition without what it requires, and with what its formats demand."""
    out = {key: value for key, value in found.items() if key not in ("required", "oneOf")}
    union = union_of(found)
    if union is not None:
        out["type"] = union
    elif "oneOf" in found:
        out["oneOf"] = found["oneOf"]
    if name == _QUANTITY:
        out["allOf"] = [{"$ref": f"{kubernetes.REF}{PREFIX}quantity"}]
    if "properties" in found:
        out["properties"] = {key: _formatted(field) for key, field in found["properties"].items()}
    return out


def _formatted(field: Schema) -> Schema:
    """A field, its items or values, held to the format that it names. Nothing, which is no value of any type, counts as absent everywhere."""
    out = dict(field)
    if isinstance(out.get("type"), str):
        out["type"] = [out["type"], "null"]
    demanded = _DEMANDS.get(field.get("format", ""))
    if demanded is not None:
        out["allOf"] = [{"$ref": f"{kubernetes.REF}{PREFIX}{demanded}"}]
    for key in ("items", "additionalProperties"):
        if isinstance(field.get(key), dict):
            out[key] = _formatted(field[key])
    return out
