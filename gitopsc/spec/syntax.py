"""What libyaml's syntax errors mean to a person: the mistake that was made, where, and what to write instead."""

from __future__ import annotations

import re
from typing import Any

from gitopsc.diagnostics import Diagnostics, Place
from gitopsc.limits import Limits
from gitopsc.spec.characters import line_starts

# (words of libyaml's problem, words of its context, message, hint)
_SAID: tuple[tuple[str, str, str, str], ...] = (
    ("mapping values are not allowed", "", "expected no second ': ' in this line", "quote the text that has ': ' in it, or check the indentation"),
    ("block sequence entries are not allowed", "", "expected no '- ' here", "begin the list on its own line, indented under its key"),
    ("mapping keys are not allowed", "", "expected no '? ' here", "quote text that begins with '? '"),
    ("could not find expected ':'", "", "expected ': ' after this key", "write `key: value`; text of several lines needs quotes or `|`"),
    ("tab character", "", "expected spaces, found a tab", "indent with spaces"),
    ("unexpected end of stream", "quoted scalar", "expected a closing quote before the end of the file", "close the quote that opens here"),
    ("unexpected document indicator", "", "expected a closing quote before `---` or `...`", "close the quote that opens here"),
    (
        "unknown escape character",
        "",
        'expected an escape such as \\n, \\t, \\\\ or \\" after the backslash',
        "write the backslash twice, or use 'single quotes'",
    ),
    ("hexdecimal", "", "expected hexadecimal digits after \\x, \\u or \\U", "write the backslash twice, or use 'single quotes'"),
    ("invalid Unicode character escape", "", "expected a character, found the escape of a lone surrogate or of none", "write the character itself"),
    ("did not find expected alphabetic", "anchor", "expected a name after '&'", "quote text that begins with '&'"),
    ("did not find expected alphabetic", "alias", "expected a name after '*'", "quote text that begins with '*'"),
    ("found unexpected ':'", "", "expected a space after ':' in {…} or […]", "write `{key: value}`, and quote text that has a ':' in it"),
    ("did not find expected comment or line break", "block scalar", "expected the end of the line after '|' or '>'", "begin the text on the next line"),
    ("undefined tag handle", "", "tag not allowed: expected a plain value, found a tag with an unknown handle", "quote text that begins with '!'"),
    ("", "a tag", "tag not allowed: expected a plain value, found a tag", "quote text that begins with '!'"),
    ("did not find expected ',' or ']'", "", "expected ',' or ']' in this list", "close the '[', and quote text that has ',' or brackets in it"),
    ("did not find expected ',' or '}'", "", "expected ',' or '}' in this mapping", "close the '{', and quote text that has ',' or braces in it"),
    ("did not find expected key", "", "expected a key indented like those above it", "check the indentation and the quotes of this line and the one above"),
    ("did not find expected '-' indicator", "", "expected '- ' indented like the items above it", "check the indentation"),
    ("did not find expected node content", "", "expected a value", "quote text that begins with a character that YAML uses"),
    ("did not find expected <document start>", "", "expected `---` or the end of the file", "check the indentation; quotes end the text they open"),
    ("indentation indicator", "", "expected an indentation of 1 to 9 after '|' or '>'", "leave the number out"),
    ("control characters", "", "expected text without control characters", "remove them"),
)
_OPENERS = {"@": "'@'", "`": "a backtick", "%": "'%'"}
_AT_THE_OPENING = ("found unexpected end of stream", "found unexpected document indicator", "could not find expected ':'")
"""Problems that are found far behind the mistake: libyaml's context is the better place."""


def directive(place: Place, diagnostics: Diagnostics) -> None:
    """Report a ``%YAML`` or ``%TAG`` line."""
    diagnostics.error("yaml-directive", "expected no directive, found a line that begins with '%'", place, hint="remove it: specs are read as YAML 1.2")


def too_deep(place: Place, limits: Limits, diagnostics: Diagnostics) -> None:
    """Report nesting beyond the limit."""
    diagnostics.error("too-deep", f"nesting deeper than {limits.depth}", place, hint="flatten it; no field of a spec is that deep")


def syntax_error(file: str, text: str, error: Any, limits: Limits, diagnostics: Diagnostics) -> None:
    """Report one error of libyaml (``problem``, ``problem_mark``, ``context``, ``context_mark``), which ends the reading of its file."""
    problem, context = str(error.problem or ""), str(error.context or "")
    place, line = _where(file, text, error)
    if problem == "exceeded maximum nesting depth" or _brackets(text) > limits.depth:
        too_deep(place, limits, diagnostics)
    elif context.startswith("while scanning a directive") or problem in ("found incompatible YAML document", "found duplicate %YAML directive"):
        directive(place, diagnostics)
    else:
        message, hint = _explain(problem, context, line, place.column)
        diagnostics.error("yaml-syntax", message, place, hint=hint)


def _where(file: str, text: str, error: Any) -> tuple[Place, str]:
    mark = error.problem_mark or error.context_mark
    if mark is None:
        return Place(file, 1, 1), ""
    unclosed = "expected ',' or" in error.problem and mark.index >= len(text.rstrip())
    if error.context_mark is not None and (unclosed or error.problem.startswith(_AT_THE_OPENING)):
        mark = error.context_mark
    starts = [*line_starts(text), len(text)]
    return Place(file, mark.line + 1, mark.column + 1), text[starts[mark.line] : starts[min(mark.line + 1, len(starts) - 1)]]


def _explain(problem: str, context: str, line: str, column: int) -> tuple[str, str]:
    before, character = line[: column - 1], line[column - 1 : column]
    if "{{" in line or "{%" in line:
        return "expected YAML, found a template expression in braces", 'quote the text ("{{ … }}"): a spec is not a template, its references are ${…}'
    if problem.startswith("found character that cannot start any token"):
        if not character.strip():
            return "expected spaces, found a tab", "indent with spaces"
        return f"expected a value, found text that begins with {_OPENERS.get(character, repr(character))}", "quote the text"
    if problem == "did not find expected key" and before.rstrip().endswith(("'", '"')):
        return "expected the end of the line after the closing quote", "quote the whole text; a quote inside 'text' is written twice"
    if problem.startswith("mapping values are not allowed") and ": " not in before:
        return "expected the text of the line above to go on, found a key", "check the indentation; a key has either a value or keys below it"
    for words, where, message, hint in _SAID:
        if words in problem and where in context:
            return message, hint
    return f"expected YAML: {f'{context}, ' if context else ''}{problem}", "check the indentation and the quotes"


def _brackets(text: str) -> int:
    """How many brackets are open at most, roughly: quotes and comments are not looked at."""
    depth = most = 0
    for match in re.finditer(r"[\[{}\]]", text):
        depth += 1 if match[0] in "[{" else -1
        most = max(most, depth)
    return most
