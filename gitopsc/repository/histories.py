"""The locks of many applications, commit by commit, from one walk through history instead of one each."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple, cast

from gitopsc.diagnostics import Failure, Invalid
from gitopsc.repository.git import close, guard
from gitopsc.repository.history import Past
from gitopsc.repository.layout import RELEASE_LOCK, folder_path, lock_path
from gitopsc.repository.locks import ReleaseLock, read_release_lock
from gitopsc.repository.snapshot import Pair, Snapshot
from gitopsc.repository.store import Repository

if TYPE_CHECKING:
    import subprocess
    from typing import IO

_PIECE = 1 << 18


class _Line(NamedTuple):
    """One commit's lock."""

    pair: Pair
    revision: str
    time: int
    author: str
    oid: str


class Histories:
    """What ``history`` says, for many at once and read only as far as somebody asks. Use as long as needed, then ``close``.

    Of a merge that somebody settled by dropping one side, the commits of that side are told as if they had landed, except the newest.
    """

    def __init__(self, repository: Repository, snapshot: Snapshot, pairs: Iterable[Pair]) -> None:
        self._repository, self._snapshot = repository, snapshot
        self._lines: dict[Pair, list[_Line]] = {pair: [] for pair in pairs}
        self._paths = {f"{snapshot.prefix}/{lock_path(*pair)}".lstrip("/").encode(): pair for pair in self._lines}
        self._contents: dict[str, bytes] = {}
        self._locks: dict[str, ReleaseLock | None] = {}
        self._order: dict[str, int] = {}
        self._pieces = self._walk()

    def of(self, environment: str, application: str) -> Iterator[Past]:
        """The locks of one of the applications, newest first. Raises ``Failure``."""
        pair = (environment, application)
        entry = self._snapshot.tree(folder_path(*pair)).get(RELEASE_LOCK)
        started = entry is None
        lines, index = self._lines[pair], 0
        while index < len(lines) or self._more(lines, index):
            line, index = lines[index], index + 1
            started = started or (entry is not None and line.oid == entry.oid)
            lock = self._lock(line) if started else None
            if lock is not None:
                yield Past(line.revision, datetime.fromtimestamp(line.time, UTC), line.author, lock)

    def position(self, revision: str) -> int:
        """Where a commit that was told stands in history: 0 is the newest."""
        return self._order[revision]

    def close(self) -> None:
        """End what was started for it."""
        self._pieces.close()

    def _more(self, lines: list[_Line], index: int) -> bool:
        """Read on until there is another line; whether there is."""
        while index >= len(lines):
            piece = next(self._pieces, None)
            if piece is None:
                return False
            self._keep(piece)
        return True

    def _keep(self, piece: list[_Line]) -> None:
        self._contents |= self._snapshot.blobs(line.oid for line in piece if line.oid not in self._contents)
        for line in piece:
            self._order.setdefault(line.revision, len(self._order))
            self._lines[line.pair].append(line)

    def _lock(self, line: _Line) -> ReleaseLock | None:
        """The lock; null for an old one that cannot be read, which has no say."""
        if line.oid not in self._locks:
            try:
                self._locks[line.oid] = read_release_lock(self._contents[line.oid], lock_path(*line.pair))
            except Invalid:
                self._locks[line.oid] = None
        return self._locks[line.oid]

    def _walk(self) -> Generator[list[_Line], None, None]:
        """Lines of whole commits, newest first. A commit at which a shallow repository ends seems to have written everything: it fetches more."""
        while True:
            ends = self._repository.shallow_commits()
            cut = False
            for piece in self._pieces_of(self._snapshot.revision) if self._snapshot.revision else ():
                cut = cut or any(line.revision in ends for line in piece)
                yield [line for line in piece if line.revision not in ends]
            if not cut or not self._repository.deepen():
                return

    def _pieces_of(self, revision: str) -> Iterator[list[_Line]]:
        known = set(self._order)
        words = ["log", "--raw", "-c", "--no-abbrev", "--no-renames", "--root", "--no-show-signature", "--format=%x00%H %ct %an <%ae>"]
        prefix = [self._snapshot.prefix] if self._snapshot.prefix else []
        process = self._snapshot.git.open(*words, "--end-of-options", revision, "--", *prefix)
        rest = b""
        try:
            while data := self._read(process):
                *commits, rest = (rest + data).split(b"\0")
                yield self._told(commits, known)
            if process.wait() != 0:
                raise Failure("git log stopped before it had told all of history", hint="check the repository with: git fsck")
            yield self._told([rest], known)
        finally:
            close(process)

    def _read(self, process: subprocess.Popen[bytes]) -> bytes:
        found: list[bytes] = []
        stream = cast("IO[bytes]", process.stdout)
        guard(process, self._snapshot.git.deadline, lambda: found.append(stream.read(_PIECE)))
        return found[0]

    def _told(self, commits: list[bytes], known: set[str]) -> list[_Line]:
        """The lines of commits that are not ``known`` yet."""
        lines = []
        for commit in commits:
            head, _, changes = commit.partition(b"\n")
            if RELEASE_LOCK.encode() not in changes:
                continue
            revision, time, author = head.decode(errors="replace").split(" ", 2)
            if revision in known:
                continue
            for change in changes.split(b"\n"):
                pair = self._paths.get(change.rpartition(b"\t")[2]) if change.startswith(b":") else None
                if pair is not None:
                    parents = len(change) - len(change.lstrip(b":"))
                    fields = change.partition(b"\t")[0].decode().lstrip(":").split(" ")
                    if fields[parents].startswith("100"):
                        lines.append(_Line(pair, revision, int(time), author, fields[2 * parents + 1]))
        return lines
