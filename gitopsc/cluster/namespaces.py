"""The namespaces that targets live in: made where they are missing, never pruned, because nobody wrote them down."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gitopsc.cluster.desired import Target
from gitopsc.cluster.discovery import Resource
from gitopsc.cluster.objects import create, get
from gitopsc.cluster.observe import names_of
from gitopsc.cluster.problems import Problem
from gitopsc.cluster.transport import Api

NAMESPACES = Resource("", "v1", "namespaces", "Namespace", False, frozenset({"get", "list", "create"}))
_FEW = 5


@dataclass(frozen=True, slots=True)
class Namespaces:
    """``ours``: which may be made. ``absent``: those of the pass that are not there. ``labels`` of a new one."""

    ours: frozenset[str]
    absent: frozenset[str]
    labels: Mapping[str, str]

    def missing(self, target: Target, coming: Iterable[str]) -> list[str]:
        """The namespaces to make for a target: those that no manifest brings."""
        needed = {one.ref.namespace for one in target.objects if one.ref.namespace}
        return sorted((needed & self.absent & self.ours) - set(coming))

    def make(self, api: Api, name: str) -> dict[str, Any] | None:
        """Make one; None where somebody was quicker."""
        data = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": dict(self.labels)}}
        try:
            return create(api, NAMESPACES, data)
        except Problem as problem:
            if problem.reason != "AlreadyExists":
                raise
            return None


def absent(api: Api, names: Iterable[str]) -> frozenset[str]:
    """Which of the namespaces are certainly not there. What may not be read counts as there."""
    wanted = sorted(names)
    if len(wanted) > _FEW:
        try:
            there = names_of(api, NAMESPACES)
            return frozenset(name for name in wanted if ("", name) not in there)
        except Problem as problem:
            if not problem.forbidden:
                raise

    def look(name: str) -> bool:
        try:
            return get(api, NAMESPACES, name) is None
        except Problem as problem:
            if not problem.forbidden:
                raise
            return False

    return frozenset(name for name, gone in zip(wanted, api.map(look, wanted), strict=True) if gone)
