"""``gitopsc gate``: may a release come to an environment? Asked by name, or of the branch of a pull request, as its required check.

Of a branch only what it brings is believed: pipelines, records and what runs are read from the main branch.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any

from gitopsc.choosing import Chooser, Said
from gitopsc.delivery.gate import Change, Condition, Question, gate, unmet
from gitopsc.delivery.pipeline import pipeline_for
from gitopsc.diagnostics import Diagnostic, Invalid
from gitopsc.judging import by_environment, facts, pipeline_of, places, table
from gitopsc.landing import skipped, skipped_lines
from gitopsc.moving import shown
from gitopsc.opening import Environments, Pair, opened
from gitopsc.options import Options
from gitopsc.promote import together
from gitopsc.proposing import PREFIX, on_branch
from gitopsc.renditions import Renditions
from gitopsc.report.result import Result
from gitopsc.repository.changed import changed_folders, foreign_files
from gitopsc.repository.layout import folder_path
from gitopsc.repository.locks import ReleaseLock
from gitopsc.repository.store import Snapshot
from gitopsc.requesting import Requests

KIND = "GateResult"


@dataclass(slots=True)
class Answer:
    """What was asked about, in words, and the gate's answer for each environment. ``wrong``: what no person's decision can clear."""

    words: str
    conditions: dict[str, tuple[Condition, ...]] = field(default_factory=dict)
    wrong: list[Diagnostic] = field(default_factory=list)
    more: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def allowed(self) -> bool:
        """Whether everything is met."""
        return not self.wrong and not any(unmet(found) for found in self.conditions.values())


def gate_of(options: Options, application: str, to: str, release: str | None, version: str | None) -> Result:
    """The gate's answer for a release; for the one that would come next where none is named. Status 0 or 2. Raises ``Invalid``, ``Failure``."""
    with ExitStack() as stack:
        there = stack.enter_context(opened(options, writes=False))
        renditions = stack.enter_context(Renditions(there))
        pipeline = pipeline_of(there, application)
        environments = places(pipeline, to)
        stage = pipeline.stage_of(environments[0])
        assert stage is not None
        answers = [
            _asked(Chooser(there, renditions, pipeline, application, group), Said(release, version, person=False)) for group in together(stage, environments)
        ]
        return _result(there, answers)


def gate_of_branch(options: Options, branch: str) -> Result:
    """The gate's answer for everything that a branch would bring to the main one. Status 0 or 2. Raises ``Invalid``, ``Failure``."""
    with opened(options, writes=False) as there:
        return _result(there, [_branch(there, branch)])


def gate_of_every_branch(options: Options) -> Result:
    """The same for every open promotion. Status 2 where one of them may not be merged. Where there is a token for the forge, it is told of each, as the
    status of the branch's commit: a freeze can begin while a pull request is open.
    """
    with opened(options, writes=False) as there:
        branches = there.repository.branches(PREFIX)
        answers = {branch: _branch(there, branch) for branch in sorted(branches)}
        asked = Requests(there)
        for branch, answer in answers.items():
            if not asked.told:
                asked.say(branches[branch], "success" if answer.allowed else "failure", _short(answer))
        result = _result(there, list(answers.values()))
        return replace(result, diagnostics=(*result.diagnostics, *asked.told))


def _short(answer: Answer) -> str:
    """What stands in the way, in a few words."""
    names = [*(one.code for one in answer.wrong), *(one.name for found in answer.conditions.values() for one in unmet(found))]
    return f"not met: {', '.join(dict.fromkeys(names))}" if names else "everything is met"


def _asked(chooser: Chooser, said: Said) -> Answer:
    choice = chooser.choose(said)
    where = ", ".join(choice.environments)
    if choice.entry is None:
        return Answer(f"{choice.application} → {where}: already runs the newest release")
    names = {"application": choice.application, "release": choice.lock.release.id, "version": choice.lock.release.version}
    out = Answer(f"{choice.application} {shown(choice.lock)} ({choice.lock.release.id}) → {where}", dict(choice.conditions), more=names)
    out.more["skipped"] = [] if choice.refused else skipped(choice)
    out.notes = [] if choice.refused else skipped_lines(choice)
    return out


# -- a branch ---------------------------------------------------------------------------------------------------------


def _branch(there: Environments, branch: str) -> Answer:
    with on_branch(there, branch) as repository:
        head = repository.snapshot()
        if head.revision is None:
            message = f"expected the name of a branch of the environment repository, found '{branch}'"
            raise Invalid(message, hint="the branches of open promotions begin with gitopsc/promote/", code="unknown-branch")
        out = Answer(branch, more={"branch": branch})
        foreign = foreign_files(there.repository, there.snapshot, head)
        out.wrong += [_wrong("foreign", f"{branch} changes {path}, which only a build of the default branch writes", "leave it out") for path in foreign]
        for pair in changed_folders(there.repository, there.snapshot, head):
            _folder(there, out, head, pair)
        return out


def _folder(there: Environments, out: Answer, head: Snapshot, pair: Pair) -> None:
    """Judge one application in one environment that a branch changes."""
    lock, now = head.release(*pair), there.snapshot.release(*pair)
    path = folder_path(*pair)
    if lock is None or head.rendered(*pair) != lock.rendered:
        out.wrong.append(_wrong("rendered", f"the manifests in {path} are not what its lock says", "promote again; nobody edits what was rendered", pair))
        return
    generation = now.generation if now is not None else 0
    if now == lock:
        return
    if lock.generation != generation + 1:
        refresh = f"gitopsc promote {pair[1]} --to {pair[0]} --release {lock.release.id} --refresh"
        out.wrong.append(_wrong("stale", f"{path} is generation {generation} now, and {lock.generation} does not follow on it", refresh, pair))
    out.conditions[pair[0]] = _judged(there, lock, now, pair)


def _change(lock: ReleaseLock, now: ReleaseLock | None) -> Change | None:
    """What a branch really does, whatever its lock says of itself: only a hotfix, which needs an approval, is believed. Null: nothing moves."""
    if lock.action == "hotfix":
        return "hotfix"
    if now is None or lock.release.id != now.release.id:
        return "promote"
    return None if lock.rendered == now.rendered else "rerender" if lock.action == "rerender" else "environment"


def _judged(there: Environments, lock: ReleaseLock, now: ReleaseLock | None, pair: Pair) -> tuple[Condition, ...]:
    environment, application = pair
    pipeline = pipeline_for(there.pipelines(), application)
    change = _change(lock, now)
    if pipeline is None or change is None:
        return ()
    question = Question(application, environment, lock.release.id, rendered=lock.rendered, change=change, person=True)
    return gate(pipeline, facts(there, pipeline, application, environment), question, there.now)


def _wrong(code: str, message: str, hint: str, pair: Pair | None = None) -> Diagnostic:
    environment, application = pair or (None, None)
    return Diagnostic("error", code, message, hint, environment=environment, application=application)


# -- telling ----------------------------------------------------------------------------------------------------------


def _result(there: Environments, answers: Sequence[Answer]) -> Result:
    allowed = all(answer.allowed for answer in answers)
    conditions = [one for answer in answers for one in by_environment(answer.conditions)]
    data: dict[str, Any] = {
        "allowed": allowed,
        "conditions": conditions,
        "answers": [{**answer.more, "allowed": answer.allowed, "conditions": by_environment(answer.conditions)} for answer in answers],
    }
    text = [line for answer in answers for line in _lines(answer)] or ["nothing is open"]
    wrong = [d for answer in answers for d in answer.wrong]
    return Result(KIND, data, (*wrong, *there.notices()), text="\n".join(text) + "\n", status=0 if allowed else 2)


def _lines(answer: Answer) -> list[str]:
    out = [f"{answer.words}: {'may come' if answer.allowed else 'may not come'}" if answer.conditions or answer.wrong else answer.words]
    several = len(answer.conditions) > 1
    for name, found in answer.conditions.items():
        out += ([f" {name}"] if several else []) + table(found)
    return out + answer.notes
