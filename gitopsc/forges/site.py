"""Which forge an environment repository is on: kind, the URL of its API, and the project; and the token that it is asked with."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from gitopsc.diagnostics import Invalid

KINDS = ("github", "gitlab", "gitea", "forgejo")
ANY_TOKEN = "GITOPSC_FORGE_TOKEN"  # noqa: S105 (the name of a variable)
TOKENS: Mapping[str, tuple[str, ...]] = {
    "github": (ANY_TOKEN, "GITHUB_TOKEN"),
    "gitlab": (ANY_TOKEN, "GITLAB_TOKEN"),
    "gitea": (ANY_TOKEN, "GITEA_TOKEN", "FORGEJO_TOKEN"),
    "forgejo": (ANY_TOKEN, "FORGEJO_TOKEN", "GITEA_TOKEN"),
}
"""The variables that hold a token, by the kind of forge: a token of one kind is never shown to another."""

_KNOWN = {"github.com": "github", "gitlab.com": "gitlab", "gitea.com": "gitea", "codeberg.org": "forgejo"}
_ALIASES = {"ssh.github.com": "github.com", "www.github.com": "github.com", "altssh.gitlab.com": "gitlab.com"}
_API = {"github": "/api/v3", "gitlab": "/api/v4", "gitea": "/api/v1", "forgejo": "/api/v1"}
_SCP = re.compile(r"(?:[^@/]+@)?(\[[^]]+\]|[^:/]+):(?!//)(.+)")
_PROJECT = re.compile(r"[A-Za-z0-9_][-A-Za-z0-9_.]*(?:/[A-Za-z0-9_][-A-Za-z0-9_.]*)+")


class Site(NamedTuple):
    """``api``: the URL that paths of the API follow on, without a slash at its end; ``project``: ``owner/name``, of GitLab also ``group/…/name``."""

    kind: str
    api: str
    project: str

    @property
    def host(self) -> str:
        """For people."""
        return urlsplit(self.api).netloc


def site_of(url: str | None, said: Mapping[str, str] | None = None) -> Site | None:
    """The forge of a repository; ``said``: the ``forge`` of the workspace, {kind, url, project}, which goes before what the URL tells.

    ``url`` is null for a repository by path. Null where nothing tells. Raises ``Invalid`` where what is said is not enough, or not safe.
    """
    said = {key: value for key, value in (said or {}).items() if value}
    host, path = _address(url) if url is not None else ("", "")
    host = _ALIASES.get(host, host)
    address = said.get("url") or (f"https://{host}" if host else "")
    named = urlsplit(address).hostname or ""
    kind = said.get("kind") or _kind(named.removeprefix("api.")) or _kind(host)
    if kind is None:
        if said:
            raise _wrong("expected the kind of the forge", f"write forge: {{kind: {' | '.join(KINDS)}}}")
        return None
    if not address:
        raise _wrong("expected the URL of the forge, found a repository by path", "write forge: {kind: …, url: https://…, project: owner/name}")
    api = _api(kind, address)
    project = said.get("project") or _project(path, urlsplit(api).path.removesuffix(_API[kind]))
    if _PROJECT.fullmatch(project) is None or (kind != "gitlab" and project.count("/") != 1):
        raise _wrong(f"expected the project on the forge as owner/name, found '{project}'", "write forge: {project: owner/name}")
    return Site(kind, api, project)


def token_of(site: Site, environ: Mapping[str, str]) -> str | None:
    """The token for a forge. Raises ``Invalid`` for one that cannot be a token: it would be a header of its own."""
    for name in TOKENS[site.kind]:
        token = environ.get(name, "").strip()
        if token:
            if not token.isascii() or not token.isprintable() or " " in token:
                raise Invalid(f"expected a token in {name}, found characters that no token has", hint="set it to the token alone", code="forge")
            return token
    return None


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _address(url: str) -> tuple[str, str]:
    scp = _SCP.fullmatch(url)
    if scp is not None and "://" not in url:
        host, path = scp[1], scp[2]
    else:
        host, path = urlsplit(url).hostname or "", urlsplit(url).path
    return host.lower(), path.strip("/").removesuffix(".git")


def _kind(host: str) -> str | None:
    return "github" if host.endswith(".ghe.com") else _KNOWN.get(host)


def _api(kind: str, address: str) -> str:
    """Of a site's URL, or of that of its API, the latter."""
    parts = urlsplit(address)
    try:
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port = "", None
    plain = parts.scheme == "http" and is_loopback(host)
    if not host or not (parts.scheme == "https" or plain) or parts.username is not None or parts.query or parts.fragment:
        found = "plain http" if parts.scheme == "http" and host and parts.username is None else "something else"
        raise _wrong(f"expected the URL of the forge: https, without a user in it; found {found}", "tokens are sent over plain http to this machine alone")
    netloc = (f"[{host}]" if ":" in host else host) + (f":{port}" if port else "")
    path = parts.path.rstrip("/")
    if kind == "github" and host in ("github.com", "api.github.com"):
        return "https://api.github.com"
    if kind == "github" and host.endswith(".ghe.com"):
        return f"https://api.{host.removeprefix('api.')}"
    return f"{parts.scheme}://{netloc}{path if path.endswith(_API[kind]) else path + _API[kind]}"


def _project(path: str, prefix: str) -> str:
    """The path of a repository's URL, without the folder that the forge itself may be in."""
    prefix = prefix.strip("/")
    return path.removeprefix(f"{prefix}/") if prefix else path


def _wrong(message: str, hint: str) -> Invalid:
    return Invalid(message, hint=hint, code="forge")
