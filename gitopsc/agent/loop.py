"""The loop: lead or wait, pass, pause, pass again; and end within seconds when told to, whatever is under way."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from gitopsc.agent.pace import Pace

GRACE, LAST_GRACE = 2.0, 0.5


class Seat(Protocol):
    """What makes one of several the one that writes."""

    lost: threading.Event
    on_lost: Callable[[], None] | None

    def acquire(self, stop: threading.Event, troubled: Callable[[Any], None] | None = None) -> bool:
        """Wait until it is ours; False where ``stop`` came first."""

    def keep(self) -> None:
        """Hold it from now on."""

    def release(self) -> None:
        """Let it go."""


@dataclass(slots=True)
class Attempt:
    """One pass, from the side of the loop. The pass says which ``revision`` of the source it found (whether it applies that one or
    not), and looks at ``cancel`` wherever it waits.
    """

    reason: str
    cancel: threading.Event = field(default_factory=threading.Event)
    cancelled_for: str | None = None
    revision: str | None = None
    began: float = field(default_factory=time.monotonic)

    def stop(self, reason: str) -> None:
        """End its waits. The first reason counts."""
        if self.cancelled_for is None:
            self.cancelled_for = reason
        self.cancel.set()


@dataclass(frozen=True, slots=True)
class Parts:
    """What the loop runs. ``run_pass`` never raises; ``abort`` cuts off what a pass is still doing; ``tip`` is the source's newest revision,
    and raises where it cannot be asked. ``lead`` and ``follow`` are told when that begins.
    """

    run_pass: Callable[[Attempt], None]
    tip: Callable[[], str | None]
    abort: Callable[[], None] = lambda: None
    lead: Callable[[], None] = lambda: None
    follow: Callable[[], None] = lambda: None
    troubled: Callable[[Any], None] = lambda _: None


class Loop:
    """``stop`` from any thread but in no signal handler; ``run`` in one. ``poll``: seconds between looks at the source."""

    def __init__(self, parts: Parts, pace: Pace, seat: Seat | None, *, poll: float, longest: float = 3600.0) -> None:
        self.pace = pace
        self.leading = False
        self.attempt: Attempt | None = None
        self._parts = parts
        self._seat = seat
        self._poll = poll
        self._longest = longest
        self._stopping = threading.Event()
        self._look = threading.Event()
        self._bell = threading.Event()
        self._revision: str | None = None
        self._met = False

    def stop(self) -> None:
        """End soon."""
        self._stopping.set()
        self._ring()

    def hook(self) -> None:
        """Somebody says that there is something new."""
        self._look.set()
        self.pace.wake("hook")

    def healthy(self) -> str | None:
        """None, or why this process should be started anew."""
        attempt = self.attempt
        if attempt is not None and time.monotonic() - attempt.began > self._longest:
            return f"a pass has not ended for {self._longest:.0f} s"
        return None

    def ready(self) -> str | None:
        """None, or why it is of no use yet. One that waits for its turn is ready: it is there for when the other goes."""
        return None if self._met or self.leading else "the API server has not been reached yet"

    def met(self) -> None:
        """The server was reached."""
        self._met = True

    def run(self) -> None:
        """Until ``stop``."""
        poller = threading.Thread(target=self._polling, name="gitopsc-source", daemon=True)
        poller.start()
        while not self._stopping.is_set():
            if self._seat is not None:
                self._parts.follow()
                self._seat.on_lost = self._ring
                if not self._seat.acquire(self._stopping, self._parts.troubled):
                    break
                self._seat.lost.clear()
                self._seat.keep()
            self.leading = self._met = True
            self._parts.lead()
            try:
                self._lead()
            finally:
                self.leading = False
                if self._seat is not None:
                    self._seat.release()
        self._look.set()

    def _lead(self) -> None:
        while not self._is_over():
            reason = self.pace.wait()
            if reason is None or self._is_over():
                continue
            self._pass(Attempt(reason))
            self.pace.passed()

    def _pass(self, attempt: Attempt) -> None:
        done = threading.Event()

        def work() -> None:
            try:
                self._parts.run_pass(attempt)
            finally:
                done.set()
                self._bell.set()

        self.attempt = attempt
        thread = threading.Thread(target=work, name="gitopsc-pass", daemon=True)
        thread.start()
        while not done.is_set():
            self._bell.wait()
            self._bell.clear()
            if self._is_over() and not done.is_set():
                attempt.stop("stopped" if self._stopping.is_set() else "the lease is lost")
                if not done.wait(GRACE):
                    self._parts.abort()
                    done.wait(LAST_GRACE if self._stopping.is_set() else None)
                break
        self.attempt = None
        if attempt.revision is not None:
            self._revision = attempt.revision

    def _polling(self) -> None:
        """A revision that is not the one at work ends the wait for that one: a fix is never held up by the broken release before it."""
        while not self._stopping.is_set():
            self._look.wait(self._poll)
            self._look.clear()
            if self._stopping.is_set() or not self.leading:
                continue
            try:
                tip = self._parts.tip()
            except Exception:  # noqa: BLE001, S112 (the pass itself will meet and report it)
                continue
            attempt = self.attempt
            known = attempt.revision if attempt is not None else self._revision
            if tip is None or known is None or tip == known:
                continue
            if attempt is not None:
                attempt.stop("a new revision")
            self.pace.wake("revision")

    def _is_over(self) -> bool:
        return self._stopping.is_set() or (self._seat is not None and self._seat.lost.is_set())

    def _ring(self) -> None:
        self._bell.set()
        self.pace.nudge()
