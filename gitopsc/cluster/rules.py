"""When an object of a built-in kind is current: the rules of kstatus, with the differences that reconcile.md lists."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gitopsc.cluster.verdict import CURRENT, Health, Object, at, conditions, failed, items, number, says, text, told, waiting

_NO_DEADLINE = 2**31 - 1
_DEFAULT_CLASS = ("storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What some rules must see beside the object: ``pods`` of its namespace or workload, and the cluster's StorageClasses."""

    pods: Sequence[Object] = ()
    storage_classes: Sequence[Object] = ()


Rule = Callable[[Object, Surroundings], Health | None]
"""None: the rule has nothing to say, and the generic ones go on."""


def deployment(obj: Object, _: Surroundings) -> Health:
    """All replicas of the newest template available, and none of the older left."""
    known = conditions(obj)
    progressing, available = known.get("Progressing"), known.get("Available")
    if progressing is not None and text(progressing, "reason") == "ProgressDeadlineExceeded":
        return failed(_with_cause(told(progressing), known))
    if not _is_observed(obj):
        return waiting("its controller has not seen it yet")
    wanted = number(obj, "spec", "replicas", default=1)
    there, updated, ready, usable = (number(obj, "status", name) for name in ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"))
    found = _first(
        (wanted > there, f"{there} of {wanted} replicas exist"),
        (wanted > updated, f"{updated} of {wanted} replicas are updated"),
        (there > wanted, f"{there - wanted} replicas are to be terminated"),
        (updated > usable, f"{usable} of {updated} updated replicas are available"),
        (wanted > ready, f"{ready} of {wanted} replicas are ready"),
    )
    limited = number(obj, "spec", "progressDeadlineSeconds", default=_NO_DEADLINE) != _NO_DEADLINE
    if found is None and limited and not (says(progressing, "True") and text(progressing, "reason") == "NewReplicaSetAvailable"):
        found = "it is paused" if at(obj, "spec", "paused") is True else "its newest replica set is not available"
    if found is None and not says(available, "True"):
        found = "it is not available"
    return CURRENT if found is None else waiting(_with_cause(found, known))


def stateful_set(obj: Object, _: Surroundings) -> Health:
    """All replicas ready at the newest revision, down to the partition."""
    if text(obj, "spec", "updateStrategy", "type") == "OnDelete":
        return CURRENT
    if not _is_observed(obj):
        return waiting("its controller has not seen it yet")
    wanted = number(obj, "spec", "replicas", default=1)
    there, ready, current, updated = (number(obj, "status", name) for name in ("replicas", "readyReplicas", "currentReplicas", "updatedReplicas"))
    partition = number(obj, "spec", "updateStrategy", "rollingUpdate", "partition", default=-1)
    found = _first(
        (wanted > there, f"{there} of {wanted} replicas exist"),
        (wanted > ready, f"{ready} of {wanted} replicas are ready"),
        (there > wanted, f"{there - wanted} replicas are to be terminated"),
    )
    if found is None and partition >= 0:
        found = _first((updated < wanted - partition, f"{updated} of {wanted - partition} replicas above the partition are updated"))
    elif found is None:
        same = text(obj, "status", "currentRevision") == text(obj, "status", "updateRevision")
        found = _first(
            (wanted > current, f"{current} of {wanted} replicas are current"), (not same, f"{updated} of {wanted} replicas are at the newest revision")
        )
    return CURRENT if found is None else waiting(found)


def daemon_set(obj: Object, _: Surroundings) -> Health:
    """A ready pod of the newest template on each node it is meant for."""
    if at(obj, "metadata", "generation") is None or not _is_observed(obj):
        return waiting("its controller has not seen it yet")
    wanted = number(obj, "status", "desiredNumberScheduled", default=-1)
    if wanted == -1:
        return waiting("its controller has not counted the nodes yet")
    names = {"currentNumberScheduled": "scheduled", "updatedNumberScheduled": "updated", "numberAvailable": "available", "numberReady": "ready"}
    if text(obj, "spec", "updateStrategy", "type") == "OnDelete":
        del names["updatedNumberScheduled"]  # a person deletes the pods, or never does
    found = _first(*((wanted > (has := number(obj, "status", name)), f"{has} of {wanted} pods are {word}") for name, word in names.items()))
    return CURRENT if found is None else waiting(found)


def replica_set(obj: Object, _: Surroundings) -> Health:
    """All replicas labelled, available and ready."""
    failure = conditions(obj).get("ReplicaFailure")
    if failure is not None and says(failure, "True"):
        return waiting(told(failure))
    wanted = number(obj, "spec", "replicas", default=1)
    names = {"fullyLabeledReplicas": "labelled", "availableReplicas": "available", "readyReplicas": "ready"}
    there = number(obj, "status", "replicas")
    found = _first(
        *((wanted > (has := number(obj, "status", name)), f"{has} of {wanted} replicas are {word}") for name, word in names.items()),
        (there > wanted, f"{there - wanted} replicas are to be terminated"),
    )
    return CURRENT if found is None else waiting(found)


def pod(obj: Object, _: Surroundings) -> Health:
    """Ready, or ended. An image that cannot be pulled and a pod that fits no node are in progress: both may pass, and are told at the deadline."""
    phase = text(obj, "status", "phase")
    if phase in {"Succeeded", "Failed"}:
        return Health("current", "" if phase == "Succeeded" else "it has ended, but not successfully")
    known = conditions(obj)
    if phase == "Running":
        if says(known.get("Ready"), "True"):
            return CURRENT
        looping = [
            text(container, "name")
            for container in (*items(obj, "status", "containerStatuses"), *items(obj, "status", "initContainerStatuses"))
            if text(container, "state", "waiting", "reason") == "CrashLoopBackOff"
        ]
        return failed(f"container {', '.join(sorted(looping))}: CrashLoopBackOff") if looping else waiting("it runs, but is not ready")
    scheduled = known.get("PodScheduled")
    return waiting(told(scheduled)) if scheduled is not None and says(scheduled, "False") else waiting("it has not started")


def job(obj: Object, _: Surroundings) -> Health:
    """Complete. Unlike kstatus', a Job that still runs is in progress."""
    known = conditions(obj)
    for kind in ("Failed", "FailureTarget"):
        if says(known.get(kind), "True"):
            return failed(told(known[kind]))
    if says(known.get("Complete"), "True") or says(known.get("SuccessCriteriaMet"), "True"):
        return CURRENT
    if says(known.get("Suspended"), "True") or at(obj, "spec", "suspend") is True:
        return Health("current", "it is suspended")
    if not text(obj, "status", "startTime"):
        return waiting("it has not started")
    running, done, bad = (number(obj, "status", name) for name in ("active", "succeeded", "failed"))
    return waiting(f"it runs: {running} pods active, {done} succeeded, {bad} failed")


def claim(obj: Object, around: Surroundings) -> Health:
    """Bound; one that waits for its first consumer keeps nobody waiting, since its consumer may come in a later layer."""
    phase = text(obj, "status", "phase")
    if phase == "Bound":
        return CURRENT
    if _waits_for_consumer(obj, around):
        return Health("current", "it waits for its first consumer")
    return waiting(f"it is {phase or 'not bound yet'}")


def _waits_for_consumer(obj: Object, around: Surroundings) -> bool:
    wanted = at(obj, "spec", "storageClassName")
    if text(obj, "metadata", "annotations", "volume.kubernetes.io/selected-node"):
        return False
    if wanted is None:
        marked = (one for one in around.storage_classes if any(text(one, "metadata", "annotations", name) == "true" for name in _DEFAULT_CLASS))
    else:
        marked = (one for one in around.storage_classes if text(one, "metadata", "name") == wanted)
    storage = next(marked, None)
    if text(storage, "volumeBindingMode") != "WaitForFirstConsumer":
        return False
    name, namespace = text(obj, "metadata", "name"), text(obj, "metadata", "namespace")
    return not any(
        text(volume, "persistentVolumeClaim", "claimName") == name
        for one in around.pods
        if text(one, "metadata", "namespace") == namespace
        for volume in items(one, "spec", "volumes")
    )


def service(obj: Object, _: Surroundings) -> Health:
    """One of type LoadBalancer has an address."""
    if text(obj, "spec", "type") != "LoadBalancer":
        return CURRENT
    if not text(obj, "spec", "clusterIP"):
        return waiting("it has no cluster address yet")
    if any(text(entry, "ip") or text(entry, "hostname") for entry in items(obj, "status", "loadBalancer", "ingress")):
        return CURRENT
    return waiting("its load balancer has no address yet")


def definition(obj: Object, _: Surroundings) -> Health:
    """A CustomResourceDefinition is established."""
    known = conditions(obj)
    names, established = known.get("NamesAccepted"), known.get("Established")
    if names is not None and says(names, "False"):
        return failed(told(names))
    if established is not None and says(established, "False") and text(established, "reason") != "Installing":
        return failed(told(established))
    return CURRENT if says(established, "True") else waiting("it is being installed")


def api_service(obj: Object, _: Surroundings) -> Health:
    """An aggregated API answers."""
    available = conditions(obj).get("Available")
    if says(available, "True"):
        return CURRENT
    return waiting(told(available) if available is not None else "nobody knows yet whether it is available")


def namespace(obj: Object, _: Surroundings) -> Health:
    """Active."""
    phase = text(obj, "status", "phase")
    if phase == "Terminating":
        return Health("terminating", "it is being deleted")
    return CURRENT if phase == "Active" else waiting("it is not active yet")


def autoscaler(obj: Object, _: Surroundings) -> Health:
    """Always current: metrics that cannot be read are a warning, since they come and go with what they measure."""
    known = conditions(obj)
    bad = [
        told(known[name]) for name in ("AbleToScale", "ScalingActive") if says(known.get(name), "False") and text(known[name], "reason") != "ScalingDisabled"
    ]
    return Health("current", "; ".join(bad))


def always(_obj: Object, _: Surroundings) -> Health:
    """Current as soon as it is there."""
    return CURRENT


RULES: dict[tuple[str, str], Rule] = {
    ("apps", "Deployment"): deployment,
    ("apps", "StatefulSet"): stateful_set,
    ("apps", "DaemonSet"): daemon_set,
    ("apps", "ReplicaSet"): replica_set,
    ("", "Pod"): pod,
    ("batch", "Job"): job,
    ("batch", "CronJob"): always,
    ("", "Secret"): always,
    ("", "ConfigMap"): always,
    ("", "PersistentVolumeClaim"): claim,
    ("", "Service"): service,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): definition,
    ("apiregistration.k8s.io", "APIService"): api_service,
    ("", "Namespace"): namespace,
    ("autoscaling", "HorizontalPodAutoscaler"): autoscaler,
    ("policy", "PodDisruptionBudget"): always,
    ("networking.k8s.io", "Ingress"): always,
}


def _first(*cases: tuple[bool, str]) -> str | None:
    return next((message for found, message in cases if found), None)


def _is_observed(obj: Object) -> bool:
    return number(obj, "status", "observedGeneration", default=-1) >= 0


def _with_cause(message: str, known: dict[str, Object]) -> str:
    failure = known.get("ReplicaFailure")
    return f"{message}; {told(failure)}" if failure is not None and says(failure, "True") else message
