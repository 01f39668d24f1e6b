"""Couriers: one thread a sink, which brings what is due, and tries again until it arrives. Nobody ever waits for one."""

from __future__ import annotations

import json
import random
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gitopsc.alerts.book import REMINDER, Book, Notice
from gitopsc.alerts.event import Event
from gitopsc.alerts.sinks import Sink
from gitopsc.alerts.wording import alertmanager, messages

if TYPE_CHECKING:
    import subprocess

CALL_SECONDS = 10.0
_BATCH = 100
_BACKOFF, _BACKOFF_LIMIT = 1.0, 300.0
_LOOK = 30.0
_LONGEST_BOOK = 256 << 10
_KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "PYTHONPATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")
_PROXIES = ("http_proxy", "https_proxy", "no_proxy", "all_proxy")

Deliver = Callable[[list[Notice]], int]
"""Brings notices; gives how many of them (the first ones) arrived. Raises Undelivered where not even one did."""


class Undelivered(Exception):
    """A sink did not take it; the text holds no part of its address."""


class Desk:
    """All that is to be told, and those who bring it. ``report`` and ``advance`` never wait for a sink.

    ``log`` hears of a sink that starts to fail, or to work again, once each: (name, why or None).
    """

    def __init__(
        self,
        book: Book,
        *,
        clean: Callable[[str], str] = str,
        log: Callable[[str, str | None], None] = lambda _name, _why: None,
        reminder: timedelta = REMINDER,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        patience: float = _BACKOFF,
    ) -> None:
        self.book = book
        self.reminder = reminder
        self.now = now
        self.changed = threading.Condition()
        self.stopping = False
        self._clean = clean
        self._log = log
        self._patience = patience
        self._couriers: list[Courier] = []

    def add(self, name: str, words: Collection[str], deliver: Deliver) -> None:
        """A sink: from now on it is told what it is owed."""
        courier = Courier(self, name, words, deliver, self._log, self._patience)
        self._couriers.append(courier)
        courier.start()

    def remove(self, name: str) -> None:
        """A sink is told nothing more."""
        with self.changed:
            for courier in self._couriers:
                courier.ended = courier.ended or courier.name == name
            self._couriers = [courier for courier in self._couriers if courier.name != name]
            self.changed.notify_all()

    def report(self, events: Iterable[Event], judged: Collection[tuple[str, str]] | Callable[[str, str], bool]) -> None:
        """What a pass found: see ``Book.advance``."""
        cleaned = [event.shortened(self._clean) for event in events]
        with self.changed:
            self.book.advance(cleaned, judged, self.now())
            self.settle()
            self.changed.notify_all()

    def settle(self) -> None:
        """The caller holds ``changed``."""
        self.book.settle([(courier.name, courier.words) for courier in self._couriers])

    def written(self) -> str | None:
        """The book, where it changed since it was last asked for."""
        with self.changed:
            if not self.book.changed:
                return None
            text = self.book.dump()
            return text if len(text) <= _LONGEST_BOOK else self.book.dump(details=False)

    def unwritten(self) -> None:
        """What ``written`` gave could not be kept: it is to be given again."""
        with self.changed:
            self.book.changed = True

    def firing(self) -> list[Event]:
        """What is so now."""
        with self.changed:
            return self.book.firing()

    def failures(self) -> dict[str, int]:
        """Deliveries that failed, by sink."""
        return {courier.name: courier.failed for courier in self._couriers}

    def flush(self, seconds: float) -> bool:
        """Wait until nothing is owed, or so long; whether nothing is."""
        end = time.monotonic() + seconds
        with self.changed:
            while any(courier.due() for courier in self._couriers):
                if not self.changed.wait(max(0.0, end - time.monotonic())) and time.monotonic() >= end:
                    return False
        return True

    def stop(self, seconds: float = 1.0) -> None:
        """Give what is owed so much time, then end."""
        self.flush(seconds)
        with self.changed:
            self.stopping = True
            self.changed.notify_all()
        for courier in self._couriers:
            courier.join(0.1)


class Courier(threading.Thread):
    """Brings one sink what it is owed."""

    def __init__(self, desk: Desk, name: str, words: Collection[str], deliver: Deliver, log: Callable[[str, str | None], None], patience: float) -> None:
        super().__init__(name=f"gitopsc-alerts-{name}", daemon=True)
        self.name = name
        self.words = words
        self.failed = 0
        self.ended = False
        self._desk = desk
        self._deliver = deliver
        self._log = log
        self._patience = patience
        self._row = 0

    def due(self) -> list[Notice]:
        """What it is owed; the caller holds the desk's condition."""
        if self.ended:
            return []
        return self._desk.book.due(self.name, self.words, self._desk.now(), self._desk.reminder)

    def run(self) -> None:
        """Until the desk stops."""
        desk = self._desk
        while True:
            with desk.changed:
                notices = self.due()
                while not notices and not self._is_over():
                    desk.changed.wait(_LOOK)
                    notices = self.due()
                if self._is_over():
                    return
            pause = self._bring(notices[:_BATCH])
            with desk.changed:
                end = time.monotonic() + pause
                while not self._is_over() and (left := end - time.monotonic()) > 0:
                    desk.changed.wait(left)

    def _is_over(self) -> bool:
        return self.ended or self._desk.stopping

    def _bring(self, notices: list[Notice]) -> float:
        """Seconds to wait before the next try."""
        try:
            arrived = self._deliver(notices)
            why = None if arrived == len(notices) else "it took only a part"
        except Exception as error:  # noqa: BLE001 (whatever a sink does wrong, the others and the next try go on)
            arrived, why = 0, str(error) if isinstance(error, Undelivered) else type(error).__name__
        desk = self._desk
        with desk.changed:
            desk.book.told(self.name, notices[:arrived], desk.now())
            desk.settle()
            desk.changed.notify_all()
        if (why is None) != (self._row == 0):
            self._log(self.name, why)
        if why is None:
            self._row = 0
            return 0.0
        self.failed += 1
        self._row += 1
        return float(min(_BACKOFF_LIMIT, self._patience * 2 ** min(self._row - 1, 20)) * random.uniform(0.5, 1))  # noqa: S311 (jitter)


def poster(
    sink: Sink, environ: Mapping[str, str], *, allow_link_local: bool = False, seconds: float = CALL_SECONDS, now: Callable[[], datetime] | None = None
) -> Deliver:
    """Delivers to a sink by address, in a process that is ended when its time is over."""
    order: dict[str, Any] = {"kind": sink.kind, "address": sink.address, "allow_link_local": allow_link_local, "seconds": seconds}

    def deliver(notices: list[Notice]) -> int:
        if sink.kind == "alertmanager":
            moment = now() if now is not None else datetime.now(UTC)
            sent = _posted({**order, "alerts": alertmanager(notices, moment)}, environ)
            return len(notices) if sent else 0
        written = messages(notices)
        sent = _posted({**order, "messages": [list(message) for message in written]}, environ)
        return len(notices) if sent == len(written) else sent

    return deliver


def _posted(order: Mapping[str, Any], environ: Mapping[str, str]) -> int:
    import subprocess

    kept = {name: value for name, value in environ.items() if name in _KEPT or name.lower() in _PROXIES}
    process = subprocess.Popen(
        [sys.executable, "-P", str(Path(__file__).with_name("post.py"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=kept,
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(json.dumps(order).encode(), timeout=float(order["seconds"]) + 5)
        answer = json.loads(output)
        sent, error = int(answer["sent"]), answer["error"]
    except subprocess.TimeoutExpired:
        raise Undelivered(f"it did not answer within {order['seconds']:.0f} s") from None
    except (ValueError, KeyError, TypeError, OSError):
        raise Undelivered("the delivery ended without a word") from None
    finally:
        _end(process)
    if error and not sent:
        raise Undelivered(str(error))
    return sent


def _end(process: subprocess.Popen[bytes]) -> None:
    import os
    import signal

    if process.poll() is None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None and not pipe.closed:
            with suppress(OSError):
                pipe.close()
