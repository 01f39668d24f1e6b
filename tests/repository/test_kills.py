"""A build that is killed at any step leaves a repository from which the next build gives the same tree, and no second commit (E7, I7)."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.repository.killed import wanted, where
from tests.repository.scene import bare, build, count, git, script
from tests.waiting import left

# Stands before git in PATH: at the KILL_AT-th call it kills the build that called it, before or after the call.
KILLER = """echo x >> "$KILL_COUNT"
if [ "$(wc -l < "$KILL_COUNT")" -ne "$KILL_AT" ]; then exec {git} "$@"; fi
if [ "$KILL_WHEN" = before ]; then kill -9 $PPID; exit 1; fi
{git} "$@"
kill -9 $PPID"""


class Stage:
    """One repository, and builds into it that are killed."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.root = folder / "work"
        self.root.mkdir(parents=True)
        self.tools = folder / "bin"
        self.environment = {"PATH": os.environ["PATH"]}
        script(self.tools / "git", KILLER.format(git=shutil.which("git")))
        if kind == "embedded":
            self.repository, self.path = "embedded", self.root / ".gitopsc/environments"
        elif kind == "checkout":
            self.path = folder / "checkout"
            self.path.mkdir()
            git(self.path, "init", "-q")
            self.repository = str(self.path)
        else:
            self.path = bare(folder / "remote.git")
            self.repository = str(self.path) if kind == "bare" else f"ssh://git@example.com{self.path}"
            self.environment["GIT_SSH_COMMAND"] = str(script(folder / "ssh/ssh", 'for last; do :; done\nexec sh -c "$last"'))

    def start(self, version: str, files: int, **variables: str) -> subprocess.Popen[bytes]:
        """Start a build."""
        words = [sys.executable, str(Path(__file__).parent / "killed.py"), self.repository, str(self.root), version, str(files)]
        return subprocess.Popen(words, env={**self.environment, **variables}, stderr=subprocess.PIPE, start_new_session=True)

    def kill_at(self, call: int, when: str, version: str) -> bool:
        """Whether a build was killed at its ``call``-th call of Git."""
        counter = self.root.parent / "calls"
        counter.unlink(missing_ok=True)
        path = f"{self.tools}{os.pathsep}{self.environment['PATH']}"
        process = self.start(version, 3, PATH=path, KILL_AT=str(call), KILL_WHEN=when, KILL_COUNT=str(counter))
        error = process.communicate()[1].decode()
        assert process.returncode in {0, -signal.SIGKILL}, error
        return process.returncode != 0

    def finish(self, version: str, files: int = 3) -> None:
        """The next build, and what there must be after it."""
        build(where(self.repository, self.root), self.root, wanted(version, files), variables=self.environment)
        names = {f"dev/{application}/{name}" for (_, application), contents in wanted(version, files).items() for name in (*contents, "release.lock")}
        assert set(git(self.path, "ls-tree", "-r", "--name-only", "main").split("\n")) == names | {".gitattributes", "gitopsc.lock"}
        assert git(self.path, "for-each-ref", "--format=%(refname)") == "refs/heads/main"
        if (self.path / ".git").exists():
            assert git(self.path, "status", "--porcelain") == ""
            assert not list((self.path / ".git").glob("gitopsc*"))
        git(self.path, "fsck", "--strict", "--no-dangling")


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("kind", ["embedded", "checkout", "bare", "server"])
def test_e7_killed_at_every_call_of_git(tmp_path: Path, kind: str, when: str) -> None:
    version, call, killed = 0, 0, True
    stage = Stage(kind, tmp_path / "first")
    while killed:
        call += 1
        first = Stage(kind, tmp_path / f"call{call}")
        killed = first.kill_at(call, when, "1")
        first.finish("1")
        assert count(first.path) == 1
        version += 1
        stage.kill_at(call, when, str(version))
        stage.finish(str(version))
        assert count(stage.path) == version
    assert call > 4


def _journal(stage: Stage) -> bool:
    return (stage.path / ".git/gitopsc-work-tree").exists()


def _half_written(stage: Stage) -> bool:
    return len(list(stage.path.glob("dev/web/configmap-*.yaml"))) > 20 or (stage.path / ".git/gitopsc.tmp").exists()


def _objects(stage: Stage) -> bool:
    return bool(list(stage.path.rglob("objects/pack/tmp_pack_*")) or list(stage.path.rglob("objects/pack/pack-*")))


@pytest.mark.parametrize("reached", [_journal, _half_written, _objects])
def test_e7_killed_while_files_are_written(tmp_path: Path, reached: Callable[[Stage], bool]) -> None:
    stage = Stage("embedded", tmp_path)
    for version in ("1", "2", "3"):
        process = stage.start(version, 400)
        while process.poll() is None:
            with suppress(FileNotFoundError):  # a folder that went while it was looked into
                if reached(stage):
                    break
        process.kill()
        process.communicate()
        left(tmp_path)  # a Git that it had started ends by itself, and who holds a lock is not taken it away from
        stage.finish(version, 400)
        assert count(stage.path) == int(version)
        assert (stage.path / "dev/web/configmap-7.yaml").read_text() == f"{version} 7\n"
