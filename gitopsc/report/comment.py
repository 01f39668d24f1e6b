"""A diff as its reviewer reads it on a pull request: what matters first, then tables, then every difference in folds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from gitopsc.report.blocks import MARKER, MOST, code, fence, finding_blocks, fit, html, inert, length
from gitopsc.report.differences import Group, Line, consequence_lines, described, field_lines, groups, title
from gitopsc.report.redact import line as safe
from gitopsc.report.redact import quiet
from gitopsc.report.result import Result
from gitopsc.report.words import CHANGES, count, object_name, some

Change = Mapping[str, Any]
_BARE = {"restart": "will restart", "delete": "will be deleted"}
"""Consequences that need no more words than the object's name."""
_TOLD = {
    "recreate": "immutable, needs recreation",
    "scale": "changes replicas",
    "resources": "changes resources",
    "exposure": "changes exposure",
    "permissions": "changes permissions",
}
_BULLET = 1200
"""Characters of one list of the headline."""
_FOLD_LINES = 200
_FOLD = 12_000
"""Lines and characters of one fold; the rest is counted."""
_FINDINGS = 16_000
_TABLES = 12_000
"""Characters for diagnostics and for tables, so that they leave room for the differences."""


def comment(result: Result) -> str:
    """A comment of at most ``MOST`` characters: whole blocks only, and how many were left out."""
    changes: Sequence[Change] = result.data["changes"]
    found = _within(finding_blocks(result), _FINDINGS, "finding")
    return fit([MARKER, _headline(result.data, changes), *found, *difference_blocks(changes)], MOST, "difference")


def flags(changes: Sequence[Change]) -> list[str]:
    """A bullet for each kind of consequence that a reviewer must know of: restarts, deletions, fields that cannot be changed in place …"""
    out = []
    for kind, words in (_BARE | _TOLD).items():
        told = list(_consequences(changes, kind))
        if told:
            out.append(f"- **{words}**: {', '.join(_within(told, _BULLET, 'object'))}")
    return out


def difference_blocks(changes: Sequence[Change]) -> list[str]:
    """A table an environment, then a fold for each object's differences."""
    return [*_within(_tables(changes), _TABLES, "environment"), *map(_fold, groups(changes))]


def _headline(data: Mapping[str, Any], changes: Sequence[Change]) -> str:
    applications = _unique(change["application"] for change in changes)
    environments = _unique(change["environment"] for change in changes)
    what = f"{count(len(applications), 'application')} {'changes' if len(applications) == 1 else 'change'}"
    compared = title(data, code)
    where = f"{'differs' if len(applications) == 1 else 'differ'}, {compared}" if compared else f"in {count(len(environments), 'environment')}"
    head = f"{count(len(applications), 'application')} {where}" if compared else f"{what} {where}"
    lines = [f"### gitopsc: {head}", ""]
    lines += [f"- {words}" for words in _within(_applications(changes), _BULLET, "application")]
    images = _unique(
        f"{code(str(field['before']))} → {code(str(field['after']))}"
        for change in changes
        for field in change.get("fields", ())
        if str(field["path"]).endswith(".image") and isinstance(field.get("before"), str) and isinstance(field.get("after"), str)
    )
    if images:
        lines.append(f"- images: {', '.join(_within(images, _BULLET, 'image'))}")
    return "\n".join([*lines, *flags(changes)])


def _applications(changes: Sequence[Change]) -> Iterator[str]:
    """A line an application: where it changes."""
    for application, own in _grouped(changes, lambda change: change["application"]):
        yield f"{code(str(application))} changes in {some(map(code, _unique(change['environment'] for change in own)), 10)}"


def _consequences(changes: Sequence[Change], kind: str) -> Iterator[str]:
    """Each object with what follows for it, and where."""
    told: dict[tuple[str, str, str], list[str]] = {}
    for change in changes:
        for item in change.get("consequences", ()):
            if item["kind"] == kind:
                message = "" if kind in _BARE else str(item["message"])
                told.setdefault((str(change["application"]), object_name(change["object"]), message), []).append(str(change["environment"]))
    for (_, name, message), environments in told.items():
        words = f" {code(message)}" if message else ""
        yield f"{code(name)}{words} ({some(map(code, _unique(environments)), 5)})"


def _tables(changes: Sequence[Change]) -> Iterator[str]:
    """A table an environment: created, changed and deleted objects."""
    for environment, items in _grouped(changes, lambda change: change["environment"]):
        rows = [f"**{code(str(environment))}**", "", "| application | created | changed | deleted |", "|---|---|---|---|"]
        for application, own in _grouped(items, lambda change: change["application"]):
            cells = [some((code(described(item), cell=True) for item in own if item["change"] == change), 15) or " " for change in CHANGES]
            rows.append(f"| {code(str(application), cell=True)} | {' | '.join(cells)} |")
        yield "\n".join(_rows(rows))


def _rows(rows: list[str]) -> Iterator[str]:
    *shown, last = _within(rows, _TABLES // 2, "application")
    yield from shown
    yield last if last == rows[-1] else f"| {last} | | | |"


def _fold(group: Group) -> str:
    """One object's differences, where they are the same."""
    change = group.change
    where = some(map(html, group.environments), 10)
    same = ", the same in" if len(group.environments) > 1 else " in"
    summary = f"{html(group.application)}: {html(group.name)} {change['change']}{same} {where}"
    lines = [*consequence_lines(change), *(line for field in change.get("fields", ()) for line in field_lines(field, whole=True))]
    body = fence("\n".join(_shown(lines)), "diff") if lines else ""
    return f"<details><summary>{summary}</summary>\n\n{body}\n\n</details>"


def _shown(lines: Sequence[Line]) -> Iterator[str]:
    room = _FOLD
    for number, line in enumerate(lines):
        text = _written(line)
        room -= length(inert(text)) + 1
        if number >= _FOLD_LINES or room < 0:
            yield f"# {count(len(lines) - number, 'more line')}"
            return
        yield text


def _written(line: Line) -> str:
    """A line as diffs are coloured: ``-`` and ``+`` first; what is neither is a comment."""
    mark = " " if line.mark == "~" else line.mark
    note = f"  # {line.place}" if line.place else ""
    return quiet(safe(f"{line.text}{note}" if mark == "@" else f"{mark} {line.text}{note}"))


def _within(texts: Iterable[str], most: int, what: str) -> list[str]:
    """The first of the texts that have room, and how many more there are."""
    listed = list(texts)
    room = most
    for number, text in enumerate(listed):
        room -= length(text)
        if room < 0 and number:
            return [*listed[:number], f"and {count(len(listed) - number, f'more {what}')}"]
    return listed


def _unique(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(map(str, values)))


def _grouped(items: Iterable[Change], key: Callable[[Change], Any]) -> list[tuple[Any, list[Change]]]:
    found: dict[Any, list[Change]] = {}
    for item in items:
        found.setdefault(key(item), []).append(item)
    return list(found.items())
