"""Environment repositories to act upon, and a builder that acts as a build does, without specifications."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from gitopsc.repository.layout import GITATTRIBUTES, REPOSITORY_LOCK, gitattributes
from gitopsc.repository.location import Location, named
from gitopsc.repository.locks import EnvironmentSource, Image, Release, ReleaseLock, RepositoryLock, Source
from gitopsc.repository.message import Entry, commit_message
from gitopsc.repository.objects import Folder, folder
from gitopsc.repository.publish import Changes, Published, next_generations, publish
from gitopsc.repository.snapshot import Pair, Snapshot
from gitopsc.repository.store import Repository, open_repository

Files = Mapping[str, bytes]
WORKSPACE = "shop"


def environ(home: Path, **more: str) -> dict[str, str]:
    """What a process sees in a clean home."""
    return {"PATH": os.environ["PATH"], "HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1", **more}


def git(folder: Path, *words: str, data: bytes | None = None, check: bool = True) -> str:
    """Plain Git, as a person runs it, by somebody with a name."""
    variables = environ(folder, GIT_AUTHOR_NAME="Alice", GIT_AUTHOR_EMAIL="a@x", GIT_COMMITTER_NAME="Alice", GIT_COMMITTER_EMAIL="a@x")
    said = subprocess.run(["git", "-c", "init.defaultBranch=main", *words], cwd=folder, env=variables, input=data, capture_output=True, check=False)
    assert not check or said.returncode == 0, said.stderr.decode()
    return said.stdout.decode().strip()


def bare(path: Path, *options: str) -> Path:
    """A bare repository."""
    path.mkdir(parents=True)
    git(path, "init", "-q", "--bare", *options)
    return path


def script(path: Path, text: str) -> Path:
    """An executable shell script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def lock_of(pair: Pair, generation: int, contents: Folder, version: str) -> ReleaseLock:
    """A plausible lock."""
    environment, application = pair
    return ReleaseLock(
        application=application,
        environment=environment,
        generation=generation,
        action="build",
        release=Release(f"r-{contents.tree[:12]}", version),
        images=(Image(f"ghcr.io/acme/{application}", version),),
        source=Source("https://example.com/config", "6cb95152" * 5),
        environment_source=EnvironmentSource("91aa" * 10, "e-91c2aabbccdd"),
        rendered=contents.tree,
        renderer="gitopsc 0.1.0",
    )


def plan(wanted: Mapping[Pair, Files], repository: Repository, workspace: str = WORKSPACE) -> Callable[[Snapshot], Changes | None]:
    """What a build does: folders that are not as wanted are written, with the next generation."""

    def of(snapshot: Snapshot) -> Changes | None:
        folders = {pair: folder(files, repository.algorithm) for pair, files in wanted.items()}
        changed = {pair: contents for pair, contents in folders.items() if snapshot.rendered(*pair) != contents.tree or snapshot.release(*pair) is None}
        generations = next_generations(snapshot, changed)
        files: dict[str, bytes | None] = {}
        if snapshot.read(REPOSITORY_LOCK) is None:
            files[REPOSITORY_LOCK] = RepositoryLock(workspace).dump()
        attributes = gitattributes(snapshot.read(GITATTRIBUTES))
        if attributes is not None:
            files[GITATTRIBUTES] = attributes
        if not changed and not files:
            return None
        version = next(iter(next(iter(wanted.values())).values()), b"none").decode().strip() if wanted else "none"
        entries = [Entry("build", *pair, "r-1", generations[pair]) for pair in changed]
        locks = {pair: (contents, lock_of(pair, generations[pair], contents, version)) for pair, contents in changed.items()}
        return Changes(commit_message(f"build {len(changed)}", entries), locks, files)

    return of


def build(
    where: Location | Path,
    root: Path,
    wanted: Mapping[Pair, Files],
    *,
    workspace: str = WORKSPACE,
    deadline: float = 600.0,
    variables: Mapping[str, str] | None = None,
) -> Published:
    """One build, as the command does it."""
    location = where if isinstance(where, Location) else named(str(where))
    root.mkdir(parents=True, exist_ok=True)
    with open_repository(location, root=root, workspace=workspace, environ=environ(root, **(variables or {})), create=True) as repository:
        return publish(repository, plan(wanted, repository, workspace), deadline=deadline)


def one(text: str, environment: str = "dev", application: str = "web") -> dict[Pair, Files]:
    """One application of one file."""
    return {(environment, application): {"deployment-web.yaml": f"{text}\n".encode()}}


def count(repository: Path, ref: str = "main") -> int:
    """Commits on a branch."""
    return int(git(repository, "rev-list", "--count", ref))
