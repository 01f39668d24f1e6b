"""The namespaces that targets live in: made where they are missing, never pruned, because nobody wrote them down."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gitopsc.cluster.desired import Target
from gitopsc.cluster.discovery import Resource
from gitopsc.cluster.objects import create, get, list_labelled
from gitopsc.cluster.problems import Problem
from gitopsc.cluster.transport import Api

NAMESPACES = Resource("", "v1", "namespaces", "Namespace", False, frozenset({"get", "list", "create"}))
_FEW = 5


@dataclass(frozen=True, slots=True)
class Namespaces:
    """``ours``: which may be made. ``absent``: those of the pass that are not there; ``going``: those that are being deleted, which are absent
    soon. ``labels`` of a new one.
    """

    ours: frozenset[str]
    absent: set[str]
    going: set[str]
    labels: Mapping[str, str]

    def refresh(self, api: Api) -> None:
        """Look again whether what is being deleted is gone."""
        for name in sorted(self.going):
            try:
                found = get(api, NAMESPACES, name)
            except Problem:
                continue  # asked for again soon
            if found is None:
                self.absent.add(name)
            if found is None or not found["metadata"].get("deletionTimestamp"):
                self.going.discard(name)

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


def looked_up(api: Api, names: Iterable[str]) -> tuple[set[str], set[str]]:
    """Which of the namespaces are certainly not there, and which are being deleted. What may not be read counts as there. Raises Problem."""
    wanted = sorted(names)
    if len(wanted) > _FEW:
        try:
            return _by_list(api, wanted)
        except Problem as problem:
            if not problem.forbidden:
                raise

    def look(name: str) -> str:
        try:
            found = get(api, NAMESPACES, name)
        except Problem as problem:
            if not problem.forbidden:
                raise
            return "there"
        return "absent" if found is None else "going" if found["metadata"].get("deletionTimestamp") else "there"

    found = dict(zip(wanted, api.map(look, wanted), strict=True))
    return {name for name, state in found.items() if state == "absent"}, {name for name, state in found.items() if state == "going"}


def _by_list(api: Api, wanted: Iterable[str]) -> tuple[set[str], set[str]]:
    there = {str(one["metadata"]["name"]): bool(one["metadata"].get("deletionTimestamp")) for one in list_labelled(api, NAMESPACES).items}
    return {name for name in wanted if name not in there}, {name for name in wanted if there.get(name)}
