"""``gitopsc audit``: every change of every environment, newest first: who, from what, approved by whom, with which outcome."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from gitopsc.auditing import changes, told
from gitopsc.diagnostics import Invalid
from gitopsc.opening import Environments, Pair, opened, unknown
from gitopsc.options import Options
from gitopsc.report.result import Result
from gitopsc.spec.times import duration

KIND = "AuditResult"


def audit(
    options: Options,
    *,
    environments: Sequence[str] = (),
    applications: Sequence[str] = (),
    since: str | None = None,
    limit: int | None = None,
    now: datetime | None = None,
) -> Result:
    """The changes of some environments and applications (none named: all). ``since``: a date, or how long ago.

    Raises ``Invalid`` for names that there are not and times that are none, ``Failure``.
    """
    with opened(options, now=now, writes=False) as there:
        pairs = _pairs(there, environments, applications)
        found = changes(there, pairs, since=None if since is None else _moment(since, there.now), most=limit)
        return Result(KIND, {"changes": told(there, found)}, tuple(there.notices()))


def _pairs(there: Environments, environments: Sequence[str], applications: Sequence[str]) -> list[Pair]:
    known = there.snapshot.environments()
    every = [(name, one) for name in known for one in there.snapshot.applications(name)]
    for name in environments:
        if name not in known:
            raise unknown("environment", name, known, "")
    for name in applications:
        if name not in {one for _, one in every}:
            raise unknown("application", name, sorted({one for _, one in every}), "")
    return [pair for pair in every if (not environments or pair[0] in environments) and (not applications or pair[1] in applications)]


def _moment(text: str, now: datetime) -> datetime:
    """``30d`` ago, or ``2026-11-23``, with a time and a zone or without (UTC)."""
    try:
        return now - duration(text)
    except ValueError:
        pass
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid(f"expected a date or how long ago in --since, found {text!r}", hint="such as 2026-11-23, 2026-11-23T14:00Z or 30d") from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found
