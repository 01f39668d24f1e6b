"""After a pass: what changed is recorded in Git by one push, and what is known is kept in the inventories."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from gitopsc.cluster.inventory import Inventory
from gitopsc.cluster.keeping import remove_inventory, write_inventory
from gitopsc.cluster.outcome import Report, as_finding, as_object
from gitopsc.cluster.problems import Problem
from gitopsc.diagnostics import Conflict, Diagnostic, Failure, Invalid
from gitopsc.passing import Ground, Passed
from gitopsc.repository.record import Record, new_record, written_time
from gitopsc.repository.records import Records

VERDICTS = ("verified", "degraded", "drift")


def write_records(passed: Passed, ground: Ground, records: Records, now: datetime) -> Diagnostic | None:
    """Write down what has changed, in one push. What went wrong, or None; the cluster is as it is either way."""
    if passed.mode == "dry-run":
        return None
    try:
        fresh = records.refresh() is None
        by = ""
        for report in passed.reports:
            if not _may_have_news(report, passed, fresh=fresh):
                continue
            for kind, details in transitions(
                report, records.latest(report.target.application, *VERDICTS, now=now), passed.revision.revision, ground.cluster, now
            ):
                by = by or records.identity()
                records.add(_record(kind, report, by, now, details))
        records.push()
    except (Failure, Conflict, Invalid) as error:
        words = error.message if isinstance(error, Failure | Conflict) else str(error)
        hint = "the cluster is as told; the next pass writes what is missing"
        return Diagnostic("error", "records", f"the records could not be pushed: {words}", hint, None, "", passed.revision.environment)
    return None


def _may_have_news(report: Report, passed: Passed, *, fresh: bool) -> bool:
    """Whether the records must be read at all: what was verified before and is so now has nothing to tell."""
    if not report.target.rendered or report.verdict == "unknown":
        return bool(report.drift) or report.applied
    settled = report.before.verified == report.target.rendered and not report.drift and not report.applied
    return fresh or passed.mode == "warn" or report.verdict == "degraded" or not settled


def transitions(report: Report, last: Record | None, revision: str, cluster: str, now: datetime) -> list[tuple[str, Mapping[str, Any]]]:
    """The records that a report makes after ``last``, the newest verdict: each only where it says something new."""
    target = report.target
    where = {"revision": revision, "cluster": cluster}
    verdict = (last.kind, last.rendered) if last else ("", "")
    gone_long = not target.present and report.before.parent is None and verdict == ("verified", target.rendered)
    out: list[tuple[str, Mapping[str, Any]]] = []
    if report.applied and not gone_long:
        out.append(("applied", where))
    if report.drift and verdict[0] != "drift":
        out.append(("drift", {"objects": [as_finding(one) for one in report.drift], "since": written_time(now)}))
        verdict = ("drift", target.rendered)
    if report.verdict == "verified" and verdict != ("verified", target.rendered):
        out.append(("verified", where))
    elif report.verdict == "degraded" and verdict != ("degraded", target.rendered):
        bad = report.unhealthy
        message = "; ".join(f"{one.ref}: {one.health.message or one.health.status}" for one in bad[:3])
        out.append(("degraded", {**where, "message": message, "objects": [as_object(one.ref) for one in bad]}))
    return out


def _record(kind: str, report: Report, by: str, now: datetime, details: Mapping[str, Any]) -> Record:
    target = report.target
    return new_record(
        kind,
        target.environment,
        target.application,
        release=target.release,
        rendered=target.rendered,
        generation=target.generation,
        by=by,
        now=now,
        details=details,
    )


def keep_inventories(passed: Passed, ground: Ground, *, recorded: bool) -> list[Diagnostic]:
    """Narrow the inventories to what is known now; those of applications that are gone go last of all. What could not be written, as diagnostics."""
    if passed.mode == "dry-run":
        return []
    todo = [report for report in passed.reports if report.keeps]

    def write(report: Report) -> Diagnostic | None:
        inventory = _known(report, recorded=recorded)
        ended = not report.target.present and not inventory.objects
        if ended and inventory.parent is None:
            return None
        try:
            ground.fence()
            if ended:
                remove_inventory(ground.api, ground.kinds, inventory)
            else:
                write_inventory(ground.api, ground.kinds, inventory)
        except (Problem, Conflict) as error:
            name = report.target.application
            message = f"the inventory of {name} could not be written: {error.message}"
            hint = "it names more than there is, which is safe; the next pass narrows it"
            return Diagnostic("error", "inventory", message, hint, None, "", passed.revision.environment, name)
        return None

    return [found for found in ground.api.map(write, todo) if found is not None]


def _known(report: Report, *, recorded: bool) -> Inventory:
    """What the inventory may say: what was not recorded counts as not done, so that the next pass records it."""
    inventory = report.inventory
    if report.applied and not recorded:
        inventory = replace(inventory, rendered=None, revision=report.before.revision)
    if report.verdict == "verified":
        return replace(inventory, verified=report.target.rendered if recorded else None)
    return replace(inventory, verified=None) if report.verdict == "degraded" else inventory
