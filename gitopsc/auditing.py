"""Every change of locks, with what it was made of and what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from typing import Any

from gitopsc.delivery.verdict import Word, approvers, verdict
from gitopsc.opening import Environments, Pair
from gitopsc.repository.ancestry import Ancestry
from gitopsc.repository.histories import Histories
from gitopsc.repository.history import Past
from gitopsc.repository.locks import ReleaseLock
from gitopsc.repository.record import Record
from gitopsc.repository.signature import Signature, read_trust, signatures

_OF_THE_ENVIRONMENT = ("environment", "rerender")


@dataclass(frozen=True, slots=True)
class Change:
    """A lock as one commit wrote it. ``before``: the one that it replaced. ``span``: the generations in which exactly these manifests ran
    around it, the first and the last. ``place``: its commit's in history, 0 is the newest.
    """

    past: Past
    before: ReleaseLock | None
    span: tuple[int, int]
    place: int


def changes(there: Environments, pairs: Sequence[Pair], *, since: datetime | None = None, most: int | None = None) -> list[Change]:
    """The changes of some applications, newest first; ``since``: not those before; ``most``: so many at most. Raises ``Failure``."""
    found: list[Change] = []
    with closing(Histories(there.repository, there.snapshot, pairs)) as histories:
        for pair in pairs:
            own = _distinct(histories.of(*pair))
            found += (
                Change(past, own[index + 1].lock if index + 1 < len(own) else None, _span(own, index), histories.position(past.revision))
                for index, past in enumerate(own)
            )
    found = [change for change in found if since is None or change.past.time >= since]
    found.sort(key=lambda change: change.place)
    return found[:most]


def _distinct(pasts: Iterable[Past]) -> list[Past]:
    """Without commits that wrote the lock as it was before them: only changes count."""
    found: list[Past] = []
    for past in pasts:
        if found and past.lock == found[-1].lock:
            found[-1] = past
        else:
            found.append(past)
    return found


def _span(own: Sequence[Past], index: int) -> tuple[int, int]:
    """The generations next to each other that have the same manifests as one of them."""
    rendered = own[index].lock.rendered
    older = takewhile(lambda past: past.lock.rendered == rendered, own[index:])
    newer = takewhile(lambda past: past.lock.rendered == rendered, reversed(own[: index + 1]))
    generations = [past.lock.generation for part in (older, newer) for past in part]
    return min(generations), max(generations)


def told(there: Environments, found: Sequence[Change]) -> list[dict[str, Any]]:
    """The changes as HistoryResult and AuditResult have them. Raises ``Invalid`` for signers that cannot be read, ``Failure``."""
    signers = there.options.allowed_signers
    trust = None if signers is None else read_trust(signers)
    signed = signatures(there.snapshot, (change.past.revision for change in found), trust)
    wanted: dict[str, dict[str, datetime | None]] = {}
    for change in found:
        wanted.setdefault(change.past.lock.environment, {})[change.past.lock.application] = None
    records = {name: there.records_of(name).many(applications, there.now) for name, applications in wanted.items()}
    ancestry = _ancestry(there, found)
    by_pair: dict[Pair, list[Past]] = {}
    for change in found:
        by_pair.setdefault(_pair(change), []).append(change.past)
    return [
        _row(there, change, records[_pair(change)[0]][_pair(change)[1]], by_pair[_pair(change)], signed[change.past.revision], ancestry) for change in found
    ]


def _pair(change: Change) -> Pair:
    return change.past.lock.environment, change.past.lock.application


def _row(there: Environments, change: Change, records: Sequence[Record], history: Sequence[Past], signature: Signature, ancestry: Ancestry) -> dict[str, Any]:
    lock = change.past.lock
    return {
        "environment": lock.environment,
        "application": lock.application,
        "generation": lock.generation,
        "action": lock.action,
        "release": lock.release.id,
        "version": lock.release.version,
        "source": {"dirty": True} if lock.source.dirty else {"repository": lock.source.repository, "commit": lock.source.commit},
        "commits": _commits(change, ancestry),
        "revision": change.past.revision,
        "time": change.past.time.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "author": change.past.author,
        "approvers": list(approvers(records, lock.release.id, lock.rendered)),
        "verdict": _verdict(change, records, history, there.now),
        "applied": _applied(change, records),
        "signature": signature.word,
        "signer": signature.signer,
        "key": signature.key,
        "reason": _reason(lock),
        "overrides": list(lock.overrides),
        "from": None if lock.origin is None else {"environment": lock.origin.environment, "generation": lock.origin.generation},
    }


def _verdict(change: Change, records: Sequence[Record], history: Sequence[Past], now: datetime) -> Word:
    """Of this release with these manifests, in this environment."""
    lock = change.past.lock
    seen = [record for record in records if record.kind in ("rejected", "accepted") or record.rendered == lock.rendered]
    return verdict(seen, lock.release.id, now, history).word


def _applied(change: Change, records: Sequence[Record]) -> str:
    """Whether a reconciler has brought it to the cluster: ``applied``, ``failed`` or ``unknown``."""
    lock, (first, last) = change.past.lock, change.span
    kinds = {record.kind for record in records if record.rendered == lock.rendered and first <= record.generation <= last}
    return "applied" if kinds & {"applied", "verified"} else "failed" if "degraded" in kinds else "unknown"


def _reason(lock: ReleaseLock) -> str | None:
    if lock.action == "rollback" and lock.rollback is not None and lock.rollback.reason:
        return lock.rollback.reason
    return None if lock.hold is None else lock.hold.reason


def _commits(change: Change, ancestry: Ancestry) -> list[str]:
    """The commits of the workspace that came with it, newest first; where its repository is not at hand, the one that the lock names."""
    before, after = change.before, change.past.lock
    own = after.action in _OF_THE_ENVIRONMENT
    newer = after.environment_source.commit if own else after.source.commit
    older = None if before is None else before.environment_source.commit if own else before.source.commit
    if newer is None or newer == older:
        return []
    if older is None or not ancestry.knows(older) or not ancestry.knows(newer):
        return [newer]
    return ancestry.between(older, newer)


def _ancestry(there: Environments, found: Iterable[Change]) -> Ancestry:
    """The history of the workspace that we stand in; of none where we stand in none."""
    if there.where.workspace is None:
        return Ancestry({})
    locks = [lock for change in found for lock in (change.past.lock, change.before) if lock is not None]
    commits = [commit for lock in locks for commit in (lock.source.commit, lock.environment_source.commit) if commit is not None]
    return Ancestry.read(there.where.root, commits, environ=there.options.environ)
