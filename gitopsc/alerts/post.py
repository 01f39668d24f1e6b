"""One delivery, in a process of its own: it can be ended at its deadline whatever the other side does, and what it may reach is held at
the socket, so that neither a redirect nor a name that resolves twice leads elsewhere.

Reads one JSON object from standard input ({kind, address, allow_link_local, seconds, messages | alerts}), writes one: {sent: how many
messages arrived (all alerts are one), error: why not the next, or null}.
Run as a file; imports nothing of gitopsc, and apprise only for what it delivers.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import logging
import os
import re
import socket
import sys
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import unquote, urlsplit

# The metadata services of clouds that are not at a link-local address.
METADATA = frozenset({"fd00:ec2::254", "100.100.100.200", "168.63.129.16", "192.0.0.192"})


class Forbidden(OSError):
    """An address that no alert may be sent to."""


def is_forbidden(address: str) -> bool:
    """Whether it is a link-local address, however written, or a cloud's metadata service."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF) if ip in ipaddress.ip_network("64:ff9b::/96") else None)
        if inner is not None:
            return is_forbidden(str(inner))
    return ip.is_link_local or str(ip) in METADATA


def guard() -> None:
    """From now on no socket of this process connects, or sends, to a forbidden address."""

    def look(event: str, arguments: tuple[Any, ...]) -> None:
        if event in {"socket.connect", "socket.sendto", "socket.sendmsg"} and isinstance(arguments[1], tuple) and is_forbidden(str(arguments[1][0])):
            raise Forbidden(f"{arguments[1][0]} is a link-local address")

    sys.addaudithook(look)


def check_name(address: str) -> None:
    """A forbidden address, whether named or numbered, is refused before a proxy could be asked for it."""
    host = urlsplit(address).hostname or ""
    found = [host]
    with contextlib.suppress(OSError, UnicodeError):  # a name that only a proxy knows
        found += [str(item[4][0]) for item in socket.getaddrinfo(unquote(host), None)]
    if any(is_forbidden(one) for one in found):
        raise Forbidden("its host is a link-local address")


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Nobody is followed anywhere."""


def to_alertmanager(address: str, alerts: list[dict[str, Any]], seconds: float) -> tuple[int, str | None]:
    """All of them, or none and why."""
    parts = urlsplit(address)
    scheme = "https" if parts.scheme.lower() == "alertmanagers" else "http"
    host = parts.netloc.rpartition("@")[2]
    path = parts.path.rstrip("/")
    body, kind = json.dumps(alerts).encode(), {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{scheme}://{host}{path}/api/v2/alerts", body, kind)  # noqa: S310 (http or https)
    if parts.username:
        from base64 import b64encode

        credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        request.add_header("Authorization", "Basic " + b64encode(credentials.encode()).decode())
    try:
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=seconds) as answer:
            answer.read(65536)
            return 1, None
    except urllib.error.HTTPError as error:
        return 0, f"HTTP {error.code}"


def to_apprise(address: str, messages: list[list[str]], seconds: float) -> tuple[int, str | None]:
    """How many were taken, one after the other, and what apprise said of the next."""
    import apprise

    said: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: said.append(record.getMessage())  # type: ignore[method-assign]
    logging.getLogger("apprise").addHandler(handler)
    logging.getLogger("apprise").setLevel(logging.WARNING)
    asset = apprise.AppriseAsset(app_id="gitopsc", app_desc="gitopsc", app_url="https://gitopsc.dev", plugin_paths=[], secure_logging=True)
    sink = apprise.Apprise(asset=asset)
    if not sink.add(address):
        return 0, "apprise knows no such address"
    for server in sink:
        server.socket_connect_timeout = server.socket_read_timeout = seconds
    for count, (title, body, kind) in enumerate(messages):
        if not sink.notify(title=title, body=body, notify_type=apprise.NotifyType(kind), body_format=apprise.NotifyFormat.TEXT):
            return count, _masked("; ".join(said) or "apprise could not deliver it", address)
    return len(messages), None


def _masked(text: str, address: str) -> str:
    """No part of an address leaves: it may be a token."""
    for part in sorted(set(re.split(r"[^A-Za-z0-9_-]+", address.partition("://")[2])), key=len, reverse=True):
        if len(part) > 3:
            text = text.replace(part, "***")
    return " ".join(text.split())[:300]


def main() -> int:
    """Deliver what standard input says."""
    order = json.load(sys.stdin)
    address, seconds = str(order["address"]), float(order["seconds"])
    with open(os.devnull, "w", encoding="utf-8") as nowhere, contextlib.redirect_stdout(nowhere):  # noqa: PTH123 (a device, not a path)
        try:
            if not order.get("allow_link_local"):
                guard()
                check_name(address)
            if order["kind"] == "alertmanager":
                sent, error = to_alertmanager(address, order["alerts"], seconds)
            else:
                sent, error = to_apprise(address, order["messages"], seconds)
        except Exception as problem:  # noqa: BLE001 (whatever a sink's code does is a delivery that failed)
            sent, error = 0, _masked(f"{type(problem).__name__}: {problem}", address)
    json.dump({"sent": sent, "error": error}, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
