"""One walk says of many applications what a look at each says: through merges, reverts and repositories that are shallow."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gitopsc.diagnostics import Failure
from gitopsc.repository.histories import Histories
from gitopsc.repository.history import history
from gitopsc.repository.location import Location, named, written
from gitopsc.repository.snapshot import Pair
from gitopsc.repository.store import Repository, open_repository
from tests.repository.scene import Files, bare, build, environ, git, one, script

PAIRS: list[Pair] = [(environment, application) for environment in ("dev", "prod") for application in ("api", "web")]


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    return bare(tmp_path / "remote.git")


@contextmanager
def opened(where: Path | Location, root: Path, **variables: str) -> Iterator[Repository]:
    location = where if isinstance(where, Location) else named(str(where))
    root.mkdir(exist_ok=True)
    with open_repository(location, root=root, workspace=None, environ=environ(root, **variables), create=False) as repository:
        yield repository


def agrees(where: Path | Location, root: Path, **variables: str) -> dict[Pair, list[int]]:
    """That both say the same; the generations."""
    with opened(where, root, **variables) as repository:
        snapshot = repository.snapshot()
        many = Histories(repository, snapshot, PAIRS)
        found = {pair: list(many.of(*pair)) for pair in PAIRS}
        many.close()
        for pair in PAIRS:
            assert found[pair] == history(repository, snapshot, *pair)
        return {pair: [past.lock.generation for past in told] for pair, told in found.items() if told}


def both(text: str) -> dict[Pair, Files]:
    return {**one(text), **one(text, "prod")}


def clone(remote: Path, path: Path) -> Path:
    git(path.parent, "clone", "-q", str(remote), str(path))
    return path


def test_newest_first_and_to_each_its_own(remote: Path, tmp_path: Path) -> None:
    build(remote, tmp_path / "w", both("1"))
    build(remote, tmp_path / "w", one("2"))
    build(remote, tmp_path / "w", one("1", application="api"))
    build(remote, tmp_path / "w", both("3"))
    assert agrees(remote, tmp_path / "w") == {("dev", "web"): [3, 2, 1], ("prod", "web"): [2, 1], ("dev", "api"): [1]}


def test_commits_have_their_place(remote: Path, tmp_path: Path) -> None:
    for text in ("1", "2"):
        build(remote, tmp_path / "w", one(text))
        build(remote, tmp_path / "w", one(text, application="api"))
    with opened(remote, tmp_path / "w") as repository:
        many = Histories(repository, repository.snapshot(), PAIRS)
        newest, older = next(many.of("dev", "api")), list(many.of("dev", "web"))
        places = [many.position(past.revision) for past in (newest, *older)]
        many.close()
    assert places == sorted(places)
    assert places[0] == 0


def test_nothing_there_nothing_told(remote: Path, tmp_path: Path) -> None:
    assert agrees(remote, tmp_path / "w") == {}
    assert agrees(tmp_path / "nowhere", tmp_path / "w") == {}


def test_merges_reverts_edits_and_removals(remote: Path, tmp_path: Path) -> None:
    build(remote, tmp_path / "w", both("1"))
    git(remote, "branch", "promotion")
    build(Location("path", str(remote), "promotion"), tmp_path / "w", one("2", "prod"))
    build(remote, tmp_path / "w", one("2"))
    work = clone(remote, tmp_path / "clone")
    git(work, "merge", "-q", "--no-ff", "-m", "merged", "origin/promotion")
    git(work, "revert", "--no-edit", "-m", "1", "HEAD")
    (work / "dev/web/release.lock").write_text("kind: Nonsense\n")
    git(work, "commit", "-qam", "break it")
    git(work, "checkout", "-q", "HEAD~1", "--", "dev/web")
    git(work, "commit", "-qm", "mend it")
    git(work, "push", "-q", "origin", "HEAD:main")
    assert agrees(remote, tmp_path / "w") == {("dev", "web"): [2, 2, 1], ("prod", "web"): [1, 2, 1]}


def test_a_merge_that_settled_a_conflict(remote: Path, tmp_path: Path) -> None:
    build(remote, tmp_path / "w", one("1"))
    git(remote, "branch", "promotion")
    build(Location("path", str(remote), "promotion"), tmp_path / "w", one("2"))
    build(remote, tmp_path / "w", one("3"))
    work = clone(remote, tmp_path / "clone")
    git(work, "merge", "-q", "origin/promotion", check=False)
    git(work, "checkout", "-q", "--theirs", ".")
    lock = work / "dev/web/release.lock"
    lock.write_text(lock.read_text().replace("generation: 2", "generation: 7"))
    git(work, "add", ".")
    git(work, "commit", "-qm", "settled")
    git(work, "push", "-q", "origin", "HEAD:main")
    assert agrees(remote, tmp_path / "w") == {("dev", "web"): [7, 2, 2, 1]}


@pytest.mark.parametrize(("side", "other"), [("2", "3"), ("3", "2")])
def test_a_merge_that_dropped_one_side_begins_with_what_is_there(remote: Path, tmp_path: Path, side: str, other: str) -> None:
    build(remote, tmp_path / "w", one("1"))
    git(remote, "branch", "promotion")
    build(remote, tmp_path / "w", one(other))
    build(Location("path", str(remote), "promotion"), tmp_path / "w", one(side))
    work = clone(remote, tmp_path / "clone")
    git(work, "merge", "-q", "-s", "ours", "-m", "not that", "origin/promotion")
    git(work, "push", "-q", "origin", "HEAD:main")
    with opened(remote, tmp_path / "w") as repository:
        snapshot = repository.snapshot()
        many = Histories(repository, snapshot, PAIRS)
        assert next(many.of("dev", "web")) == history(repository, snapshot, "dev", "web")[0]
        many.close()


def test_in_a_folder_of_a_repository(remote: Path, tmp_path: Path) -> None:
    inside = Location("path", str(remote), path="envs/all")
    build(remote, tmp_path / "w", one("0"))
    for text in ("1", "2"):
        build(inside, tmp_path / "w", one(text))
    assert agrees(inside, tmp_path / "w") == {("dev", "web"): [2, 1]}


def test_a_shallow_copy_is_deepened_as_far_as_it_is_asked(remote: Path, tmp_path: Path) -> None:
    ssh = str(script(tmp_path / "bin" / "ssh", f'echo >> {tmp_path}/calls\nfor last; do :; done\nexec sh -c "$last"'))
    location = written(f"ssh://git@example.com{remote}")
    for text in ("1", "2"):
        build(remote, tmp_path / "w", one(text))
    for version in range(60):
        build(remote, tmp_path / "w", one(str(version), application="api"))
    with opened(location, tmp_path / "other", GIT_SSH_COMMAND=ssh) as repository:
        many = Histories(repository, repository.snapshot(), PAIRS)
        before = (tmp_path / "calls").read_text()
        assert next(many.of("dev", "api")).lock.generation == 60
        assert (tmp_path / "calls").read_text() == before
        assert [past.lock.generation for past in many.of("dev", "web")] == [2, 1]
        assert [past.lock.generation for past in many.of("dev", "api")] == list(range(60, 0, -1))
        many.close()


def test_a_shallow_clone_whose_origin_is_gone_tells_what_is_certain(remote: Path, tmp_path: Path) -> None:
    for text in ("1", "2", "3"):
        build(remote, tmp_path / "w", one(text))
    git(tmp_path, "clone", "-q", "--depth=2", f"file://{remote}", str(tmp_path / "clone"))
    remote.rename(tmp_path / "gone")
    assert agrees(tmp_path / "clone", tmp_path / "w") == {("dev", "web"): [3]}


def test_a_history_that_is_broken_is_a_failure(remote: Path, tmp_path: Path) -> None:
    for text in ("1", "2", "3"):
        build(remote, tmp_path / "w", one(text))
    gone = git(remote, "rev-parse", "main~2")
    (remote / "objects" / gone[:2] / gone[2:]).unlink()
    with opened(remote, tmp_path / "w") as repository:
        many = Histories(repository, repository.snapshot(), PAIRS)
        with pytest.raises(Failure, match="git log stopped"):
            list(many.of("dev", "web"))
