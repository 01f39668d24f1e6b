"""The gate: one pure function that says, condition by condition, what a promotion meets and what it does not."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from gitopsc.delivery.facts import Entry, Lock, Record
from gitopsc.delivery.freeze import frozen
from gitopsc.delivery.pipeline import Approvals, Gates, Pipeline, Upstream
from gitopsc.delivery.verdict import approvers, check_result, soak, verdict

NAMES = ("verified", "soak", "approvals", "freeze", "checks", "hold", "rejected", "would-drop")
Change = Literal["promote", "hotfix", "environment", "rerender"]

_UNGATED: Mapping[str, frozenset[str]] = {
    "promote": frozenset(),
    "hotfix": frozenset({"verified", "soak", "freeze"}),
    "environment": frozenset({"verified", "soak", "checks", "rejected", "would-drop"}),
    "rerender": frozenset({"verified", "soak", "checks", "rejected", "would-drop"}),
}
"""Which conditions a change is not held against."""


@dataclass(frozen=True, slots=True)
class Condition:
    """``clear``: the one command that clears it, null where it is met. ``until``: when time alone clears it, as far as that is known."""

    name: str
    met: bool
    message: str
    clear: str | None = None
    until: datetime | None = None

    def plain(self) -> dict[str, Any]:
        """As a GateResult tells it; ``until`` only where there is one."""
        told: dict[str, Any] = {"name": self.name, "met": self.met, "message": self.message, "clear": self.clear}
        if self.until is not None:
            told["until"] = self.until.isoformat(timespec="seconds").replace("+00:00", "Z")
        return told


@dataclass(frozen=True, slots=True)
class Question:
    """May ``release`` of ``application``, rendered to the tree ``rendered`` (null: not rendered yet), come to ``environment``?

    ``person``: somebody asks by name, whom a hold does not stop. ``allow``: ``rejected`` and ``drop``, as said on the command line.
    ``drops``: what the target has that the release lacks, in words; null: nothing. ``repeat``: the command that was given, to be
    repeated when time has passed.
    """

    application: str
    environment: str
    release: str
    rendered: str | None = None
    change: Change = "promote"
    person: bool = False
    allow: frozenset[str] = frozenset()
    drops: str | None = None
    repeat: str | None = None

    @property
    def command(self) -> str:
        """The command to repeat."""
        return self.repeat or f"gitopsc promote {self.application} --to {self.environment} --release {self.release}"


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of the application, by environment: today's locks, records in any order, and, where they were read, the locks' histories,
    newest first. ``signed``: ulids of the records whose signature is good.
    """

    locks: Mapping[str, Lock | None]
    records: Mapping[str, Sequence[Record]]
    histories: Mapping[str, Sequence[Entry]] = field(default_factory=dict)
    signed: Collection[str] = frozenset()


def gate(pipeline: Pipeline, facts: Facts, question: Question, now: datetime) -> tuple[Condition, ...]:
    """Every condition, in the order of ``NAMES``, met or not. What does not apply is met.

    A rollback asks nobody: it does not come here. In the first stage, and outside of stages, no gate stands but a hold.
    """
    one = _Gate(pipeline, facts, question, now)
    judges: Mapping[str, Callable[[], Condition]] = {
        "verified": one.verified,
        "soak": one.soak,
        "approvals": one.approvals,
        "freeze": one.freeze,
        "checks": one.checks,
        "hold": one.hold,
        "rejected": one.rejected,
        "would-drop": one.would_drop,
    }
    skipped = _UNGATED[question.change]
    return tuple(Condition(name, True, f"not asked of {_NOUNS[question.change]}") if name in skipped else judges[name]() for name in NAMES)


def unmet(conditions: Iterable[Condition], *, but: Collection[str] = ()) -> tuple[Condition, ...]:
    """The conditions that fail, those named in ``but`` left out."""
    return tuple(condition for condition in conditions if not condition.met and condition.name not in but)


def approvals_asked(gates: Gates, change: Change) -> Approvals | None:
    """The approvals that a change needs; null: none. A hotfix needs one wherever it goes."""
    if change == "hotfix":
        asked = gates.approvals or Approvals(1)
        return Approvals(max(asked.count, 1), asked.people, asked.signed)
    return gates.approvals if gates.approvals is not None and gates.approvals.count > 0 else None


_NOUNS = {"promote": "a promotion", "hotfix": "a hotfix", "environment": "an environment's own change", "rerender": "a new rendering"}


class _Gate:
    """One question, with everything that it is judged by."""

    def __init__(self, pipeline: Pipeline, facts: Facts, question: Question, now: datetime) -> None:
        self.facts, self.asked, self.now = facts, question, now
        stage = pipeline.stage_of(question.environment)
        self.gates = Gates() if stage is None or pipeline.follows(question.environment) else stage.gates
        self.upstreams = pipeline.upstreams(question.environment)
        self.first = frozenset(pipeline.stages[0].environments)
        self.records = facts.records.get(question.environment, ())

    def verified(self) -> Condition:
        """In every upstream."""
        asked, words = self.asked, {}
        for upstream in self.upstreams:
            name = upstream.environment
            found = verdict(self.facts.records.get(name, ()), asked.release, self.now, self.facts.histories.get(name, ()))
            if found.word != "verified":
                words[name] = found.word
        if not words:
            where = ", ".join(upstream.environment for upstream in self.upstreams)
            return Condition("verified", True, f"verified in {where}" if where else "nothing is upstream")
        told = "; ".join(f"{'not verified yet' if word == 'unknown' else word} in {name}" for name, word in words.items())
        return Condition("verified", False, f"{asked.release} is {told}", self._verify(*next(iter(words.items()))))

    def _verify(self, upstream: str, word: str) -> str:
        """What gets a release verified there: it must run there first."""
        asked = self.asked
        lock = self.facts.locks.get(upstream)
        if word == "rejected":
            undo = lock is not None and lock.rollback is not None and lock.rollback.of == asked.release
            if undo or upstream in self.first:
                return f"gitopsc rollback {upstream} {asked.application} --undo"
            return f"gitopsc promote {asked.application} --to {upstream} --release {asked.release} --allow-rejected"
        if (lock is None or lock.release.id != asked.release) and upstream not in self.first:
            return f"gitopsc promote {asked.application} --to {upstream} --release {asked.release}"
        return f"gitopsc reconcile {upstream}"

    def soak(self) -> Condition:
        """Long enough without a break, in every upstream that asks for it."""
        wanted = [upstream for upstream in self.upstreams if upstream.soak > timedelta()]
        if not wanted:
            return Condition("soak", True, "no soak is asked for")
        short, ready = [], self.now
        known = True
        for upstream in wanted:
            longest, until = self._soaked(upstream)
            if longest >= upstream.soak:
                continue
            short.append(f"{spoken(longest)} of {spoken(upstream.soak)} in {upstream.environment}")
            known = known and until is not None
            ready = max(ready, until or ready)
        if not short:
            return Condition("soak", True, "verified without a break for " + ", ".join(f"{spoken(u.soak)} in {u.environment}" for u in wanted))
        return Condition("soak", False, f"verified without a break for {'; '.join(short)}", self.asked.command, ready if known else None)

    def _soaked(self, upstream: Upstream) -> tuple[timedelta, datetime | None]:
        found = soak(self.facts.records.get(upstream.environment, ()), self.asked.release, self.now)
        return found.longest, None if found.since is None else found.since + upstream.soak

    def approvals(self) -> Condition:
        """By enough of the right people, of exactly this release with exactly these manifests."""
        asked = self.asked
        wanted = approvals_asked(self.gates, asked.change)
        if wanted is None:
            return Condition("approvals", True, "no approval is asked for")
        signed = self.facts.signed if wanted.signed else None
        found = approvers(self.records, asked.release, asked.rendered, wanted.people, signed)
        by = f" by {', '.join(found)}" if found else ""
        message = f"{len(found)} of {wanted.count} approval{'' if wanted.count == 1 else 's'}{by}"
        if len(found) >= wanted.count:
            return Condition("approvals", True, message)
        if wanted.signed:
            message += ", each to be signed"
        return Condition("approvals", False, message, f"gitopsc approve {asked.application} --to {asked.environment} --release {asked.release}")

    def freeze(self) -> Condition:
        """Outside of every window."""
        found = frozen(self.gates.freeze, self.now)
        if found is None:
            return Condition("freeze", True, "no freeze now" if self.gates.freeze else "no freeze is set")
        end = f" until {found.until.isoformat(timespec='minutes').replace('+00:00', 'Z')}" if found.until else ""
        return Condition("freeze", False, f"frozen by {', '.join(found.names)}{end}", self.asked.command, found.until)

    def checks(self) -> Condition:
        """Each one's newest result must be ``passed``."""
        asked, words = self.asked, {}
        for name in self.gates.checks:
            record = check_result(self.records, asked.release, name, self.now)
            if record is None or record.details.get("result") != "passed":
                words[name] = "has no result yet" if record is None else "failed"
        if not words:
            return Condition("checks", True, f"passed: {', '.join(self.gates.checks)}" if self.gates.checks else "no check is asked for")
        clear = f"gitopsc record {asked.application} --to {asked.environment} --check {next(iter(words))} --result passed"
        return Condition("checks", False, "; ".join(f"check {name} {word}" for name, word in words.items()), clear)

    def hold(self) -> Condition:
        """A hold stops automation, not a person."""
        asked = self.asked
        lock = self.facts.locks.get(asked.environment)
        if lock is None or lock.hold is None:
            return Condition("hold", True, "not held")
        message = f"held{f' by {lock.hold.by}' if lock.hold.by else ''}{f': {lock.hold.reason}' if lock.hold.reason else ''}"
        if asked.person:
            return Condition("hold", True, f"{message}; this promotion lifts it")
        return Condition("hold", False, message, f"gitopsc resume {asked.environment} {asked.application}")

    def rejected(self) -> Condition:
        """What was rejected here does not come back by itself."""
        asked = self.asked
        found = verdict(self.records, asked.release, self.now, self.facts.histories.get(asked.environment, ()))
        lock = self.facts.locks.get(asked.environment)
        replaced = lock is not None and lock.rollback is not None and lock.rollback.of == asked.release != lock.release.id
        accepted = any(record.kind == "accepted" and record.release == asked.release for record in self.records)
        if found.word != "rejected" and not (replaced and not accepted):
            return Condition("rejected", True, "not rejected here")
        reason = found.record.details.get("reason") if found.record is not None else None
        message = f"{asked.release} was rejected here{f': {reason}' if reason else ''}"
        if "rejected" in asked.allow:
            return Condition("rejected", True, f"{message}; allowed by --allow-rejected")
        return Condition("rejected", False, message, self._allowing("--allow-rejected"))

    def would_drop(self) -> Condition:
        """Nothing that runs here may be lost without a word."""
        asked = self.asked
        if asked.drops is None:
            return Condition("would-drop", True, "drops nothing that runs here")
        if "drop" in asked.allow:
            return Condition("would-drop", True, f"{asked.drops}; allowed by --allow-drop")
        return Condition("would-drop", False, asked.drops, self._allowing("--allow-drop"))

    def _allowing(self, word: str) -> str:
        return self.asked.command if word in self.asked.command.split() else f"{self.asked.command} {word}"


def spoken(span: timedelta) -> str:
    """``1h30m``, ``45s``, ``2d``; under a second is ``0s``."""
    left = int(span.total_seconds())
    out = ""
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, left = divmod(left, size)
        out += f"{count}{unit}" if count else ""
    return out or "0s"
