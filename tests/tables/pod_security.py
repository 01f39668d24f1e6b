"""Pods against the Pod Security Standards: the change, and the levels that refuse it, with the field that is named."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.tables.case import GONE, Changes

C = "spec.containers[0]"
S = f"{C}.securityContext"
API = "spec.containers[api]"
INIT: dict[str, Any] = {"name": "b", "image": "b:1"}
SAFE = {"allowPrivilegeEscalation": False, "runAsNonRoot": True, "capabilities": {"drop": ["ALL"]}}


@dataclass(frozen=True, slots=True)
class PodCase:
    """``baseline`` and ``restricted``: the paths that each level reports, none where it lets the pod run."""

    claim: str
    changes: Changes
    baseline: tuple[str, ...] = ()
    restricted: tuple[str, ...] = field(default=())

    def __str__(self) -> str:
        return self.claim


def both(claim: str, changes: Changes, *paths: str) -> PodCase:
    """A pod that both levels refuse."""
    return PodCase(claim, changes, paths, paths)


def strict(claim: str, changes: Changes, *paths: str) -> PodCase:
    """A pod that only ``restricted`` refuses."""
    return PodCase(claim, changes, (), paths)


CASES = [
    PodCase("a right pod", {}),
    PodCase("a non-root container in a pod that says nothing", {"spec.securityContext": {"seccompProfile": {"type": "RuntimeDefault"}}}),
    PodCase("everything said by the pod", {"spec.securityContext.runAsNonRoot": True, f"{S}.runAsNonRoot": GONE}),
    PodCase("a seccomp profile of its own", {"spec.securityContext": GONE, f"{S}.seccompProfile": {"type": "RuntimeDefault"}}),
    PodCase("NET_BIND_SERVICE", {f"{S}.capabilities.add": ["NET_BIND_SERVICE"]}),
    PodCase("a right init container", {"spec.initContainers": [{**INIT, "securityContext": SAFE}]}),
    PodCase(
        "volumes of every allowed kind",
        {
            "spec.volumes": [
                {"name": "tmp", "emptyDir": {}},
                {"name": "a", "configMap": {"name": "a"}},
                {"name": "b", "secret": {"secretName": "a"}},
                {"name": "c", "projected": {"sources": []}},
                {"name": "d", "downwardAPI": {"items": []}},
                {"name": "e", "persistentVolumeClaim": {"claimName": "a"}},
                {"name": "f", "csi": {"driver": "a.b"}},
                {
                    "name": "g",
                    "ephemeral": {"volumeClaimTemplate": {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}},
                },
            ]
        },
    ),
    PodCase("an image volume", {"spec.volumes[1]": {"name": "a", "image": {"reference": "a:1"}}}),
    PodCase("a safe sysctl", {"spec.securityContext.sysctls": [{"name": "net.ipv4.tcp_syncookies", "value": "1"}]}),
    PodCase("a container's SELinux type", {f"{S}.seLinuxOptions": {"type": "container_t"}}),
    PodCase("an AppArmor profile", {f"{S}.appArmorProfile": {"type": "RuntimeDefault"}}),
    PodCase("user 1000", {f"{S}.runAsUser": 1000}),
    both("hostNetwork", {"spec.hostNetwork": True, f"{C}.ports": []}, "spec.hostNetwork"),
    both("hostPID", {"spec.hostPID": True}, "spec.hostPID"),
    both("hostIPC", {"spec.hostIPC": True}, "spec.hostIPC"),
    both("a host port", {f"{C}.ports[0].hostPort": 80}, f"{API}.ports[http].hostPort"),
    both("a probe of another host", {f"{C}.readinessProbe.httpGet.host": "10.0.0.1"}, f"{API}.readinessProbe.httpGet.host"),
    both("a hook of another host", {f"{C}.lifecycle": {"preStop": {"httpGet": {"host": "a.b", "port": 80}}}}, f"{API}.lifecycle.preStop.httpGet.host"),
    PodCase(
        "privileged",
        {f"{S}": {"privileged": True, "runAsNonRoot": True, "capabilities": {"drop": ["ALL"]}}},
        (f"{API}.securityContext.privileged",),
        (f"{API}.securityContext.privileged", f"{API}.securityContext.allowPrivilegeEscalation"),
    ),
    both(
        "a Windows host process",
        {"spec.securityContext.windowsOptions": {"hostProcess": True}, "spec.hostNetwork": True, f"{C}.ports": []},
        "spec.hostNetwork",
        "spec.securityContext.windowsOptions.hostProcess",
    ),
    both("NET_ADMIN", {f"{S}.capabilities.add": ["NET_ADMIN"]}, f"{API}.securityContext.capabilities.add"),
    both("a host path", {"spec.volumes[1]": {"name": "a", "hostPath": {"path": "/"}}}, "spec.volumes[a].hostPath"),
    both("an unconfined seccomp profile", {"spec.securityContext.seccompProfile.type": "Unconfined"}, "spec.securityContext.seccompProfile.type"),
    both("a container's unconfined seccomp profile", {f"{S}.seccompProfile": {"type": "Unconfined"}}, f"{API}.securityContext.seccompProfile.type"),
    both("unconfined AppArmor", {f"{S}.appArmorProfile": {"type": "Unconfined"}}, f"{API}.securityContext.appArmorProfile.type"),
    both(
        "unconfined AppArmor by annotation",
        {"metadata.annotations": {"container.apparmor.security.beta.kubernetes.io/api": "unconfined"}},
        'metadata.annotations["container.apparmor.security.beta.kubernetes.io/api"]',
    ),
    both("an SELinux user", {f"{S}.seLinuxOptions": {"user": "a"}}, f"{API}.securityContext.seLinuxOptions.user"),
    both("a wide SELinux type", {"spec.securityContext.seLinuxOptions": {"type": "spc_t"}}, "spec.securityContext.seLinuxOptions.type"),
    strict("an unmasked /proc", {f"{S}.procMount": "Unmasked", "spec.hostUsers": False}, f"{API}.securityContext.procMount"),
    PodCase("root of its own user namespace", {"spec.hostUsers": False, f"{S}.runAsNonRoot": False}),
    PodCase("Windows", {"spec.os.name": "windows", S: {"runAsNonRoot": True}, "spec.securityContext": {}}),
    both("an unsafe sysctl", {"spec.securityContext.sysctls": [{"name": "kernel.msgmax", "value": "1"}]}, "spec.securityContext.sysctls[kernel.msgmax].name"),
    strict("NFS", {"spec.volumes[1]": {"name": "a", "nfs": {"server": "a", "path": "/"}}}, "spec.volumes[a].nfs"),
    strict("escalation allowed", {f"{S}.allowPrivilegeEscalation": GONE}, f"{API}.securityContext.allowPrivilegeEscalation"),
    strict("maybe root", {f"{S}.runAsNonRoot": GONE}, f"{API}.securityContext.runAsNonRoot"),
    strict("root by the container", {"spec.securityContext.runAsNonRoot": True, f"{S}.runAsNonRoot": False}, f"{API}.securityContext.runAsNonRoot"),
    strict("root by the pod", {"spec.securityContext.runAsNonRoot": False}, "spec.securityContext.runAsNonRoot"),
    strict("user 0", {"spec.securityContext.runAsUser": 0}, "spec.securityContext.runAsUser"),
    strict("no seccomp profile", {"spec.securityContext": GONE}, f"{API}.securityContext.seccompProfile"),
    strict("capabilities kept", {f"{S}.capabilities": GONE}, f"{API}.securityContext.capabilities.drop"),
    strict("a default capability added", {f"{S}.capabilities.add": ["CHOWN"]}, f"{API}.securityContext.capabilities.add"),
    strict(
        "an init container that says nothing",
        {"spec.initContainers": [INIT]},
        "spec.initContainers[b].securityContext.allowPrivilegeEscalation",
        "spec.initContainers[b].securityContext.runAsNonRoot",
        "spec.initContainers[b].securityContext.capabilities.drop",
    ),
]
