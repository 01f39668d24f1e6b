"""Namespaces and kinds that applications of a pass bring, for themselves and for others. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from gitopsc.cluster.plan import ApplicationPlan
from gitopsc.objects import ObjectRef

_DEFINITION = ("apiextensions.k8s.io", "CustomResourceDefinition")


class Coming:
    """What is in the plans."""

    def __init__(self, planned: Iterable[ApplicationPlan]) -> None:
        self._namespaces: dict[str, tuple[str, ObjectRef]] = {}
        self._kinds: dict[tuple[str, str], tuple[str, ObjectRef]] = {}
        for one in planned:
            for wanted in one.target.objects:
                if wanted.ref[:2] == ("", "Namespace"):
                    self._namespaces[wanted.ref.name] = (one.target.application, wanted.ref)
                elif wanted.ref[:2] == _DEFINITION:
                    spec = wanted.data.get("spec") or {}
                    kind = (str(spec.get("group", "")), str((spec.get("names") or {}).get("kind", "")))
                    self._kinds[kind] = (one.target.application, wanted.ref)

    @property
    def namespaces(self) -> frozenset[str]:
        """Names of namespaces that are applied in this pass."""
        return frozenset(self._namespaces)

    @property
    def kinds(self) -> frozenset[tuple[str, str]]:
        """(group, kind) of what CustomResourceDefinitions of this pass define."""
        return frozenset(self._kinds)

    def needs(self, ref: ObjectRef, application: str) -> list[tuple[str, ObjectRef]]:
        """What an object needs that other applications bring: (application, object)."""
        if not self._namespaces and not self._kinds:
            return []
        found = [self._namespaces.get(ref.namespace) if ref.namespace else None, self._kinds.get(ref[:2])]
        return [one for one in found if one is not None and one[0] != application]
