"""The form of what is written. What readers make of it: test_emit_readers.py."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from gitopsc.render.emit import dump, is_text
from gitopsc.values import LeadingZero, Map, Seq

FORMS: list[tuple[Any, str]] = [
    ({"a": {"b": [{"c": 1, "d": [2, 3]}, "e"]}}, "a:\n  b:\n  - c: 1\n    d:\n    - 2\n    - 3\n  - e\n"),
    ({"a": {}, "b": [], "c": [[], {}, [[1], [2, 3]]]}, "a: {}\nb: []\nc:\n- []\n- {}\n- - - 1\n  - - 2\n    - 3\n"),
    ({"b": None, "a": True, "c": False, "d": -5, "e": 0}, "b: null\na: true\nc: false\nd: -5\ne: 0\n"),
    ({"a": 1.0, "b": 1e16, "c": 1e-7, "d": 0.5, "e": -2.5e300}, "a: 1.0\nb: 1.0e+16\nc: 1.0e-07\nd: 0.5\ne: -2.5e+300\n"),
    (Map({"a": Seq([Map({"x": "y"})])}), 'a:\n- x: "y"\n'),
    ({"a": "one\ntwo\n", "b": "one\ntwo", "c": "one\n\n\n", "d": "\n\none\n"}, "a: |\n  one\n  two\nb: |-\n  one\n  two\nc: |+\n  one\n\n\nd: |\n\n\n  one\n"),
    ({"a": ["one\n  two\n", {"b": "x\ny"}]}, "a:\n- |\n  one\n    two\n- b: |-\n    x\n    y\n"),
    ({"a": "  one\ntwo\n", "b": "\tone\ntwo"}, "a: |2\n    one\n  two\nb: |2-\n  \tone\n  two\n"),
    ({"a": "\n", "b": " \n ", "c": "a\rb\n", "d": "a\u2028\n", "e": "\x00\n"}, 'a: "\\n"\nb: " \\n "\nc: "a\\rb\\n"\nd: "a\\u2028\\n"\ne: "\\x00\\n"\n'),
    ({"a": 'say "x"', "b": "it's", "c": "\\d+", "d": '{"a": 1}', "e": "'\"'"}, "a: say \"x\"\nb: it's\nc: \\d+\nd: '{\"a\": 1}'\ne: \"'\\\"'\"\n"),
    ({"a": "\u202ex", "b": "é", "c": "😀", "d": "\ufeff"}, 'a: "\\u202ex"\nb: é\nc: 😀\nd: "\\ufeff"\n'),
    ({"y": 1, "1": 2, "a: b": 3, "": 4, "a b": 5, "a\nb": 6}, '"y": 1\n"1": 2\n"a: b": 3\n"": 4\na b: 5\n"a\\nb": 6\n'),
    ([1, [2]], "- 1\n- - 2\n"),
    ({}, "{}\n"),
    ([], "[]\n"),
    ("no", '"no"\n'),
    ("a\nb", '"a\\nb"\n'),
    (None, "null\n"),
    ({"a": LeadingZero(420)}, "a: 420\n"),
    ({"a": (1, 2)}, "a:\n- 1\n- 2\n"),
]  # fmt: skip

PLAIN = [
    "1.4.2", "25%", "ghcr.io/a/b:1.2@sha256:0d5b8f2a", "Hello from prod", "hello.example.com", "-c", "--queue=orders", ":8080", "10.0.0.0/8", "50m",
    "64Mi", "8080/tcp", ".", "..",
    "a:b", "a#b", "a, b", "a{b}", "$(X)", "http://a.b/c?d=e&f=g#h", "~/x", "nULL", "None", "yEs", "2024-01", "1:60", "0xdeadbeeg", "12:30:99",
    "1.2.3", "e3", "日本語", "it's", "<a>", "a=b",
]  # fmt: skip
QUOTED = [
    "y", "N", "yes", "No", "ON", "off", "true", "False", "null", "~", "", "=", "<<", "1", "-1", "+1", "1.", ".5", "1e3", "12e03", "1234e56", "0644",
    "08", "0o14", "0x1F", "0b1", "0b-1",
    "1_000", "0_7", "._1", "1:30", "12:30:45", "2024-01-01", "2024-01-01T00:00:00Z", ".inf", "-.INF", ".nan", "- x", "? x", "a: b", "a:", "a #b",
    " a", "a ", "---", "... x", "#a", "!x", "&a",
    "*a", "|", ">", "%x", "@x", "`x", "'x'", '"x"', "[a]", "{a}", ",a", "\t", "a\tb",
]  # fmt: skip


@pytest.mark.parametrize(("value", "text"), FORMS)
def test_form(value: Any, text: str) -> None:
    assert dump(value) == text


@pytest.mark.parametrize("text", PLAIN)
def test_stays_plain(text: str) -> None:
    assert dump({"a": text}) == f"a: {text}\n"
    assert dump([text]) == f"- {text}\n"
    assert dump({text: 1}) == f"{text}: 1\n"


@pytest.mark.parametrize("text", QUOTED)
def test_is_quoted(text: str) -> None:
    assert re.fullmatch("a: (['\"]).*\\1\n", dump({"a": text}))
    assert re.fullmatch("(['\"]).*\\1: 1\n", dump({text: 1}))


def test_the_page_of_the_language() -> None:
    """The manifests of a simple web service are written exactly as people are shown them."""
    text = """apiVersion: apps/v1
kind: Deployment
metadata:
  name: hello
  labels:
    app.kubernetes.io/version: 1.4.2
spec:
  strategy:
    rollingUpdate:
      maxSurge: 25%
      maxUnavailable: 0
  template:
    spec:
      topologySpreadConstraints:
      - maxSkew: 1
        labelSelector:
          matchLabels:
            app.kubernetes.io/name: hello
        matchLabelKeys:
        - pod-template-hash
      containers:
      - name: hello
        image: ghcr.io/acme/hello:1.4.2@sha256:0d5b8f2a6c3d4e5f60718293a4b5c6d7e8f9001122334455667788990aabbccd
        env:
        - name: GREETING
          value: Hello from prod
        securityContext:
          capabilities:
            drop:
            - ALL
      volumes:
      - name: tmp
        emptyDir: {}
"""
    assert dump(yaml.safe_load(text)) == text


def test_long_lines_are_not_folded() -> None:
    text = "word " * 400 + "end"
    assert dump({"a": text, "b": f"{text}: x"}) == f'a: {text}\nb: "{text}: x"\n'


def test_long_keys_stand_alone() -> None:
    key = "k" * 2000
    assert dump({"a": {key: {"b": 1}, "c": {key: [1]}}}) == f"a:\n  ? {key}\n  :\n    b: 1\n  c:\n    ? {key}\n    :\n    - 1\n"
    assert dump([{key: "x\ny\n", "z": 1}]) == f"- ? {key}\n  : |\n    x\n    y\n  z: 1\n"


def test_no_anchors_for_shared_values() -> None:
    shared = Map({"a": "b"})
    assert dump({"x": shared, "z": shared}) == "x:\n  a: b\nz:\n  a: b\n"


@pytest.mark.parametrize("value", [{1: "a"}, {None: 1}, {"a": object()}, {"a": {1, 2}}, {"a": b"x"}])
def test_refuses_what_is_no_manifest(value: Any) -> None:
    with pytest.raises(TypeError, match="manifest"):
        dump(value)


def test_refuses_lone_surrogates() -> None:
    with pytest.raises(ValueError, match=r"U\+D800"):
        dump({"a": "x\ud800"})


def test_text_of_str_subclasses() -> None:
    class Marked(str):
        __slots__ = ()

    assert dump({"a": Marked("no"), "b": [Marked("x")]}) == 'a: "no"\nb:\n- x\n'


@settings(deadline=None, max_examples=300)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_floats_stay_floats(value: float) -> None:
    for read in (yaml.safe_load(dump([value]))[0], yaml.load(dump([value]), yaml.CSafeLoader)[0]):
        assert isinstance(read, float)
        assert read == value


@pytest.mark.parametrize("text", ["0o7", "yes", "1e3", "", "="])
def test_what_some_reader_takes_for_something_else(text: str) -> None:
    assert not is_text(text)


def test_the_cache_is_bounded() -> None:
    from gitopsc.render import emit

    for number in range(0, 60_000, 20_000):
        dump({f"key-{n}": f"value-{n}" for n in range(number, number + 20_000)})
    assert len(emit._scalars) <= 20_000
    assert len(emit._keys) <= 20_000
