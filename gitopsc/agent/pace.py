"""When the next pass is. Its clock is monotonic: a wall clock that jumps changes nothing, and a machine that slept owes one pass, not many."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable

JITTER = 0.1
QUIET = 0.5
"""Seconds after a wake in which further ones are gathered: changes come in groups."""
_BURST, _REFILL = 5.0, 6.0


class Pace:
    """``wake`` from any thread; ``wait`` in the one that passes. Passes at a wake's wish come ``_BURST`` in a row at most, then one in ``_REFILL`` seconds."""

    def __init__(self, interval: float, *, clock: Callable[[], float] = time.monotonic, chance: Callable[[], float] = random.random) -> None:
        self.interval = interval
        self._clock = clock
        self._chance = chance
        self._changed = threading.Condition()
        self._woken: str | None = None
        self._since = 0.0
        self._nudged = False
        self._tokens = _BURST
        self._refilled = clock()
        self._due = clock()

    def wake(self, reason: str) -> None:
        """Ask for a pass soon."""
        with self._changed:
            if self._woken is None:
                self._woken, self._since = reason, self._clock()
            self._changed.notify_all()

    def nudge(self) -> None:
        """Let ``wait`` return at once, without a reason to pass: whoever waits has something else to look at."""
        with self._changed:
            self._nudged = True
            self._changed.notify_all()

    def passed(self) -> None:
        """A pass has ended: the next is an interval from now, whatever time went by before."""
        spread = 1 + JITTER * (2 * self._chance() - 1)
        with self._changed:
            self._due = self._clock() + self.interval * spread

    def left(self) -> float:
        """Seconds until the next pass."""
        with self._changed:
            return max(0.0, self._next() - self._clock())

    def wait(self) -> str | None:
        """Wait for the next pass: why it is (``interval`` or a wake's reason); None after ``nudge``."""
        with self._changed:
            while not self._nudged:
                left = self._next() - self._clock()
                if left <= 0:
                    return self._begin()
                self._changed.wait(min(left, 60.0))
            self._nudged = False
            return None

    def _next(self) -> float:
        if self._woken is None:
            return self._due
        self._refill()
        ready = self._since + QUIET
        if self._tokens < 1:
            ready = max(ready, self._clock() + (1 - self._tokens) * _REFILL)
        return min(self._due, ready)

    def _begin(self) -> str:
        self._refill()
        reason = self._woken or "interval"
        if self._woken is not None:
            self._tokens = max(0.0, self._tokens - 1)
        self._woken = None
        return reason

    def _refill(self) -> None:
        now = self._clock()
        self._tokens = min(_BURST, self._tokens + (now - self._refilled) / _REFILL)
        self._refilled = now
