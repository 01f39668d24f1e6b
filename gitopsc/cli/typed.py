"""Commands as typer knows them: parsing with all its messages, help. The one module that imports typer."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal

import typer
from typer.exceptions import TyperException
from typer.main import get_command

from gitopsc.cli.words import Command, Parameter
from gitopsc.diagnostics import Invalid

_TYPES: dict[str, Any] = {"text": str, "flag": bool, "integer": int, "number": float}
_SETTINGS: dict[str, Any] = {
    "pretty_exceptions_enable": False,
    "rich_markup_mode": None,
    "context_settings": {"help_option_names": ["-h", "--help"], "max_content_width": 110},
}


def parse(command: Command, words: Sequence[str]) -> dict[str, Any] | int:
    """Every parameter's value by name, or the exit status where help was shown.

    Raises: Invalid, with what is wrong with the words.
    """
    app = typer.Typer(add_completion=False, **_SETTINGS)
    app.command(command.name, help=explained(command))(_collector(command))
    try:
        found = get_command(app).main(list(words), prog_name=f"gitopsc {command.name}", standalone_mode=False)
    except TyperException as error:
        raise Invalid(_sentence(error.format_message()), hint=f"'gitopsc {command.name} --help' shows its words") from None
    except typer.Exit as end:
        return end.exit_code
    return found if isinstance(found, dict) else int(found or 0)


def _collector(command: Command) -> Callable[..., dict[str, Any]]:
    """A function whose signature is the command's words, which gives what it is called with."""

    def collect(**values: Any) -> dict[str, Any]:
        return {parameter.name: _normal(parameter, values[parameter.name]) for parameter in command.every}

    collect.__signature__ = inspect.Signature([_parameter(parameter) for parameter in command.every])  # type: ignore[attr-defined]
    return collect


def _normal(parameter: Parameter, value: Any) -> Any:
    if parameter.many or (parameter.pair and value):
        return tuple(value or ())
    return parameter.initial if value is None else value


def _parameter(parameter: Parameter) -> inspect.Parameter:
    kind: Any = Literal[parameter.choices] if parameter.choices else _TYPES[parameter.type]
    default = parameter.initial
    if parameter.many:
        kind, default = list[kind] | None, None
    elif parameter.pair:
        kind = tuple[kind, kind] | None
    elif default is None:
        kind = kind | None
    least = 1 if parameter.type in ("integer", "number") else None
    info: Any
    if parameter.words:
        shown = parameter.metavar or None
        info = typer.Option(
            *parameter.words,
            help=parameter.help,
            metavar=shown if not parameter.choices else None,
            envvar=list(parameter.variables),
            show_envvar=False,
            show_default=bool(parameter.choices),
            hidden=parameter.hidden,
            min=least,
        )
    else:
        info = typer.Argument(help=parameter.help, metavar=parameter.metavar, show_default=False)
    given = inspect.Parameter.empty if parameter.required else default
    return inspect.Parameter(parameter.name, inspect.Parameter.KEYWORD_ONLY, default=given, annotation=Annotated[kind, info])


def explained(command: Command) -> str:
    """A command's help: what it does, step by step, and an example."""
    steps = "\n".join(f"  {number}. {step}" for number, step in enumerate(command.steps, 1))
    example = "\n".join(f"  $ {line}" for line in command.example)
    return f"{command.summary}\n\n\b\nStep by step:\n{steps}\n\n\b\nExample:\n{example}"


def _sentence(message: str) -> str:
    """Typer's message the way ours read: no capital at the start, no full stop at the end."""
    return (message[:1].lower() + message[1:]).rstrip(".")
