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
    try:
        re.compile(_expression(pattern))
    except re.error:
        return "expected a glob, found a set in [ ] that is none"
    return None


def compile_globs(patterns: Sequence[str]) -> re.Pattern[str] | None:
    """One expression for all patterns; it is matched against ``a/b.yaml`` for a file and ``a/b/`` for a folder. Null: no patterns."""
    return re.compile("|".join(f"(?:{_expression(pattern)})" for pattern in patterns)) if patterns else None


def _expression(pattern: str) -> str:
    """Between two wildcards the first match is as good as any later one, so nothing behind ``(?>`` is tried twice: no pattern is slow."""
    parts = pattern.strip("/").split("/")
    if "/" not in pattern.rstrip("/"):
        parts = ["**", *parts]
    groups: list[list[str]] = [[]]
    for part in parts:
        if part == "**":
            groups.append([])
        else:
            groups[-1].append(_name(part))
    first, *others = ["/".join(group) for group in groups]
    end = "/" if pattern.endswith("/") else "/?"
    if not others:
        return first + end
    out = f"{first}/" if first else ""
    out += "".join(f"(?>(?:|.*?/){middle}/)" for middle in others[:-1] if middle)
    return out + (f"(?:.*/)?{others[-1]}" if others[-1] else ".*") + end


def _name(part: str) -> str:
    chunks = [""]
    at = 0
    while at < len(part):
        character = part[at]
        at += 1
        if character == "*":
            chunks.append("")
        elif character == "?":
            chunks[-1] += "[^/]"
        elif character == "[" and (end := part.find("]", at + 1)) > 0:
            inside = re.sub(r"([\[&~|]|(?<=-)-)", r"\\\1", part[at:end])
            chunks[-1] += f"[^{inside[1:]}/]" if inside.startswith(("!", "^")) else f"(?!/)[{inside}]"
            at = end + 1
        else:
            chunks[-1] += re.escape(character)
    first, *others = chunks
    if not others:
        return first
    return first + "".join(f"(?>[^/]*?{middle})" for middle in others[:-1] if middle) + f"[^/]*{others[-1]}"
