"""Results for people, one formatter a kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gitopsc.report.document import block
from gitopsc.report.findings import Paint, plain
from gitopsc.report.redact import VERBATIM, line, mapped, visible
from gitopsc.report.result import Result
from gitopsc.report.words import CHANGES, count, object_name, place_name, value_name

_SIGNS = {"created": ("+", "32"), "changed": ("~", "33"), "deleted": ("-", "31")}


def text(result: Result, paint: Paint = plain) -> str:
    """What standard output shows: the story's own text, else the kind's formatter, else the fields. Nothing where errors ended it early."""
    if result.text is not None:
        return result.text if result.kind in VERBATIM else visible(result.text)
    if any(item.severity == "error" for item in result.diagnostics):
        return ""
    formatter = _FORMATTERS.get(result.kind)
    if formatter:
        return "".join(f"{row}\n" for row in formatter(mapped(result.data, line), paint))
    return "".join(f"{row}\n" for row in block(mapped(result.data, visible))) if result.data else ""


def _diff(data: Mapping[str, Any], paint: Paint) -> list[str]:
    if not data["changes"]:
        return ["no differences"]
    out: list[str] = []
    heading = None
    for change in data["changes"]:
        if heading != (change["environment"], change["application"]):
            heading = (change["environment"], change["application"])
            out.append(paint(f"{heading[0]} {heading[1]}", "1"))
        sign, colour = _SIGNS[change["change"]]
        named = paint(f"{sign} {object_name(change['object'])}", colour)
        out.append(f"{named} {change['change']}")
        out += [_field(field, paint) for field in change.get("fields", ())]
        out += [f"    {paint(item['kind'], '35')}: {item['message']}" for item in change.get("consequences", ())]
    totals = [count(found, "object") + f" {change}" for change in CHANGES if (found := sum(item["change"] == change for item in data["changes"]))]
    return [*out, ", ".join(totals)]


def _field(field: Mapping[str, Any], paint: Paint) -> str:
    before, after = field.get("before"), field.get("after")
    origin = place_name(field.get("origin"))
    if before is None:
        what = paint(f"+ {field['path']}: {value_name(after)}", "32")
    elif after is None:
        what = paint(f"- {field['path']}: {value_name(before)}", "31")
    else:
        what = f"~ {field['path']}: {paint(value_name(before), '31')} → {paint(value_name(after), '32')}"
    return f"    {what}" + (f"  ({origin})" if origin else "")


_FORMATTERS: dict[str, Callable[[Mapping[str, Any], Paint], list[str]]] = {
    "DiffResult": _diff,
}
