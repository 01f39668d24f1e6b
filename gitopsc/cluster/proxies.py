"""Whether a proxy stands between us and the API server."""

from __future__ import annotations

import contextlib
import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit

from gitopsc.diagnostics import Invalid


def proxy_of(said: str | None, host: str, port: int | None, environ: Mapping[str, str]) -> str | None:
    """``said`` (the kubeconfig's ``proxy-url``), else what ``HTTPS_PROXY`` and ``NO_PROXY`` ask for; as a URL. Raises Invalid for one of another kind."""
    found = said or environ.get("HTTPS_PROXY") or environ.get("https_proxy")
    if not found:
        return None
    if not said and _bypassed(host, port or 443, environ.get("NO_PROXY") or environ.get("no_proxy") or ""):
        return None
    url = found if "://" in found else f"http://{found}"
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        where = "proxy-url of the kubeconfig" if said else "HTTPS_PROXY"
        raise Invalid(f"expected an http:// or https:// address as the proxy ({where}), found {parts.scheme}://…", code="proxy")
    return url


def _bypassed(host: str, port: int, exceptions: str) -> bool:
    """As kubectl reads ``NO_PROXY``: names with all that is below them, addresses, networks; this machine itself always."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        address = None
    if host == "localhost" or (address is not None and address.is_loopback):
        return True
    for item in (word.strip().lower() for word in exceptions.split(",") if word.strip()):
        if item == "*" or item in (host, f"{host}:{port}"):
            return True
        if address is None:
            if f".{host}".endswith(f".{item.lstrip('.')}"):
                return True
        elif "/" in item:
            with contextlib.suppress(ValueError):
                if address in ipaddress.ip_network(item, strict=False):
                    return True
    return False
