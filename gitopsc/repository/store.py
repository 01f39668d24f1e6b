"""An environment repository: opened, read at its tip, written one commit at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from gitopsc.diagnostics import Failure, Invalid
from gitopsc.repository import local
from gitopsc.repository.backend import Backend, LocalBackend
from gitopsc.repository.git import DEADLINE, Git
from gitopsc.repository.identity import Identity, identity
from gitopsc.repository.location import EMBEDDED, Location
from gitopsc.repository.objects import Algorithm, pack
from gitopsc.repository.reader import ObjectReader
from gitopsc.repository.snapshot import Pair, Snapshot
from gitopsc.repository.writing import Changes, Written, commit_object, write

__all__ = ["Repository", "Snapshot", "open_repository"]

_LOOSE = 100  # objects of one commit from which a pack is better than files, as Git itself sees it (transfer.unpackLimit)
_CROWDED = 27  # files in one of 256 folders of loose objects, from which Git itself would tidy up (gc.auto is 6,700)


class Repository:
    """Use as a context manager, or ``close`` it. ``exists`` is false where there is nothing and nothing was to be made; ``folders`` are the trees
    of those that the last commit replaced.
    """

    def __init__(self, location: Location, backend: Backend | None, *, workspace: str | None, root: Path, writes: bool = False, sign: bool = False) -> None:
        self.location = location
        self.exists = backend is not None
        self.algorithm: Algorithm = backend.algorithm if backend else "sha1"
        self.notices: list[str] = []
        self.folders: Mapping[Pair, str] = {}
        self._backend = backend
        self._writes = writes
        self._sign = sign
        self._workspace = workspace
        self._root = root
        self._reader = ObjectReader(backend.git) if backend else None
        self._stored: set[str] = set()
        self._identity: Identity | None = None

    @property
    def display(self) -> str:
        """The repository's name for people, without credentials."""
        return self.location.display

    def snapshot(self) -> Snapshot:
        """The branch as it is now. Raises ``Invalid`` where the repository is another workspace's, ``Failure`` where it cannot be reached."""
        tip = self._backend.tip() if self._backend else None
        if self._backend and self._writes:
            # After the look, not before it: a process that a killed run left behind may have moved the branch just now.
            self.notices += self._backend.heal()
        return self._read(tip)

    def at(self, revision: str) -> Snapshot:
        """Another revision of it, by its commit id."""
        return self._read(revision)

    def shallow_commits(self) -> frozenset[str]:
        """Commits at which history ends here, though it does not end there."""
        return self._backend.shallow() if self._backend else frozenset()

    def deepen(self) -> bool:
        """Fetch more of history; false where there is no more to get."""
        return self._backend.deepen() if self._backend else False

    def commit(self, expected: Snapshot, changes: Changes) -> str | None:
        """Commit ``changes`` on top of ``expected`` and move the branch there; None where they change nothing.

        Raises ``Moved`` where the branch is not at ``expected`` any more, ``Invalid`` for a folder that is not ours,
        ``Failure`` where the commit is refused or cannot be written.
        """
        backend = self._need()
        written = write(expected, changes, self._stored)
        if written is None:
            return None
        commit = self._made(written, expected.revision, changes.message)
        self.notices += backend.advance(expected.revision, commit, written.objects)
        self.folders = written.folders
        self._tidy()
        return commit

    def put(self, base: Snapshot, changes: Changes, options: Sequence[str] = ()) -> str | None:
        """Put the branch, wherever it is, at a commit of ``changes`` on top of ``base``, a revision of another branch. None: nothing changes there.
        ``options``: push options, for servers that take them; what such a server answers with stands in ``notices``.

        Raises ``Moved`` where somebody else moves the branch meanwhile, ``Invalid`` and ``Failure`` as ``commit`` does.
        """
        backend = self._need()
        tip = backend.tip()
        written = write(base, changes, self._stored)
        if written is None:
            return None
        commit = self._made(written, base.revision, changes.message)
        self.notices += backend.advance(tip, commit, written.objects, options)
        return commit

    def offer(self, commit: str, ref: str, options: Sequence[str]) -> list[str] | None:
        """Push a commit to a ref that is no branch, by which a server opens a request; the URLs that it answers with. None: it takes no such push."""
        return self._need().offer(commit, ref, options)

    def branches(self, prefix: str) -> dict[str, str]:
        """Branches whose names begin with ``prefix``: their commits by name."""
        return self._backend.branches(prefix) if self._backend else {}

    def remove(self, expected: Snapshot) -> None:
        """Delete the branch, which is as it was read. Raises ``Moved``, ``Failure``."""
        if expected.revision is not None:
            self._need().remove(expected.revision)

    def close(self) -> None:
        """End what was started for it."""
        if self._reader:
            self._reader.close()
        if self._backend:
            self._backend.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _read(self, revision: str | None) -> Snapshot:
        backend, reader = self._backend, self._reader
        if backend is None or reader is None:
            nowhere = Git(self._root, {})
            return Snapshot(nowhere, ObjectReader(nowhere), None, self.algorithm, self.location.path)
        snapshot = Snapshot(backend.git, reader, revision, self.algorithm, self.location.path)
        mark = snapshot.workspace()
        if mark is not None and self._workspace is not None and mark.workspace != self._workspace:
            message = f"expected {self.display} to be the environment repository of workspace {self._workspace!r}, found it to be that of {mark.workspace!r}"
            raise Invalid(message, hint="one repository (or one folder of it) serves one workspace: name another", code="repository")
        return snapshot

    def _made(self, written: Written, parent: str | None, message: str) -> str:
        """The id of the commit, stored with all that it names."""
        author, committer = self.person()
        if not self._sign:
            commit, content = commit_object(written.tree, parent, message, author, committer, self.algorithm)
            self._store(written, ("commit", content))
            return commit
        from gitopsc.repository.signing import signed_commit

        self._store(written)
        return signed_commit(self._need().git, self._here(), tree=written.tree, parent=parent, message=message, author=author, committer=committer)

    def _store(self, written: Written, *more: tuple[str, bytes]) -> None:
        """Put objects where Git keeps them. Until a ref names them they are nothing: a kill here leaves no trace that matters."""
        git = self._need().git
        data = pack([*written.objects.values(), *more], self.algorithm)  # made while Git takes it in
        if len(written.objects) < _LOOSE:
            git.check("unpack-objects", "-q", data=data)
        else:
            git.check("index-pack", "--stdin", data=data)
        self._stored.update(written.objects)

    def person(self) -> Identity:
        """Who commits."""
        if self._identity is None:
            self._identity = identity(self._here())
        return self._identity

    def _here(self) -> Git:
        """Git where the person's settings are: a repository of ours has none of its own, but the workspace's may name who works in it."""
        git = self._need().git
        return git if self.location.kind == "path" else Git(self._root, git.environ, deadline=git.deadline)

    def _tidy(self) -> None:
        """Now and then, in repositories that nobody else looks after: pack what is loose. Its cost follows what was written, not history."""
        git = self._need().git
        if self.location.kind == "path" or git.git_dir is None:
            return
        objects = git.git_dir / "objects"
        if _count(objects / "17") >= _CROWDED or _count(objects / "pack") >= 4 * _CROWDED:
            with suppress(Failure):  # the commit is made; the next one tries again
                git.run("repack", "-d", "-l", "-q", "--geometric=2")

    def _need(self) -> Backend:
        if self._backend is None:
            raise Failure(f"{self.display} does not exist")
        return self._backend


def open_repository(
    location: Location, *, root: Path, workspace: str | None, environ: Mapping[str, str], create: bool, deadline: float = DEADLINE, sign: bool = False
) -> Repository:
    """Open the environment repository of ``workspace`` (None: whosever it is), whose root folder is ``root``.

    ``create``: make the embedded one where it is not there yet, and finish what a killed run left undone; without it, nothing is
    written but the cache of a remote one. ``sign``: its commits are signed, as the person's Git is configured. Raises ``Invalid`` for what
    is no usable repository, ``Failure`` where it cannot be reached.
    """
    if location.kind == "url":
        from gitopsc.repository.remote import RemoteBackend

        local.check_inside(root, root / EMBEDDED)
        cache = root / Path(EMBEDDED).parent / "remotes"
        return Repository(location, RemoteBackend(location.target, location.branch, cache, environ, deadline), workspace=workspace, root=root, sign=sign)
    path = Path(location.target)
    if location.is_embedded:
        local.check_inside(root, path)
        if create and not (path / ".git" / "HEAD").exists():
            local.make_embedded(path, location.branch, environ, deadline)
    parts = local.find(path, environ, deadline)
    if parts is None:
        if create:
            raise Invalid(f"expected a Git repository in {location.display}, found none", hint=f"make one with: git init --bare {path}", code="repository")
        return Repository(location, None, workspace=workspace, root=root, sign=sign)
    backend = LocalBackend(parts, location.branch, environ, deadline, shown=location.display)
    return Repository(location, backend, workspace=workspace, root=root, writes=create, sign=sign)


def _count(folder: Path) -> int:
    try:
        return sum(1 for _ in folder.iterdir())
    except OSError:
        return 0
