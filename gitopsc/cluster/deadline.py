"""The one deadline that goes through all calls of a command or of a pass."""

from __future__ import annotations

import math
import time


class Deadline:
    """A moment after which nothing is begun and nothing is waited for. ``None`` seconds: never."""

    __slots__ = ("at",)

    def __init__(self, seconds: float | None) -> None:
        self.at = math.inf if seconds is None else time.monotonic() + seconds

    def left(self) -> float:
        """Seconds until then, not below 0; infinite where there is no deadline."""
        return max(0.0, self.at - time.monotonic())

    def expired(self) -> bool:
        """Whether it is over."""
        return time.monotonic() >= self.at

    def shorten(self, seconds: float) -> None:
        """From now on it is at most ``seconds`` away, for everybody who holds to it."""
        self.at = min(self.at, time.monotonic() + seconds)

    def sooner(self, seconds: float) -> Deadline:
        """This one, or ``seconds`` from now: the nearer."""
        nearer = Deadline(seconds)
        if self.at < nearer.at:
            nearer.at = self.at
        return nearer
