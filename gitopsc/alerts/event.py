"""Something a person should hear of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

WORDS = {
    "drift": "drifted",
    "failed": "could not be applied",
    "degraded": "is not healthy",
    "unverified": "failed verification",
    "stale": "cannot be read from its source",
    "rewritten": "has a rewritten history",
    "contended": "is contended: another manager writes the same fields",
    "waiting": "waits too long at a gate",
}
"""The words of ``on:`` in an environment's alerts, and how a sentence ends with them."""

_LONGEST, _MOST = 500, 20


class Key(NamedTuple):
    """What makes two events the same one."""

    word: str
    environment: str
    application: str
    subject: str


@dataclass(frozen=True, slots=True)
class Event:
    """``application`` is "" for what concerns the whole environment. ``subject`` tells events of one word apart where they are several
    (the field that is contended). ``details``: lines, one an object.
    """

    word: str
    environment: str
    application: str = ""
    subject: str = ""
    summary: str = ""
    details: tuple[str, ...] = ()

    @property
    def key(self) -> Key:
        """Its identity: what it says may change, and it stays the same event."""
        return Key(self.word, self.environment, self.application, self.subject)

    @property
    def title(self) -> str:
        """``prod-eu: checkout drifted``."""
        what = f"{self.application} {WORDS.get(self.word, self.word)}" if self.application else WORDS.get(self.word, self.word)
        return f"{self.environment}: {what}" + (f" ({self.subject})" if self.subject else "")

    def shortened(self, clean: Callable[[str], str]) -> Event:
        """The event as it may leave: every text cleaned, none longer than a person reads."""
        more = len(self.details) - _MOST
        details = tuple(_cut(clean(line)) for line in self.details[:_MOST]) + ((f"… and {more} more",) if more > 0 else ())
        return replace(self, subject=_cut(clean(self.subject)), summary=_cut(clean(self.summary)), details=details)


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 2] + " …"
