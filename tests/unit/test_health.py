"""Health, kind by kind: the object as a list gave it, and what is said of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from gitopsc.cluster.health import Expressions, health, vanished
from gitopsc.cluster.pods import cause, pod_selector

Fields = Mapping[str, Any]
VERSIONS = {
    "Deployment": "apps/v1",
    "StatefulSet": "apps/v1",
    "DaemonSet": "apps/v1",
    "ReplicaSet": "apps/v1",
    "Job": "batch/v1",
    "CronJob": "batch/v1",
    "CustomResourceDefinition": "apiextensions.k8s.io/v1",
    "APIService": "apiregistration.k8s.io/v1",
    "HorizontalPodAutoscaler": "autoscaling/v2",
    "PodDisruptionBudget": "policy/v1",
    "Ingress": "networking.k8s.io/v1",
    "Widget": "example.com/v1",
    "ValidatingWebhookConfiguration": "admissionregistration.k8s.io/v1",
}


def made(kind: str, status: Fields | None = None, spec: Fields | None = None, **metadata: Any) -> dict[str, Any]:
    """An object at generation 2."""
    obj: dict[str, Any] = {"apiVersion": VERSIONS.get(kind, "v1"), "kind": kind, "metadata": {"name": "web", "namespace": "shop", "generation": 2, **metadata}}
    if spec is not None:
        obj["spec"] = spec
    if status is not None:
        obj["status"] = status
    return obj


def condition(kind: str, status: str, reason: str = "", message: str = "", **more: Any) -> dict[str, Any]:
    return {"type": kind, "status": status, "reason": reason, "message": message, **more}


NEW = condition("Progressing", "True", "NewReplicaSetAvailable")
AVAILABLE = condition("Available", "True", "MinimumReplicasAvailable")
EXCEEDED = condition("Progressing", "False", "ProgressDeadlineExceeded", 'ReplicaSet "web-1" has timed out progressing.')


def counts(total: int, updated: int, ready: int, available: int, *conditions: Fields, seen: int = 2) -> dict[str, Any]:
    return {
        "observedGeneration": seen,
        "replicas": total,
        "updatedReplicas": updated,
        "readyReplicas": ready,
        "availableReplicas": available,
        "conditions": list(conditions),
    }


THREE: Fields = {"replicas": 3, "progressDeadlineSeconds": 600}
DEPLOYMENTS: list[tuple[Any, ...]] = [
    ("no status", None, THREE, "in-progress", "has not seen it"),
    ("no observedGeneration", {"replicas": 3}, THREE, "in-progress", "has not seen it"),
    ("an older generation", counts(3, 3, 3, 3, NEW, AVAILABLE, seen=1), THREE, "in-progress", "generation 2"),
    ("all there", counts(3, 3, 3, 3, NEW, AVAILABLE), THREE, "current", ""),
    ("one replica by default", counts(1, 1, 1, 1, NEW, AVAILABLE), {"progressDeadlineSeconds": 600}, "current", ""),
    ("none wanted, none there", counts(0, 0, 0, 0, NEW, AVAILABLE), {"replicas": 0, "progressDeadlineSeconds": 600}, "current", ""),
    ("too few", counts(2, 2, 2, 2, NEW, AVAILABLE), THREE, "in-progress", "2 of 3 replicas exist"),
    ("not updated", counts(3, 1, 3, 3, NEW, AVAILABLE), THREE, "in-progress", "1 of 3 replicas are updated"),
    ("old ones left", counts(4, 3, 3, 3, NEW, AVAILABLE), THREE, "in-progress", "1 replicas are to be terminated"),
    ("not available", counts(3, 3, 3, 2, NEW, AVAILABLE), THREE, "in-progress", "2 of 3 updated replicas are available"),
    ("not ready", counts(3, 3, 2, 3, NEW, AVAILABLE), THREE, "in-progress", "2 of 3 replicas are ready"),
    ("still rolling out", counts(3, 3, 3, 3, condition("Progressing", "True", "ReplicaSetUpdated"), AVAILABLE), THREE, "in-progress", "newest replica set"),
    ("paused", counts(3, 3, 3, 3, condition("Progressing", "Unknown", "DeploymentPaused"), AVAILABLE), {**THREE, "paused": True}, "in-progress", "paused"),
    ("no deadline", counts(3, 3, 3, 3, AVAILABLE), {"replicas": 3, "progressDeadlineSeconds": 2147483647}, "current", ""),
    ("Available=False", counts(3, 3, 3, 3, NEW, condition("Available", "False")), THREE, "in-progress", "not available"),
    ("deadline exceeded", counts(3, 1, 2, 2, EXCEEDED), THREE, "failed", "ProgressDeadlineExceeded: ReplicaSet"),
    ("deadline exceeded before", counts(3, 1, 2, 2, EXCEEDED, seen=1), THREE, "in-progress", "generation 2"),
    (
        "over the quota",
        counts(1, 1, 1, 1, condition("ReplicaFailure", "True", "FailedCreate", "exceeded quota: small")),
        THREE,
        "in-progress",
        "ReplicaFailure: FailedCreate: exceeded quota: small",
    ),
]


@pytest.mark.parametrize(("status", "spec", "expected", "words"), [case[1:] for case in DEPLOYMENTS], ids=[case[0] for case in DEPLOYMENTS])
def test_s39_deployments(status: Fields | None, spec: Fields, expected: str, words: str) -> None:
    found = health(made("Deployment", status, spec))
    assert found.status == expected
    assert words in found.message
    assert found.is_terminal == (expected == "failed")


def sets(total: int, ready: int, updated: int, current: int, revisions: tuple[str, str] = ("a", "a")) -> dict[str, Any]:
    numbers = {"replicas": total, "readyReplicas": ready, "updatedReplicas": updated, "currentReplicas": current}
    return {"observedGeneration": 2, **numbers, "currentRevision": revisions[0], "updateRevision": revisions[1]}


def partition(number: int) -> dict[str, Any]:
    return {"replicas": 3, "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": number}}}


def nodes(current: int, updated: int, available: int, ready: int, desired: int | None = 3) -> dict[str, Any]:
    numbers = {"currentNumberScheduled": current, "updatedNumberScheduled": updated, "numberAvailable": available, "numberReady": ready}
    return {"observedGeneration": 2, **numbers, **({} if desired is None else {"desiredNumberScheduled": desired})}


def ended(kind: str, reason: str = "", message: str = "") -> dict[str, Any]:
    return {"startTime": "2026-01-01T00:00:00Z", "conditions": [condition(kind, "True", reason, message)]}


def containers(reason: str, message: str = "") -> list[dict[str, Any]]:
    return [{"name": "app", "state": {"waiting": {"reason": reason, "message": message}}}]


OTHERS: list[tuple[Any, ...]] = [
    ("StatefulSet", "all there", sets(3, 3, 3, 3), {"replicas": 3}, "current", ""),
    ("StatefulSet", "nothing yet", None, {"replicas": 3}, "in-progress", "has not seen it"),
    ("StatefulSet", "too few", sets(2, 2, 2, 2), {"replicas": 3}, "in-progress", "2 of 3 replicas exist"),
    ("StatefulSet", "not ready", sets(3, 2, 3, 3), {"replicas": 3}, "in-progress", "2 of 3 replicas are ready"),
    ("StatefulSet", "too many", sets(4, 3, 3, 3), {"replicas": 3}, "in-progress", "1 replicas are to be terminated"),
    ("StatefulSet", "not current", sets(3, 3, 1, 2), {"replicas": 3}, "in-progress", "2 of 3 replicas are current"),
    ("StatefulSet", "another revision", sets(3, 3, 3, 3, ("a", "b")), {"replicas": 3}, "in-progress", "newest revision"),
    ("StatefulSet", "partition not reached", sets(3, 3, 0, 3, ("a", "b")), partition(2), "in-progress", "0 of 1"),
    ("StatefulSet", "partition reached", sets(3, 3, 1, 2, ("a", "b")), partition(2), "current", ""),
    ("StatefulSet", "partition 0, as the server fills it in", sets(3, 3, 2, 1, ("a", "b")), partition(0), "in-progress", "2 of 3"),
    ("StatefulSet", "a person deletes the pods", sets(3, 0, 0, 3), {"replicas": 3, "updateStrategy": {"type": "OnDelete"}}, "current", ""),
    ("DaemonSet", "all there", nodes(3, 3, 3, 3), {}, "current", ""),
    ("DaemonSet", "nothing yet", None, {}, "in-progress", "has not seen it"),
    ("DaemonSet", "no observedGeneration", {"desiredNumberScheduled": 0}, {}, "in-progress", "has not seen it"),
    ("DaemonSet", "nodes not counted", nodes(0, 0, 0, 0, None), {}, "in-progress", "counted"),
    ("DaemonSet", "no node", nodes(0, 0, 0, 0, 0), {}, "current", ""),
    ("DaemonSet", "not scheduled", nodes(2, 2, 2, 2), {}, "in-progress", "2 of 3 pods are scheduled"),
    ("DaemonSet", "not updated", nodes(3, 1, 3, 3), {}, "in-progress", "1 of 3 pods are updated"),
    ("DaemonSet", "not available", nodes(3, 3, 2, 3), {}, "in-progress", "2 of 3 pods are available"),
    ("DaemonSet", "not ready", nodes(3, 3, 3, 2), {}, "in-progress", "2 of 3 pods are ready"),
    ("DaemonSet", "a person deletes the pods", nodes(3, 0, 3, 3), {"updateStrategy": {"type": "OnDelete"}}, "current", ""),
    ("ReplicaSet", "all there", {"replicas": 1, "fullyLabeledReplicas": 1, "availableReplicas": 1, "readyReplicas": 1}, {}, "current", ""),
    ("ReplicaSet", "none", {}, {}, "in-progress", "0 of 1 replicas are labelled"),
    ("ReplicaSet", "failure", {"conditions": [condition("ReplicaFailure", "True", "FailedCreate")]}, {}, "in-progress", "FailedCreate"),
    ("Pod", "nothing yet", None, {}, "in-progress", "not started"),
    ("Pod", "ready", {"phase": "Running", "conditions": [condition("Ready", "True")]}, {}, "current", ""),
    ("Pod", "running", {"phase": "Running", "conditions": [condition("Ready", "False")]}, {}, "in-progress", "not ready"),
    ("Pod", "looping", {"phase": "Running", "containerStatuses": containers("CrashLoopBackOff")}, {}, "failed", "container app: CrashLoopBackOff"),
    ("Pod", "no image", {"phase": "Pending", "containerStatuses": containers("ImagePullBackOff")}, {}, "in-progress", "not started"),
    ("Pod", "fits nowhere", {"phase": "Pending", "conditions": [condition("PodScheduled", "False", "Unschedulable")]}, {}, "in-progress", "Unschedulable"),
    ("Pod", "done", {"phase": "Succeeded"}, {}, "current", ""),
    ("Pod", "ended badly", {"phase": "Failed"}, {}, "current", "not successfully"),
    ("CronJob", "suspended", {}, {"suspend": True}, "current", ""),
    ("Secret", "there", None, None, "current", ""),
    ("ConfigMap", "there", None, None, "current", ""),
    ("CustomResourceDefinition", "new", {}, {}, "in-progress", "being installed"),
    ("CustomResourceDefinition", "established", {"conditions": [condition("Established", "True")]}, {}, "current", ""),
    ("CustomResourceDefinition", "installing", {"conditions": [condition("Established", "False", "Installing")]}, {}, "in-progress", ""),
    ("CustomResourceDefinition", "not established", {"conditions": [condition("Established", "False", "NotAccepted")]}, {}, "failed", "NotAccepted"),
    ("CustomResourceDefinition", "name taken", {"conditions": [condition("NamesAccepted", "False", "ListKindConflict")]}, {}, "failed", "ListKindConflict"),
    ("APIService", "nothing yet", None, {}, "in-progress", "nobody knows"),
    ("APIService", "available", {"conditions": [condition("Available", "True")]}, {}, "current", ""),
    ("APIService", "not available", {"conditions": [condition("Available", "False", "MissingEndpoints")]}, {}, "in-progress", "MissingEndpoints"),
    ("Namespace", "nothing yet", None, {}, "in-progress", "not active"),
    ("Namespace", "active", {"phase": "Active"}, {}, "current", ""),
    ("Namespace", "going", {"phase": "Terminating"}, {}, "terminating", "deleted"),
    ("PodDisruptionBudget", "seen", {"observedGeneration": 2, "currentHealthy": 0, "desiredHealthy": 1}, {}, "current", ""),
    ("PodDisruptionBudget", "not seen", {"observedGeneration": 1}, {}, "in-progress", "generation 2"),
    ("HorizontalPodAutoscaler", "new", None, {}, "current", ""),
    ("HorizontalPodAutoscaler", "no metrics", {"conditions": [condition("ScalingActive", "False", "FailedGetScale")]}, {}, "current", "FailedGetScale"),
    ("HorizontalPodAutoscaler", "scaled to nothing", {"conditions": [condition("ScalingActive", "False", "ScalingDisabled")]}, {}, "current", ""),
    ("Ingress", "no address", {"loadBalancer": {}}, {}, "current", ""),
    ("ValidatingWebhookConfiguration", "there", None, None, "current", ""),
    ("Service", "inside", {"loadBalancer": {}}, {"type": "ClusterIP", "clusterIP": "10.0.0.7"}, "current", ""),
    ("Service", "a name", None, {"type": "ExternalName"}, "current", ""),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "status", "spec", "expected", "words"), [(c[0], *c[2:]) for c in OTHERS], ids=[f"{c[0]}: {c[1]}" for c in OTHERS])
def test_kinds(kind: str, status: Fields | None, spec: Fields | None, expected: str, words: str) -> None:
    found = health(made(kind, status, spec))
    assert (found.status, words in found.message) == (expected, True), found
    if expected == "current" and not words:
        assert found.message == ""


JOBS: list[tuple[Any, ...]] = [
    ("not started", None, {}, "in-progress", "not started"),
    ("running", {"startTime": "2026-01-01T00:00:00Z", "active": 2, "failed": 1}, {}, "in-progress", "2 pods active, 0 succeeded, 1 failed"),
    ("complete", ended("Complete"), {}, "current", ""),
    ("enough of it is done", ended("SuccessCriteriaMet"), {}, "current", ""),
    ("failed", ended("Failed", "BackoffLimitExceeded", "too many"), {}, "failed", "Failed: BackoffLimitExceeded: too many"),
    ("about to fail", ended("FailureTarget", "DeadlineExceeded"), {}, "failed", "DeadlineExceeded"),
    ("suspended", {"conditions": [condition("Suspended", "True")]}, {"suspend": True}, "current", "suspended"),
    ("suspended from the start", None, {"suspend": True}, "current", "suspended"),
]


@pytest.mark.parametrize(("status", "spec", "expected", "words"), [case[1:] for case in JOBS], ids=[case[0] for case in JOBS])
def test_s40_jobs(status: Fields | None, spec: Fields, expected: str, words: str) -> None:
    found = health(made("Job", status, spec))
    assert (found.status, words in found.message) == (expected, True), found


def test_s40_a_job_that_its_ttl_removed_has_succeeded() -> None:
    assert vanished(made("Job", spec={"ttlSecondsAfterFinished": 0})).is_current
    assert vanished(made("Job", spec={})).status == "in-progress"
    assert vanished(made("Deployment", spec={"ttlSecondsAfterFinished": 0})).status == "in-progress"


CUSTOM: list[tuple[Any, ...]] = [
    ("no status", None, "current", ""),
    ("empty status", {}, "current", ""),
    ("ready", {"conditions": [condition("Ready", "True")]}, "current", ""),
    ("not ready", {"conditions": [condition("Ready", "False", "Pulling", "soon")]}, "in-progress", "Ready: Pulling: soon"),
    ("nobody knows", {"conditions": [condition("Ready", "Unknown")]}, "in-progress", "Ready"),
    ("stalled", {"conditions": [condition("Ready", "False"), condition("Stalled", "True", "InvalidSpec")]}, "failed", "InvalidSpec"),
    ("reconciling wins", {"conditions": [condition("Reconciling", "True", "Again"), condition("Stalled", "True")]}, "in-progress", "Again"),
    ("not stalled", {"conditions": [condition("Ready", "True"), condition("Stalled", "False")]}, "current", ""),
    ("a generation as text", {"observedGeneration": "2", "conditions": [condition("Ready", "True")]}, "current", ""),
    ("an older one as text", {"observedGeneration": "1", "conditions": [condition("Ready", "True")]}, "in-progress", "generation 2"),
    ("a hash", {"observedGeneration": "5fbbd6c9c", "conditions": [condition("Ready", "True")]}, "current", ""),
    ("an older condition", {"conditions": [condition("Ready", "True", observedGeneration=1)]}, "in-progress", "generation 2"),
    ("stalled before our change", {"conditions": [condition("Stalled", "True", observedGeneration=1)]}, "in-progress", "generation 2"),
    ("nonsense", "up", "current", ""),
    ("nonsense inside", {"conditions": ["Ready", {"type": 1}], "observedGeneration": {}}, "current", ""),
]


@pytest.mark.parametrize(("status", "expected", "words"), [case[1:] for case in CUSTOM], ids=[case[0] for case in CUSTOM])
def test_s41_custom_resources(status: Any, expected: str, words: str) -> None:
    found = health(made("Widget", status))
    assert (found.status, words in found.message) == (expected, True), found


def test_s42_a_load_balancer_needs_an_address() -> None:
    spec = {"type": "LoadBalancer", "clusterIP": "10.0.0.7"}
    assert health(made("Service", None, {"type": "LoadBalancer"})).status == "in-progress"
    assert health(made("Service", {"loadBalancer": {}}, spec)).status == "in-progress"
    assert health(made("Service", {"loadBalancer": {"ingress": [{}]}}, spec)).status == "in-progress"
    assert health(made("Service", {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}, spec)).is_current
    assert health(made("Service", {"loadBalancer": {"ingress": [{"hostname": "a.example.com"}]}}, spec)).is_current
    assert health(made("Service", {"loadBalancer": {}}, spec, annotations={"gitopsc.dev/health": "ignore"})).is_current


def storage(name: str, mode: str, **annotations: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "annotations": annotations}, "volumeBindingMode": mode}


def test_s42_a_claim_that_waits_for_its_first_consumer_keeps_nobody_waiting() -> None:
    classes = [storage("late", "WaitForFirstConsumer"), storage("now", "Immediate", **{"storageclass.kubernetes.io/is-default-class": "true"})]
    pending = {"phase": "Pending"}
    late = made("PersistentVolumeClaim", pending, {"storageClassName": "late"})
    consumer = {"metadata": {"name": "a", "namespace": "shop"}, "spec": {"volumes": [{"persistentVolumeClaim": {"claimName": "web"}}]}}
    elsewhere = {**consumer, "metadata": {"name": "a", "namespace": "other"}}
    found = health(late, storage_classes=classes, pods=[elsewhere])
    assert (found.status, found.message) == ("current", "it waits for its first consumer")
    assert health(late, storage_classes=classes, pods=[consumer]).status == "in-progress"
    assert health(late).status == "in-progress"
    assert health(made("PersistentVolumeClaim", pending, {"storageClassName": "now"}), storage_classes=classes).status == "in-progress"
    assert health(made("PersistentVolumeClaim", pending, {}), storage_classes=classes).status == "in-progress"
    assert health(made("PersistentVolumeClaim", pending, {}), storage_classes=[storage("x", "WaitForFirstConsumer")]).status == "in-progress"
    default = storage("x", "WaitForFirstConsumer", **{"storageclass.kubernetes.io/is-default-class": "true"})
    assert health(made("PersistentVolumeClaim", pending, {}), storage_classes=[default]).is_current
    chosen = made("PersistentVolumeClaim", pending, {"storageClassName": "late"}, annotations={"volume.kubernetes.io/selected-node": "n"})
    assert health(chosen, storage_classes=classes).status == "in-progress"
    assert health(made("PersistentVolumeClaim", {"phase": "Bound"}, {"storageClassName": "late"})).is_current
    assert "Lost" in health(made("PersistentVolumeClaim", {"phase": "Lost"}, {})).message


def test_a_status_older_than_our_own_change_does_not_count() -> None:
    done = made("Deployment", counts(3, 3, 3, 3, NEW, AVAILABLE), THREE)
    assert health(done, 2).is_current
    assert health(done, 3).status == "in-progress"
    newer = made("Deployment", counts(3, 3, 3, 3, NEW, AVAILABLE), THREE, generation=3)
    assert health(newer, 2).status == "in-progress"
    assert health(made("Widget", {"conditions": [condition("Ready", "True")]}), 3).status == "in-progress"
    assert health(made("ConfigMap", generation=None), 0).is_current


def test_what_is_being_deleted_says_who_keeps_it() -> None:
    going = made("Deployment", counts(3, 3, 3, 3, NEW, AVAILABLE), THREE, deletionTimestamp="2026-01-01T00:00:00Z", finalizers=["b/x", "a/y"])
    assert (health(going).status, health(going).message) == ("terminating", "it is being deleted, and kept by a/y, b/x")
    assert health(made("ConfigMap", deletionTimestamp="2026-01-01T00:00:00Z")).message == "it is being deleted"


def test_expressions_of_the_environment() -> None:
    def phase(word: str) -> Any:
        return lambda obj: obj["status"]["phase"] == word

    rules = {("example.com", "Widget"): Expressions(in_progress=phase("Busy"), failed=phase("Bad"), current=phase("Good"))}
    ready = {"conditions": [condition("Ready", "True")]}
    for word, expected in {"Busy": "in-progress", "Bad": "failed", "Good": "current", "Other": "in-progress"}.items():
        assert health(made("Widget", {"phase": word, **ready}), expressions=rules).status == expected
    assert health(made("Widget", {"phase": "Good", "observedGeneration": 1}), expressions=rules).status == "in-progress"
    broken = health(made("Widget", {}), expressions=rules)
    assert broken.status == "unknown"
    assert "phase" in broken.message
    partly = {("example.com", "Widget"): Expressions(failed=phase("Bad"))}
    assert health(made("Widget", {"phase": "Busy", **ready}), expressions=partly).is_current
    assert health(made("Gadget", {"phase": "Bad"}), expressions=partly).is_current


def pod(name: str, container: Fields | None = None, *, phase: str = "Pending", init: Fields | None = None, **status: Any) -> dict[str, Any]:
    statuses = {"containerStatuses": [container] if container else [], "initContainerStatuses": [init] if init else []}
    return {"metadata": {"name": name}, "status": {"phase": phase, **statuses, **status}}


def test_s52_the_pod_and_its_words_are_named() -> None:
    pulling = pod("web-2", {"name": "app", "state": {"waiting": {"reason": "ImagePullBackOff", "message": 'Back-off pulling image "x:1"'}}})
    fine = pod("web-1", phase="Running", conditions=[condition("Ready", "True")])
    found = health(made("Deployment", counts(3, 1, 2, 2, EXCEEDED), THREE), pods=[fine, pulling])
    assert found.status == "failed"
    assert found.message.endswith('; pod web-2: container app: ImagePullBackOff: Back-off pulling image "x:1"')
    assert "web-2" not in health(made("Deployment", counts(3, 3, 3, 3, NEW, AVAILABLE), THREE), pods=[pulling]).message


BLAMES: list[tuple[Any, ...]] = [
    ("nothing", [pod("a", {"name": "app", "state": {"waiting": {"reason": "ContainerCreating"}}})], None),
    ("ready", [pod("a", {"name": "app", "restartCount": 3, "lastState": {"terminated": {"exitCode": 1}}}, conditions=[condition("Ready", "True")])], None),
    (
        "looping",
        [
            pod(
                "a",
                {"name": "app", "state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}},
                phase="Running",
            )
        ],
        "pod a: container app: CrashLoopBackOff; before: OOMKilled (exit status 137)",
    ),
    ("init", [pod("a", init={"name": "wait", "state": {"terminated": {"exitCode": 2}}})], "pod a: init container wait: Error (exit status 2)"),
    (
        "fits nowhere",
        [pod("a", conditions=[condition("PodScheduled", "False", "Unschedulable", "0/3 nodes are available")])],
        "pod a: Unschedulable: 0/3 nodes are available",
    ),
    ("evicted", [pod("a", phase="Failed", reason="Evicted", message="low on memory")], "pod a: Evicted: low on memory"),
    ("not ready", [pod("b", phase="Running"), pod("a", phase="Running")], "pod a: it runs, but is not ready (and 1 more)"),
    (
        "restarted",
        [pod("a", {"name": "app", "restartCount": 4, "state": {"running": {}}, "lastState": {"terminated": {"exitCode": 1, "message": "no\n such  file"}}})],
        "pod a: container app: it was restarted 4 times; before: Error (exit status 1): no such file",
    ),
    (
        "the worst",
        [pod("a", phase="Running"), pod("b", {"name": "app", "state": {"waiting": {"reason": "ErrImagePull"}}})],
        "pod b: container app: ErrImagePull (and 1 more)",
    ),
    ("going", [{"metadata": {"name": "a", "deletionTimestamp": "now"}, "status": {"phase": "Running"}}], None),
]


@pytest.mark.parametrize(("pods", "words"), [case[1:] for case in BLAMES], ids=[str(case[0]) for case in BLAMES])
def test_who_is_to_blame(pods: list[dict[str, Any]], words: str | None) -> None:
    assert cause(pods) == words
    assert cause(list(reversed(pods))) == words


def test_the_selector_of_a_workloads_pods() -> None:
    both = {"matchLabels": {"b": "2", "a": "1"}, "matchExpressions": [{"key": "c", "operator": "In", "values": ["y", "x"]}, {"key": "d", "operator": "Exists"}]}
    assert pod_selector({"spec": {"selector": both}}) == "a=1,b=2,c in (x,y),d"
    assert pod_selector({"spec": {"selector": {"matchExpressions": [{"key": "d", "operator": "DoesNotExist"}]}}}) == "!d"
    assert pod_selector({"spec": {}}) is None
