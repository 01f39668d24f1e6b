"""Standard output and standard error: encoding, colour, progress."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from time import monotonic
from typing import TextIO

from gitopsc.options import Progress
from gitopsc.report.findings import Paint, plain

_PATIENCE = 0.5  # work that is over sooner needs no bar
_PAUSE = 0.1
_WIDTH = 24


def prepare() -> None:
    """UTF-8 whatever the locale says, and streams that exist even where the caller closed them."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123 (it lives as long as the process)
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace", newline="\n")


def painter(stream: TextIO, when: str, environment: Mapping[str, str]) -> Paint:
    """Colours for a stream, if it is a terminal that has them."""
    wanted = when == "always" or (when == "auto" and stream.isatty() and not environment.get("NO_COLOR") and environment.get("TERM") != "dumb")
    return _paint if wanted else plain


def width(stream: TextIO) -> int | None:
    """The columns of a terminal; null for what is none, which has no edge."""
    import shutil

    return shutil.get_terminal_size().columns if stream.isatty() else None


def _paint(text: str, colour: str) -> str:
    return f"\x1b[{colour}m{text}\x1b[0m"


def progress(environment: Mapping[str, str]) -> Progress | None:
    """A bar on standard error, if it is a terminal and nobody's log."""
    stream = sys.stderr
    if not stream.isatty() or environment.get("CI") or environment.get("TERM") == "dumb":
        return None
    started = monotonic()
    last = 0.0

    def show(label: str, done: int, total: int) -> None:
        nonlocal last
        now = monotonic()
        if now - started < _PATIENCE or (now - last < _PAUSE and done < total):
            return
        last = now
        filled = _WIDTH * done // total if total else 0
        bar = "#" * filled + "." * (_WIDTH - filled)
        stream.write(f"\r\x1b[K{label} [{bar}] {done}/{total}")
        if done >= total:
            stream.write("\r\x1b[K")
        stream.flush()

    return show


def write(stream: TextIO, text: str) -> None:
    """All of the text, now: what cannot be written must not be found out after the exit status."""
    if text:
        stream.write(text)
        stream.flush()


def silence(stream: TextIO) -> None:
    """The reader is gone: what is left in the buffer goes nowhere, without a word at exit."""
    sink = os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, stream.fileno())
    os.close(sink)
