"""Shell completion: a script for each shell, and the answer to what it asks. Read from the words' own data, so that it is quick."""

from __future__ import annotations

from collections.abc import Sequence

from gitopsc.cli.root import command
from gitopsc.cli.words import COMMANDS, GLOBAL, Parameter

VARIABLE = "_GITOPSC_COMPLETE"
"""Holds which word, counted from 1, is being written, while the words themselves are the command line's."""

SCRIPTS = {
    "bash": f"""_gitopsc() {{
  local IFS=$'\\n'
  COMPREPLY=($({VARIABLE}=$COMP_CWORD gitopsc "${{COMP_WORDS[@]:1}}" 2>/dev/null))
}}
complete -o default -F _gitopsc gitopsc
""",
    "zsh": f"""#compdef gitopsc
_gitopsc() {{
  local -a found
  found=("${{(@f)$({VARIABLE}=$((CURRENT-1)) gitopsc "${{(@)words[2,-1]}}" 2>/dev/null)}}")
  if [[ -n "$found" ]]; then compadd -- $found; else _files; fi
}}
compdef _gitopsc gitopsc
""",
    "fish": f"""complete -c gitopsc -a '({VARIABLE}=(count (commandline -opc)) gitopsc (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'
""",
}


def candidates(words: Sequence[str], position: int) -> list[str]:
    """What the word at ``position`` (from 1) may become; nothing where only a person or the file system knows."""
    before, begun = list(words[: position - 1]), words[position - 1] if position <= len(words) else ""
    name = _command(before)
    known = GLOBAL if name is None else command(name).every
    awaiting = _awaiting(known, before[-1] if before else "")
    if awaiting is not None:
        found: Sequence[str] = awaiting.choices
    elif begun.startswith("-"):
        found = [word for parameter in known if not parameter.hidden for word in parameter.words if word.startswith("--")] + ["--help"]
    elif name is None:
        found = COMMANDS
    else:
        found = [choice for parameter in known if not parameter.words for choice in parameter.choices]
    return [word for word in found if word.startswith(begun)]


def _command(before: Sequence[str]) -> str | None:
    """The command among the words before, if it is written."""
    previous = ""
    for word in before:
        if not word.startswith("-") and _awaiting(GLOBAL, previous) is None:
            return word if word in COMMANDS else None
        previous = word
    return None


def _awaiting(known: Sequence[Parameter], previous: str) -> Parameter | None:
    """The option whose value comes next."""
    return next((parameter for parameter in known if previous in parameter.words and parameter.type != "flag"), None)
