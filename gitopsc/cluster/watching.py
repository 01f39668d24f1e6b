"""What changes on the server, told within moments, and never silently not told."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gitopsc.cluster.discovery import Resource
from gitopsc.cluster.objects import list_labelled
from gitopsc.cluster.problems import Problem, Unanswered
from gitopsc.cluster.transport import Api

WATCH_SECONDS = 150.0
"""About how long one watch goes on before the server ends it. One that is silent for longer is dead, whatever its connection says."""
SILENCE_SECONDS = 10.0
LINE_LIMIT = 16 << 20
_SOON_SECONDS = 5.0
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0


@dataclass(frozen=True, slots=True)
class Event:
    """``type``: SYNC (``object`` is the whole Listing), ADDED, MODIFIED or DELETED (``object`` is the object)."""

    type: str
    object: Any


class _Expired(Exception):
    """The server no longer knows the state that the watch was to go on from."""


def follow(api: Api, resource: Resource, selector: str = "", namespace: str = "", *, stop: threading.Event, lasting: float = WATCH_SECONDS) -> Iterator[Event]:
    """Lists, then tells what changes until ``stop``; lists again (SYNC) whenever something may have been missed.

    Failures, and watches that end as soon as they began, are waited out with a growing pause. Raises Problem where waiting does not help:
    the server refuses (401, 403), does not know the kind (404), or the Api's own deadline is over or it was cancelled.
    """
    failures = 0
    version = ""
    while not stop.is_set():
        began, asked = time.monotonic(), 0.0
        try:
            if not version:
                listing = list_labelled(api, resource, selector, namespace)
                version = listing.resource_version
                yield Event("SYNC", listing)
            for event in _watch(api, resource, selector, namespace, version, stop, lasting):
                version = event.object["metadata"]["resourceVersion"]
                if event.type != "BOOKMARK":
                    yield event
        except _Expired:
            version = ""
        except Problem as problem:
            if problem.status in (401, 403, 404) or api.cancelled or api.deadline.expired():
                raise
            asked = problem.retry_after or 0.0
        failures = 0 if time.monotonic() - began > _SOON_SECONDS else failures + 1
        if failures:
            pause = min(_LONGEST_PAUSE, _SHORTEST_PAUSE * 2 ** min(failures - 1, 10)) * random.uniform(0.5, 1)  # noqa: S311 - jitter, not a secret
            stop.wait(pause + asked)


def _watch(api: Api, resource: Resource, selector: str, namespace: str, version: str, stop: threading.Event, lasting: float) -> Iterator[Event]:
    """One watch, until it ends as any does; raises _Expired, Problem."""
    seconds = max(1, round(lasting * random.uniform(0.8, 1.2)))  # noqa: S311 - so that not all of them end together
    query = {"watch": "1", "allowWatchBookmarks": "true", "resourceVersion": version, "timeoutSeconds": str(seconds)}
    if selector:
        query["labelSelector"] = selector
    try:
        with api.stream(resource.path(namespace), query, seconds + SILENCE_SECONDS, stop) as pieces:
            for line in _lines(pieces):
                yield _event(line)
    except Problem as problem:
        if problem.status == 410:
            raise _Expired from problem
        if not stop.is_set():
            raise


def _lines(pieces: Iterator[bytes]) -> Iterator[bytes]:
    rest = b""
    for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        yield from (line for line in lines if line.strip())
        if len(rest) > LINE_LIMIT:
            raise Unanswered(f"the server sent an event of more than {LINE_LIMIT >> 20} MiB", reason="Nonsense")


def _event(line: bytes) -> Event:
    try:
        said = json.loads(line)
        kind, found = said["type"], said["object"]
        if kind == "ERROR":
            if found.get("code") == 410:
                raise _Expired
            raise Problem(str(found.get("message") or "the watch failed"), status=int(found.get("code") or 500), reason=str(found.get("reason") or ""))
        if kind not in ("ADDED", "MODIFIED", "DELETED", "BOOKMARK") or not str(found["metadata"]["resourceVersion"]):
            raise ValueError(kind)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Unanswered("the server sent an event that is none", reason="Nonsense") from error
    return Event(kind, found)
