"""The comment on a pull request, and the text of a terminal: what stands where, and that no value can be more than a value."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitopsc.diagnostics import Diagnostic, Place
from gitopsc.report.blocks import MARKER, MOST, length
from gitopsc.report.comment import comment
from gitopsc.report.differences import field_lines, written_out
from gitopsc.report.result import Result
from gitopsc.report.text import text

DEPLOYMENT = {"group": "apps", "kind": "Deployment", "namespace": "shop", "name": "api"}
ORIGIN = {"file": "apps/shop/app.yaml", "line": 4, "column": 12}


def field(path: str, before: Any, after: Any, origin: Any = ORIGIN) -> dict[str, Any]:
    return {"path": path, "before": before, "after": after, "origin": origin}


def change(environment: str = "prod", **more: Any) -> dict[str, Any]:
    return {"environment": environment, "application": "shop", "object": DEPLOYMENT, "change": "changed", "fields": [], "consequences": [], **more}


def result(*changes: dict[str, Any], diagnostics: Any = (), **more: Any) -> Result:
    return Result("DiffResult", {"changes": list(changes), **more}, diagnostics, status=1)


SCALE = {"kind": "scale", "message": "2 → 3 replicas"}
RESTART = {"kind": "restart", "message": "the pods are replaced: containers[api].image"}
IMAGE = field("spec.template.spec.containers[api].image", "a/api:1", "a/api:2")


def test_the_headline_says_what_matters() -> None:
    shown = comment(
        result(
            change("dev", fields=[IMAGE], consequences=[RESTART]),
            change("prod", fields=[IMAGE, field("spec.replicas", 2, 3)], consequences=[RESTART, SCALE]),
            change("prod", application="blog", change="deleted", object={**DEPLOYMENT, "name": "blog"}, consequences=[{"kind": "delete", "message": "x"}]),
        )
    )
    assert shown.splitlines()[:9] == [
        MARKER,
        "",
        "### gitopsc: 2 applications change in 2 environments",
        "",
        "- `shop` changes in `dev`, `prod`",
        "- `blog` changes in `prod`",
        "- images: `a/api:1` → `a/api:2`",
        "- **will restart**: `Deployment/api` (`dev`, `prod`)",
        "- **will be deleted**: `Deployment/blog` (`prod`)",
    ]
    assert "- **changes replicas**: `Deployment/api` `2 → 3 replicas` (`prod`)" in shown


def test_two_environments_are_named() -> None:
    data = {"base": {"environment": "dev"}, "head": {"environment": "prod"}}
    assert "### gitopsc: 1 application differs, `prod` compared with `dev`" in comment(result(change(), **data))
    assert text(result(change(), **data)).splitlines()[:2] == ["prod compared with dev", "shop"]


def test_what_is_alike_is_shown_once_and_what_is_not_is_not() -> None:
    other = field("spec.replicas", 2, 4)
    shown = comment(result(*(change(name, fields=[field("spec.replicas", 2, 3)]) for name in ("eu", "us")), change("dev", fields=[other])))
    summaries = re.findall("<summary>.*</summary>", shown)
    assert summaries == [
        "<summary><code>shop</code>: <code>Deployment/api</code> changed, the same in <code>eu</code>, <code>us</code></summary>",
        "<summary><code>shop</code>: <code>Deployment/api</code> changed in <code>dev</code></summary>",
    ]


def test_true_and_1_are_not_alike() -> None:
    shown = comment(result(change("eu", fields=[field("x", "a", 1)]), change("us", fields=[field("x", "a", True)])))
    assert shown.count("<details>") == 2


LINES = [
    (field("spec.replicas", 2, 3), ["- spec.replicas: 2", "+ spec.replicas: 3"]),
    (field("spec.x", None, "a"), ["+ spec.x: 'a'"]),
    (field("spec.x", "a", None), ["- spec.x: 'a'"]),
    (field("data.a", "one\ntwo\nthree", "one\n2\nthree"), ["~ data.a:", "@ @@ -1,3 +1,3 @@", "  one", "- two", "+ 2", "  three"]),
    (field("data.a", None, "one\ntwo"), ["+ data.a:", "+   |", "+     one", "+     two"]),
    (field("spec.x", None, {"a": ["b" * 50, {"c": "d" * 50}]}), ["+ spec.x:", "+   a:", f"+     - {'b' * 50}", f"+     - c: {'d' * 50}"]),
]


@pytest.mark.parametrize(("one", "lines"), LINES)
def test_fields_as_lines(one: dict[str, Any], lines: list[str]) -> None:
    assert [f"{line.mark} {line.text}" for line in field_lines(one, whole=True)] == lines


def test_each_line_has_the_line_of_the_specs() -> None:
    assert [line.place for line in field_lines(field("a", 1, 2), whole=True)] == ["", "apps/shop/app.yaml:4:12"]
    assert [line.place for line in field_lines(field("a", 1, None), whole=True)] == ["was apps/shop/app.yaml:4:12"]
    assert [line.place for line in field_lines(field("a", 1, None, None), whole=True)] == [""]


def test_values_written_out_read_as_yaml() -> None:
    value: dict[str, Any] = {"a": "yes", "b": [], "c": {}, "d": None, "e": [["x"]], "f g": "\x1b"}
    assert [text for text, _ in written_out(value, {})] == [
        'a: "yes"',
        "b: []",
        "c: {}",
        "d: null",
        "e:",
        "  - - x",
        '"f g": "\\u001b"',
    ]


def test_parts_of_what_is_new_have_their_own_lines_of_the_specs() -> None:
    value = {"a": "x" * 80, "b": [{"c": 1, "d": 2}, {"c": 3}], "e": 5}
    origins = {"a": {"": "one:1:1"}, "b": {"": "two:1:1", "0": {"d": {"": "three:1:1"}}, "1": {"": "four:1:1"}}}
    lines = field_lines({**field("spec", None, value), "origins": origins}, whole=True)
    assert [(line.text, line.place) for line in lines] == [
        ("spec:", "apps/shop/app.yaml:4:12"),
        (f"  a: {'x' * 80}", "one:1:1"),
        ("  b:", "two:1:1"),
        ("    - c: 1", ""),
        ("      d: 2", "three:1:1"),
        ("    - c: 3", "four:1:1"),
        ("  e: 5", ""),
    ]


def test_a_long_value_stands_on_two_lines_of_a_terminal() -> None:
    shown = text(result(change(fields=[field("spec.x", "a" * 80, "b" * 80), field("spec.y", 1, 2)])))
    assert shown.splitlines() == [
        "prod: shop",
        "~ Deployment/api changed",
        f"    - spec.x: '{'a' * 80}'",
        f"    + spec.x: '{'b' * 80}'  (apps/shop/app.yaml:4:12)",
        "    ~ spec.y: 1 → 2  (apps/shop/app.yaml:4:12)",
        "1 object changed",
    ]


def test_a_long_text_is_cut_on_a_terminal_and_counted() -> None:
    before, after = ("\n".join(f"{word}{number}" for number in range(100)) for word in ("a", "b"))
    assert "    … 162 more lines" in text(result(change(fields=[field("data.x", before, after)]))).splitlines()


def test_a_former_name_is_told() -> None:
    one = change(object={"group": "", "kind": "ConfigMap", "namespace": "shop", "name": "web-files-1"}, renamedFrom="web-files-0")
    assert "~ ConfigMap/web-files-1 (was web-files-0) changed" in text(result(one))
    assert "<code>ConfigMap/web-files-1 (was web-files-0)</code> changed" in comment(result(one))


def test_what_could_be_compared_is_shown_beside_errors() -> None:
    error = Diagnostic("error", "x", "it is wrong", None, Place("a.yaml", 1, 1))
    assert text(result(change(), diagnostics=(error,))).startswith("prod: shop")
    assert text(result(diagnostics=(error,))) == ""
    assert text(result()) == "no differences\n"
    shown = comment(result(change(), diagnostics=(error,)))
    assert shown.index("it is wrong") < shown.index("| application |")


# -- what a person wrote ---------------------------------------------------------------------------------------------

HOSTILE = [
    "</details>",
    "```\n</details>\n<script>alert(1)</script>",
    "````",
    "`",
    "@acme/everybody",
    MARKER,
    "<!--",
    "-->",
    "[x](http://evil.example)",
    "![x](http://evil.example/pixel)",
    "| a | b |",
    "\n\n# heading",
    "\x1b]8;;http://evil.example\x07x\x1b]8;;\x07",
    "\x1b[2J",
    "\u202eevil",
    "::error file=a::b",
    "##[error]b",
    "#1",
    "<img src=x onerror=alert(1)>",
    "&lt;",
    "\\",
    "\\|",
    "",
    "$(x) ${y}",
]


def spoiled(words: str) -> dict[str, Any]:
    """A change that says ``words`` wherever a person can write."""
    return change(
        words,
        application=words,
        object={"group": "", "kind": words, "namespace": words, "name": words},
        renamedFrom=words,
        fields=[
            field(words, words, f"{words}2", {"file": words, "line": 1, "column": 1}),
            field(words, None, {words: [words, {words: words}]}),
            field(f"{words}.image", words, f"b{words}"),
            field(words, f"a\n{words}\nb", f"a\nb\n{words}"),
        ],
        consequences=[{"kind": kind, "message": words} for kind in ("restart", "delete", "recreate", "scale", "resources", "exposure", "permissions")],
    )


def structure(shown: str) -> list[str]:
    """The lines that Markdown reads as more than code: outside of fences, code spans and code elements. Rows of tables are held to their cells."""
    out: list[str] = []
    closing: str | None = None
    for line in shown.splitlines():
        opened = re.match("(`{3,})[a-z]*$", line)
        if closing is None and opened:
            closing = opened[1]
        elif closing is not None:
            ended = re.fullmatch(r" {0,3}(`+)\s*", line)  # as CommonMark reads it
            closing = None if ended and len(ended[1]) >= len(closing) else closing
        else:
            assert not line.startswith("|") or line.count("|") == 5, line
            line = re.sub(r"<code>[^<>]*</code>", "", line)
            out.append(re.sub(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "", line))
    assert closing is None, "a fence that does not end"
    return out


def checked(shown: str) -> None:
    lines = structure(shown)
    assert shown.startswith(f"{MARKER}\n")
    assert shown.count(MARKER) == 1
    assert shown.count("<!--") == 1
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", shown)
    assert not re.search(r"^\s*::|##\[", shown, re.MULTILINE)
    words = " ".join(lines)
    assert "evil" not in words
    assert "@" not in words
    assert sum(line.startswith("<details>") for line in lines) == lines.count("</details>")
    for line in lines:
        assert re.fullmatch(r"<!-- gitopsc -->|<details><summary>[^<>]*</summary>|</details>||[^<>&@\[\]]*", line), line


@pytest.mark.parametrize("words", HOSTILE)
def test_what_a_person_wrote_is_no_markdown(words: str) -> None:
    checked(comment(result(spoiled(words), diagnostics=(Diagnostic("error", "x", words, words, Place(words, 1, 1), words),))))


@given(st.lists(st.sampled_from([*HOSTILE, "a", " ", "``", "<", ">", "|", "\n", "~~~", "-"]), max_size=6).map("".join))
def test_no_mixture_of_them_is(words: str) -> None:
    checked(comment(result(spoiled(words), change("prod", application="b" + words))))


@pytest.mark.parametrize("words", HOSTILE)
def test_what_a_person_wrote_is_one_line_of_a_terminal_and_nothing_that_drives_it(words: str) -> None:
    shown = text(result(spoiled(words)))
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", shown)
    assert not re.search(r"^\s*::|##\[", shown, re.MULTILINE)
    assert "\n# heading" not in shown


# -- size ------------------------------------------------------------------------------------------------------------


def test_a_comment_has_room_for_differences_whatever_else_there_is() -> None:
    name = "x" * 60
    many = [
        change(
            f"{name}{number % 50}",
            application=f"{name}{number}",
            object={**DEPLOYMENT, "name": f"{name}{number}"},
            fields=[field("spec.replicas", 2, number), IMAGE],
            consequences=[SCALE, RESTART, {"kind": "exposure", "message": "h" * 500}],
        )
        for number in range(2000)
    ]
    diagnostics = tuple(Diagnostic("warning", "x", f"{number} {'w' * 300}", None, Place("a.yaml", number + 1, 1)) for number in range(500))
    shown = comment(result(*many, diagnostics=diagnostics))
    assert length(shown) <= MOST
    assert shown.count("<details>") > 20
    assert re.search(r"\*1,\d{3} differences left out: a comment holds no more\.\*\n\Z", shown)
    assert "more finding" in shown
    assert "more environments" in shown
    assert "more applications" in shown
    checked(shown.replace("'", ""))


def test_one_large_object_is_cut_by_lines_and_counted() -> None:
    value = "\n".join(f"line {number} \U0001f600" for number in range(100_000))
    shown = comment(result(change(fields=[field("data.a", None, value)])))
    assert length(shown) <= MOST
    assert re.search(r"\n# 9\d,\d{3} more lines\n```\n\n</details>", shown)


def test_the_largest_diff_is_quick() -> None:
    fields = [field(f"spec.f{number}", "a" * 100, "b" * 100) for number in range(20_000)]
    assert length(comment(result(*(change(f"e{number}", fields=fields) for number in range(10))))) <= MOST
