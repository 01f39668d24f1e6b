"""``gitopsc rollback``: an earlier generation's manifests, byte for byte, in a new commit. No render, no registry, no workspace.

The record that a release is rejected here is pushed before the lock: a run that is killed between the two leaves a rejected release
where it was, and the next one finds the record and goes on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from gitopsc.delivery.verdict import verdict
from gitopsc.diagnostics import Conflict, Diagnostic, Invalid
from gitopsc.judging import note
from gitopsc.moving import commit, generation, lines, now_there, shown, tables
from gitopsc.opening import Environments, opened
from gitopsc.options import Options
from gitopsc.plan import Step
from gitopsc.report.result import Result
from gitopsc.repository.history import Past, manifests_at
from gitopsc.repository.locks import Hold, ReleaseLock, Rollback
from gitopsc.repository.objects import Folder

KIND = "RollbackResult"


@dataclass(frozen=True, slots=True)
class Aim:
    """The generation that is brought back, with its manifests."""

    past: Past
    folder: Folder


def rollback(
    options: Options, environment: str, application: str, *, to: str | None, reason: str | None, undo: bool, dry_run: bool = False, only: int | None = None
) -> Result:
    """Bring an earlier generation back and hold it. ``to``: a generation or a release (null: the newest that was good). ``undo``: the last one undone.
    ``only``: nothing is done unless this generation is there.

    Raises ``Invalid`` where there is nothing to go back to, ``Conflict`` where somebody else moved the application meanwhile, ``Failure``.
    """
    if undo and to:
        raise Invalid("expected --undo or --to, found both", hint="--undo brings back what the last rollback replaced")
    with opened(options) as there:
        lock = there.lock(environment, application)
        if only is not None and lock.generation != only:
            return _already(there, lock, f"generation {only} was followed by {lock.generation}")
        aim = _undone(there, lock) if undo else _aim(there, lock, to)
        if aim is None:
            if undo and not dry_run:
                _accept(there, lock)
            return _already(there, lock, "already undone" if undo else f"already at {shown(lock)}, as generation {lock.generation}")
        step = _step(there, lock, aim, reason, undo=undo)
        if dry_run:
            return _result(there, step, aim, None, "would commit")
        if undo:
            _accept(there, aim.past.lock)
        elif aim.past.lock.release.id != lock.release.id:
            _reject(there, lock, reason)
        try:
            published = commit(there, [step])
        except Conflict as error:
            found = now_there(there, step.pair)
            if found is None or (found.rendered, found.action) != (step.after.rendered, step.after.action):
                raise Conflict(error.message, hint=f"look at it, then run it again: gitopsc rollback {environment} {application}") from None
            return _already(there, found, f"already rolled back to {shown(found)}, as generation {found.generation}")
        return _result(there, step, aim, published.revision, "committed")


def _aim(there: Environments, lock: ReleaseLock, to: str | None) -> Aim | None:
    """What to go back to; None where that is what is there. Raises ``Invalid``."""
    pair = lock.environment, lock.application
    if to is None:
        return _newest_good(there, lock)
    for one in there.history(*pair):
        if to in (one.lock.release.id, str(one.lock.generation)):
            if one.lock.rendered == lock.rendered == there.snapshot.rendered(*pair) and one.lock.release.id == lock.release.id:
                return None
            return _whole(there, one)
    listed = ", ".join(f"{one.lock.generation} ({shown(one.lock)})" for one in there.history(*pair)[:6])
    raise Invalid(f"expected a generation or a release that '{pair[1]}' had in '{pair[0]}', found '{to}'", hint=f"it had {listed}", code="unknown-generation")


def _whole(there: Environments, one: Past) -> Aim:
    made = manifests_at(there.repository, one)
    if made is None:
        message = f"expected the manifests of generation {one.lock.generation} to be what its lock says, found others in commit {one.revision[:12]}"
        raise Invalid(message, hint="somebody edited them by hand: name another generation with --to", code="edited")
    return Aim(one, made)


def _newest_good(there: Environments, lock: ReleaseLock) -> Aim:
    """The newest generation with other manifests, which were verified here, and whose release is not rejected."""
    pair = lock.environment, lock.application
    past, records = there.history(*pair), there.records(*pair)
    known: dict[str, str] = {}
    for one in past:
        release, rendered = one.lock.release.id, one.lock.rendered
        if rendered == lock.rendered or one.lock.release.state != "present":
            continue
        if release not in known:
            known[release] = verdict(records, release, there.now, past).word
        seen = verdict([r for r in records if r.rendered == rendered], release, there.now).word
        if known[release] == "rejected" or seen != "verified":
            continue
        made = manifests_at(there.repository, one)
        if made is not None:
            return Aim(one, made)
    others = [one for one in past if one.lock.rendered != lock.rendered]
    listed = ", ".join(f"{one.lock.generation} ({shown(one.lock)})" for one in others[:6])
    hint = f"name a generation that is not verified with --to: {listed}" if others else "there is no generation with other manifests"
    raise Invalid(
        f"expected an earlier generation of '{pair[1]}' that was verified in '{pair[0]}' and is not rejected, found none", hint=hint, code="no-target"
    )


def _undone(there: Environments, lock: ReleaseLock) -> Aim | None:
    """What the rollback that is in force replaced; None where it is undone already. Raises ``Invalid`` where there was none."""
    pair = lock.environment, lock.application
    if lock.rollback is None:
        if lock.action == "rollback":
            return None
        raise Invalid(f"expected a rollback of '{pair[1]}' in '{pair[0]}' to undo, found none in force", hint=f"see gitopsc history {pair[0]} {pair[1]}")
    for one in there.history(*pair):
        if (one.lock.generation, one.lock.release.id) == (lock.rollback.generation, lock.rollback.of):
            return _whole(there, one)
    raise Invalid(f"expected generation {lock.rollback.generation} in history, found it gone", hint="name another with --to", code="unknown-generation")


def _reject(there: Environments, lock: ReleaseLock, reason: str | None) -> None:
    """Say that the release is bad here, unless a run that was killed has said so already."""
    if verdict(there.records(lock.environment, lock.application), lock.release.id, there.now).word != "rejected":
        note(there, "rejected", lock, reason=reason)


def _accept(there: Environments, lock: ReleaseLock) -> None:
    """Clear the rejection of a release that comes back, if it is rejected."""
    pair = lock.environment, lock.application
    if verdict(there.records(*pair), lock.release.id, there.now).word == "rejected":
        note(there, "accepted", lock, reason="the rollback was undone")


def _step(there: Environments, lock: ReleaseLock, aim: Aim, reason: str | None, *, undo: bool) -> Step:
    old = aim.past.lock
    after = replace(
        old,
        generation=generation(there, old.environment, old.application),
        action="rollback",
        origin=old.origin if undo else None,
        rollback=None if undo else Rollback(lock.release.id, lock.generation, reason),
        hold=None if undo else Hold(reason or f"rolled back from {shown(lock)}", there.person()),
        overrides=(),
    )
    return Step(old.environment, old.application, lock, after, aim.folder)


def _already(there: Environments, lock: ReleaseLock, words: str) -> Result:
    data: dict[str, Any] = {"revision": None, "changed": False, "environments": [], "pullRequest": None}
    return Result(KIND, data, tuple(there.notices()), text=f"{lock.environment}/{lock.application}: {words}\n")


def _result(there: Environments, step: Step, aim: Aim, revision: str | None, word: str) -> Result:
    origin = {"environment": step.environment, "generation": aim.past.lock.generation}
    hold = step.after.hold
    more: Mapping[str, Any] = {"from": origin, "hold": hold and {"reason": hold.reason, "by": hold.by}, "pullRequest": None}
    data = {
        "revision": revision,
        "changed": revision is not None,
        "environments": tables(there.snapshot, [step], {step.pair: more}),
        "pullRequest": None,
    }
    said = lines(there.snapshot, [step])
    if step.after.hold is not None:
        said.append(f"held until: gitopsc resume {step.environment} {step.application}")
    said.append(f"{word} {revision[:12]} to {there.repository.display}" if revision else word)
    found: list[Diagnostic] = there.notices()
    return Result(KIND, data, tuple(found), text="\n".join(said) + "\n")
