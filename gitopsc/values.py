"""Trees of values that know where each of them was written.

A specification, a lowered field and a rendered manifest are all made of ``Map``, ``Seq`` and scalars
(``str int float bool None``). Places stand beside the values, in the container, so that every scalar stays
a plain Python value. Plain ``dict`` and ``list`` are allowed anywhere a container is: they just know no places.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gitopsc.diagnostics import Place

Value = Any  # Map | Seq | dict | list | str | int | float | bool | None
Path = tuple[str | int, ...]


class Map(dict[str, Any]):
    """A mapping. ``at``: where it begins. ``places``: where each key's value was written. ``keys_at``: where each key was
    written (only as loaded). ``raw``: the source text of plain scalars that are not strings (only as loaded).
    ``removed``: keys that a layer set to null, with the place of the null: an explicit suppression of what a type derives.
    """

    __slots__ = ("at", "keys_at", "places", "raw", "removed")

    def __init__(self, items: Mapping[str, Any] | Iterable[tuple[str, Any]] = (), at: Place | None = None) -> None:
        dict.__init__(self, items)  # as super() would find it, in half the time
        self.at = at
        self.places: dict[str, Place] = {}
        self.keys_at: dict[str, Place] = {}
        self.raw: dict[str, str] = {}
        self.removed: dict[str, Place | None] = {}

    def put(self, key: str, value: Any, place: Place | None = None) -> None:
        """Set ``key`` and say where its value was written."""
        self[key] = value
        if place is not None:
            self.places[key] = place

    def place(self, key: str) -> Place | None:
        """Where the value of ``key`` was written, else where this map begins."""
        return self.places.get(key) or self.at

    def key_place(self, key: str) -> Place | None:
        """Where ``key`` itself was written, else its value, else this map."""
        return self.keys_at.get(key) or self.place(key)


class Seq(list[Any]):
    """A list. ``at``: where it begins. ``places``: where each item was written (may be shorter than the list)."""

    __slots__ = ("at", "places", "raw")

    def __init__(self, items: Iterable[Any] = (), at: Place | None = None) -> None:
        list.__init__(self, items)
        self.at = at
        self.places: list[Place | None] = []
        self.raw: dict[int, str] = {}

    def place(self, index: int) -> Place | None:
        """Where the item was written, else where this list begins."""
        found = self.places[index] if index < len(self.places) else None
        return found or self.at


class LeadingZero(int):
    """An integer that was written with a leading zero (``0644``): its octal value, or its decimal one where it has an 8 or a 9.

    Only a file's mode may be written so; ``raw`` of the container has the text as written.
    """

    __slots__ = ()


def place_of(tree: Value, path: Path) -> Place | None:
    """The place of the deepest value along ``path`` that knows one."""
    best = getattr(tree, "at", None)
    for step in path:
        try:
            if isinstance(tree, Map):
                best = tree.places.get(str(step)) or best
                tree = tree[str(step)]
            elif isinstance(tree, Seq):
                best = (tree.places[int(step)] if int(step) < len(tree.places) else None) or best
                tree = tree[int(step)]
            else:
                tree = tree[step]
        except (KeyError, IndexError, TypeError, ValueError):
            return best
        best = best or getattr(tree, "at", None)
    return best


def plain(value: Value) -> Value:
    """The same tree as plain ``dict`` and ``list``, without places."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value
