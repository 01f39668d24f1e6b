"""Where every application stands: which release, since when, what is known of it, what comes next and what stands in its way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice

from gitopsc.delivery.candidate import candidate
from gitopsc.delivery.gate import Condition, Facts, Question, gate, unmet
from gitopsc.delivery.pipeline import Pipeline, pipeline_for
from gitopsc.delivery.verdict import Verdict, verdict
from gitopsc.diagnostics import Diagnostic, Invalid
from gitopsc.opening import Environments, Pair, unknown
from gitopsc.repository.ancestry import Ancestry
from gitopsc.repository.histories import Histories
from gitopsc.repository.history import Past
from gitopsc.repository.locks import ReleaseLock
from gitopsc.repository.record import Record, newest
from gitopsc.repository.signature import read_trust

_SKEW = timedelta(days=2)
"""How far a reconciler's clock may be behind that of whoever commits."""
_MOST = 100
"""Locks of an upstream that are looked at for what comes next."""
_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Next:
    """What would come next. ``conditions``: those that are not met; none: it may come."""

    lock: ReleaseLock
    origin: str
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """One application in one environment. ``lock``: null where it has not come yet. ``since``: when its release came. ``drift``: the
    record of a drift that is not over. ``edited``: the manifests are not what the lock says. ``taken_back``: the higher generation that
    somebody has reverted. ``bad_in``: upstreams in which the release that runs here was rejected.
    """

    environment: str
    application: str
    lock: ReleaseLock | None = None
    since: datetime | None = None
    verdict: Verdict = field(default_factory=lambda: Verdict("unknown"))
    drift: Record | None = None
    edited: bool = False
    taken_back: int | None = None
    bad_in: tuple[str, ...] = ()
    next: Next | None = None


def environments_in_order(names: Iterable[str], pipelines: Sequence[Pipeline]) -> list[str]:
    """Environments in the order in which releases reach them; those of no pipeline last, by name."""
    wanted = set(names)
    first_seen = list(dict.fromkeys(name for pipeline in pipelines for name in pipeline.environments if name in wanted))
    before: dict[str, set[str]] = {name: set() for name in first_seen}
    for pipeline in pipelines:
        own = [name for name in pipeline.environments if name in wanted]
        for index, name in enumerate(own):
            before[name].update(own[:index])
    out: list[str] = []
    while left := [name for name in first_seen if name not in out]:
        # Pipelines that contradict each other have no order: then the first one's counts.
        out.append(next((name for name in left if before[name] <= set(out)), left[0]))
    return out + sorted(wanted - set(out))


def standings(there: Environments, environment: str | None, application: str | None) -> tuple[list[Standing], list[Diagnostic]]:
    """Every application's place, by environment in order, then by name; and what is wrong with locks that cannot be read.

    Raises ``Invalid`` for a name that there is not, ``Failure``.
    """
    pairs = _pairs(there, environment, application)
    pipelines = {name: pipeline_for(there.pipelines(), name) for name in {name for _, name in pairs}}
    needed = list(dict.fromkeys([*pairs, *(up for pair in pairs for up in _upstreams(pair, pipelines[pair[1]]))]))
    locks, wrong = _locks(there, needed)
    with _walks(there, [pair for pair, lock in locks.items() if lock is not None]) as walks:
        looked = _Looked(there, locks, walks, pipelines)
        for pair in pairs:
            looked.walk(pair)
        looked.read_records(needed)
        return [looked.standing(pair) for pair in pairs], wrong


def _pairs(there: Environments, environment: str | None, application: str | None) -> list[Pair]:
    """What is asked for: what is there, and what a pipeline will bring there."""
    snapshot, pipelines = there.snapshot, there.pipelines()
    folders = {name: snapshot.applications(name) for name in snapshot.environments()}
    known = environments_in_order(folders.keys() | {name for pipeline in pipelines for name in pipeline.environments}, pipelines)
    if environment is not None and environment not in known:
        raise unknown("environment", environment, known, "")
    out: list[Pair] = []
    for name in known:
        coming = {one for pipeline in pipelines for one in pipeline.applications if any(one in folders.get(up, ()) for up in _before(pipeline, name))}
        out += [(name, one) for one in sorted({*folders.get(name, ()), *coming})]
    chosen = [pair for pair in out if environment in (None, pair[0]) and application in (None, pair[1])]
    if application is not None and not chosen:
        where = "" if environment is None else f" in environment '{environment}'"
        raise unknown("application", application, sorted({one for name, one in out if environment in (None, name)}), where)
    return chosen


def _before(pipeline: Pipeline, environment: str) -> tuple[str, ...]:
    own = pipeline.environments
    return own[: own.index(environment)] if environment in own else ()


def _upstreams(pair: Pair, pipeline: Pipeline | None) -> list[Pair]:
    return [] if pipeline is None else [(upstream.environment, pair[1]) for upstream in pipeline.upstreams(pair[0])]


def _locks(there: Environments, pairs: list[Pair]) -> tuple[dict[Pair, ReleaseLock | None], list[Diagnostic]]:
    try:
        return there.snapshot.releases(pairs), []
    except Invalid as error:
        wrong = list(error.diagnostics)
    locks: dict[Pair, ReleaseLock | None] = {}
    for pair in pairs:
        try:
            locks[pair] = there.snapshot.release(*pair)
        except Invalid:
            locks[pair] = None
    return locks, wrong


class _Walks:
    """Histories, and how much of each was read."""

    def __init__(self, histories: Histories, pairs: Iterable[Pair]) -> None:
        self._iterators = {pair: histories.of(*pair) for pair in pairs}
        self.known: dict[Pair, list[Past]] = {pair: [] for pair in self._iterators}

    def until(self, pair: Pair, enough: Callable[[Past], bool]) -> list[Past]:
        """The newest locks, as far as the first that is ``enough``."""
        found = self.known.setdefault(pair, [])
        if any(enough(one) for one in found):
            return found
        for one in islice(self._iterators.get(pair, iter(())), _MOST):
            found.append(one)
            if enough(one):
                break
        return found


@contextmanager
def _walks(there: Environments, pairs: list[Pair]) -> Iterator[_Walks]:
    histories = Histories(there.repository, there.snapshot, pairs)
    try:
        yield _Walks(histories, pairs)
    finally:
        histories.close()


class _Looked:
    """What was read, and what follows from it for one application in one environment."""

    def __init__(self, there: Environments, locks: Mapping[Pair, ReleaseLock | None], walks: _Walks, pipelines: Mapping[str, Pipeline | None]) -> None:
        self.there, self.locks, self.walks, self.pipelines = there, locks, walks, pipelines
        self.records: dict[Pair, list[Record]] = {}
        self._ancestry: Ancestry | None = None

    def walk(self, pair: Pair) -> None:
        """Read as much of history as the answers take: to where the release came, and upstream to what runs here."""
        lock = self.locks[pair]
        running = None if lock is None else lock.release.id
        if lock is not None:
            self.walks.until(pair, lambda past: past.lock.release.id != running)
        walked = self._walked(pair)
        if walked is not None:
            self.walks.until(walked, lambda past: past.lock.release.id == running)

    def _walked(self, pair: Pair) -> Pair | None:
        pipeline = self.pipelines[pair[1]]
        walked = None if pipeline is None else pipeline.walked(pair[0])
        return None if walked is None else (walked, pair[1])

    def read_records(self, pairs: Iterable[Pair]) -> None:
        """The records since the oldest lock that was looked at; all environments at once, since each has a branch of its own."""
        oldest: dict[str, datetime] = {}
        for (_, application), pasts in self.walks.known.items():
            for past in pasts:
                oldest[application] = min(past.time, oldest.get(application, past.time))
        wanted: dict[str, dict[str, datetime | None]] = {}
        for environment, application in pairs:
            wanted.setdefault(environment, {})[application] = oldest[application] - _SKEW if application in oldest else None

        def read(environment: str) -> dict[Pair, list[Record]]:
            found = self.there.records_of(environment).many(wanted[environment], self.there.now)
            return {(environment, application): records for application, records in found.items()}

        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for found in pool.map(read, wanted):
                self.records |= found

    def standing(self, pair: Pair) -> Standing:
        """The answer."""
        lock = self.locks[pair]
        if lock is None:
            return Standing(*pair, next=self._next(pair, None))
        stay = []
        for past in self.walks.known[pair]:
            if past.lock.release.id != lock.release.id:
                break
            stay.append(past)
        higher = [past.lock.generation for past in self.walks.known[pair] if past.lock.generation > lock.generation]
        records = self.records[pair]
        return Standing(
            *pair,
            lock=lock,
            since=stay[-1].time if stay else None,
            verdict=verdict(records, lock.release.id, self.there.now, self.walks.known[pair]),
            drift=_open_drift(records, lock, self.there.now),
            edited=self.there.snapshot.rendered(*pair) != lock.rendered,
            taken_back=max(higher, default=None),
            bad_in=self._bad_in(pair, lock),
            next=self._next(pair, lock),
        )

    def _bad_in(self, pair: Pair, lock: ReleaseLock) -> tuple[str, ...]:
        found = [up for up in _upstreams(pair, self.pipelines[pair[1]]) if self._word(up, lock.release.id) == "rejected"]
        return tuple(environment for environment, _ in found)

    def _word(self, pair: Pair, release: str) -> str:
        return verdict(self.records[pair], release, self.there.now, self.walks.known.get(pair, ())).word

    def _next(self, pair: Pair, lock: ReleaseLock | None) -> Next | None:
        """The newest release upstream that may come, else the newest that may not; null where nothing is newer."""
        environment, application = pair
        pipeline, walked = self.pipelines[application], self._walked(pair)
        if pipeline is None or walked is None:
            return None
        every = [(name, application) for name in pipeline.environments]
        facts = Facts(
            {name: self.locks.get((name, one)) for name, one in every},
            {name: self.records.get((name, one), []) for name, one in every},
            {name: self.walks.known.get((name, one), []) for name, one in every},
            self._signed(pair, pipeline),
        )

        def judge(past: Past) -> tuple[Condition, ...]:
            release = past.lock.release.id
            rendered = approved_tree(self.records.get(pair, []), release, self.there.now)
            question = Question(application, environment, release, rendered, drops=self._drops(lock, past.lock))
            return gate(pipeline, facts, question, self.there.now)

        found = candidate(self.walks.known.get(walked, []), None if lock is None else lock.release.id, judge)
        chosen = found.chosen or (found.skipped[0] if found.skipped else None)
        return None if chosen is None else Next(chosen.entry.lock, walked[0], unmet(chosen.conditions))

    def _signed(self, pair: Pair, pipeline: Pipeline) -> frozenset[str]:
        """The approvals that count where only signed ones do."""
        signers, stage = self.there.options.allowed_signers, pipeline.stage_of(pair[0])
        if signers is None or stage is None or stage.gates.approvals is None or not stage.gates.approvals.signed:
            return frozenset()
        approved = [record for record in self.records.get(pair, []) if record.kind == "approved"]
        return self.there.records_of(pair[0]).signed(approved, read_trust(signers))

    def _drops(self, running: ReleaseLock | None, coming: ReleaseLock) -> str | None:
        """What would be lost, as far as the workspace that we stand in can tell; ``promote`` fetches what is missing there."""
        old, new = None if running is None else running.source.commit, coming.source.commit
        if running is None or old is None or new is None or old == new or self.there.where.workspace is None:
            return None
        if self._ancestry is None:
            commits = [lock.source.commit for lock in self.locks.values() if lock is not None and lock.source.commit is not None]
            self._ancestry = Ancestry.read(self.there.where.root, commits, environ=self.there.options.environ)
        if not self._ancestry.knows(old) or not self._ancestry.knows(new) or not self._ancestry.between(new, old):
            return None
        return f"{coming.release.id} (of {new[:12]}) lacks {old[:12]}, which {running.release.id} was made of"


def _open_drift(records: Iterable[Record], lock: ReleaseLock, now: datetime) -> Record | None:
    """The drift of what is there that is not over: nothing was applied or verified since."""
    found: Record | None = None
    for record in sorted(records, key=lambda one: one.order(now)):
        if record.kind == "drift":
            objects = record.details.get("objects")
            told = isinstance(objects, list) and objects and all(isinstance(one, Mapping) for one in objects)
            found = record if told and record.rendered == lock.rendered else None
        elif record.kind in ("applied", "verified"):
            found = None
    return found


def approved_tree(records: Iterable[Record], release: str, now: datetime) -> str | None:
    """The manifests that were approved last. Nothing is rendered here: they are taken for what would be promoted, which ``promote`` looks at."""
    found = newest((record for record in records if record.kind == "approved" and record.release == release), now)
    return None if found is None else found.rendered
