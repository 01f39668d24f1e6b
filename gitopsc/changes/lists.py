"""How the items of two lists belong together: by merge keys, as sets, or by place."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any

from gitopsc import kubernetes
from gitopsc.changes.path import Item

Registered = Mapping[tuple[str, str, tuple[str, ...]], str]
"""The workspace's ``mergeKeys``: (group, kind, path) → key."""

Label = Callable[[Any], str]
Pair = tuple[int | None, int | None]
"""Numbers of an item in the older and in the newer list; None where it is not there."""

_DEFAULTS = {"protocol": "TCP"}
_FAR = 1000  # longer lists without keys are compared number by number: looking for moved items grows with the square


class Keys:
    """The merge keys of one kind in one Kubernetes minor."""

    def __init__(self, version: tuple[int, int], api_version: str, kind: str, registered: Registered | None = None) -> None:
        self.version, self.api_version, self.kind = version, api_version, kind
        self.group = api_version.rpartition("/")[0]
        self.registered = registered or {}

    def is_set(self, path: tuple[str, ...]) -> bool:
        """Whether the list is a set of scalars."""
        return kubernetes.merge_key(self.version, self.api_version, self.kind, path) == ""

    def label(self, path: tuple[str, ...], before: Sequence[Any], after: Sequence[Any]) -> Label | None:
        """What tells the items of both lists at ``path`` apart: the first key that every item has and no two share; None where there is none."""
        for fields in self._candidates(path):

            def label(item: Any, fields: tuple[str, ...] = fields) -> str:
                return "/".join(str(_value(item, field)) for field in fields)

            if all(_fits(items, fields) and len({label(item) for item in items}) == len(items) for items in (before, after)):
                return label
        return None

    def _candidates(self, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        registered = self.registered.get((self.group, self.kind, path))
        if registered:
            yield (registered,)
        key = kubernetes.merge_key(self.version, self.api_version, self.kind, path)
        if key:
            yield (key,)
        several = kubernetes.list_map_keys(self.version, self.api_version, self.kind, path)
        if several:
            yield several
        yield ("name",)
        yield ("metadata.name",)


def _fits(items: Sequence[Any], fields: tuple[str, ...]) -> bool:
    return all(isinstance(item, dict) and all(isinstance(_value(item, field), str | int) for field in fields) for item in items)


def _value(item: Any, field: str) -> Any:
    if field == "metadata.name":
        metadata = item.get("metadata")
        return metadata.get("name") if isinstance(metadata, dict) else None
    return item.get(field, _DEFAULTS.get(field))


def keyed(before: Sequence[Any], after: Sequence[Any], label: Label) -> Iterator[tuple[Item, Pair]]:
    """Each item of either list with its name and where it is, in the older list's order, new ones after."""
    newer = {label(item): number for number, item in enumerate(after)}
    for number, item in enumerate(before):
        yield Item(label(item)), (number, newer.pop(label(item), None))
    for name, number in newer.items():
        yield Item(name), (None, number)


def moved(before: Sequence[Any], after: Sequence[Any], label: Label) -> bool:
    """Whether the items that both lists have stand in another order."""
    old, new = [label(item) for item in before], [label(item) for item in after]
    return [name for name in old if name in new] != [name for name in new if name in old]


def aligned(before: Sequence[Any], after: Sequence[Any]) -> Iterator[Pair]:
    """The items that differ of two lists without keys, those in the same gap side by side."""
    if max(len(before), len(after)) > _FAR:
        yield from _gap(0, len(before), 0, len(after))
        return
    old, new = ([json.dumps(item, sort_keys=True, default=str) for item in items] for items in (before, after))
    for operation, from_old, to_old, from_new, to_new in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if operation != "equal":
            yield from _gap(from_old, to_old, from_new, to_new)


def _gap(from_old: int, to_old: int, from_new: int, to_new: int) -> Iterator[Pair]:
    both = min(to_old - from_old, to_new - from_new)
    yield from ((from_old + number, from_new + number) for number in range(both))
    yield from ((number, None) for number in range(from_old + both, to_old))
    yield from ((None, number) for number in range(from_new + both, to_new))
