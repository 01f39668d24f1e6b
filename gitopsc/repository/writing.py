"""From changes to Git objects: blobs, trees and the commit, made in memory."""

from __future__ import annotations

import time
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import NamedTuple

from gitopsc.diagnostics import Diagnostic, Invalid
from gitopsc.repository.layout import RELEASE_LOCK, check_name, folder_path
from gitopsc.repository.locks import ReleaseLock
from gitopsc.repository.objects import DIRECTORY, FILE, Algorithm, Entry, Folder, blob_id, object_id, tree_bytes
from gitopsc.repository.snapshot import Pair, Snapshot


@dataclass(frozen=True, slots=True)
class Changes:
    """What one commit does. A folder is replaced whole (an empty one and a lock make a tombstone); a file of our own beside them
    (``gitopsc.lock``, ``<environment>/environment.lock``) is written, or deleted where it is None. Nothing else is touched.
    """

    message: str
    folders: Mapping[Pair, tuple[Folder, ReleaseLock]] = field(default_factory=dict)
    files: Mapping[str, bytes | None] = field(default_factory=dict)


class Written(NamedTuple):
    """A tree that is to be committed: its id, the objects that the repository does not have yet, by id, and the trees of the folders in it
    that are replaced.
    """

    tree: str
    objects: dict[str, tuple[str, bytes]]
    folders: dict[Pair, str]


class _Directory(dict[str, "Entry | _Directory | None"]):
    """Changes below a folder, by name; None deletes."""


def write(snapshot: Snapshot, changes: Changes, known: AbstractSet[str] = frozenset()) -> Written | None:
    """The tree that ``changes`` make of ``snapshot``; None where it is the same. ``known``: objects that are stored already.

    Raises ``Invalid`` where a folder would be taken over that gitopsc did not make.
    """
    _check(snapshot, changes)
    objects: dict[str, tuple[str, bytes]] = {}
    folders: dict[Pair, str] = {}
    root = _Directory()
    top = root
    for part in snapshot.prefix.split("/") if snapshot.prefix else ():
        inner = _Directory()
        top[part] = inner
        top = inner
    for path, content in changes.files.items():
        folder, name = _descend(top, path)
        folder[name] = None if content is None else _blob(content, snapshot.algorithm, objects)
    for pair, (contents, lock) in changes.folders.items():
        folder, name = _descend(top, folder_path(*pair))
        entry = _folder(contents, lock, snapshot, pair, objects)
        folder[name], folders[pair] = entry, entry.oid
    whole = _rebuild(snapshot, "", root, objects)
    if whole is None:
        whole = _tree({}, snapshot.algorithm, objects)
    if whole.oid == snapshot.root_tree():
        return None
    return Written(whole.oid, {oid: item for oid, item in objects.items() if oid not in known}, folders)


def commit_object(tree: str, parent: str | None, message: str, author: str, committer: str, algorithm: Algorithm) -> tuple[str, bytes]:
    """Id and content of a commit made now, in UTC. ``author`` and ``committer`` are ``Name <mail>``."""
    now = int(time.time())
    head = [f"tree {tree}", *([f"parent {parent}"] if parent else []), f"author {author} {now} +0000", f"committer {committer} {now} +0000"]
    content = ("\n".join(head) + "\n\n" + message).encode(errors="replace")
    return object_id("commit", content, algorithm), content


def _check(snapshot: Snapshot, changes: Changes) -> None:
    wrong: list[Diagnostic] = []
    environments = {environment for environment, _ in changes.folders}
    names = [(environment, "", environment) for environment in environments]
    names += [(application, environment, folder_path(environment, application)) for environment, application in changes.folders]
    folded: dict[str, dict[str, str]] = {}
    for name, parent, path in names:
        reason = check_name(name)
        if reason is not None:
            wrong.append(Diagnostic("error", "name", f"expected a name that can be a folder, found {name!r}: {reason}", "give it another name"))
            continue
        if parent not in folded:
            folded[parent] = {other.casefold(): other for other in snapshot.tree(parent)}
        other = folded[parent].setdefault(name.casefold(), name)
        if other != name:
            message = f"expected no folder in the environment repository that is {path} but for letter case, found {other!r} beside it"
            wrong.append(Diagnostic("error", "name", message, "file systems that ignore letter case take them for one; rename one of them"))
    if wrong:
        raise Invalid(sorted(wrong, key=Diagnostic.sort_key))
    snapshot.releases(changes.folders)


def _descend(top: _Directory, path: str) -> tuple[_Directory, str]:
    *folders, name = path.split("/")
    for part in folders:
        inner = top.get(part)
        if not isinstance(inner, _Directory):
            inner = top[part] = _Directory()
        top = inner
    return top, name


def _folder(contents: Folder, lock: ReleaseLock, snapshot: Snapshot, pair: Pair, objects: dict[str, tuple[str, bytes]]) -> Entry:
    stored = {entry.oid for entry in snapshot.tree(folder_path(*pair)).values()}
    entries = {name: Entry(FILE, oid) for name, oid in contents.oids.items()}
    if any("/" in name or name == RELEASE_LOCK for name in entries):
        raise ValueError(f"{pair}: a rendered file cannot be named {sorted(entries)}")
    for name, oid in contents.oids.items():
        if oid not in stored:
            objects[oid] = ("blob", contents.files[name])
    entries[RELEASE_LOCK] = _blob(lock.dump(), snapshot.algorithm, objects)
    return _tree(entries, snapshot.algorithm, objects)


def _blob(content: bytes, algorithm: Algorithm, objects: dict[str, tuple[str, bytes]]) -> Entry:
    oid = blob_id(content, algorithm)
    objects[oid] = ("blob", content)
    return Entry(FILE, oid)


def _tree(entries: Mapping[str, Entry], algorithm: Algorithm, objects: dict[str, tuple[str, bytes]]) -> Entry:
    content = tree_bytes(entries)
    oid = object_id("tree", content, algorithm)
    objects[oid] = ("tree", content)
    return Entry(DIRECTORY, oid)


def _rebuild(snapshot: Snapshot, path: str, changes: _Directory, objects: dict[str, tuple[str, bytes]]) -> Entry | None:
    """The entry of a folder after ``changes``; None where nothing is left in it."""
    entries = dict(snapshot.whole_tree(path))
    for name, change in changes.items():
        entry = _rebuild(snapshot, f"{path}/{name}".strip("/"), change, objects) if isinstance(change, _Directory) else change
        if entry is None:
            entries.pop(name, None)
        else:
            entries[name] = entry
    return _tree(entries, snapshot.algorithm, objects) if entries else None
