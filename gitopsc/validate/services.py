"""Rules of Service by itself: ports, and fields that only some types have."""

from __future__ import annotations

import re
from typing import Any

from gitopsc.validate.finding import Subject, shown
from gitopsc.validate.networking import is_address, network

_HOST = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\.?\Z")
BALANCER_ONLY = ("loadBalancerClass", "loadBalancerSourceRanges", "allocateLoadBalancerNodePorts")


def check_service(subject: Subject) -> None:
    """All rules of one Service."""
    spec = subject.data.get("spec") or {}
    kind = spec.get("type") or "ClusterIP"
    headless = spec.get("clusterIP") == "None"
    ports = spec.get("ports") or []
    if kind == "ExternalName":
        name = str(spec.get("externalName") or "")
        if not _HOST.match(name) or len(name) > 253:
            subject.error(
                "wrong-host", ("spec", "externalName"), f"expected a host name, because the type is ExternalName, found {shown(spec.get('externalName'))}"
            )
        if spec.get("clusterIP") not in (None, ""):
            subject.error("one-of", ("spec", "clusterIP"), "expected none for type ExternalName")
    elif not ports and not headless:
        subject.error("missing-field", ("spec", "ports"), "expected at least one port, found none", "only a headless Service may have none")
    if ports:
        _check_ports(subject, ports, kind)
    _check_addresses(subject, spec, kind, headless)
    _check_traffic(subject, spec, kind)


def _check_ports(subject: Subject, ports: list[Any], kind: str) -> None:
    names: set[str] = set()
    nodes: set[tuple[Any, Any]] = set()
    for index, port in enumerate(ports):
        path = ("spec", "ports", index)
        name = port.get("name")
        if not name and len(ports) > 1:
            subject.error("missing-field", path, "expected a name, because the Service has several ports, found none")
        if name and name in names:
            subject.error("duplicate", (*path, "name"), f"expected a name that no other port has, found {shown(name)} again")
        names.add(name)
        node = port.get("nodePort")
        if not node:
            continue
        if kind not in ("NodePort", "LoadBalancer"):
            subject.error("one-of", (*path, "nodePort"), f"expected none for type {kind}, found {node}", "type NodePort or LoadBalancer has node ports")
        key = (node, port.get("protocol") or "TCP")
        if key in nodes:
            subject.error("duplicate", (*path, "nodePort"), f"expected a node port that no other port has, found {node} again")
        nodes.add(key)


def _check_addresses(subject: Subject, spec: dict[str, Any], kind: str, headless: bool) -> None:
    if headless and kind not in ("ClusterIP", "ExternalName"):
        subject.error("one-of", ("spec", "clusterIP"), f"expected no 'None' for type {kind}: only a ClusterIP Service may be headless")
    address = spec.get("clusterIP")
    if address and not headless and not is_address(address):
        subject.error("wrong-address", ("spec", "clusterIP"), f"expected an IP address or None, found {shown(address)}")
    for index, item in enumerate(spec.get("externalIPs") or ()):
        if not is_address(item):
            subject.error("wrong-address", ("spec", "externalIPs", index), f"expected an IP address, found {shown(item)}")
    for index, item in enumerate(spec.get("loadBalancerSourceRanges") or ()):
        if network(item) is None:
            subject.error("wrong-cidr", ("spec", "loadBalancerSourceRanges", index), f"expected a CIDR such as 10.0.0.0/8, found {shown(item)}")


def _check_traffic(subject: Subject, spec: dict[str, Any], kind: str) -> None:
    if kind != "LoadBalancer":
        for name in BALANCER_ONLY:
            if spec.get(name) not in (None, [], ""):
                subject.error("one-of", ("spec", name), f"expected none for type {kind}: only a LoadBalancer has it")
    if spec.get("externalTrafficPolicy") and kind not in ("NodePort", "LoadBalancer") and not spec.get("externalIPs"):
        subject.error("one-of", ("spec", "externalTrafficPolicy"), f"expected none for type {kind}: nothing outside reaches it")
    if spec.get("healthCheckNodePort") and not (kind == "LoadBalancer" and spec.get("externalTrafficPolicy") == "Local"):
        subject.error("one-of", ("spec", "healthCheckNodePort"), "expected type LoadBalancer and externalTrafficPolicy: Local beside it")
