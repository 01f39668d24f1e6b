"""Rows as a table for a terminal, or as comma-separated values for a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from gitopsc.report.findings import Paint, columns
from gitopsc.report.redact import line as safe

_GAP = "  "
_FORMULA = ("=", "+", "-", "@")


class Cell(NamedTuple):
    """A text and its colour; none: as it is."""

    text: str
    colour: str = ""


def table(head: Sequence[str], rows: Iterable[Iterable[Cell | str]], paint: Paint, width: int | None = None) -> list[str]:
    """Aligned columns under their names; those that are empty in every row are left out. ``width``: the last column is cut there."""
    cells = [[Cell(safe(one.text), one.colour) if isinstance(one, Cell) else Cell(safe(one)) for one in row] for row in rows]
    kept = [index for index in range(len(head)) if any(row[index].text for row in cells)]
    widths = {index: max(columns(text) for text in (head[index], *(row[index].text for row in cells))) for index in kept}
    names = [Cell(head[index], "1") for index in kept]
    return [_line(row, [widths[index] for index in kept], paint, width) for row in (names, *([row[index] for index in kept] for row in cells))]


def _line(cells: Sequence[Cell], widths: Sequence[int], paint: Paint, width: int | None) -> str:
    left = width
    out: list[str] = []
    for index, (cell, wide) in enumerate(zip(cells, widths, strict=True)):
        last = index == len(cells) - 1
        text = cut(cell.text, left) if last and left is not None else cell.text
        padding = "" if last else " " * (wide - columns(cell.text)) + _GAP
        out.append((paint(text, cell.colour) if cell.colour and text else text) + padding)
        left = None if left is None else left - wide - len(_GAP)
    return "".join(out).rstrip()


def cut(text: str, width: int) -> str:
    """``text`` in at most ``width`` columns, but never shorter than a word."""
    width = max(width, 12)
    if columns(text) <= width:
        return text
    while columns(text) >= width:
        text = text[:-1]
    return f"{text}…"


def as_csv(names: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """The named fields of each row, by RFC 4180. What a spreadsheet would take for a formula is made text."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(names)
    for row in rows:
        writer.writerow([_plain(row.get(name)) for name in names])
    return out.getvalue()


def _plain(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool | int):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return _plain(" ".join(str(item) for item in value))
    text = safe(str(value))
    return f"'{text}" if text.startswith(_FORMULA) else text
