"""Blocks of Markdown: all that a person wrote stands in code spans and fences that fit it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from gitopsc.report.findings import findings, tally
from gitopsc.report.redact import line as safe
from gitopsc.report.result import Result
from gitopsc.report.words import count

MOST = 65_536
"""Characters a forge takes in one comment."""
MARKER = "<!-- gitopsc -->"
"""By this a bot finds its comment again, to update it in place: it is the first line, and nothing that a person wrote can be it."""
_RESERVE = 120
"""Characters kept for the line that counts what is left out."""


def fit(blocks: Sequence[str], most: int = MOST, what: str = "block") -> str:
    """The blocks, as many as fit, and a line that counts the rest. ``what``: what a block is called."""
    out: list[str] = []
    size = 0
    left_out = 0
    for block in blocks:
        if size + length(block) + 2 > most - _RESERVE:
            left_out += 1
        else:
            out.append(block)
            size += length(block) + 2
    if left_out:
        out.append(f"*{count(left_out, what)} left out: a comment holds no more.*")
    return "\n\n".join(out) + "\n"


def length(content: str) -> int:
    """Characters as forges count them: those beyond the first 65,536 of Unicode are two."""
    return len(content) + sum(char > "\uffff" for char in content)


def inert(words: str) -> str:
    """Safe text in which nothing is a comment of HTML: our marker in a value is not our marker."""
    return words.replace("<!--", "\\x3c!--")


def code(words: str, *, cell: bool = False) -> str:
    """A code span that what stands in it cannot end; nothing in it is a link, a mention or a tag. ``cell``: it stands in a table."""
    words = inert(safe(words)) or " "
    if cell:
        words = words.replace("|", "\\x7c")  # no escape of a bar holds after a backslash
    longest = max((len(run) for run in re.findall("`+", words)), default=0)
    ticks = "`" * (longest + 1)
    pad = " " if words.startswith("`") or words.endswith("`") else ""
    return f"{ticks}{pad}{words}{pad}{ticks}"


def fence(content: str, language: str) -> str:
    """A fenced block that what stands in it cannot end."""
    content = inert(content)
    longest = max((len(run) for run in re.findall("`+", content)), default=0)
    ticks = "`" * max(3, longest + 1)
    return f"{ticks}{language}\n{content.rstrip()}\n{ticks}"


def html(words: str) -> str:
    """A code element, for where Markdown is not read."""
    escaped = safe(words).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f"<code>{escaped}</code>"


def finding_blocks(result: Result, most: int = 50) -> list[str]:
    """The diagnostics, a block each, under a line that counts them; after ``most`` of them the number of the rest."""
    if not result.diagnostics:
        return []
    shown = [fence(findings([item], result.sources), "text") for item in result.diagnostics[:most]]
    rest = len(result.diagnostics) - most
    more = [f"*and {count(rest, 'more finding')}: `gitopsc check` shows all of them.*"] if rest > 0 else []
    return [f"**{tally(result.diagnostics) or 'notes'}**", *shown, *more]
