"""Lists whose items are told apart by keys (``x-kubernetes-list-map-keys``), and sets: no two items may be the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gitopsc.kubernetes import REF, Schema
from gitopsc.validate.finding import Subject, shown
from gitopsc.values import Path

DEFAULTS: dict[str, Any] = {"protocol": "TCP"}
"""What the API server takes for a key that is not written."""


class Keyed:
    """What to look at in a value: ``fields`` by name, ``items`` of a list, ``values`` of a map; ``keys`` of a keyed list; ``unique``: a set."""

    __slots__ = ("fields", "items", "keys", "unique")

    def __init__(self) -> None:
        self.fields: dict[str, Keyed] = {}
        self.items: Keyed | None = None
        self.keys: tuple[str, ...] = ()
        self.unique = False


def keyed_lists(schema: Schema) -> Keyed | None:
    """Where a kind has keyed lists; None where it has none."""
    return _keyed(schema, schema.get("$defs", {}), ())


def _keyed(schema: Any, definitions: Mapping[str, Any], inside: tuple[str, ...]) -> Keyed | None:
    if not isinstance(schema, dict):
        return None
    target = schema.get("$ref")
    if isinstance(target, str):
        name = target.removeprefix(REF)
        return None if name in inside else _keyed(definitions.get(name), definitions, (*inside, name))
    out = Keyed()
    fields = ((name, _keyed(field, definitions, inside)) for name, field in schema.get("properties", {}).items() if name != "status")
    out.fields = {name: found for name, found in fields if found is not None}
    out.items = _keyed(schema.get("items"), definitions, inside)
    out.keys = tuple(schema.get("x-kubernetes-list-map-keys", ()))
    out.unique = schema.get("x-kubernetes-list-type") == "set"
    return out if out.fields or out.items or out.keys or out.unique else None


def check_duplicates(subject: Subject, value: Any, keyed: Keyed, path: Path = ()) -> None:
    """Report the items that have the keys of an earlier one."""
    if isinstance(value, dict):
        fields = keyed.fields
        for name, found in value.items():
            inner = fields.get(name)
            if inner is not None and found:
                check_duplicates(subject, found, inner, (*path, name))
    elif isinstance(value, list):
        if keyed.keys and len(value) > 1:
            _check_list(subject, value, keyed.keys, path)
        elif keyed.unique and len(value) > 1:
            _check_set(subject, value, path)
        if keyed.items is not None:
            for index, item in enumerate(value):
                check_duplicates(subject, item, keyed.items, (*path, index))


def _check_set(subject: Subject, items: list[Any], path: Path) -> None:
    seen: set[str] = set()
    for index, item in enumerate(items):
        if repr(item) in seen:
            subject.error("duplicate", (*path, index), f"expected each item once, found {shown(item)} again")
        seen.add(repr(item))


def _check_list(subject: Subject, items: list[Any], keys: tuple[str, ...], path: Path) -> None:
    if len(keys) == 1:
        key = keys[0]
        found = [item.get(key) for item in items if isinstance(item, dict)]
        if len({str(value) for value in found}) == len(items):
            return
    seen: set[tuple[Any, ...]] = set()
    for index, item in enumerate(items):
        if not isinstance(item, dict):
            continue
        values = tuple(item.get(key, DEFAULTS.get(key)) for key in keys)
        comparable = tuple(map(repr, values))
        if comparable in seen:
            named = " and ".join(f"{key} {shown(value)}" for key, value in zip(keys, values, strict=True) if value is not None)
            subject.error("duplicate", (*path, index), f"expected each item once, found {named} again", "the API server tells the items apart by it")
        seen.add(comparable)
