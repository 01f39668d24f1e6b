"""What is wrong now, since when, and which sink was told what. Pure: time comes in, notices come out.

Nothing is queued: what a sink is owed is the difference between what is so and what it was told last. So a sink that was dead for a day
hears of what is still so, once, and what is owed is bounded by the number of events.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NamedTuple

from gitopsc.alerts.event import Event, Key

MOST = 1000
REMINDER = timedelta(hours=4)

Change = Literal["firing", "reminder", "resolved"]


class Told(NamedTuple):
    """The last thing a sink heard of an event."""

    firing: bool
    at: datetime


class Notice(NamedTuple):
    """What a sink is owed: an event that began, goes on, or is over (``until``)."""

    change: Change
    event: Event
    since: datetime
    until: datetime | None


@dataclass(slots=True)
class Entry:
    """One event, from its beginning until every sink knows its end."""

    event: Event
    since: datetime
    until: datetime | None = None
    told: dict[str, Told] = field(default_factory=dict)


class Book:
    """All events of a reconciler. ``changed`` is true after anything that is worth keeping; ``forgotten`` counts what did not fit."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self.entries: dict[Key, Entry] = {entry.event.key: entry for entry in entries}
        self.changed = False
        self.forgotten = 0

    def advance(self, events: Iterable[Event], judged: Collection[tuple[str, str]] | Callable[[str, str], bool], now: datetime) -> None:
        """Take in what a pass found. Only what it could judge (word, application) is over when it found it no more."""
        found = {event.key: event for event in events}
        could = judged if callable(judged) else lambda word, application: (word, application) in judged
        for key, entry in self.entries.items():
            if key not in found and entry.until is None and could(key.word, key.application):
                entry.until = now
                self.changed = True
        for key, event in found.items():
            known = self.entries.get(key)
            if known is None:
                self._begin(event, now)
            elif known.until is not None:
                # Back before everybody heard that it was over: for those who did not, it never was.
                known.event, known.until, self.changed = event, None, True
                if not any(told.firing for told in known.told.values()):
                    known.since = now
            elif known.event != event:
                known.event = event

    def due(self, sink: str, words: Collection[str], now: datetime, reminder: timedelta = REMINDER) -> list[Notice]:
        """What ``sink``, which listens to ``words`` (empty: to all), is owed now, oldest first."""
        notices: list[Notice] = []
        for entry in self.entries.values():
            if words and entry.event.word not in words:
                continue
            change = _owed(entry, entry.told.get(sink), now, reminder)
            if change is not None:
                notices.append(Notice(change, entry.event, entry.since, entry.until))
        return sorted(notices, key=lambda notice: (notice.until or notice.since, notice.event.key))

    def told(self, sink: str, notices: Iterable[Notice], now: datetime) -> None:
        """These arrived."""
        for notice in notices:
            entry = self.entries.get(notice.event.key)
            if entry is not None:
                entry.told[sink] = Told(notice.change != "resolved", now)
                self.changed = True

    def settle(self, sinks: Collection[tuple[str, Collection[str]]]) -> None:
        """Forget events that are over and that nobody of ``sinks`` (name, words) is still owed a word about."""
        for key, entry in list(self.entries.items()):
            names = [name for name, words in sinks if not words or key.word in words]
            if entry.until is not None and not any(name not in entry.told or entry.told[name].firing for name in names):
                del self.entries[key]
                self.changed = True

    def firing(self) -> list[Event]:
        """What is so now."""
        return [entry.event for entry in self.entries.values() if entry.until is None]

    def dump(self, *, details: bool = True) -> str:
        """The book as JSON, for the next process. Sets ``changed`` back."""
        self.changed = False
        return json.dumps([_written(entry, details=details) for entry in self.entries.values()], ensure_ascii=False, separators=(",", ":"))

    def _begin(self, event: Event, now: datetime) -> None:
        if len(self.entries) >= MOST:
            over = [key for key, entry in self.entries.items() if entry.until is not None]
            if not over:
                self.forgotten += 1
                return
            del self.entries[min(over, key=lambda key: self.entries[key].since)]
            self.forgotten += 1
        self.entries[event.key] = Entry(event, now)
        self.changed = True


def load(text: str) -> Book:
    """The book that ``dump`` wrote; an empty one for anything else: then people are told once more."""
    try:
        return Book([_read(item) for item in json.loads(text)][:MOST])
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return Book()


def _owed(entry: Entry, told: Told | None, now: datetime, reminder: timedelta) -> Change | None:
    if entry.until is not None:
        return "resolved" if told is None or told.firing else None
    if told is None or not told.firing:
        return "firing"
    return "reminder" if now - min(told.at, now) >= reminder else None


def _written(entry: Entry, *, details: bool) -> dict[str, Any]:
    told = {name: [one.firing, one.at.isoformat()] for name, one in entry.told.items()}
    until = None if entry.until is None else entry.until.isoformat()
    event = asdict(entry.event if details else replace(entry.event, details=()))
    return {"event": event, "since": entry.since.isoformat(), "until": until, "told": told}


def _read(item: dict[str, Any]) -> Entry:
    said = item["event"]
    word, environment, application, subject, summary = (str(said[name]) for name in ("word", "environment", "application", "subject", "summary"))
    event = Event(word, environment, application, subject, summary, tuple(map(str, said["details"])))
    told = {str(name): Told(bool(firing), _moment(at)) for name, (firing, at) in item["told"].items()}
    return Entry(event, _moment(item["since"]), None if item["until"] is None else _moment(item["until"]), told)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
