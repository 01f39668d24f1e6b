"""The files that diagnostics point into: their text, for carets, and where the workspace stands in its Git repository."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from gitopsc.diagnostics import Failure, Invalid
from gitopsc.report.result import Result

_BUILTIN = "gitopsc:"
_LARGEST = 1 << 20


class Files:
    """The files of the workspace that holds the folder ``start``."""

    def __init__(self, start: Path) -> None:
        self.root = _root(start)

    def sources(self, result: Result) -> dict[str, str]:
        """The text of every file that a diagnostic names and the result does not bring."""
        named = {item.place.file for item in result.diagnostics if item.place} - result.sources.keys()
        read = {file: self._read(file) for file in sorted(named)}
        return {file: text for file, text in read.items() if text is not None}

    def prefix(self) -> str:
        """``deploy/`` where the workspace is that folder of a Git repository, else nothing."""
        for folder in (self.root, *self.root.parents):
            if (folder / ".git").exists():
                inside = self.root.relative_to(folder).as_posix()
                return "" if inside == "." else f"{inside}/"
        return ""

    def _read(self, file: str) -> str | None:
        """A regular file of a fair size, or nothing: what a message shows must never stop the message."""
        path = Path(__file__).parent.parent / f"_{file.removeprefix(_BUILTIN)}" if file.startswith(_BUILTIN) else self.root / file
        try:
            opened = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except (OSError, ValueError):
            return None
        with os.fdopen(opened, "rb") as stream:
            status = os.fstat(opened)
            if not stat.S_ISREG(status.st_mode) or status.st_size > _LARGEST:
                return None
            return stream.read().decode("utf-8-sig", errors="replace")


def _root(start: Path) -> Path:
    from gitopsc.spec.discover import find_root

    try:
        return find_root(start)
    except (Invalid, Failure, OSError):
        return start.absolute()
