"""``gitopsc hold`` and ``resume``: whether automation may move an application. The manifests stay as they are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gitopsc.diagnostics import Conflict
from gitopsc.moving import commit, generation, lines, manifests, now_there, tables
from gitopsc.opening import Environments, opened
from gitopsc.options import Options
from gitopsc.plan import Step
from gitopsc.report.result import Result
from gitopsc.repository.locks import Hold, ReleaseLock


def hold(options: Options, environment: str, application: str, *, reason: str | None, dry_run: bool = False) -> Result:
    """Keep automation away from what is there. Held already, and for the same reason or no new one: nothing changes.

    Raises ``Invalid``, ``Conflict``, ``Failure``.
    """
    with opened(options) as there:
        lock = there.lock(environment, application)
        wanted = lock.hold if lock.hold is not None and reason in (None, lock.hold.reason) else Hold(reason, there.person())
        return _written(there, lock, wanted, "hold", dry_run=dry_run)


def resume(options: Options, environment: str, application: str, *, dry_run: bool = False) -> Result:
    """Let automation move it again. Not held: nothing changes. Raises as ``hold`` does."""
    with opened(options) as there:
        return _written(there, there.lock(environment, application), None, "resume", dry_run=dry_run)


def _written(there: Environments, lock: ReleaseLock, wanted: Hold | None, action: str, *, dry_run: bool) -> Result:
    if lock.hold == wanted:
        return _result(there, None, lock, action, None)
    pair = lock.environment, lock.application
    after = replace(lock, generation=generation(there, *pair), action=action, hold=wanted, origin=None)
    step = Step(*pair, lock, after, manifests(there.snapshot, *pair))
    if dry_run:
        return _result(there, step, after, action, None)
    try:
        revision = commit(there, [step]).revision
    except Conflict:
        found = now_there(there, pair)
        if found is None or (found.hold is None) != (wanted is None):
            raise
        return _result(there, None, found, action, None)
    return _result(there, step, after, action, revision)


def _result(there: Environments, step: Step | None, lock: ReleaseLock, action: str, revision: str | None) -> Result:
    """What was done, or that it was so already."""
    held = lock.hold and {"reason": lock.hold.reason, "by": lock.hold.by}
    steps = [] if step is None else [step]
    data: dict[str, Any] = {
        "revision": revision,
        "changed": revision is not None,
        "environments": tables(there.snapshot, steps, {(lock.environment, lock.application): {"hold": held}}),
    }
    state = "held" if lock.hold is not None else "not held"
    if step is None:
        text = f"{lock.environment}/{lock.application}: already {state}\n"
    else:
        done = f"committed {revision[:12]} to {there.repository.display}" if revision else "would commit"
        text = "\n".join([*lines(there.snapshot, steps), f"{state} now" if revision else f"would be {state}", done]) + "\n"
    return Result("HoldResult" if action == "hold" else "ResumeResult", data, tuple(there.notices()), text=text)
