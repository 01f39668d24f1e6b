"""``gitopsc promote``: releases to the environments of a later stage, as their gates allow."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any

from gitopsc.choosing import Choice, Chooser, Said
from gitopsc.delivery.pipeline import Stage
from gitopsc.diagnostics import Diagnostic, Invalid
from gitopsc.hotfix import hotfix_choice
from gitopsc.judging import by_environment, pipeline_of, places, refusals, table
from gitopsc.landing import Move, accept, land, moves, row, skipped_lines
from gitopsc.moving import lines, shown, tables
from gitopsc.opening import Environments, opened, unknown
from gitopsc.options import Options
from gitopsc.proposing import OPENS_WITHOUT, Proposal, proposal, propose
from gitopsc.renditions import Renditions
from gitopsc.report.result import Result
from gitopsc.requesting import Requests, by_hand

KIND = "PromoteResult"


@dataclass(frozen=True, slots=True)
class Order:
    """What a person asked for. ``every``: all applications that a pipeline brings there. ``revision``: of a hotfix."""

    applications: tuple[str, ...]
    to: str
    release: str | None = None
    version: str | None = None
    every: bool = False
    dry_run: bool = False
    explain: bool = False
    pull_request: bool = False
    refresh: bool = False
    hotfix: bool = False
    revision: str | None = None
    allow: frozenset[str] = frozenset()
    allow_older: bool = False


@dataclass(slots=True)
class _Way:
    """One application on its way: what was chosen for each group of environments that move together, and what comes of it."""

    application: str
    stage: Stage
    choices: list[tuple[Chooser, Choice, Said]] = field(default_factory=list)

    @property
    def taken(self) -> list[tuple[Chooser, Choice, Said]]:
        """What may come."""
        return [one for one in self.choices if one[1].entry is not None and not one[1].refused]

    @property
    def refused(self) -> list[Choice]:
        """What may not."""
        return [choice for _, choice, _ in self.choices if choice.refused]


def promote(options: Options, order: Order) -> Result:
    """Bring releases to an environment or a stage: one commit, or nothing. Refused: status 2, with the gate's answer.

    Raises ``Invalid``, ``Conflict`` where somebody else was first with another release, ``Failure``.
    """
    with ExitStack() as stack:
        there = stack.enter_context(opened(options))
        renditions = stack.enter_context(Renditions(there))
        ways = [_way(there, renditions, order, name) for name in _names(there, order)]
        refused = [way for way in ways if way.refused and not way.taken]
        stops = any(not order.every for _ in refused) or (bool(refused) and not any(way.taken for way in ways))
        if stops or order.explain:
            return _told(there, ways, refused if stops else [], order)
        found = [move for way in ways for chooser, choice, said in way.taken for move in _moved(chooser, choice, said, order)]
        if not found:
            return _nothing(there, ways)
        if not order.allow_older:
            renditions.refuse_older({move.pair: move.step.before for move in found if move.step.before is not None})
        return _carry_out(there, ways, found, order)


def _names(there: Environments, order: Order) -> tuple[str, ...]:
    if order.every:
        found = [one for one in there.pipelines() if order.to in one.environments or one.stage(order.to)]
        if not found:
            known = sorted({name for one in there.pipelines() for name in one.environments if not one.follows(name)})
            raise unknown("environment", order.to, known, " that a pipeline has")
        return tuple(name for one in found for name in one.applications)
    return tuple(dict.fromkeys(order.applications))


def _way(there: Environments, renditions: Renditions, order: Order, application: str) -> _Way:
    pipeline = pipeline_of(there, application)
    environments = places(pipeline, order.to)
    stage = pipeline.stage_of(environments[0])
    assert stage is not None
    way = _Way(application, stage)
    for group in together(stage, environments):
        chooser = Chooser(there, renditions, pipeline, application, group)
        said = _said(order, stage, application)
        choice = hotfix_choice(chooser, order.revision, said) if order.hotfix else chooser.choose(said)
        way.choices.append((chooser, choice, said))
    return way


def together(stage: Stage, environments: Sequence[str]) -> list[tuple[str, ...]]:
    """The environments in groups that move in one commit. Raises ``Invalid`` where one of a lockstep stage is asked for alone."""
    if stage.order != "lockstep":
        return [(name,) for name in environments]
    if set(environments) != set(stage.environments):
        message = f"expected stage '{stage.name}', whose environments move together, found '{environments[0]}' alone"
        raise Invalid(message, hint=f"--to {stage.name}", code="lockstep")
    return [tuple(environments)]


def by_request(order: Order, stage: Stage) -> bool:
    """Whether a branch is pushed, to be merged by whoever may."""
    return order.pull_request or stage.promote == "pull-request"


def _said(order: Order, stage: Stage, application: str) -> Said:
    repeat = None
    if order.hotfix:
        repeat = f"gitopsc promote {application} --to {order.to} --hotfix" + (f" --source {order.revision}" if order.revision else "")
    return Said(order.release, order.version, order.allow, person=True, but=OPENS_WITHOUT if by_request(order, stage) else (), repeat=repeat)


def _moved(chooser: Chooser, choice: Choice, said: Said, order: Order) -> list[Move]:
    return moves(chooser, choice, said, action="hotfix" if order.hotfix else "promote")


def _carry_out(there: Environments, ways: Sequence[_Way], found: list[Move], order: Order) -> Result:
    """Commit what is pushed directly, propose the rest."""
    stages = {way.application: way.stage for way in ways}
    direct = [move for move in found if not by_request(order, stages[move.step.application])]
    others = [move for move in found if by_request(order, stages[move.step.application])]
    wanted = [one for name in _applications(others) for one in proposal(there, stages[name], [m for m in others if m.step.application == name])]
    if order.dry_run:
        return _result(there, ways, found, None, [by_hand(there, one) for one in wanted], "would commit")
    accept(there, found)
    landed = land(there, direct, partly=False) if direct else None
    asked = Requests(there)
    opened_requests = [asked.request(propose(there, one, refresh=order.refresh)) for one in wanted]
    revision = landed.revision if landed is not None else None
    if landed is not None and revision is None:
        found = others
    word = f"committed {revision[:12]} to {there.repository.display}" if revision else "already there: somebody else was first" if direct else ""
    result = _result(there, ways, found, revision, opened_requests, word)
    return replace(result, diagnostics=(*result.diagnostics, *asked.told), status=asked.status)


def _applications(found: Sequence[Move]) -> list[str]:
    return list(dict.fromkeys(move.step.application for move in found))


# -- telling ----------------------------------------------------------------------------------------------------------


def _result(there: Environments, ways: Sequence[_Way], found: Sequence[Move], revision: str | None, requests: Sequence[Proposal], word: str) -> Result:
    request = {pair: one.plain() for one in requests for pair in one.pairs}
    steps = [move.step for move in found]
    data: dict[str, Any] = {
        "revision": revision,
        "changed": revision is not None or any(one.revision for one in requests),
        "environments": tables(there.snapshot, steps, {move.pair: row(move, request.get(move.pair)) for move in found}),
        "pullRequest": next(iter(request.values()), None),
        "gate": None,
    }
    text = lines(there.snapshot, steps)
    for way in ways:
        text += [line for _, choice, _ in way.choices for line in skipped_lines(choice) if choice.entry is not None and not choice.refused]
        text += _waiting(there, way)
    text += [line for one in requests for line in one.lines()]
    told = [d for move in found for d in move.told]
    waits = [d for way in ways for choice in way.refused for d in _refusals(choice, severity="info")]
    return Result(KIND, data, (*told, *waits, *there.notices()), text="\n".join([*text, *([word] if word else [])]) + "\n")


def _waiting(there: Environments, way: _Way) -> list[str]:
    """Environments of the same stage that this did not move."""
    return [f"{', '.join(choice.environments)}/{way.application}: waits with {shown(choice.lock)}" for choice in way.refused]


def _refusals(choice: Choice, severity: str = "error") -> list[Diagnostic]:
    return [d for name, found in choice.conditions.items() for d in refusals(name, choice.application, found, severity=severity)]


def _told(there: Environments, ways: Sequence[_Way], refused: Sequence[_Way], order: Order) -> Result:
    """The gate's answer: of what is refused, or of everything that was asked about."""
    shown_ways = list(refused) or list(ways)
    text, conditions = [], []
    for way in shown_ways:
        for _, choice, _ in way.choices:
            if choice.entry is None:
                text.append(f"{', '.join(choice.environments)}/{way.application}: {_newest(way)}")
                continue
            for name, found in choice.conditions.items():
                text += [
                    f"{way.application} {shown(choice.lock)} ({choice.lock.release.id}) → {name}: {'refused' if choice.refused else 'may come'}",
                    *table(found),
                ]
            text += skipped_lines(choice)
            conditions += by_environment(choice.conditions)
    allowed = not refused
    data: dict[str, Any] = {"revision": None, "changed": False, "environments": [], "pullRequest": None, "gate": {"allowed": allowed, "conditions": conditions}}
    wrong = [d for way in refused for choice in way.refused for d in _refusals(choice)]
    return Result(KIND, data, (*wrong, *there.notices()), text="\n".join(text) + "\n", status=0 if allowed else 2)


def _nothing(there: Environments, ways: Sequence[_Way]) -> Result:
    data: dict[str, Any] = {"revision": None, "changed": False, "environments": [], "pullRequest": None, "gate": None}
    text = [f"{', '.join(choice.environments)}/{way.application}: {_newest(way)}" for way in ways for _, choice, _ in way.choices]
    return Result(KIND, data, tuple(there.notices()), text="\n".join(text or ["nothing to promote"]) + "\n")


def _newest(way: _Way) -> str:
    return "already runs the newest release that may come"
