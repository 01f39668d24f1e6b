"""A mistake of a template's author: where it is told, and in which words."""

from __future__ import annotations

import pytest

from gitopsc.render.engine import Engine, Template, TemplateError
from tests.unit.templates import FILE, mistake, mistakes, placed, template

AMBIGUOUS = [
    "yes", "No", "on", "OFF", "y", "N", "0644", "08", "0o14", "1_000", "1e3", "12e03", "+.5", "1:30", "12:30:45", "2024-01-01", "=", "<<", ".inf", ".nan",
    "0b1", "-0x1", "1e999", "99999999999999999999",
]  # fmt: skip


@pytest.mark.parametrize("text", AMBIGUOUS)
def test_a_scalar_that_readers_read_differently(text: str) -> None:
    for line, written in ((2, f"a: 1\nb: {text}\n"), (3, f"a:\n- 1\n- {text}\n"), (2, f"a: 1\nb: {{c: {text}}}\n")):
        found = mistake(written)
        assert (found.code, found.place and found.place.line) == ("template-yaml", line)
        assert text in found.message
        assert "quote it" in (found.hint or "")
    for quoted in (f"a: '{text}'", f'a: "{text}"', f"a: |-\n  {text}", f"a: x{text}x", f"a: {{{{ '{text}' }}}}"):
        Engine().render_documents(template(quoted), {})


@pytest.mark.parametrize("key", ["yes", "y", "1", "0x1", "true", "null", "~", "1.5", "2024-01-01", "<<", "="])
def test_a_key_that_is_no_string(key: str) -> None:
    found = mistake(f"a: 1\n{key}: 2\n")
    assert found.message.startswith("expected a string as a key, found")
    assert found.place == (FILE, 2, 1)
    assert Engine().render_documents(template(f"'{key}': 1"), {}) == [{key: 1}]


def test_the_octal_of_a_mode() -> None:
    assert mistake("defaultMode: 0644").hint == "quote it ('0644') if it is text, write 420 if it is the octal number"


def test_all_at_once() -> None:
    found = mistakes("a: yes\nb:\n- 0644\n- on: 1\na: 2\n")
    assert [(d.place.line, d.place.column) for d in found if d.place] == [(1, 4), (3, 3), (4, 3), (5, 1)]


YAML = [
    ("a: 1\nb: c: d\n", 2, "': '"),
    ("a: 1\n b: 2\n", 2, ""),
    ("a: [1, 2\nb: 1\n", 2, "]"),
    ("a: 'x\nb: 1\n", 1, "quote"),
    ("a: {{ '{' }}\nb: {x: 1\n", 2, "}"),
    ("a:\n\t- 1\n", 2, "tab"),
    ("a: @x\n", 1, "@"),
    ("a: *nope\n", 1, "anchor"),
    ("a: !!str 1\n", 1, "tag"),
    ("a: !x {b: 1}\n", 1, "tag"),
    ("%YAML 1.1\n---\na: 1\n", 1, "'%'"),
    ("a: 1\na: 2\n", 2, "once"),
    ("a: {b: 1, b: 2}\n", 1, "once"),
    ("[a]: 1\n", 1, "key"),
    ("? {a: 1}\n: 1\n", 1, "key"),
    ("- 1\n- 2\n", 1, "mapping"),
    ("just text\n", 1, "mapping"),
    ("a: 1\n---\n5\n", 3, "mapping"),
    ("a: &x [*x]\n", 1, "aliases"),
    ("a: &a [1, 1]\n" + "".join(f"b{n}: &b{n} [" + ", ".join([f"*b{n - 1}" if n else "*a"] * 9) + "]\n" for n in range(9)), 6, "aliases"),
    ("a: " + "[" * 101 + "]" * 101 + "\n", 1, "deeper"),
    ("a: " + "{a: " * 5000 + "}" * 5000 + "\n", 1, "deeper"),
    ("a: " + "[" * 100_000 + "\n", 1, "deeper"),
]


@pytest.mark.parametrize(("text", "line", "word"), YAML)
def test_what_is_no_yaml(text: str, line: int, word: str) -> None:
    for before in ("", "{% set x = 1 %}\n{# a\ncomment #}\n"):
        found = mistakes(before + text)[0]
        assert found.code in ("template-yaml", "template-value")
        assert found.place is not None
        assert found.place.line == line + before.count("\n")
        assert word in found.message


def test_the_lines_around_are_the_templates() -> None:
    text = "a: 1\n{% for x in [1, 2] %}\nb: {{ x }}: c\n{% endfor %}\nd: 1\n"
    found = mistake(text)
    assert found.place == (FILE, 3, found.place.column if found.place else 0)
    assert found.hint is not None
    assert found.hint.endswith("  2 | {% for x in [1, 2] %}\n> 3 | b: {{ x }}: c\n  4 | {% endfor %}")


UNDEFINED = [
    ("a: {{ nam }}", "expected a name that templates can read, found 'nam'", "did you mean 'name'?"),
    ("a: {{ zzz }}", "expected a name that templates can read, found 'zzz'", "there is: name, scale, l"),
    ("a: {{ scale.replica }}", "expected a key that is there, found 'replica'", "did you mean 'replicas'?"),
    ("a: {{ scale['replica'] }}", "expected a key that is there, found 'replica'", "did you mean 'replicas'?"),
    ("a: {{ scale.zzz.b }}", "expected a key that is there, found 'zzz'", "there is: replicas, min"),
    ("{% if scale.zzz %}a: 1{% endif %}", "expected a key that is there, found 'zzz'", "there is: replicas, min"),
    ("{% for x in scale.zzz %}a: 1{% endfor %}", "expected a key that is there, found 'zzz'", "there is: replicas, min"),
    ("a: {{ scale.zzz ~ 'a' }}", "expected a key that is there, found 'zzz'", "there is: replicas, min"),
    ("a: {{ scale.zzz|upper }}", "expected a key that is there, found 'zzz'", "there is: replicas, min"),
    ("a: {{ {'b': scale.zzz} }}", "expected a key that is there, found 'zzz'", "there is: replicas, min"),
    ("a: {{ l[5] }}", "expected something that a list has, found '5'", None),
    ("a: {{ name.zzz }}", "expected something that a string has, found 'zzz'", None),
    ("a: {{ 1 if false }}", "expected an else beside this if, whose condition is false", "`… else omit` leaves the field out"),
]


@pytest.mark.parametrize(("text", "message", "hint"), UNDEFINED)
def test_undefined(text: str, message: str, hint: str | None) -> None:
    found = mistake(f"x: 1\n\n{text}\n", name="n", scale={"replicas": 1, "min": 2}, l=[1])
    assert (found.code, found.message, found.hint) == ("template-undefined", message, hint)
    assert found.place is not None
    assert found.place.line == 3


VALUES = [
    ("{{ m.d }}: 1", "expected a string as a key, found a mapping", 4),
    ("{{ m.n }}: 1", "expected a string as a key, found an integer", 6),
    ("{{ none }}: 1", "expected a string as a key, found null", None),
    ("a: x{{ m.d }}", "expected a string, a number or a boolean inside a text, found a mapping", 4),
    ("a: x{{ m.l }}", "expected a string, a number or a boolean inside a text, found a list", 7),
    ("a: x{{ none }}", "expected a string, a number or a boolean inside a text, found null", None),
    ("a: x{{ omit }}", "expected a string, a number or a boolean inside a text, found nothing (the field is absent)", None),
    ("a: |\n  {{ m.d }}", "expected a string, a number or a boolean inside a text, found a mapping", 4),
    ("{{ m.l }}", "expected a mapping: a template makes Kubernetes objects", 7),
    ("{{ m.s }}", "expected a mapping: a template makes Kubernetes objects", 9),
    ("{{ m.s }}: 1\n{{ m.s }}: 2", "expected each key once, found another 'text'", None),
    ("text: 1\n{{ m.s }}: 2", "expected each key once, found another 'text'", None),
]


@pytest.mark.parametrize(("text", "message", "line"), VALUES)
def test_a_value_at_fault_is_told_with_its_place(text: str, message: str, line: int | None) -> None:
    found = mistake(text, **placed({"m": {"d": {}, "n": 5, "l": [], "s": "text"}}))
    assert (found.code, found.message) == ("template-value", message)
    if line is not None:
        assert f"the value comes from app.yaml:{line}:5" in (found.hint or "")


def test_a_quoted_mapping_is_told_to_lose_its_quotes() -> None:
    found = mistake('a: "{{ m }}"', m={"k": 1})
    assert found.hint == "without quotes or '|' it is inserted as it is"


EXPRESSIONS = [
    ("a: {{ 1 + 'a' }}", "template-error"),
    ("a: {{ 1 / 0 }}", "template-error"),
    ("a: {{ 'abc'|int }}", "template-error"),
    ("a: {{ range(1000000)|list }}", "template-error"),
    ("a: {{ [1, 'a']|sort }}", "template-error"),
    ("a: {{ range(3) }}", "template-error"),
    ("a: {{ {1: 2} }}", "template-error"),
    ("a: {{ {'a': {none: 2}} }}", "template-error"),
    ("a: {{ 2 ** 63 * 4 }}", "template-error"),
    ("a: {{ -(2 ** 64) }}", "template-error"),
    ("a: {{ [2 ** 70] }}", "template-error"),
    ("a: {{ 1e308 * 10 }}", "template-error"),
    ("a: {{ {'b': 1}.keys() }}", "template-error"),
    ("a: {{ 'x'.split }}", "template-error"),
    ("a: {{ none ~ 'x' }}", "template-error"),
    ("a: {{ {} ~ 'x' }}", "template-error"),
    ("a: {{ {'b': 1}|upper }}", "template-error"),
    ("a: {{ [{}]|join }}", "template-error"),
    ("a: {{ 'x'() }}", "template-error"),
    ("a: {{ 'x'.replace() }}", "template-error"),
    ("a: {{ {[]: 1} }}", "template-error"),
    ("a: {{ [3][::0] }}", "template-error"),
    ("{% macro m(a) %}{% endmacro %}a: {{ m(1, 2) }}", "template-error"),
    ("a: {{ 'x'|d }", "template-syntax"),
    ("a: {{ }}", "template-syntax"),
    ("{% if %}", "template-syntax"),
    ("{% if 1 %}", "template-syntax"),
    ("{% endif %}", "template-syntax"),
    ("{% do 1 %}", "template-syntax"),
    ("{% for x in l %}{% break %}{% endfor %}", "template-syntax"),
    ("{% filter upper %}a: b{% endfilter %}", "template-syntax"),
    ("{% autoescape true %}a: b{% endautoescape %}", "template-syntax"),
    ("{% trans %}{% endtrans %}", "template-syntax"),
    ("{% debug %}", "template-syntax"),
    ("a: {{ x|random }}", "template-syntax"),
    ("a: {{ x is callable }}", "template-syntax"),
    ("a: {{ " + "(" * 5000 + "1" + ")" * 5000 + " }}", "template-syntax"),
    ("a: {{ " + "-" * 20000 + "1 }}", "template-syntax"),
    ("a: {{ 1" + " + 1" * 20000 + " }}", "template-syntax"),
    ("{% if 1 %}" * 500 + "a: 1" + "{% endif %}" * 500, "template-syntax"),
    ("{% for i in [1] %}" * 30 + "a: 1" + "{% endfor %}" * 30, "template-syntax"),
]


@pytest.mark.parametrize(("text", "code"), EXPRESSIONS)
def test_expressions_that_fail(text: str, code: str) -> None:
    found = mistake(f"# 1\n# 2\n{text}\n", l=[1], x=1)
    assert found.code == code
    assert found.place is not None
    assert found.place.line == (3 if "((" not in text and "--" not in text and len(text) < 4000 and "{% for i" not in text else found.place.line)


@pytest.mark.parametrize("character", ["\ue000", "\uf000\uf400", "\uf8ff", "\x00", "\x1b", "\u202e", "\x85", "\u2028", "\ufeff"])
def test_characters_that_a_template_may_not_have(character: str) -> None:
    found = mistake(f"a: 1\nb: x{character}\n")
    assert found.code == "template-character"
    assert found.place == (FILE, 2, 5)


def test_an_error_in_an_included_file_is_told_there() -> None:
    files = {"types/in.yaml.j2": b"b: 1\nc: {{ nope }}\n", "types/m.j2": b"{% macro m(x) %}\n\nd: {{ x.y }}\n{% endmacro %}\n"}
    engine = Engine(lambda path: files[path])
    for text, file, line in (
        ("a: 1\n{% include 'in.yaml.j2' %}\n", "types/in.yaml.j2", 2),
        ("{% import 'm.j2' as m %}\na: 1\n{{ m.m({}) }}\n", "types/m.j2", 3),
        ("{% from 'm.j2' import m %}\n\n\n{{ m(zzz.x) }}\n", FILE, 4),
    ):
        with pytest.raises(TemplateError) as caught:
            engine.render_documents(template(text), {})
        place = caught.value.diagnostics[0].place
        assert place is not None
        assert (place.file, place.line) == (file, line)


def test_errors_do_not_stick() -> None:
    engine = Engine()
    for _ in range(2):
        with pytest.raises(TemplateError):
            engine.render_documents(template("a: {{ x }}: b"), {"x": 1})
        with pytest.raises(TemplateError):
            engine.load(template("a: {{"))
        assert engine.render_documents(template("a: {{ x }}"), {"x": 1}) == [{"a": 1}]


def test_a_template_that_is_too_long() -> None:
    with pytest.raises(TemplateError, match="1048576"):
        Engine().load(Template("t", "#" * (1 << 20) + "\n", FILE))


@pytest.mark.parametrize(
    "unit", ["{{x}}", "a{{x}}\n", "\n", "{%if x%}a{%endif%}", "{{x|d|d|d|d}}", "{%macro a()%}{%endmacro%}", "{##}", "{{[" + "1," * 50_000 + "]}}"]
)
def test_a_template_that_would_take_long_to_compile(unit: str) -> None:
    with pytest.raises(TemplateError, match="30000 lines and words"):
        Engine().load(template(unit * ((1 << 20) // len(unit))))


def test_a_long_template_is_fine() -> None:
    text = "data:\n  dashboard: |\n" + "".join(f'    "line {number}": [1, 2],\n' for number in range(20_000)) + "  num: {{ n }}\n"
    (document,) = Engine().render_documents(template(text), {"n": 1})
    assert document["data"]["dashboard"].count("\n") == 20_000
    assert document["data"].places["num"] == (FILE, 20_003, 8)


def test_errors_cross_to_the_parent() -> None:
    import pickle

    with pytest.raises(TemplateError) as caught:
        Engine().render_documents(template("a: yes\nb: no\n"), {})
    again = pickle.loads(pickle.dumps(caught.value))
    assert isinstance(again, TemplateError)
    assert again.diagnostics == caught.value.diagnostics
