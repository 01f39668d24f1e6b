"""A watch on each kind that we own, so that drift is met within moments: what changes wakes the next pass."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from gitopsc.agent.changes import Changes
from gitopsc.cluster.discovery import Resource
from gitopsc.cluster.health import health
from gitopsc.cluster.inventory import PART_OF
from gitopsc.cluster.problems import Problem
from gitopsc.cluster.transport import Api
from gitopsc.cluster.watching import follow

_MANY_IDS = 50
_AGAIN = 300.0


class Watches:
    """One thread a kind. ``wake`` is called for changes that are worth a pass; ``troubled(resource, why)`` once for a kind that cannot be watched."""

    def __init__(self, api: Api, wake: Callable[[], None], troubled: Callable[[Resource, str], None] = lambda _resource, _why: None) -> None:
        self._api = api
        self._wake = wake
        self._troubled = troubled
        self._running: dict[Resource, tuple[str, threading.Event]] = {}

    def watch(self, resources: Iterable[Resource], ids: Iterable[str]) -> None:
        """From now on watch these kinds for members of these ApplySets, and no others."""
        wanted = {resource for resource in resources if not resource.verbs or "watch" in resource.verbs}
        selector = _selector(sorted(ids))
        for resource, (known, stop) in list(self._running.items()):
            if resource not in wanted or known != selector:
                stop.set()
                del self._running[resource]
        for resource in sorted(wanted - set(self._running), key=lambda one: (one.group, one.kind)):
            stop = threading.Event()
            self._running[resource] = (selector, stop)
            thread = threading.Thread(target=self._watching, args=(resource, selector, stop), name=f"gitopsc-watch-{resource.plural}", daemon=True)
            thread.start()

    def close(self) -> None:
        """End all of them; none is waited for."""
        for _, stop in self._running.values():
            stop.set()
        self._running.clear()

    def _watching(self, resource: Resource, selector: str, stop: threading.Event) -> None:
        told = False
        while not stop.is_set():
            changes = Changes(_state)
            try:
                for event in follow(self._api, resource, selector, stop=stop):
                    if stop.is_set():
                        return
                    if _matters(changes, event.type, event.object):
                        self._wake()
            except Problem as problem:
                if self._api.cancelled or stop.is_set():
                    return
                if not told:
                    self._troubled(resource, problem.message)
                told = True
            except Exception as error:  # noqa: BLE001 (a watch is a shortcut: the interval finds what it would have found)
                self._troubled(resource, type(error).__name__)
            stop.wait(_AGAIN)


def _matters(changes: Changes, kind: str, found: Any) -> bool:
    if kind == "SYNC":
        return changes.synced(found.items)
    return changes.deleted(found) if kind == "DELETED" else changes.changed(found)


def _state(obj: Mapping[str, Any]) -> str:
    return health(obj).status


def _selector(ids: list[str]) -> str:
    if len(ids) == 1:
        return f"{PART_OF}={ids[0]}"
    return f"{PART_OF} in ({','.join(ids)})" if 0 < len(ids) <= _MANY_IDS else PART_OF
