"""The tip of the workspace's default branch: today's settings of every environment stand there, whatever is checked out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gitopsc.diagnostics import Invalid
from gitopsc.repository.git import Git, Result
from gitopsc.repository.source import require_history


def tip_of(root: Path, name: str, *, environ: Mapping[str, str]) -> str:
    """The newest commit that this clone knows of the default branch ``name``: its own, or that of where it came from, if that has more.

    Raises ``Invalid`` where there is neither, or no Git repository.
    """
    require_history(root, environ=environ)
    git = Git(root, environ)
    known = [said.text for ref in (f"refs/heads/{name}", f"refs/remotes/origin/{name}") if (said := _commit(git, ref)).status == 0]
    if not known:
        message = f"expected the default branch '{name}' of the workspace's repository in this clone, found none"
        raise Invalid(message, hint=f"get it: git fetch origin {name}:refs/remotes/origin/{name}", code="default-branch")
    newest = known[0]
    if len(known) > 1 and git.run("merge-base", "--is-ancestor", newest, known[1]).status == 0:
        newest = known[1]
    return newest


def _commit(git: Git, ref: str) -> Result:
    return git.run("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")


def between(root: Path, older: str, newer: str, *, environ: Mapping[str, str]) -> list[str]:
    """The commits of a branch from ``newer`` back to the first that has ``older`` in its history, newest first; none where it never has."""
    said = Git(root, environ).run("rev-list", "--first-parent", "--ancestry-path", "--end-of-options", newer, f"^{older}")
    return said.text.split() if said.status == 0 else []


def subjects(root: Path, older: str | None, newer: str, *, environ: Mapping[str, str], most: int = 50) -> list[str]:
    """``commit subject`` of what ``newer`` has and ``older`` has not, newest first."""
    git = Git(root, environ)
    known = [f"^{older}"] if older is not None and git.run("cat-file", "-e", f"{older}^{{commit}}").status == 0 else []
    limit = f"--max-count={most if known else 1}"
    said = git.run("log", "--no-show-signature", limit, "--format=%h %s", "--end-of-options", newer, *known)
    return said.text.splitlines() if said.status == 0 else []
