"""Editing one scalar of a spec: its characters and no others."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitopsc.diagnostics import Diagnostics, Invalid, Place
from gitopsc.spec.documents import API_VERSION, read_documents
from gitopsc.spec.edit import replace_scalar
from gitopsc.values import Map, Seq

DIGEST = "@sha256:" + "0" * 64
SPEC = f"""\
# The shop.
apiVersion: {API_VERSION}   # ours
kind: Application
metadata: {{ name: "shop" }}
x-image: &image  ghcr.io/acme/shop:1.0.0   # shared
spec:
  workloads:
    a: {{image: *image, tag: 'v1', other: [1.10, é, "x"]}}
    b:
      image:   "ghcr.io/acme/b:1" # é
      image2: !!str ghcr.io/acme/c:2
      text: |
        ghcr.io/acme/b:1
      folded: ghcr.io/acme/d
        and more
      empty:
---
apiVersion: {API_VERSION}
image: ghcr.io/acme/last:1
"""

PLACES = {
    "anchored": ((5, 10), "ghcr.io/acme/shop:1.0.0"),
    "single": ((8, 29), "v1"),
    "number": ((8, 43), "1.10"),
    "accent": ((8, 49), "é"),
    "double": ((10, 16), "ghcr.io/acme/b:1"),
    "tagged": ((11, 15), "ghcr.io/acme/c:2"),
    "folded": ((14, 15), "ghcr.io/acme/d and more"),
    "last": ((19, 8), "ghcr.io/acme/last:1"),
}

EDITS = [
    ("anchored", f"ghcr.io/acme/shop:1.1.0{DIGEST}", f"ghcr.io/acme/shop:1.1.0{DIGEST}"),
    ("anchored", "1234e56", "'1234e56'"),
    ("anchored", "yes", "'yes'"),
    ("anchored", "0644", "'0644'"),
    ("anchored", "", "''"),
    ("anchored", "a: b", "'a: b'"),
    ("anchored", "a # b", "'a # b'"),
    ("anchored", " a", "' a'"),
    ("anchored", "@a", "'@a'"),
    ("anchored", "*image", "'*image'"),
    ("anchored", "a, [b]", "a, [b]"),
    ("anchored", "a\nb", '"a\\nb"'),
    ("anchored", "---", "---"),
    ("single", "it's", "'it''s'"),
    ("single", "a\tb\\", "'a\tb\\'"),
    ("single", "a\nb", '"a\\nb"'),
    ("number", "1.20", "'1.20'"),
    ("accent", "a, b", "'a, b'"),
    ("accent", "è", "è"),
    ("accent", "b}", "'b}'"),
    ("accent", "?x", "'?x'"),
    ("double", "ghcr.io/acme/b:2", '"ghcr.io/acme/b:2"'),
    ("double", 'a"\\b\n', '"a\\"\\\\b\\n"'),
    ("tagged", "1", "'1'"),
    ("folded", "ghcr.io/acme/d:2", "ghcr.io/acme/d:2"),
    ("last", "ghcr.io/acme/last:2", "ghcr.io/acme/last:2"),
]


@pytest.mark.parametrize("ends", ["\n", "\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["", "BOM"])
@pytest.mark.parametrize(("where", "new", "written"), EDITS)
def test_only_these_characters_change(where: str, new: str, written: str, ends: str, mark: str) -> None:
    (line, column), old = PLACES[where]
    lines = SPEC.split("\n")
    text = mark + ends.join(lines)
    changed = replace_scalar(text, Place("f.yaml", line, column), old, new)
    before, after = lines[line - 1], ""
    source = {"single": "'v1'", "double": '"ghcr.io/acme/b:1"', "folded": "ghcr.io/acme/d"}.get(where, old)
    after = before.replace(source, written)
    expected = [*lines[: line - 1], after, *lines[line + (where == "folded") :]]
    assert changed == mark + ends.join(expected)


@pytest.mark.parametrize(
    ("place", "old", "new", "message"),
    [
        ((8, 16), "ghcr.io/acme/shop:1.0.0", "x", "found none that could be replaced"),
        ((12, 13), "ghcr.io/acme/b:1\n", "x", "found a block of lines"),
        ((10, 16), "ghcr.io/acme/b:0", "x", "expected 'ghcr.io/acme/b:0' here, found 'ghcr.io/acme/b:1'"),
        ((10, 7), "image", "picture", "would read as something else"),
        ((8, 8), "x", "y", "found none that could be replaced"),
        ((99, 1), "x", "y", "found none that could be replaced"),
        ((16, 13), "", "y", "found none that could be replaced"),
        ((10, 16), "ghcr.io/acme/b:1", "a\u202eb", "RIGHT-TO-LEFT OVERRIDE"),
        ((10, 16), "ghcr.io/acme/b:1", "a\0b", "NUL"),
        ((2, 13), API_VERSION, "v1", ""),
    ],
)
def test_what_is_refused(place: tuple[int, int], old: str, new: str, message: str) -> None:
    if not message:
        assert replace_scalar(SPEC, Place("f.yaml", *place), old, new) == SPEC.replace(f"{API_VERSION}   #", "v1   #")
        return
    with pytest.raises(Invalid) as raised:
        replace_scalar(SPEC, Place("f.yaml", *place), old, new)
    assert message in raised.value.diagnostics[0].message
    assert raised.value.diagnostics[0].place == Place("f.yaml", *place)


def test_a_file_that_ruamel_cannot_read() -> None:
    assert replace_scalar("a: 'x'\t# c\nb: y\n", Place("f.yaml", 2, 4), "y", "z") == "a: 'x'\t# c\nb: z\n"


def test_a_file_that_is_no_yaml_is_refused() -> None:
    with pytest.raises(Invalid) as raised:
        replace_scalar("a: x\nb: 'y\n", Place("f.yaml", 2, 9), "x", "z")
    assert "closing quote" in raised.value.diagnostics[0].message


def test_several_edits_from_the_last_to_the_first() -> None:
    text = SPEC
    for where, new in (("last", "n:1"), ("double", "n:2"), ("single", "n:3"), ("anchored", "n:4")):
        (line, column), old = PLACES[where]
        text = replace_scalar(text, Place("f.yaml", line, column), old, new)
    found = Diagnostics()
    first, last = read_documents("f.yaml", text.encode(), found)
    assert not found
    workloads = first.spec["workloads"]
    assert (last.data["image"], workloads["b"]["image"], workloads["a"]["tag"], workloads["a"]["image"]) == ("n:1", "n:2", "n:3", "n:4")


TEXTS = st.text(st.characters(blacklist_categories=("Cs", "Cc", "Cf", "Zl", "Zp", "Cn")) | st.sampled_from("\n\t '\"\\:#-[]{},&*?"), max_size=25)


@given(st.sampled_from(sorted(PLACES)), TEXTS)
@settings(max_examples=150, deadline=None)
def test_any_text_reads_back(where: str, new: str) -> None:
    (line, column), old = PLACES[where]
    changed = replace_scalar(SPEC, Place("f.yaml", line, column), old, new)
    found = Diagnostics()
    before = leaves([document.data for document in read_documents("f.yaml", SPEC.encode(), found)])
    after = leaves([document.data for document in read_documents("f.yaml", changed.encode(), found)])
    expected = [new if value == (1.1 if where == "number" else old) else value for value in before]
    assert after == expected


def leaves(value: object) -> list[object]:
    if isinstance(value, Map):
        return [leaf for key, item in value.items() for leaf in (key, *leaves(item))]
    if isinstance(value, (Seq, list)):
        return [leaf for item in value for leaf in leaves(item)]
    return [value]
