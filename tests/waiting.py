"""Waiting for what must come, on a machine of any speed: the bound is there so that a fault ends, not so that it is met."""

from __future__ import annotations

import resource
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

HANGS = 120.0
"""Seconds after which something that takes moments is taken to hang."""

_T = TypeVar("_T")


def until(condition: Callable[[], Any], seconds: float = HANGS, every: float = 0.02) -> None:
    """Wait for a condition, asked for ``every`` so many seconds; what does not come fails the test."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(every)


def in_time(function: Callable[[], _T]) -> _T:
    """What ``function`` gives or raises. It runs in a thread, so that one that never ends fails the test and does not hold it."""
    given: list[_T] = []
    raised: list[BaseException] = []

    def work() -> None:
        try:
            given.append(function())
        except BaseException as error:  # noqa: BLE001 (raised again where somebody catches)
            raised.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(HANGS)
    assert not thread.is_alive(), "waited in vain"
    if raised:
        raise raised[0]
    return given[0]


def ended(process: int) -> None:
    """Wait until a process is gone, or is nothing but an entry that nobody has asked for."""

    def gone() -> bool:
        try:
            return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
        except OSError:
            return True

    until(gone)


def left(folder: Path) -> None:
    """Wait until no process works in a folder or below it: what one that was killed had started ends by itself, a moment later."""

    def works(process: Path) -> bool:
        try:
            return (process / "cwd").readlink().is_relative_to(folder)
        except OSError:
            return False

    until(lambda: not any(map(works, Path("/proc").glob("[0-9]*"))))


def descriptors() -> int:
    """How many files this process holds open."""
    return len(list(Path("/proc/self/fd").iterdir()))


def resident() -> float:
    """The memory of this process, in MiB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20


def children() -> set[int]:
    """The processes that this one has started and that are there (one that has ended, and that nobody has asked for, is)."""
    found: set[int] = set()
    for task in Path("/proc/self/task").iterdir():
        try:
            found.update(map(int, (task / "children").read_text().split()))
        except OSError:  # a thread that has just ended
            continue
    return found
