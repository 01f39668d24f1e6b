"""What the quick reader of our own files gives is what the whole reader gives, or nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gitopsc.diagnostics import Diagnostics
from gitopsc.limits import Limits
from gitopsc.render.emit import dump
from gitopsc.spec.documents import read_documents, read_plain
from gitopsc.spec.emitted import emitted
from gitopsc.values import plain
from tests.hostile import HOSTILE
from tests.unit.test_emit_readers import SCALAR, TEXT

DEEP = 100
ROOT = Path(__file__).parents[2]


def whole(data: bytes, limits: Limits | None = None) -> list[Any]:
    """What the whole reader gives, its errors too; with ``repr``, since 1, 1.0 and True are equal."""
    diagnostics = Diagnostics()
    documents = read_documents("x.yaml", data, diagnostics, limits or Limits())
    return [*(repr(plain(document.data)) for document in documents), *(d.message for d in diagnostics if d.severity == "error")]


def agree(data: bytes, first: bytes = b"apiVersion: v1\n") -> bool:
    """Whether the quick reader knew the text. What it says is what the whole one says."""
    found = emitted(first + data, DEEP)
    if found is not None:
        assert whole(first + data) == [repr(found)]
    return found is not None


NAME = st.text("abcdefghijklmnopqrstuvwxyz-./_AZ09", min_size=1, max_size=12)
LEAF = st.one_of(SCALAR, NAME, NAME)
INNER = st.recursive(LEAF, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.one_of(NAME, TEXT), inner, max_size=3)), max_leaves=12)
TREES = st.dictionaries(st.one_of(NAME, TEXT), INNER, max_size=4).filter(lambda tree: "apiVersion" not in tree)
SCRAPS = st.sampled_from(
    ["a: b", "a:", "- a", "- - a", "- a: b", "  b: c", " a", "- ", "-", "|", "a: |", "a: |-", "- |2", "a: 'b'", 'a: "b"', 'a: "\\n\\"', "a: 'b' c", "a: b #c",
     "a: #c", "# c", "---", "...", "a: b: c", "a: &x b", "a: *x", "a: !t b", "? a", "a: {}", "a: []", "- {}", "a: [b]", "a: yes", "a: 1e3", "a: 010", "a: 1",
     "a: -1.5", "a: ~", "yes: a", "a: b ", "a:  b", "a : b", "a: - b", "a: b:", "\ta: b", "a:\tb", "<<: {}", "a: 'it''s'", "", "  ", "    deep", "a: null"]
)  # fmt: skip


@settings(deadline=None, max_examples=600, suppress_health_check=[HealthCheck.too_slow])
@given(TREES)
def test_what_the_emitter_writes(tree: dict[str, Any]) -> None:
    agree(dump(tree).encode() if tree else b"")


@settings(deadline=None, max_examples=800, suppress_health_check=[HealthCheck.too_slow])
@given(
    TREES,
    st.lists(st.tuples(st.integers(0, 40), st.sampled_from(["drop", "indent", "outdent", "swap", "scrap", "double"]), SCRAPS, st.integers(0, 3)), max_size=4),
)
def test_what_somebody_has_changed_in_it(tree: dict[str, Any], edits: list[tuple[int, str, str, int]]) -> None:
    lines = dump(tree).split("\n")[:-1] if tree else ["a: b"]
    for place, edit, scrap, indent in edits:
        at = place % len(lines)
        changed = {
            "drop": [],
            "indent": [f" {lines[at]}"],
            "outdent": [lines[at][1:]],
            "swap": [lines[at - 1], lines[at]],
            "scrap": [lines[at], "  " * indent + scrap],
            "double": [lines[at], lines[at]],
        }
        lines[at : at + 1] = changed[edit]
        lines = lines or [scrap]
    agree("".join(f"{line}\n" for line in lines).encode())


@settings(deadline=None, max_examples=800)
@given(st.lists(st.tuples(st.integers(0, 3), SCRAPS), min_size=1, max_size=7))
def test_lines_at_random(lines: list[tuple[int, str]]) -> None:
    agree("".join(f"{'  ' * indent}{line}\n" for indent, line in lines).encode())


@settings(deadline=None, max_examples=300)
@given(st.one_of(st.binary(max_size=40), TEXT.map(str.encode)))
def test_bytes_at_random(data: bytes) -> None:
    agree(data)
    agree(b"a: " + data + b"\n")


def test_hostile_texts() -> None:
    for text in HOSTILE:
        agree(dump({"a": text, "b": [text, {"c": text}]}).encode())
        if "\n" not in text:
            agree(f"a: {text}\n".encode(errors="replace"))


def test_it_knows_what_is_usual() -> None:
    files = sorted(ROOT.glob("examples/*/expected/**/*.yaml"))
    known = [file for file in files if agree(file.read_bytes(), b"")]
    assert files
    assert len(known) > 0.9 * len(files)


@pytest.mark.parametrize(
    "text",
    [
        "kind: a\n",  # no apiVersion
        "apiVersion: gitopsc.dev/v9\nkind: Application\n",
        "apiVersion: gitops.dev/v1alpha1\n",
        "apiVersion: 1\n",
        "apiVersion: v1\nkind: a\n---\napiVersion: v1\nkind: b\n",
        "apiVersion: v1\nkind: a\nkind: b\n",
        "",
    ],
)
def test_what_is_wrong_is_told_as_before(text: str) -> None:
    diagnostics = Diagnostics()
    found = read_plain("x.yaml", text.encode(), diagnostics)
    assert [*(repr(one) for one in found), *(d.message for d in diagnostics)] == whole(text.encode())


@pytest.mark.parametrize("depth", range(1, 8))
def test_both_count_depth_alike(depth: int) -> None:
    text = dump({"apiVersion": "v1", "a": [{"b": [[{"c": {"d": "e"}}]]}]}).encode()
    found = emitted(text, depth)
    assert (found is None) == ("nesting" in whole(text, Limits(depth=depth))[-1])
