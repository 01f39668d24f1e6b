"""Transcripts: ``tests/scripts/*.txt`` are stories of commands over a set of files, with real Git between.

A transcript reads like a terminal. Its lines, in order:

    # words         a comment
    $ command       run by bash in the story's own folder; ``gitopsc`` is this checkout's, HOME is empty, there is no Git identity
    ? 2             the exit status of the command above, where it is not 0
    > words         a line of its standard output
    ! words         a line of its standard error
    -- path --      from here on: the files that the folder holds at the beginning

All output is compared. ``…`` inside an expected line stands for any characters; a line that is only ``…`` stands for any lines.
The story's folder is written ``$WORK``. ``make golden`` writes the output of commands whose expectation does not hold anew; it never
changes a status, and refuses tracebacks.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.running import TRACES, environment, run

SCRIPTS = sorted((Path(__file__).parent / "scripts").glob("*.txt"))
UPDATE = os.environ.get("GITOPSC_GOLDEN") == "update"
_FILE = re.compile(r"^-- (\S+) --$")


@dataclass
class Step:
    """One command with what is expected of it. ``before``: comments and empty lines above it."""

    command: str
    before: list[str] = field(default_factory=list)
    status: int = 0
    out: list[str] = field(default_factory=list)
    err: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        status = [f"? {self.status}"] if self.status else []
        return [*self.before, f"$ {self.command}", *status, *_marked(">", self.out), *_marked("!", self.err)]


def _marked(mark: str, lines: list[str]) -> list[str]:
    return [f"{mark} {line}".rstrip() for line in lines]


def read(text: str) -> tuple[list[Step], list[str], dict[str, str]]:
    """The steps, what stands after the last of them, and the files."""
    steps: list[Step] = []
    loose: list[str] = []
    files: dict[str, list[str]] = {}
    current: list[str] | None = None
    for number, line in enumerate(text.splitlines(), 1):
        if found := _FILE.match(line):
            current = files.setdefault(found[1], [])
        elif current is not None:
            current.append(line)
        elif line.startswith("$ "):
            steps.append(Step(line[2:], loose))
            loose = []
        elif steps and not loose and line[:2] in ("> ", ">", "! ", "!"):
            (steps[-1].out if line[0] == ">" else steps[-1].err).append(line[2:])
        elif steps and not loose and line.startswith("? "):
            steps[-1].status = int(line[2:])
        elif not line or line.startswith("#"):
            loose.append(line)
        else:
            raise ValueError(f"line {number} is no line of a transcript: {line!r}")
    return steps, loose, {path: "".join(f"{line}\n" for line in lines) for path, lines in files.items()}


def matches(expected: list[str], found: list[str]) -> bool:
    """Whether the found lines are the expected ones."""
    pattern = "".join(".*" if line == "…" else re.escape(line).replace("…", "[^\n]*") + "\n" for line in expected)
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in found), re.DOTALL) is not None


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: str(script.stem))
def test_transcript(script: Path, tmp_path: Path) -> None:
    text = script.read_text(encoding="utf-8")
    steps, loose, files = read(text)
    work = tmp_path / "work"
    work.mkdir()
    for path, content in files.items():
        (work / path).parent.mkdir(parents=True, exist_ok=True)
        (work / path).write_text(content, encoding="utf-8")
    for step in steps:
        status, out, err = run(step.command, work, environment(tmp_path))
        said = f"$ {step.command}\n{out}{err}"
        assert not TRACES.search(out + err), said
        assert status == step.status, f"exit status {status}, not {step.status}\n{said}"
        if UPDATE:
            step.out = step.out if matches(step.out, out.splitlines()) else out.splitlines()
            step.err = step.err if matches(step.err, err.splitlines()) else err.splitlines()
        assert matches(step.out, out.splitlines()), said
        assert matches(step.err, err.splitlines()), said
    written = "\n".join([line for step in steps for line in step.lines()] + loose) + "\n"
    written += "".join(f"-- {path} --\n{content}" for path, content in files.items())
    if UPDATE and written != text:
        script.write_text(written, encoding="utf-8")
    assert written == text or UPDATE, "a transcript is written as it is read: see the top of this file"


def test_transcripts_match_with_wildcards() -> None:
    assert matches(["a … c", "…", "z"], ["a b c", "1", "2", "z"])
    assert matches(["…"], [])
    assert not matches(["a"], ["a", "b"])
    assert not matches(["a.c"], ["abc"])


def test_a_stray_line_is_named() -> None:
    with pytest.raises(ValueError, match="line 2"):
        read("$ true\nstray\n")
