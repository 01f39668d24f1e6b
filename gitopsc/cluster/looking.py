"""Reading again what is waited for, by few requests, with what its health must be seen beside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from gitopsc.cluster.discovery import Kinds, Resource
from gitopsc.cluster.health import health
from gitopsc.cluster.inventory import PART_OF
from gitopsc.cluster.objects import get, list_labelled
from gitopsc.cluster.pods import pod_selector
from gitopsc.cluster.problems import Problem
from gitopsc.cluster.transport import Api
from gitopsc.cluster.verdict import Health, text
from gitopsc.objects import ObjectRef

_MANY = 20
_CLAIM = ("", "PersistentVolumeClaim")
_WITH_PODS = frozenset({("apps", kind) for kind in ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet")} | {("batch", "Job")})
Object = Mapping[str, Any]


class Awaiting(Protocol):
    """What is known of an awaited object."""

    live: Object
    generation: int | None


class Looking:
    """Reads for one pass."""

    def __init__(self, api: Api, kinds: Kinds) -> None:
        self.api, self.kinds = api, kinds
        self._classes: list[dict[str, Any]] | None = None

    def read(self, awaited: Sequence[tuple[ObjectRef, Awaiting]]) -> dict[ObjectRef, tuple[Object | None, Health | None]]:
        """Live objects and, where its own fields are not enough, their health. What cannot be read now is left out: it is asked for again."""
        groups: dict[tuple[str, str], list[tuple[ObjectRef, Awaiting]]] = {}
        for ref, one in awaited:
            groups.setdefault(ref[:2], []).append((ref, one))
        out: dict[ObjectRef, Object | None] = {}
        single: list[tuple[ObjectRef, Awaiting]] = []
        for kind, members in groups.items():
            resource = self.kinds.resource(*kind)
            if resource is not None and len(members) > _MANY:
                out |= self._by_list(resource, members)
            else:
                single += members
        answers = self.api.map(self._get, single)
        out |= {ref: answer for (ref, _), answer in zip(single, answers, strict=True) if not isinstance(answer, Problem)}
        return {ref: (live, self._claim(ref, live)) for ref, live in out.items()}

    def _get(self, pair: tuple[ObjectRef, Awaiting]) -> Object | Problem | None:
        ref = pair[0]
        resource = self.kinds.resource(str(pair[1].live.get("apiVersion", "")), ref.kind) or self.kinds.resource(ref.group, ref.kind)
        if resource is None:
            return None
        try:
            return get(self.api, resource, ref.name, ref.namespace)
        except Problem as problem:
            return problem

    def _by_list(self, resource: Resource, members: Sequence[tuple[ObjectRef, Awaiting]]) -> dict[ObjectRef, Object | None]:
        try:
            listed = list_labelled(self.api, resource, PART_OF).items
        except Problem:
            return {}
        there = {(str(one["metadata"].get("namespace") or ""), str(one["metadata"]["name"])): one for one in listed}
        found = {ref: there[ref.namespace, ref.name] for ref, _ in members if (ref.namespace, ref.name) in there}
        rest = [pair for pair in members if pair[0] not in found]
        out: dict[ObjectRef, Object | None] = dict(found)
        for pair, answer in zip(rest, self.api.map(self._get, rest), strict=True):
            if not isinstance(answer, Problem):
                out[pair[0]] = answer
        return out

    def _claim(self, ref: ObjectRef, live: Object | None) -> Health | None:
        """A claim that is not bound: whether it waits for its first consumer."""
        if ref[:2] != _CLAIM or live is None or text(live, "status", "phase") == "Bound":
            return None
        if self._classes is None:
            self._classes = self._listed("storage.k8s.io", "StorageClass")
        return health(live, pods=self._listed("", "Pod", ref.namespace), storage_classes=self._classes)

    def blamed(self, ref: ObjectRef, awaiting: Awaiting) -> Health | None:
        """The health of a workload with the pod that stands in its way; None for what has no pods."""
        if ref[:2] not in _WITH_PODS:
            return None
        selector = pod_selector(awaiting.live)
        pods = self._listed("", "Pod", ref.namespace, selector) if selector else []
        return health(awaiting.live, awaiting.generation, pods=pods) if pods else None

    def _listed(self, group: str, kind: str, namespace: str = "", selector: str = "") -> list[dict[str, Any]]:
        resource = self.kinds.resource(group, kind)
        if resource is None:
            return []
        try:
            return list_labelled(self.api, resource, selector, namespace).items
        except Problem:
            return []
