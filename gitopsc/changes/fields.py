"""Two manifests of one object, field by field, each difference with the place in the specs that caused it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gitopsc.changes.lists import Keys, aligned, keyed, moved
from gitopsc.changes.path import Item, Path, names, written
from gitopsc.diagnostics import Place
from gitopsc.objects import Manifest
from gitopsc.quantities import quantity
from gitopsc.values import Map, Seq, place_of
from gitopsc.values import Path as Steps

BUILT_IN = "gitopsc:"
Origins = dict[str, Any]
"""Keys and item numbers of a structure, nested like it, each with its place (as text) under ""; only where it is on another line than
what is around it."""
_QUANTITIES = frozenset({"requests", "limits", "hard", "capacity"})
_ORDERED = frozenset({"initContainers"})
"""Keyed lists whose order is what runs, too."""


@dataclass(frozen=True, slots=True)
class Field:
    """One difference. ``before`` or ``after`` is None where the field, or the list's item, is not there.

    ``origins``: within a structure that is new, the parts that another place caused than what is around them (see ``origins_of``).
    """

    path: Path
    before: Any
    after: Any
    origin: Place | None
    origins: Origins | None = None

    @property
    def text(self) -> str:
        """Its path as people read it."""
        return written(self.path)

    def below(self, *prefix: str) -> bool:
        """Whether it is at or below this path of field names from the root."""
        return names(self.path)[: len(prefix)] == prefix


def compare(before: Manifest, after: Manifest, keys: Keys, ignored: tuple[Path, ...] = ()) -> list[Field]:
    """Every field that differs, in the older manifest's order, new ones after. ``ignored`` paths are passed over.

    The order of lists that have merge keys, quantities that say the same in other words, and null against absent are no differences.
    """
    walk = _Walk(before, after, keys, frozenset(ignored))
    return list(walk.value((), (), (), before.data, after.data))


def parts(manifest: Manifest, *, is_new: bool) -> list[Field]:
    """A whole object as fields, one for each part of it: ``spec``, ``data``, ``metadata.labels`` …; its identity is left out."""
    out = []
    found: list[tuple[tuple[str, ...], Any]]
    for key, value in manifest.data.items():
        if key == "metadata" and isinstance(value, dict):
            found = [((key, name), item) for name, item in value.items() if name not in ("name", "namespace")]
        else:
            found = [] if key in ("apiVersion", "kind") else [((key,), value)]
        for path, item in found:
            origin = origin_of(manifest, path)
            out.append(Field(path, None, item, origin, origins_of(item, origin)) if is_new else Field(path, item, None, origin))
    return out


def origin_of(manifest: Manifest, path: Steps) -> Place | None:
    """The place in the specs that made the value at ``path``: its own, else the first one below it, else the object's.

    A built-in template's place is given only where no spec had a say.
    """
    own = place_of(manifest.data, path)
    if own is not None and not own.file.startswith(BUILT_IN):
        return own
    node: Any = manifest.data
    for step in path:
        node = node[step]
    below = next((place for place in _places(node) if not place.file.startswith(BUILT_IN)), None)
    return below or manifest.origin or own


def origins_of(value: Any, around: Place | None) -> Origins | None:
    """Where the parts of a structure come from, as far as it is from elsewhere than ``around``; None where there is nothing to tell."""
    if isinstance(value, dict):
        found = [(key, item, value.places.get(key) if isinstance(value, Map) else None) for key, item in value.items()]
    elif isinstance(value, list):
        found = [(str(number), item, value.place(number) if isinstance(value, Seq) else None) for number, item in enumerate(value)]
    else:
        return None
    out: Origins = {}
    for key, item, place in found:
        own = around if place is None or place.file.startswith(BUILT_IN) else place
        inner = origins_of(item, own) or {}
        if own is not None and (around is None or own[:2] != around[:2]):
            inner = {"": str(own), **inner}
        if inner:
            out[key] = inner
    return out or None


def _places(node: Any) -> Iterator[Place]:
    if isinstance(node, Map | Seq) and node.at is not None:
        yield node.at
    if isinstance(node, dict):
        for key, item in node.items():
            place = node.places.get(key) if isinstance(node, Map) else None
            if place is not None:
                yield place
            yield from _places(item)
    elif isinstance(node, list):
        for number, item in enumerate(node):
            place = node.place(number) if isinstance(node, Seq) else None
            if place is not None:
                yield place
            yield from _places(item)


def same(before: Any, after: Any) -> bool:
    """Deep equality that tells ``1`` from ``true``."""
    if isinstance(before, dict) and isinstance(after, dict):
        return before.keys() == after.keys() and all(same(item, after[key]) for key, item in before.items())
    if isinstance(before, list) and isinstance(after, list):
        return len(before) == len(after) and all(same(old, new) for old, new in zip(before, after, strict=True))
    return isinstance(before, bool) == isinstance(after, bool) and bool(before == after)


class _Walk:
    """One comparison. ``path`` names items by their keys; ``old`` and ``new`` lead to the values by number."""

    def __init__(self, before: Manifest, after: Manifest, keys: Keys, ignored: frozenset[Path]) -> None:
        self.before, self.after, self.keys, self.ignored = before, after, keys, ignored

    def value(self, path: Path, old: Steps, new: Steps, before: Any, after: Any) -> Iterator[Field]:
        if path in self.ignored:
            return
        if isinstance(before, dict) and isinstance(after, dict):
            for key in dict.fromkeys((*before, *after)):
                yield from self.value((*path, key), (*old, key), (*new, key), before.get(key), after.get(key))
        elif isinstance(before, list) and isinstance(after, list):
            yield from self.items(path, old, new, before, after)
        elif not same(before, after) and not _same_quantity(path, before, after):
            yield self.field(path, old, new, before, after)

    def field(self, path: Path, old: Steps, new: Steps, before: Any, after: Any) -> Field:
        if after is None:
            return Field(path, before, None, origin_of(self.before, old))
        origin = origin_of(self.after, new)
        return Field(path, before, after, origin, origins_of(after, origin))

    def items(self, path: Path, old: Steps, new: Steps, before: list[Any], after: list[Any]) -> Iterator[Field]:
        if same(before, after):
            return
        steps = names(path)
        if self.keys.is_set(steps):
            yield from self.members(path, old, new, before, after)
            return
        label = self.keys.label(steps, before, after)
        if label is not None:
            for item, pair in keyed(before, after, label):
                yield from self.item((*path, item), old, new, before, after, pair)
            if path[-1] in _ORDERED and moved(before, after, label):
                yield self.field(path, old, new, [label(item) for item in before], [label(item) for item in after])
        elif all(isinstance(item, dict) for item in (*before, *after)):
            for pair in aligned(before, after):
                number = pair[1] if pair[1] is not None else pair[0]
                assert number is not None
                yield from self.item((*path, number), old, new, before, after, pair)
        else:
            yield self.field(path, old, new, before, after)

    def item(self, path: Path, old: Steps, new: Steps, before: list[Any], after: list[Any], pair: tuple[int | None, int | None]) -> Iterator[Field]:
        first, second = pair
        yield from self.value(
            path,
            old if first is None else (*old, first),
            new if second is None else (*new, second),
            None if first is None else before[first],
            None if second is None else after[second],
        )

    def members(self, path: Path, old: Steps, new: Steps, before: list[Any], after: list[Any]) -> Iterator[Field]:
        for number, item in enumerate(before):
            if item not in after:
                yield self.field((*path, Item(str(item))), (*old, number), new, item, None)
        for number, item in enumerate(after):
            if item not in before:
                yield self.field((*path, Item(str(item))), old, (*new, number), None, item)


def _same_quantity(path: Path, before: Any, after: Any) -> bool:
    """``500m`` and ``0.5``: the API server takes one for the other, so nothing changes in the cluster."""
    if len(path) < 2 or path[-2] not in _QUANTITIES or before is None or after is None:
        return False
    first, second = quantity(before), quantity(after)
    return first is not None and first == second
