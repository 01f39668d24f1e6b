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


def _check(data: Mapping[str, Any], paint: Paint) -> list[str]:
    counted = [count(data[name], name[:-1]) for name in ("applications", "environments", "objects") if isinstance(data.get(name), int)]
    return [paint("no errors", "32") + (f": {', '.join(counted)}" if counted else "")]


def _build(data: Mapping[str, Any], paint: Paint) -> list[str]:
    out: list[str] = []
    unchanged = 0
    for environment in data["environments"]:
        moved = [item for item in environment["applications"] if item.get("action")]
        unchanged += len(environment["applications"]) - len(moved)
        if moved:
            out.append(paint(environment["name"], "1"))
            width = max(len(item["name"]) for item in moved)
            out += [f"  {item['name']:<{width}}  {_written(item, paint)}" for item in moved]
    if not data["changed"]:
        return [*out, "already up to date"]
    if unchanged:
        out.append(f"{count(unchanged, 'application')} unchanged")
    revision = data.get("revision")
    return [*out, f"committed {revision}" if revision else "nothing committed"]


def _written(item: Mapping[str, Any], paint: Paint) -> str:
    counts = [paint(f"{len(item[change])} {change}", _SIGNS[change][1]) for change in CHANGES if item.get(change)]
    objects = f"{count(item['objects'], 'object')}" + (f" ({', '.join(counts)})" if counts else "")
    return f"{item['action']}, generation {item['generation']}, {objects}, release {item['release']}"


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


def _explain(data: Mapping[str, Any], paint: Paint) -> list[str]:
    places = data["places"]
    if not places:
        return [value_name(data["value"])]
    heads = [f"{item['file']}:{item['line']}:" if item.get("file") else str(item["layer"]) + ":" for item in places]
    values = [value_name(item["value"]) for item in places]
    wide, broad = max(map(len, heads)), max(map(len, values))
    out = []
    for item, head, value in zip(places, heads, values, strict=True):
        mark = paint("<- effective  ", "32") if item["effective"] else "(overridden)  "
        operation = item.get("operation") or "set"
        layer = str(item["layer"]) if operation == "set" else f"{item['layer']}, {operation}"
        out.append(f"{head:<{wide}} {value:<{broad}} {mark} ({layer})")
    return out


_FORMATTERS: dict[str, Callable[[Mapping[str, Any], Paint], list[str]]] = {
    "CheckResult": _check,
    "BuildResult": _build,
    "DiffResult": _diff,
    "ExplainResult": _explain,
}
