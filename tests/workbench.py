"""Workspaces for tests: a copy in a temporary folder, built by the real command line, and what was committed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"
FIXTURES = ROOT / "tests" / "fixtures"

Manifest = dict[str, Any]


def copied(source: Path, target: Path, *over: Path) -> Path:
    """A copy of a workspace without what it was built to, the files of other folders laid over it."""
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("expected", ".gitopsc"))
    for folder in over:
        shutil.copytree(folder, target, dirs_exist_ok=True)
    return target


def gitopsc(workspace: Path, *words: str, status: int = 0) -> subprocess.CompletedProcess[str]:
    """The command line, run in a process of its own, with no settings of the developer's. A status that is not ``status`` fails the test."""
    home = workspace.parent / "home"
    home.mkdir(exist_ok=True)
    kept = {key: value for key, value in os.environ.items() if key in ("PATH", "LANG", "TMPDIR", "SYSTEMROOT")}
    environ = {**kept, "HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1", "NO_COLOR": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-m", "gitopsc", *words], cwd=workspace, env=environ, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == status, f"gitopsc {' '.join(words)}: status {done.returncode}\n{done.stdout}{done.stderr}"
    return done


def answered(workspace: Path, *words: str, status: int = 0) -> Any:
    """What a command says with ``-o json``."""
    return json.loads(gitopsc(workspace, *words, "-o", "json", status=status).stdout)


def committed(workspace: Path) -> dict[str, str]:
    """Path → text of every file at the tip of the workspace's own environment repository."""
    repository = workspace / ".gitopsc" / "environments"
    listed = _git(repository, "ls-tree", "-r", "-z", "--name-only", "main").split("\0")
    return {path: _git(repository, "show", f"main:{path}") for path in listed if path}


def _git(repository: Path, *words: str) -> str:
    return subprocess.run(["git", "-C", str(repository), *words], capture_output=True, text=True, check=True).stdout


def manifests(files: dict[str, str]) -> dict[str, str]:
    """The Kubernetes objects among the files of an environment repository."""
    return {path: text for path, text in files.items() if path.endswith(".yaml")}


def parsed(texts: list[str]) -> dict[str, Manifest]:
    """``Kind/name`` → object of YAML texts, each of one document or several."""
    documents = [document for text in texts for document in yaml.safe_load_all(text) if document is not None]
    found = {f"{document['kind']}/{document['metadata']['name']}": document for document in documents}
    assert len(found) == len(documents), "two objects of one kind and name"
    return found
