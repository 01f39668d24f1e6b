"""One record: something that happened to a release after its commit. A value, its JSON and its place in time."""

from __future__ import annotations

import json
import re
import secrets
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from gitopsc.diagnostics import Invalid
from gitopsc.repository.layout import check_name

API_VERSION = "gitopsc.dev/v1alpha1"
KINDS = frozenset({"applied", "verified", "degraded", "drift", "rejected", "accepted", "approved", "check"})

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_FILE = re.compile(rf"(?P<ulid>[0-7][{_ALPHABET}]{{25}})-(?P<kind>[a-z]+)\.json")
_OWN = ("apiVersion", "kind", "environment", "application", "release", "rendered", "generation", "time", "by")
_LONGEST = 256 * 1024


@dataclass(frozen=True, slots=True)
class Record:
    """``time`` is aware, in UTC, to the millisecond. ``details``: what the kind adds (``message objects reason name result url revision cluster
    since``). ``ulid`` names the file: records of one moment keep the order they were made in.
    """

    kind: str
    environment: str
    application: str
    release: str
    rendered: str
    generation: int
    time: datetime
    by: str
    ulid: str
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """The file in the records branch: ``2026/11/checkout/<ulid>-verified.json``."""
        return f"{self.time:%Y/%m}/{self.application}/{self.ulid}-{self.kind}.json"

    def dump(self) -> bytes:
        """The file's content: one JSON object, the common fields first, in the design's order."""
        own = {
            "apiVersion": API_VERSION,
            "kind": self.kind,
            "environment": self.environment,
            "application": self.application,
            "release": self.release,
            "rendered": self.rendered,
            "generation": self.generation,
            "time": written_time(self.time),
            "by": self.by,
        }
        more = {key: self.details[key] for key in sorted(self.details) if key not in own}
        return (json.dumps({**own, **more}, ensure_ascii=False) + "\n").encode(errors="replace")

    def order(self, now: datetime) -> tuple[datetime, str]:
        """What "newest" goes by; a time in the future counts as ``now``, so that a wrong clock cannot have the last word for ever."""
        return min(self.time, now), self.ulid


def new_record(
    kind: str,
    environment: str,
    application: str,
    *,
    release: str,
    rendered: str,
    generation: int,
    by: str,
    now: datetime | None = None,
    details: Mapping[str, Any] | None = None,
) -> Record:
    """A record of now. Raises ``ValueError`` for a kind that there is not, ``Invalid`` for a name that cannot be a folder."""
    if kind not in KINDS:
        raise ValueError(kind)
    for name in (environment, application):
        reason = check_name(name)
        if reason is not None:
            raise Invalid(f"expected a name that can be a folder, found {name!r}: {reason}", code="name")
    moment = (now or datetime.now(UTC)).astimezone(UTC)
    moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    return Record(kind, environment, application, release, rendered, generation, moment, by, _ulids.next(moment), details or {})


def read_record(data: bytes, path: str) -> Record:
    """A record from its file. Raises ``Invalid`` where it is none, or does not belong where it stands."""
    *_, application, file = path.split("/")
    named = _FILE.fullmatch(file)
    try:
        if named is None or len(data) > _LONGEST:
            raise ValueError(file)
        found = json.loads(data)
        record = Record(
            kind=_text(found, "kind"),
            environment=_text(found, "environment"),
            application=_text(found, "application"),
            release=_text(found, "release"),
            rendered=_text(found, "rendered"),
            generation=int(found["generation"]),
            time=parsed_time(_text(found, "time")),
            by=_text(found, "by"),
            ulid=named["ulid"],
            details={key: value for key, value in found.items() if key not in _OWN},
        )
        if found.get("apiVersion") != API_VERSION or record.kind != named["kind"] or record.kind not in KINDS or record.application != application:
            raise ValueError(file)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError):
        raise Invalid(f"expected a record of {API_VERSION} in {path}, found something else", code="record") from None
    return record


def newest(records: Iterable[Record], now: datetime | None = None) -> Record | None:
    """The newest by (time, ulid); None where there is none."""
    moment = now or datetime.now(UTC)
    return max(records, key=lambda record: record.order(moment), default=None)


def written_time(moment: datetime) -> str:
    """``2026-11-23T22:44:01.123Z``."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parsed_time(text: str) -> datetime:
    """The moment that RFC 3339 text names; UTC where it names no zone. Raises ``ValueError``."""
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def first_ulid(moment: datetime) -> str:
    """The least identifier that a record of that moment can have."""
    return _encoded(_milliseconds(moment) << 80)


def _milliseconds(moment: datetime) -> int:
    return min(max(int(moment.timestamp() * 1000), 0), (1 << 48) - 1)


def _encoded(value: int) -> str:
    return "".join(_ALPHABET[value >> shift & 31] for shift in range(125, -1, -5))


def _text(found: Mapping[str, Any], key: str) -> str:
    value = found[key]
    if not isinstance(value, str):
        raise TypeError(key)
    return value


class _Ulids:
    """Universally unique identifiers that sort by time: 48 bits of milliseconds, 80 of chance. Within a process each is larger than the last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0

    def next(self, moment: datetime) -> str:
        """The next identifier."""
        milliseconds = _milliseconds(moment)
        with self._lock:
            value = milliseconds << 80 | secrets.randbits(79)
            if self._last >> 80 == milliseconds:
                value = self._last + 1 + secrets.randbits(16)
            self._last = value
        return _encoded(value)


_ulids = _Ulids()
