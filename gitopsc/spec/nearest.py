"""Which known word a mistyped one was meant to be."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from gitopsc.diagnostics import Diagnostics, Place


def distance(left: str, right: str, most: int) -> int:
    """How many letters must be inserted, dropped, changed or swapped with their neighbour; ``most + 1`` where it is more than ``most``."""
    if abs(len(left) - len(right)) > most:
        return most + 1
    older: list[int] = []
    before = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        row = [i]
        for j, b in enumerate(right, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                cost = min(cost, older[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
        older, before = before, row
    return before[-1]


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that ``word`` was most likely meant to be, or None where none is near: letter case, a plural, a slip of the finger, its beginning."""
    known = sorted(known)
    folded = word.lower().replace("_", "").replace("-", "")
    most = 1 if len(word) < 5 else 2 if len(word) < 9 else 3
    best: tuple[int, str] | None = None
    for candidate in known:
        if candidate.lower().replace("_", "").replace("-", "") == folded:
            return candidate
        found = distance(word.lower(), candidate.lower(), most)
        if found <= most and found < len(candidate) and (best is None or found < best[0]):
            best = (found, candidate)
    return best[1] if best else next((candidate for candidate in known if len(word) > 2 and candidate.lower().startswith(word.lower())), None)


def near(name: str, known: Iterable[str]) -> str:
    """``did you mean 'x'?``, or what there is."""
    names = sorted(str(item) for item in known)
    close = get_close_matches(name, names, 1, 0.6)
    if close:
        return f"did you mean '{close[0]}'?"
    return f"there is: {', '.join(names[:12])}{', …' if len(names) > 12 else ''}" if names else "there is none yet"


def unknown(what: str, name: str, known: Iterable[str], place: Place | None, diagnostics: Diagnostics, of: str = "") -> None:
    """An error: a name that nothing has, and the one that may have been meant."""
    article = "an" if what[0] in "ae" else "a"
    diagnostics.error(
        f"unknown-{what.rsplit(maxsplit=1)[-1]}", f"expected the name of {article} {what}{of} here, found '{name}'", place, hint=near(name, known)
    )
