"""The leaves of a tree: its values that are no maps, each with its path and place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gitopsc.diagnostics import Place
from gitopsc.values import Map, Path


def leaves(value: Any, path: Path = (), place: Place | None = None) -> Iterator[tuple[Path, Any, Place | None]]:
    """(path, value, place) of everything below that is not a map (an empty map counts)."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from leaves(item, (*path, key), value.places.get(key) if isinstance(value, Map) else place)
    elif path:
        yield path, value, place


def touches(spec: Map, path: Path) -> Place | None:
    """Where ``spec`` sets ``path``, something above it or something below it; None where it leaves it alone."""
    node: Any = spec
    place: Place | None = None
    for step in path:
        if not isinstance(node, Map):
            return place
        if step not in node:
            return place if node.get("$replace") is True else None
        place = node.place(str(step))
        node = node[str(step)]
    return place
