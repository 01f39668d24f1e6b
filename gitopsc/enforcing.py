"""The gate, asked once more before anything is applied: where an environment says ``enforceGates``, reconcile trusts nobody who merges.

Of a lock only what it names is believed, not what it says of itself: what a rollback brings back must have run here, and what claims to be
the environment's own change must be of a release that came here through the gate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime

from gitopsc.cluster.desired import Target
from gitopsc.cluster.trouble import Trouble
from gitopsc.delivery.facts import Record
from gitopsc.delivery.gate import Change, Condition, Question, gate, unmet
from gitopsc.delivery.pipeline import pipeline_for
from gitopsc.judging import facts
from gitopsc.opening import Environments, Where
from gitopsc.options import Options
from gitopsc.repository.locks import ReleaseLock
from gitopsc.repository.store import Repository, Snapshot

CODE = "gate"
"""Of a trouble: the gate keeps an application back."""

_RAN = ("applied", "verified")


def kept_back(options: Options, where: Where, repository: Repository, snapshot: Snapshot, targets: Sequence[Target]) -> Mapping[str, Sequence[Trouble]]:
    """Which applications may not come as their locks say, and why: a trouble for each condition that is not met. Raises ``Failure``, ``Invalid``."""
    out: dict[str, Sequence[Trouble]] = {}
    with ExitStack() as stack:
        there = Environments(where, options, repository, snapshot, datetime.now(UTC), stack)
        for target in targets:
            lock = snapshot.release(target.environment, target.application)
            found = _troubles(there, lock) if lock is not None else []
            if found:
                out[target.application] = found
    return out


def _troubles(there: Environments, lock: ReleaseLock) -> list[Trouble]:
    message = f"{lock.release.version or lock.release.id} is not applied, {{}} is not met: {{}}"
    return [Trouble(CODE, message.format(one.name, one.message), 2, one.clear) for one in stands_in_the_way(there, lock)]


def stands_in_the_way(there: Environments, lock: ReleaseLock) -> tuple[Condition, ...]:
    """The conditions that keep an environment from applying what its own lock names; none where it may. Raises ``Failure``, ``Invalid``."""
    pipeline = pipeline_for(there.pipelines(), lock.application)
    if pipeline is None or pipeline.follows(lock.environment) or lock.release.state != "present":
        return ()
    change = _change(lock, there.records(lock.environment, lock.application))
    if change is None:
        return ()
    allow = frozenset(word for word in lock.overrides if word == "drop")
    question = Question(lock.application, lock.environment, lock.release.id, rendered=lock.rendered, change=change, person=True, allow=allow)
    known = facts(there, pipeline, lock.application, lock.environment)
    return unmet(gate(pipeline, known, question, there.now))


def _change(lock: ReleaseLock, records: Sequence[Record]) -> Change | None:
    """What the gate is asked about; null: nothing, since it was here before."""
    if lock.action in ("promote", "hotfix"):
        return "hotfix" if lock.action == "hotfix" else "promote"
    ran = [record for record in records if record.kind in _RAN and record.release == lock.release.id]
    if lock.action in ("environment", "rerender"):
        own: Change = "rerender" if lock.action == "rerender" else "environment"
        return own if ran else "promote"
    return None if any(record.rendered == lock.rendered for record in ran) else "promote"
