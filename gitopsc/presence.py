"""What an environment repository has of each application, as far as a plan must know it.

A folder's tree id says everything about it, so what was read of a folder once need not be read again: ``known`` remembers it,
and a build of thousands of unchanged targets reads a tree for each environment and no lock.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from gitopsc.repository.layout import check_name
from gitopsc.repository.locks import ReleaseLock
from gitopsc.repository.objects import DIRECTORY, Entry, Folder
from gitopsc.repository.store import Snapshot

Pair = tuple[str, str]
"""(environment, application)."""

Known = dict[str, tuple[Any, ...]]
"""``<tree id> <environment>/<application>`` → the fields of ``Present``."""


class Present(NamedTuple):
    """A folder of ours: its lock in short, and ``actual``, the tree id of the manifests that are really there, of which there are ``objects``."""

    release: str
    state: str
    inputs: str
    rendered: str
    actual: str | None
    dirty: bool
    generation: int
    held: bool
    objects: int


def present(snapshot: Snapshot, pairs: Iterable[Pair], known: Known) -> dict[Pair, Present | None]:
    """What is there for each pair; None where nothing of ours is. ``known`` is used and added to.

    Raises ``Invalid`` with everything that is wrong: folders that are not ours, locks that cannot be read.
    """
    out: dict[Pair, Present | None] = {}
    keys: dict[Pair, str] = {}
    trees: dict[str, Mapping[str, Entry]] = {}
    for pair in pairs:
        environment, application = pair
        if environment not in trees:
            trees[environment] = snapshot.tree(environment)
        entry = trees[environment].get(application)
        if entry is None:
            out[pair] = None
            continue
        keys[pair] = key = f"{entry.oid} {environment}/{application}"
        kept = known.get(key) if entry.mode == DIRECTORY else None
        out[pair] = Present._make(kept) if kept is not None else None
    unread = [pair for pair in keys if out[pair] is None]
    for pair, lock in snapshot.releases(unread).items() if unread else ():
        if lock is not None:
            one = _present(lock, snapshot.rendered(*pair), len(snapshot.tree("/".join(pair))) - 1)
            known[keys[pair]] = tuple(one)
            out[pair] = one
    return out


def written(environment: str, application: str, tree: str, made: Folder, lock: ReleaseLock, known: Known) -> None:
    """Remember a folder that was just written as ``tree``, so that the next build need not read it."""
    known[f"{tree} {environment}/{application}"] = tuple(_present(lock, made.tree, len(made.oids)))


def _present(lock: ReleaseLock, actual: str | None, objects: int) -> Present:
    return Present(
        release=lock.release.id,
        state=lock.release.state,
        inputs=lock.environment_source.inputs,
        rendered=lock.rendered,
        actual=actual,
        dirty=lock.source.dirty,
        generation=lock.generation,
        held=lock.hold is not None,
        objects=objects,
    )


def others(snapshot: Snapshot, environment: str, wanted: Iterable[str]) -> list[str]:
    """Folders of an environment that could be applications and are not wanted."""
    kept = set(wanted)
    return [n for n, e in snapshot.tree(environment).items() if e.mode == DIRECTORY and n not in kept and check_name(n) is None]
