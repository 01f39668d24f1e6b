"""kill -9 at each step at which promote and rollback write: the next run comes to the same end, with nothing done twice (E7, I7)."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest

from tests.delivery.scene import Shop, shop
from tests.repository.scene import count, git, script

# Stands before git in PATH: at the KILL_AT-th call that writes it kills the command that called it, before or after the call.
KILLER = """case " $* " in *" unpack-objects "*|*" index-pack "*|*" update-ref "*|*" push "*) ;; *) exec {git} "$@";; esac
echo x >> "$KILL_COUNT"
if [ "$(wc -l < "$KILL_COUNT")" -ne "$KILL_AT" ]; then exec {git} "$@"; fi
if [ "$KILL_WHEN" = before ]; then kill -9 $PPID; exit 1; fi
{git} "$@"
kill -9 $PPID"""
PULL_REQUEST = """
- {name: dev, environments: [dev]}
- {name: staging, environments: [staging], promote: pull-request}
"""


def prepared(root: Path, *, stages: str | None = None) -> Shop:
    """1.0.0 and 2.0.0 verified in dev; staging has 1.0.0, which was good, and in the case of a rollback 2.0.0, which is not."""
    root.mkdir()
    made = shop(root, stages) if stages else shop(root)
    made.told("build")
    made.verify("dev")
    if stages is None:
        made.told("promote", "shop", "--to", "staging")
        made.verify("staging")
    made.release("2.0.0")
    made.verify("dev")
    script(root / "bin" / "git", KILLER.format(git=shutil.which("git")))
    return made


def copied(made: Shop, root: Path) -> Shop:
    """The same, somewhere else."""
    shutil.copytree(made.root, root, symlinks=True)
    return Shop(root, root / "work", root / "environments.git")


def killed(made: Shop, call: int, when: str, *words: str) -> bool:
    """Whether the command was killed at its ``call``-th call of Git that writes."""
    counter = made.root / "calls"
    counter.unlink(missing_ok=True)
    path = f"{made.root / 'bin'}{os.pathsep}{os.environ['PATH']}"
    process = made.start(*words, PATH=path, KILL_AT=str(call), KILL_WHEN=when, KILL_COUNT=str(counter))
    out, err = process.communicate(timeout=600)
    assert process.returncode in {0, -signal.SIGKILL}, out + err
    return process.returncode != 0


def state(made: Shop, where: str = "staging") -> tuple[object, ...]:
    """What must be the same in the end: the lock, the manifests, how many commits, which records."""
    with_branches = tuple((branch, git(made.remote, "rev-parse", f"{branch}^{{tree}}")) for branch in made.branches())
    lock = made.lock(where) if made.has(where) else None
    return lock, made.tree(where) if lock else None, count(made.remote), made.kinds(where), with_branches


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("command", ["promote", "auto", "rollback", "undo", "allow-rejected", "pull-request"])
def test_killed_at_each_step_that_writes(tmp_path: Path, command: str, when: str) -> None:
    made = prepared(tmp_path / "made", stages=PULL_REQUEST if command == "pull-request" else None)
    words = {
        "auto": ("promote", "--auto"),
        "rollback": ("rollback", "staging", "shop", "--to", "1", "--reason", "bad"),
        "undo": ("rollback", "staging", "shop", "--undo"),
        "allow-rejected": ("promote", "shop", "--to", "staging", "--allow-rejected"),
    }.get(command, ("promote", "shop", "--to", "staging"))
    if command in ("rollback", "undo", "allow-rejected"):
        made.told("promote", "shop", "--to", "staging")
    if command in ("undo", "allow-rejected"):
        made.told("rollback", "staging", "shop")
    whole = copied(made, tmp_path / "whole")
    whole.told(*words)
    call, was_killed = 0, True
    while was_killed:
        call += 1
        one = copied(made, tmp_path / f"call{call}")
        was_killed = killed(one, call, when, *words)
        one.told(*words)
        assert state(one) == state(whole), call
        git(one.remote, "fsck", "--strict", "--no-dangling")
        shutil.rmtree(one.root)
    assert call > 2
