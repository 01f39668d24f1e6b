"""The process around a command: signals, closed and full streams, locales, and what is imported for it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.running import environment, run
from tests.waiting import HANGS

STORY = """
import sys, types, time
from gitopsc.report.result import Result
from gitopsc.diagnostics import Diagnostic, Place
def check(options):
    {body}
sys.modules["gitopsc.check"] = module = types.ModuleType("gitopsc.check")
module.check = check
from gitopsc.cli.main import main
main()
"""


def story(body: str, *words: str, shell: str = "") -> list[str]:
    """The command line of a process in which ``gitopsc check`` does as told."""
    return [sys.executable, "-c", STORY.format(body=body), "check", *words]


@pytest.mark.parametrize(("number", "status", "says"), [(signal.SIGTERM, 143, "terminated"), (signal.SIGINT, 130, "interrupted")])
def test_signals_end_with_their_status(number: int, status: int, says: str, tmp_path: Path) -> None:
    with subprocess.Popen(
        story("print('ready', flush=True); time.sleep(3600)"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        _, err = process.communicate(timeout=HANGS)
    assert process.returncode == status
    assert err == f"gitopsc: {says}\n"


@pytest.mark.parametrize(
    ("redirect", "status", "says"),
    [
        ("| head -n 1 >/dev/null", 0, ""),
        (">&-", 0, ""),
        (">/dev/full", 3, "gitopsc: cannot write the result: No space left on device\n"),
        ("2>&- >/dev/null", 0, ""),
    ],
)
def test_streams_that_are_gone_or_full(redirect: str, status: int, says: str, tmp_path: Path) -> None:
    body = "return Result('CheckResult', {{}}, text='line\\n' * 100_000)".replace("{{}}", "{}")
    (tmp_path / "story.py").write_text(STORY.format(body=body))
    done, _, err = run(f"set -o pipefail; python story.py check {redirect}", tmp_path, environment(tmp_path))
    assert (done, err) == (status, says)


@pytest.mark.parametrize("locale", ["C", "POSIX", "C.UTF-8"])
def test_output_does_not_depend_on_the_locale(locale: str, tmp_path: Path) -> None:
    body = "return Result('CheckResult', {{}}, (Diagnostic('warning', 'x', 'naïve → 日本 \\udc80'),), text='é\\n')".replace("{{}}", "{}")
    done = subprocess.run(story(body), capture_output=True, check=True, cwd=tmp_path, env={"LC_ALL": locale, "PATH": os.environ["PATH"]})
    assert done.stdout == "é\n".encode()
    assert done.stderr == "warning: naïve → 日本 \\udc80 [x]\n".encode()


def test_json_is_alone_on_standard_output(tmp_path: Path) -> None:
    done = subprocess.run(story("raise KeyError('x')", "-o", "json"), capture_output=True, check=False, cwd=tmp_path)
    assert done.returncode == 70
    assert done.stderr == b""
    assert json.loads(done.stdout)["diagnostics"][0]["code"] == "bug"


def imported(words: list[str], tmp_path: Path) -> set[str]:
    program = f"""
import sys
sys.argv = ['gitopsc', *{words!r}]
from gitopsc.cli.main import main
try:
    main()
except SystemExit:
    pass
print(*sys.modules, file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=tmp_path)
    return set(done.stderr.splitlines()[-1].split())


HEAVY = {"typer", "jinja2", "jsonschema", "jsonschema_rs", "yaml", "ruamel.yaml", "git", "pydantic", "rich", "asyncio", "multiprocessing", "unittest"}


@pytest.mark.parametrize("words", [["--version"], ["--help"]])
def test_version_and_help_import_next_to_nothing(words: list[str], tmp_path: Path) -> None:
    assert not imported(words, tmp_path) & {*HEAVY, "dataclasses", "pathlib", "json", "gitopsc.cli.run"}


def test_plain_words_do_without_typer(tmp_path: Path) -> None:
    assert not imported(["check", "-C", ".", "--strict", "-q"], tmp_path) & {"typer", "jinja2", "git", "rich", "gitopsc.cli.typed"}
    assert "gitopsc.cli.build" not in imported(["check"], tmp_path)


def test_help_of_a_command_does_without_rich(tmp_path: Path) -> None:
    found = imported(["build", "--help"], tmp_path)
    assert "typer" in found
    assert not found & {"rich", "pydantic"}


def test_the_bar_is_for_terminals_only(tmp_path: Path) -> None:
    import pty

    body = "[options.progress and (options.progress('building', n, 20), time.sleep(0.06)) for n in range(21)]; return Result('CheckResult', {{}})".replace(
        "{{}}", "{}"
    )
    outside = {"PATH": os.environ["PATH"], "TERM": "xterm"}
    main, terminal = pty.openpty()
    for variables, words, there in ((outside, [], True), ({**outside, "CI": "true"}, [], False), (outside, ["--no-progress"], False), (outside, ["-q"], False)):
        subprocess.run(story(body, *words), stdout=subprocess.PIPE, stderr=terminal, check=True, cwd=tmp_path, env=variables)
        os.write(terminal, b"end\n")
        shown = b""
        while b"end" not in shown:
            shown += os.read(main, 65536)
        assert (b"building [" in shown) is there
    os.close(main)
    os.close(terminal)
