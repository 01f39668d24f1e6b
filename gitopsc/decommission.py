"""``gitopsc decommission``: an environment that left the workspace is taken down, because somebody says so.

First every application in it becomes a tombstone, so that whoever reconciles removes what runs there; then, once that is done, the folder
goes (``remove``).
"""

from __future__ import annotations

from typing import Any

from gitopsc import __version__
from gitopsc.diagnostics import Diagnostic, Invalid
from gitopsc.moving import commit, lines, tables
from gitopsc.opening import Environments, opened, unknown
from gitopsc.options import Options
from gitopsc.plan import Step
from gitopsc.report.result import Result
from gitopsc.repository.layout import ENVIRONMENT_LOCK, lock_path
from gitopsc.repository.locks import ReleaseLock, tombstone
from gitopsc.repository.objects import folder
from gitopsc.repository.publish import Published, next_generations
from gitopsc.spec.discover import Folder
from gitopsc.spec.identity import absence_id
from gitopsc.spec.load import ROOT, exclude_of, read_all
from gitopsc.values import Map

KIND = "DecommissionResult"
RENDERER = f"gitopsc {__version__}"


def decommission(options: Options, environment: str, *, remove: bool = False, dry_run: bool = False) -> Result:
    """Make tombstones of everything in an environment; ``remove``: delete its folder, in which there are tombstones alone.

    Raises ``Invalid`` where the workspace or a pipeline still has the environment, ``Conflict``, ``Failure``.
    """
    with opened(options) as there:
        _refuse_what_is_used(there, environment)
        locks = {name: _lock(there, environment, name) for name in there.snapshot.applications(environment)}
        present = {name: lock for name, lock in locks.items() if lock.release.state == "present"}
        if remove:
            return _removed(there, environment, present, dry_run=dry_run)
        steps = _steps(there, environment, present)
        if not steps:
            return _result(there, steps, None, f"{environment}: nothing is in it any more; delete its folder with --remove, once nothing runs there")
        published = None if dry_run else commit(there, steps, said=f"{environment}: decommission")
        return _result(there, steps, published, f"when nothing runs there any more: gitopsc decommission {environment} --remove")


def _refuse_what_is_used(there: Environments, environment: str) -> None:
    if environment not in there.snapshot.environments():
        raise unknown("environment", environment, there.snapshot.environments(), "")
    if there.where.workspace is not None and environment in _written(there):
        message = f"expected an environment that left the workspace, found '{environment}' in it"
        raise Invalid(message, hint="delete its document first, and take it out of pipelines", code="environment-in-use")
    used = [one.name for one in there.pipelines() if environment in one.environments]
    if used:
        message = f"expected an environment that no pipeline has, found '{environment}' in pipeline '{used[0]}'"
        raise Invalid(message, hint="take it out, and build the default branch: gitopsc build", code="environment-in-use")


def _written(there: Environments) -> set[str]:
    """The environments that the workspace's documents name, whatever else is wrong with them."""
    from gitopsc.diagnostics import Diagnostics

    root, limits, ignored = there.where.root, there.options.limits, Diagnostics()
    files = Folder(root, exclude_of(Folder(root, (), ignored, limits).read(ROOT), limits), ignored, limits)
    return {document.name for document in read_all(files, ignored, limits) if document.kind == "Environment" and isinstance(document.data, Map)}


def _lock(there: Environments, environment: str, application: str) -> ReleaseLock:
    found = there.snapshot.release(environment, application)
    assert found is not None
    return found


def _steps(there: Environments, environment: str, present: dict[str, ReleaseLock]) -> list[Step]:
    generations = next_generations(there.snapshot, [(environment, name) for name in present])
    algorithm = there.repository.algorithm
    return [
        Step(
            environment,
            name,
            lock,
            tombstone(lock, generation=generations[environment, name], release=absence_id(name), renderer=RENDERER, algorithm=algorithm),
            folder({}, algorithm),
        )
        for name, lock in present.items()
    ]


def _removed(there: Environments, environment: str, present: dict[str, ReleaseLock], *, dry_run: bool) -> Result:
    if present:
        message = f"expected tombstones alone in '{environment}', found {', '.join(list(present)[:4])}{' …' if len(present) > 4 else ''}"
        raise Invalid(message, hint=f"gitopsc decommission {environment}, then wait until nothing runs there", code="environment-in-use")
    unseen = [name for name in there.snapshot.applications(environment) if not _is_gone(there, environment, name)]
    files: dict[str, bytes | None] = {f"{environment}/{ENVIRONMENT_LOCK}": None}
    files |= {lock_path(environment, name): None for name in there.snapshot.applications(environment)}
    published = None if dry_run else commit(there, [], files, said=f"{environment}: remove")
    found = [] if not unseen else [_unseen(environment, unseen)]
    return _result(there, [], published, f"{environment}: its folder is gone", found)


def _is_gone(there: Environments, environment: str, application: str) -> bool:
    """Whether somebody who reconciles has said that nothing of it runs any more."""
    lock = _lock(there, environment, application)
    return any(record.kind == "verified" and record.release == lock.release.id for record in there.records(environment, application))


def _unseen(environment: str, names: list[str]) -> Diagnostic:
    message = f"no reconciler has said that {', '.join(names[:4])}{' …' if len(names) > 4 else ''} no longer runs in '{environment}'"
    return Diagnostic("warning", "not-verified", message, "see what is left in the cluster", environment=environment)


def _result(there: Environments, steps: list[Step], published: Published | None, words: str, found: list[Diagnostic] | None = None) -> Result:
    revision = published.revision if published is not None else None
    data: dict[str, Any] = {"revision": revision, "changed": revision is not None, "environments": tables(there.snapshot, steps)}
    text = [*lines(there.snapshot, steps), words, *([f"committed {revision[:12]} to {there.repository.display}"] if revision else [])]
    return Result(KIND, data, (*(found or ()), *there.notices()), text="\n".join(text) + "\n")
