"""What the disk may do (E8, E9, E10), and what is kept small on it (D8)."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gitopsc.diagnostics import Failure
from gitopsc.repository import store
from gitopsc.repository.location import embedded, named
from gitopsc.repository.snapshot import Pair
from gitopsc.repository.store import open_repository
from tests.repository.killed import wanted
from tests.repository.scene import WORKSPACE, Files, bare, build, count, git, one, script


def _mount(path: Path, options: str) -> Iterator[Path]:
    path.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(path)], capture_output=True, check=False).returncode != 0:
        pytest.skip("needs the right to mount")
    try:
        yield path
    finally:
        subprocess.run(["umount", "-l", str(path)], check=True)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A disk of 600 KB."""
    yield from _mount(tmp_path / "small", "size=600k")


def _much(version: str) -> dict[Pair, Files]:
    return {("dev", f"app{number}"): {f"x{file}.yaml": f"{version} {number} {file}\n".encode() * 40 for file in range(8)} for number in range(40)}


def test_e8_a_full_disk_is_a_failure_and_nothing_is_half_written(small: Path, tmp_path: Path) -> None:
    build(embedded(small), small, one("1.0.0"))
    here = small / ".gitopsc/environments"
    for _ in range(3):
        with pytest.raises(Failure, match=r"(?i)no space left|unable to (write|create)|failed"):
            build(embedded(small), small, _much("1"))
    assert not list((here / ".git").glob("gitopsc.tmp*"))
    git(here, "fsck", "--strict", "--no-dangling")
    assert (here / "dev/web/deployment-web.yaml").read_text() == "1.0.0\n"
    subprocess.run(["mount", "-o", "remount,size=60m", str(small)], check=True)
    build(embedded(small), small, _much("1"))
    assert git(here, "status", "--porcelain") == ""
    assert count(here) == 2
    for file in here.glob("dev/app*/x*.yaml"):
        assert file.read_text().count("\n") == 40


def test_e10_a_read_only_disk_is_a_failure_for_a_writer_and_none_for_a_reader(small: Path, tmp_path: Path) -> None:
    build(embedded(small), small, one("1.0.0"))
    subprocess.run(["mount", "-o", "remount,ro", str(small)], check=True)
    with pytest.raises(Failure):
        build(embedded(small), small, one("1.0.1"))
    with open_repository(embedded(small), root=small, workspace=WORKSPACE, environ={"PATH": "/usr/bin:/bin"}, create=False) as repository:
        assert repository.snapshot().files("dev", "web") == {"deployment-web.yaml": b"1.0.0\n"}


def test_e10_a_read_only_workspace_cannot_have_an_embedded_repository(small: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small)], check=True)
    with pytest.raises(Failure, match="Read-only"), open_repository(embedded(small), root=small, workspace="x", environ={}, create=True):
        pass


def test_e10_no_home(tmp_path: Path) -> None:
    location = embedded(tmp_path)
    with open_repository(location, root=tmp_path, workspace=WORKSPACE, environ={"PATH": "/usr/bin:/bin"}, create=True) as repository:
        assert repository.snapshot().revision is None


def test_no_git_is_a_failure_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="git is not installed"):
        open_repository(embedded(tmp_path), root=tmp_path, workspace=WORKSPACE, environ={"PATH": str(tmp_path)}, create=True)


def test_the_embedded_repository_is_packed_now_and_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_CROWDED", 1)
    here = tmp_path / ".gitopsc/environments"
    for version in range(40):
        build(embedded(tmp_path), tmp_path, one(f"1.0.{version}"))
    assert count(here) == 40
    git(here, "fsck", "--strict")
    assert 1 <= len(list((here / ".git/objects/pack").glob("*.pack"))) <= 10


@pytest.mark.slow
def test_d8_the_cost_of_a_commit_does_not_grow_with_history(tmp_path: Path) -> None:
    def seed(path: Path, commits: int) -> None:
        files = "".join(f"M 100644 inline other{n % 300}/file{n}\ndata 6\n{n:06}\n" for n in range(30_000))
        lines = [f"commit refs/heads/main\ncommitter A <a@x> 1700000000 +0000\ndata 1\nx\n{files}"]
        lines += [f"commit refs/heads/main\ncommitter A <a@x> {1700000001 + n} +0000\ndata 1\nx\nM 100644 inline n\ndata 6\n{n:06}\n" for n in range(commits)]
        git(bare(path), "fast-import", "--quiet", data="".join(lines).encode())

    log = tmp_path / "accesses"
    script(tmp_path / "bin/git", f'GIT_TRACE_PACK_ACCESS={log} exec {shutil.which("git")} "$@"')
    counting = {"PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"}

    def cost(path: Path) -> int:
        """Objects of the history that Git reads for a commit."""
        build(named(str(path)), tmp_path / "work", one("1.0.0"))
        log.unlink(missing_ok=True)
        build(named(str(path)), tmp_path / "work", one("1.1.0"), variables=counting)
        return len(log.read_text().splitlines())

    seed(tmp_path / "short.git", 1500)
    seed(tmp_path / "long.git", 50_000)
    assert 0 < cost(tmp_path / "long.git") < 3 * cost(tmp_path / "short.git")


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
@pytest.mark.slow
@pytest.mark.parametrize(("call", "error"), [("fsync", "EIO"), ("rename", "EIO"), ("rename", "EINTR"), ("link", "EIO")])
def test_e9_a_disk_that_fails_is_a_failure_and_the_next_build_is_right(tmp_path: Path, call: str, error: str) -> None:
    root = tmp_path / "work"
    build(embedded(root), root, wanted("1", 3))
    inject = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:error={error}"]
    script = str(Path(__file__).parent / "killed.py")
    said = subprocess.run([*inject, sys.executable, script, "embedded", str(root), "2", "300"], capture_output=True, check=False)
    here = root / ".gitopsc/environments"
    last = said.stderr.decode().strip().rpartition("\n")[2]
    assert said.returncode == 0 or last.startswith("gitopsc.diagnostics.Failure: "), said.stderr.decode()
    git(here, "fsck", "--strict", "--no-dangling")
    build(embedded(root), root, wanted("2", 300))
    assert git(here, "status", "--porcelain") == ""
    assert count(here) == 2
