"""What our own emitter wrote, read line by line: many times faster than any reader of all of YAML.

Only a part of what the emitter writes is known here, each form of it so strictly that no reader of YAML takes it for anything else.
Whoever finds another form has to ask the whole reader. Pure.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from gitopsc.spec.characters import FORBIDDEN
from gitopsc.spec.scalars import MAYBE, OLD_WORDS, OutOfRange, ambiguous, resolve

_ODD = re.compile(r"[^\n -~]").search  # most texts have nothing but ASCII
_WIDE = re.compile(rf"[\t\r]|{FORBIDDEN.pattern}").search
_LINE = re.compile(r"( *)((?:- )*)(?:([A-Za-z_][A-Za-z0-9_./-]{0,200}):(?: (.+))?|([^ ].*))").fullmatch
_PLAIN = re.compile(r"(?:[A-Za-z0-9/_.$(]|-(?=[A-Za-z0-9]))(?:[^ :]|:(?=[^ ])| (?=[^ #]))*").fullmatch
_DOUBLE = re.compile(r'"((?:[^"\\]|\\["\\nt])*)"').fullmatch
_SINGLE = re.compile(r"'([^']*)'").fullmatch
_ESCAPE = re.compile(r"\\(.)")
_ESCAPED = {"n": "\n", "t": "\t", '"': '"', "\\": "\\"}


class _Unknown(Exception):
    """Some other form of YAML, or none."""


def emitted(data: bytes, depth: int) -> dict[str, Any] | None:
    """The one mapping that a file holds, in plain dicts and lists; None where the whole reader has to say what it holds.

    ``depth``: containers that may be nested.
    """
    try:
        text = data.decode()
        if not text.endswith("\n") or (_ODD(text) and _WIDE(text)):
            return None
        return _Lines(text.split("\n"), depth).read()
    except (_Unknown, UnicodeDecodeError, IndexError):
        return None


class _Lines:
    """``stack``: the containers that are open, each with the column in which its keys or dashes stand. ``pending``: a key whose value is on
    the lines that follow, with its column and its mapping; before the first line, of no mapping.
    """

    __slots__ = ("at", "depth", "lines", "pending", "stack")

    def __init__(self, lines: list[str], depth: int) -> None:
        self.lines = lines
        self.depth = depth
        self.at = 0
        self.stack: list[tuple[int, Any]] = []
        self.pending: tuple[int, dict[str, Any] | None, str] | None = (-2, None, "")

    def read(self) -> dict[str, Any]:
        lines, stack, last = self.lines, self.stack, len(self.lines) - 1
        while self.at < last:
            found = _LINE(lines[self.at])
            if found is None:
                raise _Unknown
            self.at += 1
            spaces, dashes, key, value, item = found.groups()
            column = len(spaces)
            if dashes:
                column = self._dashes(column, len(dashes) // 2)
            if key is None:
                if not dashes:
                    raise _Unknown
                stack[-1][1].append(self._value(item, column))
                continue
            mapping = self._mapping(column, fresh=bool(dashes))
            if key in mapping or _is_odd_key(key):
                raise _Unknown
            if value is None:
                mapping[key] = None
                self.pending = (column, mapping, key)
            else:
                mapping[key] = self._value(value, column + 2)
        if self.pending is not None or not stack or type(stack[0][1]) is not dict:
            raise _Unknown
        root: dict[str, Any] = stack[0][1]
        return root

    def _mapping(self, column: int, *, fresh: bool) -> dict[str, Any]:
        """The mapping that a key in this column belongs to. ``fresh``: it comes after a dash, as the first of its mapping."""
        stack = self.stack
        made: dict[str, Any] = {}
        if fresh:
            stack[-1][1].append(made)
            self._push(column, made)
            return made
        if self.pending is not None:
            self._open(column, made, self.pending[0] + 2)
            return made
        while stack[-1][0] > column or (stack[-1][0] == column and type(stack[-1][1]) is list):
            stack.pop()
        if stack[-1][0] != column:
            raise _Unknown
        found: dict[str, Any] = stack[-1][1]
        return found

    def _dashes(self, column: int, count: int) -> int:
        """Find or open the list that the first dash belongs to, and a new one for each further dash; the column behind them."""
        stack = self.stack
        if self.pending is not None:
            self._open(column, [], self.pending[0])
        else:
            while stack[-1][0] > column:
                stack.pop()
            if stack[-1][0] != column or type(stack[-1][1]) is not list:
                raise _Unknown
        for _ in range(count - 1):
            column += 2
            inner: list[Any] = []
            stack[-1][1].append(inner)
            self._push(column, inner)
        return column + 2

    def _open(self, column: int, made: Any, expected: int) -> None:
        """A container begins where the key before it has no value."""
        assert self.pending is not None
        _, owner, key = self.pending
        if column != expected:
            raise _Unknown
        if owner is not None:
            owner[key] = made
        self._push(column, made)
        self.pending = None

    def _push(self, column: int, made: Any) -> None:
        if len(self.stack) >= self.depth:
            raise _Unknown
        self.stack.append((column, made))

    def _value(self, text: str, indent: int) -> Any:
        first = text[0]
        if first == "|":
            return self._literal(text, " " * indent)
        if first == '"':
            found = _DOUBLE(text)
            if found is None:
                raise _Unknown
            return _ESCAPE.sub(_character, found[1]) if "\\" in text else found[1]
        if first == "'":
            found = _SINGLE(text)
            if found is None:
                raise _Unknown
            return found[1]
        if first in "{[":
            if text not in ("{}", "[]"):
                raise _Unknown
            return {} if first == "{" else []
        return _plain(text)

    def _literal(self, head: str, pad: str) -> str:
        """The lines of a text that are indented so far."""
        lines, start = self.lines, self.at
        end = start
        while (line := lines[end]).startswith(pad) or (not line and end < len(lines) - 1):
            end += 1
        self.at = end
        kept = [line[len(pad) :] for line in lines[start:end]]
        if head not in ("|", "|-") or not kept or not kept[0].strip() or kept[0][0] in " \t" or not kept[-1].strip():
            raise _Unknown
        return "\n".join(kept) + ("" if head == "|-" else "\n")


def _character(found: re.Match[str]) -> str:
    return _ESCAPED[found[1]]


@lru_cache(maxsize=4096)
def _is_odd_key(key: str) -> bool:
    return key in OLD_WORDS or not isinstance(resolve(key), str)


@lru_cache(maxsize=4096)
def _plain(text: str) -> Any:
    """What a scalar without quotes says, where all readers agree. Raises ``_Unknown``."""
    if _PLAIN(text) is None or ambiguous(text):
        raise _Unknown
    if text[0] not in MAYBE:
        return text
    try:
        return resolve(text)
    except OutOfRange:
        raise _Unknown from None
