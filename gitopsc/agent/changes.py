"""Which events of a watch are worth a pass. Pure.

A controller writes status all day, and our own applies come back as events. What counts is what a person, or another manager, could have
changed: everything but status and the server's bookkeeping; and a health that is another than before.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

_BOOKKEEPING = frozenset({"resourceVersion", "managedFields", "generation", "selfLink", "creationTimestamp"})

Object = Mapping[str, Any]
Key = tuple[str, str]


class Changes:
    """The objects of one kind as last seen: 16 bytes and a word each. ``state``: the health of an object in a word."""

    def __init__(self, state: Callable[[Object], str] = lambda _: "") -> None:
        self._state = state
        self._known: dict[Key, tuple[bytes, str]] = {}
        self._synced = False

    def synced(self, items: Iterable[Object]) -> bool:
        """Everything there is; whether something changed since it was last known. At first everything is new, so: true."""
        now = {_key(item): self._seen(item) for item in items}
        changed = not self._synced or now != self._known
        self._known, self._synced = now, True
        return changed

    def changed(self, item: Object) -> bool:
        """An object was added or modified; whether that matters."""
        key, seen = _key(item), self._seen(item)
        known = self._known.get(key)
        self._known[key] = seen
        return known != seen

    def deleted(self, item: Object) -> bool:
        """An object is gone; whether it was known."""
        return self._known.pop(_key(item), None) is not None

    def _seen(self, item: Object) -> tuple[bytes, str]:
        metadata = {name: value for name, value in (item.get("metadata") or {}).items() if name not in _BOOKKEEPING}
        rest = {name: value for name, value in item.items() if name not in {"status", "metadata", "apiVersion", "kind"}}
        text = json.dumps([metadata, rest], sort_keys=True, separators=(",", ":"))
        return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=16).digest(), self._state(item)


def _key(item: Object) -> Key:
    metadata = item.get("metadata") or {}
    return str(metadata.get("namespace") or ""), str(metadata.get("name") or "")
