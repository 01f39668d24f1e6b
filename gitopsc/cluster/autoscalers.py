"""Which workloads an autoscaler scales: by the manifests of the environment, and by what is in the cluster."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gitopsc.cluster.desired import Target, Wanted
from gitopsc.cluster.discovery import Kinds
from gitopsc.cluster.objects import list_labelled
from gitopsc.cluster.problems import Problem
from gitopsc.cluster.transport import Api
from gitopsc.objects import ObjectRef

KINDS = (("autoscaling", "HorizontalPodAutoscaler"), ("keda.sh", "ScaledObject"))


class Autoscalers:
    """Asked only where ``replicas`` have left a manifest, so what is in the cluster is read late, once a namespace."""

    def __init__(self, api: Api, kinds: Kinds, targets: Iterable[Target]) -> None:
        self._api, self._kinds = api, kinds
        self._wanted = {ref for target in targets for one in target.objects if one.ref[:2] in KINDS for ref in _scaled(one.data)}
        self._live: dict[str, set[ObjectRef]] = {}

    def __call__(self, one: Wanted) -> bool:
        """Whether an autoscaler targets this workload."""
        if one.ref in self._wanted:
            return True
        if one.ref.namespace not in self._live:
            self._live[one.ref.namespace] = self._read(one.ref.namespace)
        return one.ref in self._live[one.ref.namespace]

    def _read(self, namespace: str) -> set[ObjectRef]:
        found: set[ObjectRef] = set()
        for kind in KINDS:
            resource = self._kinds.resource(*kind)
            if resource is None:
                continue
            try:
                for obj in list_labelled(self._api, resource, "", namespace).items:
                    found |= set(_scaled(obj))
            except Problem as problem:
                if not problem.forbidden:
                    raise
        return found


def _scaled(autoscaler: Mapping[str, Any]) -> list[ObjectRef]:
    target = (autoscaler.get("spec") or {}).get("scaleTargetRef") or {}
    version = str(target.get("apiVersion") or "apps/v1")
    namespace = str((autoscaler.get("metadata") or {}).get("namespace") or "")
    return [ObjectRef(version.rpartition("/")[0], str(target.get("kind") or "Deployment"), namespace, str(target.get("name") or ""))]
