"""``HistoryResult`` and ``AuditResult``: a table for people, values for a spreadsheet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gitopsc.report.findings import Paint
from gitopsc.report.redact import line as safe
from gitopsc.report.result import Result
from gitopsc.report.table import Cell, as_csv, table
from gitopsc.report.words import count, some

NAMES = (
    "environment",
    "application",
    "generation",
    "action",
    "release",
    "version",
    "source",
    "commits",
    "revision",
    "time",
    "author",
    "approvers",
    "verdict",
    "applied",
    "signature",
    "reason",
)
"""The columns, in the order of the design."""

_COLOURS = {"verified": "32", "degraded": "31", "rejected": "31", "failed": "31", "good": "32", "bad": "31", "revoked": "31", "expired": "31", "unknown": "2"}
_SIGNED = {"unsigned": "", "unchecked": "signed"}
_SHORT = 12


def rows(result: Result) -> Sequence[Mapping[str, Any]]:
    """The changes of either kind."""
    found: Sequence[Mapping[str, Any]] = result.data.get("entries" if result.kind == "HistoryResult" else "changes", [])
    return found


def past(result: Result, paint: Paint, width: int | None = None) -> Iterator[str]:
    """The lines of either kind."""
    found = rows(result)
    if not found:
        yield "no changes"
        return
    where = result.kind == "AuditResult"
    if not where:
        yield paint(safe(f"{result.data['application']} in {result.data['environment']}"), "1")
    places = ("ENVIRONMENT", "APPLICATION") if where else ()
    head = ("WHEN", *places, "GENERATION", "ACTION", "VERSION", "AUTHOR", "APPROVED BY", "VERDICT", "APPLIED", "SIGNATURE", "COMMITS", "REVISION", "REASON")
    yield from table(head, [[*_cells(one, where=where)] for one in found], paint, width)


def _cells(one: Mapping[str, Any], *, where: bool) -> Iterator[Cell | str]:
    yield str(one["time"]).replace("T", " ").removesuffix("Z")[:16]
    if where:
        yield one["environment"]
        yield one["application"]
    yield str(one["generation"])
    yield one["action"]
    yield str(one["version"] or one["release"])
    yield str(one["author"]).partition(" <")[0]
    yield some(one["approvers"], 3)
    yield Cell(one["verdict"], _COLOURS.get(one["verdict"], ""))
    yield Cell(one["applied"], _COLOURS.get(one["applied"], ""))
    signature = str(one["signature"])
    yield Cell(_SIGNED.get(signature, signature), _COLOURS.get(signature, ""))
    yield _commits(one["commits"])
    yield str(one["revision"])[:_SHORT]
    yield str(one["reason"] or "")


def _commits(commits: Sequence[str]) -> str:
    return commits[0][:_SHORT] if len(commits) == 1 else count(len(commits), "commit") if commits else ""


def past_csv(result: Result) -> str:
    """Every change with every column; several values of one are separated by spaces."""
    return as_csv(NAMES, ({**one, "source": _source(one["source"])} for one in rows(result)))


def _source(source: Mapping[str, Any]) -> str:
    """``https://…/config@6cb95152…``; ``dirty`` where no commit says what was rendered."""
    if source.get("dirty"):
        return "dirty"
    return "@".join(str(part) for part in (source.get("repository"), source.get("commit")) if part)
