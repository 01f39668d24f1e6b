"""Rules of NetworkPolicy, Ingress and HTTPRoute by themselves."""

from __future__ import annotations

from typing import Any

from gitopsc.validate.finding import Subject, shown
from gitopsc.values import Path


def check_network_policy(subject: Subject) -> None:
    """CIDRs, exceptions inside them, and ranges of ports."""
    spec = subject.data.get("spec") or {}
    for direction, peers in (("ingress", "from"), ("egress", "to")):
        for number, rule in enumerate(spec.get(direction) or ()):
            for index, peer in enumerate(rule.get(peers) or ()):
                if peer.get("ipBlock"):
                    _check_block(subject, peer["ipBlock"], ("spec", direction, number, peers, index, "ipBlock"))
            for index, port in enumerate(rule.get("ports") or ()):
                first, last = port.get("port"), port.get("endPort")
                if isinstance(first, int) and isinstance(last, int) and last < first:
                    subject.error("wrong-port", ("spec", direction, number, "ports", index, "endPort"), f"expected {first} or more, found {last}")


def _check_block(subject: Subject, block: dict[str, Any], path: Path) -> None:
    whole = network(block.get("cidr"))
    if whole is None:
        subject.error("wrong-cidr", (*path, "cidr"), f"expected a CIDR such as 10.0.0.0/8, found {shown(block.get('cidr'))}")
    for index, text in enumerate(block.get("except") or ()):
        part = network(text)
        if part is None:
            subject.error("wrong-cidr", (*path, "except", index), f"expected a CIDR such as 10.0.0.0/8, found {shown(text)}")
        elif whole is not None and (part.version != whole.version or not part.subnet_of(whole) or part == whole):
            subject.error("wrong-cidr", (*path, "except", index), f"expected a part of {block.get('cidr')}, found {shown(text)}")


def network(text: Any) -> Any:
    """The network that a CIDR names (``ipaddress.IPv4Network`` or ``IPv6Network``), None for what is no CIDR."""
    import ipaddress

    if not isinstance(text, str) or "/" not in text:
        return None
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def is_address(text: Any) -> bool:
    """Whether a value is an IP address."""
    import ipaddress

    try:
        ipaddress.ip_address(str(text))
    except ValueError:
        return False
    return True
