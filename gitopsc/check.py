"""``gitopsc check``: every diagnostic of the workspace, nothing written."""

from __future__ import annotations

from gitopsc.diagnostics import Diagnostic
from gitopsc.options import Options
from gitopsc.report.result import Result
from gitopsc.targets import check_together, compile_selected
from gitopsc.workspace import finished


def check(options: Options) -> Result:
    """Everything that ``build`` would find, for every application in every environment. Raises ``Invalid`` where there is no workspace."""
    build = compile_selected(options, (), ())
    opened, summary = build.opened, ""
    found: list[Diagnostic] = [*opened.diagnostics, *(d for target in build.targets for d in target.diagnostics)]
    if opened.workspace is not None:
        found += build.check_templates(options)
        found += check_together(opened.workspace, build.targets, whole=True)
        environments = [e for e in opened.workspace.environments.values() if not e.abstract]
        summary = f"{_count(len(build.every), 'application')} in {_count(len(environments), 'environment')}"
    build.save()
    diagnostics, stop = finished(found, options)
    warnings = sum(d.severity == "warning" for d in diagnostics)
    text = None if stop else f"{summary}: no errors{', ' + _count(warnings, 'warning') if warnings else ''}\n"
    return Result("CheckResult", {}, diagnostics, text=text, sources=opened.sources(diagnostics))


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
