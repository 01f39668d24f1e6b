"""Workers, their limits, and a parent that survives whatever they do."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from gitopsc.diagnostics import Failure, Invalid, Place
from gitopsc.limits import Limits
from gitopsc.render import pool
from gitopsc.render.pool import TemplateLimit, run
from gitopsc.values import Map
from tests.waiting import children, descriptors, ended, in_time, until

QUICK = Limits(render_seconds=0.3, render_mib=64)
SMALL = Limits(render_seconds=60, render_mib=64)
STEADY = Limits(render_seconds=0.7, render_mib=64)
"""Where the parent is impatient: a sound worker may give no sign for as long as this on a busy machine."""
TIME = "needed more than 0.3 s"
MEMORY = "needed more than 64 MiB of memory"


@pytest.fixture(autouse=True)
def _patient(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine may be busy: only the tests of patience itself have none."""
    if "impatient" not in request.node.name:
        monkeypatch.setattr(pool, "_PATIENCE", 60.0)


def reasons(results: list[Any]) -> list[Any]:
    return [result.reason if isinstance(result, TemplateLimit) else result for result in results]


@pytest.mark.parametrize("jobs", [1, 2, 5, 100])
@pytest.mark.parametrize("count", [0, 1, 2, 3, 7, 200])
def test_results_in_the_order_of_the_tasks(jobs: int, count: int) -> None:
    assert list(run(range(count), lambda n: n * n, jobs, Limits())) == [n * n for n in range(count)]


def test_slow_tasks_do_not_change_the_order() -> None:
    def work(n: int) -> int:
        time.sleep(0.05 if n % 3 == 0 else 0)
        return n

    assert list(run(range(12), work, 3, Limits())) == list(range(12))


def test_large_results() -> None:
    results = list(run(range(6), lambda n: bytes([n]) * (5 << 20), 2, Limits()))
    assert [(len(result), result[:1]) for result in results] == [(5 << 20, bytes([n])) for n in range(6)]  # type: ignore[arg-type, index]


def test_values_and_places_cross() -> None:
    def work(_: int) -> Map:
        value = Map({"a": 1}, Place("f", 1, 2))
        value.places["a"] = Place("f", 3, 4)
        value.removed["b"] = None
        return value

    (made,) = run([0], work, 1, Limits())
    assert isinstance(made, Map)
    assert (made, made.at, made.places, made.removed) == ({"a": 1}, Place("f", 1, 2), {"a": Place("f", 3, 4)}, {"b": None})


def test_tasks_need_not_be_picklable() -> None:
    tasks: list[Callable[[], int]] = [lambda: 1, lambda: 2]
    assert list(run(tasks, lambda task: task(), 2, Limits())) == [1, 2]


def spin(_: int) -> Any:
    while True:
        pass


def swallow(_: int) -> Any:
    while True:
        try:
            while True:
                pass
        except BaseException:  # noqa: BLE001
            pass


def grow(_: int) -> Any:
    kept = []
    while True:
        kept.append("x" * 10_000)


def at_once(_: int) -> Any:
    return len(bytearray(1 << 30))


def die(_: int) -> Any:
    os.kill(os.getpid(), signal.SIGKILL)


def leave(_: int) -> Any:
    os._exit(3)


def crash(_: int) -> Any:
    signal.signal(signal.SIGSEGV, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGSEGV)


@pytest.mark.parametrize(("bad", "reason"), [(spin, TIME), (grow, MEMORY), (at_once, MEMORY), (die, MEMORY), (leave, MEMORY), (crash, MEMORY)])
@pytest.mark.parametrize("jobs", [1, 2])
def test_one_that_exceeds_a_limit_and_the_rest(bad: Callable[[int], Any], reason: str, jobs: int) -> None:
    results = list(run(range(9), lambda n: bad(n) if n in (0, 4, 8) else n, jobs, QUICK if reason == TIME else SMALL))
    assert reasons(results) == [reason, 1, 2, 3, reason, 5, 6, 7, reason]


def test_all_exceed_a_limit() -> None:
    assert reasons(list(run(range(5), leave, 2, SMALL))) == [MEMORY] * 5


def test_the_memory_of_each_task_alone() -> None:
    """What earlier tasks used, or the parent has, does not count."""
    ballast = bytearray(100 << 20)

    def work(n: int) -> int:
        return len(bytearray(40 << 20)) + n

    assert list(run(range(20), work, 1, SMALL)) == [(40 << 20) + n for n in range(20)]
    assert len(ballast) == 100 << 20


def test_the_time_of_each_task_alone() -> None:
    def work(n: int) -> int:
        end = time.process_time() + 0.1
        while time.process_time() < end:
            pass
        return n

    assert list(run(range(8), work, 1, QUICK)) == list(range(8))


def test_sleep_is_not_time() -> None:
    def work(n: int) -> int:
        time.sleep(0.5)
        return n

    assert list(run(range(2), work, 2, QUICK)) == [0, 1]


@pytest.mark.parametrize("bad", [lambda _: time.sleep(3600), swallow, lambda _: signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGPROF}) or spin(0)])
def test_an_impatient_parent_ends_who_does_not_heed_the_clock(bad: Callable[[int], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    taken: set[int] = set()

    def take(parent: Any, worker: Any) -> None:
        real(parent, worker)
        taken.update(parent.results)

    real = pool._Pool.take
    monkeypatch.setattr(pool._Pool, "take", take)
    # An hour goes by when all but the bad one are done: on a busy machine a sound worker may need seconds.
    monkeypatch.setattr(pool, "time", SimpleNamespace(monotonic=lambda: 3600.0 * (taken >= {0, 2})))
    assert reasons(list(run(range(3), lambda n: bad(n) if n == 1 else n, 2, QUICK))) == [0, TIME, 2]


def test_an_impatient_parent_does_not_mind_a_slow_reader() -> None:
    """Results that wait because nobody asks for them are no sign of a worker that hangs."""
    results: list[Any] = []
    for result in run(range(6), lambda n: bytes(200_000) and n, 2, STEADY):
        results.append(result)
        if len(results) == 1:
            time.sleep(STEADY.render_seconds * pool._PATIENCE + 2)  # longer than the parent's patience
    assert results == list(range(6))


@pytest.mark.parametrize(
    "error", [Invalid("wrong"), Failure("failed", hint="again"), ValueError("x"), KeyError("x"), UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad")]
)
def test_an_exception_is_raised_when_its_turn_comes(error: Exception) -> None:
    def work(n: int) -> int:
        if n == 2:
            raise error
        return n

    results: list[Any] = []
    with pytest.raises(type(error)) as caught:
        results.extend(run(range(5), work, 2, Limits()))
    assert str(caught.value) == str(error)
    assert results == [0, 1]
    if isinstance(error, Invalid):
        assert caught.value.diagnostics == error.diagnostics  # type: ignore[attr-defined]


class Awkward(Exception):
    def __init__(self, first: int, second: int) -> None:
        super().__init__(f"{first} {second}")


def test_exceptions_and_results_that_cannot_cross() -> None:
    def work(n: int) -> Any:
        if n:
            raise Awkward(1, 2)
        return lambda: 1

    for tasks, word in (([1], "Awkward: 1 2"), ([0], "pickle")):
        with pytest.raises(RuntimeError, match=word):
            list(run(tasks, work, 1, Limits()))


def test_the_environment_is_empty() -> None:
    def look(_: int) -> Any:
        return dict(os.environ), os.getenv("HOME"), subprocess.run(["/usr/bin/env"], capture_output=True, text=True, check=True).stdout

    before = dict(os.environ)
    ((python, home, programs),) = run([0], look, 1, Limits())  # type: ignore[misc]
    assert (python, home) == ({}, None)
    assert {line.partition("=")[0] for line in programs.splitlines()} <= {"LINES", "COLUMNS"}  # what libreadline sets behind our back
    assert dict(os.environ) == before


def test_nothing_is_left_behind() -> None:
    started = children()  # others of this process may run (an API server for other tests): what counts is that ours are gone
    limits = resource.getrlimit(resource.RLIMIT_AS)
    before = descriptors()
    for _ in range(3):
        list(run(range(20), lambda n: die(n) if n == 7 else n, 2, SMALL))
        iterator = run(range(20), lambda n: n, 2, Limits())
        assert next(iterator) == 0
        iterator.close()  # type: ignore[attr-defined]
        with pytest.raises(ZeroDivisionError):
            list(run(range(20), lambda n: 1 // n, 2, Limits()))
    until(lambda: descriptors() <= before)  # what a test before this one had open may go meanwhile
    assert resource.getrlimit(resource.RLIMIT_AS) == limits
    assert children() <= started


def test_leaving_early_does_not_wait_for_the_workers() -> None:
    def leave() -> None:
        iterator = run(range(4), lambda n: time.sleep(3600 if n else 0), 2, Limits())
        assert next(iterator) is None
        iterator.close()  # type: ignore[attr-defined]

    in_time(leave)


def test_workers_end_with_their_parent() -> None:
    """A parent that is killed leaves nobody behind."""
    code = """
import os, sys, time
from gitopsc.limits import Limits
from gitopsc.render.pool import run
for pid in run(range(2), lambda n: os.getpid(), 2, Limits()):
    print(pid, flush=True)
    if n := int(pid): time.sleep(0)
iterator = run(range(3), lambda n: os.getpid(), 2, Limits())
print(next(iterator), flush=True)
time.sleep(60)
"""
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pids = [int(parent.stdout.readline()) for _ in range(3)]
    parent.kill()
    parent.wait()
    parent.stdout.close()
    for pid in pids:
        ended(pid)


def test_tasks_without_limits() -> None:
    """They take the time that they take; a worker that somebody ends is no result."""
    assert list(run(range(50), lambda n: n * n, 2, None)) == [n * n for n in range(50)]
    with pytest.raises(ZeroDivisionError):
        list(run(range(3), lambda n: 1 // n, 2, None))
    with pytest.raises(Failure, match=r"ended from outside \(signal 9\)"):
        list(run(range(3), lambda n: os.kill(os.getpid(), signal.SIGKILL), 2, None))


def test_the_diagnostic() -> None:
    found = TemplateLimit(TIME).diagnostic(Place("app.yaml", 1, 1))
    assert (found.severity, found.code, found.message, found.place) == (
        "error",
        "template-limit",
        "the templates needed more than 0.3 s",
        Place("app.yaml", 1, 1),
    )
    assert TemplateLimit(TIME, Place("t", 2, 3)).diagnostic(Place("app.yaml", 1, 1)).place == Place("t", 2, 3)
