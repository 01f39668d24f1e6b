"""Which cluster, and as whom: from a kubeconfig, or from the service account of the pod."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from gitopsc.cluster import kubeconfig
from gitopsc.cluster.credentials import Credentials, token_file
from gitopsc.cluster.deadline import Deadline
from gitopsc.cluster.kubeconfig import Entry
from gitopsc.cluster.proxies import proxy_of
from gitopsc.cluster.tls import trust
from gitopsc.diagnostics import Diagnostic, Failure, Invalid

POD_FOLDER = Path("/var/run/secrets/kubernetes.io/serviceaccount")
LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Where:
    """What a person said: ``kubeconfig`` and ``context`` by flags, ``target`` is the environment's ``target.context``."""

    kubeconfig: str | None = None
    context: str | None = None
    target: str | None = None
    allow_exec: bool = False
    pod_folder: Path = POD_FOLDER


@dataclass(frozen=True, slots=True)
class Connection:
    """Everything that is needed to speak to one API server. ``host`` may have a path below which the API is."""

    name: str
    host: str
    namespace: str
    credentials: Credentials
    tls: ssl.SSLContext | None
    proxy: str | None = field(default=None, repr=False)
    server_name: str | None = None
    impersonate: str | None = None
    warnings: tuple[Diagnostic, ...] = ()


def connect(where: Where, environ: Mapping[str, str], deadline: Deadline | None = None) -> Connection:
    """Decide which cluster is meant. A program that the kubeconfig names ends by the ``deadline``.

    Raises ``Invalid`` where that is not certain or not allowed, ``Failure`` where a file or a program fails.
    """
    if where.kubeconfig is None and where.context is None and environ.get("KUBERNETES_SERVICE_HOST") and (where.pod_folder / "token").is_file():
        return _in_pod(where.pod_folder, environ)
    config = kubeconfig.read(where.kubeconfig, environ)
    return _from_entry(config.entry(where.context or where.target), environ, where.allow_exec, deadline or Deadline(None))


def _in_pod(folder: Path, environ: Mapping[str, str]) -> Connection:
    """By hand: three files, for which the Kubernetes client would take half a second and 60 MiB."""
    address = environ["KUBERNETES_SERVICE_HOST"]
    host = f"[{address}]" if ":" in address else address
    port = environ.get("KUBERNETES_SERVICE_PORT") or "443"
    namespace = folder / "namespace"
    try:
        tls = trust((folder / "ca.crt").read_text(encoding="utf-8"), verify=True)
        inside = namespace.read_text(encoding="utf-8").strip() if namespace.is_file() else "default"
    except OSError as error:
        raise Failure(f"the pod's service account cannot be read: {error.filename}: {error.strerror}") from error
    return Connection("in-cluster", f"https://{host}:{port}", inside, token_file(folder / "token"), tls)


def _from_entry(entry: Entry, environ: Mapping[str, str], allow: bool, deadline: Deadline) -> Connection:
    host = entry.server.rstrip("/")
    parts = urlsplit(host)
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.username or parts.password:
        raise Invalid(f"expected an https:// address without credentials as the server of context {entry.context}, found another", code="kubeconfig")
    secure = parts.scheme == "https"
    warnings = []
    if secure and not entry.verify:
        text = f"context {entry.context} does not verify the API server's certificate (insecure-skip-tls-verify): who is between reads and changes all"
        warnings.append(Diagnostic("warning", "insecure-connection", text, hint="put the certificate authority into the kubeconfig"))
    elif not secure and parts.hostname not in LOOPBACK:
        text = f"context {entry.context} speaks to its API server without TLS: who is between reads and changes all"
        warnings.append(Diagnostic("warning", "insecure-connection", text, hint="use an https:// address"))
    credentials, tls = entry.open(environ, deadline, allow=allow)
    proxy = proxy_of(entry.proxy, parts.hostname, parts.port, environ) if secure else None
    return Connection(entry.context, host, entry.namespace, credentials, tls, proxy, entry.server_name, entry.impersonate, tuple(warnings))
