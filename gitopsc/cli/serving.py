"""A command that goes on until it is told to end: SIGTERM and SIGINT end it in good order, with status 0."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable

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
