"""One command, from its words to its exit status. The only place that catches."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from gitopsc.cli import terminal
from gitopsc.cli.words import COMMANDS, GLOBAL, LIMITS, Command, arrange, glance
from gitopsc.diagnostics import Conflict, Diagnostic, Failure, Invalid, tidy
from gitopsc.limits import Limits
from gitopsc.options import Options
from gitopsc.report.findings import findings, tally
from gitopsc.report.redact import Redactor
from gitopsc.report.result import Result, empty

SECRETS = ("GITOPSC_FORGE_TOKEN", "GITHUB_TOKEN", "GH_TOKEN", "GITLAB_TOKEN", "CI_JOB_TOKEN", "GITEA_TOKEN", "FORGEJO_TOKEN", "BITBUCKET_TOKEN")
"""Variables whose values are masked wherever they turn up."""
_ACTIONS = frozenset(
    {
        "CheckResult",
        "BuildResult",
        "BumpResult",
        "InitResult",
        "PromoteResult",
        "ApproveResult",
        "RecordResult",
        "RollbackResult",
        "HoldResult",
        "ResumeResult",
        "AdoptResult",
        "DecommissionResult",
    }
)
_SOON = 0.02
"""Seconds after which an object is no longer being finalized."""
_BUG = "this is a bug in gitopsc, please report it"


class Terminated(BaseException):
    """Somebody asked this process to end."""


def run(argv: Sequence[str]) -> int:
    """Carry out a command line. Gives the exit status; prints everything that there is to say."""
    terminal.prepare()
    signal.signal(signal.SIGTERM, _terminate)
    sys.unraisablehook = _hearing(sys.unraisablehook)
    environment = os.environ
    try:
        name, words = arrange(argv)
        early = _without_command(name, words)
        if early is not None:
            return early
        return _carry_out(name, words, environment)
    except BrokenPipeError:
        terminal.silence(sys.stdout)
        return 0
    except KeyboardInterrupt:
        return _interrupted("interrupted", 130)
    except Terminated:
        return _interrupted("terminated", 143)
    except OSError as error:
        return _interrupted(f"cannot write the result: {error.strerror}", 3)


def _terminate(*_: object) -> None:
    raise Terminated


def _hearing(rest: Callable[[Any], object]) -> Callable[[Any], None]:
    """A signal that comes while an object is finalized is an exception there, which Python reports and drops: it is sent once more instead."""

    def unheard(found: Any) -> None:
        if not isinstance(found.exc_value, Terminated | KeyboardInterrupt):
            rest(found)
            return
        from threading import Timer

        again = Timer(_SOON, os.kill, (os.getpid(), signal.SIGTERM if isinstance(found.exc_value, Terminated) else signal.SIGINT))
        again.daemon = True
        again.start()

    return unheard


def _interrupted(words: str, status: int) -> int:
    sys.stderr.write(f"gitopsc: {words}\n")
    return status


def _without_command(name: str | None, words: Sequence[str]) -> int | None:
    """Answer what needs no command: help and version. Null where there is a command to carry out."""
    if name is not None:
        return None
    if "--version" in words:
        from gitopsc import __version__

        terminal.write(sys.stdout, f"gitopsc {__version__}\n")
        return 0
    from gitopsc.cli.root import help_text

    if any(word.startswith("--completion") for word in words):
        return _completion(words)
    if "--help" in words or "-h" in words:
        terminal.write(sys.stdout, help_text())
        return 0
    if not words:
        terminal.write(sys.stderr, help_text())
        return 2
    return None


def _completion(words: Sequence[str]) -> int:
    from gitopsc.cli.completion import SCRIPTS

    shell = words[-1].partition("=")[2] or words[-1]
    if shell not in SCRIPTS:
        terminal.write(sys.stderr, f"gitopsc: --completion takes one of {', '.join(SCRIPTS)}\n")
        return 2
    terminal.write(sys.stdout, SCRIPTS[shell])
    return 0


def _carry_out(name: str | None, words: Sequence[str], environment: Mapping[str, str]) -> int:
    sees = {parameter.name: glance(words, environment, parameter) for parameter in GLOBAL}
    kind, root = "Result", Path(sees["directory"] or ".")
    try:
        command = _command(name)
        kind = command.kind
        values = _values(command, words, environment)
        if isinstance(values, int):
            return values
        sees = {**values, "output": "text"}
        _good_form(command, values["output"])
        sees = values
        if sees.get("version"):
            return _without_command(None, ["--version"]) or 0
        options = _options(values, environment)
        root = options.directory
        result = _call(command, options, values)
    except Invalid as error:
        result = replace(empty(kind, error.diagnostics), status=2)
    except (Failure, Conflict) as error:
        code, status = ("failure", 3) if isinstance(error, Failure) else ("conflict", 4)
        result = replace(empty(kind, (Diagnostic("error", code, error.message, error.hint),)), status=status)
    except BrokenPipeError:
        raise
    except OSError as error:
        result = replace(empty(kind, (Diagnostic("error", "failure", _system_error(error)),)), status=3)
    except Exception as error:  # noqa: BLE001 (this is the one place that catches)
        result = replace(empty(kind, (_bug(error, verbose=bool(sees["verbose"])),)), status=70)
    return _show(result, sees, root, environment)


def _command(name: str | None) -> Command:
    from gitopsc.cli.root import command

    if name in COMMANDS:
        return command(str(name))
    if name is None:
        raise Invalid("a command was expected", hint=f"one of {', '.join(COMMANDS)}; 'gitopsc --help' says what they do")
    from difflib import get_close_matches

    near = get_close_matches(name, COMMANDS, 1)
    raise Invalid(f"no such command '{name}'", hint=f"did you mean '{near[0]}'?" if near else f"one of {', '.join(COMMANDS)}")


def _values(command: Command, words: Sequence[str], environment: Mapping[str, str]) -> dict[str, Any] | int:
    from gitopsc.cli.quick import parse as quickly

    values: dict[str, Any] | int | None = quickly(command, words, environment)
    if values is None:
        from gitopsc.cli.typed import parse

        values = parse(command, words)
    return values


def _options(values: Mapping[str, Any], environment: Mapping[str, str]) -> Options:
    directory = Path.cwd() / (values["directory"] or "")
    if not directory.is_dir():
        raise Invalid(f"no such folder: '{values['directory']}'", hint="-C names the folder to start in")
    silent = values["quiet"] or values["no_progress"]
    return Options(
        directory=directory,
        repository=values["repository"] or None,
        strict=values["strict"],
        progress=None if silent else terminal.progress(environment),
        jobs=values.get("jobs"),
        cache=not values.get("no_cache"),
        limits=_limits(values),
        allow_missing_schema=values.get("allow_missing_schema", False),
        sign=values.get("sign", False),
        allowed_signers=directory / values["allowed_signers"] if values.get("allowed_signers") else None,
        environ=environment,
    )


def _limits(values: Mapping[str, Any]) -> Limits:
    said = {parameter.name.removeprefix("limit_"): values[parameter.name] for parameter in LIMITS if values.get(parameter.name) is not None}
    return Limits(**said)


def _good_form(command: Command, form: str) -> None:
    from gitopsc.report.formats import RESULTS

    if form not in RESULTS and form not in command.forms:
        raise Invalid(f"'{command.name}' has no output form '{form}'", hint=f"one of {', '.join((*RESULTS, *command.forms))}")


def _call(command: Command, options: Options, values: Mapping[str, Any]) -> Result:
    own = {parameter.name: values[parameter.name] for parameter in command.parameters}
    result = command.run(options, **own, **({"form": values["output"]} if command.formed else {}))
    if not isinstance(result, Result):
        raise TypeError(f"{command.name} gave {type(result).__name__}, not Result")
    return result


def _system_error(error: OSError) -> str:
    file = f"{error.filename}: " if isinstance(error.filename, str) else ""
    return f"{file}{(error.strerror or str(error) or type(error).__name__).lower()}"


def _bug(error: Exception, *, verbose: bool) -> Diagnostic:
    """What went wrong inside, without a value of anybody's in it: the kind of error and where it was raised."""
    import traceback

    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "gitopsc" in Path(frame.filename).parts] or list(frames)
    shown = own if verbose else own[-1:]
    where = " < ".join(f"{'/'.join(Path(frame.filename).parts[-2:])}:{frame.lineno} {frame.name}" for frame in reversed(shown))
    return Diagnostic("error", "bug", f"{_BUG}: {type(error).__name__} at {where}", "say what you ran; '--verbose' shows how it got there")


def _show(result: Result, sees: Mapping[str, Any], root: Path, environment: Mapping[str, str]) -> int:
    """Print a result in the form that was asked for. Gives the exit status."""
    diagnostics = tuple(tidy(result.diagnostics, strict=bool(sees["strict"])))
    status = result.status
    if status < 2 and any(item.severity == "error" for item in diagnostics):
        status = 2
    result = replace(result, diagnostics=diagnostics)
    files = _files(result, root) if diagnostics else None
    if files:
        result = replace(result, sources={**files.sources(result), **result.sources})
    if sees["output"] == "text" and result.text is not None:
        result = replace(result, data={})  # thousands of rows need not be masked that nobody will see
    result = Redactor(environment.get(name, "") for name in SECRETS).result(result)
    form = sees["output"]
    if form == "text":
        _show_text(result, sees, environment)
    else:
        from gitopsc.report.formats import formatted

        terminal.write(sys.stdout, formatted(result, form, prefix=files.prefix() if files else ""))
    if form in ("text", "csv"):  # the others say in their own way what was found
        _show_findings(result, sees, environment)
    return status


def _show_text(result: Result, sees: Mapping[str, Any], environment: Mapping[str, str]) -> None:
    from gitopsc.report.text import text

    if not (sees["quiet"] and result.kind in _ACTIONS):
        terminal.write(sys.stdout, text(result, terminal.painter(sys.stdout, sees["color"], environment), terminal.width(sys.stdout)))


def _show_findings(result: Result, sees: Mapping[str, Any], environment: Mapping[str, str]) -> None:
    shown = [item for item in result.diagnostics if item.severity == "error" or not sees["quiet"]]
    paint = terminal.painter(sys.stderr, sees["color"], environment)
    said = findings(shown, result.sources, paint=paint, verbose=bool(sees["verbose"]))
    if len(shown) > 1:
        said += f"{tally(shown)}\n"
    terminal.write(sys.stderr, said)


def _files(result: Result, root: Path) -> Any:
    from gitopsc.cli.files import Files

    return Files(root) if any(item.place for item in result.diagnostics) else None
