"""The Services of a workload: written ones, and the one that ``service`` and ``stateful`` types get by default."""

from __future__ import annotations

from typing import Any

from gitopsc.diagnostics import Diagnostics, Place
from gitopsc.spec.resolved import Service, ServicePort
from gitopsc.values import Map

WITH_SERVICE = ("service", "stateful")


def declared_ports(spec: Map, diagnostics: Diagnostics | None = None) -> dict[str, tuple[Map, Place | None]]:
    """Every container port of a workload by name, in order. Two containers with one port name: an error."""
    out: dict[str, tuple[Map, Place | None]] = {}
    for container in (spec.get("containers") or {}).values():
        ports = container.get("ports") if isinstance(container, dict) else None
        for name, port in (ports or {}).items():
            place = ports.key_place(name) if isinstance(ports, Map) else None
            if name in out:
                if diagnostics is not None:
                    diagnostics.error(
                        "duplicate-port",
                        f"expected port names to be unique in a workload, found '{name}' also at {out[name][1]}",
                        place,
                        hint="rename one of them",
                    )
                continue
            out[name] = (port, place)
    return out


def services_of(name: str, base: str, spec: Map, diagnostics: Diagnostics | None = None) -> tuple[Service, ...]:
    """The workload's Services in written order; ``spec`` is merged, its ports and services expanded."""
    ports = declared_ports(spec, diagnostics)
    written = spec.get("services")
    if written is None:
        if base not in WITH_SERVICE or "services" in spec.removed:
            return ()
        found = tuple(one for one in (_port(key, port, place, ports) for key, (port, place) in ports.items()) if one is not None)
        return (Service(name, name, Map((), spec.at), found, False),) if found else ()
    out = []
    for key, service in written.items():
        own = service if isinstance(service, Map) else Map((), written.place(key))
        out.append(_service(key, own, ports, diagnostics))
    return tuple(out)


def _service(key: str, own: Map, ports: dict[str, tuple[Map, Place | None]], diagnostics: Diagnostics | None) -> Service:
    written = own.get("ports")
    if isinstance(written, Map):
        found = tuple(_written_port(port_name, written[port_name], written.key_place(port_name), ports, diagnostics) for port_name in written)
    else:
        found = tuple(one for one in (_port(name, port, place, ports) for name, (port, place) in ports.items()) if one is not None)
    return Service(key, str(own.get("name") or key), own, found, own.get("headless") is True)


def _port(name: str, port: Map, place: Place | None, ports: dict[str, tuple[Map, Place | None]]) -> ServicePort | None:
    """The Service port that a container port asks for; none with ``service: false``."""
    service = port.get("service")
    if service is False:
        return None
    number = service if isinstance(service, int) and not isinstance(service, bool) else port.get("port")
    named = port.get("named") is not False
    return ServicePort(
        name, int(number or 0), name if named else int(port.get("port") or 0), str(port.get("protocol") or "TCP"), None, port.get("appProtocol"), place
    )


def _written_port(name: str, port: Any, place: Place | None, ports: dict[str, tuple[Map, Place | None]], diagnostics: Diagnostics | None) -> ServicePort:
    from gitopsc.spec.nearest import near

    own = port if isinstance(port, Map) else Map()
    target = own.get("targetPort")
    protocol = own.get("protocol")
    if target is None or isinstance(target, str):
        wanted = str(target) if target is not None else name
        declared = ports.get(wanted)
        if declared is not None:
            protocol = protocol or declared[0].get("protocol")
            target = wanted if declared[0].get("named") is not False else int(declared[0].get("port") or 0)
        elif target is None and "port" in own:
            if diagnostics is not None:
                diagnostics.error("unknown-port", f"expected 'targetPort', or a declared port named '{name}', found neither", place, hint=near(name, ports))
            target = int(own["port"])
        elif diagnostics is not None:
            diagnostics.error("unknown-port", f"expected 'targetPort' to name a declared port, found '{wanted}'", place, hint=near(wanted, ports))
            target = wanted
    number = own.get("port")
    if number is None:
        number = ports[name][0].get("port") if name in ports else 0
    return ServicePort(
        None if own.get("named") is False else name,
        int(number or 0),
        target if isinstance(target, int) else str(target),
        str(protocol or "TCP"),
        own.get("nodePort"),
        own.get("appProtocol"),
        place,
    )


def governing_of(name: str, base: str, services: tuple[Service, ...], place: Place | None, diagnostics: Diagnostics) -> tuple[str | None, tuple[Service, ...]]:
    """A stateful set's ``serviceName`` and its Services: its only headless one; none: one is derived; several: an error."""
    if base != "stateful":
        return None, services
    headless = [service for service in services if service.headless]
    if len(headless) > 1:
        names = ", ".join(service.name for service in headless)
        diagnostics.error(
            "governing-service", f"expected one headless Service for a stateful set, found {names}", place, hint="leave `headless` on one of them"
        )
    if headless:
        return headless[0].name, services
    taken = {service.name for service in services}
    own = f"{name}-headless" if name in taken else name
    ports = services[0].ports if services else ()
    return own, (*services, Service(own, own, Map({"headless": True}, place), ports, True))
