"""What the documentation says about commands is true of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitopsc.cli.root import command
from gitopsc.cli.words import COMMANDS
from tests.running import TRACES, environment, run

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
NEEDS_A_CLUSTER = ("reconcile",)
ONE_FINE = ("gitopsc diff", "gitopsc build --check")  # status 1 says that there are differences


@pytest.mark.parametrize("name", COMMANDS)
def test_the_readme_names_every_command(name: str) -> None:
    assert f"| `gitopsc {name}" in README


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in NEEDS_A_CLUSTER])
def test_the_example_in_the_help_runs(name: str, tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    variables = environment(tmp_path)
    if name != "init":
        committed = "git init -q . && git add . && git -c user.name=a -c user.email=a@b commit -qm first"
        status, out, err = run(f"gitopsc init . && {committed}", work, variables)
        assert status == 0, out + err
    for line in command(name).example:
        status, out, err = run(line, work, variables)
        assert status == 0 or (status == 1 and line.startswith(ONE_FINE)), f"$ {line}\n{out}{err}"
        assert out, line
        assert not TRACES.search(out + err)
