"""The filters and tests that templates have: none reaches into Python, none makes much out of little, each gives a value at once."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import filters, tests
from jinja2.runtime import Undefined

from gitopsc.render.skeleton import as_text, kind_of
from gitopsc.render.template import OMIT
from gitopsc.values import plain

_KEPT = (
    *"abs dictsort first items last length map max min reject rejectattr".split(),
    *"reverse round select selectattr sort sum unique".split(),
)
_ALIASES = {"count": "length", "d": "default"}
_TESTS = (
    *"boolean false float integer iterable mapping none number sequence string true".split(),
    *"divisibleby eq equalto even ge greaterthan gt in le lessthan lower lt ne odd upper".split(),
    *"== != > >= < <=".split(),
)


class Written:
    """Text that a template wrote to a macro's or a ``{% set %}`` block's result: it can be written out, and nothing else."""

    __slots__ = ("text",)

    def __init__(self, parts: Any) -> None:
        self.text = "".join(parts)

    def __str__(self) -> str:
        raise TypeError("the text of a macro or of a {% set %} block can only be written out; combine values with ~ instead")

    def __bool__(self) -> bool:
        return bool(str(self))


def missing(value: Any) -> bool:
    """Whether a value is not there: undefined, or omitted."""
    return isinstance(value, Undefined) or value is OMIT


def text_of(value: Any) -> str:
    """A scalar as text, as it would stand inside a YAML text (``true``, not ``True``). Raises TypeError for anything else."""
    if isinstance(value, Undefined):
        str(value)  # raises: it is not defined
    made = as_text(value)
    if made is None:
        raise TypeError(f"expected a string, a number or a boolean to make text of, found {kind_of(value)}")
    return made


def _default(value: Any, default: Any = "", boolean: bool = False) -> Any:
    return default if missing(value) or (boolean and not value) else value


def _join(value: Any, separator: str = "") -> str:
    return text_of(separator).join(text_of(item) for item in value)


def _to_json(value: Any) -> str:
    return json.dumps(plain(value), ensure_ascii=False, default=_no_json)


def _no_json(value: Any) -> Any:
    raise TypeError(f"expected values that JSON has, found {kind_of(value)}")


def _int(value: Any, base: int = 10) -> int:
    return int(value) if isinstance(value, (int, float)) else int(text_of(value), base)


def _replace(value: Any, old: Any, new: Any, count: int = -1) -> str:
    return text_of(value).replace(text_of(old), text_of(new), count)


_OWN: dict[str, Callable[..., Any]] = {
    "capitalize": lambda value: text_of(value).capitalize(),
    "int": _int,
    "join": _join,
    "list": list,
    "lower": lambda value: text_of(value).lower(),
    "replace": _replace,
    "split": lambda value, separator=None: text_of(value).split(separator),
    "string": text_of,
    "tojson": _to_json,
    "trim": lambda value, characters=None: text_of(value).strip(characters),
    "upper": lambda value: text_of(value).upper(),
}


def _guarded(function: Callable[..., Any]) -> Callable[..., Any]:
    """The filter: of what is absent nothing, a list instead of a generator, and an error for a macro's text."""
    passes = getattr(function, "jinja_pass_arg", None)
    position = 0 if passes is None else 1

    def run(*arguments: Any, **named: Any) -> Any:
        value = arguments[position]
        if value is OMIT:
            return OMIT
        if isinstance(value, Written):
            str(value)
        made = function(*arguments, **named)
        return list(made) if hasattr(made, "__next__") else made

    if passes is not None:
        run.jinja_pass_arg = passes  # type: ignore[attr-defined]
    return run


def safe_filters() -> dict[str, Callable[..., Any]]:
    """Name → filter."""
    theirs: Any = filters.FILTERS
    found = {name: _guarded(theirs[name]) for name in _KEPT} | {name: _guarded(function) for name, function in _OWN.items()}
    found["default"] = _default
    return found | {alias: found[name] for alias, name in _ALIASES.items()}


def safe_tests() -> Mapping[str, Callable[..., Any]]:
    """Name → test."""
    theirs: Any = tests.TESTS
    found = {name: theirs[name] for name in _TESTS}
    found |= {"defined": lambda value: not missing(value), "undefined": missing}
    return found
