"""Repositories on this machine, in every state that somebody may have left them in (E4, E6, E11, E13, E14, E15, D1, D2)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gitopsc.diagnostics import Conflict, Failure, Invalid
from gitopsc.repository.location import embedded, named
from gitopsc.repository.store import open_repository
from tests.repository.scene import WORKSPACE, bare, build, count, environ, git, one, script

HOOKS = (
    "applypatch-msg", "commit-msg", "fsmonitor-watchman", "post-checkout", "post-commit", "post-index-change", "post-merge", "post-rewrite", "pre-applypatch",
    "pre-auto-gc", "pre-commit", "pre-merge-commit", "pre-push", "pre-rebase", "prepare-commit-msg", "push-to-checkout", "reference-transaction",
)  # fmt: skip


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository with a work tree and a commit of somebody's."""
    path = tmp_path / "checkout"
    path.mkdir()
    git(path, "init", "-q")
    (path / "README.md").write_text("theirs\n")
    git(path, "add", "-A")
    git(path, "commit", "-qm", "Theirs")
    return path


@pytest.fixture
def work(tmp_path: Path) -> Path:
    return tmp_path / "work"


def _status(path: Path) -> str:
    return git(path, "status", "--porcelain")


def _shown(path: Path) -> str:
    return (path / "dev/web/deployment-web.yaml").read_text()


def test_files_follow_the_branch(checkout: Path, work: Path) -> None:
    build(checkout, work, {**one("1.0.0"), **one("1.0.0", "dev", "api")})
    assert _shown(checkout) == "1.0.0\n"
    assert _status(checkout) == ""
    build(checkout, work, {("dev", "web"): {"service-web.yaml": b"x\n"}, ("dev", "api"): {}})
    assert sorted(str(file.relative_to(checkout / "dev")) for file in (checkout / "dev").rglob("*") if file.is_file()) == [
        "api/release.lock",
        "web/release.lock",
        "web/service-web.yaml",
    ]
    assert _status(checkout) == ""
    assert not list((checkout / ".git").glob("gitopsc*"))


def test_e11_dirty_files_are_never_touched(checkout: Path, work: Path) -> None:
    build(checkout, work, {**one("1.0.0"), **one("1.0.0", "dev", "api"), **one("1.0.0", "dev", "db")})
    (checkout / "dev/web/deployment-web.yaml").write_text("mine\n")
    (checkout / "dev/api/deployment-web.yaml").write_text("staged\n")
    git(checkout, "add", "dev/api")
    (checkout / "dev/new").mkdir()
    (checkout / "dev/new/deployment-web.yaml").write_text("untracked\n")
    (checkout / "README.md").write_text("mine\n")
    published = build(checkout, work, {**one("1.0.1"), **one("1.0.1", "dev", "api"), **one("1.0.1", "dev", "db"), **one("1.0.1", "dev", "new")})
    assert git(checkout, "show", "HEAD:dev/web/deployment-web.yaml") == git(checkout, "show", "HEAD:dev/new/deployment-web.yaml") == "1.0.1"
    assert _shown(checkout) == "mine\n"
    assert (checkout / "dev/api/deployment-web.yaml").read_text() == "staged\n"
    assert (checkout / "dev/new/deployment-web.yaml").read_text() == "untracked\n"
    assert (checkout / "dev/db/deployment-web.yaml").read_text() == "1.0.1\n"
    assert (checkout / "README.md").read_text() == "mine\n"
    assert _status(checkout).split("\n") == [
        "M README.md",
        "M  dev/api/deployment-web.yaml",
        " M dev/new/deployment-web.yaml",
        " M dev/web/deployment-web.yaml",
    ]
    assert any("dev/api/deployment-web.yaml, dev/new/deployment-web.yaml, dev/web/deployment-web.yaml" in notice for notice in published.notices)


def test_a_removed_file_that_has_changes_stays(checkout: Path, work: Path) -> None:
    build(checkout, work, one("1.0.0"))
    (checkout / "dev/web/deployment-web.yaml").write_text("mine\n")
    published = build(checkout, work, {("dev", "web"): {}})
    assert _shown(checkout) == "mine\n"
    assert "dev/web/deployment-web.yaml" in published.notices[0]


def test_e11_another_branch_is_checked_out(checkout: Path, work: Path) -> None:
    git(checkout, "switch", "-qc", "topic")
    build(checkout, work, one("1.0.0"))
    assert not (checkout / "dev").exists()
    assert _status(checkout) == ""
    git(checkout, "switch", "-q", "main")
    assert _shown(checkout) == "1.0.0\n"


def test_e11_detached(checkout: Path, work: Path) -> None:
    git(checkout, "checkout", "-q", "--detach")
    build(checkout, work, one("1.0.0"))
    assert not (checkout / "dev").exists()
    assert git(checkout, "show", "main:dev/web/deployment-web.yaml") == "1.0.0"
    assert _status(checkout) == ""


def test_e11_unborn_empty_and_bare_without_the_branch(tmp_path: Path, work: Path) -> None:
    for name, options in (("unborn", ()), ("bare", ("--bare",)), ("trunk", ("--initial-branch=trunk",))):
        path = tmp_path / name
        path.mkdir()
        git(path, "init", "-q", *options)
        build(path, work, one("1.0.0"))
        assert count(path) == 1
        if name == "unborn":
            assert _shown(path) == "1.0.0\n"
            assert _status(path) == ""


def test_e11_shallow(checkout: Path, work: Path, tmp_path: Path) -> None:
    build(checkout, work, one("1.0.0"))
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{checkout}", "shallow")
    build(tmp_path / "shallow", work, one("1.0.1"))
    assert _shown(tmp_path / "shallow") == "1.0.1\n"
    assert _status(tmp_path / "shallow") == ""


def test_e11_sha256(tmp_path: Path, work: Path) -> None:
    path = tmp_path / "r"
    path.mkdir()
    git(path, "init", "-q", "--object-format=sha256")
    build(path, work, one("1.0.0"))
    build(path, work, one("1.0.1"))
    assert build(path, work, one("1.0.1")).revision is None
    assert len(git(path, "rev-parse", "main")) == 64
    assert _status(path) == ""
    git(path, "fsck", "--strict")


def test_e11_linked_work_tree(checkout: Path, work: Path, tmp_path: Path) -> None:
    git(checkout, "switch", "-qc", "topic")
    git(checkout, "worktree", "add", "-q", str(tmp_path / "linked"), "main")
    build(tmp_path / "linked", work, one("1.0.0"))
    assert _shown(tmp_path / "linked") == "1.0.0\n"
    assert _status(tmp_path / "linked") == _status(checkout) == ""
    published = build(checkout, work, one("1.0.1"))
    assert any("linked" in notice for notice in published.notices)
    assert _shown(tmp_path / "linked") == "1.0.0\n"


def test_e11_submodule(checkout: Path, work: Path, tmp_path: Path) -> None:
    outer = tmp_path / "outer"
    outer.mkdir()
    git(outer, "init", "-q")
    git(outer, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(checkout), "inner")
    build(outer / "inner", work, one("1.0.0"))
    assert _shown(outer / "inner") == "1.0.0\n"
    assert git(outer / "inner", "status", "--porcelain") == ""


@pytest.mark.skipif(os.geteuid() != 0, reason="needs the right to give files away")
def test_e11_a_repository_of_somebody_else(checkout: Path, work: Path, tmp_path: Path) -> None:
    remote = bare(tmp_path / "r.git")
    for path in (checkout, remote):
        for inner in (path, *path.rglob("*")):
            os.chown(inner, 12345, 12345)
        build(path, work, one("1.0.0"))
    assert _shown(checkout) == "1.0.0\n"


@pytest.mark.parametrize("state", ["merge", "rebase", "cherry-pick", "revert"])
def test_e11_in_the_middle_of_something(checkout: Path, work: Path, state: str) -> None:
    git(checkout, "switch", "-qc", "topic")
    (checkout / "README.md").write_text("topic\n")
    git(checkout, "commit", "-qam", "Topic")
    git(checkout, "switch", "-q", "main")
    (checkout / "README.md").write_text("main\n")
    git(checkout, "commit", "-qam", "Main")
    git(checkout, state, "HEAD~1" if state == "revert" else "topic", check=False)
    tip = git(checkout, "rev-parse", "main")
    status = _status(checkout)
    with pytest.raises(Invalid, match=f"a {state} in progress"):
        build(checkout, work, one("1.0.0"))
    assert git(checkout, "rev-parse", "main") == tip
    assert _status(checkout) == status


def test_e6_locks_that_dead_processes_left(checkout: Path, work: Path) -> None:
    build(checkout, work, one("1.0.0"))
    names = ("index.lock", "HEAD.lock", "refs/heads/main.lock", "packed-refs.lock", "shallow.lock", "config.lock")
    for name in names:
        (checkout / ".git" / name).touch()
    published = build(checkout, work, one("1.0.1"))
    assert published.revision == git(checkout, "rev-parse", "main")
    assert _shown(checkout) == "1.0.1\n"
    assert any("main.lock" in notice for notice in published.notices)
    for name in names:
        (checkout / ".git" / name).unlink(missing_ok=True)
    assert _status(checkout) == ""


def test_e6_a_lock_that_somebody_holds(checkout: Path, work: Path) -> None:
    build(checkout, work, one("1.0.0"))
    lock = checkout / ".git/refs/heads/main.lock"
    lock.touch()
    holder = subprocess.Popen([sys.executable, "-c", f"f=open({str(lock)!r}); print('held', flush=True); input()"], stdin=-1, stdout=-1)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    try:
        with pytest.raises(Conflict, match=f"process {holder.pid} holds a lock"):
            build(checkout, work, one("1.0.1"))
    finally:
        holder.communicate(b"\n")
    assert lock.exists()
    assert count(checkout) == 2


def test_e13_nothing_that_is_configured_runs(checkout: Path, work: Path, tmp_path: Path) -> None:
    canary = script(tmp_path / "canary.sh", f'echo "$0 $@" >> {tmp_path}/ran; cat')
    settings = {
        "core.fsmonitor": str(canary), "core.sshCommand": str(canary), "core.hooksPath": str(checkout / ".git/hooks"), "core.pager": str(canary),
        "core.editor": str(canary), "core.askPass": str(canary), "filter.x.clean": str(canary), "filter.x.smudge": str(canary), "filter.x.process": str(canary),
        "diff.external": str(canary), "diff.x.command": str(canary), "diff.x.textconv": str(canary), "merge.x.driver": str(canary), "gpg.program": str(canary),
        "commit.gpgSign": "true", "push.gpgSign": "true", "tag.gpgSign": "true", "gpg.ssh.program": str(canary), "credential.helper": f"!{canary}",
        "alias.update-ref": f"!{canary}", "core.gitProxy": str(canary), "core.alternateRefsCommand": str(canary), "uploadpack.packObjectsHook": str(canary),
        "gc.auto": "1", "log.showSignature": "true", "trailer.x.command": str(canary), "interactive.diffFilter": str(canary), "pager.config": str(canary),
    }  # fmt: skip
    build(checkout, work, one("1.0.0"))
    (checkout / ".gitattributes").write_text("* filter=x diff=x merge=x\n")
    git(checkout, "add", ".gitattributes")
    git(checkout, "commit", "-qm", "Attributes")
    for name in HOOKS:
        script(checkout / ".git/hooks" / name, f"exec {canary} {name}")
    for key, value in settings.items():
        git(checkout, "config", key, value)
        git(checkout, "config", "--file", str(work / ".gitconfig"), key, value)
    (tmp_path / "ran").unlink(missing_ok=True)
    build(checkout, work, one("1.0.1"))
    build(checkout, work, {("dev", "web"): {}})
    build(embedded(work), work, one("1.0.1"))
    assert not (tmp_path / "ran").exists(), (tmp_path / "ran").read_text()
    assert count(checkout) == 5


def test_e13_a_bare_repositorys_client_hooks_do_not_run(tmp_path: Path, work: Path) -> None:
    remote = bare(tmp_path / "r.git")
    for name in HOOKS:
        script(remote / "hooks" / name, f"echo {name} >> {tmp_path}/ran")
    build(remote, work, one("1.0.0"))
    assert not (tmp_path / "ran").exists()


def test_e4_a_bare_repositorys_own_checks_are_heard(tmp_path: Path, work: Path) -> None:
    remote = bare(tmp_path / "r.git")
    script(remote / "hooks/pre-receive", "echo 'no commits on Fridays' >&2; exit 1")
    for where in (named(str(remote)), named(f"file://{remote}")):
        with pytest.raises(Failure, match="no commits on Fridays"):
            build(where, work, one("1.0.0"))
    assert git(remote, "for-each-ref") == ""
    script(remote / "hooks/pre-receive", f"cat > {tmp_path}/seen")
    build(remote, work, one("1.0.0"))
    build(remote, work, one("1.0.1"))
    assert (tmp_path / "seen").read_text().split()[2] == "refs/heads/main"
    assert count(remote) == 2


@pytest.mark.parametrize(
    "attributes", ["* text eol=crlf", "* export-subst ident", "*.yaml working-tree-encoding=UTF-16", "* -text filter=lfs", "*.yaml text=auto"]
)
def test_e14_bytes_are_bytes_whatever_the_attributes(checkout: Path, work: Path, attributes: str) -> None:
    (checkout / ".gitattributes").write_text(f"{attributes}\n")
    git(checkout, "add", ".gitattributes")
    git(checkout, "commit", "-qm", "Attributes")
    content = b"a: $Id$\nb: '$Format:%H$'\r\nc: \xc3\xa9\n"
    build(checkout, work, {("dev", "web"): {"x.yaml": content}})
    said = subprocess.run(["git", "cat-file", "blob", "main:dev/web/x.yaml"], cwd=checkout, capture_output=True, check=True)
    assert said.stdout == (checkout / "dev/web/x.yaml").read_bytes() == content
    assert (checkout / ".gitattributes").read_text() == f"{attributes}\n"


def test_e15_submodules_of_the_repository_are_left_alone(checkout: Path, work: Path, tmp_path: Path) -> None:
    (checkout / ".gitmodules").write_text(f'[submodule "x"]\n\tpath = x\n\turl = ext::touch {tmp_path}/ran\n\tupdate = !touch {tmp_path}/ran\n')
    git(checkout, "add", "-A")
    git(checkout, "update-index", "--add", "--cacheinfo", f"160000,{git(checkout, 'rev-parse', 'HEAD')},x")
    git(checkout, "commit", "-qm", "Submodule")
    build(checkout, work, one("1.0.0"))
    assert not (tmp_path / "ran").exists()
    assert git(checkout, "ls-tree", "main", "x").startswith("160000")


@pytest.mark.parametrize("target", ["/", "../../.git", "/tmp", "../other"])
@pytest.mark.parametrize("where", ["dev", "dev/web"])
def test_d2_a_folder_that_is_a_link_in_the_tree_is_refused(checkout: Path, work: Path, where: str, target: str) -> None:
    (checkout / where).parent.mkdir(exist_ok=True)
    (checkout / where).symlink_to(target)
    git(checkout, "add", "-A")
    git(checkout, "commit", "-qm", "Link")
    with pytest.raises(Invalid, match="found a symbolic link"):
        build(checkout, work, one("1.0.0"))
    assert count(checkout) == 2


def test_d2_a_folder_that_is_a_link_on_disk_is_not_followed(checkout: Path, work: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "web").mkdir(parents=True)
    (outside / "web/deployment-web.yaml").write_text("outside\n")
    build(checkout, work, one("1.0.0", "dev", "api"))
    git(checkout, "rm", "-qr", "--cached", "dev")
    git(checkout, "commit", "-qm", "Gone")
    git(checkout, "clean", "-qfdx")
    (checkout / "dev").symlink_to(outside)
    published = build(checkout, work, one("1.0.1"))
    assert (outside / "web/deployment-web.yaml").read_text() == "outside\n"
    assert sorted(path.name for path in outside.rglob("*")) == ["deployment-web.yaml", "web"]
    assert git(checkout, "show", "main:dev/web/deployment-web.yaml") == "1.0.1"
    assert "dev/web" in published.notices[0]


@pytest.mark.parametrize("link", [".gitopsc", ".gitopsc/environments"])
def test_d1_an_embedded_repository_behind_a_link_is_refused(tmp_path: Path, link: str) -> None:
    (tmp_path / "outside").mkdir()
    work = tmp_path / "work"
    (work / link).parent.mkdir(parents=True)
    (work / link).symlink_to(tmp_path / "outside")
    for create in (True, False):
        with pytest.raises(Invalid, match="leaves the root"):
            open_repository(embedded(work), root=work, workspace=WORKSPACE, environ=environ(tmp_path), create=create)
    assert not list((tmp_path / "outside").iterdir())


def test_a_path_without_a_repository(tmp_path: Path, work: Path) -> None:
    (tmp_path / "folder").mkdir()
    for name in ("none", "folder"):
        with pytest.raises(Invalid, match="expected a Git repository"):
            build(tmp_path / name, work, one("1.0.0"))
        with open_repository(named(str(tmp_path / name)), root=tmp_path, workspace=WORKSPACE, environ=environ(tmp_path), create=False) as repository:
            assert not repository.exists
    (tmp_path / "folder/file").touch()
    with pytest.raises(Invalid, match="found none in"):
        build(tmp_path / "folder", work, one("1.0.0"))
    (tmp_path / "folder/.git").write_text("gitdir: /nowhere\n")
    with pytest.raises(Invalid, match="cannot use"):
        build(tmp_path / "folder", work, one("1.0.0"))


def test_read_only_opening_writes_nothing(checkout: Path, work: Path) -> None:
    build(checkout, work, one("1.0.0"))
    before = sorted((str(path), path.stat().st_mtime_ns) for path in checkout.rglob("*"))
    with open_repository(named(str(checkout)), root=work, workspace=WORKSPACE, environ=environ(work), create=False) as repository:
        assert repository.snapshot().files("dev", "web") == {"deployment-web.yaml": b"1.0.0\n"}
    assert sorted((str(path), path.stat().st_mtime_ns) for path in checkout.rglob("*")) == before


def test_variables_of_a_git_that_started_us_are_not_obeyed(checkout: Path, work: Path, tmp_path: Path) -> None:
    other = bare(tmp_path / "other.git")
    variables = {"GIT_DIR": str(other), "GIT_WORK_TREE": "/", "GIT_INDEX_FILE": f"{tmp_path}/index", "GIT_OBJECT_DIRECTORY": f"{tmp_path}/o", "GIT_TRACE": "1"}
    build(checkout, work, one("1.0.0"), variables=variables)
    assert git(other, "for-each-ref") == ""
    assert not (tmp_path / "index").exists()
    assert _shown(checkout) == "1.0.0\n"
