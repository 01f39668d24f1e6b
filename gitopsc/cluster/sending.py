"""What is sent for an object, where that is not its manifest as it stands: fields that are left to others. Pure."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

from gitopsc.cluster.desired import Wanted
from gitopsc.cluster.fields import Entry, Item, Path, entries, own, owners, owns
from gitopsc.cluster.normal import MANAGER
from gitopsc.cluster.settings import Patterns

REPLICAS: Path = ("spec", "replicas")
_KEYS = ("name", "containerPort", "port", "mountPath", "devicePath", "key", "ip", "type", "topologyKey", "uid")
_ABSENT = object()


def sent(one: Wanted, live: Mapping[str, Any] | None, ignored: Patterns, *, autoscaled: bool = False) -> Mapping[str, Any]:
    """The body of the apply.

    An ``ignored`` field keeps its live value: left out where another manager applies it, sent as it is where nobody keeps it but us.
    ``autoscaled``: an autoscaler has taken over from Git (``hands_over``), so ``replicas`` are sent as they are.
    """
    if live is None or not (ignored or autoscaled):
        return one.data
    listed = entries(live)
    data: dict[str, Any] = copy.deepcopy(dict(one.data))
    for pattern in ignored:
        for path in located(one.data, pattern):
            _leave(data, path, live, listed)
    if autoscaled:
        data.setdefault("spec", {})["replicas"] = live["spec"]["replicas"]
    return data


def hands_over(one: Wanted, live: Mapping[str, Any]) -> bool:
    """Whether ``replicas`` have left Git and nobody but us keeps their live value."""
    if "replicas" in (one.data.get("spec") or {}) or not isinstance((live.get("spec") or {}).get("replicas"), int):
        return False
    ours = own(live, MANAGER)
    return ours is not None and owns(ours, REPLICAS) and not _others(entries(live), REPLICAS)


def _others(listed: Iterable[Entry], path: Path) -> list[Entry]:
    return [entry for entry in owners(listed, path) if entry.manager != MANAGER or not entry.applies]


def _leave(data: dict[str, Any], path: Path, live: Mapping[str, Any], listed: list[Entry]) -> None:
    value = value_at(live, path)
    kept_by_another = any(entry.applies for entry in _others(listed, path))
    parent = value_at(data, path[:-1])
    last = path[-1]
    if isinstance(parent, dict) and isinstance(last, str):
        if value is _ABSENT or kept_by_another:
            parent.pop(last, None)
        else:
            parent[last] = copy.deepcopy(value)
    elif isinstance(parent, list) and isinstance(last, Item):
        number = next(n for n, item in enumerate(parent) if last.fits(item))
        if value is _ABSENT or kept_by_another:
            del parent[number]
        else:
            parent[number] = copy.deepcopy(value)


def located(value: Any, words: tuple[str, ...], prefix: Path = ()) -> list[Path]:
    """Every path of a manifest that a pattern names; items of lists by the value of a key such as ``name``."""
    if not words:
        return [prefix] if prefix else []
    first, rest = words[0], words[1:]
    if isinstance(value, Mapping):
        return [path for key in value if first in ("*", key) for path in located(value[key], rest, (*prefix, key))]
    if isinstance(value, list):
        named = [(item, key) for item in value if isinstance(item, Mapping) and (key := _key(item)) is not None and first in ("*", str(item[key]))]
        return [path for item, key in named for path in located(item, rest, (*prefix, Item(((key, item[key]),))))]
    return []


def _key(item: Mapping[str, Any]) -> str | None:
    return next((key for key in _KEYS if isinstance(item.get(key), str | int)), None)


def value_at(value: Any, path: Path) -> Any:
    """The value at a path of field names and items; a mark that is no value where there is none."""
    for step in path:
        if isinstance(step, Item) and isinstance(value, list):
            value = next((item for item in value if step.fits(item)), _ABSENT)
        elif isinstance(value, Mapping) and isinstance(step, str) and step in value:
            value = value[step]
        else:
            return _ABSENT
        if value is _ABSENT:
            return _ABSENT
    return value
