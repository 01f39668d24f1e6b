"""Locks between processes: our own, which die with their holder, and those that Git left behind."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gitopsc.diagnostics import Conflict

_PROC = Path("/proc")
_STALE_SECONDS = 600.0  # where processes cannot be listed, age alone must tell


@contextmanager
def hold(directory: Path, seconds: float) -> Iterator[None]:
    """Keep other gitopsc processes out of ``directory``; the system lets go when this process ends, however it ends.

    Raises ``Conflict`` where another one keeps it for longer than ``seconds``.
    """
    import fcntl

    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        end = time.monotonic() + seconds
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                if time.monotonic() >= end:
                    raise Conflict(f"another gitopsc has been writing for {seconds:.0f} s", hint="wait for it to end, then try again") from None
                time.sleep(0.01)
        yield
    finally:
        os.close(descriptor)


def remove_stale(lock: Path, git_dir: Path) -> bool:
    """Remove a lock file of Git's whose holder is gone; whether it is removed. One that somebody may still hold stays."""
    try:
        age = time.time() - lock.stat().st_mtime
    except OSError:
        return False
    if live_holder(lock, git_dir) is not None or (not _PROC.is_dir() and age < _STALE_SECONDS):
        return False
    lock.unlink(missing_ok=True)
    return True


def live_holder(lock: Path, git_dir: Path) -> int | None:
    """The id of a process that has ``lock`` open, or is a Git at work in ``git_dir``; None where there is none (or no telling)."""
    target, inside = str(lock.resolve()), str(git_dir.resolve())
    work_tree = str(git_dir.resolve().parent) if git_dir.name == ".git" else inside
    for process in _PROC.iterdir() if _PROC.is_dir() else ():
        if process.name.isdigit() and int(process.name) != os.getpid() and _holds(process, target, (inside, work_tree)):
            return int(process.name)
    return None


def _holds(process: Path, lock: str, folders: tuple[str, ...]) -> bool:
    try:
        links = [os.readlink(link) for link in (process / "fd").iterdir()]  # noqa: PTH115 - half as quick as a Path each
        if lock in links:
            return True
        if not (process / "comm").read_text().startswith("git"):
            return False
        links.append(str((process / "cwd").readlink()))
        words = (process / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return False  # it is another's, or has ended meanwhile
    # These stay open for long and take no lock: readers, such as every gitopsc has, and the monitor of a work tree.
    return not {b"cat-file", b"fsmonitor--daemon"} & set(words) and any(link == folder or link.startswith(folder + "/") for link in links for folder in folders)
