"""Threads for the requests of a pass: what is given to them is done as soon as one is free, and told in the order in which it ends."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any, NamedTuple


class Ended(NamedTuple):
    """What became of a task. ``tag``: what it was given with."""

    tag: Any
    result: Any


class _Raised(NamedTuple):
    error: BaseException


class Crew:
    """At most ``width`` threads, begun as they are needed. They are daemons: nothing that hangs may keep the process from ending."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._tasks: queue.SimpleQueue[tuple[Any, Callable[..., Any], tuple[Any, ...]] | None] = queue.SimpleQueue()
        self._ended: queue.SimpleQueue[Ended] = queue.SimpleQueue()
        self._threads = 0
        self.outstanding = 0

    def give(self, tag: Any, function: Callable[..., Any], *arguments: Any) -> None:
        """Have ``function(*arguments)`` done."""
        self.outstanding += 1
        self._tasks.put((tag, function, arguments))
        if self._threads < min(self._width, self.outstanding):
            self._threads += 1
            threading.Thread(target=self._work, name=f"gitopsc-{self._threads}", daemon=True).start()

    def results(self, seconds: float) -> list[Ended]:
        """What has ended since the last call: waits at most ``seconds`` for a first one. Raises what a task has raised."""
        out = []
        try:
            out.append(self._ended.get(timeout=max(0.0, seconds)))
            while True:
                out.append(self._ended.get_nowait())
        except queue.Empty:
            pass
        self.outstanding -= len(out)
        for one in out:
            if isinstance(one.result, _Raised):
                raise one.result.error
        return out

    def close(self) -> None:
        """Let the threads go; what is still to be done is not begun."""
        try:
            while True:
                self._tasks.get_nowait()
        except queue.Empty:
            pass
        for _ in range(self._threads):
            self._tasks.put(None)

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            tag, function, arguments = task
            try:
                self._ended.put(Ended(tag, function(*arguments)))
            except BaseException as error:  # noqa: BLE001 - raised again by ``results``
                self._ended.put(Ended(tag, _Raised(error)))
