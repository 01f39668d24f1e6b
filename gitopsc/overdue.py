"""Releases that wait too long at the gate of an environment, as its reconciler sees them: those that would come by themselves and may not, and
those that came, past the gate, and are not applied (``enforceGates``).

Since when is what commits say: when the release came to the environment before this one, or into this one's lock. Nothing is remembered. What a
person has decided (a hold, a rejection) and what time alone clears (a soak, a freeze with an end) is nothing that somebody has forgotten.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from gitopsc.alerts.event import Event
from gitopsc.cluster.outcome import Report
from gitopsc.cluster.settings import seconds
from gitopsc.delivery.candidate import candidate, stays
from gitopsc.delivery.gate import Condition, Question, gate, unmet
from gitopsc.delivery.pipeline import Pipeline, pipeline_for
from gitopsc.diagnostics import Conflict, Failure, Invalid
from gitopsc.enforcing import CODE, stands_in_the_way
from gitopsc.judging import facts
from gitopsc.opening import Environments, Pair, Where
from gitopsc.options import Options
from gitopsc.repository.history import Past
from gitopsc.repository.locks import ReleaseLock
from gitopsc.repository.store import Repository, Snapshot
from gitopsc.revision import Revision
from gitopsc.shards import Shard
from gitopsc.standing import approved_tree
from gitopsc.telling import Told

WORD = "waiting"
AFTER = 24 * 3600.0
"""Seconds that a release may wait where the environment does not say (``reconcile.waiting``)."""

_LONGEST = 300.0
_DECIDED = frozenset({"hold", "rejected"})


@dataclass(frozen=True, slots=True)
class Wait:
    """One application whose newest release that waits is ``lock``'s. ``since``: when the oldest one that waits came."""

    lock: ReleaseLock
    since: datetime
    conditions: tuple[Condition, ...]


def patience(revision: Revision) -> float:
    """Seconds that a release may wait at this environment's gate."""
    said = revision.rules.get("waiting")
    try:
        return AFTER if said is None else seconds(str(said))
    except ValueError:
        return AFTER


@dataclass(frozen=True, slots=True)
class Look:
    """What there is to look at after a pass over ``names``, which came to ``reports``. ``whole``: nobody has named applications, so that those
    that have never come here are looked at, too, as far as they would be the ``shard``'s.
    """

    options: Options
    where: Where
    repository: Repository
    snapshot: Snapshot
    revision: Revision
    names: Sequence[str]
    reports: Sequence[Report]
    shard: Shard | None = None
    whole: bool = True

    @property
    def refused(self) -> frozenset[str]:
        """Applications that the gate keeps back."""
        return frozenset(report.target.application for report in self.reports if any(one.code == CODE for one in report.troubles))

    def told(self) -> Told:
        """What waits too long, an event an application. Where it cannot be seen nothing is judged, and nothing raised: a pass is not worse for it."""
        revision = self.revision
        try:
            with ExitStack() as stack:
                there = Environments(self.where, self.options, self.repository, self.snapshot, datetime.now(UTC), stack)
                readable = [name for name in self.names if name in revision.labels]
                found = waits(there, revision.environment, [*readable, *self._to_come(there)], self.refused)
                longest = timedelta(seconds=patience(revision))
                return Told(tuple(_event(one, revision.environment) for one in found if there.now - one.since >= longest), lambda _word, _application: True)
        except (Failure, Invalid, Conflict):
            return Told((), lambda word, _application: word != WORD)

    def _to_come(self, there: Environments) -> Iterator[str]:
        """Applications that pipelines bring here and that have not been here yet."""
        here = self.revision.environment
        ways = [(str(walked), name) for one in there.pipelines() if here in one.environments and (walked := one.walked(here)) for name in one.applications]
        new = [pair for pair in ways if self.whole and pair[1] not in self.revision.names]
        for (_, name), lock in there.snapshot.releases(new).items() if new else ():
            if lock is not None and (self.shard is None or self.shard.owns(name, lock.labels)):
                yield name


class Looker:
    """For who passes again and again: nothing is looked up twice within a tenth of what a release may wait, as long as nothing else changed."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._key: object = None
        self._until = float("-inf")
        self._last = Told((), lambda word, _application: word != WORD)

    def told(self, look: Look) -> Told:
        """As ``Look.told``."""
        now, key = self._clock(), (look.revision.revision, tuple(look.names), look.refused)
        if key != self._key or now >= self._until:
            self._key, self._last = key, look.told()
            self._until = now + min(_LONGEST, patience(look.revision) / 10)
        return self._last


def waits(there: Environments, environment: str, applications: Iterable[str], refused: Collection[str] = ()) -> list[Wait]:
    """Which of these applications wait, however long. ``refused``: those whose own lock is not applied. Raises ``Failure``, ``Invalid``.

    Where upstream has nothing else than what is here, which locks tell, neither histories nor records are read.
    """
    ways = {name: pipeline for name in applications if (pipeline := pipeline_for(there.pipelines(), name)) is not None and not pipeline.follows(environment)}
    locks = there.snapshot.releases((place, name) for name, pipeline in ways.items() for place in (environment, pipeline.walked(environment)) if place)
    kept = [name for name in ways if name in refused]
    coming = [name for name, pipeline in ways.items() if name not in refused and _comes(pipeline, environment, name, locks)]
    near = {name: [environment, *(one.environment for one in ways[name].upstreams(environment))] for name in (*kept, *coming)}
    there.look_at([(one, name) for name, places in near.items() for one in places])
    found = [_kept_back(there, environment, name) for name in kept] + [_coming(there, ways[name], environment, name) for name in coming]
    return sorted((one for one in found if one is not None), key=lambda one: one.lock.application)


def _comes(pipeline: Pipeline, environment: str, application: str, locks: Mapping[Pair, ReleaseLock | None]) -> bool:
    """Whether a release would come by itself, and another one than is here is upstream."""
    stage, walked = pipeline.stage_of(environment), pipeline.walked(environment)
    if stage is None or stage.promote == "manual" or walked is None:
        return False
    upstream, here = locks[walked, application], locks[environment, application]
    return upstream is not None and (upstream.release.id != here.release.id if here is not None else upstream.release.state == "present")


def _coming(there: Environments, pipeline: Pipeline, environment: str, application: str) -> Wait | None:
    here, history = there.snapshot.release(environment, application), there.history(str(pipeline.walked(environment)), application)
    known = facts(there, pipeline, application, environment)
    running = None if here is None else here.release.id

    def judge(past: Past) -> tuple[Condition, ...]:
        release = past.lock.release.id
        rendered = approved_tree(there.records(environment, application), release, there.now)
        return gate(pipeline, known, Question(application, environment, release, rendered), there.now)

    found = candidate(history, running, judge)
    if found.chosen is not None:
        return None
    waiting = [one for one in found.skipped if is_waiting(unmet(one.conditions))]
    if not waiting:
        return None
    arrived = {stay[0].revision: stay[-1].time for stay in stays(history)}
    return Wait(waiting[0].entry.lock, min(arrived[one.entry.revision] for one in waiting), unmet(waiting[0].conditions))


def _kept_back(there: Environments, environment: str, application: str) -> Wait | None:
    lock = there.snapshot.release(environment, application)
    conditions = stands_in_the_way(there, lock) if lock is not None else ()
    if lock is None or not is_waiting(conditions, decided=frozenset()):
        return None
    stay = next((one for one in stays(there.history(environment, application)) if one[0].lock.release.id == lock.release.id), None)
    return Wait(lock, stay[-1].time if stay else there.now, conditions)


def is_waiting(conditions: Sequence[Condition], *, decided: frozenset[str] = _DECIDED) -> bool:
    """Whether somebody has to do something about what is not met, and nobody has decided that it should stay so."""
    return any(one.until is None for one in conditions) and not any(one.name in decided for one in conditions)


def _event(wait: Wait, environment: str) -> Event:
    lock = wait.lock
    what = "its removal" if lock.release.state != "present" else lock.release.version or lock.release.id
    names = ", ".join(one.name for one in wait.conditions)
    summary = f"{what} waits since {wait.since:%Y-%m-%d %H:%M} UTC for {names}"
    details = tuple(f"{one.name}: {one.message}" + (f": {one.clear}" if one.clear else "") for one in wait.conditions)
    return Event(WORD, environment, lock.application, summary=summary, details=details)
