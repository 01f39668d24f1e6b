"""What a build would change in an environment repository: pure, from compiled targets and what is there now.

A lock is rewritten only when the release, the environment's inputs, ``rendered`` or ``hold`` change (environment-repository.md),
and once more when a release that was built from uncommitted changes has its commit at last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gitopsc import __version__, staged
from gitopsc.compile import Target
from gitopsc.presence import Known, Pair, Present, others, present
from gitopsc.repository.layout import ENVIRONMENT_LOCK, GITATTRIBUTES, RELEASE_LOCK, REPOSITORY_LOCK, gitattributes
from gitopsc.repository.locks import EnvironmentLock, EnvironmentSource, Release, ReleaseLock, RepositoryLock, Source, tombstone
from gitopsc.repository.message import Entry, commit_message
from gitopsc.repository.objects import Folder, folder
from gitopsc.repository.publish import Changes, next_generations
from gitopsc.repository.source import Branch
from gitopsc.repository.store import Snapshot
from gitopsc.spec.identity import absence_id
from gitopsc.spec.kinds import Environment, Workspace, as_names, labels_of
from gitopsc.staged import Judge, Staging, Wait, Wish
from gitopsc.values import plain

if TYPE_CHECKING:
    from gitopsc.mixed import Mixed

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
    """Targets that must be written and are not compiled yet: ``pairs`` as the workspace is today (an earlier build knew them, but for their
    bytes), ``wishes`` with the base of another commit. Compile them, and plan again.
    """

    def __init__(self, pairs: Iterable[Pair] = (), wishes: Iterable[Wish] = ()) -> None:
        self.pairs, self.wishes = list(pairs), list(wishes)
        super().__init__(str((self.pairs, self.wishes)))


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a build wants to be there. ``removed_from``: environments in which applications that left the workspace are removed.

    ``inputs``: of targets that move by promotion, what their environments bring; ``mixed``: those of them that were compiled; ``rerender``:
    environments in which they are rendered anew; ``judge``: their gate. ``branch``: the default branch; ``every``: all applications.
    """

    workspace: Workspace
    environments: tuple[Environment, ...]
    targets: Mapping[Pair, Target]
    source: Source
    branch: Branch
    removed_from: tuple[str, ...]
    every: frozenset[str] = frozenset()
    inputs: Mapping[Pair, str] = field(default_factory=dict)
    mixed: Mapping[Wish, Mixed] = field(default_factory=dict)
    rerender: frozenset[str] = frozenset()
    judge: Callable[[Staging], Judge] = lambda _: lambda *_: ()


@dataclass(frozen=True, slots=True)
class Plan:
    """``change``: the one commit, null where nothing differs. ``waiting``: what is left as it is for now; ``staging``: the pipelines that counted;
    ``there``: what there is of every target.
    """

    change: Changes | None
    steps: list[Step]
    waiting: list[Wait]
    staging: Staging
    there: Mapping[Pair, Present | None]


def steps(wanted: Wanted, staging: Staging, snapshot: Snapshot, algorithm: Any, known: Known) -> tuple[list[Step], list[Wait], Mapping[Pair, Present | None]]:
    """Every target that must be written, in the order of environments and names, what waits, and what there is of each target.

    Raises ``Invalid`` where a folder is not ours, and ``Unknown``.
    """
    following = {pair: target for pair, target in wanted.targets.items() if staging.follows(pair)}
    lacking = [pair for pair in wanted.inputs if staging.follows(pair)]
    moved = {pair: target.inputs for pair, target in wanted.targets.items() if pair not in following} | dict(wanted.inputs)
    there = present(snapshot, [*wanted.targets, *wanted.inputs], known)
    gone = _gone(wanted, staging, snapshot, known)
    actions = {pair: action for pair, target in following.items() if (action := _action(target, there[pair], wanted.source)) is not None}
    held = {pair: action for pair, action in {**actions, **gone}.items() if _is_held(snapshot, pair, there, known)}
    changed = {pair: action for pair, action in actions.items() if pair not in held}
    judge = wanted.judge(staging)
    later = staged.later(moved, there, snapshot.releases, wanted.mixed, wanted.rerender, judge)
    missing = [*lacking, *(pair for pair in changed if wanted.targets[pair].folder is None)]
    if missing or later.wishes:
        raise Unknown(missing, later.wishes)
    removed = [pair for pair in gone if pair not in held]
    pairs = [*changed, *later.changed, *removed]
    generations, locks = next_generations(snapshot, pairs), snapshot.releases([*pairs, *held])
    out = [_written(wanted, pair, action, wanted.targets[pair], locks[pair], generations[pair]) for pair, action in changed.items()]
    out += [_written(wanted, pair, action, made.target, locks[pair], generations[pair]) for pair, (action, made) in later.changed.items()]
    out += [_removed(pair, locks[pair], generations[pair], algorithm) for pair in removed]
    waits = [staged.waiting(pair, action, judge(pair, action, lock, None)) for pair, action in held.items() if (lock := locks[pair]) is not None]
    return sorted(out, key=lambda step: step.pair), sorted([*waits, *later.waiting], key=lambda wait: wait.pair), there


def _is_held(snapshot: Snapshot, pair: Pair, there: Mapping[Pair, Present | None], known: Known) -> bool:
    """Whether automation must leave what is there: a rollback is not undone by the next build."""
    before = there[pair] if pair in there else present(snapshot, [pair], known)[pair]
    return before is not None and before.held


def _gone(wanted: Wanted, staging: Staging, snapshot: Snapshot, known: Known) -> dict[Pair, str]:
    """Applications that are in an environment's folder and no longer in the workspace, where it is for a build to remove them."""
    names = {application for _, application in [*wanted.targets, *wanted.inputs]}
    mine = {*wanted.targets, *wanted.inputs}
    pairs = [(e, a) for e in wanted.removed_from for a in others(snapshot, e, names) if (e, a) not in mine and staging.follows((e, a))]
    ours = [pair for pair in pairs if RELEASE_LOCK in snapshot.tree("/".join(pair))]
    return {pair: "remove" for pair, one in present(snapshot, ours, known).items() if one is not None and one.state == "present"}


def _removed(pair: Pair, before: ReleaseLock | None, generation: int, algorithm: Any) -> Step:
    assert before is not None
    after = tombstone(before, generation=generation, release=absence_id(pair[1]), renderer=RENDERER, algorithm=algorithm)
    return Step(*pair, before, after, folder({}, algorithm))


def _action(target: Target, before: Present | None, source: Source) -> str | None:
    """Why the target must be written, or None: nothing that a lock speaks of has changed."""
    if before is None or before.release != target.release or before.state != "present":
        return "build"
    if before.inputs != target.inputs:
        return "environment"
    if before.rendered != target.tree or before.actual != target.tree:
        return "rerender"
    return "build" if before.dirty and not source.dirty else None


def _written(wanted: Wanted, pair: Pair, action: str, target: Target, before: ReleaseLock | None, generation: int) -> Step:
    assert target.folder is not None
    same = before is not None and action in ("environment", "rerender")
    keep_source = before is not None and same and not (before.source.dirty and not wanted.source.dirty)
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
        rollback=before.rollback if same and before is not None else None,
        hold=before.hold if before is not None else None,
        depends_on=before.depends_on if same and before is not None else _comes_after(wanted.workspace, target.application),
        labels=before.labels if same and before is not None else _labels(wanted.workspace, target.application),
    )
    return Step(*pair, before, lock, target.folder)


def _comes_after(workspace: Workspace, application: str) -> tuple[str, ...]:
    """The applications that an application names in ``dependsOn``."""
    document = workspace.applications.get(application)
    return as_names(document.spec.get("dependsOn")) if document is not None else ()


def _labels(workspace: Workspace, application: str) -> Mapping[str, str]:
    """The labels of an application itself."""
    document = workspace.applications.get(application)
    return labels_of(document) if document is not None else {}


def files(wanted: Wanted, staging: Staging, mark: RepositoryLock | None, snapshot: Snapshot) -> dict[str, bytes | None]:
    """The files beside the applications: the repository's mark, its attributes, and each environment's lock; unchanged ones left out."""
    out: dict[str, bytes | None] = {}
    branch = mark.default_branch if mark is not None and not wanted.branch.is_here else wanted.branch.name
    data = RepositoryLock(wanted.workspace.name, branch, staging.raw).dump()
    if snapshot.read(REPOSITORY_LOCK) != data:
        out[REPOSITORY_LOCK] = data
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


def plan(wanted: Wanted, snapshot: Snapshot, algorithm: Any, known: Known) -> Plan:
    """One commit for everything that differs. Raises as ``steps`` does."""

    def runs(pair: Pair) -> bool:
        one = present(snapshot, [pair], known)[pair]
        return one is not None and one.state == "present"

    own, mark = wanted.workspace.pipelines, snapshot.workspace()
    decided = staged.staging(own, mark, is_default=wanted.branch.is_here, known=wanted.every, runs=runs)
    found, waiting, there = steps(wanted, decided, snapshot, algorithm, known)
    removed = {step.pair for step in found if step.after.release.state == "absent"}
    if wanted.branch.is_here and removed and decided.raw:
        last = staged.staging(own, mark, is_default=True, known=wanted.every, runs=lambda pair: pair not in removed and runs(pair))
        beside = files(wanted, last, mark, snapshot)
    else:
        beside = files(wanted, decided, mark, snapshot)
    if not found and not beside:
        return Plan(None, [], waiting, decided, there)
    entries = [
        Entry(s.after.action, s.environment, s.application, s.after.release.id, s.after.generation, None if s.after.source.dirty else s.after.source.commit)
        for s in found
    ]
    message = commit_message(subject(found, sorted(beside)), entries)
    return Plan(Changes(message, folders={s.pair: (s.folder, s.after) for s in found}, files=beside), found, waiting, decided, there)


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
