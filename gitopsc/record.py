"""``gitopsc record``: the result of somebody's check of a release, for the gate of an environment."""

from __future__ import annotations

from typing import Any

from gitopsc.choosing import Said
from gitopsc.deciding import Subject, subjects
from gitopsc.judging import noted
from gitopsc.moving import shown
from gitopsc.opening import Environments
from gitopsc.options import Options
from gitopsc.report.result import Result

KIND = "RecordResult"


def record(options: Options, application: str, to: str, said: Said, *, check: str, result: str, url: str | None, dry_run: bool = False) -> Result:
    """Record ``passed`` or ``failed`` in each environment of ``to``. Raises ``Invalid`` where there is no release that is meant, ``Failure``."""
    with subjects(options, application, to, said) as (there, found):
        rows = [_one(there, subject, check, result, url, dry_run=dry_run) for subject in found]
        data: dict[str, Any] = {"changed": not dry_run, "records": rows}
        text = [
            f"{row['environment']}/{application}: {'would record ' if dry_run else ''}{check} {result} for {row['version'] or row['release']}" for row in rows
        ]
        return Result(KIND, data, tuple(there.notices()), text="\n".join(text) + "\n")


def _one(there: Environments, subject: Subject, check: str, result: str, url: str | None, *, dry_run: bool) -> dict[str, Any]:
    lock = subject.lock
    if not dry_run:
        details = {"name": check, "result": result, "url": url}
        noted(there, "check", subject.pair, release=lock.release.id, rendered=lock.rendered, generation=subject.generation, **details)
    return {
        "environment": subject.environment,
        "application": subject.pair[1],
        "release": lock.release.id,
        "version": lock.release.version and shown(lock),
        "check": check,
        "result": result,
        "url": url,
    }
