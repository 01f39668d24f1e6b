"""Rules of one container: mounts, resources, probes, environment, security."""

from __future__ import annotations

import re
from typing import Any

from gitopsc.kubernetes import Minor
from gitopsc.quantities import quantity
from gitopsc.validate.finding import Subject, listed, shown
from gitopsc.validate.images import check_image
from gitopsc.values import Path

Container = dict[str, Any]
STANDARD_RESOURCES = frozenset({"cpu", "memory", "ephemeral-storage"})
VOLUME_FIELDS = frozenset("metadata.name metadata.namespace metadata.uid metadata.labels metadata.annotations".split())
"""What a downwardAPI volume may hold."""
OWN_POLICIES_SINCE: Minor = (1, 34)
"""From this minor every container may have a restart policy of its own."""
PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_SUBSCRIPT = re.compile(r"metadata\.(labels|annotations)\['([^']+)'\]\Z")
ENV_FIELDS = frozenset(
    "metadata.name metadata.namespace metadata.uid spec.nodeName spec.serviceAccountName status.hostIP status.hostIPs status.podIP status.podIPs".split()
)


def check_container(subject: Subject, container: Container, path: Path, pod: dict[str, Any], volumes: frozenset[str], init: bool) -> None:
    """All rules of one container at ``path``; ``volumes`` are the names it may mount."""
    check_image(subject, container.get("image"), (*path, "image"))
    if container.get("volumeMounts"):
        _check_mounts(subject, container["volumeMounts"], path, volumes)
    for index, device in enumerate(container.get("volumeDevices") or ()):
        if device.get("name") not in volumes:
            _unknown_volume(subject, device.get("name"), (*path, "volumeDevices", index, "name"), volumes)
    if container.get("resources"):
        _check_resources(subject, container["resources"], (*path, "resources"))
        if container["resources"].get("claims"):
            _check_claims(subject, container["resources"]["claims"], pod, (*path, "resources", "claims"))
    if container.get("restartPolicy"):
        _check_restart(subject, container["restartPolicy"], (*path, "restartPolicy"), init)
    if container.get("env"):
        _check_env(subject, container["env"], path)
    if container.get("securityContext"):
        _check_security(subject, container["securityContext"], pod, (*path, "securityContext"))
    _check_probes(subject, container, path, pod, init)
    if container.get("ports"):
        _check_ports(subject, container["ports"], path)


def _check_mounts(subject: Subject, mounts: list[Any], path: Path, volumes: frozenset[str]) -> None:
    for index, mount in enumerate(mounts):
        if mount.get("name") not in volumes:
            _unknown_volume(subject, mount.get("name"), (*path, "volumeMounts", index, "name"), volumes)


def _unknown_volume(subject: Subject, name: Any, path: Path, volumes: frozenset[str]) -> None:
    known = f"this pod has {listed(sorted(volumes), 'and')}" if volumes else "this pod has none"
    subject.error("unknown-volume", path, f"expected a volume of this pod, found {shown(name)}", known)


def _check_resources(subject: Subject, resources: dict[str, Any], path: Path) -> None:
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    for part, values in (("limits", limits), ("requests", requests)):
        for name in values:
            if name not in STANDARD_RESOURCES and "/" not in name and not name.startswith("hugepages-"):
                message = f"expected cpu, memory, ephemeral-storage, hugepages-<size> or a name with a domain, found {shown(name)}"
                subject.error("wrong-resource", (*path, part, name), message)
            elif "/" in name and not _is_whole(values[name]):
                subject.error("wrong-quantity", (*path, part, name), f"expected a whole number, because {name} is not divided, found {shown(values[name])}")
    for name, asked in requests.items():
        limit = limits.get(name)
        if limit is None:
            if name not in STANDARD_RESOURCES and ("/" in name or name.startswith("hugepages-")):
                subject.error(
                    "limit-below-request", (*path, "requests", name), f"expected a limit of the same amount, because {name} is not shared, found none"
                )
            continue
        if asked == limit:
            continue
        low, high = quantity(asked), quantity(limit)
        if low is not None and high is not None and (low > high or (low != high and name not in STANDARD_RESOURCES)):
            expected = f"at least the request of {asked}" if name in STANDARD_RESOURCES else f"the request's {asked}, because {name} is not shared"
            subject.error("limit-below-request", (*path, "limits", name), f"expected {expected}, found {limit}")


def _is_whole(value: Any) -> bool:
    amount = quantity(value)
    return amount is None or amount.denominator == 1


def _check_claims(subject: Subject, claims: list[Any], pod: dict[str, Any], path: Path) -> None:
    known = sorted(str(claim.get("name")) for claim in pod.get("resourceClaims") or ())
    for index, claim in enumerate(claims):
        if claim.get("name") not in known:
            hint = f"this pod has {listed(known, 'and')}" if known else "this pod has none"
            subject.error("unknown-claim", (*path, index, "name"), f"expected one of the pod's resourceClaims, found {shown(claim.get('name'))}", hint)


def _check_restart(subject: Subject, policy: str, path: Path, init: bool) -> None:
    """Before rules of their own, containers had one policy: Always made an init container a sidecar."""
    if subject.rules.kubernetes >= OWN_POLICIES_SINCE:
        return
    if not init:
        subject.error("wrong-value", path, f"expected none before Kubernetes 1.{OWN_POLICIES_SINCE[1]}, found {shown(policy)}", "the pod has a restartPolicy")
    elif policy != "Always":
        subject.error("wrong-value", path, f"expected Always or none before Kubernetes 1.{OWN_POLICIES_SINCE[1]}, found {shown(policy)}")


def _check_env(subject: Subject, env: list[Any], path: Path) -> None:
    for index, entry in enumerate(env):
        source = entry.get("valueFrom")
        if not source:
            continue
        field = source.get("fieldRef")
        if field:
            check_field_path(subject, str(field.get("fieldPath")), (*path, "env", index, "valueFrom", "fieldRef", "fieldPath"), ENV_FIELDS)
        resource = source.get("resourceFieldRef")
        if resource:
            check_resource_field(subject, str(resource.get("resource")), (*path, "env", index, "valueFrom", "resourceFieldRef", "resource"))


def check_field_path(subject: Subject, field: str, path: Path, known: frozenset[str]) -> None:
    """A field of the pod that may be read: one of ``known``, or one label or annotation."""
    if field not in known and not _SUBSCRIPT.match(field):
        expected = f"{listed(sorted(known), ',')} or metadata.labels['<key>'], metadata.annotations['<key>']".replace(" , ", ", ")
        subject.error("wrong-value", path, f"expected {expected}, found {shown(field)}")


def check_resource_field(subject: Subject, name: str, path: Path) -> None:
    """A resource of a container that may be read."""
    part, _, resource = name.partition(".")
    if part not in ("limits", "requests") or (resource not in STANDARD_RESOURCES and not resource.startswith("hugepages-")):
        subject.error("wrong-value", path, f"expected limits or requests of cpu, memory or ephemeral-storage (limits.cpu), found {shown(name)}")


def _check_security(subject: Subject, security: dict[str, Any], pod: dict[str, Any], path: Path) -> None:
    if security.get("allowPrivilegeEscalation") is False:
        if security.get("privileged"):
            subject.error("one-of", (*path, "privileged"), "expected no privileged: true beside allowPrivilegeEscalation: false")
        added = (security.get("capabilities") or {}).get("add") or ()
        if "CAP_SYS_ADMIN" in added:
            subject.error("one-of", (*path, "capabilities", "add"), "expected no CAP_SYS_ADMIN beside allowPrivilegeEscalation: false")
    if security.get("procMount") == "Unmasked" and pod.get("hostUsers") is not False:
        subject.error("one-of", (*path, "procMount"), "expected hostUsers: false in the pod beside procMount: Unmasked")
    shared = pod.get("securityContext") or {}
    user = security.get("runAsUser", shared.get("runAsUser"))
    strict = security.get("runAsNonRoot", shared.get("runAsNonRoot"))
    if strict is True and user == 0 and "runAsUser" in security:
        subject.error("root-user", (*path, "runAsUser"), "expected a user other than 0, because runAsNonRoot is true: the container would never start")


def _check_probes(subject: Subject, container: Container, path: Path, pod: dict[str, Any], init: bool) -> None:
    sidecar = init and container.get("restartPolicy") == "Always"
    for name in PROBES:
        probe = container.get(name)
        if not probe:
            continue
        if init and not sidecar:
            subject.error("one-of", (*path, name), "expected no probe on an init container", "restartPolicy: Always makes it a sidecar, which may have probes")
        if name != "readinessProbe" and (probe.get("successThreshold") or 1) != 1:
            message = f"expected 1, as every liveness and startup probe must have, found {probe['successThreshold']}"
            subject.error("out-of-range", (*path, name, "successThreshold"), message)
        if name == "readinessProbe" and probe.get("terminationGracePeriodSeconds") is not None:
            subject.error("one-of", (*path, name, "terminationGracePeriodSeconds"), "expected none: a readiness probe ends no container")
        _check_action_port(subject, probe, container, (*path, name))
    lifecycle = container.get("lifecycle")
    if lifecycle:
        if init and not sidecar:
            subject.error("one-of", (*path, "lifecycle"), "expected no lifecycle on an init container")
        for name in ("postStart", "preStop"):
            if lifecycle.get(name):
                _check_action_port(subject, lifecycle[name], container, (*path, "lifecycle", name))
                _check_sleep(subject, lifecycle[name], pod, (*path, "lifecycle", name))


def _check_sleep(subject: Subject, hook: dict[str, Any], pod: dict[str, Any], path: Path) -> None:
    seconds, grace = (hook.get("sleep") or {}).get("seconds"), pod.get("terminationGracePeriodSeconds")
    grace = 30 if grace is None else grace
    if isinstance(seconds, int) and seconds > grace:
        message = f"expected at most the pod's terminationGracePeriodSeconds ({grace}), found {seconds}"
        subject.error("out-of-range", (*path, "sleep", "seconds"), message)


def _check_action_port(subject: Subject, action: dict[str, Any], container: Container, path: Path) -> None:
    for name in ("httpGet", "tcpSocket"):
        port = (action.get(name) or {}).get("port")
        if isinstance(port, str) and not any(item.get("name") == port for item in container.get("ports") or ()):
            declared = sorted(str(item["name"]) for item in container.get("ports") or () if item.get("name"))
            hint = f"it has {listed(declared, 'and')}" if declared else "it names none"
            subject.error("unknown-port", (*path, name, "port"), f"expected a port that this container names, found {shown(port)}", hint)


def _check_ports(subject: Subject, ports: list[Any], path: Path) -> None:
    names = set()
    for index, port in enumerate(ports):
        name = port.get("name")
        if name and name in names:
            subject.error("duplicate", (*path, "ports", index, "name"), f"expected a name that no other port has, found {shown(name)} again")
        names.add(name)
