"""Words to values: the plain reader and typer must agree, and every option has its words, its variable and its help."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitopsc.cli.completion import SCRIPTS, candidates
from gitopsc.cli.quick import parse as quickly
from gitopsc.cli.root import command, help_text
from gitopsc.cli.typed import parse as typed
from gitopsc.cli.words import COMMANDS, GLOBAL, WORKSPACE, Command, arrange, glance
from gitopsc.diagnostics import Invalid

EVERY = [command(name) for name in COMMANDS]


@pytest.mark.parametrize(
    ("argv", "name", "words"),
    [
        ([], None, []),
        (["build"], "build", []),
        (["-C", "x", "build", "dev"], "build", ["-C", "x", "dev"]),
        (["-Cx", "--strict", "-o=json", "build"], "build", ["-Cx", "--strict", "-o=json"]),
        (["--output", "json", "check", "-q"], "check", ["--output", "json", "-q"]),
        (["--output=json"], None, ["--output=json"]),
        (["-C"], None, ["-C"]),
        (["--nonsense", "build"], "build", ["--nonsense"]),
        (["help", "build"], "build", ["--help"]),
        (["help"], None, ["--help"]),
    ],
)
def test_options_before_the_command_move_behind_it(argv: list[str], name: str | None, words: list[str]) -> None:
    assert arrange(argv) == (name, words)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["-o", "json"], "json"),
        (["-ojson"], "json"),
        (["--output=sarif", "x"], "sarif"),
        (["-o", "nonsense"], "text"),
        (["--", "-o", "json"], "text"),
        ([], "yaml"),
    ],
)
def test_the_form_is_seen_even_where_other_words_are_wrong(words: list[str], found: str) -> None:
    output = next(parameter for parameter in GLOBAL if parameter.name == "output")
    assert glance(words, {"GITOPSC_OUTPUT": "yaml"} if not words else {}, output) == found


WORDS = st.sampled_from(
    "build dev prod a=b -C --directory -Cx x --strict --quiet -q -v -qv --no-progress -o json -ojson --output=json nonsense --color never --color=x"
    " --app --app=shop --check --dry-run --dry-run=1 --set p=v --between --env --jobs 2 -j3 07 --no-cache --limit-depth 5 --limit-depth=x --image r:1"
    " --object K/n --path spec.x --repository --version -- --update test list --help -h --nope --chec --provenance f.json ''".split()
)


@given(st.sampled_from(EVERY), st.lists(WORDS, max_size=7))
def test_the_plain_reader_says_what_typer_says_or_nothing(chosen: Command, words: list[str]) -> None:
    quick = quickly(chosen, words, {})
    if quick is None:
        return
    assert quick == typed(chosen, words)


@pytest.mark.parametrize("chosen", EVERY, ids=lambda chosen: str(chosen.name))
def test_plain_words_need_no_typer(chosen: Command) -> None:
    words = [parameter.choices[0] if parameter.choices else "x" for parameter in chosen.parameters if not parameter.words and parameter.required]
    words += [word for one in chosen.parameters if one.words and one.required for word in (one.words[0], (*one.choices, "x")[0])]
    assert quickly(chosen, [*words, "-o", "json", "-C", "y", "--strict"], {}) is not None


@pytest.mark.parametrize("chosen", EVERY, ids=lambda chosen: str(chosen.name))
def test_every_option_has_a_variable(chosen: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    required = [parameter.choices[0] if parameter.choices else "x" for parameter in chosen.parameters if not parameter.words and parameter.required]
    required += [word for one in chosen.parameters if one.words and one.required for word in (one.words[0], (*one.choices, "x")[0])]
    for parameter in chosen.every:
        if not parameter.words or parameter.required:
            continue
        value = {"flag": "1", "integer": "7", "number": "7"}.get(
            parameter.type, "y z" if parameter.pair else parameter.choices[-1] if parameter.choices else "y"
        )
        for name in parameter.variables:
            assert name.startswith("GITOPSC_")
            monkeypatch.setenv(name, value)
            quick, slow = quickly(chosen, required, {name: value}), typed(chosen, required)
            assert isinstance(slow, dict)
            assert quick in (None, slow)
            assert slow[parameter.name] != parameter.initial
            monkeypatch.delenv(name)


@pytest.mark.parametrize("chosen", EVERY, ids=lambda chosen: str(chosen.name))
def test_the_call_takes_what_the_words_give(chosen: Command) -> None:
    wanted = list(inspect.signature(chosen.run).parameters)
    given = ["options", *(parameter.name for parameter in chosen.parameters), *(["form"] if chosen.formed else [])]
    assert sorted(wanted) == sorted(given)


@pytest.mark.parametrize("chosen", EVERY, ids=lambda chosen: str(chosen.name))
def test_help_says_steps_example_and_every_option(chosen: Command, capsys: pytest.CaptureFixture[str]) -> None:
    assert typed(chosen, ["--help"]) == 0
    shown = capsys.readouterr().out
    assert "Step by step:\n    1. " in shown
    assert "Example:\n    $ gitopsc " in shown
    assert f"\n    $ gitopsc {chosen.name}" in shown
    for parameter in chosen.every:
        for word in () if parameter.hidden else parameter.words:
            assert word in shown


def test_the_root_help_names_every_command_and_option() -> None:
    shown = help_text()
    for chosen in EVERY:
        assert re.search(rf"^  {chosen.name} +{re.escape(chosen.summary)}$", shown, re.MULTILINE)
    for parameter in (*GLOBAL, *WORKSPACE):
        assert parameter.words[-1] in shown


@pytest.mark.parametrize(
    ("name", "words", "says"),
    [
        ("build", ["--chek"], "--chek"),
        ("build", ["--app"], "--app"),
        ("render", ["shop"], "ENV"),
        ("bump", ["shop"], "--image"),
        ("check", ["extra"], "extra"),
        ("check", ["--jobs", "many"], "many"),
        ("check", ["--jobs", "0"], "0"),
        ("check", ["--limit-depth", "-1"], "-1"),
        ("build", ["-o", "xml"], "xml"),
        ("types", ["tset"], "tset"),
        ("diff", ["--between", "dev"], "--between"),
    ],
)
def test_wrong_words_are_named(name: str, words: list[str], says: str) -> None:
    assert quickly(command(name), words, {}) is None
    with pytest.raises(Invalid) as caught:
        typed(command(name), words)
    (only,) = caught.value.diagnostics
    assert says in only.message
    assert only.hint == f"'gitopsc {name} --help' shows its words"


@pytest.mark.parametrize(
    ("words", "position", "found"),
    [
        (["b"], 1, ["build", "bump"]),
        ([""], 1, list(COMMANDS)),
        (["-C", "x", "ch"], 3, ["check"]),
        (["-C", "b"], 2, []),
        (["build", "--allow-d"], 2, ["--allow-dirty"]),
        (["build", "-o", "s"], 3, ["sarif"]),
        (["--color", ""], 2, ["auto", "always", "never"]),
        (["types", "t"], 2, ["test"]),
        (["build", ""], 2, []),
        (["nonsense", ""], 2, list(COMMANDS)),
    ],
)
def test_completion(words: list[str], position: int, found: list[str]) -> None:
    assert candidates(words, position) == found


def test_bash_completes() -> None:
    script = SCRIPTS["bash"] + '\nCOMP_WORDS=(gitopsc build --dr); COMP_CWORD=2; _gitopsc; printf "%s\\n" "${COMPREPLY[@]}"'
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    done = subprocess.run(["bash", "--norc", "-c", script], capture_output=True, text=True, check=True, env={"PATH": path})
    assert done.stdout == "--dry-run\n"
