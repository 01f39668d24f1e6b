"""Globs of ``exclude``, read as ``.gitignore`` reads them.

``*`` and ``?`` stop at ``/``, ``**`` does not; ``[a-z]`` is a set. A pattern without ``/`` (but at its end) holds in every folder, one with
``/`` from the root; ``/`` at the end means folders only. A folder that matches is left out with all that is below it. There is no ``!``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence


def glob_problem(pattern: str) -> str | None:
    """What is wrong with a pattern, or null."""
    if not pattern.strip("/ "):
        return "expected a glob, found nothing"
    if pattern.startswith("!"):
        return "expected a glob, found one that begins with '!'"
    if any(part in (".", "..") for part in pattern.split("/")) or "\\" in pattern:
        return "expected a glob relative to the workspace with '/' between names, found '.', '..' or a backslash"
    return None


def compile_globs(patterns: Sequence[str]) -> re.Pattern[str] | None:
    """One expression for all patterns; it is matched against ``a/b.yaml`` for a file and ``a/b/`` for a folder. Null: no patterns."""
    return re.compile("|".join(f"(?:{_expression(pattern)})" for pattern in patterns)) if patterns else None


def _expression(pattern: str) -> str:
    anchored = "/" in pattern.rstrip("/")
    folders_only = pattern.endswith("/")
    parts = pattern.strip("/").split("/")
    out = "" if anchored else "(?:.*/)?"
    for number, part in enumerate(parts):
        last = number == len(parts) - 1
        if part == "**":
            out += ".*" if last else "(?:.*/)?"
            continue
        out += _name(part) + ("" if last else "/")
    if parts[-1] == "**":
        return out
    return out + ("/" if folders_only else "/?")


def _name(part: str) -> str:
    out, at = "", 0
    while at < len(part):
        character = part[at]
        at += 1
        if character == "*":
            out += "[^/]*"
        elif character == "?":
            out += "[^/]"
        elif character == "[" and (end := part.find("]", at + 1)) > 0:
            inside = part[at:end].replace("\\", "\\\\").replace("[", "\\[")
            out += f"[^{inside[1:]}/]" if inside.startswith(("!", "^")) else f"(?!/)[{inside}]"
            at = end + 1
        else:
            out += re.escape(character)
    return out
