"""Freezes: weekly and dated windows, time zones, and when they end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gitopsc.delivery.freeze import ends_at, frozen
from gitopsc.delivery.pipeline import Window

WEEKEND = Window("weekend", "Fri 16:00", "Mon 08:00", "Europe/Oslo")
OFFICE = Window("office", "Mon 09:00", "Mon 17:00")
YEAR_END = Window("year-end", "2026-12-20 00:00", "2027-01-04 00:00", "America/New_York")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("window", "now", "until"),
    [
        (WEEKEND, "2026-11-27 14:59:59", None),
        (WEEKEND, "2026-11-27 15:00", "2026-11-30 07:00"),  # from is inclusive
        (WEEKEND, "2026-11-28 12:00", "2026-11-30 07:00"),
        (WEEKEND, "2026-11-30 06:59:59", "2026-11-30 07:00"),
        (WEEKEND, "2026-11-30 07:00", None),  # to is exclusive
        (WEEKEND, "2026-07-03 13:59", None),  # summer time
        (WEEKEND, "2026-07-03 14:00", "2026-07-06 06:00"),
        (WEEKEND, "2026-10-24 12:00", "2026-10-26 07:00"),  # the clocks go back in between
        (OFFICE, "2026-11-23 09:00", "2026-11-23 17:00"),
        (OFFICE, "2026-11-23 17:00", None),
        (OFFICE, "2026-11-24 10:00", None),
        (Window("w", "Sun 00:00", "Sun 06:00"), "2026-11-29 05:00", "2026-11-29 06:00"),
        (Window("w", "Wed 12:00", "Wed 11:00"), "2026-11-25 12:00", "2026-12-02 11:00"),
        (Window("w", "Wed 12:00", "Wed 11:00"), "2026-11-25 11:30", None),
        (Window("w", "Wed 12:00", "Wed 11:00"), "2026-11-25 10:59", "2026-11-25 11:00"),
        (YEAR_END, "2026-12-20 04:59", None),
        (YEAR_END, "2026-12-20 05:00", "2027-01-04 05:00"),
        (YEAR_END, "2027-01-04 04:59:59", "2027-01-04 05:00"),
        (YEAR_END, "2027-01-04 05:00", None),
        (YEAR_END, "2027-12-25 00:00", None),
        (Window("night", "Sun 02:10", "Sun 02:30", "Europe/Oslo"), "2026-10-25 00:20", "2026-10-25 00:30"),
        (Window("night", "Sun 02:10", "Sun 02:30", "Europe/Oslo"), "2026-10-25 01:20", "2026-10-25 01:30"),  # the hour that comes twice
    ],
)
def test_windows(window: Window, now: str, until: str | None) -> None:
    assert ends_at(window, utc(now)) == (None if until is None else utc(until))


def test_no_window_no_freeze() -> None:
    assert frozen((), utc("2026-11-28 12:00")) is None
    assert frozen((OFFICE,), utc("2026-11-28 12:00")) is None


def test_windows_that_touch_are_one_freeze() -> None:
    after = Window("monday", "Mon 08:00", "Mon 12:00", "Europe/Oslo")
    found = frozen((OFFICE, after, WEEKEND), utc("2026-11-28 12:00"))
    assert found is not None
    assert (found.names, found.until) == (("weekend",), utc("2026-11-30 17:00"))


def test_two_open_windows_are_both_named() -> None:
    found = frozen((WEEKEND, YEAR_END), utc("2026-12-26 12:00"))
    assert found is not None
    assert (found.names, found.until) == (("weekend", "year-end"), utc("2027-01-04 07:00"))  # a weekend ends that Monday, too


def test_windows_that_cover_all_time_have_no_end() -> None:
    found = frozen((Window("a", "Mon 00:00", "Thu 00:00"), Window("b", "Thu 00:00", "Mon 00:00")), utc("2026-11-28 12:00"))
    assert found is not None
    assert found.until is None


def test_the_time_of_day_does_not_depend_on_the_zone_it_is_told_in() -> None:
    now = utc("2026-11-27 15:00")
    assert ends_at(WEEKEND, now.astimezone(datetime.fromisoformat("2026-01-01T00:00+09:00").tzinfo)) == ends_at(WEEKEND, now)
    assert ends_at(WEEKEND, now - timedelta(seconds=1)) is None
