"""What was measured, as a table and as the file that is kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison of row ``number`` of the goals: ours and a peer's seconds, and the goal as a ratio of ours to theirs.

    Without a peer (None) the goal says its own unit.
    """

    number: int
    what: str
    ours: float
    peer: str
    theirs: float | None
    goal: str

    @property
    def ratio(self) -> float | None:
        """Ours over theirs: below one is faster."""
        return None if self.theirs is None else self.ours / self.theirs

    def kept(self) -> dict[str, Any]:
        """As the results file has it."""
        theirs = None if self.theirs is None else round(self.theirs, 4)
        return {"row": self.number, "what": self.what, "seconds": round(self.ours, 4), "peer": self.peer, "peerSeconds": theirs, "goal": self.goal}


def known(kept: Mapping[str, Any]) -> Row:
    """A row of the results file."""
    return Row(kept["row"], kept["what"], kept["seconds"], kept["peer"], kept["peerSeconds"], kept["goal"])


def table(rows: Iterable[Row], notes: Mapping[str, str]) -> str:
    """The rows as a Markdown table."""
    lines = ["| what | gitopsc | beside | theirs | ratio | goal |", "|---|---|---|---|---|---|"]
    for r in rows:
        theirs, ratio = ("", "") if r.theirs is None else (f"{r.theirs:.3f} s", f"{r.ratio:.2f}" if r.ratio and r.ratio >= 0.1 else f"{r.ratio:.3f}")
        lines.append(f"| {r.what} | {r.ours:.3f} s | {r.peer} | {theirs} | {ratio} | {r.goal} |")
    return "\n".join([*lines, "", *(f"{key}: {value}" for key, value in notes.items())])
