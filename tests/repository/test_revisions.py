"""Many revisions at once: what they had in a folder, and which of them the newest one does not descend from."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitopsc.repository.location import named
from gitopsc.repository.objects import Entry
from gitopsc.repository.revisions import Revisions, astray
from gitopsc.repository.store import open_repository
from tests.repository.scene import bare, environ, git


class Line:
    """A repository, and commits in it of trees that are given as Git lists them."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.repository = bare(folder / "env.git", *options)

    def blob(self, text: str) -> str:
        return git(self.repository, "hash-object", "-w", "--stdin", data=text.encode())

    def tree(self, *entries: tuple[str, str, str]) -> str:
        lines = "".join(f"{mode} {'tree' if mode == '040000' else 'blob'} {oid}\t{name}\0" for mode, name, oid in entries)
        return git(self.repository, "mktree", "-z", data=lines.encode())

    def commit(self, tree: str, *parents: str) -> str:
        found = git(self.repository, "commit-tree", "-m", "by hand", *(word for one in parents for word in ("-p", one)), tree)
        git(self.repository, "update-ref", "refs/heads/main", found)
        return found


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_what_stood_where(tmp_path: Path, algorithm: str) -> None:
    line = Line(tmp_path, f"--object-format={algorithm}")
    one, two = line.blob("1"), line.blob("2")
    many = [("100644", f"{number:03}", line.blob(str(number))) for number in range(300)]
    inner = line.tree(*many, ("100755", "run", one), ("100644", "z.y", two))
    first = line.commit(line.tree(("040000", "env", inner), ("100644", "mark", one)))
    second = line.commit(line.tree(("100644", "env", two), ("100644", "mark", two)), first)
    gone = "0" * len(first)
    with open_repository(named(str(line.repository)), root=tmp_path, workspace=None, environ=environ(tmp_path), create=False) as repository:
        found = Revisions(repository.snapshot(), [second, first, gone, one])
        assert found.there == tuple(sorted((first, second)))
        assert [found.entry(first, "env", name) for name in ("run", "z.y", "z", "y", "123")] == [
            Entry("100755", one),
            Entry("100644", two),
            None,
            None,
            Entry("100644", many[123][2]),
        ]
        assert found.entry(first, "", "env") == Entry("40000", inner)
        assert [found.entry(second, "env", "run"), found.entry(second, "", "mark"), found.entry(second, "no", "such")] == [None, Entry("100644", two), None]


def test_an_id_that_reads_like_an_entry_is_none(tmp_path: Path) -> None:
    """Ids are bytes of any kind: what looks like a name in one is no name."""
    line = Line(tmp_path)
    blob = line.blob("62562")
    assert b" n\0" in bytes.fromhex(blob)
    commit = line.commit(line.tree(("100644", "x", blob)))
    with open_repository(named(str(line.repository)), root=tmp_path, workspace=None, environ=environ(tmp_path), create=False) as repository:
        found = Revisions(repository.snapshot(), [commit])
        assert found.entry(commit, "", "n") is None
        assert found.entry(commit, "", "x") == Entry("100644", blob)


def test_which_is_no_ancestor(tmp_path: Path) -> None:
    line = Line(tmp_path)
    tree = line.tree(("100644", "a", line.blob("1")))
    first = line.commit(tree)
    second = line.commit(tree, first)
    other = git(line.repository, "commit-tree", "-m", "other", "-p", first, tree)
    line.commit(tree, second)
    with open_repository(named(str(line.repository)), root=tmp_path, workspace=None, environ=environ(tmp_path), create=False) as repository:
        snapshot = repository.snapshot()
        assert astray(repository, snapshot, []) is None
        assert astray(repository, snapshot, [first, second, str(snapshot.revision)]) is None
        assert astray(repository, snapshot, [first, other, second]) == other
        assert astray(repository, snapshot, [first, "0" * 40]) == "0" * 40
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", "--bare", "--depth=1", f"file://{line.repository}", str(clone))
    with open_repository(named(str(clone)), root=tmp_path, workspace=None, environ=environ(tmp_path), create=False) as repository:
        assert astray(repository, repository.snapshot(), [first, second]) is None
