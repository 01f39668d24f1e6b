"""Which commits put files where they are: those that answer for them, if they are signed."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from gitopsc.diagnostics import Failure
from gitopsc.repository.git import close, guard
from gitopsc.repository.objects import Entry
from gitopsc.repository.snapshot import Snapshot
from gitopsc.repository.store import Repository

if TYPE_CHECKING:
    import subprocess
    from typing import IO

_PIECE = 1 << 18
_MANY = 50  # folders, from which Git is asked for all that is in those above them
_GONE = ("000000", "")
State = tuple[str, str]
"""Mode and object id of a path; ``_GONE`` where it is absent."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """``commits``: of each path the commits that answer for it, newest first. ``unknown``: paths of which history does not tell all of them."""

    commits: Mapping[str, tuple[str, ...]]
    unknown: frozenset[str]


@dataclass(slots=True)
class _Commit:
    """One commit of the log. ``differs``: path → in how many of its ``parents`` it is otherwise, and its state in the commit."""

    revision: str
    parents: int
    differs: dict[bytes, tuple[int, State]] = field(default_factory=dict)


def provenance(repository: Repository, snapshot: Snapshot, wanted: Mapping[str, Entry | None]) -> Provenance:
    """Who put the paths (from the snapshot's folder) to what they are in the snapshot: ``wanted`` has their entries there, None where they are absent.

    That is the newest commit that made a path so, and every merge after it that took it from one side and not from another: who merges
    chooses. A commit whose parents are not here cannot be told apart; a shallow repository is given more of its history. Raises ``Failure``.
    """
    prefix = f"{snapshot.prefix}/" if snapshot.prefix else ""
    paths = {f"{prefix}{path}".encode(): path for path in wanted}
    states = {f"{prefix}{path}".encode(): _GONE if entry is None else (entry.mode, entry.oid) for path, entry in wanted.items()}
    while True:
        commits: dict[bytes, list[str]] = {path: [] for path in paths}
        left = _walked(repository, snapshot, states, commits)
        if not left or not repository.deepen():
            return Provenance({paths[path]: tuple(found) for path, found in commits.items()}, frozenset(paths[path] for path in left))


def _walked(repository: Repository, snapshot: Snapshot, states: Mapping[bytes, State], commits: dict[bytes, list[str]]) -> set[bytes]:
    """Go back through history until all is known; the paths of which it is not."""
    ends = repository.shallow_commits()
    left = set(states)
    log = _log(snapshot, states)
    try:
        for commit in log:
            if not left:
                break
            if commit.revision in ends:
                continue
            for path in left.intersection(commit.differs):
                count, state = commit.differs[path]
                if state == states[path]:  # what another side of a merge had is no part of it
                    commits[path].append(commit.revision)
                    if count >= commit.parents:
                        left.discard(path)
    finally:
        log.close()
    return left


def _log(snapshot: Snapshot, paths: Iterable[bytes]) -> Generator[_Commit, None, None]:
    """Commits that have something in the folders of ``paths`` otherwise than a parent, children before their parents."""
    words = ["log", "-m", "--raw", "--no-abbrev", "--no-renames", "--root", "--full-history", "--topo-order", "--no-show-signature", "--format=%x00%H %P"]
    folders = sorted({path.rpartition(b"/")[0] or path for path in paths})
    within = [folder.decode(errors="surrogateescape") for folder in folders]
    if len(within) > _MANY:
        within = sorted({one.split("/", 1)[0] for one in within})
    process = snapshot.git.open(*words, "--end-of-options", str(snapshot.revision), "--", *within)
    rest, last = b"", None
    try:
        while data := _read(process, snapshot.git.deadline):
            *told, rest = (rest + data).split(b"\0")
            for one in told:
                last = yield from _next(last, one)
        if process.wait() != 0:
            raise Failure("git log stopped before it had told all of history", hint="check the repository with: git fsck")
        last = yield from _next(last, rest)
        if last is not None:
            yield last
    finally:
        close(process)


def _read(process: subprocess.Popen[bytes], seconds: float) -> bytes:
    found: list[bytes] = []
    stream = cast("IO[bytes]", process.stdout)
    guard(process, seconds, lambda: found.append(stream.read(_PIECE)))
    return found[0]


def _next(last: _Commit | None, told: bytes) -> Generator[_Commit, None, _Commit | None]:
    """Take in what is told of a commit. A merge is told once for each parent from which it differs, so it is whole when another one begins."""
    head, _, changes = told.partition(b"\n")
    if not head.strip():
        return last
    revision, *parents = head.decode().split()
    if last is None or last.revision != revision:
        if last is not None:
            yield last
        last = _Commit(revision, max(1, len(parents)))
    for line in changes.split(b"\n"):
        if line.startswith(b":"):
            fields, _, name = line.partition(b"\t")
            _, mode, _, oid, _ = fields[1:].decode().split(" ")
            path = _unquoted(name)
            count = last.differs[path][0] if path in last.differs else 0
            last.differs[path] = (count + 1, _GONE if mode == _GONE[0] else (mode, oid))
    return last


def _unquoted(name: bytes) -> bytes:
    """A path as it is, from how Git writes odd ones."""
    return name[1:-1].decode("unicode_escape").encode("latin-1") if name.startswith(b'"') else name
