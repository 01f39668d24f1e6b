"""What a pass came to, for those who are not reading its report: events for people, numbers for Prometheus."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gitopsc.alerts.event import Event

if TYPE_CHECKING:
    from gitopsc.agent.metrics import Metrics
    from gitopsc.cluster.drift import Finding
    from gitopsc.cluster.outcome import Report

ENVIRONMENT_WORDS = frozenset({"failed", "stale", "rewritten", "unverified"})
_RESULTS = {0: "converged", 1: "drifted", 2: "invalid", 3: "failed", 4: "conflict"}


@dataclass(frozen=True, slots=True)
class Told:
    """``events``: what is so; ``judged(word, application)``: whether this pass could see that it is not so."""

    events: tuple[Event, ...]
    judged: Callable[[str, str], bool]


def unread(environment: str, word: str, why: str) -> Told:
    """A pass that did not get as far as the applications: the source is ``stale``, its history ``rewritten``, its commit ``unverified``."""
    return Told((Event(word, environment, summary=why),), lambda asked, application: not application and asked == word)


def told(environment: str, reports: Sequence[Report], *, whole: bool = True, cancelled: bool = False) -> Told:
    """What a pass over applications found. ``whole``: over all of the environment, so that applications without a report are gone."""
    by_name = {report.target.application: report for report in reports}

    def judged(word: str, application: str) -> bool:
        if not application:
            return word in ENVIRONMENT_WORDS
        report = by_name.get(application)
        if report is None:
            return whole and not cancelled
        if word == "waiting":  # of the gate, which no pass over a cluster says anything of: who looks at it says whether it could
            return True
        if word == "failed":
            return not cancelled
        if word == "degraded":
            return report.verdict == "verified" or (report.verdict == "degraded" and not cancelled)
        return report.held or not report.troubles

    return Told(tuple(event for report in reports for event in _events(environment, report)), judged)


def together(first: Told, second: Told) -> Told:
    """What both tell; judged is what both could judge."""
    return Told((*first.events, *second.events), lambda word, application: first.judged(word, application) and second.judged(word, application))


def _events(environment: str, report: Report) -> Iterable[Event]:
    name = report.target.application
    if report.troubles:
        first, *_ = messages = tuple(dict.fromkeys(trouble.message for trouble in report.troubles))
        yield Event("failed", environment, name, summary=first, details=messages[1:])
    if report.verdict == "degraded":
        lines = tuple(f"{one.ref}: {one.health.message or one.health.status}" for one in report.unhealthy)
        yield Event("degraded", environment, name, summary=lines[0] if lines else "", details=lines[1:])
    drifted = [finding for finding in report.drift if finding.kind != "contended"]
    if drifted:
        objects = len({finding.ref for finding in drifted})
        how = "left as it is" if report.open else "healed"
        yield Event("drift", environment, name, summary=f"{objects} object{'s' if objects > 1 else ''}, {how}", details=tuple(map(_line, drifted)))
    for finding in report.drift:
        if finding.kind == "contended":
            yield Event("contended", environment, name, f"{finding.ref}: {finding.path or 'the object'}", summary=_line(finding))


def _line(finding: Finding) -> str:
    by = f" by {finding.manager}" if finding.manager else ""
    at = f" at {finding.time}" if finding.time else ""
    return f"{finding.ref}: {finding.path or 'the object'} is {finding.kind}{by}{at}"


def measure(metrics: Metrics, environment: str, reports: Sequence[Report], *, status: int, seconds: float, now: float, cancelled: bool = False) -> None:
    """The numbers after a pass over an environment's applications."""
    metrics.add("gitopsc_reconcile_total", environment=environment, result="cancelled" if cancelled else _RESULTS.get(status, "failed"))
    if status == 0 and not cancelled:
        metrics.set("gitopsc_last_success_timestamp_seconds", now, environment=environment)
    labels = {report.target.application: {"environment": environment, "application": report.target.application} for report in reports}
    for report in reports:
        own = labels[report.target.application]
        metrics.observe("gitopsc_reconcile_duration_seconds", seconds, **own)
        metrics.add("gitopsc_drift_found_total", len(report.drift), **own)
        metrics.add("gitopsc_pruned_total", sum(one.action == "pruned" for one in report.outcomes), **own)
    for name in ("gitopsc_reconcile_duration_seconds", "gitopsc_drift_found_total", "gitopsc_pruned_total"):
        metrics.keep(name, "application", labels)
    metrics.replace("gitopsc_drift", [(labels[r.target.application], _open(r)) for r in reports])
    metrics.replace("gitopsc_release_info", [(_release(r, labels), 1) for r in reports if r.target.present])
    metrics.replace("gitopsc_reconcile_condition", [pair for r in reports for pair in _condition(r, labels)])
    metrics.replace("gitopsc_objects", [pair for r in reports for pair in _healths(r, labels)])


Labels = Mapping[str, Mapping[str, str]]
Series = tuple[Mapping[str, str], float]


def _open(report: Report) -> int:
    return len({finding.ref for finding in report.drift}) if report.open else 0


def _release(report: Report, labels: Labels) -> Mapping[str, str]:
    target = report.target
    return {**labels[target.application], "release": target.release, "version": target.version or "", "verdict": report.verdict}


def _condition(report: Report, labels: Labels) -> list[Series]:
    holds = {"verified": "True", "degraded": "False"}.get(report.verdict, "Unknown")
    own = labels[report.target.application]
    return [({**own, "type": "Ready", "status": status}, float(status == holds)) for status in ("True", "False", "Unknown")]


def _healths(report: Report, labels: Labels) -> list[Series]:
    counts = Counter(one.health.status for one in report.outcomes if one.action != "pruned")
    return [({**labels[report.target.application], "health": health}, count) for health, count in sorted(counts.items())]
