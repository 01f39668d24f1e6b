"""Timing whole processes: wall time, the median of several runs, and the most memory any of them held."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Timed:
    """``seconds``: the median; ``mib``: the largest resident set of the process and its children."""

    seconds: float
    mib: float


def timed(command: Sequence[str], cwd: Path, environ: Mapping[str, str], *, runs: int = 5, before: Callable[[], None] | None = None, status: int = 0) -> Timed:
    """Run ``command`` so many times, ``before`` ahead of each (its time does not count). Raises where it ends with another status."""
    seconds, memory = [], 0.0
    for _ in range(runs):
        if before is not None:
            before()
        start = time.perf_counter()
        process = subprocess.Popen(command, cwd=cwd, env=dict(environ), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        assert process.stderr is not None
        said = process.stderr.read()
        _, code, usage = os.wait4(process.pid, 0)
        seconds.append(time.perf_counter() - start)
        process.returncode = os.waitstatus_to_exitcode(code)
        memory = max(memory, usage.ru_maxrss / 1024)
        if process.returncode != status:
            raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}: {said.decode(errors='replace')[-2000:]}")
    return Timed(statistics.median(seconds), memory)
