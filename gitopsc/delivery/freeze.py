"""Times in which nothing is promoted."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from gitopsc.delivery.pipeline import Window
from gitopsc.spec.times import Weekly, moment

_WEEK = 7 * 24 * 60
_CHAIN = 64
"""Windows that begin where others end are followed this far, so that those which cover all time end, too."""


class Freeze(NamedTuple):
    """The windows that are open, and when none will be any more; null where that cannot be foreseen."""

    names: tuple[str, ...]
    until: datetime | None


def frozen(windows: Iterable[Window], now: datetime) -> Freeze | None:
    """Which windows ``now`` is in, or null: none."""
    every = tuple(windows)
    ends = {window.name: end for window in every if (end := ends_at(window, now)) is not None}
    if not ends:
        return None
    until = max(ends.values())
    for _ in range(_CHAIN):
        later = [end for window in every if (end := ends_at(window, until)) is not None]
        if not later:
            return Freeze(tuple(ends), until)
        until = max(later)
    return Freeze(tuple(ends), None)


def ends_at(window: Window, now: datetime) -> datetime | None:
    """When the window that ``now`` is in ends, in UTC; null where ``now`` is in none."""
    zone = ZoneInfo(window.zone)
    local = now.astimezone(zone)
    start, end = moment(window.start), moment(window.end)
    if isinstance(start, Weekly) and isinstance(end, Weekly):
        return _week_end(start, end, local)
    if isinstance(start, datetime) and isinstance(end, datetime):
        begins, ends = (one.replace(tzinfo=zone).astimezone(UTC) for one in (start, end))
        return ends if begins <= now < ends else None
    raise ValueError(window)


def _week_end(start: Weekly, end: Weekly, local: datetime) -> datetime | None:
    """Weekly windows go by the clock on the wall; one whose end is before its start goes on into the next week."""
    length = (_minutes(end) - _minutes(start)) % _WEEK or _WEEK
    here = _minutes(Weekly(local.weekday(), local.hour, local.minute))
    if (here - _minutes(start)) % _WEEK >= length:
        return None
    day = local.replace(hour=end.hour, minute=end.minute, second=0, microsecond=0, fold=0) + timedelta(days=(end.day - local.weekday()) % 7)
    if day.replace(tzinfo=None) <= local.replace(tzinfo=None):
        day += timedelta(days=7)
    if day.astimezone(UTC) <= local.astimezone(UTC):  # the hour that the clock goes back over: its second time is meant
        day = day.replace(fold=1)
    return day.astimezone(UTC)


def _minutes(when: Weekly) -> int:
    return when.day * 24 * 60 + when.hour * 60 + when.minute
