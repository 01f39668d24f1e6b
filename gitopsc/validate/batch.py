"""Rules of Job and CronJob: completion, cron expressions, time zones."""

from __future__ import annotations

import functools
import re
from typing import Any

from gitopsc.validate.finding import Subject, shown
from gitopsc.validate.pods import containers_of
from gitopsc.values import Path

_DESCRIPTORS = frozenset({"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"})
_EVERY = re.compile(r"@every (?:[0-9]+(?:\.[0-9]*)?(?:ns|us|µs|ms|s|m|h))+\Z")
_MONTHS = {name: index for index, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)}
_DAYS = {name: index for index, name in enumerate("sun mon tue wed thu fri sat".split())}
_FIELDS: tuple[tuple[str, int, int, dict[str, int]], ...] = (
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day of the month", 1, 31, {}),
    ("month", 1, 12, _MONTHS),
    ("day of the week", 0, 6, _DAYS),
)
_ZONE = re.compile(r"[A-Za-z0-9_+-]+(?:/[A-Za-z0-9_+-]+)*\Z")


def check_job(subject: Subject) -> None:
    """A Job's own fields."""
    _check_job_spec(subject, subject.data.get("spec") or {}, ("spec",))


def check_cron_job(subject: Subject) -> None:
    """Schedule, time zone and the job template of a CronJob."""
    spec = subject.data.get("spec") or {}
    schedule = spec.get("schedule")
    if isinstance(schedule, str):
        wrong = cron_mistake(schedule)
        if wrong:
            hint = "five fields: minute hour day-of-month month day-of-week"
            subject.error("wrong-cron", ("spec", "schedule"), f"expected a cron expression, found {shown(schedule)}: {wrong}", hint)
    zone = spec.get("timeZone")
    if isinstance(zone, str) and not is_time_zone(zone):
        subject.error("wrong-timezone", ("spec", "timeZone"), f"expected a name of the IANA time zone database such as Europe/Oslo, found {shown(zone)}")
    job = ((spec.get("jobTemplate") or {}).get("spec")) or {}
    path: Path = ("spec", "jobTemplate", "spec")
    if job.get("manualSelector"):
        subject.error("one-of", (*path, "manualSelector"), "expected none: the jobs of a CronJob select by themselves")
    _check_job_spec(subject, job, path)


def _check_job_spec(subject: Subject, spec: dict[str, Any], path: Path) -> None:
    if spec.get("selector") and not spec.get("manualSelector"):
        subject.error("one-of", (*path, "selector"), "expected no selector: a Job selects its own pods")
    indexed = spec.get("completionMode") == "Indexed"
    if indexed and spec.get("completions") is None and spec.get("parallelism") is not None:
        subject.error("missing-field", (*path, "completions"), "expected completions beside completionMode: Indexed, found none")
    completions, failed = spec.get("completions"), spec.get("maxFailedIndexes")
    if isinstance(completions, int) and isinstance(failed, int) and failed > completions:
        subject.error("out-of-range", (*path, "maxFailedIndexes"), f"expected at most completions ({completions}), found {failed}")
    if spec.get("maxFailedIndexes") is not None and spec.get("backoffLimitPerIndex") is None:
        subject.error("missing-field", (*path, "backoffLimitPerIndex"), "expected it beside maxFailedIndexes, found none")
    for name in ("backoffLimitPerIndex", "maxFailedIndexes", "successPolicy"):
        if spec.get(name) is not None and not indexed:
            subject.error("one-of", (*path, name), "expected completionMode: Indexed beside it")
    if spec.get("podFailurePolicy"):
        _check_failure_policy(subject, spec, path)


def _check_failure_policy(subject: Subject, spec: dict[str, Any], path: Path) -> None:
    pod = (spec.get("template") or {}).get("spec") or {}
    if pod.get("restartPolicy") != "Never":
        subject.error("one-of", (*path, "podFailurePolicy"), "expected restartPolicy: Never in the pod template beside it")
    if spec.get("podReplacementPolicy") == "TerminatingOrFailed":
        subject.error("one-of", (*path, "podReplacementPolicy"), "expected Failed beside podFailurePolicy, found 'TerminatingOrFailed'")
    names = {container.get("name") for container, _, _ in containers_of(pod, ())}
    for index, rule in enumerate(spec["podFailurePolicy"].get("rules") or ()):
        codes = rule.get("onExitCodes")
        if not codes:
            continue
        where = (*path, "podFailurePolicy", "rules", index, "onExitCodes")
        if codes.get("containerName") is not None and codes["containerName"] not in names:
            subject.error("wrong-name", (*where, "containerName"), f"expected a container of the pod, found {shown(codes['containerName'])}")
        values = codes.get("values") or []
        if not values:
            subject.error("missing-value", (*where, "values"), "expected at least one exit code, found none")
        elif 0 in values and codes.get("operator") == "In":
            subject.error("out-of-range", (*where, "values", values.index(0)), "expected a code other than 0 with operator In: 0 is no failure")


@functools.lru_cache(maxsize=1024)
def cron_mistake(schedule: str) -> str | None:
    """What is wrong with a cron expression, in words; None for a right one."""
    if schedule.startswith(("TZ=", "CRON_TZ=")):
        return "the time zone belongs in timeZone"
    if schedule.startswith("@"):
        return None if schedule in _DESCRIPTORS or _EVERY.match(schedule) else "no such @word"
    fields = schedule.split()
    if len(fields) != len(_FIELDS):
        return f"it has {len(fields)} fields instead of 5"
    for text, (name, low, high, words) in zip(fields, _FIELDS, strict=True):
        for part in text.split(","):
            wrong = _part_mistake(part, low, high, words)
            if wrong:
                return f"{wrong} in the field for the {name}"
    return None


def _part_mistake(part: str, low: int, high: int, words: dict[str, int]) -> str | None:
    spread, slash, step = part.partition("/")
    if slash and (not step.isascii() or not step.isdigit() or int(step) == 0):
        return f"{shown(step)} is no step"
    if spread in ("*", "?"):
        return None
    ends = spread.split("-")
    if len(ends) > 2:
        return f"{shown(spread)} is no range"
    numbers = [words.get(end.lower(), int(end) if end.isascii() and end.isdigit() and len(end) < 5 else -1) for end in ends]
    for end, number in zip(ends, numbers, strict=True):
        if not low <= number <= high:
            return f"{shown(end)} is not from {low} to {high}"
    return f"{shown(spread)} runs backwards" if numbers[0] > numbers[-1] else None


@functools.lru_cache(maxsize=1024)
def is_time_zone(name: str) -> bool:
    """Whether the IANA database has a zone of this name."""
    import zoneinfo

    if not _ZONE.match(name) or name.lower() == "local":
        return False
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
