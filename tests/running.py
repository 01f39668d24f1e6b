"""Commands as a newcomer runs them: nobody's HOME, no Git identity, no settings."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

TRACES = re.compile(r"Traceback \(most recent call last\)|No module named|this is a bug in gitopsc")
"""What no output may hold, and no golden file may bless."""


def environment(folder: Path) -> dict[str, str]:
    """An environment whose HOME is an empty folder below ``folder``, and whose ``gitopsc`` is the one under test."""
    home = folder / "home"
    home.mkdir(exist_ok=True)
    programs = Path(sys.executable).parent
    return {
        "HOME": str(home),
        "PATH": os.pathsep.join([str(programs), "/usr/local/bin", "/usr/bin", "/bin"]),
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CEILING_DIRECTORIES": str(folder),
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "init.defaultBranch",
        "GIT_CONFIG_VALUE_0": "main",
    }


def run(command: str, folder: Path, variables: dict[str, str]) -> tuple[int, str, str]:
    """Exit status, standard output and standard error of one line of bash, the folder written as ``$WORK``."""
    done = subprocess.run(["bash", "-c", command], cwd=folder, env=variables, capture_output=True, check=False, stdin=subprocess.DEVNULL, timeout=600)
    out, err = (text.decode("utf-8").replace(str(folder), "$WORK") for text in (done.stdout, done.stderr))
    return done.returncode, out, err
