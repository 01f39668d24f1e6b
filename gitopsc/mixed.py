"""Targets that are made of two commits: the base of a release as it was, and the environment's own settings of today.

``render(base @ release.source.commit, environment @ HEAD)``: what was verified is what is promoted, and an environment's own change needs
no promotion. The base is the Application, overlays on features, component types and the workspace's defaults; the environment has its
documents, what it enforces, overlays bound to it, policies and the Kubernetes version (language.md 3.1).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Self

from gitopsc.cache import fingerprint
from gitopsc.compile import Compiler, Target
from gitopsc.diagnostics import Diagnostic, Diagnostics, Failure
from gitopsc.incremental import Index
from gitopsc.options import Options
from gitopsc.repository.source import fetch_commit, has_commit
from gitopsc.sides import At
from gitopsc.spec.discover import Files, read_source
from gitopsc.spec.documents import Document, read_documents
from gitopsc.spec.identity import inputs_id
from gitopsc.spec.kinds import Environment, Overlay, Workspace
from gitopsc.spec.load import assemble
from gitopsc.targets import Noted, Session, compiled
from gitopsc.values import Map

OF_BASE = ("defaults", "mergeKeys", "resourceTypes")
"""Fields of ``Workspace.spec`` that belong to a release; the others are today's."""

ENTRIES = ("workloads", "resources", "manifests", "configs")
"""Maps of an application's spec whose entries an overlay may speak of."""

OTHERS = ("Application", "Overlay", "Environment", "Pipeline")
"""Kinds that a release's base does not have, or has of one application only."""

_LABEL = 8
_OPEN = 4
"""Each open commit keeps a process that reads."""


@dataclass(frozen=True, slots=True)
class Mixed:
    """``target`` may have failed (its diagnostics say why). ``waiting``: notices of overlay entries that the older release has no use for yet."""

    target: Target
    waiting: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, slots=True)
class Head:
    """The workspace of today, with the application and its overlays, and where its files are read."""

    workspace: Workspace
    files: Files


class Bases:
    """The workspace at commits. Use as a context manager, or ``close`` it. ``index``: what is known of files already.

    The last few that were asked for stay open: ask for one commit's targets one after the other.
    """

    def __init__(self, root: Path, options: Options, index: Index | None = None) -> None:
        self._root, self._options = root, options
        self._index = index or Index(fingerprint())
        self._open: dict[str, Base] = {}
        self._first = True

    def at(self, commit: str) -> Base:
        """The workspace at ``commit``, fetched where this clone lacks it. Raises ``Failure`` where it cannot be had, ``Invalid`` where it has none."""
        if commit not in self._open:
            environ = self._options.environ
            if not has_commit(self._root, commit, environ=environ):
                try:
                    there = fetch_commit(self._root, commit, environ=environ, deadline=self._options.limits.git_seconds)
                except Failure as error:
                    raise Failure(f"{_lacking(commit)}: {error.message}", hint=error.hint) from None
                if not there:
                    raise Failure(_lacking(commit), hint="get the history that has it: git fetch --unshallow, or from whoever has it")
            while len(self._open) >= _OPEN:
                self._open.pop(next(iter(self._open))).close()
            self._open[commit] = Base(self._root, commit, self._options, self._index, ahead=self._first)
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

    def __init__(self, root: Path, commit: str, options: Options, index: Index, *, ahead: bool = True) -> None:
        self.label = f"{commit[:_LABEL]}:"
        self.files = At(root, commit, Diagnostics(), options)
        self._options = options
        try:
            self.files.open(ahead=ahead)
            self._session = Session(root, Noted(self.files), Diagnostics(), options, "sha1", index)
        except BaseException:
            self.files.close()
            raise

    @property
    def index(self) -> Index:
        """What is known of files now: the next commit reads only those that differ."""
        return self._session.found()

    def workspace(self, application: str) -> tuple[Workspace | None, Diagnostics]:
        """Types, defaults, the application and its overlays on features, with what is wrong with them.

        Places in the application's own files begin with the commit: the same file may be there today, with something else in it.
        """
        found = Diagnostics()
        documents = [d for d in self._session.documents("platform") if d.kind not in OTHERS and d.file not in self._session.sources.skipped]
        documents += [d for path in self._session.keys.files_of(application) for d in self._labelled(path, found) if _of_base(d, application)]
        return assemble(documents, self.files, found, applications=self._session.sources.names("app")), found

    def _labelled(self, path: str, diagnostics: Diagnostics) -> list[Document]:
        return read_documents(self.label + path, self.files.read(path), diagnostics, self._options.limits)

    def close(self) -> None:
        """End the process that reads."""
        self.files.close()


def _of_base(document: Document, application: str) -> bool:
    if document.kind == "Application":
        return document.name == application
    metadata = document.data.get("metadata")
    return document.kind == "Overlay" and isinstance(metadata, dict) and metadata.get("application") == application and not document.data.get("environments")


def compile_mixed(
    head: Head, base: Base, application: str, environments: Iterable[str], release: str, options: Options, algorithm: str = "sha1"
) -> list[Mixed]:
    """The application as ``release`` had it (``base`` is the workspace at its commit), in these environments of today, in their order.

    Each target has the release's id as it was given, and the environment's inputs as a build of today computes them. Raises ``Failure``.
    """
    names = list(environments)
    if ("Application", application) in head.workspace.broken:
        return [Mixed(Target(name, application, release, "", None, (), None, None, (), (), (_BROKEN,))) for name in names]
    workspace, found = base.workspace(application)
    document = workspace.applications.get(application) if workspace is not None else None
    if workspace is None or document is None or found.has_errors or ("Application", application) in workspace.broken:
        errors = tuple(d for d in found if d.severity == "error") or (_gone(application, base.label),)
        return [Mixed(Target(name, application, release, "", None, (), None, None, (), (), errors)) for name in names]
    mixed, waiting = _mix(head.workspace, workspace, application)
    compiler = MixedCompiler(
        mixed, base.files, options.limits, options.allow_missing_schema, algorithm, head=head, document=document, label=base.label, release=release
    )
    targets = compiled(compiler, [(application, names)], replace(options, progress=None))
    return [Mixed(target, tuple(_for(waiting, target.environment, head.workspace))) for target in targets]


_BROKEN = Diagnostic("error", "broken", "expected documents of today without errors, found some", "see what is wrong: gitopsc check")


def _gone(application: str, label: str) -> Diagnostic:
    message = f"expected application '{application}' in the workspace at {label.rstrip(':')}, found none"
    return Diagnostic("error", "unknown-application", message, "promote another release", application=application)


@dataclass(slots=True)
class MixedCompiler(Compiler):
    """Reads templates and what the base names from the base's commit, what overlays of today name from today's files."""

    head: Head = field(kw_only=True)
    document: Document = field(kw_only=True)
    label: str = field(kw_only=True)
    release: str = field(kw_only=True)

    def source(self, file: str, written: str) -> tuple[str, bytes]:
        """See ``Compiler``."""
        if not file.startswith(self.label):
            return self._today(file, written)
        path, data = read_source(self.files, file.removeprefix(self.label), written)
        self._read[self.label + path] = data
        return self.label + path, data

    def _today(self, file: str, written: str) -> tuple[str, bytes]:
        path, data = read_source(self.head.files, file, written)
        self._read[path] = data
        return path, data

    def target(self, application: str, environment: Environment) -> Target:
        """See ``Compiler``; identities are those of the release, and of the environment of today."""
        made = Compiler.target(self, application, environment)
        document = self.head.workspace.applications.get(application, self.document)
        return replace(made, release=self.release, inputs=inputs_id(self.head.workspace, document, environment, self._today))


@dataclass(frozen=True, slots=True)
class _Waits:
    overlay: Overlay
    notice: Diagnostic


def _mix(today: Workspace, base: Workspace, application: str) -> tuple[Workspace, list[_Waits]]:
    """The base's workspace with the environments of today, and what of their overlays must wait."""
    spec = Map(today.spec, today.spec.at)
    spec.places, spec.keys_at, spec.raw = dict(today.spec.places), dict(today.spec.keys_at), dict(today.spec.raw)
    for key in OF_BASE:
        spec.pop(key, None)
        if key in base.spec:
            spec.put(key, base.spec[key], base.spec.places.get(key))
    document = replace(today.document, data=Map({**today.document.data, "spec": spec}, today.document.data.at))
    overlays, waiting = _overlays(today, base, application)
    mixed = Workspace(
        document=document,
        name=today.name,
        kubernetes=today.kubernetes,
        spec=spec,
        environments=today.environments,
        applications={application: base.applications[application]},
        overlays={application: overlays},
        types=base.types,
        crds={**base.crds, **today.crds},
        merge_keys=base.merge_keys,
        broken=frozenset(),
    )
    return mixed, waiting


def _overlays(today: Workspace, base: Workspace, application: str) -> tuple[tuple[Overlay, ...], list[_Waits]]:
    """Overlays on features as the base has them, overlays on environments as they are today but for entries that wait for a newer release."""
    out = [overlay for overlay in base.overlays.get(application, ()) if not overlay.environments]
    waiting: list[_Waits] = []
    old, new = _entries(base, application), _entries(today, application)
    for overlay in today.overlays.get(application, ()):
        if overlay.environments:
            spec = _kept(overlay, old, new, set(base.types), waiting)
            data = Map(overlay.document.data, overlay.document.data.at)
            data.places, data.keys_at = overlay.document.data.places, overlay.document.data.keys_at
            data["spec"] = spec
            out.append(replace(overlay, document=replace(overlay.document, data=data)))
    return tuple(out), waiting


def _entries(workspace: Workspace, application: str) -> set[tuple[str, str]]:
    """(field, name) of everything that the base of an application has."""
    documents = [workspace.applications[application]] if application in workspace.applications else []
    documents += [overlay.document for overlay in workspace.overlays.get(application, ()) if not overlay.environments]
    return {(key, str(name)) for document in documents for key in ENTRIES for name in document.spec.get(key) or ()}


def _kept(overlay: Overlay, old: set[tuple[str, str]], new: set[tuple[str, str]], types: set[str], waiting: list[_Waits]) -> Map:
    spec = overlay.document.spec
    out = _copy(spec)
    for key in ENTRIES:
        entries = spec.get(key)
        if not isinstance(entries, Map):
            continue
        left = _copy(entries)
        for name, entry in entries.items():
            kind = entry.get("type") if key == "workloads" and isinstance(entry, Map) else None
            if ((key, name) in new and (key, name) not in old) or (isinstance(kind, str) and kind not in types):
                del left[name]
                waiting.append(_Waits(overlay, _notice(key, name, entries)))
        out[key] = left
    return out


def _notice(key: str, name: str, entries: Map) -> Diagnostic:
    message = f"'{key}.{name}' waits: the release that runs there does not have it yet"
    return Diagnostic("info", "waiting", message, "promote a release that has it", entries.key_place(name))


def _for(waiting: Iterable[_Waits], environment: str, workspace: Workspace) -> Iterator[Diagnostic]:
    """What concerns one environment."""
    names = set(workspace.environments[environment].names)
    for one in waiting:
        if names & set(one.overlay.environments):
            yield replace(one.notice, environment=environment, application=one.overlay.application)


def _copy(value: Map) -> Map:
    out = Map(value, value.at)
    out.places, out.removed, out.raw, out.keys_at = value.places, value.removed, value.raw, value.keys_at
    return out
