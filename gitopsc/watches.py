"""A watch on each kind that we own, so that drift is met within moments: what changes wakes the next pass."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, NamedTuple

from gitopsc.agent.changes import Changes
from gitopsc.cluster.discovery import Resource
from gitopsc.cluster.health import health
from gitopsc.cluster.inventory import PART_OF
from gitopsc.cluster.problems import Problem
from gitopsc.cluster.transport import Api
from gitopsc.cluster.watching import follow

_MANY_IDS = 50
_AGAIN = 300.0


class _Running(NamedTuple):
    selector: str
    namespaces: frozenset[str]
    stop: threading.Event


class Watches:
    """One thread a kind. ``wake`` is called for changes that are worth a pass; ``troubled(resource, why)`` once for a kind that cannot be watched."""

    def __init__(self, api: Api, wake: Callable[[], None], troubled: Callable[[Resource, str], None] = lambda _resource, _why: None) -> None:
        self._api = api
        self._wake = wake
        self._troubled = troubled
        self._running: dict[Resource, _Running] = {}

    def watch(self, resources: Mapping[Resource, AbstractSet[str]], ids: Iterable[str]) -> None:
        """From now on watch these kinds for members of these ApplySets, and no others. With each kind the namespaces in which we own some:
        where it may not be watched everywhere it is watched there.
        """
        wanted = {resource: frozenset(spaces) for resource, spaces in resources.items() if not resource.verbs or "watch" in resource.verbs}
        selector = _selector(sorted(ids))
        for resource, running in list(self._running.items()):
            if running[:2] != (selector, wanted.get(resource)):
                running.stop.set()
                del self._running[resource]
        for resource in sorted(set(wanted) - set(self._running), key=lambda one: (one.group, one.kind)):
            self._running[resource] = running = _Running(selector, wanted[resource], threading.Event())
            self._start(resource, running, "")

    def close(self) -> None:
        """End all of them; none is waited for."""
        for running in self._running.values():
            running.stop.set()
        self._running.clear()

    def _start(self, resource: Resource, running: _Running, namespace: str) -> None:
        name = f"gitopsc-watch-{resource.plural}"
        threading.Thread(target=self._watching, args=(resource, running, namespace), name=name, daemon=True).start()

    def _watching(self, resource: Resource, running: _Running, namespace: str) -> None:
        told, stop = False, running.stop
        while not stop.is_set():
            changes = Changes(_state)
            try:
                for event in follow(self._api, resource, running.selector, namespace, stop=stop):
                    if stop.is_set():
                        return
                    if _matters(changes, event.type, event.object):
                        self._wake()
            except Problem as problem:
                if self._api.cancelled or stop.is_set():
                    return
                if problem.forbidden and resource.namespaced and not namespace and running.namespaces:
                    for one in sorted(running.namespaces):
                        self._start(resource, running, one)
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
