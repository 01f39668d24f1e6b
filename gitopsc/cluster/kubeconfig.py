"""Kubeconfig files, merged as kubectl merges them: nothing is run and nothing is written.

The Kubernetes client's own loader is asked for ``auth-provider`` entries only. It writes certificates and keys into the shared temporary folder (and leaves
them there when it is killed), runs programs unasked and without a deadline, names no line of a mistake, and takes half a second to import.
"""

from __future__ import annotations

import base64
import binascii
import os
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gitopsc.cluster.credentials import Credentials, bearer, token_file
from gitopsc.cluster.deadline import Deadline
from gitopsc.cluster.plugins import program, provider
from gitopsc.cluster.tls import present, trust
from gitopsc.diagnostics import Diagnostics, Failure, Invalid
from gitopsc.limits import DEFAULT
from gitopsc.spec.documents import read_documents

_LIMITS = replace(DEFAULT, spec_bytes=16 << 20)
"""Of hundreds of clusters, each with its certificates."""
_SECTIONS = {"clusters": "cluster", "users": "user", "contexts": "context"}
_HINT = "see the kubeconfig, or name another with --kubeconfig"


@dataclass(frozen=True, slots=True)
class _Part:
    """A named cluster, user or context, and the folder that its relative paths start from."""

    data: Mapping[str, Any]
    folder: Path


class Kubeconfig:
    """The merged files: the first one that names a thing wins."""

    def __init__(self, parts: Mapping[str, Mapping[str, _Part]]) -> None:
        self._parts = parts

    def entry(self, context: str | None) -> Entry:
        """What a context stands for; null: the only one there is."""
        contexts = self._parts["contexts"]
        names = ", ".join(sorted(contexts)) or "none"
        if context is None:
            if len(contexts) != 1:
                raise Invalid(
                    f"expected the name of a context, the kubeconfig has {names}", hint="name one: --context NAME, or target.context", code="kubeconfig"
                )
            context = next(iter(contexts))
        if context not in contexts:
            raise Invalid(f"expected a context of the kubeconfig, found {context}; it has {names}", hint=_HINT, code="kubeconfig")
        data = contexts[context].data
        cluster = self._named("clusters", data.get("cluster"), context)
        user = self._named("users", data["user"], context) if data.get("user") else _Part({}, Path())
        return Entry(context, str(data.get("namespace") or "default"), cluster, user)

    def _named(self, section: str, name: Any, context: str) -> _Part:
        found = self._parts[section].get(str(name))
        if found is None:
            raise Invalid(f"context {context} names the {_SECTIONS[section]} {name}, which the kubeconfig does not have", hint=_HINT, code="kubeconfig")
        return found


def read(said: str | None, environ: Mapping[str, str]) -> Kubeconfig:
    """``said``, else every file of ``KUBECONFIG``, else ``~/.kube/config``. Raises Invalid."""
    if said is not None:
        files = [Path(said)]
    elif environ.get("KUBECONFIG"):
        files = [file for name in environ["KUBECONFIG"].split(os.pathsep) if name and (file := Path(name)).exists()]
    else:
        files = [Path(environ.get("HOME") or "/", ".kube", "config")]
    if not files or not files[0].exists():
        raise Invalid("expected a kubeconfig, found none", hint="name one: --kubeconfig FILE, or KUBECONFIG", code="kubeconfig")
    parts: dict[str, dict[str, _Part]] = {section: {} for section in _SECTIONS}
    for file in files:
        for section, name, part in _parts_of(file):
            parts[section].setdefault(name, part)
    return Kubeconfig(parts)


def _parts_of(file: Path) -> Iterator[tuple[str, str, _Part]]:
    diagnostics = Diagnostics()
    try:
        documents = read_documents(str(file), file.read_bytes(), diagnostics, _LIMITS)
    except OSError as error:
        raise Failure(f"the kubeconfig {file} cannot be read: {error.strerror}") from error
    if diagnostics.has_errors:
        raise Invalid(replace(found, hint=None) for found in diagnostics)
    for document in documents:
        for section, key in _SECTIONS.items():
            items = document.data.get(section) or ()
            for item in items if isinstance(items, list | tuple) else (None,):
                if not isinstance(item, Mapping) or not isinstance(item.get(key) or {}, Mapping):
                    raise Invalid(f"expected {section} of {{name, {key}}}, found something else in {file}", code="kubeconfig")
                yield section, str(item.get("name")), _Part(item.get(key) or {}, file.absolute().parent)


@dataclass(frozen=True, slots=True)
class Entry:
    """One context, resolved."""

    context: str
    namespace: str
    cluster: _Part
    user: _Part

    @property
    def server(self) -> str:
        """Its address as written."""
        return str(self.cluster.data.get("server") or "")

    @property
    def verify(self) -> bool:
        """Whether the server's certificate is looked at."""
        return self.cluster.data.get("insecure-skip-tls-verify") is not True

    @property
    def proxy(self) -> str | None:
        """``proxy-url``."""
        return str(self.cluster.data["proxy-url"]) if self.cluster.data.get("proxy-url") else None

    @property
    def server_name(self) -> str | None:
        """``tls-server-name``."""
        return str(self.cluster.data["tls-server-name"]) if self.cluster.data.get("tls-server-name") else None

    @property
    def impersonate(self) -> str | None:
        """``as``."""
        return str(self.user.data["as"]) if self.user.data.get("as") else None

    def open(self, environ: Mapping[str, str], deadline: Deadline, *, allow: bool) -> tuple[Credentials, ssl.SSLContext | None]:
        """Who we are, and whom we trust. Raises Invalid where a program would have to be run for it and ``allow`` is not said; Failure."""
        user = self.user.data
        self._refuse(user, allow=allow)
        context = None
        if self.server.startswith("https:"):
            context = trust(_text(self.cluster, "certificate-authority"), verify=self.verify)
            certificate, key = _text(self.user, "client-certificate"), _text(self.user, "client-key")
            if certificate and key:
                present(context, certificate, key, self.context)
        return self._credentials(user, environ, deadline, context), context

    def _refuse(self, user: Mapping[str, Any], *, allow: bool) -> None:
        for way in ("exec", "auth-provider"):
            if user.get(way) is None:
                continue
            if not isinstance(user[way], Mapping):
                raise Invalid(f"expected a mapping in {way} of the kubeconfig, found something else", code="kubeconfig")
            if not allow:
                text = f"the user of context {self.context} has its credentials made by {way}: what the kubeconfig names would be run"
                raise Invalid(text, hint="if you trust that file: --allow-kubeconfig-exec", code="kubeconfig-exec")
        if user.get("as-groups") or user.get("as-uid") or user.get("as-user-extra"):
            raise Invalid(f"the user of context {self.context} impersonates groups, which is not supported: expected `as` alone", code="kubeconfig")

    def _credentials(self, user: Mapping[str, Any], environ: Mapping[str, str], deadline: Deadline, context: ssl.SSLContext | None) -> Credentials:
        """In kubectl's order: the file goes before the token, both before programs."""
        if user.get("tokenFile"):
            return token_file(self.user.folder / str(user["tokenFile"]))
        if user.get("token"):
            return Credentials(bearer(str(user["token"])))
        if user.get("exec"):
            return program(user["exec"], self.user.folder, environ, deadline, (context, self.context))
        if user.get("auth-provider"):
            return provider(user["auth-provider"], self.user.folder, deadline)
        if user.get("username"):
            pair = base64.b64encode(f"{user['username']}:{user.get('password') or ''}".encode()).decode()
            return Credentials({"Authorization": f"Basic {pair}"})
        return Credentials()


def _text(part: _Part, name: str) -> str | None:
    """``<name>-data`` (base64) or the file that ``<name>`` names, relative to its kubeconfig."""
    data, file = part.data.get(f"{name}-data"), part.data.get(name)
    try:
        if data:
            return base64.b64decode(str(data), validate=True).decode("ascii")
        return (part.folder / str(file)).read_text(encoding="utf-8") if file else None
    except (binascii.Error, UnicodeDecodeError) as error:
        raise Invalid(f"expected PEM in {name} of the kubeconfig, found something else", code="kubeconfig") from error
    except OSError as error:
        raise Invalid(f"the kubeconfig names the {name} {error.filename}, which cannot be read: {error.strerror}", code="kubeconfig") from error
