"""Rules of a pod as a whole: names, ports, volumes, restart policy, host namespaces."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gitopsc.validate.containers import VOLUME_FIELDS, check_container, check_field_path, check_resource_field
from gitopsc.validate.finding import Subject, shown
from gitopsc.validate.storage import check_claim_spec
from gitopsc.values import Path

Pod = dict[str, Any]
TEMPLATES: dict[tuple[str, str], Path] = {
    ("", "Pod"): (),
    ("", "PodTemplate"): ("template",),
    ("", "ReplicationController"): ("spec", "template"),
    ("apps", "Deployment"): ("spec", "template"),
    ("apps", "ReplicaSet"): ("spec", "template"),
    ("apps", "StatefulSet"): ("spec", "template"),
    ("apps", "DaemonSet"): ("spec", "template"),
    ("batch", "Job"): ("spec", "template"),
    ("batch", "CronJob"): ("spec", "jobTemplate", "spec", "template"),
}
"""Where the pod template stands in each kind that has one."""
ALWAYS = frozenset({"Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "ReplicationController"})
FINITE = frozenset({"Job", "CronJob"})


def pod_template(group: str, kind: str, data: dict[str, Any]) -> tuple[dict[str, Any], Path] | None:
    """The pod template (labels and spec) of an object and its path, None where it has none."""
    path = TEMPLATES.get((group, kind))
    if path is None:
        return None
    node: Any = data
    for step in path:
        node = node.get(step) if isinstance(node, dict) else None
    return (node, path) if isinstance(node, dict) else None


def containers_of(pod: Pod, path: Path) -> Iterator[tuple[dict[str, Any], Path, bool]]:
    """Each container with its path; the last says whether it is an init container."""
    for index, container in enumerate(pod.get("initContainers") or ()):
        yield container, (*path, "initContainers", index), True
    for index, container in enumerate(pod.get("containers") or ()):
        yield container, (*path, "containers", index), False


def check_pod(subject: Subject, pod: Pod, path: Path) -> None:
    """All rules of a pod spec that stands at ``path``."""
    volumes = _volume_names(subject, pod)
    init_names = {container.get("name") for container in pod.get("initContainers") or ()}
    host_ports: set[tuple[Any, ...]] = set()
    for container, where, init in containers_of(pod, path):
        name = container.get("name")
        if not init and name in init_names:
            subject.error("duplicate", (*where, "name"), f"expected a name that no init container has, found {shown(name)} again")
        check_container(subject, container, where, pod, volumes, init)
        _check_host_ports(subject, container, where, pod, host_ports)
    _check_restart(subject, pod, path)
    _check_host(subject, pod, path)
    if pod.get("dnsPolicy") == "None" and not (pod.get("dnsConfig") or {}).get("nameservers"):
        subject.error("missing-field", (*path, "dnsConfig"), "expected nameservers, because dnsPolicy is None, found none")
    sysctls = [sysctl.get("name") for sysctl in (pod.get("securityContext") or {}).get("sysctls") or ()]
    for index, name in enumerate(sysctls):
        if name in sysctls[:index]:
            subject.error("duplicate", (*path, "securityContext", "sysctls", index, "name"), f"expected each sysctl once, found {shown(name)} again")
    if pod.get("volumes"):
        _check_volumes(subject, pod, path)
    if pod.get("topologySpreadConstraints"):
        _check_spread(subject, pod, path)


def _volume_names(subject: Subject, pod: Pod) -> frozenset[str]:
    names = [volume.get("name") for volume in pod.get("volumes") or ()]
    if subject.kind == "StatefulSet":
        spec = subject.data.get("spec") or {}
        names += [(claim.get("metadata") or {}).get("name") for claim in spec.get("volumeClaimTemplates") or ()]
    return frozenset(name for name in names if isinstance(name, str))


def _check_host_ports(subject: Subject, container: dict[str, Any], path: Path, pod: Pod, seen: set[tuple[Any, ...]]) -> None:
    network = pod.get("hostNetwork") is True
    for index, port in enumerate(container.get("ports") or ()):
        host = port.get("hostPort") or (port.get("containerPort") if network else None)
        if not host:
            continue
        where = (*path, "ports", index, "hostPort")
        if network and port.get("hostPort") and port["hostPort"] != port.get("containerPort"):
            subject.error("wrong-port", where, f"expected containerPort's {port.get('containerPort')}, because the pod has hostNetwork, found {host}")
        key = (host, port.get("hostIP") or "0.0.0.0", port.get("protocol") or "TCP")  # noqa: S104 (Kubernetes' default, nothing listens here)
        if key in seen:
            subject.error("duplicate", where, f"expected a host port that no other port of the pod has, found {host} again")
        seen.add(key)


def _check_restart(subject: Subject, pod: Pod, path: Path) -> None:
    policy = pod.get("restartPolicy") or "Always"
    if subject.kind in ALWAYS and policy in ("OnFailure", "Never"):
        subject.error("wrong-value", (*path, "restartPolicy"), f"expected Always, as every {subject.kind} must have, found {shown(policy)}")
    elif subject.kind in FINITE and policy == "Always":
        found = shown(pod["restartPolicy"]) if pod.get("restartPolicy") else "none, which means Always"
        subject.error("wrong-value", (*path, "restartPolicy"), f"expected OnFailure or Never, as every {subject.kind} must have, found {found}")
    if pod.get("activeDeadlineSeconds") is not None and subject.kind in ALWAYS:
        subject.error("wrong-value", (*path, "activeDeadlineSeconds"), f"expected none, because the pods of a {subject.kind} run for ever")
    if pod.get("ephemeralContainers"):
        subject.error("wrong-value", (*path, "ephemeralContainers"), "expected none: they are added to running pods only")


def _check_host(subject: Subject, pod: Pod, path: Path) -> None:
    if pod.get("hostPID") and pod.get("shareProcessNamespace"):
        subject.error("one-of", (*path, "shareProcessNamespace"), "expected hostPID or shareProcessNamespace, not both")
    if pod.get("hostUsers") is False:
        for name in ("hostNetwork", "hostPID", "hostIPC"):
            if pod.get(name):
                subject.error("one-of", (*path, name), f"expected no {name}, because hostUsers is false")


def _check_volumes(subject: Subject, pod: Pod, path: Path) -> None:
    for index, volume in enumerate(pod["volumes"]):
        where = (*path, "volumes", index)
        if volume.get("hostPath"):
            target = str(volume["hostPath"].get("path"))
            if ".." in target.split("/"):
                subject.error("wrong-path", (*where, "hostPath", "path"), f"expected a path without '..', found {shown(target)}")
        elif volume.get("downwardAPI"):
            _check_downward(subject, volume["downwardAPI"], (*where, "downwardAPI"), pod)
        elif volume.get("projected"):
            _check_projected(subject, volume["projected"].get("sources") or (), (*where, "projected", "sources"), pod)
        elif volume.get("ephemeral"):
            template = volume["ephemeral"].get("volumeClaimTemplate") or {}
            check_claim_spec(subject, template.get("spec") or {}, (*where, "ephemeral", "volumeClaimTemplate", "spec"))


def _check_projected(subject: Subject, sources: Any, path: Path, pod: Pod) -> None:
    """Files of several sources in one directory: no path twice."""
    seen: set[Any] = set()
    for index, source in enumerate(sources):
        if source.get("downwardAPI"):
            _check_downward(subject, source["downwardAPI"], (*path, index, "downwardAPI"), pod)
        token = source.get("serviceAccountToken")
        files = [(token.get("path"), (*path, index, "serviceAccountToken", "path"))] if token else []
        for part in ("configMap", "secret", "downwardAPI"):
            items = (source.get(part) or {}).get("items") or ()
            files += [(item.get("path"), (*path, index, part, "items", number, "path")) for number, item in enumerate(items)]
        for name, where in files:
            if name in seen:
                subject.error("duplicate", where, f"expected a path that no other file of the volume has, found {shown(name)} again")
            seen.add(name)


def _check_downward(subject: Subject, source: dict[str, Any], path: Path, pod: Pod) -> None:
    containers = {container.get("name") for container, _, _ in containers_of(pod, path)}
    for index, item in enumerate(source.get("items") or ()):
        where = (*path, "items", index)
        field, resource = item.get("fieldRef"), item.get("resourceFieldRef")
        if field:
            check_field_path(subject, str(field.get("fieldPath")), (*where, "fieldRef", "fieldPath"), VOLUME_FIELDS)
        if resource:
            check_resource_field(subject, str(resource.get("resource")), (*where, "resourceFieldRef", "resource"))
            name = resource.get("containerName")
            if name not in containers:
                subject.error("wrong-name", (*where, "resourceFieldRef", "containerName"), f"expected a container of this pod, found {shown(name)}")


def _check_spread(subject: Subject, pod: Pod, path: Path) -> None:
    for index, constraint in enumerate(pod["topologySpreadConstraints"]):
        where = (*path, "topologySpreadConstraints", index)
        if constraint.get("minDomains") is not None and constraint.get("whenUnsatisfiable") != "DoNotSchedule":
            subject.error("one-of", (*where, "minDomains"), "expected whenUnsatisfiable: DoNotSchedule beside minDomains")
        if constraint.get("matchLabelKeys") and constraint.get("labelSelector") is None:
            subject.error("one-of", (*where, "matchLabelKeys"), "expected a labelSelector beside matchLabelKeys")
