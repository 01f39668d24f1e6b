"""Scenarios 39 to 42: health of objects as the real server keeps them. The tests write the status; the server fills in the rest."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

import pytest

from gitopsc.cluster.health import health, vanished
from gitopsc.cluster.verdict import Health
from tests.kube import ApiServer
from tests.waiting import until

pytestmark = pytest.mark.cluster

TEMPLATE: dict[str, Any] = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "web", "image": "example.com/web:1"}]}}
DEPLOYMENT = {"replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "template": TEMPLATE}


class Live:
    """One object on the server."""

    def __init__(self, server: ApiServer, path: str, body: Mapping[str, Any]) -> None:
        self.server = server
        status, made = server.ask("POST", path, body)
        assert status == 201, made
        self.path = f"{path}/{made['metadata']['name']}"
        self.object: dict[str, Any] = made

    def write(self, fields: Mapping[str, Any], subresource: str = "/status") -> None:
        """A merge patch, as a controller (or, with no subresource, a person) sends it."""
        status, self.object = self.server.ask("PATCH", f"{self.path}{subresource}", fields, "application/merge-patch+json")
        assert status == 200, self.object

    def status(self, **fields: Any) -> Health:
        """Write the status; what health says then."""
        self.write({"status": fields})
        return health(self.object)

    @property
    def generation(self) -> int:
        return int(self.object["metadata"]["generation"])


@pytest.fixture
def namespace(api_server: ApiServer) -> str:
    name = f"health-{uuid.uuid4().hex[:8]}"
    status, said = api_server.ask("POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    assert status == 201, said
    return name


def made(server: ApiServer, namespace: str, version: str, kind: str, plural: str, spec: Mapping[str, Any]) -> Live:
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    return Live(server, f"{root}/namespaces/{namespace}/{plural}", {"apiVersion": version, "kind": kind, "metadata": {"name": "web"}, "spec": spec})


def condition(kind: str, status: str, reason: str) -> dict[str, Any]:
    return {"type": kind, "status": status, "reason": reason, "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"}


def test_s39_a_deployment_is_current_when_its_controller_has_seen_and_done_it(api_server: ApiServer, namespace: str) -> None:
    live = made(api_server, namespace, "apps/v1", "Deployment", "deployments", DEPLOYMENT)
    assert health(live.object).status == "in-progress"
    conditions = [condition("Progressing", "True", "NewReplicaSetAvailable"), condition("Available", "True", "MinimumReplicasAvailable")]
    counts = {"replicas": 2, "updatedReplicas": 2, "readyReplicas": 2, "availableReplicas": 2}
    assert live.status(observedGeneration=1, **{**counts, "readyReplicas": 1, "availableReplicas": 1}).status == "in-progress"
    assert live.status(observedGeneration=1, conditions=conditions, **counts).is_current
    live.write({"spec": {"template": {"spec": {"terminationGracePeriodSeconds": 5}}}}, "")
    assert live.generation == 2
    assert health(live.object).status == "in-progress"
    assert live.status(observedGeneration=2).is_current
    assert health(live.object, 3).status == "in-progress"
    exceeded = live.status(conditions=[condition("Progressing", "False", "ProgressDeadlineExceeded"), conditions[1]])
    assert (exceeded.status, exceeded.is_terminal) == ("failed", True)


def test_s39_stateful_and_daemon_sets_with_the_servers_own_defaults(api_server: ApiServer, namespace: str) -> None:
    sets = made(api_server, namespace, "apps/v1", "StatefulSet", "statefulsets", {**DEPLOYMENT, "serviceName": "web"})
    assert sets.object["spec"]["updateStrategy"]["rollingUpdate"]["partition"] == 0
    assert health(sets.object).status == "in-progress"
    counts = {"replicas": 2, "readyReplicas": 2, "currentReplicas": 1, "updatedReplicas": 1, "currentRevision": "a", "updateRevision": "b"}
    assert sets.status(observedGeneration=1, **counts).status == "in-progress"
    assert sets.status(updatedReplicas=2, currentReplicas=2, currentRevision="b").is_current
    daemons = made(api_server, namespace, "apps/v1", "DaemonSet", "daemonsets", {"selector": DEPLOYMENT["selector"], "template": TEMPLATE})
    assert health(daemons.object).status == "in-progress"
    nodes = {"currentNumberScheduled": 1, "desiredNumberScheduled": 1, "numberMisscheduled": 0, "numberReady": 0}
    assert daemons.status(observedGeneration=1, updatedNumberScheduled=1, numberAvailable=0, **nodes).status == "in-progress"
    assert daemons.status(numberReady=1, numberAvailable=1).is_current


def test_s40_a_job_runs_completes_fails_or_is_gone(api_server: ApiServer, namespace: str) -> None:
    pod = {"restartPolicy": "Never", **TEMPLATE["spec"]}
    spec = {"template": {"spec": pod}, "ttlSecondsAfterFinished": 60}
    live = made(api_server, namespace, "batch/v1", "Job", "jobs", spec)
    assert health(live.object).status == "in-progress"
    assert live.status(startTime="2026-01-01T00:00:00Z", active=1).status == "in-progress"
    met = [condition("SuccessCriteriaMet", "True", "CompletionsReached"), condition("Complete", "True", "CompletionsReached")]
    assert live.status(active=0, succeeded=1, completionTime="2026-01-01T00:01:00Z", conditions=met).is_current
    api_server.ask("DELETE", f"{live.path}?propagationPolicy=Background")
    assert vanished(live.object).is_current
    other = Live(api_server, live.path.rpartition("/")[0], {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "bad"}, "spec": spec})
    target = condition("FailureTarget", "True", "BackoffLimitExceeded")
    assert other.status(startTime="2026-01-01T00:00:00Z", failed=1, conditions=[target]).is_terminal
    assert other.status(conditions=[target, condition("Failed", "True", "BackoffLimitExceeded")]).is_terminal


def test_s41_custom_resources_go_by_their_conditions(api_server: ApiServer, namespace: str) -> None:
    group = f"g{uuid.uuid4().hex[:8]}.example.com"
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}, "subresources": {"status": {}}}
    names = {"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList"}
    definition = {"group": group, "scope": "Namespaced", "names": names, "versions": [version]}
    kinds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    body = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": f"widgets.{group}"}, "spec": definition}
    crd = Live(api_server, kinds, body)
    assert health(crd.object).status in {"in-progress", "current"}
    until(lambda: health(api_server.ask("GET", crd.path)[1]).is_current)
    until(lambda: api_server.ask("GET", f"/apis/{group}/v1/namespaces/{namespace}/widgets")[0] == 200)
    live = made(api_server, namespace, f"{group}/v1", "Widget", "widgets", {"size": 1})
    assert health(live.object).is_current
    assert live.status(conditions=[condition("Ready", "False", "Pulling")]).status == "in-progress"
    assert live.status(conditions=[condition("Ready", "False", "Pulling"), condition("Stalled", "True", "InvalidSpec")]).is_terminal
    assert live.status(conditions=[condition("Ready", "True", "Done")], observedGeneration="1").is_current
    live.write({"spec": {"size": 2}}, "")
    assert health(live.object).status == "in-progress"
    assert live.status(observedGeneration="2").is_current
    assert live.status(observedGeneration="5fbbd6c9c").is_current
    api_server.ask("DELETE", crd.path)


def test_s42_a_load_balancer_and_a_claim_that_waits_for_a_consumer(api_server: ApiServer, namespace: str) -> None:
    balancer = made(api_server, namespace, "v1", "Service", "services", {"type": "LoadBalancer", "ports": [{"port": 80}]})
    assert health(balancer.object).status == "in-progress"
    assert balancer.status(loadBalancer={"ingress": [{"ip": "192.0.2.7"}]}).is_current
    name = f"late-{uuid.uuid4().hex[:8]}"
    late = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": name}, "provisioner": "example.com/x"}
    storage = Live(api_server, "/apis/storage.k8s.io/v1/storageclasses", {**late, "volumeBindingMode": "WaitForFirstConsumer"})
    spec = {"storageClassName": name, "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    claim = made(api_server, namespace, "v1", "PersistentVolumeClaim", "persistentvolumeclaims", spec)
    assert claim.status(phase="Pending").status == "in-progress"
    found = health(claim.object, storage_classes=[storage.object])
    assert (found.status, found.message) == ("current", "it waits for its first consumer")
    assert claim.status(phase="Bound").is_current
    api_server.ask("DELETE", storage.path)
