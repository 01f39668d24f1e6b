"""Commit messages: a subject for people, trailers for tools."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_LONGEST_SUBJECT = 200
_LONGEST_VALUE = 500
# Breaks lines, hides text or moves the cursor: C0 and C1 controls, Unicode line ends, zero-width and directional marks.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]+")
_SKIP = re.compile(r"\[(?=[^\]]*\b(?:skip|no)\b)|(?<=\*)\*\*NO_CI\*\*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Entry:
    """What one commit does to one application in one environment. ``source`` is the workspace's commit, ``origin`` the
    ``environment@generation`` that a promotion came from.
    """

    action: str
    environment: str
    application: str
    release: str
    generation: int
    source: str | None = None
    origin: str | None = None


def commit_message(subject: str, entries: Iterable[Entry]) -> str:
    """The message of one commit: ``subject``, then a block of trailers for each entry, in the order given."""
    trailers: list[str] = []
    for entry in entries:
        trailers += [
            f"Gitopsc-Action: {neutral(entry.action)}",
            f"Gitopsc-Environment: {neutral(entry.environment)}",
            f"Gitopsc-Application: {neutral(entry.application)}",
            f"Gitopsc-Release: {neutral(entry.release)}",
            f"Gitopsc-Generation: {entry.generation}",
        ]
        if entry.origin is not None:
            trailers.append(f"Gitopsc-From: {neutral(entry.origin)}")
        if entry.source is not None:
            trailers.append(f"Gitopsc-Source: {neutral(entry.source)}")
    first = neutral(subject)[:_LONGEST_SUBJECT].strip() or "Update"
    return "\n\n".join([first, "\n".join(trailers)] if trailers else [first]) + "\n"


def neutral(text: str) -> str:
    """``text`` as one line that can neither start a trailer of its own nor tell a CI system to skip the commit."""
    line = _UNSAFE.sub(" ", text)
    return _SKIP.sub("(", line).strip()[:_LONGEST_VALUE]
