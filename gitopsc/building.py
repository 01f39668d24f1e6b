"""The build proper: specs → manifests → validated → committed to the environment repository, or nothing at all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from gitopsc.diagnostics import Diagnostic
from gitopsc.options import Options
from gitopsc.plan import Wanted
from gitopsc.proceeding import KIND, Allowed, Proceeding
from gitopsc.report.result import Result, empty
from gitopsc.repository.location import Location, embedded, named, written
from gitopsc.repository.locks import Source
from gitopsc.repository.source import Branch, SourceState, source_state
from gitopsc.repository.store import open_repository
from gitopsc.spec.discover import find_root
from gitopsc.spec.kinds import Workspace, as_names
from gitopsc.targets import Build, check_together, compile_selected
from gitopsc.unchanged import git_folder, head_of, record
from gitopsc.values import Map
from gitopsc.workspace import Opened, finished, selected_environments


@dataclass(frozen=True, slots=True)
class Asked:
    """The words of the command. ``check`` and ``dry_run`` write nothing; with ``check`` a difference is status 1. ``rerender``: environments
    of later stages that are rendered anew.
    """

    environments: tuple[str, ...]
    applications: tuple[str, ...]
    check: bool = False
    dry_run: bool = False
    allow_dirty: bool = False
    allow_older: bool = False
    rerender: tuple[str, ...] = ()


def build_all(options: Options, asked: Asked) -> Result:
    """Compile, compare, commit. Raises ``Invalid``, ``Failure`` where Git or the disk fails, ``Conflict`` where another writer was first."""
    environments = tuple(dict.fromkeys([*asked.environments, *asked.rerender])) if asked.environments else ()
    head = head_of(find_root(options.directory))
    made = compile_selected(options, environments, asked.applications, staged=True)
    opened, workspace = made.opened, made.opened.workspace
    found = [*opened.diagnostics, *(d for t in made.targets for d in t.diagnostics)]
    if workspace is None:
        return _stopped(opened, found, options)
    partial = {environment for environment, _ in made.inputs}
    diagnostics, stop = finished([*found, *check_together(workspace, made.targets, whole=not asked.applications, partial=partial)], options)
    if stop:
        return _stopped(opened, diagnostics, options)
    selected_environments(workspace, asked.rerender)
    chosen = selected_environments(workspace, environments)
    state = _source(made, options)
    wanted = Wanted(
        workspace=workspace,
        environments=tuple(chosen),
        targets={(t.environment, t.application): t for t in made.targets},
        source=Source(dirty=True) if state.is_dirty else Source(state.repository, state.commit),
        branch=Branch(str(workspace.spec.get("defaultBranch") or "main"), is_here=True),
        removed_from=() if asked.applications else tuple(e.name for e in chosen),
        every=made.every,
        inputs=made.inputs,
        rerender=frozenset(asked.rerender),
    )
    writes = not (asked.check or asked.dry_run)
    location = location_of(options, workspace, opened)
    with open_repository(
        location,
        root=opened.root,
        workspace=workspace.name,
        environ=options.environ,
        create=writes,
        deadline=options.limits.git_seconds,
        sign=options.sign,
    ) as repository:
        done = Proceeding(wanted, repository, location, state, Allowed(asked.allow_dirty, asked.allow_older), options, made)
        result = done.publish(diagnostics) if writes else done.compare(diagnostics, asked.check)
    made.save()
    if done.settled and (writes or not done.other):
        tip = result.data["revision"] or (done.before.revision if done.before else None)
        _remember(options, (asked.environments, asked.applications), made, location, result, tip, head if wanted.source.dirty else None)
    return result


def _remember(
    options: Options,
    words: tuple[tuple[str, ...], tuple[str, ...]],
    made: Build,
    location: Location,
    result: Result,
    tip: str | None,
    head: str | None,
) -> None:
    """Everything is in place: say so at once next time, if nothing has changed."""
    git = git_folder(Path(location.target)) if location.kind != "url" else None
    lasting = replace(result, diagnostics=tuple(d for d in result.diagnostics if d.severity != "info"))
    beside = {path for target in made.targets for path in target.sources} - set(made.sources.records)
    beside |= made.read_beside() | made.read_for_inputs
    record(
        options,
        made.opened.root,
        words,
        as_names(made.opened.workspace.spec.get("exclude")) if made.opened.workspace else (),
        made.sources.listed,
        beside,
        None if git is None else (git, location.branch),
        lasting,
        tip=tip,
        head=head,
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
    inputs: dict[str, bytes | str | None] = {path: record[3] for path, record in made.sources.records.items()}
    inputs |= {path: None for target in made.targets for path in target.sources}
    inputs |= dict.fromkeys(made.read_for_inputs)
    return source_state(made.opened.root, inputs, environ=options.environ)
