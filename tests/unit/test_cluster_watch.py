"""Watches over servers that drop, expire, fall silent, repeat and lie: nothing is missed, and nobody is asked in a busy loop."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from gitopsc.cluster import watching
from gitopsc.cluster.connection import Connection
from gitopsc.cluster.credentials import Credentials
from gitopsc.cluster.deadline import Deadline
from gitopsc.cluster.discovery import Resource
from gitopsc.cluster.problems import Problem
from gitopsc.cluster.transport import Api
from gitopsc.cluster.watching import Event, follow
from tests.faults import Exchange, Fault, FaultProxy, answering, silent
from tests.waiting import in_time

CONFIG_MAPS = Resource("", "v1", "configmaps", "ConfigMap", True, frozenset())


def listing(version: str, *names: str) -> bytes:
    items = [{"metadata": {"name": name}} for name in names]
    return json.dumps({"kind": "ConfigMapList", "apiVersion": "v1", "metadata": {"resourceVersion": version}, "items": items}).encode()


def event(kind: str, version: str, name: str = "web") -> bytes:
    return json.dumps({"type": kind, "object": {"kind": "ConfigMap", "metadata": {"name": name, "resourceVersion": version}}}).encode() + b"\n"


def expired() -> bytes:
    return json.dumps({"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}}).encode() + b"\n"


def saying(*lines: bytes, hold: bool = False) -> Fault:
    """A watch that says these lines and ends, or then says nothing."""

    def play(exchange: Exchange) -> bool:
        exchange.head(200, {"Content-Type": "application/json", "Transfer-Encoding": "chunked"})
        for line in lines:
            exchange.client.sendall(b"%x\r\n%b\r\n" % (len(line), line))
        if hold:
            exchange.closing.wait()
        exchange.client.sendall(b"0\r\n\r\n")
        return not hold

    return play


@pytest.fixture
def proxy() -> Iterator[FaultProxy]:
    with FaultProxy("https://127.0.0.1:1", default=saying(hold=True)) as made:
        yield made


def followed(proxy: FaultProxy, count: int, stop: threading.Event | None = None, **options: Any) -> list[tuple[str, str]]:
    """The first ``count`` events (or those until ``stop``), as (type, name or the names listed)."""
    api = Api(Connection("tests", proxy.url, "default", Credentials(), None), deadline=Deadline(None))
    told: list[tuple[str, str]] = []

    def listen() -> None:
        for found in follow(api, CONFIG_MAPS, "a=b", stop=stop or threading.Event(), **options):
            told.append((found.type, _names(found)))
            if len(told) == count:
                break

    in_time(listen)
    return told


def _names(found: Event) -> str:
    if found.type == "SYNC":
        return " ".join(item["metadata"]["name"] for item in found.object.items)
    return str(found.object["metadata"]["name"])


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "_SHORTEST_PAUSE", 0.02)
    monkeypatch.setattr(watching, "_LONGEST_PAUSE", 0.1)


def watches(proxy: FaultProxy) -> list[str]:
    """The resource versions that watches went on from."""
    return [request.target.partition("resourceVersion=")[2].partition("&")[0] for request in proxy.seen if "watch=1" in request.target]


def test_what_is_there_and_what_changes(proxy: FaultProxy) -> None:
    proxy.fault("GET", "limit=", answering(200, listing("5", "web", "api")))
    proxy.fault("GET", "watch=1", saying(event("ADDED", "6", "new"), event("BOOKMARK", "7"), event("DELETED", "8"), hold=True))
    assert followed(proxy, 3) == [("SYNC", "web api"), ("ADDED", "new"), ("DELETED", "web")]
    assert watches(proxy) == ["5"]
    assert "labelSelector=a%3Db" in proxy.seen[1].target


def test_a_watch_that_ends_goes_on_where_it_was(proxy: FaultProxy) -> None:
    proxy.fault("GET", "limit=", answering(200, listing("5")))
    proxy.fault("GET", "watch=1", saying(event("MODIFIED", "6")))
    proxy.fault("GET", "watch=1", saying(event("BOOKMARK", "9")))
    proxy.fault("GET", "watch=1", saying(event("MODIFIED", "10"), hold=True))
    assert followed(proxy, 3) == [("SYNC", ""), ("MODIFIED", "web"), ("MODIFIED", "web")]
    assert watches(proxy) == ["5", "6", "9"]


def test_a_line_that_breaks_off_is_asked_for_again(proxy: FaultProxy) -> None:
    def cut(exchange: Exchange) -> bool:
        exchange.head(200, {"Transfer-Encoding": "chunked"})
        exchange.client.sendall(b"%x\r\n%b\r\n" % (20, event("MODIFIED", "6")[:20]))
        exchange.reset()
        return False

    proxy.fault("GET", "limit=", answering(200, listing("5")))
    proxy.fault("GET", "watch=1", cut)
    proxy.fault("GET", "watch=1", saying(event("MODIFIED", "6"), hold=True))
    assert followed(proxy, 2) == [("SYNC", ""), ("MODIFIED", "web")]
    assert watches(proxy) == ["5", "5"]


@pytest.mark.parametrize("how", ["status", "event"])
def test_a_state_that_the_server_forgot_is_listed_again(proxy: FaultProxy, how: str) -> None:
    gone = answering(410, b'{"kind": "Status", "code": 410, "reason": "Expired"}') if how == "status" else saying(event("ADDED", "6", "new"), expired())
    proxy.fault("GET", "limit=", answering(200, listing("5", "web")))
    proxy.fault("GET", "watch=1", gone)
    proxy.fault("GET", "limit=", answering(200, listing("12", "web", "missed")))
    told = followed(proxy, 2 if how == "status" else 3)
    assert told[0] == ("SYNC", "web")
    assert told[-1] == ("SYNC", "web missed")
    assert watches(proxy)[:1] == ["5"]


def test_a_silent_watch_is_dead_after_its_time(proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "SILENCE_SECONDS", 0.2)
    proxy.fault("GET", "limit=", answering(200, listing("5")))
    proxy.fault("GET", "watch=1", saying(hold=True))
    proxy.fault("GET", "watch=1", silent)
    proxy.fault("GET", "watch=1", saying(event("MODIFIED", "6"), hold=True))
    assert followed(proxy, 2, lasting=1.0) == [("SYNC", ""), ("MODIFIED", "web")]
    assert watches(proxy) == ["5", "5", "5"]


@pytest.mark.parametrize(
    "line",
    [
        b"<html>\n",
        b'{"type": "ADDED"}\n',
        b'{"type": "ODD", "object": {"metadata": {"resourceVersion": "6"}}}\n',
        b'{"type": "ADDED", "object": {"metadata": {}}}\n',
        b"[" * 9999 + b"\n",
    ],
    ids=["html", "no-object", "odd-type", "no-version", "deep"],
)
def test_an_event_that_is_none_ends_the_watch_not_the_watching(proxy: FaultProxy, line: bytes) -> None:
    proxy.fault("GET", "limit=", answering(200, listing("5")))
    proxy.fault("GET", "watch=1", saying(line))
    proxy.fault("GET", "watch=1", saying(event("MODIFIED", "6"), hold=True))
    assert followed(proxy, 2) == [("SYNC", ""), ("MODIFIED", "web")]


def test_events_that_come_twice_or_late_do_no_harm(proxy: FaultProxy) -> None:
    proxy.fault("GET", "limit=", answering(200, listing("5")))
    proxy.fault("GET", "watch=1", saying(event("MODIFIED", "9"), event("MODIFIED", "7"), event("MODIFIED", "9"), hold=True))
    assert len(followed(proxy, 4)) == 4


class Impatient(threading.Event):
    """Ends the watching at the ``count``-th pause. No pause takes time."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.pauses: list[float] = []
        self.count = count

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self.pauses.append(timeout)
        if len(self.pauses) == self.count:
            self.set()
        return self.is_set()


@pytest.mark.parametrize("fault", [saying(), saying(expired()), answering(500, b"{}"), answering(200, b"<html>")], ids=["ends", "expires", "errors", "html"])
def test_a_server_that_ends_every_watch_at_once_is_not_asked_in_a_busy_loop(proxy: FaultProxy, fault: Fault) -> None:
    proxy.default = lambda exchange: (fault if "watch=1" in exchange.request.target else answering(200, listing("5")))(exchange)
    stop = Impatient(12)
    followed(proxy, 1000, stop)
    assert min(stop.pauses) >= 0.01
    assert min(stop.pauses[4:]) >= 0.05  # 0.1 s, less what differs: of 30 s outside of tests
    assert len(watches(proxy)) == len(stop.pauses)
    assert len(proxy.seen) <= 2 * len(stop.pauses)


@pytest.mark.parametrize("code", [401, 403, 404])
def test_a_refusal_is_told(proxy: FaultProxy, code: int) -> None:
    proxy.fault("GET", "limit=", answering(200, listing("5")))
    proxy.fault("GET", "watch=1", answering(code, b'{"kind": "Status", "message": "no"}'), times=None)
    with pytest.raises(Problem) as raised:
        followed(proxy, 2)
    assert raised.value.status == code


def test_stop_ends_a_watch_that_waits(proxy: FaultProxy) -> None:
    stop = threading.Event()

    def stopping(exchange: Exchange) -> bool:
        stop.set()
        return saying(hold=True)(exchange)

    proxy.fault("GET", "limit=", answering(200, listing("5")))
    proxy.fault("GET", "watch=1", stopping)
    assert followed(proxy, 2, stop) == [("SYNC", "")]
