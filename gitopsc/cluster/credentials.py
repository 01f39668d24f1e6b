"""Who we are to the API server: fixed headers, a token file that is renewed under us, or what a program prints."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from gitopsc.diagnostics import Failure

TOKEN_FILE_SECONDS = 60.0
PROGRAM_SECONDS = 30.0
_SKEW_SECONDS = 10.0


class Credentials:
    """Headers that say who we are. This one: fixed ones, which cannot be renewed."""

    def __init__(self, headers: Mapping[str, str] | None = None) -> None:
        self._headers = dict(headers or {})

    def headers(self) -> Mapping[str, str]:
        """The headers for a request now; raises Failure where they cannot be had."""
        return self._headers

    def refresh(self, refused: str | None) -> bool:
        """Renew them after a 401 for the ``Authorization`` header ``refused``. Whether there is something new to try."""
        return False


class Renewed(Credentials):
    """A token that ``read`` gives with the moment (``time.time()``) until which it is good; it is asked again then, and once after a 401."""

    def __init__(self, read: Callable[[], tuple[str, float]]) -> None:
        super().__init__()
        self._read = read
        self._until = 0.0
        self._lock = threading.Lock()

    def headers(self) -> Mapping[str, str]:
        """The headers for a request now; raises Failure where they cannot be had."""
        if time.time() >= self._until:
            with self._lock:
                if time.time() >= self._until:
                    self._renew()
        return self._headers

    def refresh(self, refused: str | None) -> bool:
        """Renew them after a 401 for the ``Authorization`` header ``refused``. Whether there is something new to try."""
        with self._lock:
            if self._headers.get("Authorization") == refused:
                self._renew()
            return self._headers.get("Authorization") != refused

    def _renew(self) -> None:
        token, self._until = self._read()
        self._headers = {"Authorization": f"Bearer {token}"}


def token_file(path: Path) -> Renewed:
    """The token in a file; the kubelet puts a new one there before the old one expires."""

    def read() -> tuple[str, float]:
        try:
            token = path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise Failure(f"the token file {path} cannot be read: {getattr(error, 'strerror', None) or error}") from error
        if not token or not token.isprintable():
            raise Failure(f"the token file {path} is empty or holds no token")
        return token, time.time() + TOKEN_FILE_SECONDS

    return Renewed(read)


def run_program(config: Mapping[str, Any], folder: Path, environ: Mapping[str, str]) -> Mapping[str, Any]:
    """The status of the ExecCredential that a kubeconfig's ``exec`` program prints: ``token``, ``clientCertificateData``, ….

    Not the Kubernetes client's own provider: that one waits for ever, and knows no client certificates.
    """
    version = str(config.get("apiVersion") or "client.authentication.k8s.io/v1")
    command = str(config.get("command") or "")
    if "/" in command and not command.startswith("/"):
        command = str(folder / command)
    said = {str(item.get("name")): str(item.get("value")) for item in config.get("env") or () if isinstance(item, Mapping)}
    info = json.dumps({"apiVersion": version, "kind": "ExecCredential", "spec": {"interactive": False}})
    words = [command, *(str(word) for word in config.get("args") or ())]
    try:
        done = subprocess.run(
            words, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=PROGRAM_SECONDS, env={**environ, **said, "KUBERNETES_EXEC_INFO": info}
        )
    except subprocess.TimeoutExpired as error:
        raise Failure(f"the kubeconfig's program {command} gave no credentials within {PROGRAM_SECONDS:.0f} s") from error
    except OSError as error:
        hint = config.get("installHint")
        raise Failure(f"the kubeconfig's program {command} cannot be run: {error.strerror}", hint=str(hint) if hint else None) from error
    if done.returncode != 0:
        last = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:] or ["no message"]
        raise Failure(f"the kubeconfig's program {command} ended with {done.returncode}: {last[0][:300]}")
    try:
        status = json.loads(done.stdout)["status"]
        status.get("token")
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Failure(f"the kubeconfig's program {command} printed no ExecCredential") from None
    found: Mapping[str, Any] = status
    return found


def program(config: Mapping[str, Any], folder: Path, environ: Mapping[str, str], first: Mapping[str, Any]) -> Renewed:
    """The token that the program prints, asked for again when it expires; ``first`` is what it printed just now."""
    waiting = [first]

    def read() -> tuple[str, float]:
        status = waiting.pop() if waiting else run_program(config, folder, environ)
        token = status.get("token")
        if not isinstance(token, str) or not token:
            raise Failure(f"the kubeconfig's program {config.get('command')} gave no token")
        return token, _moment(status.get("expirationTimestamp"))

    return Renewed(read)


def _moment(text: Any) -> float:
    """An RFC 3339 time as seconds, a little early; far away where there is none."""
    try:
        return datetime.fromisoformat(str(text)).timestamp() - _SKEW_SECONDS
    except ValueError:
        return time.time() + 365 * 86400
