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
            os.write(writer, b"e")

    def told(*_: object) -> None:
        os.write(writer, b"s")  # no lock is taken in a signal handler: the thread that it interrupts may hold it

    before = {number: signal.signal(number, told) for number in (signal.SIGTERM, signal.SIGINT)}
    threading.Thread(target=work, name="gitopsc-run", daemon=True).start()
    try:
        os.read(reader, 1)
        if not ended.is_set():
            stop()
            ended.wait(patience)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if raised:
        raise raised[0]
