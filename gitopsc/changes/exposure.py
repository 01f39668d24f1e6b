"""Who can reach it: Services, routes, host ports, network policies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gitopsc.changes.subject import Consequence, Subject, at, containers, few, listed

_OUTSIDE = frozenset({"LoadBalancer", "NodePort"})
_ROUTES = frozenset({"HTTPRoute", "GRPCRoute", "TLSRoute"})
_GATEWAY = "gateway.networking.k8s.io"
_OPEN = ("externalIPs", "loadBalancerSourceRanges", "externalName", "externalTrafficPolicy")


def exposed(subject: Subject) -> Iterator[Consequence]:
    """Everything about who can reach what."""
    for message in _messages(subject):
        yield Consequence("exposure", message)


def _messages(subject: Subject) -> Iterator[str]:
    group, kind = subject.type
    if (group, kind) == ("", "Service"):
        yield from _service(subject)
    elif (group, kind) == ("networking.k8s.io", "Ingress") or (group == _GATEWAY and kind in _ROUTES):
        yield from _route(subject)
    elif group == _GATEWAY and kind == "Gateway" and (subject.before is None or subject.after is None or subject.below("spec")):
        yield "what the Gateway listens to changes"
    elif (group, kind) == ("networking.k8s.io", "NetworkPolicy"):
        yield from _policy(subject)
    elif subject.template is not None:
        yield from _pods(subject)


def _service(subject: Subject) -> Iterator[str]:
    before, after = (_service_type(side) for side in (subject.before, subject.after))
    if subject.before is None or subject.after is None:
        if before in _OUTSIDE or after in _OUTSIDE:
            yield f"a Service of type {after or before}, reachable from outside the cluster, is {'created' if after else 'deleted'}"
        return
    if before != after:
        reach = ": reachable" if after in _OUTSIDE else ": no longer reachable"
        yield f"the Service's type {before} → {after}" + (f"{reach} from outside the cluster" if _OUTSIDE & {before, after} else "")
    elif after in _OUTSIDE and subject.below("spec", "ports"):
        yield f"the ports of a Service of type {after} change"
    changed = [name for name in _OPEN if subject.below("spec", name)]
    if changed:
        yield f"{few(changed)} of the Service {'changes' if len(changed) == 1 else 'change'}"


def _service_type(service: Any) -> str | None:
    return None if service is None else str(at(service, "spec", "type") or "ClusterIP")


def _route(subject: Subject) -> Iterator[str]:
    before, after = (_addresses(subject.ref.kind, side) for side in (subject.before, subject.after))
    added, gone = [item for item in after if item not in before], [item for item in before if item not in after]
    if added:
        yield f"{few(added)} {'is' if len(added) == 1 else 'are'} served from now on"
    if gone:
        yield f"{few(gone)} {'is' if len(gone) == 1 else 'are'} no longer served"
    if subject.before is None or subject.after is None:
        return
    for part, words in (("tls", "TLS"), ("parentRefs", "the Gateway"), ("ingressClassName", "the Ingress class")):
        if subject.below("spec", part):
            yield f"{words} of the {subject.ref.kind} changes"


def _addresses(kind: str, route: Any) -> list[str]:
    """Every ``host/path`` that a route takes, in its own order."""
    out: list[str] = []
    if kind == "Ingress":
        for rule in listed(route, "spec", "rules"):
            host = str(at(rule, "host") or "*")
            paths = [str(at(path, "path") or "/") for path in listed(rule, "http", "paths")] or ["/"]
            out += [_address(host, path) for path in paths]
        if at(route, "spec", "defaultBackend") is not None:
            out.append("*")
    elif route is not None:
        hosts = [str(host) for host in listed(route, "spec", "hostnames")] or ["*"]
        matches = [match for rule in listed(route, "spec", "rules") for match in listed(rule, "matches")]
        paths = [str(at(match, "path", "value") or "/") for match in matches] or ["/"]
        out += [_address(host, path) for host in hosts for path in paths]
    return list(dict.fromkeys(out))


def _address(host: str, path: str) -> str:
    return host if path == "/" else f"{host}{path}"


def _policy(subject: Subject) -> Iterator[str]:
    if subject.after is None:
        yield "what the NetworkPolicy forbade is allowed, unless another one forbids it"
    elif subject.before is None:
        yield "the traffic of the pods that the NetworkPolicy selects is restricted to what it allows"
    elif subject.below("spec"):
        yield "who may reach, or be reached by, the pods of the NetworkPolicy changes"


def _pods(subject: Subject) -> Iterator[str]:
    old, new = subject.pods()
    if at(new, "hostNetwork") is True and at(old, "hostNetwork") is not True:
        yield "the pods use the network of their node"
    if at(old, "hostNetwork") is True and new is not None and at(new, "hostNetwork") is not True:
        yield "the pods no longer use the network of their node"
    before, after = _host_ports(old), _host_ports(new)
    added, gone = [p for p in after if p not in before], [p for p in before if p not in after]
    if added:
        yield f"port {few(added)} of the node leads to the pods"
    if gone and new is not None:
        yield f"port {few(gone)} of the node no longer leads to the pods"


def _host_ports(pod: Any) -> list[str]:
    found = (at(port, "hostPort") for _, container in containers(pod) for port in listed(container, "ports"))
    return list(dict.fromkeys(str(port) for port in found if port))
