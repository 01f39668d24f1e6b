"""The user's own cache folder: who writes there, how a file is known to be whole, and when time stamps can be trusted.

Nothing is ever taken from the workspace's own folder: a pull request could put it there.
"""

from __future__ import annotations

import contextlib
import hashlib
import marshal
import os
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from gitopsc import __version__

RACY_NS = 50_000_000
"""A file that was changed this shortly before it was looked at may change again without its time stamp telling."""


def cache_folder(environ: Mapping[str, str], root: Path) -> Path | None:
    """Where this workspace's cache is; None where there is no home to put it in."""
    said = environ.get("XDG_CACHE_HOME") or ""
    home = environ.get("HOME") or ""
    base = Path(said) if said.startswith("/") else Path(home) / ".cache" if home.startswith("/") else None
    return None if base is None else base / "gitopsc" / hashlib.sha256(os.fsencode(root)).hexdigest()[:24]


@cache
def fingerprint() -> str:
    """What this gitopsc is, looked at once a process: version, Python, and the state of its own files (so that a checkout under development is never stale)."""
    package = Path(__file__).parent
    parts = [__version__, sys.version]
    for base in (package, package / "_templates", package / "_schemas"):
        for folder, folders, names in os.walk(base):
            folders[:] = sorted(name for name in folders if name != "__pycache__")
            for name in sorted(names):
                status = Path(folder, name).stat()
                parts.append(f"{folder}/{name} {status.st_size} {status.st_mtime_ns}")
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogateescape")).hexdigest()


def read_checked(path: Path) -> Any:
    """What ``write_checked`` wrote, or None where it is absent or damaged."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    if len(data) < 32 or hashlib.sha256(data[32:]).digest() != data[:32]:
        return None
    return marshal.loads(data[32:])  # noqa: S302 - our own file, in the user's own folder, its checksum just verified


def write_checked(path: Path, value: Any) -> None:
    """``value`` behind its checksum, moved into place; failures are silent (the next build is only slower)."""
    data = marshal.dumps(value)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "wb") as file:
            file.write(hashlib.sha256(data).digest() + data)
        temporary.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()


def is_racy(signature: tuple[Any, ...], now: int) -> bool:
    """Whether a file's times are too near to ``now`` to prove that it has not changed since."""
    return any(isinstance(item, int) and now - RACY_NS < item for item in (signature[0], signature[-1]))
