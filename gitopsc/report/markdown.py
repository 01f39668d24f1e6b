"""Results as Markdown, for the comment on a pull request."""

from __future__ import annotations

from gitopsc.report.blocks import MARKER, fence, finding_blocks, fit
from gitopsc.report.comment import comment
from gitopsc.report.findings import tally
from gitopsc.report.result import Result
from gitopsc.report.text import text


def markdown(result: Result) -> str:
    """One comment of at most ``blocks.MOST`` characters: whole blocks only, the most telling first."""
    if result.kind == "SchemaResult":
        return result.text or ""
    if result.kind == "DiffResult" and result.data.get("changes"):
        return comment(result)
    shown = text(result)
    blocks = [MARKER, f"### gitopsc: {_verdict(result)}", *([fence(shown, "text")] if shown.strip() else [])]
    return fit([*blocks[:2], *finding_blocks(result), *blocks[2:]])


def _verdict(result: Result) -> str:
    counted = tally(result.diagnostics)
    if counted:
        return counted
    return "no differences" if result.kind == "DiffResult" else "no errors"
