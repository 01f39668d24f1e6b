"""``gitopsc check``: every diagnostic of the workspace, nothing written."""

from __future__ import annotations

from gitopsc.diagnostics import Diagnostic
from gitopsc.options import Options
from gitopsc.report.result import Result
from gitopsc.targets import check_collisions, compile_all
from gitopsc.workspace import finished, open_folder


def check(options: Options) -> Result:
    """Everything that ``build`` would find, for every application in every environment. Raises ``Invalid`` where there is no workspace."""
    opened = open_folder(options)
    found: list[Diagnostic] = list(opened.diagnostics)
    summary = ""
    if opened.workspace is not None:
        workspace = opened.workspace
        environments = [name for name, e in workspace.environments.items() if not e.abstract]
        names = sorted(name for name in workspace.applications if ("Application", name) not in workspace.broken)
        targets = compile_all(opened, [(name, environments) for name in names], options)
        found += [d for target in targets for d in target.diagnostics]
        found += check_collisions(workspace, targets)
        summary = f"{_count(len(names), 'application')} in {_count(len(environments), 'environment')}"
    diagnostics, stop = finished(found, options)
    warnings = sum(d.severity == "warning" for d in diagnostics)
    text = None if stop else f"{summary}: no errors{', ' + _count(warnings, 'warning') if warnings else ''}\n"
    return Result("CheckResult", {}, diagnostics, text=text, sources=opened.sources(diagnostics))


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
