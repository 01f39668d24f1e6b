"""What a pass has done, object by object and application by application. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from gitopsc.cluster.desired import Target
from gitopsc.cluster.drift import Finding
from gitopsc.cluster.inventory import Inventory
from gitopsc.cluster.trouble import Trouble
from gitopsc.cluster.verdict import CURRENT, Health
from gitopsc.objects import ObjectRef

Action = Literal["created", "configured", "unchanged", "pruned", "recreated", "skipped", "blocked", "failed"]
Verdict = Literal["verified", "degraded", "unknown"]
_ORDER = (2, 4, 3, 1)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One object. In a dry run ``action`` is what would be done."""

    ref: ObjectRef
    action: Action
    message: str = ""
    health: Health = CURRENT


@dataclass(frozen=True, slots=True)
class Picture:
    """One object as it is and as it would be, without status and bookkeeping; None where it is not there."""

    ref: ObjectRef
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Report:
    """One application after a pass. ``applied``: this tree was brought into the cluster now. ``drift`` is what was found, ``open``: whether
    any of it is still there. ``before`` is the inventory as it was read, ``inventory`` what is known now; ``keeps``: whether it may be written.
    ``pictures``: in a dry run, what changes. ``held``: what Git has now may not come, and what was applied last was looked at in its place.
    """

    target: Target
    verdict: Verdict
    outcomes: tuple[Outcome, ...]
    drift: tuple[Finding, ...]
    open: bool
    troubles: tuple[Trouble, ...]
    warnings: tuple[str, ...]
    status: int
    applied: bool
    before: Inventory
    inventory: Inventory
    keeps: bool = False
    pictures: tuple[Picture, ...] = ()
    held: bool = False

    @property
    def unhealthy(self) -> list[Outcome]:
        """The objects that are not current."""
        return [one for one in self.outcomes if one.health.status in ("failed", "in-progress", "terminating")]


def first_status(statuses: Iterable[int]) -> int:
    """The exit status of several: the first of 2, 4, 3, 1 that is there, else 0."""
    there = set(statuses)
    return next((status for status in _ORDER if status in there), 0)


def as_object(ref: ObjectRef) -> dict[str, Any]:
    """An object as results name it."""
    return {"group": ref.group, "kind": ref.kind, "namespace": ref.namespace or None, "name": ref.name}


def as_finding(one: Finding) -> dict[str, Any]:
    """Drift as results and records say it."""
    return {"object": as_object(one.ref), "kind": one.kind, "path": one.path, "manager": one.manager, "time": one.time}
