"""The agent around a pass: its pace, what wakes it, its numbers, its answers, and its end."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gitopsc.agent.changes import Changes
from gitopsc.agent.listener import Answers, Listener, parse_address
from gitopsc.agent.loop import Attempt, Loop, Parts
from gitopsc.agent.metrics import FAMILIES, Metrics
from gitopsc.agent.pace import QUIET, Pace
from gitopsc.diagnostics import Failure, Invalid
from tests.waiting import HANGS, until


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def paced(clock: Clock, chance: float = 0.5) -> Pace:
    return Pace(60, clock=clock, chance=lambda: chance)


def test_the_first_pass_is_now_and_the_next_an_interval_later(clock: Clock) -> None:
    pace = paced(clock)
    assert pace.wait() == "interval"
    pace.passed()
    assert pace.left() == 60
    clock.now += 60
    assert pace.wait() == "interval"


def test_intervals_are_spread(clock: Clock) -> None:
    lefts = []
    for chance in (0.0, 0.5, 1.0):
        pace = paced(clock, chance)
        pace.passed()
        lefts.append(pace.left())
    assert lefts == [54, 60, 66]


def test_g7_a_machine_that_slept_owes_one_pass(clock: Clock) -> None:
    pace = paced(clock)
    pace.wait()
    pace.passed()
    clock.now += 86_400
    passes = 0
    while pace.left() == 0:
        assert pace.wait() == "interval"
        pace.passed()
        passes += 1
    assert passes == 1


def test_a_wake_gathers_those_that_come_with_it(clock: Clock) -> None:
    pace = paced(clock)
    pace.passed()
    pace.wake("watch")
    pace.wake("hook")
    assert pace.left() == pytest.approx(QUIET)
    clock.now += QUIET + 0.001
    assert pace.wait() == "watch"
    pace.passed()
    assert pace.left() == 60


def test_f14_wakes_without_end_are_no_busy_loop(clock: Clock) -> None:
    pace = paced(clock)
    pace.passed()
    began, passes = clock.now, 0
    while clock.now < began + 600:
        pace.wake("watch")
        clock.now += max(pace.left(), 0.01)
        if pace.left() == 0:
            assert pace.wait() is not None
            pace.passed()
            passes += 1
    assert 90 <= passes <= 110


def test_a_nudge_is_no_pass(clock: Clock) -> None:
    pace = paced(clock)
    pace.passed()
    pace.nudge()
    assert pace.wait() is None
    assert pace.left() == 60


def thing(name: str = "a", version: int = 1, **more: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "shop", "resourceVersion": str(version), "managedFields": [version], "labels": more.pop("labels", {})}
    return {"apiVersion": "v1", "kind": "Thing", "metadata": metadata, "spec": {"size": 1}, "status": {"health": "current"}, **more}


def test_what_is_worth_a_pass() -> None:
    changes = Changes(lambda item: str(item.get("status", {}).get("health")))
    assert changes.synced([thing()])
    assert not changes.synced([thing(version=2)])
    assert not changes.changed(thing(version=3))
    assert not changes.changed(thing(status={"health": "current", "counted": 7}))
    assert changes.changed(thing(status={"health": "failed"}))
    assert changes.changed(thing(spec={"size": 2}, status={"health": "failed"}))
    assert changes.changed(thing(labels={"a": "b"}, spec={"size": 2}, status={"health": "failed"}))
    assert changes.changed(thing("b"))
    assert changes.deleted(thing("b"))
    assert not changes.deleted(thing("b"))
    assert changes.synced([])
    assert not changes.synced([])


def test_metrics_as_prometheus_reads_them() -> None:
    metrics = Metrics()
    metrics.set("gitopsc_drift", 2, environment="prod", application='we"ird\n\\')
    metrics.add("gitopsc_reconcile_total", environment="prod", result="converged")
    metrics.add("gitopsc_reconcile_total", environment="prod", result="converged")
    metrics.observe("gitopsc_reconcile_duration_seconds", 0.3, environment="prod", application="web")
    metrics.observe("gitopsc_reconcile_duration_seconds", 1000, environment="prod", application="web")
    lines = metrics.text().splitlines()
    assert '# TYPE gitopsc_drift gauge\ngitopsc_drift{application="we\\"ird\\n\\\\",environment="prod"} 2' in metrics.text()
    assert 'gitopsc_reconcile_total{environment="prod",result="converged"} 2' in lines
    name = "gitopsc_reconcile_duration_seconds"
    assert f'{name}_bucket{{application="web",environment="prod",le="0.25"}} 0' in lines
    assert f'{name}_bucket{{application="web",environment="prod",le="0.5"}} 1' in lines
    assert f'{name}_bucket{{application="web",environment="prod",le="600"}} 1' in lines
    assert f'{name}_bucket{{application="web",environment="prod",le="+Inf"}} 2' in lines
    assert f'{name}_sum{{application="web",environment="prod"}} 1000.3' in lines
    assert any(line.startswith("process_resident_memory_bytes ") for line in lines)
    assert all(line.split("{")[0].split(" ")[0].startswith(("gitopsc_", "process_", "#")) for line in lines)


def test_applications_that_are_gone_leave_the_metrics() -> None:
    metrics = Metrics()
    metrics.replace("gitopsc_release_info", [({"application": "web", "release": "r-1"}, 1), ({"application": "cart", "release": "r-1"}, 1)])
    metrics.replace("gitopsc_release_info", [({"application": "web", "release": "r-2"}, 1)])
    assert 'release="r-1"' not in metrics.text()
    metrics.observe("gitopsc_reconcile_duration_seconds", 1, application="web")
    metrics.observe("gitopsc_reconcile_duration_seconds", 1, application="cart")
    metrics.keep("gitopsc_reconcile_duration_seconds", "application", ["web"])
    assert 'application="cart"' not in metrics.text()


def test_a_name_that_there_is_not_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        Metrics().add("gitopsc_invented_total")
    with pytest.raises(ValueError, match="gitopsc_drift"):
        Metrics().add("gitopsc_drift")
    assert all(name.startswith(("gitopsc_", "process_")) for name in FAMILIES)


class State:
    """What the listener's answers say."""

    def __init__(self) -> None:
        self.healthy: str | None = None
        self.ready: str | None = "not yet"
        self.hooks = 0

    def hook(self) -> None:
        self.hooks += 1


@pytest.fixture
def state() -> State:
    return State()


@pytest.fixture
def listener(state: State) -> Iterator[Listener]:
    one = Listener(("127.0.0.1", 0), Answers(lambda: "a 1\n", lambda: state.healthy, lambda: state.ready, state.hook))
    yield one
    one.close()


def ask(listener: Listener, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", listener.port, timeout=HANGS)
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


def test_the_listener_answers(listener: Listener, state: State) -> None:
    assert ask(listener, "GET", "/metrics?x=1") == (200, "a 1\n")
    assert ask(listener, "GET", "/healthz") == (200, "ok\n")
    assert ask(listener, "GET", "/readyz") == (503, "not yet\n")
    state.ready, state.healthy = None, "stuck"
    assert ask(listener, "GET", "/readyz")[0] == 200
    assert ask(listener, "HEAD", "/healthz") == (503, "")
    assert ask(listener, "POST", "/hook", b'{"ref": "refs/heads/main"}')[0] == 202
    assert ask(listener, "POST", "/hook")[0] == 202
    assert state.hooks == 2
    assert ask(listener, "GET", "/hook")[0] == 405
    assert ask(listener, "GET", "/etc/passwd")[0] == 404
    assert ask(listener, "POST", "/metrics")[0] == 404
    assert ask(listener, "POST", "/hook", None, **{"Content-Length": "99999999999"})[0] == 413
    assert ask(listener, "DELETE", "/hook")[0] == 501


def test_clients_that_say_nothing_keep_nobody_out_for_long(listener: Listener) -> None:
    idle = [socket.create_connection(("127.0.0.1", listener.port)) for _ in range(31)]
    assert ask(listener, "GET", "/healthz")[0] == 200
    for one in idle:
        one.close()


@pytest.mark.parametrize(("text", "address"), [(":8080", ("", 8080)), ("127.0.0.1:0", ("127.0.0.1", 0)), ("[::1]:9", ("::1", 9))])
def test_addresses(text: str, address: tuple[str, int]) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize("text", ["", "8080", "host", "host:", "host:x", ":70000", ":-1"])
def test_addresses_that_are_none(text: str) -> None:
    with pytest.raises(Invalid, match="address"):
        parse_address(text)


def test_an_address_that_is_taken_is_told(listener: Listener, state: State) -> None:
    with pytest.raises(Failure, match="cannot listen at"):
        Listener(("127.0.0.1", listener.port), Answers(str, lambda: None, lambda: None, state.hook))


class Seat:
    """A lease that is given and taken by the test."""

    def __init__(self) -> None:
        self.free = threading.Event()
        self.free.set()
        self.lost = threading.Event()
        self.on_lost: Callable[[], None] | None = None
        self.released = 0
        self.asked = 0

    def acquire(self, stop: threading.Event, _troubled: Any = None) -> bool:
        while not stop.is_set():
            self.asked += 1
            if self.free.wait(0.01):
                return True
        return False

    def keep(self) -> None:
        self.free.clear()

    def release(self) -> None:
        self.released += 1

    def take_away(self) -> None:
        self.lost.set()
        assert self.on_lost is not None
        self.on_lost()


class Scene:
    """A loop whose pass does as the test says."""

    def __init__(self, seat: Seat | None = None, interval: float = 1000.0, *, waits: bool = False, deaf: bool = False) -> None:
        self.revision = "one"
        self.passes: list[Attempt] = []
        self.applied: list[str] = []
        self.waits = threading.Event()
        if waits:
            self.waits.set()
        self.aborted = threading.Event()
        self.deaf = deaf
        self.fails = False
        self.asked = 0
        parts = Parts(run_pass=self.run_pass, tip=self.tip, abort=self.aborted.set)
        self.loop = Loop(parts, Pace(interval), seat, poll=0.02, longest=0.3)
        self.thread = threading.Thread(target=self.loop.run, daemon=True)
        self.thread.start()

    def tip(self) -> str:
        self.asked += 1
        if self.fails:
            raise Failure("no route")
        return self.revision

    def run_pass(self, attempt: Attempt) -> None:
        attempt.revision = self.revision
        self.applied.append(self.revision)
        self.passes.append(attempt)
        if self.deaf:
            self.aborted.wait()
        elif self.waits.is_set():
            attempt.cancel.wait()

    def looks(self, times: int = 3) -> None:
        """Wait until the source was looked at so many times more."""
        asked = self.asked
        until(lambda: self.asked >= asked + times)

    def end(self) -> None:
        self.loop.stop()
        self.thread.join(HANGS)
        assert not self.thread.is_alive()


def test_it_passes_at_its_interval_until_told_to_end() -> None:
    scene = Scene(interval=0.02)
    until(lambda: len(scene.passes) >= 3)
    scene.end()
    assert {attempt.reason for attempt in scene.passes} == {"interval"}


def test_a_hook_brings_a_pass() -> None:
    scene = Scene()
    until(lambda: len(scene.passes) == 1)
    scene.loop.hook()
    until(lambda: len(scene.passes) == 2)
    assert scene.passes[1].reason == "hook"
    scene.end()


def test_s43_a_new_revision_ends_the_wait_for_the_old_one() -> None:
    scene = Scene(waits=True)
    until(lambda: len(scene.passes) == 1)
    scene.revision = "two"
    until(lambda: len(scene.passes) == 2)
    assert scene.passes[0].cancelled_for == "a new revision"
    assert (scene.applied, scene.passes[1].reason) == (["one", "two"], "revision")
    scene.looks()
    assert not scene.passes[1].cancel.is_set()
    scene.end()


def test_a_new_revision_between_passes_is_found_before_the_interval_is_over() -> None:
    scene = Scene()
    until(lambda: len(scene.passes) == 1 and scene.loop.attempt is None)
    scene.fails = True
    scene.revision = "two"
    scene.looks()
    assert len(scene.passes) == 1
    scene.fails = False
    until(lambda: len(scene.passes) == 2)
    scene.end()


def test_one_that_loses_its_seat_stops_and_waits_for_it() -> None:
    seat = Seat()
    scene = Scene(seat, waits=True)
    until(lambda: len(scene.passes) == 1)
    seat.take_away()
    until(lambda: not scene.loop.leading)
    assert scene.passes[0].cancelled_for == "the lease is lost"
    assert scene.loop.ready() is None
    asked = seat.asked
    until(lambda: seat.asked >= asked + 3)
    assert len(scene.passes) == 1
    scene.waits.clear()
    seat.free.set()
    scene.loop.hook()
    until(lambda: len(scene.passes) == 2)
    scene.end()
    assert seat.released == 2


def test_who_waits_for_its_turn_ends_at_once() -> None:
    seat = Seat()
    seat.free.clear()
    scene = Scene(seat)
    until(lambda: seat.asked >= 3)
    assert scene.loop.ready() is not None
    scene.loop.met()
    assert scene.loop.ready() is None
    scene.end()
    assert scene.passes == []


def test_g3_a_pass_that_hears_nothing_is_cut_off() -> None:
    scene = Scene(deaf=True)
    until(lambda: len(scene.passes) == 1)
    until(lambda: scene.loop.healthy() is not None)
    scene.end()
    assert scene.aborted.is_set()
    assert scene.passes[0].cancelled_for == "stopped"
