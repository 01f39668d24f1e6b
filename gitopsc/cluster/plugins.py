"""Credentials for which a kubeconfig has a program run or a login service asked. Only where a person allowed that.

``exec`` is ours: the Kubernetes client's provider waits for ever, knows no certificates beside a token, and keeps keys in the shared temporary folder.
``auth-provider`` is the client's, with the server of the login service verified (without ``idp-certificate-authority`` the client would trust anybody).
"""

from __future__ import annotations

import json
import ssl
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from gitopsc.cluster.credentials import Renewed
from gitopsc.cluster.deadline import Deadline
from gitopsc.cluster.tls import present
from gitopsc.diagnostics import Failure

SECONDS = 30.0
"""How long a program or a login service may take."""
_EARLY_SECONDS = 10.0
_YEAR = 365 * 86400.0


def program(config: Mapping[str, Any], folder: Path, environ: Mapping[str, str], deadline: Deadline, show: tuple[ssl.SSLContext | None, str]) -> Renewed:
    """What the ``exec`` program prints, asked for again when it expires: a token, or a certificate for new connections of ``show`` (and the context's name).

    The program is run once now; raises Failure.
    """

    def read() -> tuple[str | None, float]:
        status = _run(config, folder, environ, min(SECONDS, deadline.left()))
        token, certificate, key = (status.get(name) for name in ("token", "clientCertificateData", "clientKeyData"))
        if certificate and key and show[0] is not None:
            present(show[0], str(certificate), str(key), show[1])
        elif not token:
            raise Failure(f"the kubeconfig's program {config.get('command')} gave neither a token nor a certificate")
        return (str(token) if token else None), _moment(status.get("expirationTimestamp"))

    made = Renewed(read)
    made.headers()
    return made


def _run(config: Mapping[str, Any], folder: Path, environ: Mapping[str, str], seconds: float) -> Mapping[str, Any]:
    """The status of the ExecCredential that the program prints."""
    version = str(config.get("apiVersion") or "client.authentication.k8s.io/v1")
    command = str(config.get("command") or "")
    if "/" in command and not command.startswith("/"):
        command = str(folder / command)
    said = {str(item.get("name")): str(item.get("value")) for item in config.get("env") or () if isinstance(item, Mapping)}
    info = json.dumps({"apiVersion": version, "kind": "ExecCredential", "spec": {"interactive": False}})
    words = [command, *(str(word) for word in config.get("args") or ())]
    surroundings = {**environ, **said, "KUBERNETES_EXEC_INFO": info}
    try:
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=seconds, env=surroundings)
    except subprocess.TimeoutExpired as error:
        raise Failure(f"the kubeconfig's program {command} gave no credentials within {seconds:.0f} s") from error
    except (OSError, ValueError) as error:
        hint = config.get("installHint")
        raise Failure(f"the kubeconfig's program {command} cannot be run: {getattr(error, 'strerror', error)}", hint=str(hint) if hint else None) from error
    if done.returncode != 0:
        last = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:] or ["no message"]
        raise Failure(f"the kubeconfig's program {command} ended with {done.returncode}: {last[0][:300]}")
    try:
        status = json.loads(done.stdout)["status"]
    except (ValueError, KeyError, TypeError):
        status = None
    if not isinstance(status, dict):
        raise Failure(f"the kubeconfig's program {command} printed no ExecCredential")
    return status


def provider(config: Mapping[str, Any], folder: Path, deadline: Deadline) -> Renewed:
    """What the Kubernetes client makes of an ``auth-provider`` (``oidc``, ``gcp``): the token that is there, or a new one once that has expired."""
    settings = dict(config.get("config") or {})
    authority = settings.get("idp-certificate-authority")
    if authority:
        settings["idp-certificate-authority"] = str(folder / str(authority))
    elif not settings.get("idp-certificate-authority-data"):
        settings["idp-certificate-authority"] = _system_authorities()
    user = {"auth-provider": {**config, "config": settings}}

    def read() -> tuple[str, float]:
        return _within(min(SECONDS, deadline.left()), lambda: _token(user)), time.time() + 60

    return Renewed(read)


def _token(user: dict[str, Any]) -> str:
    from kubernetes.client import Configuration
    from kubernetes.config.kube_config import KubeConfigLoader

    one = {
        "current-context": "it",
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
        "clusters": [{"name": "it", "cluster": {"server": "https://unused.invalid"}}],
        "users": [{"name": "it", "user": user}],
    }
    found = Configuration()
    with tempfile.TemporaryDirectory(prefix="gitopsc-") as private:
        loader: Any = KubeConfigLoader  # of a package without types
        loader(one, config_base_path="", temp_file_path=private).load_and_set(found)
    return str(next(iter(found.api_key.values()), "")).removeprefix("Bearer ")


def _system_authorities() -> str:
    paths = ssl.get_default_verify_paths()
    for file in (paths.cafile, paths.openssl_cafile):
        if file and Path(file).exists():
            return file
    import certifi

    return certifi.where()


def _within(seconds: float, work: Callable[[], str]) -> str:
    """The client's loader knows no deadline: it gets a thread that may be left behind."""
    results: list[str] = []
    errors: list[Exception] = []

    def run() -> None:
        try:
            results.append(work())
        except Exception as error:  # noqa: BLE001 - whatever the client and its libraries raise
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if results and results[0]:
        return results[0]
    why = type(errors[0]).__name__ if errors else "it gave no token" if results else f"no answer within {seconds:.0f} s"
    raise Failure(f"the kubeconfig's auth-provider gave no credentials: {why}", hint="log in again with the tool that made the kubeconfig")


def _moment(text: Any) -> float:
    """An RFC 3339 time as seconds, a little early; far away where there is none."""
    try:
        return datetime.fromisoformat(str(text)).timestamp() - _EARLY_SECONDS
    except ValueError:
        return time.time() + _YEAR
