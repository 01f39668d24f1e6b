"""Golden cases: ``tests/cases/<claim>/`` holds ``input/``, ``command`` and ``expected/``; a folder in, a tree or diagnostics out, byte for byte.

``command`` is one line for bash, run in a copy of ``input/``. ``expected/`` holds ``stdout`` and ``stderr`` (left out where empty), ``status``
(left out where 0), and ``tree/``: the work tree of the environment repository, where the command made one. ``make golden`` writes
``expected/`` anew, but for ``status``; it refuses tracebacks, another status and a case that shows nothing.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.running import TRACES, environment, run

CASES = sorted(path.parent for path in (Path(__file__).parent / "cases").glob("*/command"))
UPDATE = os.environ.get("GITOPSC_GOLDEN") == "update"
EMBEDDED = Path(".gitopsc/environments")


def _tree(folder: Path) -> dict[str, bytes]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files if ".git" not in path.relative_to(folder).parts}


def _shown(case: Path, tmp_path: Path) -> tuple[int, dict[str, bytes]]:
    """The exit status, and what ``expected/`` should hold beside it."""
    work = tmp_path / "work"
    shutil.copytree(case / "input", work, symlinks=True)
    status, out, err = run((case / "command").read_text(encoding="utf-8").strip(), work, environment(tmp_path))
    shown = {"stdout": out.encode(), "stderr": err.encode()} | {f"tree/{path}": data for path, data in _tree(work / EMBEDDED).items()}
    return status, {path: data for path, data in shown.items() if data or path.startswith("tree/")}


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case.name))
def test_case(case: Path, tmp_path: Path) -> None:
    expected = case / "expected"
    wanted = int((expected / "status").read_text()) if (expected / "status").exists() else 0
    status, shown = _shown(case, tmp_path)
    said = (shown.get("stdout", b"") + shown.get("stderr", b"")).decode()
    assert not TRACES.search(said), said
    assert status == wanted, f"exit status {status}, not {wanted}\n{said}"
    assert shown, "a case that shows nothing proves nothing"
    if UPDATE:
        _write(expected, shown)
    there = _tree(expected) if expected.is_dir() else {}
    there.pop("status", None)
    assert {path: data.decode() for path, data in shown.items()} == {path: data.decode() for path, data in there.items()}


def _write(expected: Path, shown: dict[str, bytes]) -> None:
    status = (expected / "status").read_bytes() if (expected / "status").exists() else None
    shutil.rmtree(expected, ignore_errors=True)
    for path, data in {**shown, **({"status": status} if status else {})}.items():
        (expected / path).parent.mkdir(parents=True, exist_ok=True)
        (expected / path).write_bytes(data)
