"""What records say of a release in an environment: its verdict, how long it was verified, who approved it, which checks passed.

All functions take the records of one application in one environment, in any order. A time in the future counts as now, so that a wrong
clock cannot have the last word for ever.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from gitopsc.delivery.facts import Entry, Record

Word = Literal["verified", "degraded", "rejected", "unknown"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """``record``: the one that decided; null where a lock's ``rollback`` did, or nothing is known. ``since``: when that was."""

    word: Word
    since: datetime | None = None
    record: Record | None = None


@dataclass(frozen=True, slots=True)
class Soak:
    """The longest stay without a break in which a release was verified, and when the present one began (null: there is none)."""

    longest: timedelta
    since: datetime | None


def in_order(records: Iterable[Record], now: datetime) -> list[Record]:
    """Oldest first, by (time, ulid)."""
    return sorted(records, key=lambda record: (min(record.time, now), record.ulid))


def verdict(records: Iterable[Record], release: str, now: datetime, history: Sequence[Entry] = ()) -> Verdict:
    """What is known of ``release``: a rejection stands until a later ``accepted``; else the newest of ``verified`` and ``degraded`` counts.

    ``history``: the environment's locks, newest first. What a rollback replaced counts as rejected even where the records are lost,
    until the release is brought there again.
    """
    rejected = _replaced(history, release)
    last = Verdict("unknown")
    for record in in_order((one for one in records if one.release == release), now):
        when = min(record.time, now)
        if record.kind == "rejected":
            rejected = Verdict("rejected", when, record)
        elif record.kind == "accepted" and rejected is not None and (rejected.since is None or rejected.since <= when):
            rejected = None
        elif record.kind in ("verified", "degraded"):
            last = Verdict("verified" if record.kind == "verified" else "degraded", when, record)
    return rejected or last


def _replaced(history: Sequence[Entry], release: str) -> Verdict | None:
    """The rejection that locks tell of: a rollback of the release, after which it did not come back."""
    found: Verdict | None = None
    running = ""
    for entry in reversed(history):
        lock = entry.lock
        if lock.rollback is not None and lock.rollback.of == release != lock.release.id:
            found = Verdict("rejected", entry.time)
        elif lock.release.id == release != running:
            found = None
        running = lock.release.id
    return found


def soak(records: Iterable[Record], release: str, now: datetime) -> Soak:
    """How long ``release`` was verified here at a stretch. A stay ends when another release is seen, or it is degraded or rejected."""
    longest, rejected = timedelta(), False
    since: datetime | None = None
    for record in in_order(records, now):
        when = min(record.time, now)
        own = record.release == release
        if own and record.kind in ("rejected", "accepted"):
            rejected = record.kind == "rejected"
        if own and record.kind == "verified" and not rejected:
            since = since or when
        elif _ends(record, own) and since is not None:
            longest, since = max(longest, when - since), None
    if since is not None:
        longest = max(longest, now - since)
    return Soak(longest, since)


def _ends(record: Record, own: bool) -> bool:
    return record.kind in ("degraded", "rejected") if own else record.kind in ("applied", "verified", "degraded")


def approvers(
    records: Iterable[Record], release: str, rendered: str | None, people: Collection[str] | None = None, signed: Collection[str] | None = None
) -> tuple[str, ...]:
    """The distinct mail addresses that approved ``release`` with exactly these manifests, sorted.

    ``people``: whose approval counts (null: anybody's); ``signed``: the ulids of records with a good signature, where only those count.
    """
    allowed = None if people is None else {mail.casefold() for mail in people}
    found = {
        mail_of(record.by)
        for record in records
        if record.kind == "approved" and record.release == release and record.rendered == rendered and (signed is None or record.ulid in signed)
    }
    return tuple(sorted(mail for mail in found if mail and (allowed is None or mail in allowed)))


def mail_of(identity: str) -> str:
    """The mail address of ``Name <mail>``, in lower case; "" where there is none."""
    start, end = identity.rfind("<"), identity.rfind(">")
    return identity[start + 1 : end].strip().casefold() if 0 <= start < end else ""


def check_result(records: Iterable[Record], release: str, name: str, now: datetime) -> Record | None:
    """The newest record of a check for a release; null where there is none."""
    found = [record for record in records if record.kind == "check" and record.release == release and record.details.get("name") == name]
    return in_order(found, now)[-1] if found else None
