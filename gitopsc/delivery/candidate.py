"""Which release comes next: a walk through the upstream's history, from the newest back to what the target runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from gitopsc.delivery.facts import Entry
from gitopsc.delivery.gate import Condition, unmet

E = TypeVar("E", bound=Entry)

BRINGING = frozenset({"build", "promote", "hotfix", "remove"})
"""Actions that bring a release forward; the others leave the one that is there, or go back."""


@dataclass(frozen=True, slots=True)
class Judged(Generic[E]):
    """A release of the upstream and the gate's answer. ``entry`` is the newest lock of its stay there."""

    entry: E
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Candidate(Generic[E]):
    """``chosen``: the release to promote, null where there is none. ``skipped``: newer ones, newest first, with what stands in their way.

    Nothing chosen and nothing skipped: nothing is newer.
    """

    chosen: Judged[E] | None
    skipped: tuple[Judged[E], ...] = ()


def candidate(history: Sequence[E], running: str | None, judge: Callable[[E], tuple[Condition, ...]], *, but: tuple[str, ...] = ()) -> Candidate[E]:
    """The newest release of the upstream that passes the gate.

    ``history``: the upstream's locks, newest first; ``running``: the release that the target runs (null: none), where the walk stops.
    Releases that came to the upstream by a rollback are passed over, so that nothing is downgraded by itself, and so are those that were
    built from uncommitted changes. ``judge`` is asked once a release, newest first, until one passes; unmet conditions named in ``but``
    do not count.
    """
    skipped: list[Judged[E]] = []
    for entry in arrivals(history, running):
        judged = Judged(entry, judge(entry))
        if not unmet(judged.conditions, but=but):
            return Candidate(judged, tuple(skipped))
        skipped.append(judged)
    return Candidate(None, tuple(skipped))


def arrivals(history: Sequence[E], running: str | None) -> Iterator[E]:
    """The releases that could be promoted, newest first, each once: the newest entry of the stay. Ends before ``running``."""
    seen: set[str] = set()
    for stay in stays(history):
        if only_by_rollback(stay):
            continue
        release = stay[0].lock.release.id
        if release == running:
            return
        if stay[0].lock.source.dirty or release in seen:
            continue
        seen.add(release)
        yield stay[0]


def stays(history: Sequence[E]) -> Iterator[list[E]]:
    """Runs of locks of one release, newest first, each newest first."""
    stay: list[E] = []
    for entry in history:
        if stay and entry.lock.release.id != stay[0].lock.release.id:
            yield stay
            stay = []
        stay.append(entry)
    if stay:
        yield stay


def only_by_rollback(stay: Sequence[Entry]) -> bool:
    """Whether a release is there because a newer one was taken back, and for no other reason."""
    actions = {entry.lock.action for entry in stay}
    return "rollback" in actions and not actions & BRINGING
