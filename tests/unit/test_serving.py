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
