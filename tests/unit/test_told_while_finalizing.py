"""A signal is not lost where Python would drop the exception that it raises."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.waiting import HANGS

PROGRAM = """
import os, signal, sys, time
from gitopsc.cli import run

class Last:
    def __del__(self):
        os.kill(os.getpid(), signal.{name})
        time.sleep(0)

def carry_out(*_):
    one = Last()
    del one
    time.sleep({hangs})

run._carry_out = carry_out
sys.exit(run.run(["check"]))
"""


@pytest.mark.parametrize(("name", "status", "said"), [("SIGTERM", 143, "gitopsc: terminated\n"), ("SIGINT", 130, "gitopsc: interrupted\n")])
def test_a_signal_comes_while_an_object_is_finalized(name: str, status: int, said: str) -> None:
    program = PROGRAM.format(name=name, hangs=HANGS)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=2 * HANGS, check=False)
    assert (done.returncode, done.stderr) == (status, said)
