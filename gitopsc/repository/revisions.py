"""Many revisions at once: what stood in a folder of each, and which are no ancestors, in a few round trips whatever their number."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from gitopsc.repository.objects import DIRECTORY, Algorithm, Entry
from gitopsc.repository.snapshot import Snapshot
from gitopsc.repository.store import Repository

_SIZES: Mapping[Algorithm, int] = {"sha1": 20, "sha256": 32}


def astray(repository: Repository, snapshot: Snapshot, commits: Iterable[str]) -> str | None:
    """The first of the commits that is neither the snapshot's nor among its ancestors; a shallow copy is deepened until that is certain."""
    tip = str(snapshot.revision)
    wanted = sorted(set(commits) - {tip})
    if not wanted:
        return None
    while True:
        said = snapshot.git.run("rev-list", "--max-count=1", "--stdin", data="".join(f"{one}\n" for one in (*wanted, f"^{tip}")).encode())
        if said.status == 0 and not said.output:
            return None
        if not repository.deepen():
            return next((one for one in wanted if snapshot.git.run("merge-base", "--is-ancestor", one, tip).status != 0), None)


class Revisions:
    """``there``: those of the commits that the repository still has, sorted."""

    def __init__(self, snapshot: Snapshot, commits: Iterable[str]) -> None:
        self._snapshot = snapshot
        self.there = self._found(sorted(set(commits)))
        self._trees: dict[str, bytes] = {}
        self._roots = {commit: text.partition(b"\n")[0].split(b" ")[1].decode() for commit, text in snapshot.blobs(self.there).items()}
        self._folders: dict[str, dict[str, str]] = {}

    def entry(self, commit: str, folder: str, name: str) -> Entry | None:
        """What stands under a name in a folder (from the snapshot's own) of a revision that is there; None where nothing does."""
        tree = self._folder(folder).get(commit)
        return None if tree is None else self._named(name)(self._trees[tree])

    def _found(self, commits: list[str]) -> tuple[str, ...]:
        if not commits:
            return ()
        said = self._snapshot.git.check("cat-file", "--batch-check", data="".join(f"{commit}\n" for commit in commits).encode())
        return tuple(commit for commit, line in zip(commits, said.text.split("\n"), strict=True) if line.startswith(f"{commit} commit "))

    def _folder(self, folder: str) -> dict[str, str]:
        """The folder's tree in each revision that has it."""
        if folder not in self._folders:
            trees = dict(self._roots)
            self._read(trees.values())
            for step in filter(None, f"{self._snapshot.prefix}/{folder}".split("/")):
                find = self._named(step)
                below = {commit: find(self._trees[tree]) for commit, tree in trees.items()}
                trees = {commit: entry.oid for commit, entry in below.items() if entry is not None and entry.mode == DIRECTORY}
                self._read(trees.values())
            self._folders[folder] = trees
        return self._folders[folder]

    def _read(self, trees: Iterable[str]) -> None:
        self._trees |= self._snapshot.blobs(set(trees) - self._trees.keys())

    def _named(self, name: str) -> Callable[[bytes], Entry | None]:
        """Finds the entry of a name in a tree object: of a thousand entries one is wanted, in each of a thousand trees."""
        size = _SIZES[self._snapshot.algorithm]
        text = re.escape(name.encode(errors="surrogateescape"))
        pattern = re.compile(rb"(?:[0-7]+ [^\0]+\0.{%d})*?([0-7]+) %b\0(.{%d})" % (size, text, size), re.DOTALL)

        def find(tree: bytes) -> Entry | None:
            found = pattern.match(tree)
            return None if found is None else Entry(found[1].decode().lstrip("0"), found[2].hex())

        return find
