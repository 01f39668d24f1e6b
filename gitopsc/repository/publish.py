"""The one way to write: plan on what is there, commit by compare-and-swap, and plan again where somebody else was first."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise

from gitopsc.diagnostics import Conflict, Invalid
from gitopsc.repository.backend import Moved
from gitopsc.repository.git import DEADLINE
from gitopsc.repository.layout import RELEASE_LOCK, folder_path, lock_path
from gitopsc.repository.locks import read_release_lock
from gitopsc.repository.snapshot import Pair, Snapshot
from gitopsc.repository.store import Repository
from gitopsc.repository.writing import Changes

__all__ = ["Changes", "Published", "next_generations", "publish"]

_WINDOW = 1000  # commits of history that are looked at for somebody's revert: the cost of a commit must not grow with history


@dataclass(frozen=True, slots=True)
class Published:
    """What a write came to: ``revision`` None where there was nothing to commit; ``snapshot`` is what the last plan was made on."""

    revision: str | None
    snapshot: Snapshot
    notices: tuple[str, ...]


def publish(repository: Repository, plan: Callable[[Snapshot], Changes | None], *, deadline: float = DEADLINE, base: Snapshot | None = None) -> Published:
    """Commit what ``plan`` makes of the branch's tip. ``base``: the tip as it was read already, for what was decided by it.

    ``plan`` is called again with a new snapshot whenever somebody else commits first; None, or changes that change nothing: no commit.
    Raises ``Conflict`` where a folder that is to be written is not any more as it was first read, or the branch never stands still.
    """
    end = time.monotonic() + deadline
    first = snapshot = base or repository.snapshot()
    attempt = 0
    while True:
        changes = plan(snapshot)
        if changes is None:
            return Published(None, snapshot, tuple(repository.notices))
        if snapshot is not first:
            _check_unchanged(first, snapshot, changes)
        try:
            return Published(repository.commit(snapshot, changes), snapshot, tuple(repository.notices))
        except Moved:
            attempt += 1
            if time.monotonic() >= end:
                message = f"{repository.display} was moved by others at each of {attempt} attempts to commit"
                raise Conflict(message, hint="run the command again") from None
            time.sleep(random.uniform(0, min(0.02 * 2 ** min(attempt, 6), 1.0)))  # noqa: S311
            snapshot = repository.snapshot()


def next_generations(snapshot: Snapshot, pairs: Iterable[Pair]) -> dict[Pair, int]:
    """The generation that the next lock of each pair gets: one more than the highest in recent history.

    That is the present lock's, unless somebody reverted one of our commits: those that are not ours are looked at.
    """
    wanted = list(dict.fromkeys(pairs))
    highest = {pair: 0 if lock is None else lock.generation for pair, lock in snapshot.releases(wanted).items()}
    by_path = {f"{snapshot.prefix}/{lock_path(*pair)}".lstrip("/"): pair for pair in wanted}
    for path, data in _reverted(snapshot, set(by_path)):
        try:
            lock = read_release_lock(data, path)
        except Invalid:
            continue  # an old lock that cannot be read has no say
        highest[by_path[path]] = max(highest[by_path[path]], lock.generation)
    return {pair: generation + 1 for pair, generation in highest.items()}


def _reverted(snapshot: Snapshot, paths: set[str]) -> list[tuple[str, bytes]]:
    """Path and content of the locks that commits of others removed or replaced."""
    git, revision = snapshot.git, snapshot.revision
    if revision is None or not paths:
        return []
    beyond = git.run("rev-parse", "--verify", "--quiet", f"{revision}~{_WINDOW}")
    limit = [f"^{beyond.text}"] if beyond.status == 0 else []
    others = git.check("rev-list", "--invert-grep", "--grep=^Gitopsc-Action: ", "--end-of-options", revision, *limit)
    if not others.output:
        return []
    words = ("--stdin", "-m", "-r", "-z", "--raw", "--no-renames", "--no-commit-id", "--ignore-submodules=all")
    said = git.check("diff-tree", *words, "--", *_folders(snapshot), data=others.output)
    found: list[tuple[str, str]] = []
    parts = said.output.decode(errors="surrogateescape").split("\0")
    for head, path in pairwise(parts):
        if head.startswith(":") and path in paths and not head.startswith(":000000"):
            found.append((path, head.split(" ")[2]))
    contents = snapshot.blobs(oid for _, oid in found)
    return [(path, contents[oid]) for path, oid in dict.fromkeys(found)]


def _folders(snapshot: Snapshot) -> list[str]:
    return [snapshot.prefix] if snapshot.prefix else []


def _check_unchanged(first: Snapshot, now: Snapshot, changes: Changes) -> None:
    moved = [pair for pair in changes.folders if first.folder_id(*pair) != now.folder_id(*pair)]
    if moved:
        lines = [_story(first, now, pair) for pair in sorted(moved)]
        raise Conflict("\n".join(lines), hint="look at what was committed meanwhile, then run the command again")


def _story(first: Snapshot, now: Snapshot, pair: Pair) -> str:
    before, after = _generation(first, pair), _generation(now, pair)
    path = f"{now.prefix}/{folder_path(*pair)}".lstrip("/")
    since = [f"^{first.revision}"] if first.revision else []
    said = now.git.run("log", "-1", "--format=%an", "--end-of-options", str(now.revision), *since, "--", path)
    by = f" by {said.text}" if said.status == 0 and said.text else ""
    return f"{folder_path(*pair)} was {before}, now {after}{by}"


def _generation(snapshot: Snapshot, pair: Pair) -> str:
    if RELEASE_LOCK not in snapshot.tree(folder_path(*pair)):
        return "absent"
    lock = snapshot.release(*pair)
    return "absent" if lock is None else f"generation {lock.generation}"
