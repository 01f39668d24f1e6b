"""The workspace at the commits that releases were built from: what a release is made of, read once a commit."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from gitopsc.cache import fingerprint
from gitopsc.diagnostics import Diagnostics, Failure
from gitopsc.incremental import Index
from gitopsc.options import Options
from gitopsc.repository.source import fetch_commit, has_commit
from gitopsc.sides import At
from gitopsc.spec.documents import Document, read_documents
from gitopsc.spec.kinds import Workspace
from gitopsc.spec.load import assemble
from gitopsc.targets import Noted, Session

if TYPE_CHECKING:
    from gitopsc.render.engine import Engine

OTHERS = ("Application", "Overlay", "Environment", "Pipeline")
"""Kinds that a release's base does not have, or has of one application only."""

_LABEL = 8
_OPEN = 4
"""Each open commit keeps a process that reads."""


class Gone(Failure):
    """A commit that neither this clone nor where it came from has."""


class Bases:
    """The workspace at commits. Use as a context manager, or ``close`` it. ``index``: what is known of files already.

    The last few that were asked for stay open: ask for one commit's targets one after the other.
    """

    def __init__(self, root: Path, options: Options, index: Index | None = None) -> None:
        self._root, self._options = root, options
        self._index = index or Index(fingerprint())
        self._open: dict[str, Base] = {}
        self._first = True
        self._engine: Engine | None = None

    def at(self, commit: str) -> Base:
        """The workspace at ``commit``, fetched where this clone lacks it. Raises ``Gone`` where nobody has it, ``Failure``
        where that cannot be found out, ``Invalid`` where it has no workspace.
        """
        if commit not in self._open:
            environ = self._options.environ
            if not has_commit(self._root, commit, environ=environ):
                try:
                    there = fetch_commit(self._root, commit, environ=environ, deadline=self._options.limits.git_seconds)
                except Failure as error:
                    raise Failure(f"{_lacking(commit)}: {error.message}", hint=error.hint) from None
                if not there:
                    raise Gone(_lacking(commit), hint="get the history that has it: git fetch --unshallow, or from whoever has it")
            while len(self._open) >= _OPEN:
                self._open.pop(next(iter(self._open))).close()
            if self._engine is None:
                from gitopsc.render.engine import Engine

                self._engine = Engine(None, self._options.limits)
            self._open[commit] = Base(self._root, commit, self._options, self._index, self._engine, ahead=self._first)
            self._index, self._first = self._open[commit].index, False
        return self._open[commit]

    def close(self) -> None:
        """End what was started for them."""
        for base in self._open.values():
            base.close()
        self._open = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def _lacking(commit: str) -> str:
    return f"commit {commit[:12]}, which a release was built from, is not in this clone of the workspace"


class Base:
    """The workspace at one commit."""

    def __init__(self, root: Path, commit: str, options: Options, index: Index, engine: Engine, *, ahead: bool = True) -> None:
        self.label = f"{commit[:_LABEL]}:"
        self.files = At(root, commit, Diagnostics(), options)
        self._options, self._shared = options, engine
        self._own: Engine | None = None
        try:
            self.files.open(ahead=ahead)
            self._session = Session(root, Noted(self.files), Diagnostics(), options, "sha1", index)
        except BaseException:
            self.files.close()
            raise

    def files_of(self, application: str) -> list[str]:
        """The files that hold an application and its overlays at this commit."""
        return self._session.keys.files_of(application)

    @property
    def index(self) -> Index:
        """What is known of files now: the next commit reads only those that differ."""
        return self._session.found()

    def workspace(self, applications: Iterable[str]) -> tuple[Workspace | None, Diagnostics]:
        """Types, defaults, the applications and their overlays on features, with what is wrong with them.

        Places in the applications' own files begin with the commit: the same file may be there today, with something else in it.
        """
        found, names = Diagnostics(), set(applications)
        documents = [d for d in self._session.documents("platform") if d.kind not in OTHERS and d.file not in self._session.sources.skipped]
        for path in dict.fromkeys(path for name in sorted(names) for path in self.files_of(name)):
            documents += [d for d in self._labelled(path, found) if _of_base(d, names)]
        return assemble(documents, self.files, found, applications=self._session.sources.names("app")), found

    def engine(self, workspace: Workspace) -> Engine:
        """The templates. Those of gitopsc itself are the same for every commit; includes of others are read from the commit's files."""
        if all(kind.built_in for kind in workspace.types.values()):
            return self._shared
        from gitopsc.render.engine import Engine

        self._own = self._own or Engine(self.files.read, self._options.limits)
        return self._own

    def _labelled(self, path: str, diagnostics: Diagnostics) -> list[Document]:
        return read_documents(self.label + path, self.files.read(path), diagnostics, self._options.limits)

    def close(self) -> None:
        """End the process that reads."""
        self.files.close()


def _of_base(document: Document, applications: Collection[str]) -> bool:
    if document.kind == "Application":
        return document.name in applications
    metadata = document.data.get("metadata")
    return document.kind == "Overlay" and isinstance(metadata, dict) and metadata.get("application") in applications and not document.data.get("environments")
