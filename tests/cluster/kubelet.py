"""What a cluster has beside its API server: the controllers that make pods, and a kubelet that only writes down what one would see."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping
from typing import Any

from tests.cluster.player import Player
from tests.kube import ApiServer

CONTROLLERS = ("deployment-controller", "replicaset-controller", "statefulset-controller", "job-controller", "garbage-collector-controller")
BAD = "bad"
"""An image with this in its name cannot be pulled."""


class Controllers:
    """kube-controller-manager, from ``start`` to ``stop``."""

    def __init__(self, server: ApiServer) -> None:
        self.server = server
        self.log = server.home / "kube-controller-manager.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, with the few controllers that the scenarios need."""
        words = [
            str(self.server.folder / "kube-controller-manager"),
            f"--kubeconfig={self.server.kubeconfig}",
            f"--service-account-private-key-file={self.server.home / 'sa.key'}",
            "--leader-elect=false",
            f"--controllers={','.join(CONTROLLERS)}",
            "--secure-port=0",
        ]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(words, stdout=log, stderr=log, cwd=self.server.home)

    def stop(self) -> None:
        """End it."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()


class Kubelet(Player):
    """Binds the pods of a namespace to a node, says that they run (or that their image cannot be pulled), and lets go of those that are deleted."""

    every = 0.1

    def __init__(self, server: ApiServer, namespace: str) -> None:
        self.namespace = namespace
        super().__init__(server)

    def look(self) -> None:
        """At every pod."""
        for pod in self._ask("GET", "")["items"]:
            self._look(pod)

    def _look(self, pod: Mapping[str, Any]) -> None:
        name = pod["metadata"]["name"]
        if pod["metadata"].get("deletionTimestamp"):
            self._ask("DELETE", f"/{name}", {"gracePeriodSeconds": 0})
        elif not pod["spec"].get("nodeName"):
            target = {"apiVersion": "v1", "kind": "Node", "name": "node"}
            self._ask("POST", f"/{name}/binding", {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": name}, "target": target})
        elif not pod["status"].get("containerStatuses"):
            status = _status(pod)
            self.server.ask("PATCH", f"{self._root}/{name}/status", {"status": status}, "application/strategic-merge-patch+json")

    @property
    def _root(self) -> str:
        return f"/api/v1/namespaces/{self.namespace}/pods"

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        return self.server.ask(method, f"{self._root}{path}", body)[1]


def _status(pod: Mapping[str, Any]) -> dict[str, Any]:
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    good = not any(BAD in container["image"] for container in pod["spec"]["containers"])
    state: dict[str, Any] = {"running": {"startedAt": now}}
    if not good:
        image = pod["spec"]["containers"][0]["image"]
        state = {"waiting": {"reason": "ImagePullBackOff", "message": f'Back-off pulling image "{image}"'}}
    statuses = [
        {"name": container["name"], "image": container["image"], "imageID": "", "ready": good, "restartCount": 0, "state": state}
        for container in pod["spec"]["containers"]
    ]
    word = "True" if good else "False"
    conditions = [
        {"type": kind, "status": "True" if kind == "PodScheduled" else word, "lastTransitionTime": now} for kind in ("PodScheduled", "ContainersReady", "Ready")
    ]
    return {"phase": "Running" if good else "Pending", "startTime": now, "containerStatuses": statuses, "conditions": conditions}
