"""Commands that are told to end: one that goes on until then, with status 0, and one that has begun to write and should say what it wrote."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Self

PATIENCE = 4.5
"""Seconds from the signal to the end of the process, less what Python needs to end."""


def until_told(run: Callable[[], None], stop: Callable[[], None], patience: float = PATIENCE) -> None:
    """Call ``run`` in a thread; at a signal call ``stop`` and give it ``patience``. Raises what ``run`` raises."""
    reader, writer = os.pipe()
    raised: list[BaseException] = []
    ended = threading.Event()

    def work() -> None:
        try:
            run()
        except BaseException as error:  # noqa: BLE001 (raised again where somebody catches)
            raised.append(error)
        finally:
            ended.set()
            os.write(writer, b"\0")

    # The system may give a signal to any thread, and wakes only that one; what is written to this pipe wakes the thread that waits here.
    # No lock is taken in a handler: the thread that it interrupts may hold it.
    os.set_blocking(writer, False)
    wakeup = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    before = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGTERM, signal.SIGINT)}
    threading.Thread(target=work, name="gitopsc-run", daemon=True).start()
    try:
        while not ended.is_set() and os.read(reader, 1)[0] not in before:
            continue
        if not ended.is_set():
            stop()
            ended.wait(patience)
    finally:
        signal.set_wakeup_fd(wakeup)
        for number, handler in before.items():
            signal.signal(number, handler)
    if raised:
        raise raised[0]


class Told:
    """SIGTERM and SIGINT while a command speaks to a cluster. Before ``begin`` they break it off, as everywhere; after it they are noted, so that the command
    ends in good order. One that has not ended after ``patience`` seconds, or is told once more, is broken off all the same.
    """

    def __init__(self, patience: float = PATIENCE) -> None:
        self.number: int | None = None
        self._patience = patience
        self._before: dict[int, Any] = {}
        self._hasten: Callable[[], None] = lambda: None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._before:
            signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if self.number is not None and isinstance(error, Exception):  # it could not end in good order; that it was told to is what counts
            self._before[self.number](self.number, None)

    def begin(self, hasten: Callable[[], None]) -> None:
        """From now on signals are noted, but those that whoever started us has ignored. ``hasten`` is called at the first one."""
        self._hasten = hasten
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM):
            if signal.getsignal(number) != signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._noted)

    def asked(self) -> bool:
        """Whether a signal has come."""
        return self.number is not None

    def _noted(self, number: int, frame: FrameType | None) -> None:
        if self.number is None and number != signal.SIGALRM:
            self.number = number
            signal.setitimer(signal.ITIMER_REAL, self._patience)
            self._hasten()
        elif self.number is not None:
            self._before[self.number](self.number, frame)
