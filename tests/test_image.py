"""The image file: its steps are those that work here, and it fits what ``install`` prints. (No image is built: there may be no network.)"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from gitopsc.engines.pod import CACHE, USER
from tests.workbench import ROOT

FOLDER = ROOT / ".ci" / "image"
TEXT = (FOLDER / "Containerfile").read_text(encoding="utf-8")
STEPS = re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", TEXT, flags=re.MULTILINE)).splitlines()


def copied() -> list[str]:
    """What it takes from the repository."""
    lines = [line.split()[1:-1] for line in STEPS if line.startswith("COPY ") and "--from" not in line]
    return [source for sources in lines for source in sources]


def test_it_runs_as_the_user_of_the_deployment_from_the_folder_that_is_mounted() -> None:
    assert STEPS[[line.split()[0] if line else "" for line in STEPS].index("USER")] == f"USER {USER}:{USER}"
    assert f"WORKDIR {CACHE}" in STEPS
    assert 'ENTRYPOINT ["gitopsc"]' in STEPS
    assert f"--uid {USER} " in TEXT


def test_everything_that_is_installed_is_locked() -> None:
    installs = re.findall(r"pip install ([^&\n]*)", TEXT)
    assert all("--require-hashes" in one or "--no-index" in one for one in installs)
    assert ":latest" not in TEXT


def test_the_ignore_file_lets_in_what_is_copied_and_nothing_else() -> None:
    lines = (FOLDER / "Containerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    assert lines[1] == "*"
    assert {line[1:] for line in lines if line.startswith("!")} == {source.rstrip("/") for source in copied()}


@pytest.mark.slow
def test_what_is_copied_is_enough_for_the_wheel(tmp_path: Path) -> None:
    for source in copied():
        here, there = ROOT / source, tmp_path / source
        if here.is_dir():
            shutil.copytree(here, there, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            there.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(here, there)
    words = ["wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(tmp_path / "wheels"), str(tmp_path)]
    done = subprocess.run([sys.executable, "-m", "pip", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = (tmp_path / "wheels").glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {"gitopsc/_schemas/application.json", "gitopsc/_templates/service/type.yaml", "gitopsc/engines/agent.py"} <= set(names)
