"""The body of a promotion's pull request: what comes, what the gate says, what would happen, and how to take it back."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from gitopsc.report.blocks import MOST, code, fence, fit
from gitopsc.report.comment import difference_blocks, flags
from gitopsc.report.words import count

_COMMITS = 30
_SKIPPED = 20
_ROWS = 60


def body(data: Mapping[str, Any]) -> str:
    """At most ``MOST`` characters: whole blocks only, the most telling first. Its first line says which commit it is of.

    ``data``: {head, moves: [{environment, application, before, after, release, generation}], conditions: [{environment, name, met, message,
    clear}], changes: those of a DiffResult, skipped: [{release, version, blockedBy}], commits: ["<id> <subject>"], rollback: [command]}.
    """
    changes: Sequence[Mapping[str, Any]] = data["changes"]
    risks = flags(changes)
    blocks = [
        _mark(data["head"]),
        _moves(data["moves"]),
        _gate(data["conditions"]),
        "\n".join(["**What happens**", "", *(risks or [_quiet(changes)])]),
        "\n".join(["**To take it back**", "", fence("\n".join(data["rollback"]), "sh")]),
        _skipped(data["skipped"]),
        _commits(data["commits"]),
        *difference_blocks(changes),
    ]
    return fit([block for block in blocks if block], MOST, "difference")


def _mark(head: str | None) -> str:
    """A comment of HTML, which nobody sees. What is not a commit's id never comes into it."""
    return f"<!-- gitopsc {head if head and re.fullmatch('[0-9a-f]{40,64}', head) else 'promotion'} -->"


def _quiet(changes: Sequence[Mapping[str, Any]]) -> str:
    return f"- {count(len(changes), 'object')} {'differs' if len(changes) == 1 else 'differ'}" if changes else "- no manifest differs"


def _moves(moves: Sequence[Mapping[str, Any]]) -> str:
    lines = ["| environment | application | from | to | release |", "|---|---|---|---|---|"]
    for one in moves[:_ROWS]:
        cells = [one["environment"], one["application"], one["before"] or "nothing", one["after"], one["release"]]
        lines.append(f"| {' | '.join(code(str(cell), cell=True) for cell in cells)} |")
    return "\n".join([*lines, *_more(len(moves) - _ROWS, "move")])


def _gate(conditions: Sequence[Mapping[str, Any]]) -> str:
    lines = ["**The gate**, when this was written", "", "| | environment | condition | |", "|---|---|---|---|"]
    for one in conditions[:_ROWS]:
        clear = f" — {code(str(one['clear']), cell=True)}" if one["clear"] else ""
        cells = ["✓" if one["met"] else "✗", code(str(one["environment"]), cell=True), code(str(one["name"]), cell=True)]
        lines.append(f"| {' | '.join(cells)} | {code(str(one['message']), cell=True)}{clear} |")
    return "\n".join([*lines, *_more(len(conditions) - _ROWS, "condition")]) if conditions else ""


def _skipped(skipped: Sequence[Mapping[str, Any]]) -> str:
    if not skipped:
        return ""
    lines = [f"- {code(str(one['version'] or one['release']))}: {', '.join(map(code, one['blockedBy']))}" for one in skipped[:_SKIPPED]]
    return "\n".join(["**Newer releases that may not come yet**", "", *lines, *_more(len(skipped) - _SKIPPED, "release")])


def _commits(commits: Sequence[str]) -> str:
    if not commits:
        return ""
    lines = [f"- {code(one)}" for one in commits[:_COMMITS]]
    return "\n".join(["**Commits**", "", *lines, *_more(len(commits) - _COMMITS, "commit")])


def _more(number: int, what: str) -> list[str]:
    return ["", f"*and {count(number, f'more {what}')}*"] if number > 0 else []
