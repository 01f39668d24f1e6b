"""What must not leave: secrets, and characters that drive a terminal. Applied to a whole result, before any format."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from gitopsc.diagnostics import Diagnostic, Place
from gitopsc.report.result import Result

MASK = "***"
_SHORTEST = 6  # a shorter "secret" would mask ordinary words
_USERINFO = re.compile(r"(?i)\b((?:https?)://)[^/?#\s@'\"]+@|\b([a-z][a-z0-9+.-]*://)[^/?#\s@:'\"]*:[^/?#\s@'\"]+@")
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
    r"|(?<=#)#(?=\[)"  # ##[error] is a command to CI wherever it stands in a line
)
SECRET_CODES = frozenset({"plain-secret"})
"""Findings about secrets in plain sight, whose lines are not shown."""
VERBATIM = frozenset({"RenderResult", "SchemaResult"})
"""Kinds whose text is a product that other programs read: masking a part would make it another product."""


class Redactor:
    """Masks credentials in URLs, and the given secret values wherever they stand."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = sorted({value for secret in secrets for value in _spellings(secret)}, key=len, reverse=True)
        self._secrets = re.compile("|".join(map(re.escape, known))) if known else None

    def __call__(self, text: str) -> str:
        """The text with every secret masked."""
        if self._secrets is not None:
            text = self._secrets.sub(MASK, text)
        return _USERINFO.sub(lambda found: f"{found[1] or found[2]}{MASK}@", text) if "://" in text else text

    def result(self, result: Result) -> Result:
        """The whole result, redacted. What a product holds stays as it is; its diagnostics do not."""
        verbatim = result.kind in VERBATIM
        return replace(
            result,
            data=result.data if verbatim else mapped(result.data, self),
            text=result.text if verbatim or result.text is None else self(result.text),
            diagnostics=tuple(diagnostic(item, self) for item in result.diagnostics),
            sources={file: self(text) for file, text in _hidden(result).items()},
        )


def _hidden(result: Result) -> Mapping[str, str]:
    """The sources without the lines that were found to hold a secret: a finding names its key, and must not show what it is."""
    found = {(item.place.file, item.place.line) for item in result.diagnostics if item.place is not None and item.code in SECRET_CODES}
    return {
        file: "\n".join("" if (file, number) in found else text for number, text in enumerate(content.split("\n"), 1))
        if any(file == name for name, _ in found)
        else content
        for file, content in result.sources.items()
    }


def _spellings(secret: str) -> list[str]:
    """A secret as it is, as base64 and as it stands in a URL."""
    if len(secret) < _SHORTEST:
        return []
    from base64 import b64encode
    from urllib.parse import quote

    return [secret, b64encode(secret.encode()).decode().rstrip("="), quote(secret, safe="")]


def visible(text: str) -> str:
    """Text whose control, escape and bidirectional characters are written out (``\\x1b``), newline and tab kept."""
    return _UNSAFE.sub(_written, text) if _UNSAFE.search(text) else text


def _written(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def line(text: str) -> str:
    """One line of safe text: newlines and tabs are written out too."""
    return visible(text).replace("\n", "\\n").replace("\t", "\\t")


def quiet(text: str) -> str:
    """A line that begins with no command: CI takes ``::error …`` for one of ours, whatever spaces stand before it."""
    start = len(text) - len(text.lstrip())
    return f"{text[:start]}\\x3a{text[start + 1 :]}" if text.startswith("::", start) else text


def mapped(value: Any, change: Callable[[str], str]) -> Any:
    """A tree of plain values, every string (keys too) changed; named tuples become maps."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {change(key) if isinstance(key, str) else key: mapped(item, change) for key, item in value.items()}
    if hasattr(value, "_asdict"):
        return mapped(value._asdict(), change)
    if isinstance(value, list | tuple):
        return [mapped(item, change) for item in value]
    return value


def diagnostic(item: Diagnostic, change: Callable[[str], str]) -> Diagnostic:
    """A diagnostic, every text of it changed."""
    place = item.place and Place(change(item.place.file), item.place.line, item.place.column)
    return replace(
        item,
        message=change(item.message),
        hint=None if item.hint is None else change(item.hint),
        place=place,
        path=change(item.path),
    )
