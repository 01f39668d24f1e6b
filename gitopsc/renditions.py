"""Releases as environments of today render them: the base at the release's commit, settings from the tip of the default branch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from gitopsc.cache import cache_folder, fingerprint
from gitopsc.diagnostics import Conflict, Diagnostic, Diagnostics, Failure, Invalid
from gitopsc.incremental import load
from gitopsc.mixed import Base, Bases, Head, Mixed, compile_mixed
from gitopsc.opening import Environments, Pair
from gitopsc.repository.locks import ReleaseLock
from gitopsc.repository.source import fetch_commit, has_commit, is_ancestor, newer_than, resolve_revision
from gitopsc.repository.tips import between, tip_of
from gitopsc.sides import At
from gitopsc.spec.discover import read_source
from gitopsc.spec.documents import Document
from gitopsc.spec.identity import release_id
from gitopsc.targets import Noted, Session

_LOOKED_AT = 40
"""Commits that are looked at for the newest with a release's id, where ancestry is in doubt."""


@dataclass(slots=True)
class Renditions:
    """Use as a context manager, or ``close`` it. Nothing is read of the workspace before somebody asks."""

    there: Environments
    _tip: str | None = None
    _files: At | None = None
    _session: Session | None = None
    _heads: dict[str, Head] = field(default_factory=dict)
    _bases: Bases | None = None
    _made: dict[tuple[Pair, str, str], Mixed] = field(default_factory=dict)
    _ids: dict[tuple[str, str], str | None] = field(default_factory=dict)

    @property
    def tip(self) -> str:
        """The commit that environments' settings are taken from. Raises ``Invalid`` where there is no workspace, or no default branch in its clone."""
        if self._tip is None:
            where = self.there.where
            if where.workspace is None:
                hint = "go to a clone of the workspace, or name its folder with -C"
                raise Invalid("expected a workspace, whose specs are to be rendered, found none from here", hint=hint, code="no-workspace")
            mark = self.there.snapshot.workspace()
            self._tip = tip_of(where.root, mark.default_branch if mark is not None else "main", environ=self.there.options.environ)
        return self._tip

    def of(self, environment: str, application: str, release: str, commit: str) -> Mixed:
        """The release, whose base is at ``commit``, in an environment of today; it may have failed, with its diagnostics.

        Raises ``Failure`` where the commit cannot be had, ``Invalid``.
        """
        key = ((environment, application), release, commit)
        if key not in self._made:
            head = self._head(application)
            if environment not in head.workspace.environments:
                message = f"expected environment '{environment}' in the workspace at {self.tip[:12]}, found none"
                raise Invalid(message, hint=f"if it is meant to go: gitopsc decommission {environment}", code="unknown-environment")
            base = self._base(commit)
            (self._made[key],) = compile_mixed(head, base, application, [environment], release, self.there.options, self.there.repository.algorithm)
        return self._made[key]

    def refuse_older(self, locks: Mapping[Pair, ReleaseLock]) -> None:
        """See that no environment's settings go back. Raises ``Conflict``."""
        named = {lock.environment_source.commit: pair for pair, lock in locks.items() if lock.environment_source.commit}
        options = self.there.options
        newer = newer_than(self.there.where.root, self.tip, named, environ=options.environ, deadline=options.limits.git_seconds)
        if newer is not None:
            where = "/".join(named[newer])
            message = f"{where} was made with settings from {newer[:12]}, which is newer than {self.tip[:12]}: this would move them back"
            raise Conflict(message, hint="fetch the newest commit of the default branch, or pass --allow-older")

    def drops(self, running: ReleaseLock | None, release: str, commit: str | None) -> str | None:
        """What would be lost where ``release``, whose base is at ``commit``, takes the place of ``running``; null: nothing.

        Without a workspace nobody can tell, and nothing is told: what promotes has one. Raises ``Failure``.
        """
        if self.there.where.workspace is None:
            return None
        old = running.source.commit if running is not None else None
        if running is None or old is None or commit is None or old == commit or running.release.id == release:
            return None
        root, options = self.there.where.root, self.there.options
        for one in (old, commit):
            if not has_commit(root, one, environ=options.environ) and not self._fetched(one):
                return f"whether {release} has what {running.release.id} has cannot be told: commit {one[:12]} is not in this clone"
        if is_ancestor(root, old, commit, environ=options.environ) or self._has_come_back(running, old, release):
            return None
        return f"{release} (of {commit[:12]}) lacks {old[:12]}, which {running.release.id} was made of"

    def named(self, revision: str) -> str:
        """The commit that a person means. Raises ``Invalid``."""
        return resolve_revision(self.there.where.root, revision, environ=self.there.options.environ)

    def release_at(self, application: str, commit: str) -> str | None:
        """The id of the release that a commit has of an application; null where it has none. Raises ``Failure``, ``Invalid``."""
        key = (application, commit)
        if key not in self._ids:
            base = self._base(commit)
            workspace, _ = base.workspace([application])
            document = workspace.applications.get(application) if workspace is not None else None
            self._ids[key] = None
            if workspace is not None and document is not None:
                self._ids[key] = release_id(workspace, document, lambda file, written: read_source(base.files, file.removeprefix(base.label), written))
        return self._ids[key]

    def document_at(self, application: str, commit: str) -> Document | None:
        """The document that a commit has of an application. Raises ``Failure``, ``Invalid``."""
        workspace, _ = self._base(commit).workspace([application])
        return workspace.applications.get(application) if workspace is not None else None

    def close(self) -> None:
        """End what was started for it."""
        if self._bases is not None:
            self._bases.close()
        if self._files is not None:
            self._files.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _head(self, application: str) -> Head:
        """The workspace of today, as far as it concerns an application. Raises ``Invalid`` with what is wrong in it."""
        if application not in self._heads:
            session = self._looked()
            before = len(session.diagnostics)
            workspace = session.assemble([application])
            errors = [d for d in session.diagnostics[before:] if d.severity == "error"]
            if workspace is None:
                raise Invalid(errors or [Diagnostic("error", "no-workspace", f"expected a workspace at {self.tip[:12]}, found none that can be read")])
            assert self._files is not None
            self._heads[application] = Head(workspace, self._files)
        return self._heads[application]

    def _looked(self) -> Session:
        if self._session is None:
            root, options = self.there.where.root, self.there.options
            diagnostics = Diagnostics()
            self._files = At(root, self.tip, diagnostics, options)
            self._files.open()
            known = load(cache_folder(options.environ, root) if options.cache else None, fingerprint())
            self._session = Session(root, Noted(self._files), diagnostics, options, self.there.repository.algorithm, known)
        return self._session

    def _base(self, commit: str) -> Base:
        if self._bases is None:
            self._bases = Bases(self.there.where.root, self.there.options, self._looked().found())
        return self._bases.at(commit)

    def _fetched(self, commit: str) -> bool:
        options = self.there.options
        try:
            return fetch_commit(self.there.where.root, commit, environ=options.environ, deadline=options.limits.git_seconds)
        except Failure:
            return False

    def _has_come_back(self, running: ReleaseLock, old: str, release: str) -> bool:
        """Whether the default branch had, after it took ``old`` in, a commit that made this very release: its lock names an earlier one."""
        commits = between(self.there.where.root, old, self.tip, environ=self.there.options.environ)
        return any(self.release_at(running.application, commit) == release for commit in commits[:_LOOKED_AT])
