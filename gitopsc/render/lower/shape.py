"""How a room takes fields over: renamed, in a fixed order, each with its place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from heapq import heapify, heappop, heappush
from typing import Any

from gitopsc.diagnostics import Place
from gitopsc.values import Map, Seq


def copy_fields(source: Map, target: Map, names: Mapping[str, str]) -> None:
    """Put the fields of ``source`` that are there into ``target``, under the names that Kubernetes gives them."""
    for key, name in names.items():
        if key in source:
            target.put(name, source[key], source.place(key))


def add(target: Seq, value: Any, place: Place | None) -> None:
    """Append an item and say where it was written."""
    target.places.extend([None] * (len(target) - len(target.places)))
    target.append(value)
    target.places.append(place)


def field(source: Map, key: str) -> Map:
    """The map under ``key``; an empty one where there is none, or where a native fragment has something else."""
    value = source.get(key)
    return value if isinstance(value, Map) else Map(value if isinstance(value, dict) else (), source.place(key))


def items(source: Map, key: str) -> list[Map]:
    """The maps of the list under ``key`` of a native fragment; whatever else it holds is left to the validation of the object."""
    value = source.get(key)
    return [item for item in value if isinstance(item, Map)] if isinstance(value, list) else []


def put_map(target: Map, key: str, value: Map | Seq | None, place: Place | None = None) -> None:
    """Put a container, unless it has nothing in it."""
    if value:
        target.put(key, value, place or value.at)


def as_text(source: Map, key: str) -> Any:
    """A number as the text it was written as (``1.10`` stays ``1.10``); anything else as it is."""
    value = source[key]
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return value
    return source.raw.get(key, str(value))


def scalar_map(items: Iterable[tuple[str, Any]], place: Place | None) -> Map:
    """A map whose values were all caused by one place."""
    out = Map((), place)
    for key, value in items:
        out.put(key, value, place)
    return out


def in_order(names: Iterable[str], needs: Callable[[str], Iterable[str]]) -> tuple[list[str], list[str]]:
    """(the names, each after those it needs and otherwise as given; those that wait for each other in a circle).

    Needed names that are not among ``names`` count for nothing.
    """
    listed = list(names)
    index = {name: number for number, name in enumerate(listed)}
    waits = {name: {other for other in needs(name) if other in index and other != name} for name in listed}
    frees: dict[str, list[str]] = {name: [] for name in listed}
    for name, others in waits.items():
        for other in others:
            frees[other].append(name)
    ready = [index[name] for name in listed if not waits[name]]
    heapify(ready)
    out: list[str] = []
    while ready:
        name = listed[heappop(ready)]
        out.append(name)
        for other in frees[name]:
            waits[other].discard(name)
            if not waits[other]:
                heappush(ready, index[other])
    return out, [name for name in listed if name not in set(out)]
