"""``job`` and what a CronJob adds to it."""

from __future__ import annotations

from gitopsc.render.lower.shape import copy_fields, field
from gitopsc.spec.resolved import Workload
from gitopsc.values import Map

_JOB = {
    "parallelism": "parallelism",
    "completions": "completions",
    "retries": "backoffLimit",
    "timeout": "activeDeadlineSeconds",
    "ttl": "ttlSecondsAfterFinished",
}
_CRON = {"schedule": "schedule", "timeZone": "timeZone", "concurrency": "concurrencyPolicy"}


def job(workload: Workload) -> Map:
    """``{retries, timeout, ttl, parallelism, completions}`` as fields of a Job's spec."""
    out = Map((), workload.spec.place("job"))
    copy_fields(field(workload.spec, "job"), out, _JOB)
    return out


def cron(workload: Workload) -> Map:
    """``{schedule, timeZone, concurrencyPolicy}``."""
    out = Map((), workload.place)
    copy_fields(workload.spec, out, _CRON)
    return out
