"""A command that goes on until a signal: what it ends with, and how soon. Each is a process, as signals are a process's."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

PROGRAM = """
import sys, threading, time
from gitopsc.cli.serving import until_told
stopped = threading.Event()
def run():
    print("runs", flush=True)
    {body}
until_told(run, stopped.set, patience=0.5)
print("ended", flush=True)
"""


def started(body: str) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", PROGRAM.format(body=body)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "runs\n"
    return process


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_good_order(number: signal.Signals) -> None:
    process = started("stopped.wait(60)")
    process.send_signal(number)
    output, errors = process.communicate(timeout=20)
    assert (process.returncode, output, errors) == (0, "ended\n", "")


def test_what_does_not_end_is_not_waited_for() -> None:
    process = started("time.sleep(60)")
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=20)
    assert (process.returncode, output) == (0, "ended\n")
    assert time.monotonic() - began < 5


def test_many_signals_are_one() -> None:
    process = started("stopped.wait(60); time.sleep(0.2)")
    for _ in range(5):
        process.send_signal(signal.SIGTERM)
    output, errors = process.communicate(timeout=20)
    assert (process.returncode, output, errors) == (0, "ended\n", "")


def test_a_signal_that_another_thread_gets_ends_it_all_the_same() -> None:
    process = started("import signal; signal.pthread_kill(threading.get_ident(), signal.SIGTERM); stopped.wait(60)")
    output, errors = process.communicate(timeout=20)
    assert (process.returncode, output, errors) == (0, "ended\n", "")


def test_what_it_raises_is_raised() -> None:
    process = started("raise ValueError('x')")
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "ValueError: x" in errors
