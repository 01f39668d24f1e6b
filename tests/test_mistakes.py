"""Many different mistakes in one workspace come out of one ``check``, each at its place with its reason and what to do, and nothing else does.

``tests/fixtures/mistakes`` says of itself what is wrong: a line ends with ``#!`` and the codes of what is said of it. The whole text is
compared with ``tests/fixtures/mistakes.txt``, which ``make golden`` writes anew.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.workbench import FIXTURES, answered, copied, gitopsc

WORKSPACE, GOLDEN = FIXTURES / "mistakes", FIXTURES / "mistakes.txt"
MARK = re.compile(r"#! ([a-z -]+)$")


def planted(folder: Path) -> Counter[tuple[str, int, str]]:
    """File, line and code of everything that is wrong on purpose."""
    found: Counter[tuple[str, int, str]] = Counter()
    for path in folder.rglob("*"):
        for number, line in enumerate(path.read_text().splitlines() if path.is_file() else (), 1):
            mark = MARK.search(line)
            found.update((path.relative_to(folder).as_posix(), number, code) for code in (mark[1].split() if mark else ()))
    return found


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[dict[str, Any]], str]:
    """The diagnostics of one ``check``, and what a person reads."""
    workspace = copied(WORKSPACE, tmp_path_factory.mktemp("mistakes") / "work")
    return answered(workspace, "check", status=2)["diagnostics"], gitopsc(workspace, "check", status=2).stderr


def test_every_mistake_is_told_once_and_nothing_beside_them(checked: tuple[list[dict[str, Any]], str]) -> None:
    diagnostics, _ = checked
    wrong = planted(WORKSPACE)
    assert Counter((d["file"], d["line"], d["code"]) for d in diagnostics) == wrong
    assert len(wrong) >= 70
    assert len({code for _, _, code in wrong}) >= 50


def test_they_are_sorted_by_place_with_reason_and_what_to_do(checked: tuple[list[dict[str, Any]], str]) -> None:
    diagnostics, _ = checked
    places = [(d["file"], d["line"], d["column"]) for d in diagnostics]
    assert places == sorted(places)
    for d in diagnostics:
        line = (WORKSPACE / d["file"]).read_text().splitlines()[d["line"] - 1]
        assert 1 <= d["column"] <= len(line.partition("#!")[0].rstrip()), d
        assert line[d["column"] - 1] != " ", d
        assert d["message"], d
        assert d["hint"], d
        assert d["hint"] not in d["message"], d


def test_the_words_are_those_that_were_read_and_approved(checked: tuple[list[dict[str, Any]], str]) -> None:
    _, text = checked
    if os.environ.get("GITOPSC_GOLDEN") == "update":
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8")


def test_a_build_of_them_writes_nothing(tmp_path: Path) -> None:
    workspace = copied(WORKSPACE, tmp_path / "work")
    built = answered(workspace, "build", status=2)
    assert (built["revision"], built["changed"]) == (None, False)
    assert not (workspace / ".gitopsc").exists()
