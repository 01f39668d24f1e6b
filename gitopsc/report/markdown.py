"""Results as Markdown, for the comment on a pull request: all that a person wrote stands in code spans and fences that fit it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from gitopsc.report.findings import findings, tally
from gitopsc.report.redact import line as safe
from gitopsc.report.result import Result
from gitopsc.report.text import text
from gitopsc.report.words import CHANGES, count, object_name, place_name, some, value_name

MOST = 65_536
"""Characters a forge takes in one comment."""
MARKER = "<!-- gitopsc -->"
"""By this a bot finds its comment again, to update it in place."""

_CONSEQUENCES = {
    "restart": "will restart",
    "delete": "will be deleted",
    "recreate": "immutable, needs recreation",
    "scale": "changes replicas",
    "resources": "changes resources",
    "exposure": "changes exposure",
    "permissions": "changes permissions",
}
Change = Mapping[str, Any]


def markdown(result: Result) -> str:
    """One comment of at most ``MOST`` characters: whole blocks only, the most telling first."""
    if result.kind == "SchemaResult":
        return result.text or ""
    found = _findings(result)
    if result.kind == "DiffResult" and result.data.get("changes"):
        changes: Sequence[Change] = result.data["changes"]
        blocks = [MARKER, _headline(changes), *_tables(changes), *_folds(changes)]
    else:
        shown = text(result)
        blocks = [MARKER, f"### gitopsc: {_verdict(result)}", *([fence(shown, "text")] if shown.strip() else [])]
    return fit([*blocks[:2], *found, *blocks[2:]] if found else blocks)


def fit(blocks: Sequence[str], most: int = MOST) -> str:
    """The blocks, as many as fit, and a line that counts the rest."""
    reserve = 80
    out: list[str] = []
    size = 0
    left_out = 0
    for block in blocks:
        if size + len(block) + 2 > most - reserve:
            left_out += 1
        else:
            out.append(block)
            size += len(block) + 2
    if left_out:
        out.append(f"*{count(left_out, 'block')} left out: a comment holds no more.*")
    return "\n\n".join(out) + "\n"


def code(words: str) -> str:
    """A code span that what stands in it cannot end; nothing in it is a link, a mention or a tag."""
    words = safe(words)
    longest = max((len(run) for run in re.findall("`+", words)), default=0)
    ticks = "`" * (longest + 1)
    pad = " " if words.startswith("`") or words.endswith("`") else ""
    return f"{ticks}{pad}{words}{pad}{ticks}".replace("|", "\\|")


def fence(content: str, language: str) -> str:
    """A fenced block that what stands in it cannot end."""
    longest = max((len(run) for run in re.findall("`+", content)), default=0)
    ticks = "`" * max(3, longest + 1)
    return f"{ticks}{language}\n{content.rstrip()}\n{ticks}"


def _html(words: str) -> str:
    escaped = safe(words).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f"<code>{escaped}</code>"


def _verdict(result: Result) -> str:
    counted = tally(result.diagnostics)
    if counted:
        return counted
    return "no differences" if result.kind == "DiffResult" else "no errors"


def _findings(result: Result) -> list[str]:
    if not result.diagnostics:
        return []
    return [f"**{tally(result.diagnostics) or 'notes'}**", *(fence(findings([item], result.sources), "text") for item in result.diagnostics)]


def _headline(changes: Sequence[Change]) -> str:
    environments = _unique(change["environment"] for change in changes)
    applications = _unique(change["application"] for change in changes)
    change = "changes" if len(applications) == 1 else "change"
    lines = [f"### gitopsc: {count(len(applications), 'application')} {change} in {count(len(environments), 'environment')}", ""]
    for application in applications[:20]:
        where = _unique(item["environment"] for item in changes if item["application"] == application)
        lines.append(f"- {code(application)} changes in {some(map(code, where))}")
    if len(applications) > 20:
        lines.append(f"- and {count(len(applications) - 20, 'application')} more")
    images = _unique(
        f"{code(str(field['before']))} → {code(str(field['after']))}"
        for item in changes
        for field in item.get("fields", ())
        if str(field["path"]).endswith(".image") and field.get("before") and field.get("after")
    )
    if images:
        lines.append(f"- images: {some(images)}")
    for kind, words in _CONSEQUENCES.items():
        hit = [item for item in changes if any(found["kind"] == kind for found in item.get("consequences", ()))]
        if hit:
            grouped = _grouped(hit, lambda item: (item["application"], object_name(item["object"])))
            lines.append(f"- **{words}**: {some(f'{code(name)} ({some(map(code, _environments(items)), 5)})' for (_, name), items in grouped)}")
    return "\n".join(lines)


def _tables(changes: Sequence[Change]) -> list[str]:
    out = []
    for environment, items in _grouped(changes, lambda item: item["environment"]):
        rows = [f"**{code(environment)}**", "", "| application | created | changed | deleted |", "|---|---|---|---|"]
        for application, own in _grouped(items, lambda item: item["application"]):
            cells = [some(code(object_name(item["object"])) for item in own if item["change"] == change) or " " for change in CHANGES]
            rows.append(f"| {code(application)} | {' | '.join(cells)} |")
        out.append("\n".join(rows))
    return out


def _folds(changes: Sequence[Change]) -> list[str]:
    """One foldable block for each set of environments in which an object changes alike."""

    def alike(item: Change) -> tuple[object, ...]:
        fields = tuple((field["path"], repr(field.get("before")), repr(field.get("after"))) for field in item.get("fields", ()))
        return (item["application"], object_name(item["object"]), item["change"], fields)

    out = []
    for (application, name, change, _), items in _grouped(changes, alike):
        where = ", ".join(map(_html, _environments(items)))
        same = "the same in " if len(items) > 1 else ""
        summary = f"{_html(str(application))}: {_html(str(name))} {change}, {same}{where}"
        lines = [line for field in items[0].get("fields", ()) for line in _field_lines(field)]
        lines += [f"! {item['kind']}: {safe(item['message'])}" for item in items[0].get("consequences", ())]
        body = fence("\n".join(lines), "diff") if lines else ""
        out.append(f"<details><summary>{summary}</summary>\n\n{body}\n\n</details>")
    return out


def _field_lines(field: Mapping[str, Any]) -> list[str]:
    origin = place_name(field.get("origin"))
    note = f"  # {safe(origin)}" if origin else ""
    lines = []
    if field.get("before") is not None:
        lines.append(f"- {safe(str(field['path']))}: {safe(value_name(field['before']))}")
    if field.get("after") is not None:
        lines.append(f"+ {safe(str(field['path']))}: {safe(value_name(field['after']))}")
    lines[-1:] = [f"{lines[-1]}{note}"] if lines else []
    return lines


def _environments(items: Iterable[Change]) -> list[str]:
    return _unique(item["environment"] for item in items)


def _unique(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))


def _grouped(items: Iterable[Change], key: Callable[[Change], Any]) -> list[tuple[Any, list[Change]]]:
    groups: dict[Any, list[Change]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return list(groups.items())
