"""The form of diagnostics, as the design page shows it."""

from __future__ import annotations

import pytest

from gitopsc.diagnostics import Diagnostic, Place
from gitopsc.report.findings import caret, findings, tally

APP = "apps/shop/app.yaml"
SOURCE = "apiVersion: v1\nmetadata: {}\nreplica: 2\n"


def test_an_error_shows_place_message_code_line_caret_and_hint() -> None:
    item = Diagnostic("error", "unknown-field", "unknown field 'replica'", "did you mean 'replicas'?", Place(APP, 3, 1))
    assert findings([item], {APP: SOURCE}) == (
        "apps/shop/app.yaml:3:1: unknown field 'replica' [unknown-field]\n3 | replica: 2\n  | ^~~~~~~\nhint: did you mean 'replicas'?\n"
    )


def test_a_warning_says_so_after_the_place() -> None:
    item = Diagnostic("warning", "latest", "the tag 'latest' moves", None, Place(APP, 3, 10))
    assert findings([item], {APP: SOURCE}) == "apps/shop/app.yaml:3:10: warning: the tag 'latest' moves [latest]\n3 | replica: 2\n  |          ^\n"


def test_without_a_place_or_a_source_there_is_no_line() -> None:
    lost = Diagnostic("error", "x", "far away", None, Place("gone.yaml", 7, 1))
    bare = Diagnostic("error", "usage", "a command was expected")
    assert findings([lost, bare], {}) == "gone.yaml:7:1: far away [x]\nerror: a command was expected [usage]\n"
    assert findings([Diagnostic("error", "x", "past the end", None, Place(APP, 99, 1))], {APP: SOURCE}) == f"{APP}:99:1: past the end [x]\n"


def test_an_environment_is_named_and_verbose_adds_the_path() -> None:
    item = Diagnostic("error", "x", "wrong", None, Place(APP, 1, 1), "spec.workloads", "prod", "shop")
    assert "where: application shop in environment prod\n" in findings([item], {})
    assert "path:" not in findings([item], {})
    assert "path: spec.workloads\n" in findings([item], {}, verbose=True)


@pytest.mark.parametrize(
    ("text", "column", "marked"),
    [
        ("image: ghcr.io/acme/shop:1.2", 8, "ghcr.io/acme/shop:1.2"),
        ("replica: 2", 1, "replica"),
        ("a: {b: c, d: e}", 5, "b"),
        ("a: [one, two]", 10, "two"),
        ("a: 'it is'  # no", 4, "'it is'"),
        ('a: "x \\" y" # no', 4, '"x \\" y"'),
        ("a:", 3, " "),
        ("a: b", 99, " "),
        ("\ta: b", 2, "a"),
        ("naïve: 1", 1, "naïve"),
    ],
)
def test_the_caret_marks_the_token(text: str, column: int, marked: str) -> None:
    line, mark = caret(text, Place("f", 1, column), str)
    assert mark.strip("| ") == "^" + "~" * (len(marked) - 1)
    start = mark.index("^")
    assert line[start : start + len(marked)] == marked.strip()


def test_wide_characters_move_the_caret() -> None:
    assert caret("日本: x", Place("f", 1, 5), str) == ["1 | 日本: x", "  |       ^"]


def test_a_long_line_is_cut_around_the_caret() -> None:
    line, mark = caret("a" * 5000 + " key: " + "b" * 5000, Place("f", 12, 5002), str)
    assert len(line) < 200
    assert line[mark.index("^") :].startswith("key: b")
    assert line.startswith("12 | …")
    assert line.endswith("…")


def test_nothing_drives_the_terminal() -> None:
    item = Diagnostic("error", "x", "bad \x1b]52;c;aGk=\x07 \u202e value\nsecond", "\x9b31m", Place("a\x1b[2Jb.yaml", 1, 1))
    shown = findings([item], {"a\x1b[2Jb.yaml": "\x1b[31mred\x00: \u2066x"})
    assert all(char == "\n" or char.isprintable() for char in shown)
    assert "\\x1b]52" in shown
    assert shown.count("\n") == 4


def test_the_tally_counts() -> None:
    one = Diagnostic("error", "x", "m")
    assert tally([one, one, Diagnostic("warning", "y", "m"), Diagnostic("info", "z", "m")]) == "2 errors, 1 warning"
    assert tally([]) == ""
