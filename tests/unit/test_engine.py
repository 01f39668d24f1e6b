"""Late binding: where values may stand in a template, and what becomes of them."""

from __future__ import annotations

from typing import Any

import pytest

from gitopsc.render.engine import OMIT, Engine
from gitopsc.values import Map, Seq, plain
from tests.unit.templates import made, mistake, placed, rendered, template

M = {"k": "v"}
BOUND: list[tuple[str, dict[str, Any], Any]] = [
    # a scalar that is exactly one token is the value, with its type
    ("a: {{ x }}", {"x": 5}, {"a": 5}),
    ("a: {{ x }}", {"x": "5"}, {"a": "5"}),
    ("a: {{ x }}", {"x": 1.5}, {"a": 1.5}),
    ("a: {{ x }}", {"x": True}, {"a": True}),
    ("a: {{ x }}", {"x": None}, {"a": None}),
    ("a: {{ x }}", {"x": "yes"}, {"a": "yes"}),
    ("a: {{ x }}", {"x": "012"}, {"a": "012"}),
    ("a: {{ x }}", {"x": "null"}, {"a": "null"}),
    ("a: {{ x }}", {"x": ""}, {"a": ""}),
    ("a: {{ x }}", {"x": M}, {"a": M}),
    ("a: {{ x }}", {"x": [1, M]}, {"a": [1, M]}),
    ("a: {{ x }}", {"x": {}}, {"a": {}}),
    ("a:\n  {{ x }}", {"x": M}, {"a": M}),
    ("a:   {{ x }}   # comment", {"x": M}, {"a": M}),
    ("a: {{ [1, x, {'k': x}] }}", {"x": "y"}, {"a": [1, "y", {"k": "y"}]}),
    ("a: {{ (1, 2) }}", {}, {"a": [1, 2]}),
    ("{{ x }}", {"x": M}, M),
    # flow style and lists
    ("metadata: {labels: {{ x }}, annotations: {{ y }}}", {"x": M, "y": {}}, {"metadata": {"labels": M, "annotations": {}}}),
    ("a: [{{ x }}, {{ y }}, z{{ y }}]", {"x": 1, "y": "b"}, {"a": [1, "b", "zb"]}),
    ("a: {b: {{ x }}, c: [{{ x }}]}", {"x": 1}, {"a": {"b": 1, "c": [1]}}),
    ("a:\n- {{ x }}\n- {{ y }}", {"x": M, "y": [1]}, {"a": [M, [1]]}),
    ("a:\n- {{ x }}: {{ y }}\n  b: 1", {"x": "k", "y": 2}, {"a": [{"k": 2, "b": 1}]}),
    # inside a longer scalar: text
    ("a: b{{ x }}c", {"x": "-"}, {"a": "b-c"}),
    ("a: {{ x }}{{ y }}", {"x": 1, "y": 2}, {"a": "12"}),
    ("a: {{ x }}0", {"x": 3}, {"a": "30"}),
    ("a: {{ x }}:{{ y }}", {"x": "h", "y": 80}, {"a": "h:80"}),
    ("a: {{ x }}@{{ y }}", {"x": "r", "y": "sha256:0"}, {"a": "r@sha256:0"}),
    ("a: x {{ x }} y", {"x": True}, {"a": "x true y"}),
    ("a: x {{ x }}", {"x": 1.5}, {"a": "x 1.5"}),
    ("a: 'b{{ x }}c'", {"x": "'"}, {"a": "b'c"}),
    ('a: "b{{ x }}\\n"', {"x": '"\\'}, {"a": 'b"\\\n'}),
    ("a: b{{ x }}", {"x": ": {c: d}\n- e #"}, {"a": "b: {c: d}\n- e #"}),
    # quoted by the author: a string
    ('a: "{{ x }}"', {"x": 8080}, {"a": "8080"}),
    ("a: '{{ x }}'", {"x": True}, {"a": "true"}),
    ('a: "{{ x }}"', {"x": "no"}, {"a": "no"}),
    # block scalars
    ("a: |\n  b {{ x }}\n  c", {"x": "1\n2"}, {"a": "b 1\n2\nc\n"}),
    ("a: |\n  {{ x }}\n", {"x": "1\n2"}, {"a": "1\n2\n"}),
    ("a: |\n  {{ x }}\n", {"x": "1\n2\n"}, {"a": "1\n2\n"}),
    ("a: |-\n  {{ x }}\n", {"x": "1\n2\n"}, {"a": "1\n2\n"}),
    ("a: |-\n  {{ x }}\n", {"x": 5}, {"a": "5"}),
    ("a: |\n  {{ x }}\n  {{ x }}\nb: 1", {"x": "    deep"}, {"a": "    deep\n    deep\n", "b": 1}),
    ("a: >\n  b\n  {{ x }}\n", {"x": "c\n\nd"}, {"a": "b c\n\nd\n"}),
    ("a: |\n  {{ x }}\n\n", {"x": ""}, {"a": "\n"}),
    # keys
    ("{{ x }}: 1", {"x": "a: b"}, {"a: b": 1}),
    ("a-{{ x }}: {{ x }}", {"x": "b"}, {"a-b": "b"}),
    ("a: {{ '{' }}", {}, {"a": "{"}),
    ("a: { {{ x }}: 1}", {"x": "k"}, {"a": {"k": 1}}),
    ('"{{ x }}": 1', {"x": 5}, {"5": 1}),
    ("? {{ x }}\n: 1", {"x": "k"}, {"k": 1}),
    # what the author wrote is YAML, and the same to every reader
    (
        "a: true\nb: null\nc: ~\nd: 1\ne: 1.5\nf: 0x1F\ng:\nh: -3\ni: TRUE",
        {},
        {"a": True, "b": None, "c": None, "d": 1, "e": 1.5, "f": 31, "g": None, "h": -3, "i": True},
    ),
    ("a: &x {b: 1}\nc: *x", {}, {"a": {"b": 1}, "c": {"b": 1}}),
    ("a: &x {{ x }}\nc: [*x, *x]", {"x": 3}, {"a": 3, "c": [3, 3]}),
    ("# {{ x }}\na: 1 # {{ x }}\n{# {{ nothing }} #}b: 2", {"x": "\nc: 3"}, {"a": 1, "b": 2}),
    ("a: {% raw %}'{{ x }}'{% endraw %}", {}, {"a": "{{ x }}"}),
]


@pytest.mark.parametrize(("text", "values", "expected"), BOUND)
def test_bound(text: str, values: dict[str, Any], expected: Any) -> None:
    assert made(text, **values) == expected
    assert made(f"{text}\n", **placed(values)) == expected


def test_types_are_kept() -> None:
    (document,) = rendered("a: {{ x }}\nb: {c: [1, {d: {{ x }}}]}\nd: {{ y }}", placed({"x": 5, "y": [{}]}))
    assert type(document) is type(document["b"]) is type(document["b"]["c"][1]) is type(document["d"][0]) is Map
    assert type(document["b"]["c"]) is type(document["d"]) is Seq
    assert type(document["a"]) is int


OMITTED: list[tuple[str, Any]] = [
    ("a: {{ omit }}\nb: 1", {"b": 1}),
    ("a: {b: {{ omit }}, c: 1}", {"a": {"c": 1}}),
    ("a: [1, {{ omit }}, 2]", {"a": [1, 2]}),
    ("a:\n- {{ omit }}", {"a": []}),
    ("a: '{{ omit }}'\nb: 1", {"b": 1}),
    ("a: |\n  {{ omit }}\nb: 1", {"b": 1}),
    ("{{ omit }}: 1\nb: 1", {"b": 1}),
    ("x-{{ 1 }}: {{ omit }}\nb: 1", {"b": 1}),
    ("a: {{ {'b': omit, 'c': [omit, 1]} }}", {"a": {"c": [1]}}),
    ("a: {{ x }}", {}),
    ("a: {{ x|default('y') }}", {"a": "y"}),
    ("a: {{ x|upper }}\nb: {{ x|replace('a', 'b') }}", {}),
    ("a: {{ 1 if x else 2 }}\n{% if x is defined %}b: 3{% endif %}\n{% for y in x %}c: 4{% endfor %}", {"a": 2}),
]


@pytest.mark.parametrize(("text", "expected"), OMITTED)
def test_omit_leaves_out(text: str, expected: Any) -> None:
    assert made(text, x=OMIT) == expected


def test_omit_is_one() -> None:
    import pickle

    assert pickle.loads(pickle.dumps(OMIT)) is OMIT
    assert not OMIT
    assert repr(OMIT) == "omit"


def test_no_document_of_what_is_left_out() -> None:
    assert rendered("{{ omit }}") == []
    assert rendered("{{ none }}") == []
    assert rendered("{% if false %}a: 1{% endif %}\n") == []


def test_documents() -> None:
    text = "---\n{% for n in names %}\n---\nname: {{ n }}\n{% endfor %}\n---\n# nothing\n---\nlast: 1\n...\n"
    assert plain(rendered(text, names=["a", "b"])) == [{"name": "a"}, {"name": "b"}, {"last": 1}]
    assert plain(rendered(text, names=[])) == [{"last": 1}]
    assert rendered("") == rendered("---\n---\n") == rendered("# only a comment") == []


def test_the_page_of_the_language() -> None:
    """The external secret of the design, with its ``{%- for %}`` and ``params['keys']``."""
    text = """apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata:
  name: {{ name }}
spec:
  refreshInterval: 1h
  secretStoreRef: {kind: ClusterSecretStore, name: default}
  target: {name: {{ name }}}
  data:
  {%- for k in params['keys'] %}
  - secretKey: {{ k }}
    remoteRef: {key: {{ env.name }}/{{ app.name }}/{{ resource }}, property: {{ k }}}
  {%- endfor %}
"""
    document = made(text, name="shop-pay", params={"keys": ["api", "yes"]}, env={"name": "prod"}, app={"name": "shop"}, resource="pay")
    assert document["spec"] == {
        "refreshInterval": "1h",
        "secretStoreRef": {"kind": "ClusterSecretStore", "name": "default"},
        "target": {"name": "shop-pay"},
        "data": [{"secretKey": key, "remoteRef": {"key": "prod/shop/pay", "property": key}} for key in ("api", "yes")],
    }


CONTROL: list[tuple[str, Any]] = [
    ("{% for k, v in m.items() %}\n{{ k }}: {{ v }}\n{% endfor %}", {"a": 1, "b": "x"}),
    ("{% for k in m %}\n{{ k }}: {{ m[k] }}\n{% endfor %}", {"a": 1, "b": "x"}),
    ("{% for k in m.keys() %}\n{{ k }}: {{ loop.index }}\n{% endfor %}", {"a": 1, "b": 2}),
    ("a: {{ m.get('zzz', 'd') }}", {"a": "d"}),
    ("a: {{ shadow.items }}\nb: {{ shadow|items|first }}", {"a": "mine", "b": ["items", "mine"]}),
    ("a: {{ m.a if m.b == 'x' else omit }}", {"a": 1}),
    ("{% set n = m.a + 1 %}\na: {{ n }}", {"a": 2}),
    ("{% set t %}nn: {{ m.b }}{% endset %}\n{{ t }}", {"nn": "x"}),
    (
        "{% macro e(k, v) %}\n- {name: {{ k }}, value: {{ v }}}\n{% endmacro %}\na:\n{{ e('x', m.a) }}{{ e('y', m.b) }}",
        {"a": [{"name": "x", "value": 1}, {"name": "y", "value": "x"}]},
    ),
    ("{% macro e() %}b: {{ caller() }}{% endmacro %}\n{% call e() %}{{ m.a }}{% endcall %}", {"b": 1}),
    (
        "{% macro tree(n) %}{v: {{ n }}{% if n %}, d: {{ tree(n - 1) }}{% endif %}}{% endmacro %}\na: {{ tree(2) }}",
        {"a": {"v": 2, "d": {"v": 1, "d": {"v": 0}}}},
    ),
    ("a: {% for x in [[1, [2]], 3] recursive %}{% if x is iterable %}<{{ loop(x) }}>{% else %}{{ x }};{% endif %}{% endfor %}", {"a": "<1;<2;>>3;"}),
    ("{% set s = namespace(n=0) %}\n{% for x in [1, 2, 3] %}{% set s.n = s.n + x %}{% endfor %}\na: {{ s.n }}", {"a": 6}),
    ("a: {{ 'x' ~ true ~ 1 ~ 1.5 }}", {"a": "xtrue11.5"}),
    ("a: {{ [1, true, 'x']|join('-') }}", {"a": "1-true-x"}),
    (
        "a: {{ [3, 1, 2]|sort }}\nb: {{ 'AbC'|lower }}\nc: {{ ' x '|trim }}\nd: {{ 'aXa'|replace('X', '-') }}",
        {"a": [1, 2, 3], "b": "abc", "c": "x", "d": "a-a"},
    ),
    ("a: {{ m|length }}\nb: {{ m|dictsort|map('first')|list }}\nc: {{ [{'n': 1}, {'n': 2}]|map(attribute='n') }}", {"a": 2, "b": ["a", "b"], "c": [1, 2]}),
    ("a: {{ [1, 2, 3, 4]|select('odd') }}\nb: {{ [{'n': 1, 'x': 1}, {'n': 2, 'x': 0}]|selectattr('x')|map(attribute='n')|list }}", {"a": [1, 3], "b": [1]}),
    (
        "a: {{ m|tojson }}\nb: {{ '12'|int + 1 }}\nc: {{ 12|string }}\nd: {{ 'a,b'|split(',') }}",
        {"a": '{"a": 1, "b": "x"}', "b": 13, "c": "12", "d": ["a", "b"]},
    ),
    (
        "a: {{ 'abcdef'[:3] }}\nb: {{ [1, 2, 3][1:] }}\nc: {{ 'a-b'.split('-') }}\nd: {{ 'x'.startswith('x') }}",
        {"a": "abc", "b": [2, 3], "c": ["a", "b"], "d": True},
    ),
    ("{% block b %}a: 1{% endblock %}", {"a": 1}),
    ("a: {{ 7 // 2 }}\nb: {{ 7 % 2 }}\nc: {{ 2 ** 10 }}\nd: {{ 'ab' * 2 }}", {"a": 3, "b": 1, "c": 1024, "d": "abab"}),
    ("a: {{ m.zzz|default('none') }}\nb: {{ nothing|default(3) }}\nc: {{ nothing is defined }}", {"a": "none", "b": 3, "c": False}),
    ("a: {{ ''|default('x', true) }}\nb: {{ m|d }}", {"a": "x", "b": {"a": 1, "b": "x"}}),
]


@pytest.mark.parametrize(("text", "expected"), CONTROL)
def test_control_flow(text: str, expected: Any) -> None:
    values = {"m": {"a": 1, "b": "x"}, "shadow": {"items": "mine"}}
    assert made(text, **values) == expected
    assert made(text, **placed(values)) == expected


def test_a_macros_text_can_only_be_written() -> None:
    macro = "{% macro m() %}x{% endmacro %}\n"
    for use in ("{{ m()|upper }}", "{{ m() ~ 'a' }}", "{{ [m()]|join }}", "{{ m()|default('x')|lower }}", "{% if m() %}{% endif %}", "{{ {'a': m()} }}"):
        assert mistake(f"{macro}a: {use}").place is not None


def test_one_shape_is_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from gitopsc.render import reading

    calls: list[str] = []
    real = reading.read_skeleton

    def counted(text: str, *rest: Any) -> Any:
        calls.append(text)
        return real(text, *rest)

    monkeypatch.setattr(reading, "read_skeleton", counted)
    engine, one = Engine(), template("a: {{ x }}\n{% if y %}b: {{ y }}{% endif %}\n")
    for number in range(50):
        assert plain(engine.render_documents(one, {"x": number, "y": 0})) == [{"a": number}]
        assert plain(engine.render_documents(one, {"x": f"{number}\nc: 1", "y": "z"})) == [{"a": f"{number}\nc: 1", "b": "z"}]
    assert len(calls) == 2


def test_results_are_new_each_time() -> None:
    engine, one = Engine(), template("a: {b: [1, {c: {{ x }}}]}\n")
    first, second = (engine.render_documents(one, {"x": 1})[0] for _ in "ab")
    first["a"]["b"][1]["c"] = 5
    first["a"]["b"].append(6)
    first.places.clear()
    first.keys_at.clear()
    assert plain(second) == plain(engine.render_documents(one, {"x": 1})[0]) == {"a": {"b": [1, {"c": 1}]}}
    assert second.places


def test_values_are_inserted_and_not_copied() -> None:
    value = placed({"k": [1]})
    (document,) = rendered("a: {{ x }}", {"x": value})
    assert document["a"] is value


def test_importing_the_engine_imports_no_template_library() -> None:
    import subprocess
    import sys

    code = "import sys, gitopsc.render.engine, gitopsc.render.emit, gitopsc.render.pool; print({'jinja2', 'yaml'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
