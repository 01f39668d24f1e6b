"""What differs between a live object and what the server says our apply would make of it, and who did that. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from gitopsc.cluster.fields import Entry, Fields, Item, Path, child, entries, keys_at, leaves, matches, merged, owners, owns, written
from gitopsc.cluster.normal import MANAGER, normal
from gitopsc.objects import ObjectRef

Kind = Literal["changed", "missing", "extra", "contended"]
_ABSENT = object()


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that differs. ``before`` is the live value, ``after`` what an apply would leave; None where it is absent."""

    path: Path
    before: Any
    after: Any
    kind: Kind


@dataclass(frozen=True, slots=True)
class Finding:
    """One field, or (``path`` null) a whole object, that is not as applied. ``manager`` and ``time`` are the server's word on who did
    it and when; null where it keeps no trace: it has none of what was removed.
    """

    ref: ObjectRef
    kind: Kind
    path: str | None = None
    manager: str | None = None
    time: str | None = None


def differences(live: Mapping[str, Any], result: Mapping[str, Any]) -> list[Difference]:
    """Every field that an apply changes, outside status and bookkeeping, in the order of the live object."""
    typed = merged(entry.fields for one in (live, result) for entry in entries(one))
    return list(_walk((), normal(live), normal(result), typed))


def _walk(path: Path, before: Any, after: Any, typed: Fields) -> Iterator[Difference]:
    if before is _ABSENT or after is _ABSENT:
        kind: Kind = "missing" if before is _ABSENT else "extra"
        yield Difference(path, None if before is _ABSENT else before, None if after is _ABSENT else after, kind)
    elif isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in dict.fromkeys((*before, *after)):
            yield from _walk((*path, key), before.get(key, _ABSENT), after.get(key, _ABSENT), child(typed, key))
    elif isinstance(before, list) and isinstance(after, list):
        yield from _lists(path, before, after, typed)
    elif before != after or isinstance(before, bool) != isinstance(after, bool):
        yield Difference(path, before, after, "changed")


def _lists(path: Path, before: list[Any], after: list[Any], typed: Fields) -> Iterator[Difference]:
    if before == after:
        return
    keys = keys_at(typed)
    if keys is None or not all(_is_keyed(item, keys) for item in (*before, *after)):
        yield Difference(path, before, after, "changed")
        return
    old, new = ({_item(one, keys): one for one in items} for items in (before, after))
    if len(old) != len(before) or len(new) != len(after):
        yield Difference(path, before, after, "changed")
        return
    found = [d for item in dict.fromkeys((*old, *new)) for d in _walk((*path, item), old.get(item, _ABSENT), new.get(item, _ABSENT), child(typed, item))]
    yield from found
    if not found:
        yield Difference(path, before, after, "changed")  # in another order


def _is_keyed(item: Any, keys: tuple[str, ...]) -> bool:
    return not isinstance(item, Mapping | list) if not keys else isinstance(item, Mapping) and any(key in item for key in keys)


def _item(one: Any, keys: tuple[str, ...]) -> Item:
    return Item(tuple((key, one[key]) for key in sorted(keys) if key in one)) if keys else Item((), one)


def findings(ref: ObjectRef, live: Mapping[str, Any], found: Iterable[Difference]) -> list[Finding]:
    """Differences as drift: an object whose manifest is as it was when it was last applied should have none."""
    listed = [entry for entry in entries(live) if entry.manager != MANAGER or not entry.applies]
    return [_finding(ref, difference, listed) for difference in found]


def _finding(ref: ObjectRef, difference: Difference, listed: list[Entry]) -> Finding:
    who = next(iter(owners(listed, difference.path)), None) if difference.kind != "missing" else None
    return Finding(ref, difference.kind, written(difference.path), who.manager if who else None, who.time if who else None)


def absent(ref: ObjectRef) -> Finding:
    """An object that was applied and is gone."""
    return Finding(ref, "missing")


def extras(ref: ObjectRef, live: Mapping[str, Any], ignored: Iterable[tuple[str, ...]] = ()) -> list[tuple[Path, Finding]]:
    """Fields that others set and we never did. What the server, an admission webhook or a status writer filled in is none of them."""
    listed = entries(live)
    ours = [entry.fields for entry in listed if entry.manager == MANAGER]
    patterns = tuple(ignored)
    found: dict[Path, Finding] = {}
    for entry in listed:
        if entry.manager == MANAGER or entry.subresource:
            continue
        for path in leaves(entry.fields):
            if path[0] == "status" or path in found or matches(patterns, path) or any(owns(fields, path) for fields in ours):
                continue
            who = owners(listed, path)[0]
            found[path] = Finding(ref, "extra", written(path), who.manager, who.time)
    return list(found.items())


def removal(live: Mapping[str, Any], paths: Iterable[Path]) -> list[dict[str, Any]]:
    """The JSON patch that takes fields out of the object as it was read, and out of no other."""
    pointers = [pointer for path in paths if (pointer := _pointer(live, path)) is not None]
    if not pointers:
        return []
    # The last item of a list goes first, so that the numbers of those before it stay right.
    ordered = sorted(pointers, key=lambda steps: tuple((isinstance(s, int), s if isinstance(s, int) else 0, str(s)) for s in steps), reverse=True)
    test = {"op": "test", "path": "/metadata/resourceVersion", "value": live["metadata"]["resourceVersion"]}
    return [test, *({"op": "remove", "path": "".join(f"/{_escaped(s)}" for s in steps)} for steps in ordered)]


def _pointer(live: Any, path: Path) -> tuple[str | int, ...] | None:
    steps: list[str | int] = []
    node = live
    for one in path:
        if isinstance(one, Item):
            number = next((n for n, item in enumerate(node) if one.fits(item)), None) if isinstance(node, list) else None
        elif isinstance(one, int):
            number = one if isinstance(node, list) and one < len(node) else None
        else:
            if not isinstance(node, Mapping) or one not in node:
                return None
            steps.append(one)
            node = node[one]
            continue
        if number is None:
            return None
        steps.append(number)
        node = node[number]
    return tuple(steps)


def _escaped(one: str | int) -> str:
    return str(one).replace("~", "~0").replace("/", "~1")


class Contention:
    """Fields that somebody takes back each time we heal them: after a few rounds they are left alone for a while, ever longer.

    Kept by whoever makes passes one after another. Times are seconds of any clock that only goes forward.
    """

    ROUNDS = 3
    FIRST_PAUSE, LONGEST_PAUSE = 300.0, 3600.0
    CALM = 900.0

    def __init__(self) -> None:
        self._seen: dict[tuple[ObjectRef, str | None], tuple[int, float]] = {}

    def healed(self, found: Sequence[Finding], now: float) -> None:
        """These were healed just now."""
        for one in found:
            count, last = self._seen.get((one.ref, one.path), (0, now))
            self._seen[one.ref, one.path] = (1 if now - last > self._pause(count) + self.CALM else count + 1, now)

    def contended(self, one: Finding) -> bool:
        """Whether the field was healed so often that somebody must be fighting over it."""
        return self._seen.get((one.ref, one.path), (0, 0.0))[0] >= self.ROUNDS

    def resting(self, one: Finding, now: float) -> bool:
        """Whether it is to be left alone for now."""
        count, last = self._seen.get((one.ref, one.path), (0, now))
        return count >= self.ROUNDS and now - last < self._pause(count)

    def _pause(self, count: int) -> float:
        return min(self.LONGEST_PAUSE, self.FIRST_PAUSE * 2 ** min(count - self.ROUNDS, 10)) if count >= self.ROUNDS else 0.0
