"""From words to output and exit status, with stories that do as the test says."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from gitopsc import __version__
from gitopsc.cli.run import run
from gitopsc.diagnostics import Conflict, Diagnostic, Failure, Invalid, Place
from gitopsc.options import Options
from gitopsc.report.result import Result

ERROR = Diagnostic("error", "unknown-field", "unknown field 'replica'", "did you mean 'replicas'?", Place("app.yaml", 2, 1))
WARNING = Diagnostic("warning", "latest", "the tag moves", None, Place("app.yaml", 1, 1))
Story = Callable[..., Any]


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[Any], list[Options]]:
    """Make ``gitopsc check`` return or raise what is given; gives the options of each call."""
    calls: list[Options] = []
    (tmp_path / "gitopsc.yaml").write_text("apiVersion: gitopsc.dev/v1alpha1\nkind: Workspace\n")
    (tmp_path / "app.yaml").write_text("image: a\nreplica: 2\n")
    monkeypatch.chdir(tmp_path)
    for name in ("NO_COLOR", "GITHUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)

    def tell(outcome: Any) -> list[Options]:
        def story(options: Options) -> Any:
            calls.append(options)
            if isinstance(outcome, BaseException):
                raise outcome
            return outcome

        module = ModuleType("gitopsc.check")
        module.check = story  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "gitopsc.check", module)
        return calls

    return tell


Check = Callable[[Any], list[Options]]
Output = pytest.CaptureFixture[str]


def test_a_good_result_goes_to_standard_output(check: Check, capsys: Output) -> None:
    check(Result("CheckResult", {}, text="fine\n"))
    assert run(["check"]) == 0
    assert capsys.readouterr() == ("fine\n", "")


def test_diagnostics_go_to_standard_error_with_their_lines(check: Check, capsys: Output) -> None:
    check(Result("CheckResult", {}, (ERROR, WARNING)))
    assert run(["check"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == (
        "app.yaml:1:1: warning: the tag moves [latest]\n1 | image: a\n  | ^~~~~\n"
        "app.yaml:2:1: unknown field 'replica' [unknown-field]\n2 | replica: 2\n  | ^~~~~~~\nhint: did you mean 'replicas'?\n"
        "1 error, 1 warning\n"
    )


def test_warnings_alone_are_no_error_unless_strict(check: Check, capsys: Output) -> None:
    check(Result("CheckResult", {}, (WARNING,), "fine\n"))
    assert run(["check"]) == 0
    assert run(["--strict", "check"]) == 2
    assert run(["check", "--quiet"]) == 0
    assert capsys.readouterr().err.count("[latest]") == 2


@pytest.mark.parametrize(
    ("outcome", "status", "code"),
    [
        (Result("CheckResult", {}, status=1), 1, None),
        (Invalid([ERROR]), 2, "unknown-field"),
        (Invalid("a word was expected", hint="say it"), 2, "usage"),
        (Failure("the remote is gone", hint="try again"), 3, "failure"),
        (PermissionError(13, "Permission denied", "app.yaml"), 3, "failure"),
        (Conflict("was generation 40, now 41"), 4, "conflict"),
        (KeyError("secret words"), 70, "bug"),
        (RecursionError(), 70, "bug"),
        (MemoryError(), 70, "bug"),
        ("not a result", 70, "bug"),
    ],
)
@pytest.mark.parametrize("form", ["text", "json"])
def test_every_end_has_its_status_and_no_traceback(check: Check, capsys: Output, outcome: Any, status: int, code: str | None, form: str) -> None:
    check(outcome)
    assert run(["check", "-o", form]) == status
    out, err = capsys.readouterr()
    assert "Traceback" not in out + err
    assert "secret words" not in out + err
    if form == "json":
        document = json.loads(out)
        assert err == ""
        assert document["kind"] == "CheckResult"
        assert [item["code"] for item in document["diagnostics"]] == ([code] if code else [])
    elif code:
        assert f"[{code}]" in err
    if status == 70:
        assert "this is a bug in gitopsc, please report it" in out + err


@pytest.mark.parametrize(("outcome", "status"), [(KeyboardInterrupt(), 130), (BrokenPipeError(), 0)])
def test_interruptions_end_quietly(check: Check, capsys: Output, outcome: BaseException, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gitopsc.cli.terminal.silence", lambda stream: None)
    check(outcome)
    assert run(["check"]) == status
    assert "Traceback" not in capsys.readouterr().err


def test_options_reach_the_story(check: Check, tmp_path: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = check(Result("CheckResult", {}))
    inside = tmp_path / "in"
    inside.mkdir()
    monkeypatch.setenv("GITOPSC_REPOSITORY", "file:///r")
    words = ["-C", "in", "check", "--strict", "--jobs", "3", "--no-cache", "--limit-depth", "7", "--limit-render-seconds", "2.5", "--allow-missing-schema"]
    assert run(words) == 0
    (options,) = calls
    assert (options.directory, options.repository, options.strict, options.jobs, options.cache) == (inside, "file:///r", True, 3, False)
    assert (options.limits.depth, options.limits.render_seconds, options.limits.aliases) == (7, 2.5, 1000)
    assert options.allow_missing_schema
    assert options.progress is None


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "Usage: gitopsc"),
        (["--nonsense"], "a command was expected"),
        (["chekc"], "did you mean 'check'?"),
        (["zzz"], "one of init, check"),
        (["check", "--nonsense"], "no such option: --nonsense"),
        (["check", "-C", "nowhere"], "no such folder: 'nowhere'"),
        (["types", "-o", "junit"], "'types' has no output form 'junit'"),
        (["explain", "shop", "dev"], "either a PATH of the spec or --object was expected"),
        (["explain", "shop", "dev", "a.b", "--path", "x"], "--path belongs to --object"),
    ],
)
def test_wrong_words_are_status_two_with_a_hint(words: list[str], says: str, capsys: Output) -> None:
    assert run(words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert says in err
    assert "Traceback" not in err


def test_wrong_words_are_json_where_json_was_asked_for(capsys: Output) -> None:
    assert run(["build", "--nonsense", "-o", "json"]) == 2
    document = json.loads(capsys.readouterr().out)
    assert (document["kind"], document["environments"], document["diagnostics"][0]["code"]) == ("BuildResult", [], "usage")
    assert run(["-ojson", "chekc"]) == 2
    assert json.loads(capsys.readouterr().out)["kind"] == "Result"


@pytest.mark.parametrize("words", [["--version"], ["-C", "x", "--version"], ["check", "--version"]])
def test_version(words: list[str], capsys: Output) -> None:
    assert run(words) == 0
    assert capsys.readouterr().out == f"gitopsc {__version__}\n"


@pytest.mark.parametrize("words", [["--help"], ["-h"], ["help"], ["-C", "x", "--help"]])
def test_root_help(words: list[str], capsys: Output) -> None:
    assert run(words) == 0
    assert capsys.readouterr().out.startswith("Usage: gitopsc COMMAND")


def test_help_of_a_command(capsys: Output) -> None:
    assert run(["help", "build"]) == 0
    assert "Step by step:" in capsys.readouterr().out


def test_colour_only_where_it_is_asked_for(check: Check, capsys: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    check(Result("CheckResult", {}, (ERROR,)))
    run(["check"])
    assert "\x1b" not in capsys.readouterr().err
    run(["check", "--color", "always"])
    assert "\x1b[31m" in capsys.readouterr().err


def test_tokens_of_the_environment_never_come_out(check: Check, capsys: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITOPSC_FORGE_TOKEN", "canary-0123")
    for outcome in (Failure("push to https://bot:other@host/x with canary-0123 failed", hint="canary-0123"), Invalid("canary-0123")):
        check(outcome)
        for form in ("text", "json", "yaml", "markdown", "sarif", "junit", "github", "gitlab"):
            run(["check", "-o", form])
    out, err = capsys.readouterr()
    assert "canary" not in out + err
    assert "bot:other" not in out + err


def test_annotations_name_files_from_the_top_of_the_repository(check: Check, capsys: Output, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = tmp_path / "deploy"
    inside.mkdir()
    (tmp_path / ".git").mkdir()
    (tmp_path / "gitopsc.yaml").rename(inside / "gitopsc.yaml")
    check(Result("CheckResult", {}, (ERROR,)))
    assert run(["-C", "deploy", "check", "-o", "github"]) == 2
    assert capsys.readouterr().out.startswith("::error file=deploy/app.yaml,line=2,col=1,")


def test_a_source_that_is_a_pipe_or_gone_does_not_hold_the_message_up(check: Check, capsys: Output, tmp_path: Path) -> None:
    import os

    (tmp_path / "app.yaml").unlink()
    os.mkfifo(tmp_path / "app.yaml")
    check(Result("CheckResult", {}, (ERROR,)))
    assert run(["check"]) == 2
    assert capsys.readouterr().err.startswith("app.yaml:2:1: unknown field")


def test_a_builtin_source_is_shown(check: Check, capsys: Output) -> None:
    check(Result("CheckResult", {}, (Diagnostic("error", "x", "m", None, Place("gitopsc:templates/service/type.yaml", 1, 1)),)))
    assert run(["check"]) == 2
    assert "\n1 | " in capsys.readouterr().err
