"""Threads for the requests of a pass: what is given to them is done as soon as one is free, and told in the order in which it ends."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

Task = tuple[Callable[..., Any], tuple[Any, ...]]
"""A function and its arguments."""


class Ended(NamedTuple):
    """What became of tasks that were given together. ``tag``: what they were given with. ``results``: in the order in which they ended."""

    tag: Any
    results: list[Any]


class _Raised(NamedTuple):
    error: BaseException


class _Bunch:
    """Tasks whose results come back together: who waits for them is woken once."""

    __slots__ = ("back", "left", "lock", "tag")

    def __init__(self, tag: Any, left: int) -> None:
        self.tag = tag
        self.left = left
        self.back: list[Any] = []
        self.lock = threading.Lock()

    def take(self, result: Any) -> bool:
        """Whether it was the last one."""
        with self.lock:
            self.back.append(result)
            self.left -= 1
            return not self.left


class Crew:
    """At most ``width`` threads, begun as they are needed. They are daemons: nothing that hangs may keep the process from ending."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._tasks: queue.SimpleQueue[tuple[_Bunch, Task] | None] = queue.SimpleQueue()
        self._ended: queue.SimpleQueue[Ended | _Raised] = queue.SimpleQueue()
        self._threads = 0
        self._outstanding = 0

    def give(self, tag: Any, tasks: Sequence[Task]) -> None:
        """Have all of some tasks done, at least one; they come back together."""
        bunch = _Bunch(tag, len(tasks))
        for task in tasks:
            self._tasks.put((bunch, task))
        self._outstanding += len(tasks)
        while self._threads < min(self._width, self._outstanding):
            self._threads += 1
            threading.Thread(target=self._work, name=f"gitopsc-{self._threads}", daemon=True).start()

    def results(self, seconds: float) -> list[Ended]:
        """What has ended since the last call: waits at most ``seconds`` for a first one. Raises what a task has raised."""
        came: list[Ended | _Raised] = []
        try:
            came.append(self._ended.get(timeout=max(0.0, seconds)))
            while True:
                came.append(self._ended.get_nowait())
        except queue.Empty:
            pass
        out = []
        for one in came:
            if isinstance(one, _Raised):
                raise one.error
            self._outstanding -= len(one.results)
            out.append(one)
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
        while (given := self._tasks.get()) is not None:
            bunch, (function, arguments) = given
            try:
                result = function(*arguments)
            except BaseException as error:  # noqa: BLE001 - raised again by ``results``
                self._ended.put(_Raised(error))
                continue
            if bunch.take(result):
                self._ended.put(Ended(bunch.tag, bunch.back))
