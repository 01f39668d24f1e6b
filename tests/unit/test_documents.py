"""Reading specs: places, scalars, and each way to be wrong, with its place."""

from __future__ import annotations

from typing import Any

import pytest

from gitopsc.diagnostics import Diagnostics
from gitopsc.limits import Limits
from gitopsc.spec.documents import Document, read_documents
from gitopsc.values import LeadingZero, Map, Seq, place_of

HEAD = "apiVersion: gitopsc.dev/v1alpha1\nkind: Application\nmetadata: {name: a}\n"


def read(text: str | bytes, limits: Limits | None = None) -> tuple[list[Document], Diagnostics]:
    found = Diagnostics()
    data = text.encode() if isinstance(text, str) else text
    return read_documents("f.yaml", data, found, limits or Limits()), found


def said(text: str | bytes) -> list[str]:
    return [f"{d.place.line}:{d.place.column} {d.code}" for d in sorted(read(text)[1], key=lambda d: d.sort_key()) if d.place]


def spec_of(text: str) -> Map:
    documents, found = read(HEAD + text)
    assert not found, found
    return documents[0].data


def test_properties() -> None:
    document = read(HEAD + "spec: {a: 1}")[0][0]
    assert (document.api_version, document.kind, document.name, document.index) == ("gitopsc.dev/v1alpha1", "Application", "a", 0)
    assert document.spec == {"a": 1}
    assert not document.faulty
    assert not document.partial
    empty = read("apiVersion: gitopsc.dev/v1alpha1")[0][0]
    assert (empty.kind, empty.name, empty.spec) == ("", "", {})


def test_places() -> None:
    data = spec_of("spec:\n  a: 0x1F\n  b: [x, 1.10]   # c\n  'c d': {e: \"f\"}\n")
    spec = data["spec"]
    assert place_of(data, ("spec", "a")) == ("f.yaml", 5, 6)
    assert spec.keys_at["c d"] == ("f.yaml", 7, 3)
    assert spec["b"].places[1] == ("f.yaml", 6, 10)
    assert spec["b"].raw == {1: "1.10"}
    assert spec.raw == {"a": "0x1F"}
    assert spec.at == ("f.yaml", 5, 3)
    assert place_of(data, ("spec", "c d", "e")) == ("f.yaml", 7, 14)


SCALARS: list[tuple[str, Any]] = [
    ("", None), ("~", None), ("null", None), ("Null", None), ("NULL", None), ("nULL", "nULL"),
    ("true", True), ("True", True), ("TRUE", True), ("tRUE", "tRUE"), ("false", False), ("False", False), ("FALSE", False),
    ("no", "no"), ("on", "on"), ("yes", "yes"), ("Off", "Off"), ("y", "y"), ("N", "N"),
    ("0", 0), ("-1", -1), ("+7", 7), ("0o14", 12), ("0o19", "0o19"), ("0x1F", 31), ("0xfg", "0xfg"), ("0b11", "0b11"),
    ("1.10", 1.1), ("-.5", -0.5), ("5.", 5.0), ("1e3", 1000.0), ("1E-2", 0.01), ("1234e56", 1234e56), (".", "."), ("e3", "e3"), ("+", "+"), ("-", None),
    ("2024-01-01", "2024-01-01"), ("12:30", "12:30"), ("1_000", "1_000"), ("1,000", "1,000"), ("=", "="), ("v1.2.3", "v1.2.3"), ("1.2.3", "1.2.3"),
    ("9223372036854775807", 2**63 - 1), ("-9223372036854775808", -(2**63)), ('"1"', "1"), ("'true'", "true"), ("!!str 12", "12"), ("!!int 12", 12),
    ("!!float 1", 1.0), ("!!bool true", True), ("!!null ''", None), ("Infinity", "Infinity"), ("nan", "nan"), ("inf", "inf"), (".infinity", ".infinity"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "value"), [case for case in SCALARS if case[0] != "-"])
def test_yaml_1_2_core_scalars(text: str, value: Any) -> None:
    spec = spec_of(f"spec: {{a: {text}}}" if "," not in text else f"spec:\n  a: {text}")["spec"]
    assert spec["a"] == value
    assert type(spec["a"]) is type(value)
    assert spec.raw.get("a") == (None if isinstance(value, str) else text.rsplit(" ", maxsplit=1)[-1].strip("'"))


@pytest.mark.parametrize(("text", "value"), [("0644", 420), ("0400", 256), ("00", 0), ("-012", -10), ("08", 8), ("0190", 190)])
def test_b13_leading_zero_keeps_octal_and_source_text(text: str, value: int) -> None:
    spec = spec_of(f"spec: {{a: {text}, b: [{text}]}}")["spec"]
    assert type(spec["a"]) is LeadingZero
    assert spec["a"] == value
    assert spec.raw == {"a": text}
    assert spec["b"].raw == {0: text}


def test_text_is_kept_exactly() -> None:
    spec = spec_of('spec:\n  a: "x\\ty\\r\\nz"\n  b: |\n    é\t1\n    2\n  c: >-\n    p\n    q\n  d: "\U0001f600 \\u00a0"\n')["spec"]
    assert dict(spec) == {"a": "x\ty\r\nz", "b": "é\t1\n2\n", "c": "p q", "d": "\U0001f600 \u00a0"}


def test_windows_line_ends() -> None:
    data = spec_of("spec:\r\n  a: |\r\n    x\r\n    y\r\n  b: 2\r\n")
    assert data["spec"] == {"a": "x\ny\n", "b": 2}
    assert place_of(data, ("spec", "b")) == ("f.yaml", 8, 6)


@pytest.mark.parametrize("text", ["", "\n", "# only a comment\n", "---\n", "---\n---\n", "\ufeff", "---\n...\n", "# a\n---\n# b\n"])
def test_empty_file_is_nothing(text: str) -> None:
    assert read(text) == ([], [])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("- a\n", "a list"),
        ("hello\n", "the text 'hello'"),
        ("12\n", "12"),
        ("~\n", "null"),
        ("a: 1\n", "a mapping without it"),
        ("apiVersion: 1\n", "the number 1"),
        ("apiVersion: [a]\n", "a list"),
        ("apiVersion:\n", "nothing"),
    ],
)
def test_b1_not_a_document(text: str, found: str) -> None:
    _, diagnostics = read(text)
    assert len(diagnostics) == 1
    assert diagnostics[0].message.startswith("expected ")
    assert diagnostics[0].message.endswith(f"found {found}")
    assert "exclude" in str(diagnostics[0].hint)


def test_b2_duplicate_keys_nested_and_in_flow_style() -> None:
    documents, found = read(HEAD + "spec:\n  a: 1\n  b: {c: 1, c: 2}\n  a: {x: 1, x: 2}\n")
    assert [d.message for d in found] == [
        "expected each key once, found 'c' again: first at f.yaml:6:7",
        "expected each key once, found 'a' again: first at f.yaml:5:3",
        "expected each key once, found 'x' again: first at f.yaml:7:7",
    ]
    assert [d.path for d in found] == ["spec.b.c", "spec.a", "spec.a.x"]
    assert said(HEAD + "a: 1\n\"a\": 2\n'a': 3\n") == ["5:1 duplicate-key", "6:1 duplicate-key"]
    assert documents[0].faulty
    assert documents[0].spec == {"a": 1, "b": {"c": 1}}


@pytest.mark.parametrize(
    "bomb",
    [
        "\n".join(["a0: &a0 [x, x, x, x, x, x, x, x, x]", *(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 10))]),
        "\n".join(["a0: &a0 {k: v}", *(f"a{i}: &a{i} {{l: *a{i - 1}, r: *a{i - 1}}}" for i in range(1, 30))]),
        "a: &a " + "x" * 100 + "\nb: [" + ", ".join(["*a"] * 1001) + "]",
        "\n".join(["a0: &a0 {k0: v}", *(f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 9)}], k{i}: v}}" for i in range(1, 9))]),
    ],
)
def test_b5_alias_bomb(bomb: str) -> None:
    documents, found = read(HEAD + bomb)
    assert [d.code for d in found] == ["alias-bomb"]
    assert "more than 1000 alias expansions" in found[0].message
    assert documents[0].partial
    assert documents[0].name == "a"


def test_aliases_in_measure_are_shared_and_keep_places() -> None:
    data = spec_of("spec:\n  e: &e {A: 1, B: &b x}\n  f: *e\n  g: *b\n  h: [*b]\n  i: 1.0\n")
    spec = data["spec"]
    assert spec["f"] == {"A": 1, "B": "x"}
    assert place_of(data, ("spec", "f", "A")) == ("f.yaml", 5, 13)
    assert spec.places["f"] == ("f.yaml", 6, 6)
    assert spec.places["g"] == ("f.yaml", 5, 19)
    assert read(HEAD + "a: &a [" + "x," * 99 + "]\nb: [" + "*a," * 10 + "]\n")[1] == []
    numbers = spec_of("spec: [&n 0x10, *n]")["spec"]
    assert numbers.raw == {0: "0x10", 1: "0x10"}


def test_aliases_belong_to_one_document() -> None:
    assert said(HEAD + "a: &x 1\nb: *y\n---\n" + HEAD + "c: *x\n") == ["5:4 unknown-anchor", "10:4 unknown-anchor"]


@pytest.mark.parametrize("text", ["a: &a [*a]", "a: &a {b: *a}", "a: &a {b: [{c: *a}]}", "a: &a {<<: *a}", "&a b: {c: &d [*d]}"])
def test_b6_self_reference(text: str) -> None:
    assert [d.code for d in read(HEAD + text)[1]] == ["self-reference"]


@pytest.mark.parametrize("unit", ["[", "{a:", "{a: ", "[[],", "- ", "- - ", "? ", "{? ", "{a: [", "{{", "[{", "a: [\n ", '{"a":', '{"a":[', "&a [", "!!seq ["])
def test_b7_bottomless_nesting(unit: str) -> None:
    for text in (unit * 100_000, HEAD + "x: " + unit * 100_000):
        _, found = read(text, Limits(spec_bytes=1 << 21))
        assert found
        if unit not in ("- ", "- - ", "? ", "a: [\n ") or not text.startswith("api"):
            assert "nesting deeper than 100" in found[-1].message


def test_b7_nesting_by_indentation_and_at_the_limit() -> None:
    deep = "\n".join(" " * i + "a:" for i in range(120))
    assert "nesting deeper than 100" in read(deep)[1][0].message
    nested = f"apiVersion: gitopsc.dev/v1alpha1\nx: {'[' * 99}{']' * 99}\n"
    assert read(nested)[1] == []
    assert "nesting deeper than 100" in read(nested.replace("[" * 99, "[" * 100).replace("]" * 99, "]" * 100))[1][0].message


def test_b7_nesting_through_aliases() -> None:
    chain = "".join(f"a{i}: &a{i} {'[' * 50}{f'*a{i - 1}' if i else 'x'}{']' * 50}\n" for i in range(3))
    assert "nesting deeper than 100" in read(HEAD + chain)[1][0].message


@pytest.mark.parametrize(
    "value",
    [
        "!!python/object/apply:os.system [id]", "!!python/name:os.system", "!vault |\n    $ANSIBLE", "!include other.yaml", "!!binary aGk=", "!!set {a, b}",
        "!!timestamp 2024-01-01", "!!omap [a: 1]", "!!merge x", "!!value x", "!Ref x", "!<tag:example.com,2000:x> y", "! 12", '! "12"',
        "!!map [a]", "!!seq {a: 1}", "!!map x",
    ],
)  # fmt: skip
def test_b8_tags(value: str) -> None:
    documents, found = read(HEAD + f"spec:\n  a: {value}\n  b: 1\n")
    assert [(d.code, d.place and d.place.line, d.path) for d in found] == [("unknown-tag", 5, "spec.a")]
    assert "tag not allowed" in found[0].message
    assert documents[0].spec == {"b": 1}


@pytest.mark.parametrize("text", ["!!python/object/apply:os.system [id]", "!x\na: 1", "!foo!bar x", "a: !<b c"])
def test_b8_tags_at_the_top(text: str) -> None:
    _, found = read(text)
    assert len(found) == 1
    assert "tag not allowed" in found[0].message


@pytest.mark.parametrize("value", ["!!int x", "!!bool 1", "!!float x", "!!null x", "!!int 1.5", "!!float true", "!!int true"])
def test_tags_that_do_not_fit(value: str) -> None:
    assert said(HEAD + f"a: {value}") == ["4:4 bad-tag"]


BAD = [
    "\0",
    "\x1b",
    "\x01",
    "\x7f",
    "\x85",
    "\x9f",
    "\u061c",
    "\u200e",
    "\u200f",
    "\u202a",
    "\u202e",
    "\u2066",
    "\u2069",
    "\u2028",
    "\u2029",
    "\ufeff",
    "\ufffe",
    "\uffff",
]


@pytest.mark.parametrize("character", BAD, ids=ascii)
@pytest.mark.parametrize(
    "around", ["spec:\n  a: x{}y\n", "spec:\n  a: 'x{}y'\n", 'spec:\n  a: "x{}y"\n', "spec:\n  a: 1 #{}\n", "spec:\n  x{}: 1\n", "spec: |\n    x{}y\n"]
)
def test_b9_characters_in_a_file(character: str, around: str) -> None:
    text = HEAD + around.format(character)
    before = text[: text.index(character)].split("\n")
    documents, found = read(text)
    assert [(d.code, d.place and d.place[1:]) for d in found] == [("bad-character", (len(before), len(before[-1]) + 1))]
    assert documents[0].faulty


@pytest.mark.parametrize(
    ("escape", "named"),
    [
        ("\\u202e", "RIGHT-TO-LEFT OVERRIDE"),
        ("\\e", "ESC"),
        ("\\0", "NUL"),
        ("\\N", "NEL"),
        ("\\L", "U+2028"),
        ("\\x1b", "ESC"),
        ("\\U0000202E", "U+202E"),
        ("\\b", "U+0008"),
    ],
)
def test_b9_characters_as_escapes(escape: str, named: str) -> None:
    _, found = read(HEAD + f'spec:\n  a: ["x{escape}y"]\n  "k{escape}": 1\n')
    assert [(d.code, d.place and d.place[1:]) for d in found] == [("bad-character", (5, 7)), ("bad-character", (6, 3))]
    assert named in found[0].message


@pytest.mark.parametrize(
    ("data", "place", "found"),
    [
        ((HEAD + "a: é\n").encode("latin-1"), (4, 4), "0xe9"),
        ((HEAD + "a: 1\n").encode("utf-16"), (1, 1), "UTF-16"),
        (b"\xfe\xff\x00a", (1, 1), "UTF-16"),
        (HEAD.encode() + b"a:\r\n  b: \xed\xa0\x80", (5, 6), "surrogate"),
        ("é: ".encode() + b"\xff", (1, 4), "0xff"),
        (HEAD.encode() + b"a: \xc3", (4, 4), "0xc3"),
    ],
)
def test_b9_encodings(data: bytes, place: tuple[int, int], found: str) -> None:
    documents, diagnostics = read(data)
    assert documents == []
    assert [(d.code, d.place and d.place[1:]) for d in diagnostics] == [("bad-encoding", place)]
    assert found in diagnostics[0].message


def test_b9_byte_order_mark_at_the_start_and_lone_surrogate_escape() -> None:
    documents, found = read("\ufeff" + HEAD)
    assert not found
    assert documents[0].data.keys_at["apiVersion"] == ("f.yaml", 1, 1)
    assert said(HEAD + 'a: "\\ud800"') == ["4:7 yaml-syntax"]


def test_b9_lone_carriage_return() -> None:
    assert said(HEAD + 'a: "x\ry"\n') == ["4:6 bad-character"]
    assert said(HEAD + 'a: "x\r\n  y"\r\n') == []


def test_many_bad_characters_are_few_findings() -> None:
    assert 0 < len(read("\0" * 5000)[1]) <= 25


BEYOND = [
    "1" * 5000, "-" + "9" * 400, "9223372036854775808", "-9223372036854775809", "0x" + "f" * 17, "0o" + "7" * 30, "0" * 50,
    "1e999", "-1e999", "1" * 400 + ".0", ".nan", ".NaN", ".inf", "-.Inf", "+.INF", "!!int " + "1" * 5000,
]  # fmt: skip


@pytest.mark.parametrize("value", BEYOND, ids=range(len(BEYOND)))
def test_b10_numbers_out_of_range(value: str) -> None:
    documents, found = read(HEAD + f"spec:\n  a: [{value}, 2]\n  b: {value}\n")
    assert [d.code for d in found] == ["number-out-of-range", "number-out-of-range"]
    assert [d.path for d in found] == ["spec.a[0]", "spec.b"]
    assert [d.place and d.place.line for d in found] == [5, 6]
    assert all(len(d.message) < 120 for d in found)
    assert documents[0].spec["a"] == [2]
    assert documents[0].spec["a"].place(0) == ("f.yaml", 5, 9 + len(value))


ALERTS = "alerts: [{on: [drift, failed, degraded], to: {env: ALERT_URL}}]"


@pytest.mark.parametrize(
    "text", [f"spec: {{{ALERTS}}}", f"spec:\n  {ALERTS}", "spec:\n  alerts:\n  - on:\n    - drift\n    - failed\n    - degraded\n    to: {env: ALERT_URL}"]
)
def test_b11_a_field_that_old_readers_take_for_a_boolean_is_what_it_says(text: str) -> None:
    documents, found = read(f"apiVersion: gitopsc.dev/v1alpha1\nkind: Environment\nmetadata: {{name: prod}}\n{text}\n")
    assert found == []
    assert not documents[0].faulty
    assert documents[0].spec == {"alerts": [{"on": ["drift", "failed", "degraded"], "to": {"env": "ALERT_URL"}}]}
    assert not documents[0].spec["alerts"][0].keys() ^ {"on", "to"}


def test_b11_so_it_is_in_an_environments_lock() -> None:
    documents, found = read(f"apiVersion: gitopsc.dev/v1alpha1\nkind: EnvironmentLock\nenvironment: prod\n{ALERTS}\n")
    assert found == []
    assert documents[0].data["alerts"][0]["on"] == ["drift", "failed", "degraded"]


@pytest.mark.parametrize(
    ("kind", "text", "path"),
    [
        ("Environment", "spec: {facts: {on: 1}}", "spec.facts.on"),
        ("Environment", "spec: {alerts: [{'on': [drift], to: {on: X}}]}", "spec.alerts[0].to.on"),
        ("Environment", "spec: {alerts: [{On: [drift], to: {env: X}}]}", "spec.alerts[0].On"),
        ("Environment", "spec: {alerts: [{y: [drift], to: {env: X}}]}", "spec.alerts[0].y"),
        ("Environment", "spec: {target: {namespaceLabels: {on: x}}}", "spec.target.namespaceLabels.on"),
        ("Environment", "on: 1", "on"),
        ("Application", "spec: {values: {on: 1}}", "spec.values.on"),
        ("Application", "spec: {alerts: [{on: [drift]}]}", "spec.alerts[0].on"),
        ("Application", "spec: {workloads: {web: {env: {y: x}}}}", "spec.workloads.web.env.y"),
        ("Nothing", "spec: {alerts: [{on: [drift]}]}", "spec.alerts[0].on"),
    ],
)
def test_b11_keys_of_ones_own_choice_are_quoted(kind: str, text: str, path: str) -> None:
    _, found = read(f"apiVersion: gitopsc.dev/v1alpha1\nkind: {kind}\nmetadata: {{name: prod}}\n{text}\n")
    assert [(d.code, d.path) for d in found] == [("bare-key", path)]
    assert "quote it" in str(found[0].hint)


@pytest.mark.parametrize("key", ["1", "true", "null", "~", "1.5", "0x1", "y", "n", "Yes", "NO", "on", "off", "010", ".inf", "1e3", "9" * 900])
def test_b11_keys_that_are_not_text(key: str) -> None:
    documents, found = read(HEAD + f"spec: {{{key}: 1}}")
    assert len(found) == 1
    assert found[0].code in ("key-not-text", "bare-key")
    assert "quote it" in str(found[0].hint)
    assert found[0].place == ("f.yaml", 4, 8)
    assert documents[0].spec == {key: 1}
    assert read(HEAD + f'spec: {{"{key}": 1}}')[1] == []


@pytest.mark.parametrize("key", ["? [a]\n  : 1", "? {a: b}\n  : 1", "{a: b}: 1", "[a]: 1", "? [a, [b]]", "? &x [a]\n  : *x"])
def test_b11_keys_that_are_no_scalars(key: str) -> None:
    documents, found = read(HEAD + f"spec:\n  {key}\n  b: 2\n")
    assert [d.code for d in found] == ["key-not-text"]
    assert documents[0].spec == {"b": 2}


def test_alias_as_key() -> None:
    assert spec_of("a: &k name\nspec: {*k : 1}")["spec"] == {"name": 1}
    assert said(HEAD + "a: &k [x]\nspec: {*k : 1}") == ["5:8 key-not-text"]
    assert said(HEAD + "a: &k 12\nspec: {*k : 1}") == ["5:8 key-not-text"]


def test_b14_documents_of_a_stream() -> None:
    text = f"# c\n---\n{HEAD}---\n# nothing\n---\n{HEAD}a: |\n  ---x\n  b\n...\n---\n{HEAD}...\n"
    documents, found = read(text)
    assert not found
    assert [document.index for document in documents] == [0, 2, 3]
    assert documents[1].data["a"] == "---x\nb\n"
    assert documents[2].data.at == ("f.yaml", 17, 1)


@pytest.mark.parametrize("line", ["%YAML 1.1", "%YAML 1.2", "%YAML 3.0", "%TAG ! tag:x,2000:", "%FOO bar"])
def test_b14_directives_are_refused(line: str) -> None:
    assert [d.code for d in read(f"{line}\n---\n{HEAD}")[1]] == ["yaml-directive"]
    assert [d.code for d in read(f"{HEAD}...\n{line}\n---\n{HEAD}")[1]] == ["yaml-directive"]


def test_merge_keys() -> None:
    data = spec_of("x: &x {a: 1, b: 0x2}\nz: &z {b: 3, c: 4}\nspec:\n  d: 0\n  <<: [*x, *z]\n  c: 5\n  e: 6\n")
    spec = data["spec"]
    assert list(spec.items()) == [("d", 0), ("a", 1), ("b", 2), ("c", 5), ("e", 6)]
    assert spec.raw["b"] == "0x2"
    assert spec.places["a"] == ("f.yaml", 4, 11)
    assert spec.places["c"] == ("f.yaml", 9, 6)
    assert spec_of("x: &x {a: 1}\nspec: {a: t, <<: *x}")["spec"].raw == {}
    assert spec_of("x: &x {a: 1}\nspec: {<<: *x, a: t}")["spec"].raw == {}
    assert spec_of("spec: {<<: {a: 1}, '<<': 2}")["spec"] == {"a": 1, "<<": 2}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("spec: {<<: 1}", ["4:12 bad-merge"]),
        ("spec: {<<: [a]}", ["4:12 bad-merge"]),
        ("x: &x {a: 1}\nspec: {<<: *x, <<: *x}", ["5:16 duplicate-key"]),
        ("x: &x {a: 1}\nspec: {<<: *x, a: 2, a: 3}", ["5:22 duplicate-key"]),
    ],
)
def test_merge_keys_that_are_wrong(text: str, expected: list[str]) -> None:
    assert said(HEAD + text) == expected


def test_everything_is_gathered() -> None:
    text = HEAD + 'spec:\n  a: 1\n  a: 2\n  y: 1\n  b: !v x\n  c: .nan\n  d: *n\n  e: "\\e"\n  1: 2\n  f: \u202e\n  ok: 3\n  g: \'x\n'
    codes = [d.split(" ")[1] for d in said(text)]
    assert codes == [
        "duplicate-key",
        "bare-key",
        "unknown-tag",
        "number-out-of-range",
        "unknown-anchor",
        "bad-character",
        "key-not-text",
        "bad-character",
        "yaml-syntax",
    ]
    document = read(text)[0][0]
    assert document.partial
    assert document.spec["ok"] == 3


def test_documents_before_a_syntax_error_are_read() -> None:
    documents, found = read(f"{HEAD}---\n{HEAD}spec:\n  a: [1\n")
    assert [(d.faulty, d.partial) for d in documents] == [(False, False), (True, True)]
    assert documents[1].name == "a"
    assert len(found) == 1


def test_other_peoples_documents_are_left_alone() -> None:
    documents, found = read("apiVersion: v1\nkind: X\non: {1: .nan, y: 99999999999999999999}\n")
    assert not found
    assert documents[0].api_version == "v1"
    assert not documents[0].faulty
    assert documents[0].data["on"] == {"1": 0} or documents[0].data["on"] == {}
    _, found = read("apiVersion: v1\nkind: X\na: 1\na: 2\n")
    assert "exclude" in str(found[0].hint)


@pytest.mark.parametrize("version", ["gitopsc.dev/v1", "gitopsc.dev", "gitopsc.io/v1alpha1", "gitops.dev/v1alpha1", "GitOpsC.dev/v1alpha1", "gitopsc/v1alpha1"])
def test_versions_that_were_meant_to_be_ours(version: str) -> None:
    documents, found = read(f"apiVersion: {version}\nkind: Application\nmetadata: {{name: a}}\n")
    assert [d.code for d in found] == ["unknown-version"]
    assert "gitopsc.dev/v1alpha1" in found[0].message
    assert documents[0].faulty


@pytest.mark.parametrize("version", ["v1", "apps/v1", "argoproj.io/v1alpha1", "gitlab.com/v1", "gitea.io/v1", "source.toolkit.fluxcd.io/v1"])
def test_versions_of_others(version: str) -> None:
    assert read(f"apiVersion: {version}\nkind: Application\n")[1] == []


@pytest.mark.parametrize(("name", "kept"), [("123", "123"), ("true", "true"), ("1e3", "1e3"), ("0644", "0644")])
def test_a_name_is_text(name: str, kept: str) -> None:
    documents, found = read(f"apiVersion: gitopsc.dev/v1alpha1\nkind: Application\nmetadata: {{name: {name}}}\n")
    assert [(d.code, d.place and d.place[1:], d.path) for d in found] == [("not-text", (3, 18), "metadata.name")]
    assert documents[0].name == kept


def test_x_keys_stay() -> None:
    assert spec_of("x-env: &e {A: b}\nspec: {e: *e}")["x-env"] == {"A": "b"}


def test_d6_large_files_are_refused_before_they_are_read() -> None:
    documents, found = read(b"a" * (50 << 20))
    assert documents == []
    assert found[0].message == "expected a file of at most 1 MiB, found 50 MiB"


@pytest.mark.parametrize("unit", ["- {a: b}\n", '"":', "k: v\n", "[]", "--- a\n", "- 1:\n", '- "\\e"\n', "- .nan\n", "- *a\n", "%\n", "\r", "'", "- &a b\n"])
def test_a_million_bytes_end_soon_and_have_few_findings(unit: str) -> None:
    _, found = read((unit * (1 << 20))[: 1 << 20])
    assert len(found) <= 130


def test_trees_are_of_our_kinds() -> None:
    def check(value: Any) -> None:
        assert type(value) in (Map, Seq, str, int, float, bool, type(None))
        for item in value.values() if isinstance(value, Map) else value if isinstance(value, Seq) else ():
            check(item)

    check(spec_of("spec: {a: [{b: [c]}], d: {}}"))
