"""The two kinds of repository, behind one face: the branch's tip, and the branch moved from one commit to the next or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from gitopsc.diagnostics import Conflict, Failure, Invalid
from gitopsc.repository import local
from gitopsc.repository.git import Git, failed
from gitopsc.repository.hold import hold, live_holder, remove_stale
from gitopsc.repository.objects import Algorithm
from gitopsc.repository.reader import ObjectReader
from gitopsc.repository.worktree import WorkTree

Objects = Mapping[str, tuple[str, bytes]]
_JOURNAL = "gitopsc-work-tree"


class Moved(Exception):
    """The branch is not any more where it was read: read again, plan again."""


class Backend(Protocol):
    """A repository that objects can be stored in, and a branch of it."""

    git: Git
    algorithm: Algorithm

    def tip(self) -> str | None:
        """The branch's commit, looked up now, and readable through ``git``; None where the branch is not there."""

    def advance(self, old: str | None, new: str, objects: Objects, options: Sequence[str] = ()) -> list[str]:
        """Move the branch from ``old`` to ``new``, whose objects are stored; notices for the user. ``options``: push options, for servers that
        take them; the URLs that such a server answers with are notices, too.

        Raises ``Moved`` where it is not at ``old`` any more, ``Failure`` where it must not be moved.
        """

    def branches(self, prefix: str) -> dict[str, str]:
        """The branches whose names begin with ``prefix``, which ends in ``/``: their commits by name."""

    def offer(self, commit: str, ref: str, options: Sequence[str]) -> list[str] | None:
        """Push a commit to a ref that is no branch, by which a server opens a request; the URLs that it answers with. None: it takes no such push."""

    def remove(self, old: str) -> None:
        """Delete the branch, which is at ``old``. Raises ``Moved`` where it is not any more, ``Failure`` where it must not be deleted."""

    def heal(self) -> list[str]:
        """Finish what a run that was killed left undone; notices for the user."""

    def shallow(self) -> frozenset[str]:
        """The commits whose parents are not here, though they have some: history ends there."""

    def deepen(self) -> bool:
        """Fetch more of the branch's history; false where there is no more to get. Raises ``Failure``."""

    def close(self) -> None:
        """Leave nothing behind."""


class LocalBackend:
    """A repository by path: objects are written into it, its ref is moved by ``update-ref``; its work tree follows, if it has one."""

    def __init__(self, parts: local.Parts, branch: str, environ: Mapping[str, str], deadline: float, *, shown: str) -> None:
        self.algorithm: Algorithm = parts.algorithm
        # Git never sees the work tree: what it does not read cannot ask for a filter, an attribute or a submodule.
        self.git = Git(parts.git_dir, environ, git_dir=parts.git_dir, work_tree=parts.work_tree and parts.git_dir, deadline=deadline)
        self._parts = parts
        self._branch = branch
        self._ref = f"refs/heads/{branch}"
        self._shown = shown

    def tip(self) -> str | None:
        """The commit of the branch."""
        try:
            return local.read_ref(self._parts, self._ref)
        except LookupError:
            said = self.git.run("rev-parse", "--verify", "--quiet", f"{self._ref}^{{commit}}")
            return said.text if said.status == 0 else None

    def advance(self, old: str | None, new: str, objects: Objects, options: Sequence[str] = ()) -> list[str]:
        """See ``Backend``. Nobody takes push options here."""
        unfinished = local.unfinished(self._parts, self._branch)
        if unfinished is not None:
            message = f"expected {self._shown} to be ready for a commit on {self._branch}, found a {unfinished} in progress there"
            raise Invalid(message, hint=f"finish it, or end it with: git {unfinished} --abort", code="repository")
        if local.has_server_hooks(self._parts):
            self._push(old, new)
            return []
        notices = [f"{self._branch} is checked out in {name} as well: the files there are not updated" for name in self._others()]
        if not self._follows():
            return notices + self._move(old, new)
        with hold(self._parts.git_dir, self.git.deadline):
            self._begin(old)
            notices += self._move(old, new)
            return notices + self._bring(new, objects)

    def branches(self, prefix: str) -> dict[str, str]:
        """See ``Backend``."""
        said = self.git.check("for-each-ref", "--format=%(refname:lstrip=2) %(objectname)", f"refs/heads/{prefix}")
        return dict(line.split(" ", 1) for line in said.text.splitlines())

    def remove(self, old: str) -> None:
        """See ``Backend``."""
        if local.has_server_hooks(self._parts):
            self._push(old, "")
            return
        said = self.git.run("update-ref", "-d", self._ref, old)
        if said.status != 0:
            raise Moved if self.tip() != old else Failure(failed("update-ref", said))

    def offer(self, commit: str, ref: str, options: Sequence[str]) -> list[str] | None:
        """See ``Backend``: there is no server."""
        return None

    def heal(self) -> list[str]:
        """See ``Backend``: bring the work tree to the branch, where a run was killed between the two."""
        if not self._journal.exists() or not self._follows():
            return []
        with hold(self._parts.git_dir, self.git.deadline):
            tip = self.tip()
            if tip is None or not self._journal.exists():
                return []
            noted = self._noted()
            if noted is not None and self.git.run("cat-file", "-e", f"{noted}^{{commit}}").status != 0:
                self._journal.unlink(missing_ok=True)
                return [f"the files of {self._shown} may be behind its branch: the commit that they were at is gone"]
            return self._bring(tip, {})

    def shallow(self) -> frozenset[str]:
        """See ``Backend``."""
        return local.shallow_commits(self._parts.common)

    def deepen(self) -> bool:
        """See ``Backend``: a clone can ask where it came from."""
        url = self.git.run("config", "--get", "remote.origin.url").text
        if not url or not self.shallow():
            return False
        git = Git(self._parts.common, self.git.environ, git_dir=self._parts.git_dir, protocols=("https", "ssh", "file"), deadline=self.git.deadline)
        said = git.run("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--unshallow", "--", url, self._ref)
        return said.status == 0

    def close(self) -> None:
        """Nothing is left to do."""

    @property
    def _journal(self) -> Path:
        return self._parts.git_dir / _JOURNAL

    def _others(self) -> list[str]:
        return local.other_work_trees(self._parts, self._branch)

    def _follows(self) -> bool:
        return self._parts.work_tree is not None and local.head(self._parts) == self._ref

    def _begin(self, old: str | None) -> None:
        """Note which commit the work tree is at, before the branch leaves it."""
        if not self._journal.exists():
            try:
                self._journal.write_text(f"{old or ''}\n")
            except OSError as error:
                raise Failure(f"cannot write to {self._shown}: {error.strerror}") from None

    def _noted(self) -> str | None:
        return self._journal.read_text().strip() or None

    def _bring(self, new: str, objects: Objects) -> list[str]:
        work_tree = self._parts.work_tree
        if work_tree is None:
            return []
        reader = ObjectReader(self.git)
        try:
            kept = WorkTree(self.git, self._parts.git_dir, work_tree, self.algorithm, reader).bring(self._noted(), new, objects)
        finally:
            reader.close()
        self._journal.unlink(missing_ok=True)
        if not kept:
            return []
        shown = ", ".join(kept[:3]) + (f" and {len(kept) - 3} more" if len(kept) > 3 else "")
        return [f"the files of {self._shown} that have changes of your own were left as they are: {shown}"]

    def _move(self, old: str | None, new: str) -> list[str]:
        zero = "0" * len(new)
        notices: list[str] = []
        for _ in range(4):
            said = self.git.run("update-ref", "--create-reflog", "-m", "gitopsc", self._ref, new, old or zero)
            if said.status == 0:
                return notices
            if self.tip() != old:
                raise Moved
            notices += self._clear_locks()
        holder = self._lock_holder()
        if holder is not None:
            raise Conflict(f"process {holder} holds a lock on {self._branch} in {self._shown}", hint="wait for it to end, then try again")
        raise Failure(failed("update-ref", said))

    def _locks(self) -> list[Path]:
        names = (self._parts.common / f"{self._ref}.lock", self._parts.git_dir / "HEAD.lock", self._parts.common / "packed-refs.lock")
        return [lock for lock in names if lock.exists()]

    def _clear_locks(self) -> list[str]:
        """Git waited for these for a second already."""
        removed = [lock for lock in self._locks() if remove_stale(lock, self._parts.common)]
        return [f"removed {lock.relative_to(self._parts.common)}, which an ended Git process had left in {self._shown}" for lock in removed]

    def _lock_holder(self) -> int | None:
        return next((holder for lock in self._locks() if (holder := live_holder(lock, self._parts.common))), None)

    def _push(self, old: str | None, new: str) -> None:
        """Into itself, so that the hooks of its owner judge the commit."""
        url = str(self._parts.common)
        git = Git(self._parts.common, self.git.environ, git_dir=self._parts.common, protocols=("file",), deadline=self.git.deadline)
        said = git.run("push", "--porcelain", "--no-verify", f"--force-with-lease={self._ref}:{old or ''}", "--", url, f"{new}:{self._ref}")
        tip = self.tip()
        if tip == (new or None):
            return
        if tip != old:
            raise Moved
        raise Failure(refused(self._shown, said.error), hint="ask who keeps the repository what its hooks allow")


def refused(shown: str, words: str) -> str:
    """One sentence about a push that did not arrive, with the server's words."""
    lines = [line for line in words.splitlines() if not line.startswith(("To ", "error: failed to push some refs"))]
    return f"{shown} refused the commit: " + ("\n".join(lines) or "it said nothing, and its branch is where it was")
