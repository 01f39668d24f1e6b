"""Diagnostics as a person reads them: place, message, the line with a caret, a hint."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from gitopsc.diagnostics import Diagnostic, Place
from gitopsc.report.redact import line as safe
from gitopsc.report.redact import quiet

_TOKEN = re.compile(r"""'[^']*'|"(?:\\.|[^"\\])*"|(?:(?!:(?:\s|$))[^\s,\[\]{}])+""")
_WIDEST = 160
_COLOURS = {"error": "31", "warning": "33", "info": "36"}

Paint = Callable[[str, str], str]
"""Called with a text and a colour's number."""


def plain(text: str, colour: str) -> str:
    """No colour."""
    del colour
    return text


def findings(diagnostics: Iterable[Diagnostic], sources: Mapping[str, str], *, paint: Paint = plain, verbose: bool = False) -> str:
    """Every diagnostic in order, ending with a newline; nothing for none."""
    lines: dict[str, list[str]] = {}
    out: list[str] = []
    for item in diagnostics:
        place = item.place
        if place is not None and place.file not in lines:
            lines[place.file] = sources.get(place.file, "").split("\n")
        out += finding(item, lines[place.file] if place else [], paint, verbose=verbose)
    return "".join(f"{text}\n" for text in out)


def finding(item: Diagnostic, source: list[str], paint: Paint, *, verbose: bool) -> list[str]:
    """The lines of one diagnostic."""
    head = safe(item.message) + (f" [{item.code}]" if item.code else "")
    if item.place is None:
        out = [f"{paint(item.severity, _COLOURS[item.severity])}: {head}"]
    elif item.severity == "error":
        out = [f"{paint(quiet(safe(str(item.place))), '1')}: {head}"]
    else:
        out = [f"{paint(quiet(safe(str(item.place))), '1')}: {paint(item.severity, _COLOURS[item.severity])}: {head}"]
    if item.place is not None and 0 < item.place.line <= len(source) and source[item.place.line - 1].strip():
        out += caret(source[item.place.line - 1], item.place, lambda text: paint(text, _COLOURS[item.severity]))
    where = " in ".join(
        text for text in (item.application and f"application {safe(item.application)}", item.environment and f"environment {safe(item.environment)}") if text
    )
    if item.environment:
        out.append(f"where: {where}")
    if verbose and item.path:
        out.append(f"path: {safe(item.path)}")
    if item.hint:
        out.append(f"hint: {safe(item.hint)}")
    return out


def caret(text: str, place: Place, paint: Callable[[str], str]) -> list[str]:
    """The source line and the mark under what is meant. A long line is cut around it."""
    text = text.rstrip("\r")
    start = min(max(place.column - 1, 0), len(text))
    token = _TOKEN.match(text, start)
    end = max(token.end() if token else start, start + 1)
    before, marked, after = text[:start], text[start:end], text[end:]
    before, marked, after = (safe(part).replace("\\t", " ") for part in (before, marked, after))
    if len(before) > _WIDEST // 2:
        before = "…" + before[-(_WIDEST // 2) :]
    if len(marked) > _WIDEST // 2:
        marked = marked[: _WIDEST // 2] + "…"
    if len(before) + len(marked) + len(after) > _WIDEST:
        after = after[: max(_WIDEST - len(before) - len(marked), 0)] + "…"
    number = str(place.line)
    mark = "^" + "~" * (max(columns(marked), 1) - 1)
    return [f"{number} | {before}{marked}{after}".rstrip(), f"{' ' * len(number)} | {' ' * columns(before)}{paint(mark)}"]


def columns(text: str) -> int:
    """How many columns of a terminal the text takes."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text)


def tally(diagnostics: Iterable[Diagnostic]) -> str:
    """``2 errors, 1 warning``; nothing for none."""
    counts = {"error": 0, "warning": 0}
    for item in diagnostics:
        if item.severity in counts:
            counts[item.severity] += 1
    return ", ".join(f"{count} {word}{'' if count == 1 else 's'}" for word, count in counts.items() if count)
