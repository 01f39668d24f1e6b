"""The text of locks: a small, fixed part of YAML that every YAML reader understands the same.

A lock is a line per top-level field; what is inside a field stands in flow style on that line (release locks, where a merge of two
changes must conflict) or as a block (what people read). Nothing here is configurable: one value has one text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

_PLAIN = re.compile(r"(?:[A-Za-z][A-Za-z0-9_./+@-]*(?: [A-Za-z0-9][A-Za-z0-9_./+@-]*)*|\d+\.\d+\.[0-9A-Za-z][0-9A-Za-z.+_-]*|https://[A-Za-z0-9_./+@~-]+)")
_NOT_TEXT = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
_ESCAPED = re.compile(r'["\\\x00-\x1f\x7f-\xa0\xad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff0-\uffff\ud800-\udfff]')
_SHORT = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_TOKEN = re.compile(
    r'\s*(?:([\[\]{},])|("(?:[^"\\]|\\["\\/bfnrt]|\\u[0-9A-Fa-f]{4})*")|([A-Za-z0-9_./+@~-](?:[A-Za-z0-9_./+@~-]|:(?=/)| (?=[A-Za-z0-9]))*))(:(?= ))?'
)
_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,17})")
_LINE = re.compile(r"([A-Za-z]+): (.+)")


def scalar(value: object) -> str:
    """One scalar: plain where every reader takes it for the same text, otherwise in double quotes."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return json.dumps(value)
    return _text(str(value))


@lru_cache(maxsize=4096)
def _text(text: str) -> str:
    if _PLAIN.fullmatch(text) and text.lower() not in _NOT_TEXT:
        return text
    return '"' + _ESCAPED.sub(_escape, text) + '"'


def flow(value: object) -> str:
    """A value on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join([f"{scalar(key)}: {flow(item)}" for key, item in value.items()]) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join([flow(item) for item in value]) + "]"
    return scalar(value)


def lines(value: Mapping[str, Any]) -> bytes:
    """A lock whose fields are a line each."""
    return "".join([f"{key}: {flow(item)}\n" for key, item in value.items()]).encode()


def block(value: Mapping[str, Any]) -> bytes:
    """A lock whose fields are blocks."""
    return "".join(_block(value, 0)).encode()


def _block(value: object, indent: int) -> list[str]:
    pad = "  " * indent
    out: list[str] = []
    if isinstance(value, Mapping):
        for key, item in value.items():
            out += _entry(f"{pad}{scalar(key)}:", item, indent + 1)
    elif isinstance(value, list | tuple):
        for item in value:
            if isinstance(item, Mapping | list | tuple) and item:
                inner = _block(item, indent + 1)
                out += [f"{pad}- {inner[0].lstrip()}", *inner[1:]]
            else:
                out.append(f"{pad}- {flow(item)}\n")
    return out


def _entry(head: str, item: object, indent: int) -> list[str]:
    if isinstance(item, Mapping | list | tuple) and item:
        return [f"{head}\n", *_block(item, indent if isinstance(item, Mapping) else indent - 1)]
    return [f"{head} {flow(item)}\n"]


def _escape(found: re.Match[str]) -> str:
    character = found.group()
    return _SHORT.get(character) or f"\\u{ord(character):04x}"


def read_lines(data: bytes) -> dict[str, Any] | None:
    """Read what ``lines`` wrote; None for any other text, which a whole YAML reader must judge. Nobody may change what is in the fields."""
    fields: dict[str, Any] = {}
    try:
        for line in data.decode().removesuffix("\n").split("\n"):
            key, value = _field(line)
            if key in fields:
                return None
            fields[key] = value
    except (ValueError, RecursionError):
        return None
    return fields


@lru_cache(maxsize=1024)
def _field(line: str) -> tuple[str, Any]:
    """One line; many locks of a repository have most of theirs in common. Raises ``ValueError``."""
    found = _LINE.fullmatch(line)
    if found is None:
        raise ValueError(line)
    value, end = _value(found[2], 0)
    if end != len(found[2]):
        raise ValueError(line)
    return found[1], value


def _value(text: str, at: int) -> tuple[Any, int]:
    found = _token(text, at)
    if found[1] == "{":
        return _pairs(text, found.end())
    if found[1] == "[":
        return _items(text, found.end())
    return _scalar(found), found.end()


def _pairs(text: str, at: int) -> tuple[dict[str, Any], int]:
    pairs: dict[str, Any] = {}
    if text.startswith("}", at):
        return pairs, at + 1
    while True:
        found = _token(text, at)
        key = _scalar(found)
        if found[4] is None or not isinstance(key, str) or key in pairs:
            raise ValueError(text)
        pairs[key], at = _value(text, found.end())
        end = _token(text, at)
        at = end.end()
        if end[1] == "}":
            return pairs, at
        if end[1] != ",":
            raise ValueError(text)


def _items(text: str, at: int) -> tuple[list[Any], int]:
    items: list[Any] = []
    if text.startswith("]", at):
        return items, at + 1
    while True:
        item, at = _value(text, at)
        items.append(item)
        end = _token(text, at)
        at = end.end()
        if end[1] == "]":
            return items, at
        if end[1] != ",":
            raise ValueError(text)


def _token(text: str, at: int) -> re.Match[str]:
    found = _TOKEN.match(text, at)
    if found is None:
        raise ValueError(text)
    return found


def _scalar(found: re.Match[str]) -> Any:
    quoted: str | None = found[2]
    if quoted is not None:
        return quoted[1:-1] if "\\" not in quoted and quoted.isprintable() else json.loads(quoted)
    word = found[3]
    if word is None:
        raise ValueError(found[0])
    if word in {"null", "true", "false"} or _NUMBER.fullmatch(word):
        return json.loads(word)
    if _PLAIN.fullmatch(word) and word.lower() not in _NOT_TEXT:
        return word
    raise ValueError(word)
