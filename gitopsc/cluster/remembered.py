"""What a server said before, kept in a folder that is the user's alone; it counts only while the server says that it still holds (ETag).

Whatever is odd about the folder or a file (somebody else's, open to others, a link, damaged) means that nothing is remembered.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import stat
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

MOST_BYTES = 64 << 20


class Said(NamedTuple):
    """A body and the tag that the server gave it."""

    tag: str
    body: dict[str, Any]


class Memory:
    """Bodies by (server, path). ``folder`` null: nothing is kept."""

    def __init__(self, folder: Path | None, server: str) -> None:
        self._folder = None if folder is None else folder / "discovery"
        self._server = server

    def recall(self, path: str) -> Said | None:
        """What was kept, None where there is nothing that can be trusted."""
        if self._folder is None or not _private(self._folder):
            return None
        try:
            handle = os.open(self._file(self._folder, path), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return None
        with os.fdopen(handle, "rb") as file:
            about = os.fstat(handle)
            if not stat.S_ISREG(about.st_mode) or about.st_uid != os.geteuid() or about.st_mode & 0o077 or about.st_size > MOST_BYTES:
                return None
            try:
                tag, body = json.loads(file.read())
            except (ValueError, RecursionError):
                return None
        return Said(tag, body) if isinstance(tag, str) and isinstance(body, dict) else None

    def keep(self, path: str, said: Said) -> None:
        """Keep a body; failures only make the next run slower."""
        if self._folder is None:
            return
        with contextlib.suppress(OSError):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not _private(self._folder):
                return
            handle, name = tempfile.mkstemp(prefix=".", dir=self._folder)
            try:
                with os.fdopen(handle, "w", encoding="utf-8") as file:
                    json.dump(said, file, separators=(",", ":"))
                Path(name).replace(self._file(self._folder, path))
            except OSError:
                Path(name).unlink(missing_ok=True)
                raise

    def _file(self, folder: Path, path: str) -> Path:
        return folder / f"{hashlib.sha256(f'{self._server} {path}'.encode()).hexdigest()[:32]}.json"


def _private(folder: Path) -> bool:
    """Whether it is a folder of ours (no link to one) that nobody else can look or write into."""
    try:
        about = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(about.st_mode) and about.st_uid == os.geteuid() and not about.st_mode & 0o077
