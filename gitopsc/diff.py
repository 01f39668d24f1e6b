"""``gitopsc diff``: two sides, each compiled, and what differs between their manifests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gitopsc.comparing import Compared, Work, compare
from gitopsc.diagnostics import Diagnostic, Invalid
from gitopsc.options import Options
from gitopsc.presence import Pair
from gitopsc.report.result import Result, empty
from gitopsc.sides import Revisions, Side, asked, revision, working_tree
from gitopsc.spec.discover import find_root
from gitopsc.spec.paths import parse_sets
from gitopsc.targets import check_together
from gitopsc.values import Map, plain
from gitopsc.workspace import finished, selected_environments

KIND = "DiffResult"


def diff(options: Options, revisions: str | None, environment: str | None, between: tuple[str, str] | None, sets: tuple[str, ...]) -> Result:
    """What differs between two revisions of the workspace, or between two environments of the working tree.

    ``sets`` apply to the newer side. Status 1 where there are differences; errors of the newer side stand in the diagnostics, and what could be
    compiled is compared all the same. Raises ``Invalid``, and ``Failure`` where Git fails.
    """
    layer = parse_sets(sets)
    if between is not None:
        if revisions is not None or environment is not None:
            raise Invalid("expected either revisions and --env, or --between, found both", hint="--between compares two environments of the working tree")
        return _between(options, between, layer)
    return _revisions(options, asked(find_root(options.directory), revisions, options), environment, layer)


def _between(options: Options, names: tuple[str, str], layer: Map | None) -> Result:
    side = working_tree(options, names)
    if side.workspace is not None:
        selected_environments(side.workspace, names)
    base, head = names
    applications = sorted({application for _, application in side.targets})
    fine = [a for a in applications if not any(_failed(side, (name, a)) for name in names)]
    work = [Work(a, (base, a) if (base, a) in side.targets else None, (head, a) if (head, a) in side.targets else None) for a in fine]
    compared = compare(side, side, work, layer, options, across_namespaces=True)
    _keep(side)
    return _result(options, side, None, compared, {"base": _said(side, base), "head": _said(side, head)})


def _revisions(options: Options, which: Revisions, environment: str | None, layer: Map | None) -> Result:
    root = find_root(options.directory)
    wanted = [environment] if environment else []
    opened = []
    try:
        if which.head_commit is None:
            head = working_tree(options, wanted)
        else:
            head, files = revision(root, str(which.head), which.head_commit, options, wanted)
            opened.append(files)
        index = head.build.index if head.build else None
        base, files = revision(root, which.base, which.base_commit, options, wanted, index)
        opened.append(files)
        if environment and head.workspace is not None and not any(name == environment for name, _ in (*head.targets, *base.targets)):
            selected_environments(head.workspace, wanted)
        compared = compare(base, head, list(_work(base, head, layer)), layer, options)
        if which.head_commit is None:
            _keep(head, base)
        return _result(options, head, base, compared, {"base": _said(base), "head": _said(head)})
    finally:
        for files in opened:
            files.close()


def _work(base: Side, head: Side, layer: Map | None) -> Iterator[Work]:
    """Every target whose manifests may differ. What failed on the newer side, or may only be unreadable there, is not compared."""
    for pair in sorted({*base.targets, *head.targets}):
        old, new = base.targets.get(pair), head.targets.get(pair)
        if (new is not None and new.failed) or (new is None and not head.is_whole):
            continue
        before = None if old is None or old.failed else pair
        if layer is None and old is not None and new is not None and old.tree == new.tree:
            continue
        yield Work(pair[1], before, None if new is None else pair)


def _failed(side: Side, pair: Pair) -> bool:
    return pair in side.targets and side.targets[pair].failed


def _keep(head: Side, base: Side | None = None) -> None:
    """What was found out serves the next run: a base is what most comparisons of a day begin with."""
    if head.build is not None:
        if base is not None and base.build is not None:
            head.build.adopt(base.build)
        head.build.save()


def _notes(base: Side, head: Side) -> list[Diagnostic]:
    """What is wrong with the older side, told as a note: it is over, and no reason to stop a change that may mend it."""
    if base.build is None and any(d.code == "no-workspace" for d in base.diagnostics):
        return [Diagnostic("info", "no-workspace", f"{base.label} has no workspace in this folder: everything is shown as new")]
    found = [*base.diagnostics, *(d for target in base.targets.values() if target.failed for d in target.diagnostics)]
    errors = [d for d in found if d.severity == "error"]
    notes = [
        Diagnostic("info", d.code, f"at {base.label}: {f'{d.place}: ' if d.place else ''}{d.message}", None, None, d.path, d.environment, d.application)
        for d in errors
    ]
    if errors:
        what = "what could not be compiled there is shown as new" if base.workspace is not None else "everything is shown as new"
        notes.append(Diagnostic("info", "base-errors", f"{base.label} has errors: {what}", "correct them there, or compare with another revision"))
    return notes


def _said(side: Side, environment: str | None = None) -> dict[str, Any]:
    return {"revision": side.revision, "commit": side.commit, "environment": environment}


def _result(options: Options, head: Side, base: Side | None, compared: Compared, sides: dict[str, Any]) -> Result:
    found = [*head.diagnostics, *(d for target in head.targets.values() if target.application not in compared.again for d in target.diagnostics)]
    found += compared.diagnostics
    if base is not None:
        known = {_said_once(d) for d in (*base.diagnostics, *(d for target in base.targets.values() for d in target.diagnostics))}
        found = [d for d in found if d.severity == "error" or _said_once(d) not in known] + _notes(base, head)
    if head.workspace is not None:
        found += check_together(head.workspace, list(head.targets.values()), whole=True)
    diagnostics, _ = finished(found, options)
    sources = head.build.opened.sources(diagnostics) if head.build else {}
    if head.workspace is None:
        return empty(KIND, diagnostics, sources)
    data = {**sides, "changes": [plain(one) for one in compared.changes]}
    return Result(KIND, data, diagnostics, status=1 if compared.changes else 0, sources=sources)


def _said_once(found: Diagnostic) -> tuple[Any, ...]:
    """A finding wherever its lines have gone: a warning that the older side has, too, is none of this change's."""
    return (found.severity, found.code, found.message, found.path, found.place.file if found.place else "", found.application, found.environment)
