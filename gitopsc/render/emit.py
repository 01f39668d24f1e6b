"""Manifests as YAML text that every reader reads the same: YAML 1.1, YAML 1.2 and Go's dialect of both.

Plain where no reader takes the text for anything else, else quoted; text of several lines as a literal block where that
gives back exactly that text, else double-quoted. No anchors, no folding, the order of keys as given: one form per value.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

_CACHED = 20_000  # scalars kept
_CACHED_LENGTH = 300
_LONG_KEY = 250  # readers give up looking for the ':' of a key after 1,024 bytes

# Everything that must be escaped: controls but tab and line feed, the line ends of YAML 1.1, the byte order mark, characters that
# turn the reading direction (a reviewer would see another text), lone surrogates and non-characters.
_HIDDEN = "\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff\ufffe\uffff"
_SHOWN = f"[^{_HIDDEN}\t\n"  # an open character class
_PLAIN = re.compile(
    rf"""(?:{_SHOWN} \-?:,\[\]{{}}\#&*!|>'"%@`]|[-?:](?={_SHOWN}\ ]))
         (?:{_SHOWN}\ :]|:(?!\ |\Z)|\ (?!\#|\Z))*""",
    re.VERBOSE,
)
_LITERAL = re.compile(f"[^{_HIDDEN}]*")
_FIRST_LINE_INDENTED = re.compile(r"\n*[ \t]")
_ESCAPED = re.compile(f'["\\\\\t\n{_HIDDEN}]')
_SPARES_ESCAPES = re.compile(f'{_SHOWN}]*["\\\\]{_SHOWN}]*')
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}

_WORDS = frozenset(
    form for word in ("y", "n", "yes", "no", "on", "off", "true", "false", "null", "~", "<<", "=", "") for form in (word, word.capitalize(), word.upper())
)
_NUMBER = re.compile(
    r"""[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?
      | [-+]?0[xX][0-9a-fA-F]+ | [-+]?0[oO][-+]?[0-7]+ | [-+]?0[bB][-+]?[01]+  # Go takes a second sign
      | [-+]?[0-9]+(?::[0-5]?[0-9])+(?:\.[0-9]*)?
      | [0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt ].*)?
      | [-+]?\.(?:inf|Inf|INF) | [-+]?\.(?:nan|NaN|NAN)""",
    re.VERBOSE | re.ASCII,
)
_NUMBER_STARTS = frozenset("+-.0123456789")


def is_text(text: str) -> bool:
    """Whether every reader takes the unquoted scalar ``text`` for a string (its syntax aside): not ``no``, ``1e3``, ``0o14``, ``12:30``."""
    if text in _WORDS:
        return False
    if text[0] not in _NUMBER_STARTS:
        return True
    if "_" in text:  # YAML 1.1 has them among digits, Go takes them out wherever they are
        return not (_NUMBER.fullmatch(text.replace("_", "")) or _NUMBER.fullmatch(text.replace("_", "0")))
    return _NUMBER.fullmatch(text) is None


def _quote(text: str) -> str:
    """Single quotes where they spare escapes, else double ones."""
    if "'" not in text and _SPARES_ESCAPES.fullmatch(text):
        return f"'{text}'"
    return f'"{_ESCAPED.sub(_escape, text)}"'


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    code = ord(character)
    if 0xD800 <= code <= 0xDFFF:
        raise ValueError(f"a lone surrogate (U+{code:04X}) is no character")
    return _ESCAPES.get(character) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")


def _inline(text: str) -> str:
    """A text on one line."""
    return text if _PLAIN.fullmatch(text) and text[:4].rstrip() not in ("---", "...") and is_text(text) else _quote(text)


def _block(text: str, indent: str) -> str:
    """What follows the ``key:`` of a text with line feeds whose literal lines stand at ``indent``."""
    body = text.rstrip("\n")
    if not body.strip() or not _LITERAL.fullmatch(text):
        return f" {_quote(text)}"
    feeds = len(text) - len(body)
    head = f" |{'2' if _FIRST_LINE_INDENTED.match(body) else ''}{'-' if feeds == 0 else '' if feeds == 1 else '+'}"
    lines = [f"{indent}{line}" if line else "" for line in body.split("\n")]
    return "\n".join([head, *lines, *[""] * (feeds - 1)])


class _Scalars(dict[str, str]):
    """Text → what follows ``key:`` on its line; empty for text of several lines, which depends on the indentation."""

    def __missing__(self, text: str) -> str:
        if "\n" in text:
            return ""
        made = f" {_inline(text)}"
        if len(text) <= _CACHED_LENGTH:
            if len(self) >= _CACHED:
                self.clear()
            self[text] = made
        return made


class _Keys(dict[str, str]):
    """Key → the key with its colon; empty for a key too long for one line."""

    def __missing__(self, key: str) -> str:
        if not isinstance(key, str):
            raise TypeError(f"a key of a manifest must be a string, not {type(key).__name__}: {key!r}")
        made = f"{_inline(key)}:"
        if len(made) > _LONG_KEY:
            return ""
        if len(self) >= _CACHED:
            self.clear()
        self[key] = made
        return made


_scalars = _Scalars()
_keys = _Keys()


def _other(value: Any) -> str:
    """What follows ``key:`` for a scalar that is no text."""
    if value is None:
        return " null"
    if value is True:
        return " true"
    if value is False:
        return " false"
    if isinstance(value, int):
        return f" {int.__repr__(value)}"
    if isinstance(value, float):
        return f" {_float(value)}"
    if isinstance(value, str):
        return _scalars[str(value)]
    raise TypeError(f"a manifest is made of mappings, lists, strings, numbers, booleans and null, not of {type(value).__name__}")


def _float(value: float) -> str:
    """YAML 1.1 wants a point and a signed exponent."""
    if value != value or value in (float("inf"), float("-inf")):
        return {"nan": ".nan", "inf": ".inf", "-inf": "-.inf"}[repr(value)]
    mantissa, exponent, power = repr(value).partition("e")
    return f"{mantissa if '.' in mantissa else f'{mantissa}.0'}{exponent}{power}"


def _mapping(data: dict[str, Any], lead: str, indent: str, add: Callable[[str], None]) -> None:
    """One line per key; ``lead`` stands before the first, ``indent`` before the others."""
    scalars, keys = _scalars, _keys
    for key, value in data.items():
        head = keys[key]
        if head:
            head = lead + head
        else:
            add(f"{lead}? {_inline(key)}")
            head = f"{indent}:"
        lead = indent
        kind = type(value)
        if kind is str:
            add(head + (scalars[value] or _block(value, f"{indent}  ")))
        elif isinstance(value, dict):
            if value:
                add(head)
                deeper = f"{indent}  "
                _mapping(value, deeper, deeper, add)
            else:
                add(f"{head} {{}}")
        elif isinstance(value, (list, tuple)):
            if value:
                add(head)
                _sequence(value, indent, indent, add)
            else:
                add(f"{head} []")
        else:
            add(head + _other(value))


def _sequence(data: list[Any] | tuple[Any, ...], lead: str, indent: str, add: Callable[[str], None]) -> None:
    """One line per item, the first line of a container beside its dash."""
    deeper = f"{indent}  "
    for value in data:
        head = f"{lead}-"
        lead = indent
        if type(value) is str:
            add(head + (_scalars[value] or _block(value, deeper)))
        elif isinstance(value, dict) and value:
            _mapping(value, f"{head} ", deeper, add)
        elif isinstance(value, (list, tuple)) and value:
            _sequence(value, f"{head} ", deeper, add)
        else:
            add(head + (" {}" if isinstance(value, dict) else " []" if isinstance(value, (list, tuple)) else _other(value)))


def dump(data: Any) -> str:
    """One YAML document without ``---``, ending in a line feed.

    ``data``: ``Map``/``dict`` with string keys, ``Seq``/``list``/``tuple``, ``str int float bool None``. Raises TypeError for
    anything else, ValueError for lone surrogates.
    """
    lines: list[str] = []
    if isinstance(data, dict) and data:
        _mapping(data, "", "", lines.append)
    elif isinstance(data, (list, tuple)) and data:
        _sequence(data, "", "", lines.append)
    elif isinstance(data, str):
        lines.append(_inline(data))
    else:
        lines.append("{}" if isinstance(data, dict) else "[]" if isinstance(data, (list, tuple)) else _other(data)[1:])
    lines.append("")
    return "\n".join(lines)
