"""Who we are to the API server: fixed headers, or ones that are renewed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from gitopsc.diagnostics import Failure

TOKEN_FILE_SECONDS = 60.0


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
    """What ``read`` gives: a token (null: none is needed) and the moment (``time.time()``) until which it is good.

    It is asked again then, and after a 401.
    """

    def __init__(self, read: Callable[[], tuple[str | None, float]]) -> None:
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
        self._headers = {} if token is None else bearer(token)


def bearer(token: str) -> dict[str, str]:
    """The header for a token; raises Failure, without the token, where it is none."""
    token = token.strip()
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise Failure("the token for the API server is empty, or has characters that no token has")
    return {"Authorization": f"Bearer {token}"}


def token_file(path: Path) -> Renewed:
    """The token in a file; the kubelet puts a new one there before the old one expires."""

    def read() -> tuple[str, float]:
        try:
            return path.read_text(encoding="utf-8"), time.time() + TOKEN_FILE_SECONDS
        except (OSError, UnicodeDecodeError) as error:
            raise Failure(f"the token file {path} cannot be read: {getattr(error, 'strerror', None) or 'it is no text'}") from error

    return Renewed(read)
