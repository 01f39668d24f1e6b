"""``gitopsc --help``: the commands and what they share."""

from __future__ import annotations

from importlib import import_module

from gitopsc.cli.words import COMMANDS, GLOBAL, WORKSPACE, Command, Parameter


def command(name: str) -> Command:
    """The command of that name; only its module is imported."""
    found: Command = import_module(f"gitopsc.cli.{name}").COMMAND
    return found


def help_text() -> str:
    """What ``gitopsc --help`` prints."""
    lines = [
        "Usage: gitopsc COMMAND [WORDS]...",
        "",
        "Compiles short application specs into validated Kubernetes manifests, committed to an environment repository.",
        "",
        "Commands:",
        *(f"  {name:<{max(map(len, COMMANDS)) + 1}}{command(name).summary}" for name in COMMANDS),
        "",
        "'gitopsc COMMAND --help' says what a command does, step by step, with an example.",
        "",
        "Options of every command, before or after its name:",
        *map(_row, GLOBAL),
        "",
        "Options of commands that read a workspace:",
        *map(_row, WORKSPACE),
        "",
        "Every option has an environment variable: GITOPSC_REPOSITORY for --repository, GITOPSC_NO_CACHE=1 for --no-cache.",
        "",
        "Exit status: 0 done, or no difference; 1 differences found; 2 your input is wrong; 3 an outside system failed,",
        "trying again may help; 4 somebody else was first.",
        "",
        "Shell completion: source <(gitopsc --completion bash); also for zsh and fish.",
    ]
    return "\n".join(lines) + "\n"


def _row(parameter: Parameter) -> str:
    value = "|".join(parameter.choices) if parameter.choices and len(parameter.choices) < 4 else parameter.metavar
    words = ", ".join(parameter.words) + (f" {value}" if value else "")
    listed = f" ({', '.join(parameter.choices)})" if len(parameter.choices) >= 4 else ""
    return f"  {words:<32}{parameter.help}{listed}"
