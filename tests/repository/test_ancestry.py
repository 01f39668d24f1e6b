"""What lies between two commits, held to what Git says."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from gitopsc.repository.ancestry import Ancestry
from tests.repository.scene import environ, git

EMPTY = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


@pytest.mark.parametrize("seed", range(3))
def test_as_git_says_in_a_history_with_many_merges(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    git(tmp_path, "init", "-q")
    git(tmp_path, "mktree", data=b"")
    commits: list[str] = []
    for number in range(30):
        parents = chance.sample(commits[-6:], min(len(commits), chance.choice((1, 1, 2, 3))))
        words = [word for parent in parents for word in ("-p", parent)]
        commits.append(git(tmp_path, "commit-tree", *words, "-m", str(number), EMPTY))
    ancestry = Ancestry.read(tmp_path, commits, environ=environ(tmp_path))
    for _ in range(25):
        older, newer = chance.sample(commits, 2)
        said = git(tmp_path, "rev-list", f"{older}..{newer}").split()
        assert sorted(ancestry.between(older, newer)) == sorted(said)
    assert ancestry.between(commits[3], commits[3]) == []


def test_newest_first_below_the_folder_of_the_workspace(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    for number in range(4):
        git(tmp_path, "commit", "-q", "--allow-empty", "-m", str(number))
    inside = tmp_path / "deploy"
    inside.mkdir()
    commits = git(tmp_path, "rev-list", "HEAD").split()
    ancestry = Ancestry.read(inside, [commits[0]], environ=environ(tmp_path))
    assert ancestry.between(commits[3], commits[0]) == commits[:3]


def test_what_is_not_known_has_nothing_between(tmp_path: Path) -> None:
    assert Ancestry.read(tmp_path, ["a" * 40], environ=environ(tmp_path)).between("a" * 40, "b" * 40) == []
    git(tmp_path, "init", "-q")
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "one")
    head = git(tmp_path, "rev-parse", "HEAD")
    ancestry = Ancestry.read(tmp_path, ["a" * 40, head], environ=environ(tmp_path))
    assert ancestry.knows(head)
    assert not ancestry.knows("a" * 40)
    assert not ancestry.knows(None)
    assert ancestry.between("a" * 40, head) == []
    assert Ancestry.read(tmp_path, [], environ=environ(tmp_path)).between(head, head) == []
