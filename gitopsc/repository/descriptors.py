"""Files and folders by descriptor, so that no link is ever followed, whoever changes the folders meanwhile."""

from __future__ import annotations

import errno
import os
import stat

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW


def enter(root: int, folder: str, *, make: bool) -> int | None:
    """A descriptor of a folder, made where asked, reached without following a link; None where it cannot be reached so."""
    descriptor = os.dup(root)
    for part in folder.split("/") if folder else ():
        try:
            try:
                inner = os.open(part, FOLDER, dir_fd=descriptor)
            except FileNotFoundError:
                if not make:
                    return None
                os.mkdir(part, dir_fd=descriptor)
                inner = os.open(part, FOLDER, dir_fd=descriptor)
        except NotADirectoryError:
            return None
        except OSError as error:
            if error.errno == errno.ELOOP:
                return None
            raise
        finally:
            os.close(descriptor)
        descriptor = inner
    return descriptor


def create(folder: int, name: str, content: bytes, mode: int = 0o666) -> None:
    """A new file, written whole or an ``OSError``."""
    descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode, dir_fd=folder)
    try:
        view = memoryview(content)
        while view:
            view = view[os.write(descriptor, view) :]
    finally:
        os.close(descriptor)


def content(folder: int, name: str) -> bytes | None:
    """A regular file's content; None for anything else."""
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        return file.read() if stat.S_ISREG(os.fstat(descriptor).st_mode) else None


def exists(folder: int, name: str) -> bool:
    """Whether there is anything of that name, a link that leads nowhere included."""
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def prune(root: int, folder: str) -> None:
    """Remove a folder that has become empty, and those above it."""
    while folder:
        parent, _, name = folder.rpartition("/")
        descriptor = enter(root, parent, make=False)
        if descriptor is None:
            return
        try:
            os.rmdir(name, dir_fd=descriptor)
        except OSError:
            return
        finally:
            os.close(descriptor)
        folder = parent
