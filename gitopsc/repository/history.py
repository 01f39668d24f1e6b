"""What the lock of one application in one environment said, commit by commit: the newest first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from gitopsc.diagnostics import Invalid
from gitopsc.repository.layout import lock_path
from gitopsc.repository.locks import ReleaseLock, read_release_lock
from gitopsc.repository.objects import Folder, folder
from gitopsc.repository.snapshot import Snapshot
from gitopsc.repository.store import Repository

_FIRST = 24
"""Entries that are looked for before all of history is: most questions end there."""


@dataclass(frozen=True, slots=True)
class Past:
    """A lock as one commit wrote it. ``time`` is the commit's, in UTC; ``author`` is ``Name <mail>``."""

    revision: str
    time: datetime
    author: str
    lock: ReleaseLock


def history(repository: Repository, snapshot: Snapshot, environment: str, application: str) -> list[Past]:
    """Every lock there was, newest first; what is no lock, or was none at a time, is left out. Raises ``Failure``.

    One call of Git and one look at all the locks, whatever the number of commits; a shallow repository is given the rest of its history.
    """
    return list(past(repository, snapshot, environment, application))


def past(repository: Repository, snapshot: Snapshot, environment: str, application: str) -> Iterator[Past]:
    """As ``history``, read only as far as the caller goes."""
    given = 0
    for most in (_FIRST, None):
        lines = _whole(repository, snapshot, environment, application, most)
        contents = snapshot.blobs(oid for *_, oid in lines[given:])
        for revision, time, author, oid in lines[given:]:
            try:
                lock = read_release_lock(contents[oid], lock_path(environment, application))
            except Invalid:
                continue  # an old lock that cannot be read has no say
            yield Past(revision, datetime.fromtimestamp(time, UTC), author, lock)
        if most is None or len(lines) < most:
            return
        given = len(lines)


def manifests_at(repository: Repository, one: Past) -> Folder | None:
    """The manifests of that commit, byte for byte; None where they are not what its lock says they are."""
    pair = one.lock.environment, one.lock.application
    snapshot = repository.at(one.revision)
    made = folder(snapshot.files(*pair), snapshot.algorithm)
    return made if made.tree == one.lock.rendered == snapshot.rendered(*pair) else None


_Line = tuple[str, int, str, str]
"""Commit, time, author, the lock's object."""


def _whole(repository: Repository, snapshot: Snapshot, environment: str, application: str, most: int | None) -> list[_Line]:
    """The commits that wrote the lock. Where the repository is shallow, its oldest commit seems to have written everything: one that is
    among them makes it fetch more.
    """
    while True:
        ends = repository.shallow_commits()
        lines = _lines(snapshot, f"{snapshot.prefix}/{lock_path(environment, application)}".lstrip("/"), most)
        if all(revision not in ends for revision, *_ in lines):
            return lines
        if not repository.deepen():
            return [line for line in lines if line[0] not in ends]


def _lines(snapshot: Snapshot, path: str, most: int | None) -> list[_Line]:
    if snapshot.revision is None:
        return []
    limit = [] if most is None else [f"--max-count={most}"]
    words = ("log", "--raw", "--no-abbrev", "--no-renames", "--root", "--no-show-signature", "--format=%H %ct %an <%ae>", *limit)
    said = snapshot.git.check(*words, "--end-of-options", snapshot.revision, "--", path)
    found: dict[str, tuple[int, str, str | None]] = {}
    revision = ""
    for line in said.output.decode(errors="replace").split("\n"):
        if line.startswith(":"):
            mode, oid = line.split(" ")[1], line.split(" ")[3]
            found[revision] = (*found[revision][:2], oid if mode.startswith("100") else "")
        elif line:
            revision, time, author = line.split(" ", 2)
            found[revision] = (int(time), author, None)
    lines = [(revision, time, author, _merged(snapshot, revision, path) if oid is None else oid) for revision, (time, author, oid) in found.items()]
    return [line for line in lines if line[3]]


def _merged(snapshot: Snapshot, revision: str, path: str) -> str:
    """The lock that a merge came to which is that of none of its parents; Git lists no difference for it."""
    said = snapshot.git.run("rev-parse", "--verify", "--quiet", f"{revision}:{path}")
    return said.text if said.status == 0 else ""
