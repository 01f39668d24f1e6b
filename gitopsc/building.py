"""The build proper: specs → manifests → validated → committed to the environment repository, or nothing at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from gitopsc.compile import Target
from gitopsc.diagnostics import Diagnostic, Invalid
from gitopsc.objects import ObjectRef
from gitopsc.options import Options
from gitopsc.plan import Step, Unknown, Wanted, changes
from gitopsc.presence import Pair, present
from gitopsc.presence import written as written_folder
from gitopsc.report.result import Result, empty
from gitopsc.repository.layout import RELEASE_LOCK
from gitopsc.repository.location import Location, embedded, named, written
from gitopsc.repository.locks import Source
from gitopsc.repository.objects import folder
from gitopsc.repository.publish import Changes, publish
from gitopsc.repository.source import SourceState, source_state
from gitopsc.repository.store import Repository, Snapshot, open_repository
from gitopsc.spec.kinds import Workspace, as_names
from gitopsc.targets import Build, check_together, compile_selected
from gitopsc.unchanged import git_folder, record
from gitopsc.values import Map
from gitopsc.workspace import Opened, finished, selected_environments

KIND = "BuildResult"


def build_all(options: Options, environments: tuple[str, ...], applications: tuple[str, ...], check: bool, dry_run: bool, allow_dirty: bool) -> Result:
    """Compile, compare, commit. ``check`` and ``dry_run`` write nothing; with ``check`` a difference is status 1.

    Raises ``Invalid``, ``Failure`` where Git or the disk fails, ``Conflict`` where another writer was first.
    """
    made = compile_selected(options, environments, applications)
    opened, workspace = made.opened, made.opened.workspace
    found = [*opened.diagnostics, *(d for t in made.targets for d in t.diagnostics)]
    if workspace is None:
        return _stopped(opened, found, options)
    diagnostics, stop = finished([*found, *check_together(workspace, made.targets, whole=not applications)], options)
    if stop:
        return _stopped(opened, diagnostics, options)
    chosen = selected_environments(workspace, environments)
    state = _source(made, options)
    wanted = Wanted(
        workspace=workspace,
        environments=tuple(chosen),
        targets={(t.environment, t.application): t for t in made.targets},
        source=Source(dirty=True) if state.is_dirty else Source(state.repository, state.commit),
        default_branch=str(workspace.spec.get("defaultBranch") or "main"),
        removed_from=() if applications else tuple(e.name for e in chosen),
    )
    writes = not (check or dry_run)
    location = location_of(options, workspace, opened)
    with open_repository(
        location, root=opened.root, workspace=workspace.name, environ=options.environ, create=writes, deadline=options.limits.git_seconds
    ) as repository:
        done = _Build(wanted, repository, location, state, allow_dirty, options, made)
        result = done.publish(diagnostics) if writes else done.compare(diagnostics, check)
    made.save()
    if writes or not done.other:
        _remember(options, (environments, applications), made, location, result, wanted.source.dirty)
    return result


def _remember(options: Options, words: tuple[tuple[str, ...], tuple[str, ...]], made: Build, location: Location, result: Result, dirty: bool) -> None:
    """Everything is in place: say so at once next time, if nothing has changed."""
    git = git_folder(Path(location.target)) if location.kind != "url" else None
    lasting = replace(result, diagnostics=tuple(d for d in result.diagnostics if d.severity != "info"))
    beside = {path for target in made.targets for path in target.sources} - set(made.sources.records)
    beside |= made.read_beside()
    record(
        options,
        made.opened.root,
        words,
        as_names(made.opened.workspace.spec.get("exclude")) if made.opened.workspace else (),
        made.sources.listed,
        beside,
        None if git is None else (git, location.branch),
        lasting,
        dirty=dirty,
        looked=made.sources.looked,
    )


def _stopped(opened: Opened, found: Iterable[Diagnostic], options: Options) -> Result:
    diagnostics, _ = finished(found, options)
    return empty(KIND, diagnostics, opened.sources(diagnostics))


def location_of(options: Options, workspace: Workspace, opened: Opened) -> Location:
    """Where the environment repository is: ``--repository``, else what the Workspace names, else the embedded default."""
    said = workspace.spec.get("environmentRepository")
    block = said if isinstance(said, Map) else Map()
    branch, path = str(block.get("branch") or "main"), str(block.get("path") or "")
    if options.repository:
        return named(options.repository, branch=branch, path=path, start=options.directory)
    if block.get("url"):
        return written(str(block["url"]), branch=branch, path=path, place=block.place("url"))
    return embedded(opened.root)


def _source(made: Build, options: Options) -> SourceState:
    inputs: dict[str, bytes | None] = dict.fromkeys(made.sources.records)
    inputs |= {path: None for target in made.targets for path in target.sources}
    return source_state(made.opened.root, inputs, environ=options.environ)


class _Build:
    """One build against one repository: the plan is asked again on each new tip."""

    def __init__(
        self, wanted: Wanted, repository: Repository, location: Location, state: SourceState, allow_dirty: bool, options: Options, made: Build
    ) -> None:
        self.repository, self.location, self.state = repository, location, state
        self.allow_dirty, self.options, self.made, self.opened = allow_dirty, options, made, made.opened
        self.wanted = self._hashed(wanted)
        self.steps: list[Step] = []
        self.other = False
        self.before: Snapshot | None = None

    def _hashed(self, wanted: Wanted) -> Wanted:
        """Targets hashed as this repository does (sha256 repositories are rare: compiling assumes sha1)."""
        algorithm = self.repository.algorithm
        if algorithm == "sha1":
            return wanted
        every = {pair: t if t.folder is not None else self.made.fresh([pair], self.options)[pair] for pair, t in wanted.targets.items()}
        return replace(wanted, targets={pair: _rehashed(t, algorithm) for pair, t in every.items()})

    def plan(self, snapshot: Snapshot) -> Changes | None:
        """The commit to make on top of ``snapshot``."""
        try:
            change, self.steps = changes(self.wanted, snapshot, self.repository.algorithm, self.made.locks)
        except Unknown as unknown:
            fresh = self.made.fresh(unknown.pairs, self.options)
            self.wanted = replace(self.wanted, targets={**self.wanted.targets, **fresh})
            change, self.steps = changes(self.wanted, snapshot, self.repository.algorithm, self.made.locks)
        self.before = snapshot
        self.other = change is not None
        if self.steps and self.wanted.source.dirty and not self.location.is_embedded and not self.allow_dirty:
            raise Invalid(
                "expected the workspace to be committed before a build is pushed to a remote repository, found uncommitted changes"
                + (f" in {', '.join(self.state.dirty[:3])}{' …' if len(self.state.dirty) > 3 else ''}" if self.state.dirty else ": it is no Git repository"),
                hint="commit them, or pass --allow-dirty: such a release cannot be promoted",
                code="dirty",
            )
        return change

    def publish(self, diagnostics: tuple[Diagnostic, ...]) -> Result:
        """Commit what differs."""
        published = publish(self.repository, self.plan, deadline=self.options.limits.git_seconds)
        revision = published.revision
        for step in self.steps if revision else ():
            written_folder(step.environment, step.application, step.folder, step.after, self.repository.algorithm, self.made.locks)
        notices = [*self._left(published.snapshot), *_info(published.notices), *_info(self.repository.notices)]
        head = f"committed {revision[:12]} to {self.repository.display}" if revision else "already up to date"
        return self._result(revision, revision is not None, diagnostics, notices, head, 0)

    def compare(self, diagnostics: tuple[Diagnostic, ...], check: bool) -> Result:
        """Say what differs."""
        absent = not self.repository.exists
        snapshot = self.repository.snapshot()
        change = self.plan_quietly(snapshot)
        differs = change is not None
        notices = self._left(snapshot)
        if check:
            head = "differs from the environment repository" if differs else "already up to date"
        else:
            head = "would commit" if differs else "already up to date"
        if absent:
            head += f" ({self.repository.display} does not exist yet)"
        return self._result(None, False, diagnostics, notices, head, 1 if check and (differs or absent) else 0)

    def plan_quietly(self, snapshot: Snapshot) -> Changes | None:
        """The plan, where nothing will be pushed: uncommitted changes don't matter."""
        self.allow_dirty = True
        return self.plan(snapshot)

    def _left(self, snapshot: Snapshot) -> list[Diagnostic]:
        """Environments that are in the repository and no longer in the workspace: untouched, and told."""
        known = self.wanted.workspace.environments
        broken = self.wanted.workspace.broken
        return [
            Diagnostic(
                "warning",
                "environment-left",
                f"environment '{name}' is in the environment repository and not in the workspace; it is left as it is",
                "delete its folder there, once that is meant",
                environment=name,
            )
            for name in snapshot.environments()
            if name not in known and ("Environment", name) not in broken
        ]

    def _result(self, revision: str | None, changed: bool, diagnostics: tuple[Diagnostic, ...], more: list[Diagnostic], head: str, status: int) -> Result:
        every, _ = finished([*diagnostics, *more], replace(self.options, strict=False))
        by_pair = {step.pair: step for step in self.steps}
        details = {pair: self._objects(step) for pair, step in by_pair.items()}
        tables = [self._environment(name, by_pair, details) for name in sorted({e.name for e in self.wanted.environments} | {e for e, _ in by_pair})]
        text = "\n".join([*_lines(self.steps, details), head]) + "\n"
        data = {"revision": revision, "changed": changed, "environments": tables}
        return Result(KIND, data, every, text=text, status=status, sources=self.opened.sources(every))

    def _environment(self, name: str, by_pair: Mapping[Pair, Step], details: Mapping[Pair, Mapping[str, list[Any]]]) -> dict[str, Any]:
        unchanged = [pair for pair in self.wanted.targets if pair[0] == name and pair not in by_pair]
        locks = present(self.before, unchanged, self.made.locks) if self.before else {}
        rows = []
        for environment, application in sorted({*self.wanted.targets, *by_pair}):
            if environment != name:
                continue
            pair = (environment, application)
            target, step, lock = self.wanted.targets.get(pair), by_pair.get(pair), locks.get(pair)
            rows.append(
                {
                    "name": application,
                    "release": step.after.release.id if step else target.release if target else None,
                    "generation": step.after.generation if step else lock.generation if lock else None,
                    "action": step.after.action if step else None,
                    "objects": len(target.objects) if target else 0,
                    **{key: [_object(ref) for ref in details[pair][key]] if step else [] for key in ("created", "changed", "deleted")},
                }
            )
        return {"name": name, "applications": rows}

    def _objects(self, step: Step) -> dict[str, list[ObjectRef]]:
        """Which objects a step creates, changes and deletes."""
        assert self.before is not None
        before = {name: e.oid for name, e in self.before.tree(f"{step.environment}/{step.application}").items() if name != RELEASE_LOCK}
        target = self.wanted.targets.get(step.pair)
        refs = {name: ref for ref, name, _ in (target.objects if target else ())}
        after = step.folder.oids
        gone = [name for name in before if name not in after]
        old = self.before.files(step.environment, step.application) if gone else {}
        return {
            "created": [refs[name] for name in after if name not in before],
            "changed": [refs[name] for name in after if name in before and before[name] != after[name]],
            "deleted": [_ref_in(name, old.get(name, b"")) for name in gone],
        }


def _rehashed(target: Target, algorithm: Any) -> Target:
    assert target.folder is not None
    made = folder(target.folder.files, algorithm)
    return replace(target, folder=made, tree=made.tree)


def _ref_in(name: str, data: bytes) -> ObjectRef:
    """The identity of an object that is in the repository; a file that says none is named by itself."""
    from gitopsc.diagnostics import Diagnostics
    from gitopsc.objects import ref_of
    from gitopsc.spec.documents import read_documents

    documents = read_documents(name, data, Diagnostics())
    return ref_of(documents[0].data) if documents else ObjectRef("", "", "", name)


def _object(ref: ObjectRef) -> dict[str, str | None]:
    return {"group": ref.group, "kind": ref.kind, "namespace": ref.namespace or None, "name": ref.name}


def _info(notices: Iterable[str]) -> list[Diagnostic]:
    return [Diagnostic("info", "notice", text) for text in notices]


def _lines(found: list[Step], details: Mapping[Pair, Mapping[str, list[ObjectRef]]]) -> list[str]:
    """A line a change, and below it what it does to which objects."""
    out = []
    for step in found:
        lock, counts = step.after, details[step.pair]
        version = lock.release.version or lock.release.id
        words = ", ".join(f"{len(counts[key])} {key}" for key in ("created", "changed", "deleted") if counts[key]) or "manifests unchanged"
        out.append(f"{step.environment}: {lock.action} {step.application} {version} (generation {lock.generation}): {words}")
    return out
