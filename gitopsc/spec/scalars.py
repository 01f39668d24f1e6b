"""What a plain (unquoted) YAML scalar means: YAML 1.2's core schema, and where other readers would disagree with it."""

from __future__ import annotations

import re

from gitopsc.values import LeadingZero

Scalar = str | int | float | bool | None

_LIMIT = 1 << 63
MAX_DIGITS = 40
"""Longer numbers are out of range whatever they say, and are never converted."""

MAYBE = frozenset("+-.0123456789~nNtTfF")
"""The first characters of everything that is not a string."""

_WORDS: dict[str, bool | None] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_NUMBER = re.compile(
    r"""(?P<zero>[-+]?0[0-9]+)
      | (?P<int>[-+]?[0-9]+)
      | (?P<octal>0o[0-7]+)
      | (?P<hex>0x[0-9a-fA-F]+)
      | (?P<float>[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?)
      | (?P<odd>[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))""",
    re.VERBOSE | re.ASCII,
)
_BASES = {"int": 10, "octal": 8, "hex": 16}

OLD_WORDS = frozenset(form for word in ("y", "n", "yes", "no", "on", "off") for form in (word, word.capitalize(), word.upper()))
"""Booleans to YAML 1.1; strings to 1.2."""

_DIFFERS = re.compile(
    r"""[-+]?0[0-9_]+  # octal to 1.1 and Go, decimal to 1.2
      | [-+]?0o[0-7_]+  # a number to 1.2 and Go, a string to 1.1
      | [-+]?0b[01_]+ | [-+]0x[0-9a-fA-F_]+  # numbers to 1.1 and Go only
      | [-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?  # sexagesimal in 1.1
      | (?=[^_]*_)(?:0x[0-9a-fA-F_]+|[-+]?\.?[0-9][0-9_]*(?:\.[0-9_]*)?(?:[eE][-+]?[0-9]+)?)  # 1_000
      | [-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)[eE][-+]?[0-9]+  # 1e3 and 1.5e3: floats to 1.2 and Go, some of them strings to 1.1
      | [0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt \t].*)?  # a date to 1.1
      | [-+]?\.(?:inf|Inf|INF) | \.(?:nan|NaN|NAN)
      | [=] | <<
    """,
    re.VERBOSE | re.ASCII,
)


class OutOfRange(ValueError):
    """A number that 64 bits cannot hold, or that is none (``.nan``). Its text says what was expected."""


def resolve(text: str) -> Scalar:
    """The value of a plain scalar by YAML 1.2's core schema; an int written with a leading zero is a ``LeadingZero``.

    Raises ``OutOfRange`` for integers beyond 64 bits, infinities and not-a-number.
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in MAYBE:
        return text
    match = _NUMBER.fullmatch(text)
    if match is None:
        return text
    kind = match.lastgroup
    if kind == "odd":
        raise OutOfRange("a finite number")
    if kind == "float":
        value = float(text)
        if value in (float("inf"), float("-inf")):
            raise OutOfRange("a finite number")
        return value
    return _integer(text, kind or "int")


def _integer(text: str, kind: str) -> int:
    if len(text) > MAX_DIGITS:
        raise OutOfRange("an integer of at most 64 bits")
    if kind == "zero":
        digits = text.lstrip("+-")
        value = int(digits, 8) if not set(digits) & {"8", "9"} else int(digits)
        number: int = LeadingZero(-value if text[0] == "-" else value)
    else:
        number = int(text[2:] if kind in ("octal", "hex") else text, _BASES[kind])
    if not -_LIMIT <= number < _LIMIT:
        raise OutOfRange("an integer of at most 64 bits")
    return number


def ambiguous(text: str) -> bool:
    """Whether YAML 1.1, YAML 1.2 and Go's reader of YAML do not all read the plain scalar ``text`` as the same value."""
    return text in OLD_WORDS or _DIFFERS.fullmatch(text) is not None
