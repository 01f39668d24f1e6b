"""What a branch changes, seen from the main one: the folders of applications, and files that are not for it to change."""

from __future__ import annotations

from gitopsc.diagnostics import Invalid
from gitopsc.repository.layout import ENVIRONMENT_LOCK, GITATTRIBUTES, REPOSITORY_LOCK
from gitopsc.repository.objects import DIRECTORY
from gitopsc.repository.snapshot import Pair, Snapshot
from gitopsc.repository.store import Repository


def changed_folders(repository: Repository, main: Snapshot, head: Snapshot) -> list[Pair]:
    """(environment, application) of every folder that ``head`` has otherwise than where it left ``main``. Raises ``Invalid``, ``Failure``."""
    base = _base(repository, main, head)
    out: list[Pair] = []
    for environment in _names(base, head, ""):
        out += [(environment, application) for application in _names(base, head, environment)]
    return out


def foreign_files(repository: Repository, main: Snapshot, head: Snapshot) -> list[str]:
    """Files of the repository and of its environments that ``head`` changes, which only a build writes."""
    base = _base(repository, main, head)
    out = [name for name in (REPOSITORY_LOCK, GITATTRIBUTES) if base.tree("").get(name) != head.tree("").get(name)]
    for environment in _names(base, head, ""):
        path = f"{environment}/{ENVIRONMENT_LOCK}"
        if base.tree(environment).get(ENVIRONMENT_LOCK) != head.tree(environment).get(ENVIRONMENT_LOCK):
            out.append(path)
    return out


def _names(base: Snapshot, head: Snapshot, path: str) -> list[str]:
    """Folders in a folder that differ."""
    one, other = base.tree(path), head.tree(path)
    differing = [name for name in sorted({*one, *other}) if one.get(name) != other.get(name)]
    return [name for name in differing if any(entry is not None and entry.mode == DIRECTORY for entry in (one.get(name), other.get(name)))]


def _base(repository: Repository, main: Snapshot, head: Snapshot) -> Snapshot:
    """Where ``head`` left ``main``."""
    while True:
        said = main.git.run("merge-base", str(main.revision), str(head.revision))
        if said.status == 0:
            return repository.at(said.text.split("\n")[0])
        if not repository.deepen():
            break
    raise Invalid("expected a branch that has a commit in common with the main one, found none", hint="make it anew: gitopsc promote", code="branch")
