"""The history of a lock, newest first: through merges, reverts, hand edits and repositories that are shallow."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitopsc.repository.history import Past, history, manifests_at, past
from gitopsc.repository.location import Location, named, written
from gitopsc.repository.store import open_repository
from tests.repository.scene import bare, build, environ, git, one, script


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    return bare(tmp_path / "remote.git")


def _history(where: Path | Location, root: Path, **variables: str) -> list[Past]:
    location = where if isinstance(where, Location) else named(str(where))
    root.mkdir(exist_ok=True)
    with open_repository(location, root=root, workspace=None, environ=environ(root, **variables), create=False) as repository:
        return history(repository, repository.snapshot(), "dev", "web")


def _generations(found: list[Past]) -> list[int]:
    return [one.lock.generation for one in found]


def _clone(remote: Path, path: Path) -> Path:
    git(path.parent, "clone", "-q", str(remote), str(path))
    return path


def _built(remote: Path, root: Path, *versions: str) -> None:
    for version in versions:
        build(remote, root, one(version))
        build(remote, root, one(version, application="api"))


def test_newest_first_and_only_of_that_application(remote: Path, tmp_path: Path) -> None:
    _built(remote, tmp_path / "w", "1", "2", "3")
    found = _history(remote, tmp_path / "w")
    assert _generations(found) == [3, 2, 1]
    assert [one.lock.release.version for one in found] == ["3", "2", "1"]
    assert found[0].revision == git(remote, "rev-list", "-1", "main", "--", "dev/web")
    assert all(one.time.tzinfo is not None for one in found)


def test_what_never_was_has_none(remote: Path, tmp_path: Path) -> None:
    assert _history(remote, tmp_path / "w") == []
    _built(remote, tmp_path / "w", "1")
    git(remote, "branch", "-m", "main", "other")
    assert _history(remote, tmp_path / "w") == []


def test_the_author_is_whoever_wrote_the_lock_not_who_merged_it(remote: Path, tmp_path: Path) -> None:
    _built(remote, tmp_path / "w", "1")
    git(remote, "branch", "promotion")
    build(Location("path", str(remote), "promotion"), tmp_path / "w", one("2"), variables={"GIT_AUTHOR_NAME": "Bob", "GIT_AUTHOR_EMAIL": "b@x"})
    build(remote, tmp_path / "w", one("2", application="api"))
    work = _clone(remote, tmp_path / "clone")
    git(work, "merge", "-q", "--no-ff", "-m", "merged", "origin/promotion")
    git(work, "push", "-q", "origin", "HEAD:main")
    found = _history(remote, tmp_path / "w")
    assert _generations(found) == [2, 1]
    assert found[0].author == "Bob <b@x>"


def test_a_merge_that_settled_a_conflict_is_a_lock_of_its_own(remote: Path, tmp_path: Path) -> None:
    _built(remote, tmp_path / "w", "1")
    git(remote, "branch", "promotion")
    build(Location("path", str(remote), "promotion"), tmp_path / "w", one("2"))
    build(remote, tmp_path / "w", one("3"))
    work = _clone(remote, tmp_path / "clone")
    git(work, "merge", "-q", "origin/promotion", check=False)
    git(work, "checkout", "-q", "--theirs", ".")
    lock = work / "dev/web/release.lock"
    lock.write_text(lock.read_text().replace("generation: 2", "generation: 7"))
    git(work, "add", ".")
    git(work, "commit", "-qm", "settled")
    git(work, "push", "-q", "origin", "HEAD:main")
    assert _generations(_history(remote, tmp_path / "w")) == [7, 2, 2, 1]


def test_somebodys_revert_stands_in_it_with_the_lock_that_it_brought_back(remote: Path, tmp_path: Path) -> None:
    _built(remote, tmp_path / "w", "1", "2")
    work = _clone(remote, tmp_path / "clone")
    git(work, "revert", "--no-edit", git(remote, "rev-list", "-1", "main", "--", "dev/web"))
    git(work, "push", "-q", "origin", "HEAD:main")
    found = _history(remote, tmp_path / "w")
    assert _generations(found) == [1, 2, 1]
    assert found[0].author == "Alice <a@x>"


def test_a_lock_that_is_gone_or_cannot_be_read_is_left_out(remote: Path, tmp_path: Path) -> None:
    _built(remote, tmp_path / "w", "1", "2")
    work = _clone(remote, tmp_path / "clone")
    (work / "dev/web/release.lock").write_text("kind: Nonsense\n")
    git(work, "commit", "-qam", "break it")
    git(work, "rm", "-rq", "dev/web")
    git(work, "commit", "-qm", "remove it")
    git(work, "push", "-q", "origin", "HEAD:main")
    assert _generations(_history(remote, tmp_path / "w")) == [2, 1]


def test_an_earlier_folder_is_read_byte_for_byte(remote: Path, tmp_path: Path) -> None:
    _built(remote, tmp_path / "w", "1", "2")
    with open_repository(named(str(remote)), root=tmp_path, workspace=None, environ=environ(tmp_path), create=False) as repository:
        first = history(repository, repository.snapshot(), "dev", "web")[-1]
        made = manifests_at(repository, first)
    assert made is not None
    assert made.tree == first.lock.rendered
    assert made.files == {"deployment-web.yaml": b"1\n"}


def test_manifests_that_are_not_what_the_lock_says_are_none(remote: Path, tmp_path: Path) -> None:
    _built(remote, tmp_path / "w", "1")
    work = _clone(remote, tmp_path / "clone")
    (work / "dev/web/deployment-web.yaml").write_text("edited\n")
    lock = work / "dev/web/release.lock"
    lock.write_text(lock.read_text().replace("generation: 1", "generation: 2"))
    git(work, "commit", "-qam", "by hand")
    git(work, "push", "-q", "origin", "HEAD:main")
    with open_repository(named(str(remote)), root=tmp_path, workspace=None, environ=environ(tmp_path), create=False) as repository:
        newest, oldest = history(repository, repository.snapshot(), "dev", "web")
        assert manifests_at(repository, newest) is None
        assert manifests_at(repository, oldest) is not None


def test_a_long_history_is_read_in_two_looks_at_most(remote: Path, tmp_path: Path) -> None:
    for version in range(30):
        build(remote, tmp_path / "w", one(str(version)))
    assert _generations(_history(remote, tmp_path / "w")) == list(range(30, 0, -1))
    with open_repository(named(str(remote)), root=tmp_path, workspace=None, environ=environ(tmp_path), create=False) as repository:
        assert next(past(repository, repository.snapshot(), "dev", "web")).lock.generation == 30


def test_a_shallow_copy_of_a_remote_is_deepened_where_history_is_asked_for(remote: Path, tmp_path: Path) -> None:
    ssh = str(script(tmp_path / "bin" / "ssh", 'for last; do :; done\nexec sh -c "$last"'))
    location = written(f"ssh://git@example.com{remote}")
    for version in range(3):
        build(remote, tmp_path / "w", one(str(version)))
    for version in range(60):
        build(remote, tmp_path / "w", one(str(version), application="api"))
    assert _generations(_history(location, tmp_path / "other", GIT_SSH_COMMAND=ssh)) == [3, 2, 1]


def test_a_shallow_clone_asks_where_it_came_from(remote: Path, tmp_path: Path) -> None:
    for version in range(3):
        build(remote, tmp_path / "w", one(str(version)))
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{remote}", str(tmp_path / "clone"))
    assert _generations(_history(tmp_path / "clone", tmp_path / "w")) == [3, 2, 1]


def test_a_shallow_clone_whose_origin_is_gone_tells_what_is_certain(remote: Path, tmp_path: Path) -> None:
    for version in range(3):
        build(remote, tmp_path / "w", one(str(version)))
    git(tmp_path, "clone", "-q", "--depth=2", f"file://{remote}", str(tmp_path / "clone"))
    remote.rename(tmp_path / "gone")
    assert _generations(_history(tmp_path / "clone", tmp_path / "w")) == [3]
