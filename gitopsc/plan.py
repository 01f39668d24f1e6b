"""What a build would change in an environment repository: pure, from compiled targets and what is there now.

A lock is rewritten only when the release, the environment's inputs, ``rendered`` or ``hold`` change (environment-repository.md),
and once more when a release that was built from uncommitted changes has its commit at last.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gitopsc import __version__
from gitopsc.compile import Target
from gitopsc.presence import Known, Pair, Present, others, present
from gitopsc.repository.layout import ENVIRONMENT_LOCK, GITATTRIBUTES, RELEASE_LOCK, REPOSITORY_LOCK, gitattributes
from gitopsc.repository.locks import EnvironmentLock, EnvironmentSource, Release, ReleaseLock, RepositoryLock, Source, tombstone
from gitopsc.repository.message import Entry, commit_message
from gitopsc.repository.objects import Folder, folder
from gitopsc.repository.publish import Changes, next_generations
from gitopsc.repository.store import Snapshot
from gitopsc.spec.identity import absence_id
from gitopsc.spec.kinds import Environment, Workspace
from gitopsc.values import plain

RENDERER = f"gitopsc {__version__}"


@dataclass(frozen=True, slots=True)
class Step:
    """One application in one environment that changes: what is there (None: nothing of ours), what will be, and why."""

    environment: str
    application: str
    before: ReleaseLock | None
    after: ReleaseLock
    folder: Folder

    @property
    def pair(self) -> Pair:
        """(environment, application)."""
        return (self.environment, self.application)


class Unknown(Exception):
    """Targets that must be written, of which only an earlier build knew the bytes: compile them, and plan again."""

    def __init__(self, pairs: list[Pair]) -> None:
        self.pairs = pairs
        super().__init__(str(pairs))


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a build wants to be there. ``removed_from``: environments in which applications that left the workspace are removed."""

    workspace: Workspace
    environments: tuple[Environment, ...]
    targets: Mapping[Pair, Target]
    source: Source
    default_branch: str
    removed_from: tuple[str, ...]


def steps(wanted: Wanted, snapshot: Snapshot, algorithm: Any, known: Known) -> list[Step]:
    """Every target that must be written, in the order of environments and names.

    Raises ``Invalid`` where a folder is not ours, and ``Unknown``.
    """
    there = present(snapshot, wanted.targets, known)
    gone = _gone(wanted, snapshot, known)
    actions = {pair: _action(target, there[pair], wanted.source) for pair, target in wanted.targets.items()}
    changed = {pair: action for pair, action in actions.items() if action is not None}
    missing = [pair for pair in changed if wanted.targets[pair].folder is None]
    if missing:
        raise Unknown(missing)
    generations = next_generations(snapshot, [*changed, *gone])
    locks = snapshot.releases([*changed, *gone])
    out = [_written(wanted, pair, action, locks[pair], generations[pair]) for pair, action in changed.items()]
    empty = folder({}, algorithm)
    for pair in gone:
        before = locks[pair]
        assert before is not None
        after = tombstone(before, generation=generations[pair], release=absence_id(pair[1]), renderer=RENDERER, algorithm=algorithm)
        out.append(Step(*pair, before, after, empty))
    return sorted(out, key=lambda step: step.pair)


def _gone(wanted: Wanted, snapshot: Snapshot, known: Known) -> list[Pair]:
    """Applications that are in an environment's folder and no longer in the workspace."""
    names = {application for _, application in wanted.targets}
    pairs = [(e, a) for e in wanted.removed_from for a in others(snapshot, e, names) if (e, a) not in wanted.targets]
    ours = [pair for pair in pairs if RELEASE_LOCK in snapshot.tree("/".join(pair))]
    return [pair for pair, one in present(snapshot, ours, known).items() if one is not None and one.state == "present"]


def _action(target: Target, before: Present | None, source: Source) -> str | None:
    """Why the target must be written, or None: nothing that a lock speaks of has changed."""
    if before is None or before.release != target.release or before.state != "present":
        return "build"
    if before.inputs != target.inputs:
        return "environment"
    if before.rendered != target.tree or before.actual != target.tree:
        return "rerender"
    return "build" if before.dirty and not source.dirty else None


def _written(wanted: Wanted, pair: Pair, action: str, before: ReleaseLock | None, generation: int) -> Step:
    target: Target = wanted.targets[pair]
    assert target.folder is not None
    keep_source = before is not None and action in ("environment", "rerender") and not (before.source.dirty and not wanted.source.dirty)
    lock = ReleaseLock(
        application=target.application,
        environment=target.environment,
        generation=generation,
        action=action,
        release=Release(target.release, target.version),
        images=target.images,
        source=before.source if keep_source and before is not None else wanted.source,
        environment_source=EnvironmentSource(None if wanted.source.dirty else wanted.source.commit, target.inputs),
        rendered=target.folder.tree,
        renderer=RENDERER,
        hold=before.hold if before is not None else None,
    )
    return Step(*pair, before, lock, target.folder)


def files(wanted: Wanted, snapshot: Snapshot) -> dict[str, bytes | None]:
    """The files beside the applications: the repository's mark, its attributes, and each environment's lock; unchanged ones left out."""
    out: dict[str, bytes | None] = {}
    mark = RepositoryLock(wanted.workspace.name, wanted.default_branch).dump()
    if snapshot.read(REPOSITORY_LOCK) != mark:
        out[REPOSITORY_LOCK] = mark
    attributes = gitattributes(snapshot.read(GITATTRIBUTES))
    if attributes is not None:
        out[GITATTRIBUTES] = attributes
    for environment in wanted.environments:
        path = f"{environment.name}/{ENVIRONMENT_LOCK}"
        lock = environment_lock(wanted.workspace, environment).dump()
        if snapshot.read(path) != lock:
            out[path] = lock
    return out


def environment_lock(workspace: Workspace, environment: Environment) -> EnvironmentLock:
    """What a reconciler must know of an environment, resolved."""
    rule: dict[str, Any] = {"cluster": None, "context": None, "uid": None, "namespace": "${app.name}", "createNamespace": True, "namespaceLabels": {}}
    fields = {
        "target": {**rule, **plain(environment.target)},
        "engine": environment.engine,
        "policy": plain(environment.policy),
        "health": plain(workspace.spec.get("health") or []),
        **plain(environment.settings),
    }
    return EnvironmentLock(environment.name, fields)


def changes(wanted: Wanted, snapshot: Snapshot, algorithm: Any, known: Known) -> tuple[Changes | None, list[Step]]:
    """One commit for everything that differs, or None where nothing does."""
    found = steps(wanted, snapshot, algorithm, known)
    beside = files(wanted, snapshot)
    if not found and not beside:
        return None, []
    entries = [
        Entry(s.after.action, s.environment, s.application, s.after.release.id, s.after.generation, None if s.after.source.dirty else s.after.source.commit)
        for s in found
    ]
    message = commit_message(subject(found, sorted(beside)), entries)
    return Changes(message, folders={s.pair: (s.folder, s.after) for s in found}, files=beside), found


def subject(found: list[Step], beside: Iterable[str]) -> str:
    """The first line of the commit, for people: what one change does, or how many there are."""
    if len(found) == 1:
        step = found[0]
        before = step.before.release.version if step.before is not None and step.before.release.state == "present" else None
        after = step.after.release.version
        what = f"{before} → {after}" if before and after and before != after else after or step.after.release.id
        return f"{step.environment}: {step.after.action} {step.application}{'' if step.after.action == 'remove' else f' {what}'}"
    if not found:
        environments = sorted({path.partition("/")[0] for path in beside if "/" in path})
        return f"{', '.join(environments)}: settings" if environments else "Mark the environment repository"
    applications = sorted({step.application for step in found})
    environments = sorted({step.environment for step in found})
    named = applications[0] if len(applications) == 1 else f"{len(applications)} applications"
    actions = sorted({step.after.action for step in found})
    return f"{', '.join(environments) if len(environments) <= 4 else f'{len(environments)} environments'}: {' and '.join(actions)} {named}"
