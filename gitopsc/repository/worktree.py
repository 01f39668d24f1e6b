"""Brings the files of a local repository's work tree to a new commit, after it, and never over somebody's changes."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from gitopsc.diagnostics import Failure
from gitopsc.repository.descriptors import FOLDER, content, create, enter, exists, prune
from gitopsc.repository.git import Git, Result, failed
from gitopsc.repository.hold import remove_stale
from gitopsc.repository.objects import EMPTY_TREE, EXECUTABLE, FILE, SUBMODULE, Algorithm, blob_id
from gitopsc.repository.reader import ObjectReader

_TEMPORARY = "gitopsc.tmp"  # inside .git: a kill leaves at most this folder, which the next write removes
_NEW = "new"
_RAW = ("-z", "--raw", "--no-renames", "--no-ext-diff", "--no-textconv", "--ignore-submodules=all")
_LOCK_SECONDS = 2.0
_UNSAFE = re.compile(r"\.*|\.git[. ]*|git~[0-9]+", re.IGNORECASE)


class Change(NamedTuple):
    """One path: mode and id before (None: absent) and after."""

    path: str
    before: tuple[str, str] | None
    after: tuple[str, str] | None


class WorkTree:
    """Files and index of a work tree that has the branch checked out. The caller keeps other writers out."""

    def __init__(self, git: Git, git_dir: Path, work_tree: Path, algorithm: Algorithm, reader: ObjectReader) -> None:
        self._git = git
        self._git_dir = git_dir
        self._work_tree = work_tree
        self._algorithm = algorithm
        self._reader = reader

    def bring(self, old: str | None, new: str, known: Mapping[str, tuple[str, bytes]]) -> list[str]:
        """Bring files that are as ``old`` has them to ``new``; the paths of those that are not, which stay as they are.

        Doing it again after a kill does the rest. ``known``: contents by id that need not be read. Raises ``Failure`` of the disk.
        """
        changes = self._changes(old, new)
        staged = self._staged(old, {change.path: change for change in changes})
        plain = [change for change in changes if change.path not in staged]
        missing = [change.after[1] for change in plain if change.after and change.after[0] != SUBMODULE and change.after[1] not in known]
        contents = {**known, **self._reader.read_all(missing)}
        try:
            kept = self._write(plain, contents)
        except OSError as error:
            raise Failure(f"the commit is made, but its files cannot be written to {self._work_tree}: {error.strerror}") from None
        self._update_index(plain)
        return sorted({*staged, *kept})

    def _changes(self, old: str | None, new: str) -> list[Change]:
        before = old or EMPTY_TREE[self._algorithm]
        said = self._git.check("diff-tree", "-r", *_RAW, before, new)
        return _raw(said.output)

    def _staged(self, old: str | None, changes: Mapping[str, Change]) -> set[str]:
        """Changed paths for which the index holds neither what was nor what will be."""
        said = self._git.check("diff-index", "--cached", *_RAW, old or EMPTY_TREE[self._algorithm])
        return {item.path for item in _raw(said.output) if item.path in changes and item.after != changes[item.path].after}

    def _write(self, changes: list[Change], contents: Mapping[str, tuple[str, bytes]]) -> list[str]:
        kept: list[str] = []
        by_folder: dict[str, list[Change]] = {}
        for change in changes:
            if any(_UNSAFE.fullmatch(part) for part in change.path.split("/")):
                kept.append(change.path)  # somebody else's commit: nothing with such a name is ever ours
            else:
                by_folder.setdefault(change.path.rpartition("/")[0], []).append(change)
        temporary = self._git_dir / _TEMPORARY
        _clear(temporary)
        temporary.mkdir()
        root = os.open(self._work_tree, os.O_RDONLY | os.O_DIRECTORY)
        place = os.open(temporary, FOLDER)
        try:
            for folder, items in by_folder.items():
                if self._write_fresh(place, root, folder, items, contents):
                    continue
                descriptor = enter(root, folder, make=any(item.after for item in items))
                if descriptor is None:
                    kept += [item.path for item in items if item.after]
                    continue
                try:
                    kept += [item.path for item in items if not self._write_one(place, descriptor, item, contents)]
                finally:
                    os.close(descriptor)
                if any(item.after is None for item in items):
                    prune(root, folder)
        finally:
            os.close(place)
            os.close(root)
            _clear(temporary)
        return kept

    def _write_fresh(self, temporary: int, root: int, folder: str, changes: list[Change], contents: Mapping[str, tuple[str, bytes]]) -> bool:
        """Whether a folder that was not there is there now, whole: one rename for all its files."""
        parent, _, name = folder.rpartition("/")
        if not name or any(change.before or change.after is None or change.after[0] != FILE for change in changes):
            return False
        above = enter(root, parent, make=True)
        if above is None:
            return False
        try:
            if exists(above, name):
                return False
            os.mkdir(_NEW, dir_fd=temporary)
            fresh = os.open(_NEW, FOLDER, dir_fd=temporary)
            try:
                for change in changes:
                    if change.after is not None:
                        create(fresh, change.path.rpartition("/")[2], contents[change.after[1]][1])
            finally:
                os.close(fresh)
            os.rename(_NEW, name, src_dir_fd=temporary, dst_dir_fd=above)
        finally:
            os.close(above)
        return True

    def _write_one(self, temporary: int, folder: int, change: Change, contents: Mapping[str, tuple[str, bytes]]) -> bool:
        """Whether the file is now as the commit has it."""
        name = change.path.rpartition("/")[2]
        found = content(folder, name)
        if change.after is None:
            if found is not None and self._is(found, change.before):
                os.unlink(name, dir_fd=folder)
            return found is None or self._is(found, change.before)
        if found is not None and self._is(found, change.after):
            return True
        if change.after[0] not in {FILE, EXECUTABLE} or (found is None and exists(folder, name)):
            return False
        if (found is None) != (change.before is None) or (found is not None and not self._is(found, change.before)):
            return False
        create(temporary, _NEW, contents[change.after[1]][1], 0o777 if change.after[0] == EXECUTABLE else 0o666)
        os.rename(_NEW, name, src_dir_fd=temporary, dst_dir_fd=folder)
        return True

    def _is(self, content: bytes, entry: tuple[str, str] | None) -> bool:
        return entry is not None and entry[0] in {FILE, EXECUTABLE} and blob_id(content, self._algorithm) == entry[1]

    def _update_index(self, changes: list[Change]) -> None:
        zero = "0" * len(EMPTY_TREE[self._algorithm])
        lines = [f"{'0' if change.after is None else change.after[0]} {change.after[1] if change.after else zero}\t{change.path}\0" for change in changes]
        data = "".join(lines).encode(errors="surrogateescape")
        end = time.monotonic() + _LOCK_SECONDS
        while True:
            said: Result = self._git.run("update-index", "-z", "--index-info", data=data)
            if said.status == 0:
                return
            lock = self._git_dir / "index.lock"
            if not lock.exists() or time.monotonic() < end:
                if time.monotonic() >= end:
                    raise Failure(failed("update-index", said))
                time.sleep(0.05)
            elif not remove_stale(lock, self._git_dir):
                raise Failure(
                    "the commit is made, but its files cannot be staged: another Git holds index.lock", hint="run the command again when it has ended"
                )


def _clear(temporary: Path) -> None:
    """Remove what is left of files that were being written, by us or by a run that was killed."""
    if temporary.exists():
        import shutil

        shutil.rmtree(temporary)


def _raw(output: bytes) -> list[Change]:
    """The records of ``--raw -z``: ``:100644 100644 <id> <id> M``, then the path."""
    parts = output.decode(errors="surrogateescape").split("\0")
    found: list[Change] = []
    for head, path in zip(parts[0::2], parts[1::2], strict=False):
        mode_before, mode_after, before, after = head[1:].split(" ")[:4]
        found.append(Change(path, _side(mode_before, before), _side(mode_after, after)))
    return found


def _side(mode: str, oid: str) -> tuple[str, str] | None:
    return None if mode == "000000" else (mode.lstrip("0"), oid)
