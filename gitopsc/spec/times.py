"""Times as people write them in a Pipeline: how long, and when in a week or on a date."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import NamedTuple

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

LONGEST = timedelta(days=3660)
"""Ten years: what is longer is a mistake, and could leave the calendar."""

_DURATION = re.compile(r"(?:[0-9]{1,9}(?:ms|s|m|h|d))+")
_PART = re.compile(r"([0-9]+)(ms|s|m|h|d)")
_UNITS = {"ms": "milliseconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_WEEKLY = re.compile(rf"({'|'.join(DAYS)}) ([01][0-9]|2[0-3]):([0-5][0-9])")


class Weekly(NamedTuple):
    """A time of each week: ``day`` from 0 (Monday), ``hour``, ``minute``."""

    day: int
    hour: int
    minute: int


def duration(text: str) -> timedelta:
    """``90s``, ``30m``, ``1h30m``, ``2d``. Raises ``ValueError`` for anything else, and for more than ``LONGEST``."""
    parts = _PART.findall(text) if _DURATION.fullmatch(text) else []
    try:
        found = sum((timedelta(**{_UNITS[unit]: int(number)}) for number, unit in parts), timedelta())
    except OverflowError:
        raise ValueError(text) from None
    if not parts or found > LONGEST:
        raise ValueError(text)
    return found


def moment(text: str) -> Weekly | datetime:
    """``Fri 16:00``, or ``2026-12-20 00:00`` as a datetime without a zone. Raises ``ValueError`` for anything else."""
    found = _WEEKLY.fullmatch(text)
    if found:
        return Weekly(DAYS.index(found[1]), int(found[2]), int(found[3]))
    return datetime.strptime(text, "%Y-%m-%d %H:%M")  # noqa: DTZ007 - the zone stands beside it
