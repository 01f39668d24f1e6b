"""A pass, as its result: JSON for programs, lines for people, and what both must hear of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gitopsc.cluster.outcome import Outcome, Report, as_finding, as_object, first_status
from gitopsc.cluster.trouble import Trouble
from gitopsc.diagnostics import Diagnostic
from gitopsc.passing import Ground, Passed
from gitopsc.report.result import Result

KIND = "ReconcileResult"


def result_of(passed: Passed, problems: Sequence[Diagnostic], ground: Ground) -> Result:
    """The result of a pass. ``problems``: what could not be written down after it (status 3)."""
    revision = passed.revision
    diagnostics = [*ground.api.connection.warnings, *ground.kinds.warnings, *revision.warnings, *passed.diagnostics, *problems]
    diagnostics += [Diagnostic("warning", "server-warning", text, None, None, "", revision.environment) for text in ground.api.warnings]
    diagnostics += [one for report in passed.reports for one in _diagnostics(report)]
    data = {"revision": revision.revision, "applications": [_row(report) for report in passed.reports]}
    status = first_status([passed.status, *(3 for _ in problems)])
    return Result(KIND, data, tuple(diagnostics), text="".join(f"{line}\n" for line in lines(passed)), status=status)


def _diagnostics(report: Report) -> Iterator[Diagnostic]:
    target = report.target
    for one in report.troubles:
        yield _diagnostic(one, target.environment, target.application)
    for warning in report.warnings:
        yield Diagnostic("warning", "reconcile", warning, None, None, "", target.environment, target.application)


def _diagnostic(one: Trouble, environment: str, application: str) -> Diagnostic:
    return Diagnostic("error" if one.status > 1 else "warning", one.code, one.message, one.hint, None, "", environment, application)


def _row(report: Report) -> Mapping[str, Any]:
    outcomes = [{"object": as_object(one.ref), "action": one.action, "message": one.message, "health": one.health.status} for one in report.outcomes]
    return {
        "name": report.target.application,
        "verdict": report.verdict,
        "outcomes": outcomes,
        "drift": [as_finding(one) for one in report.drift],
        "release": report.target.release,
        "generation": report.target.generation,
    }


def lines(passed: Passed) -> Iterator[str]:
    """What a person reads: every object that is not simply unchanged, the drift that was found, and a line an application."""
    for report in passed.reports:
        name = report.target.application
        for finding in report.drift:
            by = f" by {finding.manager}" if finding.manager else ""
            at = f" at {finding.time}" if finding.time else ""
            yield f"{name}: drift: {finding.ref}: {finding.path or 'the object'} {finding.kind}{by}{at}"
        for one in report.outcomes:
            if one.action != "unchanged" or not one.health.is_current:
                yield f"{name}: {_line(one, dry_run=passed.mode == 'dry-run')}"
        yield f"{name}: {_summary(report, dry_run=passed.mode == 'dry-run')}"


def _line(one: Outcome, *, dry_run: bool) -> str:
    action = f"would be {one.action}" if dry_run and one.action not in ("unchanged", "failed", "blocked") else one.action
    said = f": {one.message}" if one.message else ""
    state = "" if one.health.status in ("current", "unknown") or dry_run else f" ({one.health.status})"
    return f"{one.ref} {action}{state}{said}"


def _summary(report: Report, *, dry_run: bool) -> str:
    counts: dict[str, int] = {}
    for one in report.outcomes:
        counts[one.action] = counts.get(one.action, 0) + 1
    said = ", ".join(f"{count} {action}" for action, count in counts.items()) or "nothing to do"
    return f"{said} (nothing was changed)" if dry_run else f"{report.verdict}: {said}"
