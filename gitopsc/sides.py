"""The sides of a comparison: the working tree, revisions of the workspace, and what each of them compiles to.

Both sides share one index of what is known: what is written alike on both is read, compiled and validated once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from gitopsc.cache import cache_folder, fingerprint
from gitopsc.compile import Target
from gitopsc.diagnostics import Diagnostic, Diagnostics, Failure, Invalid
from gitopsc.incremental import Index, load
from gitopsc.limits import Limits
from gitopsc.options import Options
from gitopsc.presence import Pair
from gitopsc.repository.source import GitFiles, merge_base, require_history, resolve_revision
from gitopsc.spec.discover import Folder, SourceFile, find_root
from gitopsc.spec.kinds import Workspace
from gitopsc.spec.load import ROOT, exclude_of
from gitopsc.targets import Build, Noted, Session, compile_in
from gitopsc.workspace import Opened


@dataclass(frozen=True, slots=True)
class Revisions:
    """What a person asked to compare. ``head`` and ``head_commit`` are None for the working tree."""

    base: str
    base_commit: str
    head: str | None = None
    head_commit: str | None = None


@dataclass(slots=True)
class Side:
    """One side, compiled. ``label`` names it to people; ``build`` is None where it has no workspace, and ``diagnostics`` say why."""

    label: str
    revision: str | None
    commit: str | None
    build: Build | None
    diagnostics: list[Diagnostic]
    targets: Mapping[Pair, Target] = field(default_factory=dict)

    @property
    def workspace(self) -> Workspace | None:
        """The workspace as far as this run needed it."""
        return self.build.opened.workspace if self.build else None

    @property
    def is_whole(self) -> bool:
        """Whether everything in it could be read, so that what is not there is absent and not just unreadable."""
        return self.workspace is not None and not any(d.severity == "error" for d in self.diagnostics)


def asked(root: Path, words: str | None, options: Options) -> Revisions:
    """``BASE``, ``BASE..HEAD``, ``BASE...`` or ``BASE...HEAD`` as commits; HEAD against the working tree where nothing is said. Raises ``Invalid``."""
    environ = options.environ
    base, dots, head = _split(words or "HEAD")
    require_history(root, environ=environ)
    base_commit = resolve_revision(root, base, environ=environ)
    head_commit = resolve_revision(root, head, environ=environ) if head else None
    if dots == "...":
        other = head_commit or resolve_revision(root, "HEAD", environ=environ)
        base_commit = merge_base(root, base_commit, other, environ=environ)
        base = f"{base}...{head or ''}"
    return Revisions(base, base_commit, head, head_commit)


def _split(words: str) -> tuple[str, str, str | None]:
    dots = "..." if "..." in words else ".." if ".." in words else ""
    base, _, head = words.partition(dots) if dots else (words, "", "")
    if dots == "..":
        return base or "HEAD", dots, head or "HEAD"
    return base or "HEAD", dots, head or None


def working_tree(options: Options, environments: Sequence[str]) -> Side:
    """The folder as it is. Raises ``Invalid`` where there is no workspace."""
    root = find_root(options.directory)
    diagnostics = Diagnostics()
    plain = Folder(root, (), Diagnostics(), options.limits)
    files = Folder(root, exclude_of(plain.read(ROOT), options.limits), diagnostics, options.limits)
    return _compiled("the working tree", Session(root, Noted(files), diagnostics, options, "sha1"), environments)


class At:
    """``Files`` of the workspace at a commit, its specs read all at once."""

    def __init__(self, root: Path, commit: str, diagnostics: Diagnostics, options: Options) -> None:
        self._git = GitFiles(root, commit, environ=options.environ, diagnostics=diagnostics, limits=options.limits)
        self._limits: Limits = options.limits
        self._ahead: dict[str, bytes] = {}

    def open(self, *, ahead: bool = True) -> None:
        """Read what ``exclude`` leaves (not ``ahead``: when it is asked for). Raises ``Invalid`` where the commit has no workspace here."""
        try:
            root = self._git.read(ROOT)
        except Invalid as error:
            if error.diagnostics[0].code != "missing-file":
                raise
            raise Invalid(f"expected a workspace: no {ROOT} in this folder there", hint="name another revision", code="no-workspace") from None
        self._git.exclude = exclude_of(root, self._limits)
        self._ahead = self._git.read_ahead() if ahead else {}

    def list(self) -> list[SourceFile]:
        """See ``Files``."""
        return self._git.list()

    def read(self, path: str) -> bytes:
        """See ``Files``."""
        content = self._ahead.get(path)
        return content if content is not None and len(content) <= self._limits.spec_bytes else self._git.read(path)

    def close(self) -> None:
        """End the process that reads."""
        self._git.close()


def revision(root: Path, label: str, commit: str, options: Options, environments: Sequence[str], index: Index | None = None) -> tuple[Side, At]:
    """The workspace at a commit; a commit without one, or with one that cannot be read, is a side with nothing in it. Close the files when done."""
    diagnostics = Diagnostics()
    files = At(root, commit, diagnostics, options)
    try:
        files.open()
        known = index or load(cache_folder(options.environ, root) if options.cache else None, fingerprint())
        session = Session(root, Noted(files), diagnostics, options, "sha1", known)
        return _compiled(label, session, environments, commit), files
    except Invalid as error:
        found = [replace(d, message=f"at {label}: {d.message}", place=None) if d.code == "no-workspace" else d for d in error.diagnostics]
        return Side(label, label, commit, None, found), files
    except Failure:
        files.close()
        raise


def _compiled(label: str, session: Session, environments: Sequence[str], commit: str | None = None) -> Side:
    """Everything that is selected; environments that this side does not have are passed over."""
    known = session.concrete()
    chosen = [name for name in environments if name in known]
    if environments and not chosen:
        build = Build(Opened(session.root, session.files, session.assemble(()), session.diagnostics), [], frozenset(session.sources.names("app")), session)
    else:
        build = compile_in(session, chosen, ())
    targets = {(target.environment, target.application): target for target in build.targets}
    return Side(label, label if commit else None, commit, build, list(build.opened.diagnostics), targets)
