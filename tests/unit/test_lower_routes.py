from __future__ import annotations

from typing import Any

import pytest

from gitopsc.diagnostics import Diagnostics
from gitopsc.render.lower.routes import routes
from gitopsc.render.lower.services import services
from gitopsc.values import plain
from tests.unit.workloads import codes, plain_yaml, port, resolved, service, tree, workload

GATEWAY = "routing: {kind: gateway, parentRef: {name: public, namespace: gw}}"
INGRESS = "routing: {kind: ingress, className: nginx, annotations: {issuer: le}}"


def routed(written: str, facts: str, *found: Any) -> tuple[Any, Any, Diagnostics]:
    diagnostics = Diagnostics()
    one = workload(f"routes: {written}", services=found or (service(),))
    gateways, ingresses = routes(resolved(facts=tree(facts)), one, diagnostics)
    return plain(gateways), plain(ingresses), diagnostics


def test_an_http_route() -> None:
    gateways, ingresses, diagnostics = routed("{web: {hosts: [a.example, b.example], paths: [/x, /y], filters: [{type: CORS}]}}", GATEWAY)
    assert gateways == [
        {
            "name": "web",
            "annotations": {},
            "spec": plain_yaml("""
                parentRefs: [{name: public, namespace: gw}]
                hostnames: [a.example, b.example]
                rules:
                - matches: [{path: {type: PathPrefix, value: /x}}, {path: {type: PathPrefix, value: /y}}]
                  filters: [{type: CORS}]
                  backendRefs: [{name: web, port: 8080}]
            """),
        }
    ]
    assert ingresses == []
    assert not diagnostics


def test_an_ingress() -> None:
    gateways, ingresses, diagnostics = routed("{admin: {hosts: [a.example], annotations: {x: y}}}", INGRESS)
    assert gateways == []
    assert ingresses == [
        {
            "name": "web-admin",
            "annotations": {"issuer": "le", "x": "y"},
            "spec": plain_yaml("""
                ingressClassName: nginx
                tls: [{hosts: [a.example], secretName: web-admin-tls}]
                rules:
                - host: a.example
                  http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 8080}}}}]}
            """),
        }
    ]
    assert not diagnostics


def test_an_ingress_of_its_own_class_without_tls() -> None:
    _, ingresses, _ = routed("{web: {hosts: [a.example], tls: false, className: other, annotations: {issuer: null}}}", INGRESS)
    assert ingresses[0]["annotations"] == {}
    assert "tls" not in ingresses[0]["spec"]
    assert ingresses[0]["spec"]["ingressClassName"] == "other"


HEADLESS = service("web-headless", "", port("peer", 1), headless=True)
TWO = service("web", "", port("metrics", 9090, "metrics"), port("http", 80), port(None, 7, 7))
BACKENDS: dict[str, tuple[str, tuple[Any, ...], tuple[str, int]]] = {
    "http": ("{}", (TWO,), ("web", 80)),
    "the first": ("{}", (service("web", "", port("a", 1), port("b", 2)),), ("web", 1)),
    "by name": ("{port: metrics}", (TWO,), ("web", 9090)),
    "by number": ("{port: 7}", (TWO,), ("web", 7)),
    "not the headless one": ("{}", (HEADLESS, service("web", "", port("a", 1))), ("web", 1)),
    "of another service": ("{port: peer}", (TWO, HEADLESS), ("web-headless", 1)),
}


@pytest.mark.parametrize(("written", "found", "expected"), BACKENDS.values(), ids=BACKENDS.keys())
def test_backends(written: str, found: tuple[Any, ...], expected: tuple[str, int]) -> None:
    gateways, _, diagnostics = routed(f"{{web: {written}}}", GATEWAY, *found)
    target = gateways[0]["spec"]["rules"][0]["backendRefs"][0]
    assert (target["name"], target["port"]) == expected
    assert not diagnostics


WRONG: dict[str, tuple[str, str, tuple[Any, ...], str]] = {
    "no fact": ("{}", "domain: x", (), "no-routing-fact"),
    "none": ("{}", "routing: {kind: none}", (), "no-routing-fact"),
    "no gateway": ("{}", "routing: {kind: gateway}", (), "no-routing-fact"),
    "filters": ("{filters: [{type: CORS}]}", INGRESS, (), "filters-without-gateway"),
    "an unknown port": ("{port: htp}", GATEWAY, (), "unknown-port"),
    "no port": ("{}", GATEWAY, (service("web", "", headless=False),), ""),
}


@pytest.mark.parametrize(("written", "facts", "found", "expected"), WRONG.values(), ids=WRONG.keys())
def test_wrong_routes(written: str, facts: str, found: tuple[Any, ...], expected: str) -> None:
    _, _, diagnostics = routed(f"{{web: {written}}}", facts, *found)
    assert codes(diagnostics) == ([expected] if expected else [])
    assert all(d.place for d in diagnostics)


def test_a_route_without_a_service() -> None:
    diagnostics = Diagnostics()
    routes(resolved(facts=tree(GATEWAY)), workload("routes: {web: {hosts: [a]}}"), diagnostics)
    assert codes(diagnostics) == ["no-service"]


SERVICES: dict[str, tuple[Any, dict[str, Any], str]] = {
    "by default": (
        service(),
        {},
        "{type: ClusterIP, selector: SEL, ports: [{name: http, port: 8080, targetPort: http, protocol: TCP}]}",
    ),
    "under none": (service(), {"profile": "none"}, "{selector: SEL, ports: [{name: http, port: 8080, targetPort: http, protocol: TCP}]}"),
    "headless": (
        service("web", "publishNotReady: true", headless=True),
        {},
        "{type: ClusterIP, clusterIP: None, publishNotReadyAddresses: true, selector: SEL, ports: [{name: http, port: 8080, targetPort: http, protocol: TCP}]}",
    ),
    "a node port": (
        service("web", "type: NodePort", port("http", 80, 8080, node_port=30080, app_protocol="http", protocol="UDP")),
        {},
        "{type: NodePort, selector: SEL, ports: [{name: http, port: 80, targetPort: 8080, protocol: UDP, nodePort: 30080, appProtocol: http}]}",
    ),
    "not named": (service("web", "", port(None, 80, 80)), {"profile": "none"}, "{selector: SEL, ports: [{port: 80, targetPort: 80, protocol: TCP}]}"),
    "raw": (
        service("web", "raw: {externalTrafficPolicy: Local, ports: [{port: 8080, nodePort: 30000}]}"),
        {},
        "{type: ClusterIP, selector: SEL, ports: [{name: http, port: 8080, targetPort: http, protocol: TCP, nodePort: 30000}], externalTrafficPolicy: Local}",
    ),
}


@pytest.mark.parametrize(("found", "fields", "expected"), SERVICES.values(), ids=SERVICES.keys())
def test_services(found: Any, fields: dict[str, Any], expected: str) -> None:
    one = workload(services=(found,), **fields)
    [made] = services(one, (1, 33), Diagnostics())
    wanted = plain_yaml(expected)
    wanted["selector"] = dict(one.selector)
    assert made["spec"] == wanted
    assert list(made["spec"]) == list(wanted)


def test_labels_of_a_service() -> None:
    [made] = services(workload(services=(service("web", "labels: {a: b}\nannotations: {c: d}"),)), (1, 33), Diagnostics())
    assert (made["labels"], made["annotations"]) == ({"a": "b"}, {"c": "d"})
