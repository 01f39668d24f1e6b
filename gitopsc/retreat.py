"""``reconcile.rollback: true``: a release that fails where it was never well is rolled back, by a commit as a person would make it."""

from __future__ import annotations

from collections.abc import Sequence

from gitopsc.cluster.outcome import Report
from gitopsc.diagnostics import Conflict, Diagnostic, Failure, Invalid
from gitopsc.opening import opened
from gitopsc.options import Options
from gitopsc.rollback import rollback


def take_back(options: Options, environment: str, reports: Sequence[Report]) -> list[Diagnostic]:
    """Roll back every application that failed; what was done, and what could not be. The next pass applies it.

    What was verified once and is not well today is not the release's fault, and a rollback that fails is a person's matter: both are left.
    """
    failed = [report for report in reports if report.verdict == "degraded" and report.target.present]
    return [one for report in failed for one in _one(options, environment, report)]


def _one(options: Options, environment: str, report: Report) -> list[Diagnostic]:
    target = report.target
    name, generation = target.application, target.generation
    try:
        if not _is_new(options, environment, name, target.rendered):
            return []
        bad = report.unhealthy
        reason = f"{bad[0].ref}: {bad[0].health.message or bad[0].health.status}" if bad else "it did not become healthy"
        done = rollback(options, environment, name, to=None, reason=reason, undo=False, only=generation)
    except Invalid as error:
        found = error.diagnostics[0]
        return [Diagnostic("warning", found.code, f"{name} was not rolled back: {found.message}", found.hint, None, "", environment, name)]
    except (Failure, Conflict) as error:
        return [Diagnostic("error", "rollback", f"{name} was not rolled back: {error.message}", error.hint, None, "", environment, name)]
    if not done.data["changed"]:
        return []
    message = f"{name} was rolled back, since {target.version or target.release} failed: {reason}"
    return [Diagnostic("warning", "rolled-back", message, "the next pass applies it", None, "", environment, name)]


def _is_new(options: Options, environment: str, application: str, rendered: str) -> bool:
    """Whether these manifests were never verified here, and are what nobody has rolled back to."""
    with opened(options) as there:
        lock = there.lock(environment, application)
        known = there.records(environment, application)
        return lock.action != "rollback" and not any(one.kind == "verified" and one.rendered == rendered for one in known)
