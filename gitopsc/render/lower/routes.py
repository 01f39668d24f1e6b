"""``routes``: an HTTPRoute or an Ingress, as the environment's ``facts.routing`` says."""

from __future__ import annotations

from typing import Any

from gitopsc.diagnostics import Diagnostics, Place
from gitopsc.render.lower.shape import add, copy_fields, field, put_map, scalar_map
from gitopsc.spec.resolved import Resolved, Service, ServicePort, Workload
from gitopsc.values import Map, Seq


def routes(resolved: Resolved, workload: Workload, diagnostics: Diagnostics) -> tuple[list[Map], list[Map]]:
    """(HTTPRoutes, Ingresses), each ``{name, annotations, spec}``. An environment that does not say how it routes is an error."""
    written = field(workload.spec, "routes")
    routing = field(resolved.facts, "routing")
    gateways: list[Map] = []
    ingresses: list[Map] = []
    for key, route in written.items():
        path = f"workloads.{workload.name}.routes.{key}"
        name = key if key == workload.name else f"{workload.name}-{key}"
        out = Map((), written.place(key))
        out.put("name", name, written.key_place(key))
        out.put("annotations", _annotations(route, routing), written.place(key))
        backend = _backend(workload, route, written.place(key), diagnostics, path)
        if routing.get("kind") not in ("gateway", "ingress"):
            _no_routing(resolved, routing, written.place(key), diagnostics, path)
        elif backend is not None and routing["kind"] == "gateway":
            out.put("spec", _http_route(resolved, route, routing, backend, diagnostics, path), written.place(key))
            gateways.append(out)
        elif backend is not None:
            out.put("spec", _ingress(route, routing, backend, name, diagnostics, path), written.place(key))
            ingresses.append(out)
    return gateways, ingresses


def _annotations(route: Map, routing: Map) -> Map:
    out = Map((), route.at)
    for source in (field(routing, "annotations"), field(route, "annotations")):
        copy_fields(source, out, dict(zip(source, source, strict=True)))
    for key in field(route, "annotations").removed:
        out.pop(key, None)
    return out


def _paths(route: Map) -> list[tuple[str, Place | None]]:
    """(path prefix, place): all of the host where none is written."""
    paths = route.get("paths") or Seq(["/"], route.at)
    return [(path, paths.place(index) if isinstance(paths, Seq) else route.at) for index, path in enumerate(paths)]


def _http_route(resolved: Resolved, route: Map, routing: Map, backend: tuple[str, int, Place | None], diagnostics: Diagnostics, path: str) -> Map:
    place = route.at
    out = Map((), place)
    if "parentRef" in routing:
        out.put("parentRefs", Seq([routing["parentRef"]], routing.place("parentRef")), routing.place("parentRef"))
    else:
        diagnostics.error(
            "no-routing-fact",
            f"expected 'parentRef', the Gateway of HTTPRoutes, in facts.routing of environment '{resolved.environment}', found none",
            routing.at or place,
            hint="write facts.routing.parentRef: {name: …, namespace: …} in the environment",
            path=path,
        )
    put_map(out, "hostnames", _hosts(route))
    matches = Seq((), place)
    for value, where in _paths(route):
        match = scalar_map([("type", "PathPrefix"), ("value", value)], where)
        add(matches, scalar_map([("path", match)], where), where)
    rule = Map((), place)
    rule.put("matches", matches, place)
    copy_fields(route, rule, {"filters": "filters"})
    target = scalar_map([("name", backend[0]), ("port", backend[1])], backend[2])
    rule.put("backendRefs", Seq([target], backend[2]), backend[2])
    out.put("rules", Seq([rule], place), place)
    return out


def _ingress(route: Map, routing: Map, backend: tuple[str, int, Place | None], name: str, diagnostics: Diagnostics, path: str) -> Map:
    place = route.at
    out = Map((), place)
    if "filters" in route:
        diagnostics.error(
            "filters-without-gateway",
            "expected no 'filters', which are the Gateway API's, where an environment routes by Ingress, found some",
            route.place("filters"),
            hint="move them to an overlay of the environments that have a Gateway, or write the annotations of this Ingress controller",
            path=f"{path}.filters",
        )
    source = route if "className" in route else routing
    copy_fields(source, out, {"className": "ingressClassName"})
    hosts = _hosts(route)
    if route.get("tls", True) is not False:
        out.put("tls", _tls(route, hosts, name), route.places.get("tls") or place)
    rules = Seq((), place)
    for index, host in enumerate(hosts or [None]):
        where = hosts.place(index) if hosts else place
        rule = scalar_map([("host", host)] if host is not None else [], where)
        rule.put("http", scalar_map([("paths", _ingress_paths(route, backend))], where), where)
        add(rules, rule, where)
    out.put("rules", rules, place)
    return out


def _tls(route: Map, hosts: Seq, name: str) -> Seq:
    place = route.places.get("tls") or route.at
    entry = Map((), place)
    put_map(entry, "hosts", hosts)
    entry.put("secretName", f"{name}-tls", place)
    return Seq([entry], place)


def _ingress_paths(route: Map, backend: tuple[str, int, Place | None]) -> Seq:
    out = Seq((), route.at)
    for value, where in _paths(route):
        number = scalar_map([("number", backend[1])], backend[2])
        service = scalar_map([("name", backend[0]), ("port", number)], backend[2])
        entry = scalar_map([("path", value), ("pathType", "Prefix")], where)
        entry.put("backend", scalar_map([("service", service)], backend[2]), backend[2])
        add(out, entry, where)
    return out


def _hosts(route: Map) -> Seq:
    hosts = route.get("hosts") or Seq((), route.at)
    return hosts if isinstance(hosts, Seq) else Seq(hosts, route.at)


def _backend(workload: Workload, route: Map, place: Place | None, diagnostics: Diagnostics, path: str) -> tuple[str, int, Place | None] | None:
    """(Service, its port's number, place): the port that the route names, else ``http``, else the first one."""
    known = [(service, port) for service in sorted(workload.services, key=lambda service: service.headless) for port in service.ports]
    where = route.places.get("port") or place
    wanted: Any = route.get("port")
    if not known:
        message = f"expected a Service with a port behind the route, found none of '{workload.name}'"
        diagnostics.error("no-service", message, where, hint="declare a port of the container, or a Service under 'services'", path=path)
        return None
    for service, port in known if wanted is not None else []:
        if wanted in (_name(service, port), port.name, port.port):
            return service.name, port.port, where
    if wanted is not None:
        ports = ", ".join(f"{port.name} ({port.port})" if port.name else str(port.port) for _, port in known)
        message = f"expected a port of the Services of '{workload.name}' ({ports}), found '{wanted}'"
        diagnostics.error("unknown-port", message, where, hint="name one of these ports", path=f"{path}.port")
        return None
    service, port = next(((s, p) for s, p in known if p.name == "http"), known[0])
    return service.name, port.port, where


def _name(service: Service, port: ServicePort) -> str | None:
    """A port without a name is known by the one that it targets."""
    return port.name if port.name is not None else port.target if isinstance(port.target, str) else None


def _no_routing(resolved: Resolved, routing: Map, place: Place | None, diagnostics: Diagnostics, path: str) -> None:
    kind = routing.get("kind")
    found = f"the kind '{kind}'" if kind is not None else "no such fact"
    diagnostics.error(
        "no-routing-fact",
        f"expected facts.routing of environment '{resolved.environment}' to say what a route becomes, found {found}",
        place,
        hint="write facts.routing in the environment: {kind: gateway, parentRef: {name: …, namespace: …}} or {kind: ingress, className: …}",
        path=path,
    )
