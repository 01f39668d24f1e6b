"""Which release an environment gets next: a walk through the history of its upstream, each release held against the gate."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from gitopsc.delivery.candidate import Candidate, Judged, arrivals, candidate
from gitopsc.delivery.gate import Change, Condition, Facts, Question, approvals_asked, gate, unmet
from gitopsc.delivery.pipeline import Pipeline
from gitopsc.diagnostics import Invalid
from gitopsc.judging import facts
from gitopsc.mixed import Mixed
from gitopsc.opening import Environments
from gitopsc.renditions import Renditions
from gitopsc.repository.history import Past
from gitopsc.repository.locks import ReleaseLock
from gitopsc.repository.objects import EMPTY_TREE


class Said(NamedTuple):
    """What somebody said on the command line. ``release`` and ``version`` null: the newest that may come. ``person``: not automation.

    ``allow``: gates that are set aside; ``but``: conditions that need not be met yet; ``repeat``: the command to repeat when time has passed.
    """

    release: str | None = None
    version: str | None = None
    allow: frozenset[str] = frozenset()
    person: bool = True
    but: tuple[str, ...] = ()
    repeat: str | None = None

    @property
    def is_named(self) -> bool:
        """Whether a release was asked for by name."""
        return self.release is not None or self.version is not None


@dataclass(frozen=True, slots=True)
class Choice:
    """``entry``: the upstream's lock that names the release, null where there is none to bring. ``environments``: those that it is for.

    ``conditions``: the gate's answer for each of them; ``skipped``: newer releases that may not come; ``pinned``: a person asked for a
    release that automation would not have chosen. ``refused``: it may not come (then it is the newest of those that may not).
    """

    application: str
    environments: tuple[str, ...]
    entry: Past | None
    conditions: Mapping[str, tuple[Condition, ...]] = field(default_factory=dict)
    skipped: tuple[Judged[Past], ...] = ()
    pinned: bool = False
    refused: bool = False

    @property
    def lock(self) -> ReleaseLock:
        """The upstream's lock."""
        assert self.entry is not None
        return self.entry.lock


class Chooser:
    """Chooses for one application in environments that move together: one, or all of a lockstep stage."""

    def __init__(self, there: Environments, renditions: Renditions, pipeline: Pipeline, application: str, environments: Iterable[str]) -> None:
        self.there, self.renditions, self.pipeline, self.application = there, renditions, pipeline, application
        self.environments = tuple(environments)
        self._facts: dict[str, Facts] = {}

    def choose(self, said: Said) -> Choice:
        """What comes next. Raises ``Invalid`` for a release that no upstream has had, ``Failure``."""
        if said.is_named:
            return self._named(said)
        found = self._walk(said)
        judged = found.chosen or (found.skipped[0] if found.skipped else None)
        if judged is None:
            return Choice(self.application, self.environments, None)
        moving = self._moving(judged.entry)
        conditions = {name: self.judge(judged.entry, name, said, whole=True) for name in moving}
        return Choice(self.application, moving, judged.entry, conditions, found.skipped, refused=found.chosen is None)

    def judge(self, entry: Past, environment: str, said: Said, *, change: Change = "promote", whole: bool = False) -> tuple[Condition, ...]:
        """The gate's answer for one release and one environment. What must be looked up or rendered for it is, if nothing else stands in its
        way; ``whole``: what would be lost is looked up in any case.
        """
        stage = self.pipeline.stage_of(environment)
        asked = approvals_asked(stage.gates, change) if stage is not None else None
        question = Question(self.application, environment, entry.lock.release.id, change=change, person=said.person, allow=said.allow, repeat=said.repeat)
        found = self._answer(question)
        free = not unmet(found, but=(*said.but, "approvals"))
        if whole or free:
            question = replace(question, drops=self._drops(entry, environment))
        if asked is not None and free:
            question = replace(question, rendered=self.rendered(entry, environment))
        return self._answer(question)

    def facts(self, environment: str) -> Facts:
        """What the gate must know; read when it is first asked."""
        if environment not in self._facts:
            self._facts[environment] = facts(self.there, self.pipeline, self.application, environment)
        return self._facts[environment]

    def lock(self, environment: str) -> ReleaseLock | None:
        """What is there."""
        return self.there.snapshot.release(environment, self.application)

    def _answer(self, question: Question) -> tuple[Condition, ...]:
        return gate(self.pipeline, self.facts(question.environment), question, self.there.now)

    def rendered(self, entry: Past, environment: str) -> str:
        """The tree that the release comes to there. Raises ``Invalid`` where it does not fit."""
        if entry.lock.release.state != "present":
            return EMPTY_TREE[self.there.repository.algorithm]
        made = self.mixed(entry, environment)
        if made.target.tree is None:
            raise Invalid(d for d in made.target.diagnostics if d.severity == "error")
        return made.target.tree

    def mixed(self, entry: Past, environment: str) -> Mixed:
        """The release as the environment of today renders it."""
        commit = entry.lock.source.commit
        if commit is None:
            message = f"expected a release that was built from a commit, found {entry.lock.release.id}, built from uncommitted changes"
            raise Invalid(message, hint="commit them and build again", code="dirty")
        return self.renditions.of(environment, self.application, entry.lock.release.id, commit)

    # -- the walk ---------------------------------------------------------------------------------------------------

    def _walk(self, said: Said) -> Candidate[Past]:
        """The newest release that passes for every environment that lacks it."""
        if len(self.environments) == 1:
            (name,) = self.environments
            return candidate(self._history(name), self._running(name), lambda entry: self.judge(entry, name, said), but=said.but)
        skipped: list[Judged[Past]] = []
        for entry in self._arrivals():
            conditions = tuple(condition for name in self._moving(entry) for condition in self.judge(entry, name, said))
            if not unmet(conditions, but=said.but):
                return Candidate(Judged(entry, conditions), tuple(skipped))
            skipped.append(Judged(entry, conditions))
        return Candidate(None, tuple(skipped))

    def _arrivals(self) -> Iterator[Past]:
        """Releases that some environment lacks: those newer than what the last of them runs."""
        left = {self._running(name) for name in self.environments}
        for entry in arrivals(self._history(self.environments[0]), None):
            if {entry.lock.release.id} == left:
                return
            yield entry
            left.discard(entry.lock.release.id)
            if not left:
                return

    def _moving(self, entry: Past) -> tuple[str, ...]:
        """The environments that do not run this release, nor a newer one."""
        newer: set[str | None] = set()
        for one in arrivals(self._history(self.environments[0]), None):
            newer.add(one.lock.release.id)
            if one.lock.release.id == entry.lock.release.id:
                break
        found = tuple(name for name in self.environments if self._running(name) not in newer)
        return found or self.environments

    def _history(self, environment: str) -> list[Past]:
        upstream = self.pipeline.walked(environment)
        return [] if upstream is None else self.there.history(upstream, self.application)

    def _running(self, environment: str) -> str | None:
        """The upstream's release that an environment runs, or ran before a hotfix of its own: the walk ends there."""
        lock = self.lock(environment)
        if lock is None:
            return None
        known = {one.lock.release.id for one in self._history(environment)}
        if lock.release.id in known:
            return lock.release.id
        past = (one.lock.release.id for one in self.there.history(environment, self.application))
        return next((release for release in past if release in known), lock.release.id)

    # -- a release by its name --------------------------------------------------------------------------------------

    def _named(self, said: Said) -> Choice:
        entry = self.named(said)
        release = entry.lock.release.id
        moving = tuple(name for name in self.environments if (lock := self.lock(name)) is None or lock.release.id != release)
        if not moving:
            return Choice(self.application, self.environments, None)
        conditions = {name: self.judge(entry, name, said, whole=True) for name in moving}
        refused = any(unmet(found, but=said.but) for found in conditions.values())
        chosen = None if refused else self._walk(said._replace(release=None, version=None, allow=frozenset())).chosen
        pinned = chosen is not None and chosen.entry.lock.release.id != release
        return Choice(self.application, moving, entry, conditions, pinned=pinned, refused=refused)

    def named(self, said: Said) -> Past:
        """The newest lock upstream that names the release, or has the version. Raises ``Invalid`` where none does."""
        names = {name for environment in self.environments for name in (upstream.environment for upstream in self.pipeline.upstreams(environment))}
        every = [one for name in self.pipeline.environments[::-1] if name in names for one in self.there.history(name, self.application)]
        for one in every:
            if said.release in (None, one.lock.release.id) and said.version in (None, one.lock.release.version):
                return one
        wanted = said.release or said.version
        seen = list(dict.fromkeys(f"{one.lock.release.id} ({one.lock.release.version})" for one in every))
        message = f"expected a release of '{self.application}' that {' or '.join(sorted(names))} has had, found '{wanted}'"
        raise Invalid(message, hint=f"the newest are {', '.join(seen[:5])}" if seen else "nothing was built yet", code="unknown-release")

    def _drops(self, entry: Past, environment: str) -> str | None:
        return self.renditions.drops(self.lock(environment), entry.lock.release.id, entry.lock.source.commit)
