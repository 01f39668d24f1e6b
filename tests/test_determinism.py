"""The same specs become the same bytes: whatever the hash seed, the time zone, the locale, the folder, the order in which files were made,
how many processes work, and what the times of the files are.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.workbench import EXAMPLES, FIXTURES, ROOT

WORKSPACES = {"online-boutique": EXAMPLES / "online-boutique", "shop": FIXTURES / "shop", "spring": FIXTURES / "spring"}
VARIATIONS: dict[str, dict[str, str]] = {
    "another hash seed": {"PYTHONHASHSEED": "1"},
    "and another": {"PYTHONHASHSEED": "4242", "TZ": "Asia/Kathmandu"},
    "a locale that writes numbers and letters otherwise": {"LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8", "TZ": "America/St_Johns"},
    "no locale": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "several processes": {"GITOPSC_JOBS": "3"},
}


def tree(workspace: Path, variables: dict[str, str]) -> str:
    """Mode, object id and path of every file that a build commits, and what it says."""
    home = workspace.parent / "home"
    home.mkdir(exist_ok=True)
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "GIT_CONFIG_NOSYSTEM": "1",
        "PYTHONPATH": str(ROOT),
        "PYTHONHASHSEED": "0",
        "TZ": "UTC",
        **variables,
    }
    command = [sys.executable, "-m", "gitopsc", "--no-progress", "build", "--no-cache"]
    done = subprocess.run(command, cwd=workspace, env=environ, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    said = done.stdout.replace("committed ", "").rsplit("\n", 2)[0]
    listed = subprocess.run(["git", "-C", str(workspace / ".gitopsc/environments"), "ls-tree", "-r", "main"], capture_output=True, text=True, check=True)
    assert listed.stdout
    return f"{said}\n{done.stderr}\n{listed.stdout}"


def copied(source: Path, target: Path, order: random.Random | None = None) -> Path:
    """A copy, its files made in some order, each in a moment of its own."""
    files = sorted(path for path in source.rglob("*") if path.is_file() and not {"expected", ".gitopsc"} & set(path.relative_to(source).parts))
    if order is not None:
        order.shuffle(files)
    for number, file in enumerate(files):
        there = target / file.relative_to(source)
        there.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, there)
        os.utime(there, (1_000_000_000 + number, 2_000_000_000 - number))
    return target


@pytest.fixture(scope="module", params=sorted(WORKSPACES))
def first(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A workspace, and what it becomes."""
    source = WORKSPACES[request.param]
    return source, tree(copied(source, tmp_path_factory.mktemp("first") / "work"), {})


@pytest.mark.parametrize("name", VARIATIONS)
def test_the_same_bytes_in_another_environment(name: str, first: tuple[Path, str], tmp_path: Path) -> None:
    source, expected = first
    assert tree(copied(source, tmp_path / "work"), VARIATIONS[name]) == expected


@pytest.mark.parametrize("seed", [1, 2])
def test_the_same_bytes_from_another_folder_and_another_order_of_files(seed: int, first: tuple[Path, str], tmp_path: Path) -> None:
    source, expected = first
    assert tree(copied(source, tmp_path / "a folder" / "äöü" / f"work-{seed}", random.Random(seed)), {"PYTHONHASHSEED": str(seed)}) == expected


def test_the_same_bytes_from_a_folder_inside(first: tuple[Path, str], tmp_path: Path) -> None:
    source, expected = first
    workspace = copied(source, tmp_path / "work")
    (workspace / "deep" / "inside").mkdir(parents=True)
    assert tree(workspace, {"GITOPSC_DIRECTORY": "deep/inside"}) == expected
