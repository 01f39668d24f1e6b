"""Case G6: sinks that are down, slow, wrong or treacherous, over real sockets on the loopback address. Nothing waits for them."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from gitopsc.alerts.book import Book, Notice, load
from gitopsc.alerts.delivery import Desk, Undelivered, poster
from gitopsc.alerts.event import Event
from gitopsc.alerts.sinks import Sink
from tests.waiting import HANGS, children, descriptors, until

ALL: frozenset[str] = frozenset()
FAILED = Event("failed", "prod-eu", "checkout", summary="403 Forbidden")
TOKEN = "T0pSecretT0ken"


def everything(_word: str, _application: str) -> bool:
    return True


class Sinkhole(ThreadingHTTPServer):
    """A sink that answers as told: a status, or a function of its own."""

    daemon_threads = True

    def __init__(self) -> None:
        self.heard: list[tuple[str, dict[str, str], Any]] = []
        self.status = 200
        self.location: str | None = None
        self.answers = threading.Event()
        self.answers.set()
        sinkhole = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                sinkhole.answers.wait()
                if sinkhole.status == 200:
                    sinkhole.heard.append((self.path, dict(self.headers), json.loads(body)))
                self.send_response(sinkhole.status)
                if sinkhole.location:
                    self.send_header("Location", sinkhole.location)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"


@pytest.fixture
def sink() -> Iterator[Sinkhole]:
    server = Sinkhole()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def desks() -> Iterator[list[Desk]]:
    made: list[Desk] = []
    yield made
    for desk in made:
        desk.stop(0)


def apprise(sink: Sinkhole) -> Sink:
    return Sink("env:CHAT", ALL, "apprise", f"json://{sink.host}/{TOKEN}")


def manager(sink: Sinkhole, prefix: str = "") -> Sink:
    return Sink("env:AM", ALL, "alertmanager", f"alertmanager://user:{TOKEN}@{sink.host}{prefix}")


def desk_with(desks: list[Desk], *sinks: Sink, seconds: float = HANGS, **more: Any) -> Desk:
    desk = Desk(Book(), patience=0.05, **more)
    desks.append(desk)
    for one in sinks:
        desk.add(one.name, one.words, poster(one, os.environ, seconds=seconds))
    return desk


def test_s55_one_failure_and_one_recovery_arrive(sink: Sinkhole, desks: list[Desk]) -> None:
    desk = desk_with(desks, apprise(sink), manager(sink, "/am"))
    for _ in range(10):
        desk.report([FAILED], everything)
    assert desk.flush(HANGS)
    for _ in range(3):
        desk.report([], everything)
        assert desk.flush(HANGS)
    chat = [body for path, _, body in sink.heard if path == f"/{TOKEN}"]
    assert [(body["title"], body["type"]) for body in chat] == [
        ("prod-eu: checkout could not be applied", "failure"),
        ("resolved: prod-eu: checkout could not be applied", "success"),
    ]
    alerts = [(headers, body) for path, headers, body in sink.heard if path == "/am/api/v2/alerts"]
    assert [len(body) for _, body in alerts] == [1, 1]
    assert alerts[0][0]["Authorization"].startswith("Basic ")
    first, second = (body[0] for _, body in alerts)
    assert first["labels"] == second["labels"]
    assert second["endsAt"] < first["endsAt"]
    assert desk.book.entries == {}


def test_g6_a_sink_that_is_down_is_tried_again(sink: Sinkhole, desks: list[Desk]) -> None:
    sink.status = 500
    said: list[tuple[str, str | None]] = []
    desk = desk_with(desks, apprise(sink), manager(sink), log=lambda name, why: said.append((name, why)))
    desk.report([FAILED], everything)
    until(lambda: all(count >= 2 for count in desk.failures().values()))
    assert not desk.flush(0.01)
    sink.status = 200
    assert desk.flush(HANGS)
    assert len(sink.heard) == 2
    assert sorted(name for name, why in said if why) == ["env:AM", "env:CHAT"]
    until(lambda: sorted(name for name, why in said if not why) == ["env:AM", "env:CHAT"])
    assert not any(TOKEN in (why or "") for _, why in said)


def test_g6_nobody_listens(desks: list[Desk]) -> None:
    said: list[str] = []
    address = f"alertmanager://127.0.0.1:1/{TOKEN}"
    desk = desk_with(desks, Sink("env:AM", ALL, "alertmanager", address), log=lambda _name, why: said.append(str(why)))
    desk.report([FAILED], everything)
    until(lambda: bool(said))
    assert "URLError" in said[0]
    assert TOKEN not in said[0]


def test_g6_a_sink_that_is_slow_is_left_at_its_deadline(sink: Sinkhole, desks: list[Desk]) -> None:
    sink.answers.clear()
    fast = Sinkhole()
    desk = desk_with(desks, apprise(sink), manager(fast), seconds=0.5)
    desk.report([FAILED], everything)
    until(lambda: bool(fast.heard))
    until(lambda: desk.failures()["env:CHAT"] >= 1)
    sink.answers.set()
    fast.shutdown()
    fast.server_close()


@pytest.mark.parametrize("make", [apprise, manager])
def test_g6_no_redirect_leads_to_a_link_local_address(sink: Sinkhole, desks: list[Desk], make: Callable[[Sinkhole], Sink]) -> None:
    said: list[str] = []
    sink.status, sink.location = 307, "http://169.254.169.254/latest/meta-data"
    desk = desk_with(desks, make(sink), log=lambda _name, why: said.append(str(why)))
    desk.report([FAILED], everything)
    until(lambda: bool(said))
    assert TOKEN not in said[0]


@pytest.mark.parametrize("kind", ["apprise", "alertmanager"])
def test_g6_a_link_local_sink_is_refused_unless_allowed(kind: Any) -> None:
    scheme = "json" if kind == "apprise" else kind
    refused = Sink("env:X", ALL, kind, f"{scheme}://169.254.169.254/{TOKEN}")
    notices = [Notice("firing", FAILED, Desk(Book()).now(), None)]
    with pytest.raises(Undelivered, match=r"Forbidden: .*link-local") as caught:
        poster(refused, os.environ, seconds=HANGS)(notices)
    assert TOKEN not in str(caught.value)
    with pytest.raises(Undelivered) as caught:
        poster(refused, os.environ, allow_link_local=True, seconds=0.3)(notices)
    assert "Forbidden" not in str(caught.value)


def test_a_flood_is_one_message(sink: Sinkhole, desks: list[Desk]) -> None:
    desk = desk_with(desks, apprise(sink), manager(sink))
    desk.report([Event("failed", "prod-eu", f"app-{number}") for number in range(60)], everything)
    assert desk.flush(HANGS)
    assert sorted(len(body) if isinstance(body, list) else 1 for _, _, body in sink.heard) == [1, 60]


def test_no_secret_is_in_an_alert(sink: Sinkhole, desks: list[Desk]) -> None:
    desk = desk_with(desks, apprise(sink), clean=lambda text: text.replace("hunter22", "***"))
    desk.report([Event("failed", "prod-eu", "checkout", summary='Secret "db": invalid value hunter22', details=("hunter22",))], everything)
    assert desk.flush(HANGS)
    assert "hunter22" not in json.dumps(sink.heard[0][2])
    assert "***" in json.dumps(sink.heard[0][2])


def test_the_next_process_tells_nothing_twice(sink: Sinkhole, desks: list[Desk]) -> None:
    desk = desk_with(desks, manager(sink))
    desk.report([FAILED], everything)
    assert desk.flush(HANGS)
    text = desk.written()
    assert text is not None
    assert desk.written() is None
    desk.stop(0)
    again = Desk(load(text), patience=0.05)
    desks.append(again)
    again.add("env:AM", ALL, poster(manager(sink), os.environ))
    again.report([FAILED], everything)
    assert again.flush(HANGS)
    assert len(sink.heard) == 1


def test_a_reminder_comes_after_its_window(sink: Sinkhole, desks: list[Desk]) -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    desk = desk_with(desks, manager(sink), reminder=timedelta(hours=1), now=lambda: moment)
    for minutes, heard in ((0, 1), (59, 1), (2, 2), (58, 2)):
        moment += timedelta(minutes=minutes)
        desk.report([FAILED], everything)
        assert desk.flush(HANGS)
        assert len(sink.heard) == heard


def test_what_a_sink_of_ours_raises_is_a_failure_of_it_alone(desks: list[Desk], sink: Sinkhole) -> None:
    def broken(_: list[Notice]) -> int:
        raise KeyError("x")

    desk = desk_with(desks, manager(sink))
    desk.add("events", ALL, broken)
    desk.report([FAILED], everything)
    until(lambda: desk.failures()["events"] >= 2 and len(sink.heard) == 1)


def test_deliveries_leave_no_process_and_no_descriptor(sink: Sinkhole, desks: list[Desk]) -> None:
    desk = desk_with(desks, manager(sink))
    desk.report([FAILED], everything)
    assert desk.flush(HANGS)
    before, started = descriptors(), children()
    for number in range(8):
        desk.report([Event("failed", "prod-eu", f"app-{number}")], everything)
        assert desk.flush(HANGS)
    until(lambda: descriptors() <= before and children() <= started)
