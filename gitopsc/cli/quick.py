"""The plain case of a command line, read without typer, whose import takes longer than a build with nothing to do.

Whatever is not plain (help, a typo, a missing value, clustered letters) is left to typer: ``parse`` says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from gitopsc.cli.words import Command, Parameter

_COUNT = re.compile(r"[1-9][0-9]{0,8}\Z", re.ASCII)


def parse(command: Command, words: Sequence[str], environment: Mapping[str, str]) -> dict[str, Any] | None:
    """Every parameter's value by name; null where typer has to look."""
    options = {word: parameter for parameter in command.every for word in parameter.words}
    given: dict[str, Any] = {}
    loose: list[str] = []
    left = list(reversed(words))
    while left:
        word = left.pop()
        if not word.startswith("-"):
            loose.append(word)
            continue
        word, equals, value = word.partition("=") if word.startswith("--") else (word, "", "")
        parameter = options.get(word)
        if parameter is None or (equals and parameter.type == "flag"):
            return None
        values = [value] if equals else [left.pop() for _ in range(min(_takes(parameter), len(left)))]
        if not _put(given, parameter, values):
            return None
    values_of = {**_from_environment(command, environment), **given}
    if not _place(values_of, [parameter for parameter in command.parameters if not parameter.words], loose):
        return None
    if any(value is None for value in values_of.values()) or any(parameter.required and parameter.name not in values_of for parameter in command.every):
        return None
    return {parameter.name: values_of.get(parameter.name, parameter.initial) for parameter in command.every}


def _takes(parameter: Parameter) -> int:
    return 0 if parameter.type == "flag" else 2 if parameter.pair else 1


def _put(given: dict[str, Any], parameter: Parameter, values: list[str]) -> bool:
    """Note the values of one option; whether they are plain."""
    if parameter.type == "flag":
        given[parameter.name] = True
        return True
    if len(values) != _takes(parameter) or any(value.startswith("-") for value in values):
        return False
    if parameter.type == "integer":
        given[parameter.name] = int(values[0]) if _COUNT.match(values[0]) else None
        return True
    if parameter.type != "text":
        return False
    if parameter.choices and values[0] not in parameter.choices:
        return False
    if parameter.many:
        given[parameter.name] = (*given.get(parameter.name, ()), *values)
    else:
        given[parameter.name] = tuple(values) if parameter.pair else values[0]
    return True


def _from_environment(command: Command, environment: Mapping[str, str]) -> dict[str, Any]:
    """What variables say; null for what typer has to read."""
    out: dict[str, Any] = {}
    for parameter in command.every:
        for name in parameter.variables:
            value = environment.get(name)
            if value and parameter.name not in out:
                plain = parameter.type == "text" and not parameter.many and not parameter.pair and (not parameter.choices or value in parameter.choices)
                out[parameter.name] = value if plain else None
    return out


def _place(values: dict[str, Any], arguments: list[Parameter], loose: list[str]) -> bool:
    """Give the loose words to the arguments; whether they fit."""
    for parameter in arguments:
        if parameter.many:
            values[parameter.name] = tuple(loose)
            loose = []
        elif loose:
            values[parameter.name], *loose = loose
        if parameter.choices and values.get(parameter.name, parameter.initial) not in parameter.choices:
            return False
        if parameter.required and not values.get(parameter.name):
            return False
    return not loose
