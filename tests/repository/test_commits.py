"""Commits: made by compare-and-swap, by several at once, never twice, never over others (E1, E2, E3, E21, E22)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gitopsc.diagnostics import Conflict, Invalid
from gitopsc.repository.location import embedded, named
from gitopsc.repository.locks import EnvironmentLock, read_release_lock
from gitopsc.repository.objects import folder
from gitopsc.repository.publish import Changes, next_generations, publish
from gitopsc.repository.snapshot import Snapshot
from gitopsc.repository.store import open_repository
from tests.repository.scene import WORKSPACE, bare, build, count, environ, git, lock_of, one, plan


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    return bare(tmp_path / "remote.git")


def test_a_first_build_makes_the_layout(remote: Path, tmp_path: Path) -> None:
    published = build(remote, tmp_path / "work", one("1.0.0"))
    assert published.revision == git(remote, "rev-parse", "main")
    assert git(remote, "ls-tree", "-r", "--name-only", "main").split("\n") == [
        ".gitattributes",
        "dev/web/deployment-web.yaml",
        "dev/web/release.lock",
        "gitopsc.lock",
    ]
    assert git(remote, "show", "main:.gitattributes") == "*.yaml linguist-generated"
    lock = read_release_lock(git(remote, "show", "main:dev/web/release.lock").encode(), "release.lock")
    assert (lock.generation, lock.environment, lock.application) == (1, "dev", "web")
    listing = git(remote, "ls-tree", "main:dev/web").replace("100644 blob", "100644 blob").split("\n")
    without = "".join(f"{line}\n" for line in listing if not line.endswith("release.lock"))
    assert lock.rendered == git(remote, "mktree", data=without.encode())
    git(remote, "fsck", "--strict")


def test_nobody_configured_commits_as_gitopsc(remote: Path, tmp_path: Path) -> None:
    build(remote, tmp_path / "work", one("1.0.0"))
    assert git(remote, "log", "-1", "--format=%an <%ae> %cn <%ce>", "main") == "gitopsc <gitopsc@localhost> gitopsc <gitopsc@localhost>"


def test_the_person_of_the_home_or_the_environment_commits(remote: Path, tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    (work / ".gitconfig").write_text("[user]\nname = Öyvind <x>\nemail = oe@example.com\n")
    build(remote, work, one("1.0.0"))
    build(remote, work, one("1.0.1"), variables={"GIT_COMMITTER_NAME": "CI", "GIT_COMMITTER_EMAIL": "ci@example.com"})
    assert git(remote, "log", "--format=%an <%ae> %cn <%ce>", "main").split("\n") == [
        "Öyvind x <oe@example.com> CI <ci@example.com>",
        "Öyvind x <oe@example.com> Öyvind x <oe@example.com>",
    ]


def test_e21_two_hundred_builds_of_the_same_are_one_commit(remote: Path, tmp_path: Path) -> None:
    assert build(remote, tmp_path / "work", one("1.0.0")).revision
    for _ in range(199):
        assert build(remote, tmp_path / "work", one("1.0.0")).revision is None
    assert count(remote) == 1


def test_a_build_replaces_its_folder_and_touches_nothing_else(remote: Path, tmp_path: Path) -> None:
    work = tmp_path / "work"
    build(remote, work, {**one("1.0.0"), **one("1.0.0", "dev", "api"), **one("1.0.0", "prod", "web")})
    before = git(remote, "ls-tree", "-r", "main", "dev/api", "prod")
    build(remote, work, {("dev", "web"): {"service-web.yaml": b"new\n"}})
    assert git(remote, "ls-tree", "-r", "--name-only", "main", "dev/web").split("\n") == ["dev/web/release.lock", "dev/web/service-web.yaml"]
    assert git(remote, "ls-tree", "-r", "main", "dev/api", "prod") == before
    assert read_release_lock(git(remote, "show", "main:dev/web/release.lock").encode(), "x").generation == 2


def test_e22_a_hand_edit_is_found_and_restored_and_files_of_others_stay(remote: Path, tmp_path: Path) -> None:
    work, clone = tmp_path / "work", tmp_path / "clone"
    build(remote, work, one("1.0.0"))
    git(tmp_path, "clone", "-q", str(remote), str(clone))
    (clone / "dev/web/deployment-web.yaml").write_text("edited\n")
    (clone / "dev/web/stray.yaml").write_text("stray\n")
    (clone / "README.md").write_text("theirs\n")
    (clone / "dev/notes.txt").write_text("theirs\n")
    git(clone, "add", "-A")
    git(clone, "commit", "-qm", "By hand")
    git(clone, "push", "-q")
    assert build(remote, work, one("1.0.0")).revision
    assert git(remote, "show", "main:dev/web/deployment-web.yaml") == "1.0.0"
    assert git(remote, "ls-tree", "--name-only", "main:dev/web").split("\n") == ["deployment-web.yaml", "release.lock"]
    assert git(remote, "show", "main:README.md") == git(remote, "show", "main:dev/notes.txt") == "theirs"


def test_a_tombstone_is_the_lock_alone(remote: Path, tmp_path: Path) -> None:
    build(remote, tmp_path / "work", {**one("1.0.0"), **one("1.0.0", "dev", "api")})
    build(remote, tmp_path / "work", {("dev", "web"): {}})
    assert git(remote, "ls-tree", "--name-only", "main:dev/web") == "release.lock"
    assert read_release_lock(git(remote, "show", "main:dev/web/release.lock").encode(), "x").rendered == git(remote, "hash-object", "-t", "tree", "/dev/null")


def test_a_folder_that_gitopsc_did_not_make_is_refused(remote: Path, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", str(remote), str(clone))
    (clone / "dev/web").mkdir(parents=True)
    (clone / "dev/web/hand.yaml").write_text("theirs\n")
    git(clone, "add", "-A")
    git(clone, "commit", "-qm", "Theirs")
    git(clone, "push", "-q", "origin", "HEAD:main")
    with pytest.raises(Invalid, match=r"without release\.lock"):
        build(remote, tmp_path / "work", one("1.0.0"))
    assert count(remote) == 1
    build(remote, tmp_path / "work", one("1.0.0", "dev", "api"))  # beside it is nobody's


def test_the_repository_of_another_workspace_is_refused(remote: Path, tmp_path: Path) -> None:
    build(remote, tmp_path / "work", one("1.0.0"))
    with pytest.raises(Invalid, match="workspace 'bank', found it to be that of 'shop'"):
        build(remote, tmp_path / "bank", one("2.0.0"), workspace="bank")
    assert count(remote) == 1


def test_a_folder_of_a_repository_is_enough(remote: Path, tmp_path: Path) -> None:
    here, there = named(str(remote), path="deploy/here"), named(str(remote), path="deploy/there")
    build(here, tmp_path / "work", one("1.0.0"))
    build(there, tmp_path / "bank", one("2.0.0"), workspace="bank")
    assert git(remote, "show", "main:deploy/here/dev/web/deployment-web.yaml") == "1.0.0"
    assert git(remote, "ls-tree", "--name-only", "main") == "deploy"
    assert build(here, tmp_path / "work", one("1.0.0")).revision is None


def test_e1_a_build_that_was_overtaken_plans_again_on_the_new_tip(remote: Path, tmp_path: Path) -> None:
    build(remote, tmp_path / "work", {**one("1.0.0"), **one("1.0.0", "dev", "api")})
    seen: list[str | None] = []
    with open_repository(named(str(remote)), root=tmp_path, workspace=WORKSPACE, environ=environ(tmp_path), create=True) as repository:
        planned = plan(one("1.0.1"), repository)

        def late(snapshot: Snapshot) -> Changes | None:
            seen.append(snapshot.revision)
            changes = planned(snapshot)
            if len(seen) <= 2:
                build(remote, tmp_path / "other", one(f"2.0.{len(seen)}", "dev", "api"))
            return changes

        assert publish(repository, late).revision == git(remote, "rev-parse", "main")
    assert len(seen) == len(set(seen)) == 3
    assert git(remote, "show", "main:dev/web/deployment-web.yaml") == "1.0.1"
    assert git(remote, "show", "main:dev/api/deployment-web.yaml") == "2.0.2"
    assert count(remote) == 4
    assert not git(remote, "rev-list", "--min-parents=2", "main")


def test_e3_the_same_application_of_two_builders_goes_to_the_first(remote: Path, tmp_path: Path) -> None:
    build(remote, tmp_path / "work", one("1.0.0"))
    with open_repository(named(str(remote)), root=tmp_path, workspace=WORKSPACE, environ=environ(tmp_path), create=True) as repository:
        planned = plan(one("1.0.1"), repository)
        first = True

        def late(snapshot: Snapshot) -> Changes | None:
            nonlocal first
            changes = planned(snapshot)
            if first:
                first = False
                build(remote, tmp_path / "other", one("2.0.0"), variables={"GIT_AUTHOR_NAME": "Bob", "GIT_AUTHOR_EMAIL": "b@x"})
            return changes

        with pytest.raises(Conflict, match=r"dev/web was generation 1, now generation 2 by Bob"):
            publish(repository, late)
    assert git(remote, "show", "main:dev/web/deployment-web.yaml") == "2.0.0"
    assert count(remote) == 2


def test_two_builders_of_the_same_release_both_succeed(remote: Path, tmp_path: Path) -> None:
    with open_repository(named(str(remote)), root=tmp_path, workspace=WORKSPACE, environ=environ(tmp_path), create=True) as repository:
        planned = plan(one("1.0.1"), repository)
        first = True

        def late(snapshot: Snapshot) -> Changes | None:
            nonlocal first
            changes = planned(snapshot)
            if first:
                first = False
                build(remote, tmp_path / "other", one("1.0.1"))
            return changes

        assert publish(repository, late).revision is None
    assert count(remote) == 1


@pytest.mark.slow
def test_e2_eight_writers_land_ten_commits_each(remote: Path, tmp_path: Path) -> None:
    build(remote, tmp_path / "work", one("1.0.0", "dev", "first"))
    writer = str(Path(__file__).parent / "writer.py")
    racing = [
        subprocess.Popen([sys.executable, writer, str(remote), str(tmp_path / f"w{number}"), "dev", f"app{number}", "1", "10"], stderr=subprocess.PIPE)
        for number in range(8)
    ]
    said = [(process.communicate()[1].decode(), process.returncode) for process in racing]
    assert said == [("", 0)] * 8
    assert count(remote) == 81
    assert not git(remote, "rev-list", "--min-parents=2", "main")
    for number in range(8):
        assert git(remote, "show", f"main:dev/app{number}/deployment-web.yaml") == "1.0.10"
        assert read_release_lock(git(remote, "show", f"main:dev/app{number}/release.lock").encode(), "x").generation == 10
    assert git(remote, "for-each-ref", "--format=%(refname)") == "refs/heads/main"
    git(remote, "fsck", "--strict")


def test_generations_go_on_after_a_revert(remote: Path, tmp_path: Path) -> None:
    for version in ("1.0.0", "1.0.1", "1.0.2"):
        build(remote, tmp_path / "work", one(version))
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", str(remote), str(clone))
    git(clone, "revert", "--no-edit", "HEAD")
    git(clone, "revert", "--no-edit", "HEAD~2")
    git(clone, "push", "-q")
    build(remote, tmp_path / "work", one("1.0.3", "dev", "api"))  # one of ours on top
    build(remote, tmp_path / "work", one("1.0.3"))
    assert read_release_lock(git(remote, "show", "main:dev/web/release.lock").encode(), "x").generation == 4


def test_generations_go_on_after_a_revert_of_the_first_commit(remote: Path, tmp_path: Path) -> None:
    build(remote, tmp_path / "work", one("1.0.0", "dev", "first"))
    build(remote, tmp_path / "work", one("1.0.0"))
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", str(remote), str(clone))
    git(clone, "revert", "--no-edit", "HEAD")
    git(clone, "push", "-q")
    with open_repository(named(str(remote)), root=tmp_path, workspace=WORKSPACE, environ=environ(tmp_path), create=False) as repository:
        assert next_generations(repository.snapshot(), [("dev", "web"), ("dev", "new")]) == {("dev", "web"): 2, ("dev", "new"): 1}


def test_environments_and_applications_are_found_by_their_locks(remote: Path, tmp_path: Path) -> None:
    build(remote, tmp_path / "work", {**one("1.0.0"), **one("1.0.0", "dev", "api")})
    with open_repository(named(str(remote)), root=tmp_path, workspace=WORKSPACE, environ=environ(tmp_path), create=True) as repository:
        lock = EnvironmentLock("dev", {"target": {"cluster": "c"}, "engine": "gitopsc"})
        publish(repository, lambda _: Changes("x\n", files={"dev/environment.lock": lock.dump(), "docs/x": b"y"}))
        snapshot = repository.snapshot()
        assert snapshot.environments() == ["dev"]
        assert snapshot.applications("dev") == ["api", "web"]
        assert snapshot.applications("docs") == snapshot.applications("none") == []
        assert snapshot.files("dev", "web") == {"deployment-web.yaml": b"1.0.0\n"}
        assert snapshot.rendered("dev", "none") is None
        assert snapshot.read("docs/x") == b"y"
        publish(repository, lambda _: Changes("x\n", files={"docs/x": None, "docs/never": None}))
        assert repository.snapshot().tree("docs") == {}


@pytest.mark.parametrize("name", ["..", ".git", ".GIT", "git~1", ".gitattributes", ".github", "con", "a/b", "-rf", "Web"])
def test_d4_names_that_leave_their_place_are_refused_by_the_last_door_too(remote: Path, tmp_path: Path, name: str) -> None:
    build(remote, tmp_path / "work", one("1.0.0"))
    with open_repository(named(str(remote)), root=tmp_path, workspace=WORKSPACE, environ=environ(tmp_path), create=True) as repository:
        contents = folder({"x.yaml": b"x"})
        pair = ("dev", name)
        changes = Changes("x\n", {pair: (contents, lock_of(pair, 1, contents, "1"))})
        with pytest.raises(Invalid):
            publish(repository, lambda _: changes)
    assert count(remote) == 1


def test_the_embedded_repository_is_made_by_the_first_build(tmp_path: Path) -> None:
    location = embedded(tmp_path)
    with open_repository(location, root=tmp_path, workspace=WORKSPACE, environ=environ(tmp_path), create=False) as repository:
        assert not repository.exists
        assert repository.snapshot().revision is None
        assert repository.snapshot().rendered("dev", "web") is None
    assert not (tmp_path / ".gitopsc").exists()
    build(location, tmp_path, one("1.0.0"))
    here = tmp_path / ".gitopsc/environments"
    assert (tmp_path / ".gitopsc/.gitignore").read_text() == "*\n"
    assert (here / "dev/web/deployment-web.yaml").read_text() == "1.0.0\n"
    assert git(here, "status", "--porcelain") == ""
    assert git(here, "branch", "--show-current") == "main"


def test_e19_a_clock_that_is_wrong_by_ten_years_orders_nothing(remote: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commits follow their parents and locks their generations, whatever the time says; the same content at another time is no commit."""
    work, decade = tmp_path / "work", 10 * 365 * 86400
    for version, away in (("1.0.0", 0), ("1.0.1", decade), ("1.0.2", -decade), ("1.0.3", 0)):
        with monkeypatch.context() as clock:
            clock.setattr("gitopsc.repository.writing.time.time", lambda away=away: 1_700_000_000 + away)
            assert build(remote, work, one(version)).revision
            assert build(remote, work, one(version)).revision is None
    assert count(remote) == 4
    assert git(remote, "log", "--format=%ct", "--topo-order", "main").split() == [str(1_700_000_000 + away) for away in (0, -decade, decade, 0)]
    assert read_release_lock(git(remote, "show", "main:dev/web/release.lock").encode(), "x").generation == 4
