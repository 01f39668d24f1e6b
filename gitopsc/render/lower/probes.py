"""``probes``: what the kubelet asks of a container."""

from __future__ import annotations

from gitopsc.diagnostics import Diagnostics, Place
from gitopsc.render.lower.ports import first_port, port_reference
from gitopsc.render.lower.shape import add, copy_fields, field, scalar_map
from gitopsc.spec.resolved import Workload
from gitopsc.values import Map, Seq

_TIMINGS = {
    "initialDelay": "initialDelaySeconds",
    "period": "periodSeconds",
    "timeout": "timeoutSeconds",
    "failureThreshold": "failureThreshold",
    "successThreshold": "successThreshold",
    "terminationGracePeriod": "terminationGracePeriodSeconds",
}
_KEYS = {"startup": "startupProbe", "readiness": "readinessProbe", "liveness": "livenessProbe"}


def probes(container: Map, diagnostics: Diagnostics, path: str) -> Map:
    """``{startup|readiness|liveness: {http|tcp|grpc|exec, timings}}`` → ``{startupProbe: …}``, in that order.

    Without a port a probe asks the container's first one, by name where it has one (gRPC probes take numbers only).
    """
    written = container.get("probes") or Map()
    out = Map((), getattr(written, "at", None))
    for kind, key in _KEYS.items():
        if kind in written:
            out.put(key, _probe(container, written[kind], diagnostics, f"{path}.probes.{kind}"), written.place(kind))
    return out


def check_readiness(workload: Workload, diagnostics: Diagnostics) -> None:
    """Warn of a service that no probe says to be ready: it gets traffic as soon as its process is there. No default can be guessed, and
    a null says that it is meant; ``profile: none`` is not asked.
    """
    if workload.base != "service" or workload.profile == "none" or not workload.services:
        return
    containers = [c for c in field(workload.spec, "containers").values() if isinstance(c, Map) and c.get("role", "main") != "init"]
    if any("readiness" in said or "readiness" in said.removed or "probes" in c.removed for c in containers for said in (field(c, "probes"),)):
        return
    diagnostics.warning(
        "no-readiness",
        f"expected a readiness probe for the service '{workload.name}', found none: it gets traffic before it can answer",
        workload.place,
        hint="add probes: {readiness: /path}; or probes: {readiness: null} if it is ready at once",
        path=f"workloads.{workload.name}.probes.readiness",
    )


def _probe(container: Map, probe: Map, diagnostics: Diagnostics, path: str) -> Map:
    out = Map((), probe.at)
    for member, lower in (("http", _http), ("tcp", _tcp), ("grpc", _grpc)):
        if member in probe:
            check = probe[member] if isinstance(probe[member], Map) else Map(probe[member] or (), probe.place(member))
            port, place = _port(container, check, probe.place(member), member == "grpc", diagnostics, f"{path}.{member}")
            lower(out, check, port, place, probe.place(member))
    if "exec" in probe:
        command = Map((), probe.place("exec"))
        copy_fields(probe["exec"], command, {"command": "command"})
        out.put("exec", command, probe.place("exec"))
    copy_fields(probe, out, _TIMINGS)
    return out


def _http(out: Map, check: Map, port: str | int, port_place: Place | None, place: Place | None) -> None:
    get = Map((), place)
    get.put("path", check.get("path", "/"), check.place("path"))
    get.put("port", port, port_place)
    copy_fields(check, get, {"scheme": "scheme", "host": "host"})
    headers = check.get("headers")
    if headers:
        listed = Seq((), check.place("headers"))
        for name, value in headers.items():
            add(listed, scalar_map([("name", name), ("value", value)], headers.place(name)), headers.place(name))
        get.put("httpHeaders", listed, listed.at)
    out.put("httpGet", get, place)


def _tcp(out: Map, check: Map, port: str | int, port_place: Place | None, place: Place | None) -> None:
    socket = Map((), place)
    socket.put("port", port, port_place)
    copy_fields(check, socket, {"host": "host"})
    out.put("tcpSocket", socket, place)


def _grpc(out: Map, check: Map, port: str | int, port_place: Place | None, place: Place | None) -> None:
    call = Map((), place)
    call.put("port", port, port_place)
    copy_fields(check, call, {"service": "service"})
    out.put("grpc", call, place)


def _port(container: Map, check: Map, place: Place | None, number: bool, diagnostics: Diagnostics, path: str) -> tuple[str | int, Place | None]:
    """(port as Kubernetes wants it, its place); an error and port 1 where the container has no such port."""
    declared = container.get("ports") or Map()
    written = check.get("port")
    if isinstance(written, int):
        return written, check.place("port")
    name = written if isinstance(written, str) else first_port(container)
    if name is None:
        diagnostics.error(
            "no-port",
            "expected a port for the probe, found none, and the container declares none",
            place,
            hint="declare the port under 'ports', or write the probe's 'port'",
            path=path,
        )
        return 1, place
    port = port_reference(container, name)
    where = check.place("port") if written is not None else place
    if port is None:
        known = ", ".join(declared) or "none"
        message = f"expected a port that the container declares ({known}), found '{name}'"
        diagnostics.error("unknown-port", message, where, hint="name a declared port or write its number", path=f"{path}.port")
        return 1, where
    return (int(declared[name]["port"]) if number else port), where
