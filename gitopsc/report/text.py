"""Results for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gitopsc.report.differences import Group, Line, consequence_lines, field_lines, groups, sections, title
from gitopsc.report.document import block
from gitopsc.report.findings import Paint, plain
from gitopsc.report.redact import VERBATIM, mapped, quiet, visible
from gitopsc.report.redact import line as safe
from gitopsc.report.result import Result
from gitopsc.report.words import CHANGES, count, some

_COLOURS = {"+": "32", "-": "31", "~": "33", "!": "35", "@": "36", " ": "2"}
_SIGNS = {"created": "+", "changed": "~", "deleted": "-"}
_MOST_LINES = 40
"""Lines of one field that a terminal shows."""


def text(result: Result, paint: Paint = plain, width: int | None = None) -> str:
    """What standard output shows: the story's own text, else the kind's formatter, else the fields. Nothing where errors ended it early.

    ``width``: the columns of the terminal, null where it is none.
    """
    if result.text is not None:
        return result.text if result.kind in VERBATIM else visible(result.text)
    ended = any(item.severity == "error" for item in result.diagnostics)
    if result.kind == "DiffResult" and (result.data.get("changes") or not ended):
        return "".join(f"{row}\n" for row in _diff(result.data, paint))
    if result.kind == "StatusResult" and result.data.get("time"):
        from gitopsc.report.standings import standings

        return "".join(f"{row}\n" for row in standings(result.data, paint, width))
    if result.kind in ("HistoryResult", "AuditResult") and not ended:
        from gitopsc.report.past import past

        return "".join(f"{row}\n" for row in past(result, paint, width))
    if ended:
        return ""
    return "".join(f"{row}\n" for row in block(mapped(result.data, visible))) if result.data else ""


def _diff(data: Mapping[str, Any], paint: Paint) -> list[str]:
    """What changes, once for all environments that change alike."""
    changes = data["changes"]
    if not changes:
        return ["no differences"]
    compared = safe(title(data))
    out = [paint(compared, "1")] if compared else []
    for application, environments, items in sections(groups(changes)):
        where = "" if compared else f"{some(map(safe, environments))}: "
        out.append(paint(quiet(f"{where}{safe(application)}"), "1"))
        for group in items:
            out += _object(group, paint)
    totals = [count(found, "object") + f" {change}" for change in CHANGES if (found := sum(item["change"] == change for item in changes))]
    return [*out, ", ".join(totals)]


def _object(group: Group, paint: Paint) -> Iterator[str]:
    change = group.change["change"]
    sign = _SIGNS[change]
    yield paint(f"{sign} {safe(group.name)} {change}", _COLOURS[sign])
    for field in group.change.get("fields", ()) if change == "changed" else ():
        lines = field_lines(field, whole=False)
        yield from (f"    {_painted(line, paint)}" for line in lines[:_MOST_LINES])
        if len(lines) > _MOST_LINES:
            yield f"    … {count(len(lines) - _MOST_LINES, 'more line')}"
    yield from (f"    {_painted(line, paint)}" for line in consequence_lines(group.change))


def _painted(line: Line, paint: Paint) -> str:
    place = f"  ({line.place})" if line.place else ""
    if line.mark == "!":
        kind, _, message = line.text.partition(":")
        return f"{paint(kind, _COLOURS['!'])}:{message}"
    if line.mark == "@":
        return f"  {paint(line.text, _COLOURS['@'])}"
    return f"{paint(quiet(f'{line.mark} {line.text}'), _COLOURS[line.mark])}{place}".rstrip()
