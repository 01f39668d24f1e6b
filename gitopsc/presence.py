"""What an environment repository has of each application, as far as a plan must know it.

A folder's tree id says everything about it, so what was read of a folder once need not be read again: ``known`` remembers it,
and a build of thousands of unchanged targets reads a tree for each environment and no lock.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple, dataclass
from typing import Any

from gitopsc.repository.layout import check_name
from gitopsc.repository.objects import DIRECTORY
from gitopsc.repository.store import Snapshot

Pair = tuple[str, str]
"""(environment, application)."""

Known = dict[str, tuple[Any, ...]]
"""``<tree id> <environment>/<application>`` → the fields of ``Present``."""


@dataclass(frozen=True, slots=True)
class Present:
    """A folder of ours: its lock in short, and ``actual``, the tree id of the manifests that are really there."""

    release: str
    state: str
    inputs: str
    rendered: str
    actual: str | None
    dirty: bool
    generation: int


def present(snapshot: Snapshot, pairs: Iterable[Pair], known: Known) -> dict[Pair, Present | None]:
    """What is there for each pair; None where nothing of ours is. ``known`` is used and added to.

    Raises ``Invalid`` with everything that is wrong: folders that are not ours, locks that cannot be read.
    """
    out: dict[Pair, Present | None] = {}
    keys: dict[Pair, str] = {}
    for pair in pairs:
        environment, application = pair
        entry = snapshot.tree(environment).get(application)
        if entry is None:
            out[pair] = None
            continue
        keys[pair] = f"{entry.oid} {environment}/{application}"
        kept = known.get(keys[pair]) if entry.mode == DIRECTORY else None
        out[pair] = Present(*kept) if kept is not None else None
    unread = [pair for pair in keys if out[pair] is None]
    for pair, lock in snapshot.releases(unread).items() if unread else ():
        if lock is not None:
            actual = snapshot.rendered(*pair)
            one = Present(lock.release.id, lock.release.state, lock.environment_source.inputs, lock.rendered, actual, lock.source.dirty, lock.generation)
            known[keys[pair]] = astuple(one)
            out[pair] = one
    return out


def others(snapshot: Snapshot, environment: str, wanted: Iterable[str]) -> list[str]:
    """Folders of an environment that could be applications and are not wanted."""
    kept = set(wanted)
    return [n for n, e in snapshot.tree(environment).items() if e.mode == DIRECTORY and n not in kept and check_name(n) is None]
