from __future__ import annotations

from typing import Any

import pytest

from gitopsc.diagnostics import Diagnostics
from gitopsc.render.lower.ports import ports
from gitopsc.render.lower.probes import check_readiness, probes
from tests.unit.workloads import codes, plain_yaml, service, tree, workload

PORTS = {
    "a name and a number": ("{http: {port: 8080}}", "[{name: http, containerPort: 8080, protocol: TCP}]"),
    "not named": ("{http: {port: 8080, named: false}}", "[{containerPort: 8080, protocol: TCP}]"),
    "all fields": (
        "{dns: {port: 53, protocol: UDP, hostPort: 53, service: 5353, appProtocol: dns}}",
        "[{name: dns, containerPort: 53, protocol: UDP, hostPort: 53}]",
    ),
    "in order": ("{z: {port: 1}, a: {port: 2}}", "[{name: z, containerPort: 1, protocol: TCP}, {name: a, containerPort: 2, protocol: TCP}]"),
}


@pytest.mark.parametrize(("written", "expected"), PORTS.values(), ids=PORTS.keys())
def test_ports(written: str, expected: str) -> None:
    assert ports(tree(f"ports: {written}")) == plain_yaml(expected)


NAMED = "ports: {http: {port: 8080}, admin: {port: 9090}}"
UNNAMED = "ports: {http: {port: 8080, named: false}}"
PROBES = {
    "the first port, by name": (NAMED, "readiness: {http: {path: /r}}", "readinessProbe: {httpGet: {path: /r, port: http}}"),
    "the first port, by number": (UNNAMED, "readiness: {http: {path: /r}}", "readinessProbe: {httpGet: {path: /r, port: 8080}}"),
    "a name of a port without a name": (UNNAMED, "readiness: {http: {path: /r, port: http}}", "readinessProbe: {httpGet: {path: /r, port: 8080}}"),
    "another port": (NAMED, "liveness: {tcp: {port: admin}}", "livenessProbe: {tcpSocket: {port: admin}}"),
    "a number that is not declared": (NAMED, "liveness: {tcp: {port: 1234}}", "livenessProbe: {tcpSocket: {port: 1234}}"),
    "grpc takes numbers": (NAMED, "liveness: {grpc: {port: admin, service: s}}", "livenessProbe: {grpc: {port: 9090, service: s}}"),
    "grpc on the first port": (NAMED, "liveness: {grpc: {}}", "livenessProbe: {grpc: {port: 8080}}"),
    "grace": (NAMED, "liveness: {tcp: {}, terminationGracePeriod: 6}", "livenessProbe: {tcpSocket: {port: http}, terminationGracePeriodSeconds: 6}"),
    "exec": ("{}", "liveness: {exec: {command: [a, b]}}", "livenessProbe: {exec: {command: [a, b]}}"),
    "http in full": (
        NAMED,
        "startup: {http: {path: /r, port: 80, scheme: HTTPS, host: h, headers: {Cookie: 'a=b'}}}",
        "startupProbe: {httpGet: {path: /r, port: 80, scheme: HTTPS, host: h, httpHeaders: [{name: Cookie, value: 'a=b'}]}}",
    ),
    "timings": (
        NAMED,
        "liveness: {tcp: {}, initialDelay: 1, period: 2, timeout: 3, failureThreshold: 4, successThreshold: 5}",
        "livenessProbe: {tcpSocket: {port: http}, initialDelaySeconds: 1, periodSeconds: 2, timeoutSeconds: 3, failureThreshold: 4, successThreshold: 5}",
    ),
}


@pytest.mark.parametrize(("container", "written", "expected"), PROBES.values(), ids=PROBES.keys())
def test_probes(container: str, written: str, expected: str) -> None:
    diagnostics = Diagnostics()
    assert probes(tree(f"{container if container != '{}' else ''}\nprobes: {{{written}}}"), diagnostics, "p") == plain_yaml(expected)
    assert not diagnostics


def test_probes_come_in_one_order() -> None:
    found = probes(tree("ports: {http: {port: 1}}\nprobes: {liveness: {tcp: {}}, readiness: {tcp: {}}, startup: {tcp: {}}}"), Diagnostics(), "p")
    assert list(found) == ["startupProbe", "readinessProbe", "livenessProbe"]


def test_a_port_that_is_not_there() -> None:
    diagnostics = Diagnostics()
    probes(tree("ports: {http: {port: 1}}\nprobes:\n  readiness: {http: {path: /, port: htp}}"), diagnostics, "workloads.web")
    assert codes(diagnostics) == ["unknown-port"]
    assert str(diagnostics[0].place) == "app.yaml:3:37"
    assert diagnostics[0].path == "workloads.web.probes.readiness.http.port"


def test_no_port_at_all() -> None:
    diagnostics = Diagnostics()
    probes(tree("probes:\n  readiness: {http: {path: /}}"), diagnostics, "p")
    assert codes(diagnostics) == ["no-port"]


@pytest.mark.parametrize(
    ("main", "fields", "told"),
    [
        ("", {"services": (service(),)}, True),
        ("probes: {liveness: {tcp: {}}}", {"services": (service(),)}, True),
        ("probes: {readiness: {tcp: {}}}", {"services": (service(),)}, False),
        ("", {"services": (service(),), "profile": "none"}, False),
        ("", {"services": (service(),), "base": "stateful"}, False),
        ("", {}, False),
    ],
    ids=["none", "liveness alone", "readiness", "profile none", "another type", "no Service"],
)
def test_a_service_without_readiness_is_warned_of(main: str, fields: dict[str, Any], told: bool) -> None:
    diagnostics = Diagnostics()
    check_readiness(workload("", main, **fields), diagnostics)
    assert codes(diagnostics) == (["no-readiness"] if told else [])
    assert not diagnostics.has_errors


def test_a_sidecar_may_be_the_one_that_is_asked_and_a_null_says_that_none_is_meant() -> None:
    diagnostics = Diagnostics()
    check_readiness(workload("containers: {proxy: {role: sidecar, probes: {readiness: {tcp: {}}}}}", services=(service(),)), diagnostics)
    silenced = tree("probes: {}")
    silenced["probes"].removed["readiness"] = None
    check_readiness(workload("", silenced, services=(service(),)), diagnostics)
    assert not diagnostics
