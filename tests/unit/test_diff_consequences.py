"""What follows from a change: restarts, deletions, recreation, scale, resources, exposure, permissions."""

from __future__ import annotations

from typing import Any

import pytest

from tests.tables import case
from tests.tables.updates import UPDATES, Update
from tests.unit.manifests import DEPLOYMENT, changed, edited

POD = "spec/template/spec/"
API = f"{POD}containers/0/"
SECURITY = f"{API}securityContext/"

Told = list[tuple[str, str]]


def of(kind: str, api_version: str = "v1", name: str = "x", **more: Any) -> dict[str, Any]:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": "shop"}, **more}


def consequences(before: dict[str, Any] | None, after: dict[str, Any] | None, *kinds: str) -> Told:
    found = changed(before, after)
    assert found is not None
    return [(one.kind, one.message) for one in found.consequences if not kinds or one.kind in kinds]


def test_pods_restart_where_their_template_differs() -> None:
    edits = {f"{API}image": "a/api:2", f"{API}env/0/value": "debug", "spec/template/metadata/labels/version": "2", f"{API}tty": True, "spec/replicas": 2}
    assert consequences(DEPLOYMENT, edited(DEPLOYMENT, edits)) == [
        ("restart", "the pods are replaced: containers[api].image, containers[api].env[LEVEL].value, containers[api].tty and 1 more")
    ]


@pytest.mark.parametrize(
    "edits",
    [
        {"metadata/labels": {"a": "b"}},
        {"spec/revisionHistoryLimit": 3},
        {f"{API}image": "a/api:2", "spec/replicas": 0},
        {f"{API}image": "a/api:2", "spec/paused": True},
    ],
)
def test_nothing_restarts_otherwise(edits: dict[str, Any]) -> None:
    assert consequences(DEPLOYMENT, edited(DEPLOYMENT, edits), "restart") == []


def test_how_pods_are_replaced() -> None:
    recreate = edited(DEPLOYMENT, {"spec/strategy": {"type": "Recreate"}})
    assert consequences(recreate, edited(recreate, {f"{API}tty": True})) == [("restart", "all pods stop before new ones start: containers[api].tty")]
    on_delete = {**edited(DEPLOYMENT, {"spec/updateStrategy": {"type": "OnDelete"}}), "kind": "DaemonSet"}
    assert consequences(on_delete, edited(on_delete, {f"{API}tty": True}), "restart") == [
        ("restart", "each pod is replaced when somebody deletes it: containers[api].tty")
    ]


def test_a_content_hash_is_a_consequence() -> None:
    before = edited(DEPLOYMENT, {f"{POD}volumes/1": {"name": "files", "configMap": {"name": "api-files-0000000000"}}})
    after = edited(before, {f"{POD}volumes/1/configMap/name": "api-files-1111111111"})
    found = changed(before, after)
    assert found is not None
    assert [field.text for field in found.fields] == ["spec.template.spec.volumes[files].configMap.name"]
    assert consequences(before, after) == [("restart", "the pods are replaced: the content of ConfigMap api-files changes")]


def test_what_is_deleted() -> None:
    assert consequences(DEPLOYMENT, None) == [("delete", "the Deployment is deleted")]
    assert consequences(of("PersistentVolumeClaim"), None) == [
        ("delete", "the PersistentVolumeClaim is deleted: its data goes with it, unless the volume is retained")
    ]


STATEFUL = {
    **edited(DEPLOYMENT, {"spec/serviceName": "db", "spec/volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": {"x": "1"}}]}),
    "kind": "StatefulSet",
}
JOB = of("Job", "batch/v1", spec={"completions": 1, "template": {"spec": {"containers": [{"name": "c", "image": "a:1"}]}}})
CLAIM = of("PersistentVolumeClaim", spec={"resources": {"requests": {"storage": "10Gi"}}, "storageClassName": "a"})
BINDING = of("RoleBinding", "rbac.authorization.k8s.io/v1", roleRef={"kind": "Role", "name": "a"}, subjects=[{"kind": "User", "name": "ann"}])
FIXED = of("ConfigMap", immutable=True, data={"a": "1"})

RECREATED: list[tuple[dict[str, Any], dict[str, Any], list[str]]] = [
    (DEPLOYMENT, {"spec/selector/matchLabels/app": "b"}, ["spec.selector.matchLabels.app"]),
    (DEPLOYMENT, {"spec/strategy": {"type": "Recreate"}}, []),
    (STATEFUL, {"spec/volumeClaimTemplates/0/spec/x": "2"}, ["spec.volumeClaimTemplates[data].spec.x"]),
    (STATEFUL, {"spec/serviceName": "b"}, ["spec.serviceName"]),
    (STATEFUL, {"spec/replicas": 5, f"{API}image": "a:2", "spec/minReadySeconds": 3}, []),
    (JOB, {"spec/template/spec/containers/0/image": "a:2"}, ["spec.template.spec.containers[c].image"]),
    (JOB, {"spec/completions": 3}, ["spec.completions"]),
    (JOB, {"spec/completions": 3, "spec/parallelism": 3, "spec/completionMode": "Indexed"}, ["spec.completions, spec.completionMode"]),
    (JOB, {"spec/ttlSecondsAfterFinished": 3, "spec/suspend": True}, []),
    (of("Service", spec={"clusterIP": "None"}), {"spec/clusterIP": None}, ["spec.clusterIP"]),
    (of("Service", spec={"type": "ClusterIP"}), {"spec/type": "NodePort"}, []),
    (CLAIM, {"spec/storageClassName": "b"}, ["spec.storageClassName"]),
    (CLAIM, {"spec/resources/requests/storage": "20Gi"}, []),
    (CLAIM, {"spec/resources/requests/storage": "5Gi"}, ["spec.resources.requests.storage"]),
    (BINDING, {"roleRef/name": "b"}, ["roleRef.name"]),
    (BINDING, {"subjects/0/name": "bob"}, []),
    (FIXED, {"data/a": "2"}, ["data.a"]),
    (FIXED, {"metadata/labels": {"a": "b"}}, []),
    (of("Secret", type="Opaque", data={"a": "MQ=="}), {"type": "x/y"}, ["type"]),
    (of("Pod", spec={"containers": [{"name": "c", "image": "a:1", "tty": False}]}), {"spec/containers/0/image": "a:2"}, []),
    (of("Pod", spec={"containers": [{"name": "c", "image": "a:1", "tty": False}]}), {"spec/containers/0/tty": True}, ["spec.containers[c].tty"]),
]


@pytest.mark.parametrize(("data", "edits", "expected"), RECREATED)
def test_what_cannot_be_changed_where_it_stands(data: dict[str, Any], edits: dict[str, Any], expected: list[str]) -> None:
    found = consequences(data, edited(data, edits), "recreate")
    assert [message.split(" cannot be changed: ")[0] for _, message in found] == expected


@pytest.mark.parametrize("update", UPDATES, ids=str)
def test_immutable_is_what_an_api_server_refuses(update: Update) -> None:
    told = consequences(update.base, case.changed(update.base, update.changes), "recreate")
    assert bool(told) is update.fixed


def test_recreation_says_what_is_lost() -> None:
    ((_, message),) = consequences(CLAIM, edited(CLAIM, {"spec/storageClassName": "b"}))
    assert message.endswith("the PersistentVolumeClaim must be deleted and created again; its data goes with it, unless the volume is retained")


SCALER = of("HorizontalPodAutoscaler", "autoscaling/v2", spec={"minReplicas": 2, "maxReplicas": 10, "metrics": [{"type": "Resource"}]})


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        (DEPLOYMENT, edited(DEPLOYMENT, {"spec/replicas": 3}), "2 → 3 replicas"),
        (DEPLOYMENT, edited(DEPLOYMENT, {"spec/replicas": None}), "the number of replicas is no longer set (2 before)"),
        (edited(DEPLOYMENT, {"spec/replicas": None}), DEPLOYMENT, "the number of replicas is set to 2, not set before"),
        (SCALER, edited(SCALER, {"spec/maxReplicas": 20}), "scaled automatically: 2 to 10 → 2 to 20 replicas"),
        (SCALER, edited(SCALER, {"spec/metrics/0/type": "Pods"}), "scaled automatically by other rules, still 2 to 10 replicas"),
        (None, SCALER, "scaled automatically: 2 to 10 replicas"),
        (SCALER, None, "no longer scaled automatically (2 to 10 replicas before)"),
        (JOB, edited(JOB, {"spec/parallelism": 4}), "parallelism unset → 4"),
    ],
)
def test_scale(before: dict[str, Any] | None, after: dict[str, Any] | None, message: str) -> None:
    assert consequences(before, after, "scale") == [("scale", message)]


REQUESTS = f"{API}resources/requests/"


@pytest.mark.parametrize(
    ("edits", "messages"),
    [
        ({f"{REQUESTS}cpu": "250m"}, ["requests of a pod: cpu 100m → 250m; of all 2: cpu 200m → 500m"]),
        ({f"{REQUESTS}cpu": "1", "spec/replicas": 4}, ["requests of a pod: cpu 100m → 1; of all 4: cpu 200m → 4"]),
        (
            {f"{REQUESTS}memory": "1Gi", f"{API}resources/limits": {"memory": "1Gi"}},
            ["requests of a pod: memory 64Mi → 1Gi; of all 2: memory 128Mi → 2Gi", "limits of a pod: memory none → 1Gi; of all 2: memory none → 2Gi"],
        ),
        ({f"{REQUESTS}memory": None, "spec/replicas": None}, ["requests of a pod: memory 64Mi → none"]),
        ({f"{POD}initContainers/0/resources": {"requests": {"cpu": "50m"}}}, []),
        ({f"{POD}initContainers/0/resources": {"requests": {"cpu": "500m"}}}, ["requests of a pod: cpu 100m → 500m; of all 2: cpu 200m → 1"]),
        (
            {f"{POD}initContainers/0/resources": {"requests": {"cpu": "500m"}}, f"{POD}initContainers/0/restartPolicy": "Always"},
            ["requests of a pod: cpu 100m → 600m; of all 2: cpu 200m → 1200m"],
        ),
        ({"spec/replicas": 4}, []),
    ],
)
def test_resources(edits: dict[str, Any], messages: list[str]) -> None:
    assert consequences(DEPLOYMENT, edited(DEPLOYMENT, edits), "resources") == [("resources", message) for message in messages]


def test_storage_and_quotas_are_resources() -> None:
    assert consequences(CLAIM, edited(CLAIM, {"spec/resources/requests/storage": "20Gi"})) == [("resources", "storage 10Gi → 20Gi")]
    quota = of("ResourceQuota", spec={"hard": {"pods": "4"}})
    assert consequences(quota, edited(quota, {"spec/hard/pods": "8"})) == [("resources", "the quota of the namespace changes")]


SERVICE = of("Service", spec={"type": "ClusterIP", "ports": [{"port": 80}]})
PUBLIC = edited(SERVICE, {"spec/type": "LoadBalancer"})
INGRESS = of(
    "Ingress", "networking.k8s.io/v1", spec={"ingressClassName": "nginx", "rules": [{"host": "a.example", "http": {"paths": [{"path": "/"}, {"path": "/b"}]}}]}
)
ROUTE = of("HTTPRoute", "gateway.networking.k8s.io/v1", spec={"hostnames": ["a.example"], "rules": [{"matches": [{"path": {"value": "/x"}}]}]})
NETWORK = of("NetworkPolicy", "networking.k8s.io/v1", spec={"podSelector": {}})


@pytest.mark.parametrize(
    ("before", "after", "messages"),
    [
        (SERVICE, PUBLIC, ["the Service's type ClusterIP → LoadBalancer: reachable from outside the cluster"]),
        (PUBLIC, SERVICE, ["the Service's type LoadBalancer → ClusterIP: no longer reachable from outside the cluster"]),
        (SERVICE, edited(SERVICE, {"spec/ports/0/port": 81}), []),
        (PUBLIC, edited(PUBLIC, {"spec/ports/0/port": 81}), ["the ports of a Service of type LoadBalancer change"]),
        (PUBLIC, edited(PUBLIC, {"spec/loadBalancerSourceRanges": ["10.0.0.0/8"]}), ["loadBalancerSourceRanges of the Service changes"]),
        (None, PUBLIC, ["a Service of type LoadBalancer, reachable from outside the cluster, is created"]),
        (PUBLIC, None, ["a Service of type LoadBalancer, reachable from outside the cluster, is deleted"]),
        (None, SERVICE, []),
        (None, INGRESS, ["a.example, a.example/b are served from now on"]),
        (INGRESS, None, ["a.example, a.example/b are no longer served"]),
        (
            INGRESS,
            edited(INGRESS, {"spec/rules/0/host": "b.example"}),
            ["b.example, b.example/b are served from now on", "a.example, a.example/b are no longer served"],
        ),
        (INGRESS, edited(INGRESS, {"spec/tls": [{"hosts": ["a.example"]}]}), ["TLS of the Ingress changes"]),
        (ROUTE, edited(ROUTE, {"spec/hostnames": ["a.example", "b.example"]}), ["b.example/x is served from now on"]),
        (NETWORK, edited(NETWORK, {"spec/policyTypes": ["Egress"]}), ["who may reach, or be reached by, the pods of the NetworkPolicy changes"]),
        (NETWORK, None, ["what the NetworkPolicy forbade is allowed, unless another one forbids it"]),
        (DEPLOYMENT, edited(DEPLOYMENT, {f"{POD}hostNetwork": True}), ["the pods use the network of their node"]),
        (DEPLOYMENT, edited(DEPLOYMENT, {f"{API}ports/0/hostPort": 80}), ["port 80 of the node leads to the pods"]),
        (None, edited(DEPLOYMENT, {f"{API}ports/0/hostPort": 80}), ["port 80 of the node leads to the pods"]),
    ],
)
def test_exposure(before: dict[str, Any] | None, after: dict[str, Any] | None, messages: list[str]) -> None:
    assert consequences(before, after, "exposure") == [("exposure", message) for message in messages]


ROLE = of("Role", "rbac.authorization.k8s.io/v1", rules=[{"verbs": ["get", "list"], "resources": ["pods"]}])
ACCOUNT = of("ServiceAccount", automountServiceAccountToken=False)
BARE = edited(DEPLOYMENT, {f"{API}securityContext": None})


@pytest.mark.parametrize(
    ("before", "after", "messages"),
    [
        (None, ROLE, ["the Role grants get/list of pods"]),
        (ROLE, None, ["the Role no longer grants get/list of pods"]),
        (ROLE, edited(ROLE, {"rules/0/verbs": ["*"]}), ["the Role grants * of pods, get/list of pods before"]),
        (BINDING, edited(BINDING, {"subjects/0/name": "bob"}), ["the RoleBinding grants Role a to User bob, before Role a to User ann"]),
        (ACCOUNT, edited(ACCOUNT, {"automountServiceAccountToken": True}), ["pods of the ServiceAccount get its token"]),
        (
            edited(ACCOUNT, {"metadata/annotations": {"a.b/role": "1"}}),
            edited(ACCOUNT, {"metadata/annotations": {"a.b/role": "2"}}),
            ["annotations of the ServiceAccount change (a.b/role): they may stand for rights outside of the cluster"],
        ),
        (DEPLOYMENT, edited(DEPLOYMENT, {f"{SECURITY}privileged": True}), ["container api is privileged"]),
        (DEPLOYMENT, edited(DEPLOYMENT, {f"{SECURITY}runAsNonRoot": None}), ["container api may run as root"]),
        (DEPLOYMENT, edited(DEPLOYMENT, {f"{SECURITY}runAsUser": 0}), ["container api runs as root"]),
        (DEPLOYMENT, edited(DEPLOYMENT, {f"{SECURITY}allowPrivilegeEscalation": True}), ["container api may gain privileges"]),
        (DEPLOYMENT, edited(DEPLOYMENT, {f"{SECURITY}readOnlyRootFilesystem": False}), ["container api may write to its root file system"]),
        (DEPLOYMENT, edited(DEPLOYMENT, {f"{SECURITY}capabilities/drop": ["KILL"]}), ["container api no longer drops the capability ALL"]),
        (DEPLOYMENT, edited(DEPLOYMENT, {f"{SECURITY}capabilities/add": ["NET_ADMIN"]}), ["container api has the capability NET_ADMIN"]),
        (DEPLOYMENT, edited(DEPLOYMENT, {f"{SECURITY}seccompProfile": None}), ["container api runs without a seccomp profile of its own"]),
        (DEPLOYMENT, edited(DEPLOYMENT, {f"{SECURITY}seccompProfile/type": "Unconfined"}), ["container api runs without seccomp"]),
        (DEPLOYMENT, edited(DEPLOYMENT, {f"{SECURITY}seccompProfile": None, f"{POD}securityContext": {"seccompProfile": {"type": "RuntimeDefault"}}}), []),
        (DEPLOYMENT, edited(DEPLOYMENT, {f"{POD}hostPID": True}), ["the pods see the processes of their node"]),
        (DEPLOYMENT, edited(DEPLOYMENT, {f"{POD}volumes/0": {"name": "tmp", "hostPath": {"path": "/etc"}}}), ["the pods see /etc of their node"]),
        (DEPLOYMENT, edited(DEPLOYMENT, {f"{POD}serviceAccountName": "b"}), ["the pods run as ServiceAccount b, default before"]),
        (edited(DEPLOYMENT, {f"{POD}automountServiceAccountToken": False}), DEPLOYMENT, ["the pods get the token of their ServiceAccount"]),
        (BARE, DEPLOYMENT, []),
        (None, BARE, []),
        (None, edited(BARE, {f"{SECURITY}privileged": True}), ["container api is privileged"]),
    ],
)
def test_permissions(before: dict[str, Any] | None, after: dict[str, Any] | None, messages: list[str]) -> None:
    assert consequences(before, after, "permissions") == [("permissions", message) for message in messages]
