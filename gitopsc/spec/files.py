"""Reading one file of a workspace: component by component, never through a link, never blocking, never beyond the limit."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from gitopsc.diagnostics import Diagnostic, Diagnostics, Failure, Invalid, Place
from gitopsc.limits import DEFAULT, Limits

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_KINDS = {
    stat.S_IFIFO: "a named pipe", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a folder", stat.S_IFLNK: "a symbolic link",
}  # fmt: skip


class Reads(Protocol):
    """What a source is read with: ``Files`` of a folder or of a revision."""

    def read(self, path: str) -> bytes:
        """A file's bytes; raises ``Invalid``."""


def kind_of(mode: int) -> str:
    """What a file that is no regular one is, for people."""
    return _KINDS.get(stat.S_IFMT(mode), "something else")


def beside(file: str, written: str) -> str:
    """The workspace path of a file that ``file`` names: relative to the folder of ``file``, with ``/``. Raises ``Invalid`` where it leaves the root."""
    if not written or "\0" in written or "\\" in written:
        raise _invalid(file, "bad-path", f"expected a path with '/' between names, found {written!r}", "write it relative to the file that names it")
    if written.startswith(("/", "~")):
        raise _invalid(
            file,
            "leaves-root",
            f"expected a path inside the workspace, found {written!r}, which leaves the root",
            "write it relative to the file that names it",
        )
    parts = file.split("/")[:-1]
    for part in written.split("/"):
        if part == "..":
            if not parts:
                message = f"expected a path inside the workspace, found {written!r}, which leaves the root"
                raise _invalid(file, "leaves-root", message, "copy the file into the workspace")
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    if any(part.lower().rstrip(". ") in (".git", "git~1") for part in parts):
        raise _invalid(file, "bad-path", f"expected a file of the workspace, found {written!r}, which is Git's own", "name another file")
    return "/".join(parts)


def read_source(files: Reads, file: str, written: str) -> tuple[str, bytes]:
    """The file that ``file`` names as ``written`` (``source: conf/app.ini``): its workspace path and bytes. Raises ``Invalid``."""
    path = beside(file, written)
    return path, files.read(path)


def read_file(root: Path, path: str, limits: Limits = DEFAULT) -> bytes:
    """The bytes of ``path`` below ``root``. Raises ``Invalid`` where it is missing, a link or goes through one, no regular file, unreadable, or
    larger than ``limits.spec_bytes``; ``Failure`` where the disk fails.
    """
    parts = path.split("/")
    if not all(parts) or {".", ".."} & set(parts):
        raise _invalid(path, "leaves-root", f"expected a path inside the workspace, found {path!r}, which leaves the root", "name a file below gitopsc.yaml")
    try:
        folder = os.open(root, _FOLDER)
        try:
            for part in parts[:-1]:
                inner = os.open(part, _FOLDER | os.O_NOFOLLOW, dir_fd=folder)
                os.close(folder)
                folder = inner
            return _read(folder, parts[-1], path, limits)
        finally:
            os.close(folder)
    except OSError as error:
        raise _refused(root, path, error) from error


def _read(folder: int, name: str, path: str, limits: Limits) -> bytes:
    _check(os.stat(name, dir_fd=folder, follow_symlinks=False), path, limits)
    file = os.open(name, _FILE, dir_fd=folder)
    try:
        _check(os.fstat(file), path, limits)
        chunks, size = [], 0
        while chunk := os.read(file, limits.spec_bytes + 1 - size):
            chunks.append(chunk)
            size += len(chunk)
            if size > limits.spec_bytes:
                raise too_large(path, size, limits)
        return b"".join(chunks)
    finally:
        os.close(file)


def _check(status: os.stat_result, path: str, limits: Limits) -> None:
    if stat.S_ISLNK(status.st_mode):
        raise OSError(errno.ELOOP, "link")
    if not stat.S_ISREG(status.st_mode):
        raise _invalid(path, "not-a-file", f"expected a file, found {kind_of(status.st_mode)}", "name a regular file")
    if status.st_size > limits.spec_bytes:
        raise too_large(path, status.st_size, limits)


def write_file(root: Path, path: str, data: bytes) -> None:
    """Make or replace ``path`` below ``root``, by rename, so that it is never half written; its permissions stay, its folder is made.

    Raises ``Invalid`` where it is a link or goes through one, ``Failure`` where the disk fails; the file is as it was then.
    """
    if any((root / part).is_symlink() for part in _prefixes(path)):
        raise _link(root, path)
    target = root / path
    temporary = target.with_name(f".{target.name}.gitopsc-{os.getpid()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666), "wb") as file:
            file.write(data)
        if target.exists():
            temporary.chmod(target.stat().st_mode & 0o7777)
        temporary.replace(target)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        raise Failure(f"writing {path} failed: {error.strerror}", hint="the file is as it was") from error


def _refused(root: Path, path: str, error: OSError) -> Invalid | Failure:
    if error.errno == errno.ENOENT:
        return _invalid(path, "missing-file", f"expected a file, found nothing at {path}", "correct the path, or add the file")
    if error.errno in (errno.ELOOP, errno.ENOTDIR):
        return _link(root, path)
    if error.errno in (errno.EACCES, errno.EPERM):
        return _invalid(path, "unreadable", f"expected a readable file, {(error.strerror or '').lower()}", "give yourself the right to read it")
    if error.errno in (errno.ENAMETOOLONG, errno.EINVAL, errno.EISDIR, errno.ENXIO):
        return _invalid(path, "not-a-file", f"expected a file, {(error.strerror or '').lower()}", "name a regular file")
    return Failure(f"reading {path} failed: {error.strerror}", hint="check the disk and try again")


def _link(root: Path, path: str) -> Invalid:
    if not any((root / part).is_symlink() for part in _prefixes(path)):
        return _invalid(path, "missing-file", f"expected a file, found nothing at {path}", "correct the path, or add the file")
    try:
        inside = (root / path).resolve(strict=True).is_relative_to(root.resolve())
    except (OSError, RuntimeError):
        inside = False
    where = "inside the workspace" if inside else "that leaves the root or leads nowhere"
    return _invalid(path, "symbolic-link", f"expected a file, found a symbolic link {where}", "put the file itself there, or name it where it stands")


def _prefixes(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:depth]) for depth in range(1, len(parts) + 1)]


def too_large(path: str, size: int, limits: Limits) -> Invalid:
    """The error of a file beyond the limit, as an exception."""
    from gitopsc.spec.documents import too_large as report

    found = Diagnostics()
    report(path, size, limits, found)
    return Invalid(found)


def _invalid(file: str, code: str, message: str, hint: str) -> Invalid:
    return Invalid([Diagnostic("error", code, message, hint, Place(file, 1, 1))])
