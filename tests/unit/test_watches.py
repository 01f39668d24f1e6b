"""Watches on what is owned: which are begun and ended, what wakes, and what becomes of a kind that may not be watched everywhere."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from gitopsc import watches
from gitopsc.cluster.discovery import Resource
from gitopsc.cluster.objects import Listing
from gitopsc.cluster.problems import Problem
from gitopsc.cluster.watching import Event
from tests.waiting import until

MAPS = Resource("", "v1", "configmaps", "ConfigMap", True, frozenset({"watch"}))
SECRETS = Resource("", "v1", "secrets", "Secret", True, frozenset({"watch"}))
REVIEWS = Resource("authorization.k8s.io", "v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview", False, frozenset({"create"}))


class Server:
    """What ``follow`` is told."""

    cancelled = False

    def __init__(self) -> None:
        self.followed: list[tuple[str, str, str]] = []
        self.ended: list[str] = []
        self.forbidden: set[tuple[str, str]] = set()
        self.events: list[Event] = []
        self.fed = threading.Event()

    def follow(self, _api: Any, resource: Resource, selector: str = "", namespace: str = "", *, stop: threading.Event) -> Iterator[Event]:
        self.followed.append((resource.plural, selector, namespace))
        if (resource.plural, namespace) in self.forbidden:
            raise Problem("no", status=403, reason="Forbidden")
        yield Event("SYNC", Listing([], "1"))
        while not stop.wait(0.01):
            if self.events:
                yield self.events.pop(0)
        self.ended.append(resource.plural)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    one = Server()
    monkeypatch.setattr(watches, "follow", one.follow)
    return one


@pytest.fixture
def wakes() -> list[str]:
    return []


@pytest.fixture
def watching(server: Server, wakes: list[str]) -> Iterator[watches.Watches]:
    one = watches.Watches(server, lambda: wakes.append("woken"), lambda resource, why: server.ended.append(f"{resource.plural}: {why}"))  # type: ignore[arg-type]
    yield one
    one.close()


def thing(value: str) -> dict[str, Any]:
    return {"metadata": {"name": "a", "namespace": "shop"}, "data": {"k": value}}


def test_each_kind_that_can_be_watched_has_one(server: Server, watching: watches.Watches) -> None:
    watching.watch({MAPS: {"shop"}, REVIEWS: set()}, ["id-b", "id-a"])
    until(lambda: len(server.followed) == 1)
    assert server.followed == [("configmaps", "applyset.kubernetes.io/part-of in (id-a,id-b)", "")]
    watching.watch({MAPS: {"shop"}}, ["id-a", "id-b"])
    watching.watch({MAPS: {"shop"}, SECRETS: {"shop"}}, ["id-a", "id-b"])
    until(lambda: len(server.followed) == 2)
    watching.watch({SECRETS: {"shop"}}, ["id-a"])
    until(lambda: sorted(server.ended) == ["configmaps", "secrets"])
    until(lambda: server.followed[-1] == ("secrets", "applyset.kubernetes.io/part-of=id-a", ""))
    watching.close()
    until(lambda: len(server.ended) == 3)


def test_what_matters_wakes(server: Server, watching: watches.Watches, wakes: list[str]) -> None:
    watching.watch({MAPS: {"shop"}}, ["id"])
    until(lambda: len(wakes) == 1)
    for event, count in ((Event("ADDED", thing("1")), 2), (Event("MODIFIED", thing("2")), 3), (Event("DELETED", thing("2")), 4)):
        server.events.append(event)
        until(lambda count=count: len(wakes) == count)  # type: ignore[misc]
    server.events += [Event("DELETED", thing("2")), Event("ADDED", thing("3"))]  # the first of them is known
    until(lambda: len(wakes) > 4)
    assert (server.events, len(wakes)) == ([], 5)


def test_what_may_not_be_watched_everywhere_is_watched_where_it_is(server: Server, watching: watches.Watches) -> None:
    server.forbidden = {("secrets", ""), ("secrets", "other")}
    watching.watch({SECRETS: {"shop", "other"}}, ["id"])
    until(lambda: {namespace for _, _, namespace in server.followed} == {"", "shop", "other"})
    until(lambda: server.ended == ["secrets: no"])
