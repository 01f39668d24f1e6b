"""``services``: the Services of a workload."""

from __future__ import annotations

from gitopsc.diagnostics import Diagnostics, Place
from gitopsc.render.lower.shape import add, copy_fields, field, put_map
from gitopsc.spec.resolved import Service, ServicePort, Workload
from gitopsc.spec.strategic import merge_native
from gitopsc.values import Map, Seq


def services(workload: Workload, kubernetes: tuple[int, int], diagnostics: Diagnostics) -> list[Map]:
    """For each: ``{name, labels, annotations, spec}``, the labels and annotations being those it adds to the workload's."""
    return [_service(workload, service, kubernetes, diagnostics) for service in workload.services]


def _service(workload: Workload, service: Service, kubernetes: tuple[int, int], diagnostics: Diagnostics) -> Map:
    written = service.spec
    place = written.at or workload.place
    out = Map((), place)
    out.put("name", service.name, place)
    out.put("labels", field(written, "labels"), written.place("labels"))
    out.put("annotations", field(written, "annotations"), written.place("annotations"))
    spec = Map((), place)
    if "type" in written or workload.profile != "none":
        spec.put("type", written.get("type", "ClusterIP"), written.places.get("type") or place)
    if service.headless:
        spec.put("clusterIP", "None", written.places.get("headless") or place)
    copy_fields(written, spec, {"publishNotReady": "publishNotReadyAddresses"})
    spec.put("selector", workload.selector, workload.selector.at)
    put_map(spec, "ports", _ports(service, place))
    if "raw" in written:
        spec = merge_native(spec, written["raw"], "v1", "Service", ("spec",), kubernetes, diagnostics=diagnostics)
    out.put("spec", spec, place)
    return out


def _ports(service: Service, place: Place | None) -> Seq:
    out = Seq((), place)
    for port in service.ports:
        add(out, _port(port), port.place or place)
    return out


def _port(port: ServicePort) -> Map:
    out = Map((), port.place)
    for key, value in (
        ("name", port.name),
        ("port", port.port),
        ("targetPort", port.target),
        ("protocol", port.protocol),
        ("nodePort", port.node_port),
        ("appProtocol", port.app_protocol),
    ):
        if value is not None:
            out.put(key, value, port.place)
    return out
