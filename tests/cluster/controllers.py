"""Played controllers: whoever writes the status of Deployments and load balancers, where no real controller is needed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.cluster.player import Player
from tests.kube import ApiServer

STAMP = "2026-01-01T00:00:00Z"
REASONS = (("Available", "MinimumReplicasAvailable"), ("Progressing", "NewReplicaSetAvailable"))


class Rollouts(Player):
    """Says of every Deployment of a namespace that it is rolled out, as soon as it is asked for; gives load balancers an address."""

    def __init__(self, server: ApiServer, namespace: str) -> None:
        self.path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
        self.services = f"/api/v1/namespaces/{namespace}/services"
        super().__init__(server)

    def look(self) -> None:
        """Finish what is new."""
        for one in self.server.ask("GET", self.path)[1]["items"]:
            if one["status"].get("observedGeneration") != one["metadata"]["generation"]:
                self._finish(one)
        for one in self.server.ask("GET", self.services)[1]["items"]:
            if one["spec"].get("type") == "LoadBalancer" and not one["status"]["loadBalancer"].get("ingress"):
                status = {"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}}
                self.server.ask("PATCH", f"{self.services}/{one['metadata']['name']}/status", status, "application/merge-patch+json")

    def _finish(self, one: Mapping[str, Any]) -> None:
        replicas = one["spec"].get("replicas", 1)
        conditions = [
            {"type": kind, "status": "True", "reason": reason, "message": "", "lastUpdateTime": STAMP, "lastTransitionTime": STAMP} for kind, reason in REASONS
        ]
        counts = dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), replicas)
        status = {"observedGeneration": one["metadata"]["generation"], **counts, "conditions": conditions}
        url = f"{self.path}/{one['metadata']['name']}/status?fieldManager=kube-controller-manager"
        self.server.ask("PATCH", url, {"status": status}, "application/merge-patch+json")
