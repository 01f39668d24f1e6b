"""Reads objects through one ``git cat-file --batch`` that stays open."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

from gitopsc.diagnostics import Failure
from gitopsc.repository.git import Git, close, guard

if TYPE_CHECKING:
    import subprocess
    from typing import IO

_CHUNK = 200  # ids asked for before answers are read: they fit into any pipe's buffer, so neither side waits for the other


class ObjectReader:
    """Objects by id. The process starts at the first read and sees objects that are written later.

    After a fork the child starts a process of its own: two that talk with one would take each other's answers.
    """

    def __init__(self, git: Git) -> None:
        self._git = git
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = os.getpid()
        self._parents: subprocess.Popen[bytes] | None = None

    def read(self, oid: str) -> tuple[str, bytes]:
        """Kind and content of one object. Raises ``Failure`` where it is missing."""
        return self.read_all([oid])[oid]

    def read_all(self, oids: Iterable[str]) -> dict[str, tuple[str, bytes]]:
        """Kind and content by id, for many at once. Raises ``Failure`` where one is missing."""
        wanted = list(dict.fromkeys(oids))
        found: dict[str, tuple[str, bytes]] = {}
        if not wanted:
            return found
        if self._owner != os.getpid():
            self._owner, self._parents, self._process = os.getpid(), self._process, None
        process = self._process = self._process or self._git.open("cat-file", "--batch")

        def work() -> None:
            for start in range(0, len(wanted), _CHUNK):
                self._exchange(process, wanted[start : start + _CHUNK], found)

        try:
            guard(process, self._git.deadline, work)
        except (OSError, ValueError):
            self.close()
            raise Failure("git cat-file stopped before it had answered", hint="check the repository with: git fsck") from None
        return found

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            close(self._process)
            self._process = None

    def _exchange(self, process: subprocess.Popen[bytes], oids: list[str], found: dict[str, tuple[str, bytes]]) -> None:
        stdin, stdout = cast("IO[bytes]", process.stdin), cast("IO[bytes]", process.stdout)
        stdin.write("".join(f"{oid}\n" for oid in oids).encode())
        stdin.flush()
        for oid in oids:
            header = stdout.readline().split()
            if len(header) == 2 and header[1] == b"missing":
                self.close()
                raise Failure(f"object {oid} is missing from the repository", hint="check it with: git fsck")
            if len(header) != 3:
                raise ValueError(header)
            size = int(header[2])
            content = stdout.read(size + 1)
            if len(content) != size + 1:
                raise ValueError(size)
            found[oid] = (header[1].decode(), content[:-1])
