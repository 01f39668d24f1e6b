"""Many targets at once: those that an earlier build knows are recalled, the rest compiled in as many processes as pays."""

from __future__ import annotations

import gc
import hashlib
import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from gitopsc import incremental
from gitopsc.cache import cache_folder, fingerprint
from gitopsc.compile import Compiler, Target
from gitopsc.diagnostics import Diagnostic, Diagnostics
from gitopsc.incremental import Index, Keys, Sources
from gitopsc.options import Options
from gitopsc.presence import Known, Pair
from gitopsc.spec.discover import Files, Folder, SourceFile, find_root
from gitopsc.spec.documents import Document
from gitopsc.spec.kinds import Workspace, as_names, name_place
from gitopsc.spec.load import ROOT, assemble, exclude_of, test_files
from gitopsc.workspace import Opened, selected_applications, selected_environments

Task = tuple[str, list[str]]
"""An application and the environments it is wanted in."""

FORK_ABOVE = 40
"""A pool costs some 10 ms: it pays above this many applications."""

BATCH = 20
"""Applications that are taken through the stages of compiling together."""


@dataclass(slots=True)
class Build:
    """A workspace as far as this run needs it, with every selected target. ``opened.workspace`` is null where it is not usable."""

    opened: Opened
    targets: list[Target]
    every: frozenset[str]
    _session: Session
    inputs: Mapping[Pair, str] = field(default_factory=dict)
    """Of targets that do not follow the workspace of today: the hash of what their environments of today bring."""

    @property
    def locks(self) -> Known:
        """What is known of folders of the environment repository; a plan adds to it."""
        return self._session.locks

    @property
    def sources(self) -> Sources:
        """The workspace's files, as this run saw them."""
        return self._session.sources

    def read_beside(self) -> set[str]:
        """Every other file that this process read: templates of component types."""
        return self._session.files.paths - set(self._session.sources.records)

    @property
    def read_for_inputs(self) -> set[str]:
        """Files beside the specs that environments of later stages bring."""
        return self._session.read_for_inputs

    @property
    def index(self) -> Index:
        """What an earlier build left, with what this run found out: another look at the same workspace may begin with it."""
        return self._session.found()

    def adopt(self, other: Build) -> None:
        """Keep what ``other``, a look at the same workspace at another revision, made use of, too."""
        self._session.used.update(other._session.used)

    def check_templates(self, options: Options) -> list[Diagnostic]:
        """What is wrong with templates of the workspace's types, those that no application uses included."""
        from gitopsc.render.engine import Engine
        from gitopsc.render.template import Template, TemplateError

        engine = Engine(self._session.files.read, options.limits)
        found: list[Diagnostic] = []
        for kind in self.opened.workspace.types.values() if self.opened.workspace else ():
            for one in kind.templates if not kind.built_in else ():
                try:
                    engine.load(Template(one.name, one.text, one.file, one.first_line, one.indent))
                except TemplateError as error:
                    found += error.diagnostics
        return found

    def save(self) -> None:
        """Keep what this run found out for the next one."""
        self._session.save()

    def compiler(self, applications: Iterable[str], options: Options) -> Compiler | None:
        """A compiler of these applications alone; None where the workspace is not usable."""
        workspace = self._session.assemble(applications)
        return None if workspace is None else Compiler(workspace, self._session.files, options.limits, options.allow_missing_schema)

    def fresh(self, pairs: Iterable[Pair], options: Options) -> dict[Pair, Target]:
        """These targets compiled now, bytes and all."""
        return self._session.fresh(list(pairs), options)


class Noted:
    """``Files`` that notes what was read."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self.paths: set[str] = set()

    def list(self) -> list[SourceFile]:
        """See ``Files``."""
        return self._files.list()

    def read(self, path: str) -> bytes:
        """See ``Files``."""
        self.paths.add(path)
        return self._files.read(path)


class Session:
    """One look at the workspace's files, with what an earlier build left of them."""

    def __init__(self, root: Path, files: Noted, diagnostics: Diagnostics, options: Options, algorithm: str, index: Index | None = None) -> None:
        self.root, self.files, self.options, self.algorithm = root, files, options, algorithm
        self.diagnostics = diagnostics
        self.folder = cache_folder(options.environ, root) if options.cache and index is None else None
        self.index: Index = incremental.load(self.folder, fingerprint()) if index is None else index
        self.sources: Sources = incremental.look(files, self.index, options)
        general = self._documents(self.sources.paths("platform", "environment"))
        self.sources.skipped = frozenset(test_files(general))
        diagnostics += (d for d in self.sources.diagnostics if d.place is None or d.place.file not in self.sources.skipped)
        general = [d for d in general if d.file not in self.sources.skipped]
        self.environments = _chains(general)
        self.keys = Keys(self.index, self.sources, self.environments, algorithm, options)
        self.shas: dict[str, str] = {}
        self.used: dict[str, Any] = {}
        self.locks: Known = dict(self.index.locks)
        self.in_order = self.sources.in_order()
        self.whole = False
        self.read_for_inputs: set[str] = set()

    def concrete(self) -> list[str]:
        """The names of the environments that can be compiled, as far as their documents can be read."""
        documents = self._documents(self.sources.paths("environment"))
        return sorted(d.name for d in documents if d.kind == "Environment" and d.spec.get("abstract") is not True)

    def documents(self, *kinds: str, paths: Iterable[str] = ()) -> list[Document]:
        """Every document in the files that have one of a kind (``platform environment pipeline``), and in ``paths``."""
        return self._documents(dict.fromkeys([*self.sources.paths(*kinds), *paths]))

    def compiler(self, workspace: Workspace) -> Compiler:
        """A compiler of what ``assemble`` gave."""
        return Compiler(workspace, self.files, self.options.limits, self.options.allow_missing_schema, self.algorithm)

    def _documents(self, paths: Iterable[str]) -> list[Document]:
        """The documents of these files, read now where this run has not yet."""
        out: list[Document] = []
        for path in paths:
            if path not in self.sources.documents:
                record = self.sources.records[path]
                again = Sources(dict(self.sources.records), {}, Diagnostics())
                incremental.parse(again, path, self.files.read(path), self.options, record[0], record[1].lstrip("!"))
                self.sources.documents[path] = again.documents[path]
            out += self.sources.documents[path]
        return out

    def assemble(self, applications: Iterable[str]) -> Workspace | None:
        """The kinds: everything of the platform, and these applications with their overlays."""
        known = set(self.sources.names("app"))
        stray = [p for name in self.keys.applications if name not in known for p in self.keys.files_of(name)]
        paths = {*self.sources.paths("platform", "environment", "pipeline"), *stray, *(p for name in applications for p in self.keys.files_of(name))}
        wanted = set(applications) | (set(self.keys.applications) - known)
        documents = [d for d in self._documents(sorted(paths)) if _concerns(d, wanted)]
        return assemble(documents, self.files, self.diagnostics, applications=known)

    def recall(self, application: str, environment: str) -> Target | None:
        """The target as an earlier build left it, where nothing that it read has changed."""
        if environment not in self.environments or application not in self.in_order:
            return None
        key = self.keys.key(application, environment)
        kept = self.index.targets.get(key)
        if kept is None or not incremental.holds(kept, self.files, self.shas):
            return None
        self.used[key] = kept
        return incremental.recall(kept, application, environment)

    def later(self) -> frozenset[Pair]:
        """The targets that move by promotion, as the workspace's own pipelines say it."""
        out: set[Pair] = set()
        for document in self.documents("pipeline"):
            if document.kind == "Pipeline":
                from gitopsc.spec.pipelines import later_environments

                names = as_names(document.spec.get("applications"))
                out |= {(environment, name) for environment in later_environments(document.spec) for name in names}
        return frozenset(out)

    def recall_inputs(self, application: str, environment: str) -> str | None:
        """What an earlier build found an environment to bring to an application, where nothing of it has changed."""
        if environment not in self.environments:
            return None
        key = f"inputs {self.keys.key(application, environment)}"
        kept = self.index.targets.get(key)
        if kept is None or not incremental.are_as_they_were(kept[1], self.files, self.shas):
            return None
        self.used[key] = kept
        self.read_for_inputs |= {path for path, _ in kept[1]}
        return str(kept[0])

    def inputs(self, workspace: Workspace, pairs: Iterable[Pair]) -> dict[Pair, str]:
        """What environments bring to applications, found out now and kept for the next build."""
        compiler, out = self.compiler(workspace), {}
        for environment, application in pairs:
            found, read = compiler.inputs(application, workspace.environments[environment])
            out[environment, application] = found
            self.read_for_inputs |= set(read)
            self.used[f"inputs {self.keys.key(application, environment)}"] = (found, [(path, self._sha(path)) for path in read])
        return out

    def _sha(self, path: str) -> str:
        if path not in self.shas:
            self.shas[path] = hashlib.sha256(self.files.read(path)).hexdigest()
        return self.shas[path]

    def remember(self, targets: Iterable[Target]) -> None:
        """Keep what was compiled without errors for the next build."""
        for target in targets:
            if target.failed or target.environment not in self.environments:
                continue
            for path in target.sources:
                self._sha(path)
            self.used[self.keys.key(target.application, target.environment)] = incremental.remember(target, self.shas)

    def found(self) -> Index:
        """The index, with what this run found out."""
        return Index(self.index.fingerprint, self.sources.records, {**self.index.targets, **self.used}, self.locks)

    def save(self) -> None:
        """Write the index, if this run found out anything. Where everything was selected, what was not used is of no use any more."""
        kept = self.used if self.whole else {**self.index.targets, **self.used}
        records = {path: record for path, record in self.sources.records.items() if not record[1].startswith("!")}
        if kept != self.index.targets or records != self.index.files or self.locks.keys() != self.index.locks.keys():
            incremental.save(self.folder, Index(self.index.fingerprint, records, kept, self.locks))

    def fresh(self, pairs: list[Pair], options: Options) -> dict[Pair, Target]:
        """See ``Build.fresh``."""
        wanted: dict[str, list[str]] = {}
        for environment, application in pairs:
            wanted.setdefault(application, []).append(environment)
        workspace = self.assemble(wanted)
        assert workspace is not None
        found = compiled(self.compiler(workspace), list(wanted.items()), options)
        return {(target.environment, target.application): target for target in found}


def _concerns(document: Document, applications: set[str]) -> bool:
    """Whether an application's document belongs to one of those wanted; documents of other kinds always do."""
    if document.kind == "Application":
        return document.name in applications
    if document.kind == "Overlay":
        metadata = document.data.get("metadata")
        return str(metadata.get("application")) in applications if isinstance(metadata, dict) else True
    return True


def _chains(documents: Iterable[Document]) -> dict[str, tuple[str, ...]]:
    """Each environment's ancestors and itself, as far as names are known."""
    parents = {d.name: d.spec.get("extends") for d in documents if d.kind == "Environment"}
    out = {}
    for name in parents:
        chain = [name]
        while (parent := parents.get(chain[-1])) in parents and parent not in chain:
            chain.append(str(parent))
        out[name] = tuple(chain)
    return out


def compile_selected(options: Options, environments: Sequence[str], applications: Sequence[str], algorithm: str = "sha1", *, staged: bool = False) -> Build:
    """Every selected target; ``staged``: of those that move by promotion the inputs alone.

    Raises ``Invalid`` where there is no workspace, or for a name that it does not have.
    """
    root = find_root(options.directory)
    diagnostics = Diagnostics()
    plain = Folder(root, (), Diagnostics(), options.limits)
    files = Folder(root, exclude_of(plain.read(ROOT), options.limits), diagnostics, options.limits)
    session = Session(root, Noted(files), diagnostics, options, algorithm)
    return compile_in(session, environments, applications, staged=staged)


def compile_in(session: Session, environments: Sequence[str], applications: Sequence[str], *, staged: bool = False) -> Build:
    """Every selected target of what a session looks at (see ``compile_selected``). Raises ``Invalid`` for a name that the workspace does not have."""
    root, files, options, diagnostics = session.root, session.files, session.options, session.diagnostics
    concrete = list(environments) or session.concrete()
    names = list(dict.fromkeys(applications)) or session.sources.names("app")
    later = session.later() if staged else frozenset()
    recalled = {(e, a): session.recall(a, e) if (e, a) not in later else None for a in names for e in concrete}
    inputs = {(e, a): session.recall_inputs(a, e) for a in names for e in concrete if (e, a) in later}
    stale = [a for a in names if any(recalled[e, a] is None and inputs.get((e, a)) is None for e in concrete)]
    workspace = session.assemble(stale)
    opened = Opened(root, files, workspace, diagnostics)
    if workspace is None:
        return Build(opened, [], frozenset(session.sources.names("app")), session)
    chosen = [e.name for e in selected_environments(workspace, environments)]
    fine = selected_applications(workspace, stale) if stale else []
    tasks = [(a, [e for e in chosen if recalled[e, a] is None and (e, a) not in later]) for a in fine]
    made = {(t.environment, t.application): t for t in compiled(session.compiler(workspace), tasks, options)}
    told = {item.place.file for item in diagnostics if item.place is not None}
    session.remember(t for t in made.values() if told.isdisjoint(session.keys.files_of(t.application)))  # what was told of them must be told again
    targets = [target for a in names for e in chosen if (target := made.get((e, a)) or recalled.get((e, a))) is not None]
    known = {pair: found for pair, found in inputs.items() if found is not None and pair[0] in chosen}
    known |= session.inputs(workspace, [(e, a) for a in fine for e in chosen if (e, a) in later and (e, a) not in known])
    session.whole = not environments and not applications
    return Build(opened, targets, frozenset(session.sources.names("app")), session, known)


def compiled(compiler: Compiler, tasks: Sequence[Task], options: Options) -> list[Target]:
    """Every target of the tasks, in their order, whatever process made it."""
    guarded = any(not kind.built_in for kind in compiler.workspace.types.values())
    jobs = options.jobs if options.jobs is not None else (os.cpu_count() or 1) if len(tasks) > FORK_ABOVE else 1
    if tasks and guarded:
        return _guarded(compiler, tasks, options, max(jobs, 1))
    batches = [tasks[start : start + BATCH] for start in range(0, len(tasks), BATCH)]
    return _together(compiler.batch, batches, options, jobs)


def _together(batch: Callable[[Sequence[Task]], list[Target]], batches: Sequence[Sequence[Task]], options: Options, jobs: int) -> list[Target]:
    """Many applications at a time."""
    if len(batches) > 1 and jobs > 1:
        from gitopsc.render.pool import run

        made: Iterable[Any] = run(batches, batch, jobs, None)
    else:
        made = map(batch, batches)
    out: list[Target] = []
    for number, result in enumerate(made):
        out += result
        if len(batches) > 1:
            gc.collect(0)
        _progress(options, min((number + 1) * BATCH, sum(map(len, batches))), sum(map(len, batches)))
    return out


def _guarded(compiler: Compiler, tasks: Sequence[Task], options: Options, jobs: int) -> list[Target]:
    """In forked workers, each application within the limits of time and memory: templates that people wrote need a guard."""
    from gitopsc.render.pool import TemplateLimit, run

    out: list[Target] = []
    for number, result in enumerate(run(tasks, lambda task: compiler.compile(*task), jobs, options.limits)):
        if isinstance(result, TemplateLimit):
            application, environments = tasks[number]
            document = compiler.workspace.applications[application]
            finding = replace(result.diagnostic(name_place(document)), application=application)
            out += [Target(e, application, "", "", None, (), None, None, (), (), (finding,)) for e in environments]
        else:
            out += result
        _progress(options, number + 1, len(tasks))
    return out


def _progress(options: Options, done: int, of: int) -> None:
    if options.progress is not None:
        options.progress("compile", done, of)


def check_together(workspace: Workspace, targets: Sequence[Target], *, whole: bool, partial: Collection[str] = ()) -> list[Diagnostic]:
    """What only many targets show: objects made twice in one cluster, and, where an environment's policy is ``complete``, references
    that nobody meets. ``whole``: every application is among the targets, so that what is not there is made by nobody; ``partial``:
    environments of which that is not so.
    """
    from gitopsc.validate.collisions import Maker, collisions
    from gitopsc.validate.references import missing

    clusters: dict[str, list[Target]] = {}
    by_environment: dict[str, list[Target]] = {}
    for target in targets:
        environment = workspace.environments[target.environment]
        by_environment.setdefault(target.environment, []).append(target)
        clusters.setdefault(str(environment.target.get("cluster") or f"environment {environment.name}"), []).append(target)
    found: list[Diagnostic] = []
    for cluster, together in clusters.items():
        # Counting is some ten times quicker than telling who made what, and nearly always all there is to do.
        names = [(ref[0], ref[1], ref[2], ref[3].lower()) for target in together for ref in incremental.refs_of(target)]
        if len(set(names)) < len(names):
            found += collisions({cluster: [(ref, Maker(t.application, t.environment, place)) for t in together for ref, _, place in t.objects]})
    for name, together in by_environment.items():
        policy = workspace.environments[name].policy
        if whole and name not in partial and policy.get("complete") is True and not any(target.failed for target in together):
            objects = [ref for target in together for ref, _, _ in target.objects]
            found += missing(objects, {t.application: t.references for t in together}, map(str, policy.get("provided") or ()), name)
    return found
