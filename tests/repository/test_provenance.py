"""Which commits answer for what a file is: through merges, odd names, folders of a repository, and history that is not all there."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from gitopsc.repository.location import named
from gitopsc.repository.provenance import Provenance, provenance
from gitopsc.repository.store import open_repository
from tests.repository.scene import bare, environ, git

Files = Mapping[str, str]


class History:
    """Commits of whole trees, made by hand."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.repository = bare(folder / "env.git")

    def commit(self, files: Files, *parents: str) -> str:
        """A commit of these files; the branch is there then."""
        lines = []
        for path, text in files.items():
            oid = git(self.repository, "hash-object", "-w", "--stdin", data=text.encode())
            lines.append(f"100644 {oid}\t{path}")
        index = {"GIT_INDEX_FILE": str(self.folder / "index")}
        tree = self._tree("\n".join(lines), index)
        found = git(self.repository, "commit-tree", "-m", f"{len(files)} files", *(word for parent in parents for word in ("-p", parent)), tree)
        git(self.repository, "update-ref", "refs/heads/main", found)
        return found

    def _tree(self, lines: str, index: Mapping[str, str]) -> str:
        variables = {**environ(self.folder), **index, "GIT_DIR": str(self.repository)}
        Path(index["GIT_INDEX_FILE"]).unlink(missing_ok=True)
        subprocess.run(["git", "update-index", "--add", "--index-info"], env=variables, input=lines.encode(), check=True)
        return subprocess.run(["git", "write-tree"], env=variables, capture_output=True, check=True).stdout.decode().strip()

    def of(self, *paths: str, where: str = "", repository: Path | None = None) -> Provenance:
        """The provenance of these paths at the tip."""
        location = replace(named(str(repository or self.repository)), path=where)
        with open_repository(location, root=self.folder, workspace=None, environ=environ(self.folder), create=False) as opened:
            snapshot = opened.snapshot()
            return provenance(opened, snapshot, {path: snapshot.tree(path.rpartition("/")[0]).get(path.rpartition("/")[2]) for path in paths})


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path)


def test_a_line_of_commits(history: History) -> None:
    first = history.commit({"e/a/x": "1", "e/a/y": "1", "e/a/gone": "1"})
    second = history.commit({"e/a/x": "2", "e/a/y": "1"}, first)
    third = history.commit({"e/a/x": "2", "e/a/y": "1", "e/b/z": "1", "f": "1"}, second)
    history.commit({"e/a/x": "2", "e/a/y": "1", "e/b/z": "1", "f": "2"}, third)
    found = history.of("e/a/x", "e/a/y", "e/a/gone", "e/b/z", "e/b/never")
    assert found.commits == {"e/a/x": (second,), "e/a/y": (first,), "e/a/gone": (second,), "e/b/z": (third,), "e/b/never": ()}
    assert found.unknown == {"e/b/never"}


def test_back_and_forth(history: History) -> None:
    first = history.commit({"e/a/x": "1"})
    other = history.commit({"e/a/x": "2"}, first)
    again = history.commit({"e/a/x": "1"}, other)
    assert history.of("e/a/x").commits == {"e/a/x": (again,)}


def test_names_that_git_writes_in_quotes(history: History) -> None:
    names = ["e/a/ä ö.yaml", 'e/a/"quoted"\\.yaml', "e/a/tab\there"]
    commit = history.commit(dict.fromkeys(names, "1"))
    assert history.of(*names).commits == dict.fromkeys(names, (commit,))


def test_a_folder_of_a_repository(history: History) -> None:
    first = history.commit({"live/clusters/e/a/x": "1", "e/a/x": "1"})
    second = history.commit({"live/clusters/e/a/x": "1", "e/a/x": "2"}, first)
    assert history.of("e/a/x", where="live/clusters").commits == {"e/a/x": (first,)}
    assert history.of("e/a/x").commits == {"e/a/x": (second,)}


def test_many_folders(history: History) -> None:
    names = {f"e/a{number}/x": "1" for number in range(60)}
    first = history.commit(names)
    second = history.commit({**names, "e/a7/x": "2"}, first)
    found = history.of(*names)
    assert found.commits == {name: (second if name == "e/a7/x" else first,) for name in names}


def test_a_merge_answers_for_what_it_chose_and_its_side_for_what_it_made(history: History) -> None:
    base = history.commit({"e/a/x": "1", "e/a/y": "1", "e/a/z": "1", "e/a/same": "1"})
    ours = history.commit({"e/a/x": "ours", "e/a/y": "1", "e/a/z": "ours", "e/a/same": "1"}, base)
    theirs = history.commit({"e/a/x": "1", "e/a/y": "theirs", "e/a/z": "theirs", "e/a/same": "1"}, base)
    merge = history.commit({"e/a/x": "ours", "e/a/y": "theirs", "e/a/z": "both", "e/a/same": "1"}, ours, theirs)
    found = history.of("e/a/x", "e/a/y", "e/a/z", "e/a/same")
    assert found.commits == {"e/a/x": (merge, ours), "e/a/y": (merge, theirs), "e/a/z": (merge,), "e/a/same": (base,)}
    assert found.unknown == frozenset()


def test_a_merge_that_drops_what_was_new(history: History) -> None:
    old = history.commit({"e/a/x": "old"})
    new = history.commit({"e/a/x": "new"}, old)
    merge = history.commit({"e/a/x": "old"}, new, old)
    history.commit({"e/a/x": "old", "f": "1"}, merge)
    assert history.of("e/a/x").commits == {"e/a/x": (merge, old)}


def test_a_merge_of_three(history: History) -> None:
    base = history.commit({"e/a/x": "1"})
    sides = [history.commit({"e/a/x": "1", f"e/a/{name}": "1"}, base) for name in "bcd"]
    merge = history.commit({"e/a/x": "1", "e/a/b": "1", "e/a/c": "1", "e/a/d": "1"}, *sides)
    found = history.of("e/a/x", "e/a/b", "e/a/c", "e/a/d").commits
    assert found == {"e/a/x": (base,), **{f"e/a/{name}": (merge, side) for name, side in zip("bcd", sides, strict=True)}}


def test_history_that_ends_early(history: History, tmp_path: Path) -> None:
    first = history.commit({"e/a/x": "1"})
    second = history.commit({"e/a/x": "1", "e/a/y": "1"}, first)
    history.commit({"e/a/x": "1", "e/a/y": "1", "f": "1"}, second)
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", "--bare", "--depth=2", f"file://{history.repository}", str(clone))
    history.repository.rename(tmp_path / "away")
    found = history.of("e/a/x", "e/a/y", repository=clone)
    assert found.unknown == {"e/a/x", "e/a/y"}
    (tmp_path / "away").rename(history.repository)
    found = history.of("e/a/x", "e/a/y", repository=clone)
    assert (found.commits, found.unknown) == ({"e/a/x": (first,), "e/a/y": (second,)}, frozenset())
