"""What the gate must know of an application on its way; its answers, told; and records of what people decide."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from gitopsc.delivery.gate import Condition, Facts, unmet
from gitopsc.delivery.pipeline import Pipeline, pipeline_for
from gitopsc.diagnostics import Diagnostic, Invalid
from gitopsc.opening import Environments, Pair
from gitopsc.repository.locks import ReleaseLock
from gitopsc.repository.record import Record, new_record

_TICK = timedelta(milliseconds=1)


def pipeline_of(there: Environments, application: str) -> Pipeline:
    """The pipeline that moves an application. Raises ``Invalid`` where none does."""
    found = pipeline_for(there.pipelines(), application)
    if found is None:
        known = sorted({name for one in there.pipelines() for name in one.applications})
        message = f"expected the name of an application that a pipeline moves, found '{application}'"
        hint = f"pipelines name {', '.join(known[:8])}{' …' if len(known) > 8 else ''}" if known else "write a Pipeline, and build the default branch"
        raise Invalid(message, hint=hint, code="no-pipeline")
    return found


def places(pipeline: Pipeline, to: str) -> tuple[str, ...]:
    """The environments that ``--to`` means: one, or those of a stage in their order. Raises ``Invalid``."""
    stage = pipeline.stage(to)
    found = (to,) if to in pipeline.environments else stage.environments if stage is not None else ()
    if not found:
        later = [name for name in pipeline.environments if not pipeline.follows(name)]
        message = f"expected an environment or a stage of pipeline '{pipeline.name}', found '{to}'"
        raise Invalid(message, hint=f"one of {', '.join(later)}", code="unknown-environment")
    if pipeline.follows(found[0]):
        message = f"expected an environment that releases are promoted to, found '{found[0]}', which follows the default branch"
        raise Invalid(message, hint=f"gitopsc build {found[0]}", code="first-stage")
    return found


def facts(there: Environments, pipeline: Pipeline, application: str, environment: str) -> Facts:
    """What is known of an application in an environment and in those upstream of it. Raises ``Failure``."""
    near = [*(upstream.environment for upstream in pipeline.upstreams(environment)), environment]
    locks = there.snapshot.releases((name, application) for name in pipeline.environments)
    return Facts(
        locks={name: lock for (name, _), lock in locks.items()},
        records={name: there.records(name, application) for name in near},
        histories={name: there.history(name, application) for name in near},
        signed=there.signed(environment, application),
    )


def note(there: Environments, kind: str, lock: ReleaseLock, **details: Any) -> Record:
    """Write a record about what ``lock`` names, in its environment, and push it. See ``noted``."""
    pair = lock.environment, lock.application
    return noted(there, kind, pair, release=lock.release.id, rendered=lock.rendered, generation=lock.generation, **details)


def noted(there: Environments, kind: str, pair: Pair, *, release: str, rendered: str, generation: int, **details: Any) -> Record:
    """Write a record about a release in an environment, and push it. Raises ``Failure`` where it does not arrive.

    It is dated after every other of that application, whatever the clocks of those who wrote them said: what a person decides now counts.
    """
    known = there.records(*pair)
    made = new_record(
        kind,
        *pair,
        release=release,
        rendered=rendered,
        generation=generation,
        by=there.person(),
        now=max([there.now, *(record.time + _TICK for record in known if record.time >= there.now)]),
        details={key: value for key, value in details.items() if value is not None},
    )
    records = there.records_of(pair[0])
    records.add(made)
    records.push()
    known.insert(0, made)
    return made


def answer(conditions: Iterable[Condition]) -> dict[str, Any]:
    """As GateResult has it: ``allowed`` and ``conditions``."""
    every = list(conditions)
    return {"allowed": not unmet(every), "conditions": [condition.plain() for condition in every]}


def table(conditions: Iterable[Condition]) -> list[str]:
    """A line a condition, and below those that are not met the command that clears it."""
    out = []
    for condition in conditions:
        out.append(f"  {'✓' if condition.met else '✗'} {condition.name:<11} {condition.message}")
        if condition.clear is not None:
            out.append(f"      {condition.clear}")
    return out


def refusals(environment: str, application: str, conditions: Iterable[Condition], *, but: Sequence[str] = (), severity: str = "error") -> list[Diagnostic]:
    """A finding for each condition that is not met, with the command that clears it."""
    return [
        Diagnostic(
            "error" if severity == "error" else "info",
            condition.name,
            f"{application} → {environment}: {condition.message}",
            condition.clear,
            environment=environment,
            application=application,
        )
        for condition in unmet(conditions, but=but)
    ]


def by_environment(conditions: Mapping[str, Sequence[Condition]]) -> list[dict[str, Any]]:
    """The conditions of several environments in one list, each with its environment."""
    return [{"environment": name, **condition.plain()} for name, found in conditions.items() for condition in found]
