"""The one result model: what every command hands to the formats."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gitopsc.diagnostics import Diagnostic

API_VERSION = "gitopsc.dev/v1alpha1"

_EMPTY: dict[str, dict[str, Any]] = {
    "BuildResult": {"revision": None, "changed": False, "environments": []},
    "DiffResult": {"changes": []},
    "ExplainResult": {"value": None, "places": []},
    "RenderResult": {"objects": []},
    "InstallResult": {"objects": []},
    "ExportResult": {"objects": []},
    "SchemaResult": {"schema": None},
    "TypesResult": {"types": []},
    "ReconcileResult": {"revision": None, "applications": []},
    "BumpResult": {"changed": False, "places": []},
    "InitResult": {"files": []},
    "PromoteResult": {"revision": None, "changed": False, "environments": [], "pullRequest": None, "gate": None},
    "GateResult": {"allowed": False, "conditions": []},
    "ApproveResult": {"changed": False, "approvals": []},
    "RecordResult": {"changed": False, "records": []},
    "RollbackResult": {"revision": None, "changed": False, "environments": [], "pullRequest": None},
    "HoldResult": {"revision": None, "changed": False, "environments": []},
    "ResumeResult": {"revision": None, "changed": False, "environments": []},
    "HistoryResult": {"environment": None, "application": None, "entries": []},
    "AuditResult": {"changes": []},
    "StatusResult": {"environments": []},
    "DecommissionResult": {"revision": None, "changed": False, "environments": []},
    "AdoptResult": {"revision": None, "changed": False, "environments": []},
}


@dataclass(frozen=True, slots=True)
class Result:
    """``kind``: ``BuildResult``, ``CheckResult`` …; ``data``: its fields in JSON, without diagnostics. ``text``: what a person reads,
    where the story prepared it. ``status``: the exit status when no diagnostic is an error (0, or 1 for differences found).
    ``sources``: text of the files that diagnostics point into.
    """

    kind: str
    data: Mapping[str, Any]
    diagnostics: tuple[Diagnostic, ...] = ()
    text: str | None = None
    status: int = 0
    sources: Mapping[str, str] = field(default_factory=dict)


def empty(kind: str, diagnostics: tuple[Diagnostic, ...], sources: Mapping[str, str] | None = None) -> Result:
    """The result of a command that ended early: its kind's fields are there, with nothing in them."""
    return Result(kind, dict(_EMPTY.get(kind, {})), diagnostics, sources=sources or {})
