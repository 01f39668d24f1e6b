"""A command that goes on until a signal: what it ends with. Each is a process, as signals are a process's."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import IO

import pytest

from tests.waiting import HANGS

PROGRAM = """
import sys, threading
from gitopsc.cli.serving import until_told
stopped = threading.Event()
def run():
    print("runs", flush=True)
    {body}
until_told(run, stopped.set, patience={patience})
print("ended", flush=True)
"""


class Process:
    """It has said that it runs. What it writes to standard error comes after what it writes to standard output."""

    def __init__(self, body: str, patience: float) -> None:
        words = [sys.executable, "-c", PROGRAM.format(body=body, patience=patience)]
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert self.out.readline() == "runs\n"

    @property
    def out(self) -> IO[str]:
        assert self.process.stdout is not None
        return self.process.stdout

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def say(self) -> None:
        """A line for its standard input."""
        assert self.process.stdin is not None
        self.process.stdin.write("go on\n")
        self.process.stdin.flush()

    def end(self) -> tuple[int, str]:
        """Its status and what it said after ``runs``, read as the line before was: more of it may have been read then."""
        return self.process.wait(HANGS), self.out.read()


Start = Callable[..., Process]


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[Process] = []

    def begin(body: str, patience: float = HANGS) -> Process:
        started.append(Process(body, patience))
        return started[-1]

    yield begin
    for one in started:
        one.process.kill()
        one.process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_good_order(start: Start, number: signal.Signals) -> None:
    process = start("stopped.wait()")
    process.signal(number)
    assert process.end() == (0, "ended\n")


def test_what_does_not_end_is_not_waited_for(start: Start) -> None:
    process = start("threading.Event().wait()", patience=0.1)
    process.signal(signal.SIGTERM)
    assert process.end() == (0, "ended\n")


def test_many_signals_are_one(start: Start) -> None:
    process = start("stopped.wait(); sys.stdin.readline()")
    for _ in range(5):
        process.signal(signal.SIGTERM)
    process.say()
    assert process.end() == (0, "ended\n")


def test_a_signal_that_another_thread_gets_ends_it_all_the_same(start: Start) -> None:
    process = start("import signal; signal.pthread_kill(threading.get_ident(), signal.SIGTERM); stopped.wait()")
    assert process.end() == (0, "ended\n")


def test_what_it_raises_is_raised(start: Start) -> None:
    status, said = start("raise ValueError('x')").end()
    assert status == 1
    assert "ValueError: x" in said


TOLD = """
import os, signal, sys, time
from gitopsc.cli.serving import Told
class End(BaseException):
    pass
def end(number, frame):
    raise End
for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, end)
try:
    with Told(patience={patience}) as told:
        told.begin(lambda: os.write(1, b"told\\n"))
        print("runs", flush=True)
        {body}
    print("in good order", told.number, flush=True)
    signal.raise_signal(signal.SIGTERM)
except End:
    print("broken off", flush=True)
"""


@pytest.mark.parametrize(
    ("body", "numbers", "patience", "said"),
    [
        ("while not told.asked(): time.sleep(0.01)", [signal.SIGTERM], HANGS, "in good order 15\nbroken off\n"),
        ("while not told.asked(): time.sleep(0.01)", [signal.SIGINT], HANGS, "in good order 2\nbroken off\n"),
        ("time.sleep(3600)", [signal.SIGTERM, signal.SIGTERM], HANGS, "broken off\n"),
        ("time.sleep(3600)", [signal.SIGINT, signal.SIGTERM], HANGS, "broken off\n"),
        ("time.sleep(3600)", [signal.SIGTERM], 0.1, "broken off\n"),
        ("while not told.asked(): time.sleep(0.01)\n        raise ValueError", [signal.SIGTERM], HANGS, "broken off\n"),
    ],
)
def test_what_has_begun_ends_in_good_order_or_is_broken_off(body: str, numbers: list[signal.Signals], patience: float, said: str) -> None:
    words = [sys.executable, "-c", TOLD.format(body=body, patience=patience)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "runs\n"
        process.send_signal(numbers[0])
        assert process.stdout.readline() == "told\n"  # two that come at once may be one to the system
        for number in numbers[1:]:
            process.send_signal(number)
        process.wait(HANGS)
        assert process.stdout.read() == said


def test_a_signal_that_was_ignored_stays_ignored() -> None:
    program = (
        "import signal; from gitopsc.cli.serving import Told; signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "with Told() as told:\n    told.begin(lambda: None); signal.raise_signal(signal.SIGINT); print(told.asked())"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "False\n"
