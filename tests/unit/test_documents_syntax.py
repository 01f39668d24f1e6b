"""The words for mistakes of YAML syntax, where they point, and that every one says what to do."""

from __future__ import annotations

import pytest

from gitopsc.diagnostics import Diagnostics
from gitopsc.spec.documents import read_documents

HEAD = "apiVersion: gitopsc.dev/v1alpha1\n"

CASES = [
    ("a:\n\tb: 1", (3, 1), "expected spaces, found a tab", "indent with spaces"),
    ("a: b\n\tc: d", (3, 1), "expected spaces, found a tab", "indent with spaces"),
    ("a:\n  - b:\n\t- c", (4, 1), "expected spaces, found a tab", "indent with spaces"),
    ("a: b: c", (2, 5), "expected no second ': ' in this line", "quote the text that has ': ' in it"),
    ("a: b\n  c: d", (3, 4), "expected the text of the line above to go on, found a key", "check the indentation"),
    ("a:\n  b: 1\n c: 2", (4, 2), "expected a key indented like those above it", "check the indentation"),
    ("a:\n - 1\n b: 2", (4, 2), "expected '- ' indented like the items above it", "check the indentation"),
    ("a: - 1", (2, 4), "expected no '- ' here", "on its own line"),
    ("a: 'x\nb: 1\n", (2, 4), "expected a closing quote before the end of the file", "close the quote that opens here"),
    ('a: "x\n---\nb: c', (2, 4), "expected a closing quote before `---` or `...`", "close the quote that opens here"),
    ("a: 'it's'", (2, 8), "expected the end of the line after the closing quote", "a quote inside 'text' is written twice"),
    ('a: "x" y', (2, 8), "expected the end of the line after the closing quote", "quote the whole text"),
    ("a: @x", (2, 4), "expected a value, found text that begins with '@'", "quote the text"),
    ("a: `x`", (2, 4), "expected a value, found text that begins with a backtick", "quote the text"),
    ("a: %x", (2, 4), "expected a value, found text that begins with '%'", "quote the text"),
    ("a: *", (2, 5), "expected a name after '*'", "quote text that begins with '*'"),
    ("a: &", (2, 5), "expected a name after '&'", "quote text that begins with '&'"),
    ("a: {{ x }}/foo", (2, 11), "expected YAML, found a template expression in braces", "a spec is not a template"),
    ("a: x\n{{- if y }}\nb: 1\n{{- end }}\n", (3, 1), "expected YAML, found a template expression in braces", "a spec is not a template"),
    ("a: [1, 2\nb: 3\n", (3, 2), "expected ',' or ']' in this list", "close the '['"),
    ("a: [1, 2", (2, 4), "expected ',' or ']' in this list", "close the '['"),
    ("a: {b: 1", (2, 4), "expected ',' or '}' in this mapping", "close the '{'"),
    ("a: {b: 1]", (2, 9), "expected ',' or '}' in this mapping", "close the '{'"),
    ("a: {b:{c: 1}}", (2, 6), "expected a space after ':' in {…} or […]", "write `{key: value}`"),
    ('a: "\\q"', (2, 5), 'expected an escape such as \\n, \\t, \\\\ or \\" after the backslash', "single quotes"),
    ('a: "\\xzz"', (2, 7), "expected hexadecimal digits after \\x, \\u or \\U", "single quotes"),
    ("a: |x\n  foo", (2, 5), "expected the end of the line after '|' or '>'", "on the next line"),
    ("a: |0\n x", (2, 5), "expected an indentation of 1 to 9 after '|' or '>'", "leave the number out"),
    ("a: 1\nb\n", (3, 1), "expected ': ' after this key", "write `key: value`"),
    ("a: ,x", (2, 4), "expected a value", "quote text that begins with a character that YAML uses"),
    ("a: ]", (2, 4), "expected a value", "quote text that begins with a character that YAML uses"),
    ("a: [?x]", (2, 6), "expected a space after '?', found text that begins with it", "quote the text"),
    ("a: {?x: 1}", (2, 6), "expected a space after '?', found text that begins with it", "quote the text"),
    ("a: >-\n  x\n y: z\n", (4, 2), "expected a key indented like those above it", "check the indentation"),
]


@pytest.mark.parametrize(("text", "place", "message", "hint"), CASES, ids=[case[0] for case in CASES])
def test_syntax_errors_in_plain_words(text: str, place: tuple[int, int], message: str, hint: str) -> None:
    found = Diagnostics()
    documents = read_documents("f.yaml", (HEAD + text).encode(), found)
    assert [(d.code, d.place and d.place[1:], d.message) for d in found] == [("yaml-syntax", place, message)]
    assert hint in str(found[0].hint)
    assert all(document.faulty for document in documents)


def test_files_of_other_programs_are_told_of_exclude() -> None:
    found = Diagnostics()
    read_documents("chart/templates/x.yaml", b"{{- if .Values.x }}\na: {{ .Values.y }}\n{{- end }}\n", found)
    assert len(found) == 1
    assert "name the file in `exclude` of gitopsc.yaml" in str(found[0].hint)
