"""Chosen releases become locks and manifests in one commit, or branches to be merged; and what is told of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gitopsc import __version__
from gitopsc.choosing import Choice, Chooser, Said
from gitopsc.delivery.gate import Change, Condition, unmet
from gitopsc.diagnostics import Conflict, Diagnostic, Invalid
from gitopsc.judging import note
from gitopsc.moving import changes, shown
from gitopsc.opening import Environments, Pair
from gitopsc.plan import Step
from gitopsc.repository.locks import EnvironmentSource, Hold, Origin, Release, ReleaseLock
from gitopsc.repository.objects import Folder, folder
from gitopsc.repository.publish import Changes, next_generations, publish
from gitopsc.repository.store import Snapshot

RENDERER = f"gitopsc {__version__}"


@dataclass(frozen=True, slots=True)
class Move:
    """One application that comes to one environment. ``gate``: the answer that it was let through with; ``told``: notices of its rendering;
    ``accepts``: it was rejected there, and a person wants it all the same.
    """

    step: Step
    choice: Choice
    gate: tuple[Condition, ...]
    told: tuple[Diagnostic, ...] = ()
    accepts: bool = False

    @property
    def pair(self) -> Pair:
        """(environment, application)."""
        return self.step.pair


@dataclass(frozen=True, slots=True)
class Landed:
    """``revision``: the commit, null where others had done it all already (then ``moves`` is empty). ``left``: moved by others meanwhile."""

    revision: str | None
    moves: tuple[Move, ...]
    left: tuple[Move, ...] = ()


def moves(chooser: Chooser, choice: Choice, said: Said, *, action: str = "promote") -> list[Move]:
    """What a choice comes to in each of its environments. Raises ``Invalid`` where the release does not fit the environment of today."""
    there = chooser.there
    pairs = [(name, choice.application) for name in choice.environments]
    generations = next_generations(there.snapshot, pairs)
    return [_move(chooser, choice, said, pair, generations[pair], action) for pair in pairs if not _never_was(there, choice, pair)]


def _never_was(there: Environments, choice: Choice, pair: Pair) -> bool:
    """Whether a removal comes to where nothing is."""
    return choice.lock.release.state != "present" and there.snapshot.release(*pair) is None


def _move(chooser: Chooser, choice: Choice, said: Said, pair: Pair, generation: int, action: str) -> Move:
    there, (environment, application), source = chooser.there, pair, choice.lock
    assert choice.entry is not None
    aside = _set_aside(chooser, choice, said, environment, action)
    before = there.snapshot.release(*pair)
    told: tuple[Diagnostic, ...] = ()
    made: Folder = folder({}, there.repository.algorithm)
    release, images, inputs = source.release, source.images, (before or source).environment_source
    if release.state == "present":
        mixed = chooser.mixed(choice.entry, environment)
        target = mixed.target
        if target.folder is None:
            raise Invalid(d for d in target.diagnostics if d.severity == "error")
        told = (*mixed.waiting, *(d for d in target.diagnostics if d.severity != "error"))
        made, images = target.folder, target.images
        release, inputs = Release(release.id, target.version), EnvironmentSource(chooser.renditions.tip, target.inputs)
    after = ReleaseLock(
        application=application,
        environment=environment,
        generation=generation,
        action=action,
        release=release,
        images=images,
        source=source.source,
        environment_source=inputs,
        rendered=made.tree,
        renderer=RENDERER,
        origin=Origin(source.environment, source.generation) if action == "promote" else None,
        hold=Hold(f"pinned to {shown(source)}", there.person()) if choice.pinned else None,
        overrides=("drop",) if "would-drop" in aside else (),
        depends_on=source.depends_on,
        labels=source.labels,
    )
    return Move(Step(environment, application, before, after, made), choice, choice.conditions[environment], told, accepts="rejected" in aside)


def _set_aside(chooser: Chooser, choice: Choice, said: Said, environment: str, action: str) -> set[str]:
    """The conditions that really had to be set aside, of those that a person allowed."""
    if not said.allow or choice.entry is None:
        return set()
    change: Change = "hotfix" if action == "hotfix" else "promote"
    strict = unmet(chooser.judge(choice.entry, environment, said._replace(allow=frozenset()), change=change, whole=True))
    return {condition.name for condition in strict}


def accept(there: Environments, found: Iterable[Move]) -> None:
    """Record that a release is wanted where it was rejected. Before the lock: what is killed between the two is done again whole."""
    for move in found:
        if move.accepts:
            note(there, "accepted", move.step.after, reason="promoted with --allow-rejected")


def land(there: Environments, found: Sequence[Move], *, partly: bool) -> Landed:
    """One commit with all of them on top of what was read, or of what others have put on it since.

    Where others moved one of them meanwhile: to the same release, it is done already; ``partly``: the others land without it.
    Raises ``Conflict`` where neither holds, ``Failure`` where the commit does not arrive.
    """
    first = there.snapshot
    done: list[Move] = []

    def plan(snapshot: Snapshot) -> Changes | None:
        if snapshot is not first:
            _refuse_what_was_taken_back(snapshot, found)
        done[:] = [move for move in found if snapshot is first or first.folder_id(*move.pair) == snapshot.folder_id(*move.pair)] if partly else found
        return changes([move.step for move in done]) if done else None

    try:
        revision = publish(there.repository, plan, deadline=there.options.limits.git_seconds, base=first).revision
    except Conflict as error:
        if _arrived(there, found):
            return Landed(None, ())
        raise Conflict(error.message, hint="stale: look at what was committed meanwhile, then promote again") from None
    left = [move for move in found if move not in done]
    return Landed(revision, tuple(done) if revision else (), tuple(left))


def _refuse_what_was_taken_back(snapshot: Snapshot, found: Iterable[Move]) -> None:
    """See that no upstream has rolled back, since it was read, what is about to come from there. Raises ``Conflict``."""
    for move in found:
        origin, release = move.step.after.origin, move.step.after.release.id
        lock = snapshot.release(origin.environment, move.step.application) if origin is not None else None
        if lock is not None and lock.rollback is not None and lock.rollback.of == release != lock.release.id:
            raise Conflict(f"{release} was rolled back in {lock.environment} just now", hint="look at why, then promote again")


def _arrived(there: Environments, found: Iterable[Move]) -> bool:
    """Whether others have done the very same."""
    now = there.repository.snapshot()
    locks = now.releases(move.pair for move in found)
    return all((lock := locks[move.pair]) is not None and _same(lock, move.step.after) for move in found)


def _same(one: ReleaseLock, other: ReleaseLock) -> bool:
    return (one.release.id, one.rendered) == (other.release.id, other.rendered)


def skipped(choice: Choice) -> list[dict[str, Any]]:
    """The newer releases that were passed over, with what stands in their way."""
    return [
        {
            "release": judged.entry.lock.release.id,
            "version": judged.entry.lock.release.version,
            "blockedBy": [condition.name for condition in unmet(judged.conditions)],
        }
        for judged in choice.skipped
    ]


def skipped_lines(choice: Choice) -> list[str]:
    """The same for people."""
    return [f"  skipped {one['version'] or one['release']}: {', '.join(one['blockedBy'])}" for one in skipped(choice)]


def row(move: Move, request: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What PromoteResult says of a move beside what BuildResult would."""
    hold = move.step.after.hold
    return {
        "skipped": skipped(move.choice),
        "overrides": list(move.step.after.overrides),
        "hold": hold and {"reason": hold.reason, "by": hold.by},
        "pullRequest": request,
    }
