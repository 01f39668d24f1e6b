"""``gitopsc promote --auto``: whatever may come, wherever its stage lets it come by itself. The same answer however often it is asked.

Many may run it at once: what somebody else has moved meanwhile is left to them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any

from gitopsc.choosing import Choice, Chooser, Said
from gitopsc.delivery.gate import unmet
from gitopsc.delivery.pipeline import Pipeline, Stage
from gitopsc.diagnostics import Diagnostic, Failure, Invalid
from gitopsc.landing import Move, land, moves, row, skipped_lines
from gitopsc.moving import lines, shown, tables
from gitopsc.opening import Environments, Pair, opened
from gitopsc.options import Options
from gitopsc.promote import KIND, together
from gitopsc.proposing import OPENS_WITHOUT, Proposal, proposal, propose, withdrawn
from gitopsc.renditions import Renditions
from gitopsc.report.result import Result
from gitopsc.repository.publish import next_generations
from gitopsc.requesting import Requests, by_hand


@dataclass(slots=True)
class _Round:
    """What one look at everything found. ``blocked``: newer releases that may not come; ``told``: what people should know; ``failed``: whether
    something outside did, on the way of some of them.
    """

    direct: list[Move] = field(default_factory=list)
    requests: list[Proposal] = field(default_factory=list)
    blocked: list[Choice] = field(default_factory=list)
    told: list[Diagnostic] = field(default_factory=list)
    failed: bool = False


def promote_all(options: Options, *, dry_run: bool = False, allow_older: bool = False) -> Result:
    """One round. Status 0, whatever was blocked, and 3 where the forge or the source repository failed: then all the rest is done.

    Raises ``Failure`` where the environment repository failed, ``Invalid`` where nothing can be read.
    """
    with ExitStack() as stack:
        there = stack.enter_context(opened(options))
        renditions = stack.enter_context(Renditions(there))
        found = _looked(there, renditions, allow_older=allow_older)
        if dry_run:
            return _result(there, found, None, found.direct, [by_hand(there, one) for one in found.requests], [])
        landed = land(there, found.direct, partly=True) if found.direct else None
        asked = Requests(there)
        requests = [asked.request(propose(there, one)) for one in found.requests]
        gone = withdrawn(there, {one.branch for one in requests}, asked.close)
        found.told += asked.told
        result = _result(there, found, landed.revision if landed else None, list(landed.moves) if landed else [], requests, gone)
        return replace(result, status=3 if found.failed else asked.status)


def _looked(there: Environments, renditions: Renditions, *, allow_older: bool) -> _Round:
    out = _Round()
    ways = list(_ways(there))
    pairs = [(name, application) for _, _, application, group in ways for name in group]
    there.look_at([(name, application) for pipeline, _, application, _ in ways for name in pipeline.environments])
    back = _gone_back(there, pairs)
    for pipeline, stage, application, group in ways:
        wrong = [name for name in group if (name, application) in back]
        if wrong:
            out.told += [_back(name, application) for name in wrong]
            continue
        try:
            _one(out, Chooser(there, renditions, pipeline, application, group), stage, allow_older=allow_older)
        except Invalid as error:
            out.told += [Diagnostic("warning", d.code, f"{application} → {', '.join(group)}: {d.message}", d.hint) for d in error.diagnostics]
        except Failure as error:
            out.failed = True
            out.told.append(Diagnostic("error", "failure", f"{application} → {', '.join(group)}: {error.message}", error.hint))
    return out


def _ways(there: Environments) -> Iterator[tuple[Pipeline, Stage, str, tuple[str, ...]]]:
    """Everything that may move by itself: pipeline, stage, application, environments that move together."""
    for pipeline in there.pipelines():
        for stage in pipeline.stages[1:]:
            for application in pipeline.applications if stage.promote != "manual" else ():
                for group in together(stage, stage.environments):
                    yield pipeline, stage, application, group


def _one(out: _Round, chooser: Chooser, stage: Stage, *, allow_older: bool) -> None:
    request = stage.promote == "pull-request"
    said = Said(person=False, but=OPENS_WITHOUT if request else ())
    choice = chooser.choose(said)
    if choice.entry is None:
        return
    if choice.refused:
        out.blocked.append(choice)
        return
    found = moves(chooser, choice, said)
    if not allow_older and found:
        chooser.renditions.refuse_older({move.pair: move.step.before for move in found if move.step.before is not None})
    out.told += [d for move in found for d in move.told]
    if request:
        out.requests += proposal(chooser.there, stage, found)
    else:
        out.direct += found


def _gone_back(there: Environments, pairs: list[Pair]) -> set[Pair]:
    """Where somebody's revert took a generation back: that is a person's decision, which automation leaves alone."""
    locks, generations = there.snapshot.releases(pairs), next_generations(there.snapshot, pairs)
    return {pair for pair in pairs if (lock := locks[pair]) is not None and generations[pair] != lock.generation + 1}


def _back(environment: str, application: str) -> Diagnostic:
    message = f"{environment}/{application}: its generation went back by somebody's commit, so it is left as it is"
    return Diagnostic("warning", "generation-back", message, f"gitopsc adopt {environment} {application}", environment=environment, application=application)


def _result(there: Environments, found: _Round, revision: str | None, landed: list[Move], requests: list[Proposal], gone: list[str]) -> Result:
    request = {pair: one.plain() for one in requests for pair in one.pairs}
    every = [*landed, *(move for one in requests for move in one.moves)]
    steps = [move.step for move in every]
    data: dict[str, Any] = {
        "revision": revision,
        "changed": revision is not None or any(one.revision for one in requests) or bool(gone),
        "environments": tables(there.snapshot, steps, {move.pair: row(move, request.get(move.pair)) for move in every}),
        "pullRequest": next(iter(request.values()), None),
        "gate": None,
        "blocked": [
            {"environment": name, "application": choice.application, "release": choice.lock.release.id, "blockedBy": [c.name for c in unmet(conditions)]}
            for choice in found.blocked
            for name, conditions in choice.conditions.items()
        ],
        "withdrawn": gone,
    }
    text = lines(there.snapshot, steps)
    text += [line for move in every for line in skipped_lines(move.choice)]
    text += [line for choice in found.blocked for line in _blocked(choice)]
    text += [line for one in requests for line in one.lines()]
    text += [f"deleted branch {branch}: it is not valid any more" for branch in gone]
    text.append(f"committed {revision[:12]} to {there.repository.display}" if revision else "nothing to promote" if not every else "")
    return Result(KIND, data, (*found.told, *there.notices()), text="\n".join(line for line in text if line) + "\n")


def _blocked(choice: Choice) -> list[str]:
    out = []
    for name, conditions in choice.conditions.items():
        out += [f"{name}/{choice.application}: {shown(choice.lock)} waits: {condition.message}" for condition in unmet(conditions)]
    return out
