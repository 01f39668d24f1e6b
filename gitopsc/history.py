"""``gitopsc history``: every change of one application in one environment, newest first."""

from __future__ import annotations

from datetime import datetime

from gitopsc.auditing import changes, told
from gitopsc.opening import opened
from gitopsc.options import Options
from gitopsc.report.result import Result

KIND = "HistoryResult"


def history(options: Options, environment: str, application: str, *, limit: int | None = None, now: datetime | None = None) -> Result:
    """Who changed it, from which source, with which verdict.

    Raises ``Invalid`` for a name that there is not, ``Failure``.
    """
    with opened(options, now=now, writes=False) as there:
        there.lock(environment, application)
        entries = told(there, changes(there, [(environment, application)], most=limit))
        return Result(KIND, {"environment": environment, "application": application, "entries": entries}, tuple(there.notices()))
