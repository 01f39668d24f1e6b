"""``gitopsc status``: which release is where, since when, what is known of it, what comes next and what stands in its way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from gitopsc.delivery.pipeline import pipeline_for
from gitopsc.diagnostics import Diagnostic
from gitopsc.opening import Environments, opened
from gitopsc.options import Options
from gitopsc.report.result import Result
from gitopsc.standing import Next, Standing, standings

KIND = "StatusResult"


def status(options: Options, environment: str | None, application: str | None, *, now: datetime | None = None) -> Result:
    """Read the environment repository and its records; no workspace is needed, and nothing is written.

    Raises ``Invalid`` for a name that there is not, ``Failure`` where the repository cannot be read.
    """
    with opened(options, now=now, writes=False) as there:
        found, wrong = standings(there, environment, application)
        data = {
            "time": _time(there.now),
            "revision": there.snapshot.revision,
            "environments": [{"name": name, "applications": rows} for name, rows in _rows(there, found).items()],
        }
        return Result(KIND, data, (*wrong, *(one for standing in found for one in _warnings(standing)), *there.notices()))


def _rows(there: Environments, found: Iterable[Standing]) -> dict[str, list[dict[str, Any]]]:
    rows: dict[str, list[dict[str, Any]]] = {}
    for standing in found:
        rows.setdefault(standing.environment, []).append(_row(there, standing))
    return rows


def _row(there: Environments, standing: Standing) -> dict[str, Any]:
    lock, record = standing.lock, standing.verdict.record
    return {
        "name": standing.application,
        "release": lock and lock.release.id,
        "version": lock and lock.release.version,
        "state": lock and lock.release.state,
        "generation": lock and lock.generation,
        "action": lock and lock.action,
        "since": _time(standing.since),
        "verdict": standing.verdict.word,
        "judged": _time(standing.verdict.since),
        "reason": None if record is None else _reason(record.details),
        "drift": standing.drift and {"since": _time(standing.drift.time), "objects": standing.drift.details["objects"]},
        "hold": lock and lock.hold and {"reason": lock.hold.reason, "by": lock.hold.by},
        "edited": standing.edited,
        "reverted": standing.taken_back,
        "next": standing.next and _next(there, standing, standing.next),
    }


def _reason(details: Mapping[str, Any]) -> str | None:
    said = details.get("message") or details.get("reason")
    return said if isinstance(said, str) else None


def _next(there: Environments, standing: Standing, coming: Next) -> dict[str, Any]:
    pipeline = pipeline_for(there.pipelines(), standing.application)
    stage = None if pipeline is None else pipeline.stage_of(standing.environment)
    return {
        "release": coming.lock.release.id,
        "version": coming.lock.release.version,
        "from": coming.origin,
        "allowed": not coming.conditions,
        "blockedBy": [condition.name for condition in coming.conditions],
        "conditions": [condition.plain() for condition in coming.conditions],
        "promote": stage and stage.promote,
        "command": f"gitopsc promote {standing.application} --to {standing.environment} --release {coming.lock.release.id}",
    }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def _warnings(standing: Standing) -> list[Diagnostic]:
    """What a person should look at, and the command that does something about it."""
    lock, where = standing.lock, f"{standing.environment} {standing.application}"
    if lock is None:
        return []
    out = []
    if standing.taken_back is not None:
        message = f"generation went back from {standing.taken_back} to {lock.generation}: somebody has reverted a commit"
        out.append(_warning(standing, "reverted", message, f"gitopsc adopt {where} makes the lock say so, and holds it"))
    if standing.edited:
        message = "the manifests are not those that the lock names: somebody has edited or merged them by hand"
        out.append(_warning(standing, "edited", message, f"gitopsc adopt {where} keeps them; a build or a promotion replaces them"))
    for upstream in standing.bad_in:
        message = f"{lock.release.version or lock.release.id} runs here and was rejected in {upstream}"
        out.append(_warning(standing, "rejected-upstream", message, f"gitopsc rollback {where}"))
    return out


def _warning(standing: Standing, code: str, message: str, hint: str) -> Diagnostic:
    return Diagnostic("warning", code, message, hint, None, "", standing.environment, standing.application)
