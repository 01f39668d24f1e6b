"""Kubernetes' Pod Security Standards, ``baseline`` and ``restricted``, each control with the fields it is about.

Source: kubernetes.io, Pod Security Standards, and the checks of k8s.io/pod-security-admission.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from gitopsc.kubernetes import Minor
from gitopsc.validate.finding import Subject, listed, shown
from gitopsc.validate.pods import containers_of
from gitopsc.values import Path

Pod = dict[str, Any]
Found = tuple[Path, str, str | None]
"""Path, what was expected and found, hint."""


CAPABILITIES = frozenset("AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID SYS_CHROOT".split())
SYSCTLS = frozenset(
    "kernel.shm_rmid_forced net.ipv4.ip_local_port_range net.ipv4.tcp_syncookies net.ipv4.ping_group_range net.ipv4.ip_unprivileged_port_start "
    "net.ipv4.ip_local_reserved_ports net.ipv4.tcp_keepalive_time net.ipv4.tcp_fin_timeout net.ipv4.tcp_keepalive_intvl net.ipv4.tcp_keepalive_probes "
    "net.ipv4.tcp_rmem net.ipv4.tcp_wmem".split()
)
SELINUX_TYPES = ("", "container_t", "container_init_t", "container_kvm_t", "container_engine_t")
VOLUMES = frozenset("configMap csi downwardAPI emptyDir ephemeral image persistentVolumeClaim projected secret".split())
HOST_PROBES_SINCE: Minor = (1, 34)
USER_NAMESPACES_SINCE: Minor = (1, 36)
APPARMOR = "container.apparmor.security.beta.kubernetes.io/"


class View:
    """A pod taken apart once for all controls: its containers, and the security contexts that are written (``own``: of containers only)."""

    __slots__ = ("containers", "metadata", "own", "path", "pod", "securities")

    def __init__(self, pod: Pod, path: Path, metadata: dict[str, Any]) -> None:
        self.pod = pod
        self.path = path
        self.metadata = metadata
        self.containers = list(containers_of(pod, path))
        self.own = [(found["securityContext"], (*where, "securityContext")) for found, where, _ in self.containers if found.get("securityContext")]
        shared = pod.get("securityContext")
        self.securities = [(shared, (*path, "securityContext")), *self.own] if shared else self.own


Control = Callable[[View], Iterator[Found]]


def check_pod_security(subject: Subject, template: dict[str, Any], path: Path) -> None:
    """Hold the pod template at ``path`` to the level of the policy. Nothing is asked of ``privileged``."""
    level = subject.rules.pod_security
    if level == "privileged":
        return
    pod = template.get("spec") or {}
    metadata = (template.get("metadata") or {}) if path else subject.data.get("metadata") or {}
    view = View(pod, (*path, "spec"), metadata)
    spared = _spared(pod, level, subject.rules.kubernetes)
    for control in BASELINE if level == "baseline" else RESTRICTED:
        if control in spared:
            continue
        for field, message, hint in control(view):
            subject.error("pod-security", field, f"{message}, as Pod Security {level} asks", hint)


def _spared(pod: Pod, level: str, version: Minor) -> frozenset[Control]:
    """Controls that do not apply to this pod, or that this minor does not have yet."""
    spared: set[Control] = set()
    if version < HOST_PROBES_SINCE:
        spared.add(host_probes)
    if pod.get("hostUsers") is False and version >= USER_NAMESPACES_SINCE:
        spared |= {proc_mount} if level == "baseline" else {non_root, non_root_user}
    if (pod.get("os") or {}).get("name") == "windows":
        spared |= {escalation, seccomp, dropped_capabilities}
    return frozenset(spared)


def host_namespaces(view: View) -> Iterator[Found]:
    """No namespaces of the host."""
    for name in ("hostNetwork", "hostPID", "hostIPC"):
        if view.pod.get(name):
            yield (*view.path, name), "expected false, found true", None


def privileged(view: View) -> Iterator[Found]:
    """No privileged containers, and no Windows host processes."""
    for security, where in view.securities:
        if (security.get("windowsOptions") or {}).get("hostProcess"):
            yield (*where, "windowsOptions", "hostProcess"), "expected false, found true", None
    for security, where in view.own:
        if security.get("privileged"):
            yield (*where, "privileged"), "expected false, found true", None


def capabilities(view: View) -> Iterator[Found]:
    """Only capabilities that every container has by default."""
    for security, where in view.own:
        extra = sorted(set((security.get("capabilities") or {}).get("add") or ()) - CAPABILITIES)
        if extra:
            yield (*where, "capabilities", "add"), f"expected no {listed(extra)}", None


def host_path(view: View) -> Iterator[Found]:
    """No directories of the host."""
    for index, volume in enumerate(view.pod.get("volumes") or ()):
        if volume.get("hostPath") is not None:
            yield (*view.path, "volumes", index, "hostPath"), "expected another kind of volume, found hostPath", None


def host_ports(view: View) -> Iterator[Found]:
    """No ports of the host."""
    for container, where, _init in view.containers:
        for index, port in enumerate(container.get("ports") or ()):
            if port.get("hostPort"):
                yield (*where, "ports", index, "hostPort"), f"expected none, found {port['hostPort']}", None


def host_probes(view: View) -> Iterator[Found]:
    """Probes and lifecycle hooks go to the pod itself."""
    for container, where, _init in view.containers:
        lifecycle = container.get("lifecycle") or {}
        actions = [(container.get(name), (*where, name)) for name in ("livenessProbe", "readinessProbe", "startupProbe")]
        actions += [(lifecycle.get(name), (*where, "lifecycle", name)) for name in ("postStart", "preStop")]
        for action, at in actions:
            for kind in ("httpGet", "tcpSocket"):
                host = ((action or {}).get(kind) or {}).get("host")
                if host:
                    yield (*at, kind, "host"), f"expected none, found {shown(host)}", None


def app_armor(view: View) -> Iterator[Found]:
    """AppArmor is not switched off."""
    for security, where in view.securities:
        if (security.get("appArmorProfile") or {}).get("type") == "Unconfined":
            yield (*where, "appArmorProfile", "type"), "expected RuntimeDefault or Localhost, found 'Unconfined'", None
    for key, value in (view.metadata.get("annotations") or {}).items():
        if key.startswith(APPARMOR) and value not in ("", "runtime/default") and not str(value).startswith("localhost/"):
            yield (*view.path[:-1], "metadata", "annotations", key), f"expected runtime/default or localhost/<profile>, found {shown(value)}", None


def se_linux(view: View) -> Iterator[Found]:
    """SELinux options of ordinary containers."""
    for security, where in view.securities:
        options = security.get("seLinuxOptions") or {}
        if (options.get("type") or "") not in SELINUX_TYPES:
            yield (*where, "seLinuxOptions", "type"), f"expected {listed(SELINUX_TYPES[1:])}, found {shown(options['type'])}", None
        for name in ("user", "role"):
            if options.get(name):
                yield (*where, "seLinuxOptions", name), f"expected none, found {shown(options[name])}", None


def proc_mount(view: View) -> Iterator[Found]:
    """The default /proc."""
    for security, where in view.own:
        if security.get("procMount") not in (None, "", "Default"):
            yield (*where, "procMount"), f"expected Default, found {shown(security['procMount'])}", None


def seccomp_not_off(view: View) -> Iterator[Found]:
    """Seccomp is not switched off."""
    for security, where in view.securities:
        if (security.get("seccompProfile") or {}).get("type") == "Unconfined":
            yield (*where, "seccompProfile", "type"), "expected RuntimeDefault or Localhost, found 'Unconfined'", None


def sysctls(view: View) -> Iterator[Found]:
    """Only sysctls that are the pod's own."""
    for index, sysctl in enumerate((view.pod.get("securityContext") or {}).get("sysctls") or ()):
        if sysctl.get("name") not in SYSCTLS:
            yield (*view.path, "securityContext", "sysctls", index, "name"), f"expected a safe sysctl, found {shown(sysctl.get('name'))}", None


def volume_kinds(view: View) -> Iterator[Found]:
    """Only volumes that reach nothing of the host."""
    for index, volume in enumerate(view.pod.get("volumes") or ()):
        for kind, source in volume.items():
            if kind != "name" and source is not None and kind not in VOLUMES:
                yield (*view.path, "volumes", index, kind), f"expected {listed(sorted(VOLUMES))}, found {kind}", None


def escalation(view: View) -> Iterator[Found]:
    """No process gains more than its parent has."""
    for container, where, _init in view.containers:
        found = (container.get("securityContext") or {}).get("allowPrivilegeEscalation")
        if found is not False:
            yield (
                (*where, "securityContext", "allowPrivilegeEscalation"),
                f"expected false, found {_said(found)}",
                "security: {allowPrivilegeEscalation: false}",
            )


def non_root(view: View) -> Iterator[Found]:
    """Every container says that it does not run as root, itself or through its pod."""
    shared = (view.pod.get("securityContext") or {}).get("runAsNonRoot")
    if shared is False:
        yield (*view.path, "securityContext", "runAsNonRoot"), "expected true, found false", None
    for container, where, _init in view.containers:
        own = (container.get("securityContext") or {}).get("runAsNonRoot")
        if own is False or (own is None and shared is None):
            yield (*where, "securityContext", "runAsNonRoot"), f"expected true, found {_said(own)}", "security: {runAsNonRoot: true}"


def non_root_user(view: View) -> Iterator[Found]:
    """No user 0."""
    for security, where in view.securities:
        if security.get("runAsUser") == 0:
            yield (*where, "runAsUser"), "expected a user other than 0, found 0", None


def seccomp(view: View) -> Iterator[Found]:
    """Every container has a seccomp profile, itself or through its pod."""
    yield from seccomp_not_off(view)
    if ((view.pod.get("securityContext") or {}).get("seccompProfile") or {}).get("type"):
        return
    for container, where, _init in view.containers:
        if not ((container.get("securityContext") or {}).get("seccompProfile") or {}).get("type"):
            message = "expected RuntimeDefault or Localhost, found none"
            yield (*where, "securityContext", "seccompProfile"), message, "podSecurity: {seccompProfile: {type: RuntimeDefault}}"


def dropped_capabilities(view: View) -> Iterator[Found]:
    """All capabilities are dropped; NET_BIND_SERVICE may be added."""
    for container, where, _init in view.containers:
        found = (container.get("securityContext") or {}).get("capabilities") or {}
        if "ALL" not in (found.get("drop") or ()):
            yield (*where, "securityContext", "capabilities", "drop"), "expected ALL, found none of it", "security: {capabilities: {drop: [ALL]}}"
        extra = sorted(set(found.get("add") or ()) - {"NET_BIND_SERVICE"})
        if extra:
            yield (*where, "securityContext", "capabilities", "add"), f"expected nothing but NET_BIND_SERVICE, found {listed(extra, 'and')}", None


def _said(value: Any) -> str:
    return "none" if value is None else shown(value)


_SHARED: tuple[Control, ...] = (host_namespaces, privileged, host_ports, host_probes, app_armor, se_linux, proc_mount, sysctls)
BASELINE: tuple[Control, ...] = (*_SHARED, capabilities, host_path, seccomp_not_off)
RESTRICTED: tuple[Control, ...] = (*_SHARED, volume_kinds, escalation, non_root, non_root_user, seccomp, dropped_capabilities)
