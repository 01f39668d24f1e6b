"""Repositories on this machine: found, made, looked at. None of their configuration is trusted to run anything."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from gitopsc.diagnostics import Failure, Invalid
from gitopsc.repository.git import Git
from gitopsc.repository.hold import hold
from gitopsc.repository.objects import Algorithm

_SERVER_HOOKS = ("pre-receive", "update", "proc-receive", "post-receive", "post-update")
_UNFINISHED = {
    "MERGE_HEAD": "merge",
    "CHERRY_PICK_HEAD": "cherry-pick",
    "REVERT_HEAD": "revert",
    "rebase-merge": "rebase",
    "rebase-apply": "rebase",
}


class Clone(NamedTuple):
    """A checkout of an environment repository: where it came from (itself, if nowhere), the branch that is meant, and a folder in it."""

    origin: str
    branch: str
    path: str


@dataclass(frozen=True, slots=True)
class Parts:
    """Where a repository's parts are. ``common`` holds objects and refs, ``git_dir`` HEAD and index; the same unless it is a linked work tree."""

    git_dir: Path
    common: Path
    work_tree: Path | None
    algorithm: Algorithm


def find(path: Path, environ: Mapping[str, str], deadline: float) -> Parts | None:
    """The repository at ``path`` (not above it); None where there is nothing. Raises ``Invalid`` for what is no repository."""
    git_dir = path / ".git"
    try:
        work_tree = path if git_dir.exists() else None
        if work_tree is None:
            git_dir = path
            if not path.exists() or (path.is_dir() and not any(path.iterdir())):
                return None
            if not (path / "HEAD").exists() or not (path / "objects").is_dir():
                raise Invalid(f"expected a Git repository, found none in {path}", hint=f"make one with: git init --bare {path}", code="repository")
    except OSError as error:
        raise Invalid(f"cannot look into {path}: {error.strerror}", code="repository") from None
    git = Git(path, environ, git_dir=git_dir, work_tree=work_tree, deadline=deadline)
    said = git.run("rev-parse", "--show-object-format", "--absolute-git-dir", "--git-common-dir", "--is-bare-repository")
    if said.status != 0:
        raise Invalid(f"cannot use the Git repository in {path}: {said.error}", code="repository")
    algorithm, found, common, bare = said.text.split("\n")
    if work_tree is None and bare == "false" and path.name == ".git":
        work_tree = path.parent
    where = Path(found)
    return Parts(where, Path(os.path.normpath(path / common)), work_tree, "sha256" if algorithm == "sha256" else "sha1")


def clone_of(folder: Path, environ: Mapping[str, str], deadline: float) -> Clone | None:
    """The checkout that ``folder`` is in; None where it is in none. A clone stands for the repository that it was made from."""
    top = next((one for one in (folder, *folder.parents) if (one / ".git").exists()), None)
    if top is None:
        return None
    git = Git(top, environ, git_dir=top / ".git", work_tree=top, deadline=deadline)
    origin = git.run("config", "--get", "remote.origin.url").text or str(top)
    for ref, prefix in (("refs/remotes/origin/HEAD", "refs/remotes/origin/"), ("HEAD", "refs/heads/")):
        said = git.run("symbolic-ref", "--quiet", ref)
        branch = said.text.removeprefix(prefix) if said.status == 0 else ""
        if branch and not branch.startswith("gitopsc"):
            break
    else:
        branch = "main"
    inside = folder.relative_to(top).as_posix()
    return Clone(origin, branch, "" if inside == "." else inside)


def make_embedded(path: Path, branch: str, environ: Mapping[str, str], deadline: float) -> None:
    """Make the workspace's own repository, with a work tree to look at, in a folder that ignores itself. Safe to do twice, also at once."""
    parent = path.parent
    try:
        parent.mkdir(exist_ok=True)
        with hold(parent, deadline):
            ignore = parent / ".gitignore"
            if not ignore.exists():
                ignore.write_bytes(b"*\n")
            if not (path / ".git" / "HEAD").exists():
                path.mkdir(exist_ok=True)
                Git(path, environ, deadline=deadline).check("init", "--quiet", "--template=", f"--initial-branch={branch}", "--", str(path))
    except OSError as error:
        raise Failure(f"cannot make {path}: {error.strerror}", hint="name another repository with --repository") from None


def check_inside(root: Path, path: Path) -> None:
    """Raises ``Invalid`` where ``path``, below ``root``, is reached through a symbolic link."""
    step = root
    for part in path.relative_to(root).parts:
        step /= part
        if step.is_symlink():
            raise Invalid(f"{step.relative_to(root)} is a symbolic link, which leaves the root", hint="replace it with a folder", code="repository")


def head(parts: Parts) -> str | None:
    """The ref that HEAD names; None where it is detached or unreadable."""
    try:
        text = (parts.git_dir / "HEAD").read_text()
    except OSError:
        return None
    return text[5:].strip() if text.startswith("ref: ") else None


def unfinished(parts: Parts, branch: str) -> str | None:
    """What somebody is in the middle of, on ``branch``: a commit of ours below it would be undone when it is finished."""
    ref = f"refs/heads/{branch}"
    for name, word in _UNFINISHED.items():
        marker = parts.git_dir / name
        if not marker.exists():
            continue
        if word != "rebase":
            return word if head(parts) == ref else None
        try:
            rebased = (marker / "head-name").read_text().strip()
        except OSError:
            rebased = ref
        return word if rebased == ref else None
    return None


def other_work_trees(parts: Parts, branch: str) -> list[str]:
    """Names of other work trees that have ``branch`` checked out."""
    ref = f"ref: refs/heads/{branch}"
    found: list[str] = []
    heads = [parts.common / "HEAD", *sorted((parts.common / "worktrees").glob("*/HEAD"))]
    for file in heads:
        if file.parent == parts.git_dir or (file.parent == parts.common and parts.common.name != ".git"):
            continue
        try:
            if file.read_text().strip() == ref:
                found.append(file.parent.name if file.parent != parts.common else str(parts.common.parent))
        except OSError:
            continue
    return found


def has_server_hooks(parts: Parts) -> bool:
    """Whether the owner of a bare repository checks pushes into it, as a server does."""
    return parts.work_tree is None and any(os.access(parts.common / "hooks" / name, os.X_OK) for name in _SERVER_HOOKS)


def shallow_commits(git_dir: Path) -> frozenset[str]:
    """The commits at which the history of a shallow repository ends; none where it is whole."""
    try:
        return frozenset((git_dir / "shallow").read_text().split())
    except OSError:
        return frozenset()


def read_ref(parts: Parts, ref: str) -> str | None:
    """The commit that ``ref`` names, read without Git. Raises ``LookupError`` for a storage that only Git can read."""
    if (parts.common / "reftable").exists():
        raise LookupError(ref)
    for _ in range(5):
        try:
            text = (parts.common / ref).read_text().strip()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return _packed_ref(parts, ref)
        if not text.startswith("ref: "):
            if len(text) not in {40, 64}:
                raise LookupError(ref)
            return text
        ref = text[5:].strip()
    raise LookupError(ref)


def _packed_ref(parts: Parts, ref: str) -> str | None:
    try:
        with (parts.common / "packed-refs").open() as lines:
            for line in lines:
                if line.endswith(f" {ref}\n"):
                    return line.split(" ", 1)[0]
    except FileNotFoundError:
        pass
    return None
