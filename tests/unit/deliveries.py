"""Locks, records and a pipeline for the tests of delivery, with times in minutes from one moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from gitopsc.delivery.pipeline import Pipeline, read_pipelines
from gitopsc.repository.locks import EnvironmentSource, Hold, Release, ReleaseLock, Rollback, Source
from gitopsc.repository.record import Record

START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)  # a Monday
TREE = "a" * 40
STAGES: list[dict[str, Any]] = [
    {"name": "dev", "environments": ["dev"]},
    {"name": "staging", "environments": ["staging"], "promote": "auto"},
    {"name": "prod", "environments": ["prod-eu", "prod-us"], "promote": "pull-request"},
]


def at(minutes: float) -> datetime:
    """So many minutes after the start."""
    return START + timedelta(minutes=minutes)


def pipeline(gates: dict[str, Any] | None = None, **prod: Any) -> Pipeline:
    """dev → staging → prod-eu, prod-us; ``gates`` are prod's."""
    stages = [*STAGES[:2], {**STAGES[2], **prod, "gates": gates or {}}]
    return read_pipelines([{"name": "shop", "spec": {"applications": ["shop"], "stages": stages}}])[0]


def record(kind: str, release: str = "r-1", minutes: float = 0, *, tree: str = TREE, by: str = "Ann <ann@example.com>", **details: Any) -> Record:
    """What happened, so many minutes after the start."""
    when = at(minutes)
    return Record(kind, "staging", "shop", release, tree, 1, when, by, f"{int(when.timestamp() * 1000):026d}", details)


def lock(
    release: str = "r-1",
    *,
    generation: int = 1,
    action: str = "promote",
    replaced: str | None = None,
    hold: str | None = None,
    dirty: bool = False,
    environment: str = "staging",
) -> ReleaseLock:
    """A lock; ``replaced``: the release that a rollback took back, ``hold``: its reason."""
    return ReleaseLock(
        application="shop",
        environment=environment,
        generation=generation,
        action=action,
        release=Release(release, "1.0"),
        images=(),
        source=Source(dirty=True) if dirty else Source(None, "c" * 40),
        environment_source=EnvironmentSource(None, "e-1"),
        rendered=TREE,
        renderer="gitopsc 1",
        rollback=None if replaced is None else Rollback(replaced, generation - 1, None),
        hold=None if hold is None else Hold(hold, "Ann <ann@example.com>"),
    )


@dataclass(frozen=True)
class Moment:
    """One entry of a history."""

    lock: ReleaseLock
    time: datetime = START


def history(*said: str, newest: float = 0) -> list[Moment]:
    """Newest first, from words oldest first: ``promote r-2``, ``rollback r-1 of r-2``; a minute apart, the newest at ``newest``."""
    out = []
    for index, words in enumerate(said):
        action, release, *rest = words.split()
        one = lock(release, generation=index + 1, action=action, replaced=rest[1] if rest[:1] == ["of"] else None, dirty=rest[:1] == ["dirty"])
        out.append(Moment(one, at(newest - (len(said) - 1 - index))))
    return out[::-1]
