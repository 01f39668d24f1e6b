"""One revision of an environment repository, read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NoReturn

from gitopsc.diagnostics import Diagnostic, Invalid, Place
from gitopsc.repository.git import Git
from gitopsc.repository.layout import ENVIRONMENT_LOCK, RELEASE_LOCK, REPOSITORY_LOCK, check_name, folder_path, lock_path
from gitopsc.repository.locks import ReleaseLock, RepositoryLock, read_release_lock, read_repository_lock
from gitopsc.repository.objects import DIRECTORY, EXECUTABLE, FILE, SUBMODULE, SYMLINK, Algorithm, Entry, object_id, parse_tree, tree_bytes
from gitopsc.repository.reader import ObjectReader

Pair = tuple[str, str]
"""An environment and an application."""

_WORDS = {SYMLINK: "a symbolic link", SUBMODULE: "a submodule", DIRECTORY: "a folder"}


class Snapshot:
    """A revision, read lazily; what is read once is kept. Paths are relative to the folder that the location names."""

    def __init__(self, git: Git, reader: ObjectReader, revision: str | None, algorithm: Algorithm, prefix: str = "") -> None:
        self.git = git
        self.revision = revision
        self.algorithm = algorithm
        self.prefix = prefix
        self._reader = reader
        self._root: str | None = None
        self._trees: dict[str, dict[str, Entry]] = {}

    def read(self, path: str) -> bytes | None:
        """A file's content, None where it is absent. Raises ``Invalid`` where something else stands there."""
        parent, _, name = path.rpartition("/")
        entry = self.tree(parent).get(name)
        if entry is None:
            return None
        if entry.mode not in {FILE, EXECUTABLE}:
            self._not_ours(path, "a file", _WORDS.get(entry.mode, entry.mode))
        return self._reader.read(entry.oid)[1]

    def tree(self, path: str) -> Mapping[str, Entry]:
        """Names in a folder, {} where it is absent. Raises ``Invalid`` where it, or one above it, is a link or a file."""
        return self._tree(f"{self.prefix}/{path}".strip("/"))

    def root_tree(self) -> str | None:
        """The tree id of the whole revision, whatever the location's folder."""
        if self._root is None and self.revision is not None:
            content = self._reader.read(self.revision)[1]
            self._root = content.split(b"\n", 1)[0].split(b" ")[1].decode()
        return self._root

    def whole_tree(self, path: str) -> Mapping[str, Entry]:
        """As ``tree``, for a path from the repository's root."""
        return self._tree(path)

    def workspace(self) -> RepositoryLock | None:
        """The mark of the workspace that owns the repository; None where nobody does yet."""
        data = self.read(REPOSITORY_LOCK)
        return None if data is None else read_repository_lock(data, REPOSITORY_LOCK)

    def environments(self) -> list[str]:
        """Folders with an environment.lock, sorted."""
        folders = [name for name, entry in self.tree("").items() if entry.mode == DIRECTORY]
        self._fetch(folders)
        return sorted(name for name in folders if ENVIRONMENT_LOCK in self.tree(name) and check_name(name) is None)

    def applications(self, environment: str) -> list[str]:
        """Folders of an environment with a release.lock, sorted; tombstones too."""
        folders = [name for name, entry in self.tree(environment).items() if entry.mode == DIRECTORY]
        self._fetch(folder_path(environment, name) for name in folders)
        return sorted(name for name in folders if RELEASE_LOCK in self.tree(folder_path(environment, name)) and check_name(name) is None)

    def release(self, environment: str, application: str) -> ReleaseLock | None:
        """The lock of an application, None where it never was. Raises ``Invalid`` where the folder is not gitopsc's, or the lock unreadable."""
        return self.releases([(environment, application)])[environment, application]

    def releases(self, pairs: Iterable[Pair]) -> dict[Pair, ReleaseLock | None]:
        """The locks of many applications. Raises ``Invalid`` with all that is wrong in any of them."""
        locks, wrong = self.readable_releases(pairs)
        if wrong:
            raise Invalid([diagnostic for found in wrong.values() for diagnostic in found])
        return locks

    def readable_releases(self, pairs: Iterable[Pair]) -> tuple[dict[Pair, ReleaseLock | None], dict[Pair, tuple[Diagnostic, ...]]]:
        """The locks of many applications, in one round trip, and what is wrong with the others."""
        wanted = list(dict.fromkeys(pairs))
        self._fetch(dict.fromkeys(environment for environment, _ in wanted))
        self._fetch(folder_path(*pair) for pair in wanted)
        wrong: dict[Pair, tuple[Diagnostic, ...]] = {}
        oids: dict[Pair, str] = {}
        locks: dict[Pair, ReleaseLock | None] = {}
        for pair in wanted:
            try:
                entry = self._lock_entry(pair)
            except Invalid as error:
                wrong[pair] = tuple(error.diagnostics)
                continue
            locks[pair] = None
            if entry is not None:
                oids[pair] = entry.oid
        contents = self._reader.read_all(oids.values())
        for pair, oid in oids.items():
            try:
                locks[pair] = self._release(pair, contents[oid][1])
            except Invalid as error:
                wrong[pair] = tuple(error.diagnostics)
                del locks[pair]
        return locks, wrong

    def rendered(self, environment: str, application: str) -> str | None:
        """The tree id of what is there without its lock; None where nothing is."""
        entries = dict(self.tree(folder_path(environment, application)))
        if not entries:
            return None
        entries.pop(RELEASE_LOCK, None)
        return object_id("tree", tree_bytes(entries), self.algorithm)

    def files(self, environment: str, application: str) -> dict[str, bytes]:
        """The files that are there, without the lock and without what is no file, by name."""
        entries = self.tree(folder_path(environment, application))
        files = {name: entry.oid for name, entry in entries.items() if name != RELEASE_LOCK and entry.mode in {FILE, EXECUTABLE}}
        contents = self._reader.read_all(files.values())
        return {name: contents[oid][1] for name, oid in files.items()}

    def blobs(self, oids: Iterable[str]) -> dict[str, bytes]:
        """Contents by object id."""
        return {oid: content for oid, (_, content) in self._reader.read_all(oids).items()}

    def folder_id(self, environment: str, application: str) -> str | None:
        """The tree id of a whole folder, lock included: what tells that somebody else has written it. None where it is absent."""
        entry = self.tree(environment).get(application)
        return None if entry is None else entry.oid

    def _lock_entry(self, pair: Pair) -> Entry | None:
        path = folder_path(*pair)
        entries = self.tree(path)
        entry = entries.get(RELEASE_LOCK)
        if entries and entry is None:
            message = f"expected {path} to be absent or a folder that gitopsc made, found one without {RELEASE_LOCK}"
            raise Invalid([_diagnostic(message, path, "move it away, or name another folder of the repository")])
        if entry is not None and entry.mode not in {FILE, EXECUTABLE}:
            self._not_ours(lock_path(*pair), "a file", _WORDS.get(entry.mode, entry.mode))
        return entry

    def _release(self, pair: Pair, data: bytes) -> ReleaseLock:
        path = lock_path(*pair)
        lock = read_release_lock(data, path)
        if (lock.environment, lock.application) != pair:
            message = f"expected the lock of {folder_path(*pair)}, found that of {folder_path(lock.environment, lock.application)}"
            raise Invalid([_diagnostic(message, path, "take it from the last good commit of the environment repository")])
        return lock

    def _tree(self, path: str) -> dict[str, Entry]:
        known = self._trees.get(path)
        if known is not None:
            return known
        if not path:
            root = self.root_tree()
            entries = {} if root is None else self._parse(self._reader.read(root)[1])
        else:
            entry = self._folder_entry(path)
            entries = {} if entry is None else self._parse(self._reader.read(entry.oid)[1])
        self._trees[path] = entries
        return entries

    def _folder_entry(self, path: str) -> Entry | None:
        parent, _, name = path.rpartition("/")
        entry = self._tree(parent).get(name)
        if entry is not None and entry.mode != DIRECTORY:
            self._not_ours(path, "a folder", _WORDS.get(entry.mode, "a file"))
        return entry

    def _fetch(self, paths: Iterable[str]) -> None:
        """Read many folders in one round trip. Their parents have been read, or are read one by one."""
        entries: dict[str, str] = {}
        for path in paths:
            whole = f"{self.prefix}/{path}".strip("/")
            parent, _, name = whole.rpartition("/")
            if whole in self._trees or any(step.mode != DIRECTORY for step in self._steps(parent)):
                continue  # what is wrong with it is told when it is asked for
            entry = self._tree(parent).get(name)
            if entry is None or entry.mode == DIRECTORY:
                entries[whole] = entry.oid if entry else ""
        contents = self._reader.read_all(oid for oid in entries.values() if oid)
        for whole, oid in entries.items():
            self._trees[whole] = self._parse(contents[oid][1]) if oid else {}

    def _steps(self, path: str) -> list[Entry]:
        steps: list[Entry] = []
        folder = ""
        for part in path.split("/") if path else ():
            entry = self._tree(folder).get(part)
            if entry is None:
                break
            steps.append(entry)
            if entry.mode != DIRECTORY:
                break
            folder = f"{folder}/{part}".strip("/")
        return steps

    def _parse(self, content: bytes) -> dict[str, Entry]:
        return parse_tree(content, self.algorithm)

    def _not_ours(self, path: str, expected: str, found: str) -> NoReturn:
        raise Invalid([_diagnostic(f"expected {path} in the environment repository to be {expected}, found {found}", path, "remove it from the repository")])


def _diagnostic(message: str, path: str, hint: str) -> Diagnostic:
    return Diagnostic("error", "repository", message, hint, Place(path, 1, 1))
