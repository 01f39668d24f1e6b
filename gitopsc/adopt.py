"""``gitopsc adopt``: a lock that tells the truth again, after somebody's ``git revert`` or an edit by hand.

Git is the truth, so what stands there stays. Where the generation went back, what was taken back is told as a rollback is, and held: no
automation brings it again.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gitopsc.moving import commit, generation, lines, manifests, shown, tables
from gitopsc.opening import Environments, opened
from gitopsc.options import Options
from gitopsc.plan import Step
from gitopsc.report.result import Result
from gitopsc.repository.history import Past
from gitopsc.repository.locks import Hold, ReleaseLock, Rollback

KIND = "AdoptResult"


def adopt(options: Options, environment: str, application: str, *, reason: str | None, dry_run: bool = False) -> Result:
    """Write a lock with the highest generation of history + 1 and what is really there. Nothing to repair: nothing changes.

    Raises ``Invalid``, ``Conflict``, ``Failure``.
    """
    with opened(options) as there:
        lock = there.lock(environment, application)
        made = manifests(there.snapshot, environment, application)
        past = there.history(environment, application)
        newest = max(past, key=lambda one: one.lock.generation, default=None)
        back = newest is not None and newest.lock.generation > lock.generation
        if made.tree == lock.rendered and not back:
            data: dict[str, Any] = {"revision": None, "changed": False, "environments": []}
            return Result(KIND, data, tuple(there.notices()), text=f"{environment}/{application}: the lock says what is there\n")
        after = replace(lock, generation=generation(there, environment, application), action="adopt", rendered=made.tree, origin=None)
        if back and newest is not None:
            after = replace(after, generation=max(after.generation, newest.lock.generation + 1), **_taken_back(there, lock, newest, reason))
        step = Step(environment, application, lock, after, made)
        revision = None if dry_run else commit(there, [step]).revision
        return _result(there, step, revision)


def _taken_back(there: Environments, lock: ReleaseLock, newest: Past, reason: str | None) -> dict[str, Any]:
    """What the lock says where a person's revert took a newer generation back."""
    gone = newest.lock
    why = reason or f"generation {gone.generation} ({shown(gone)}) was reverted in Git"
    found: dict[str, Any] = {"hold": Hold(why, there.person())}
    if gone.release.id != lock.release.id:
        found["rollback"] = Rollback(gone.release.id, gone.generation, why)
    return found


def _result(there: Environments, step: Step, revision: str | None) -> Result:
    hold = step.after.hold and {"reason": step.after.hold.reason, "by": step.after.hold.by}
    data = {"revision": revision, "changed": revision is not None, "environments": tables(there.snapshot, [step], {step.pair: {"hold": hold}})}
    said = lines(there.snapshot, [step])
    if step.after.hold is not None and step.after.hold != (step.before.hold if step.before else None):
        said.append(f"held until: gitopsc resume {step.environment} {step.application}")
    said.append(f"committed {revision[:12]} to {there.repository.display}" if revision else "would commit")
    return Result(KIND, data, tuple(there.notices()), text="\n".join(said) + "\n")
