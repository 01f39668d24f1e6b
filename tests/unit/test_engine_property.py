"""No value changes structure: random templates, random values, and the tree that must come out."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gitopsc.render.emit import dump
from gitopsc.render.engine import OMIT, Engine
from gitopsc.render.skeleton import mark, token
from gitopsc.values import plain
from tests.hostile import HOSTILE
from tests.readers import LIBRARIES
from tests.unit.templates import placed, template

ENGINE = Engine()

PIECES = [
    "\n", "\n\n", " ", "  ", "\t", "\r\n", "---\n", "...\n", "- ", ": ", ":", "#", " # ", "{{ x }}", "{% for %}", "{{", "}}", "%}", "{#", "#}", "|\n", ">",
    "&a", "*a", "!!x ", "? ", "{", "}", "[", "]", ",", "'", '"', "\\", "a", "b: c", "kind: Evil", "securityContext: {privileged: true}", "no", "0x1",
    "<<: *a", "é", "😀", "\x85", "\u2028", "\ufeff", "\x00", token(0), token(1), token(1000), mark(0), mark(1), "\ue000", "\uf000", "\uf8ff", "\uf400",
]  # fmt: skip
TEXT = st.one_of(
    st.sampled_from(HOSTILE), st.lists(st.sampled_from(PIECES), max_size=8).map("".join), st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
)
SCALAR = st.one_of(TEXT, st.integers(-(1 << 63), (1 << 63) - 1), st.booleans(), st.floats(allow_nan=False, allow_infinity=False, width=32))
VALUE = st.recursive(st.one_of(SCALAR, st.none()), lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXT, inner, max_size=3)), max_leaves=8)


def as_text(value: Any) -> str:
    return value if isinstance(value, str) else yaml.safe_dump(value).partition("\n")[0] if isinstance(value, bool) else repr(value)


EVERYWHERE = """{% macro pair(k, v) %}{ {{ k }}: {{ v }}}{% endmacro %}
# a comment with {{ text }} and {{ value }}
apiVersion: v1
kind: {{ text }}
whole: {{ value }}
flow: {labels: {{ value }}, list: [{{ value }}, {{ scalar }}, x], {{ text }}: 1}
list:
- {{ value }}
- name: {{ text }}
  {{ text }}: {{ value }}
- [{{ text }}]
spliced: a{{ text }}b{{ scalar }}c
single: 'a{{ text }}b'
double: "a{{ text }}\\n"
quoted: "{{ scalar }}"
literal: |
  first {{ text }}
    second
  {{ text }}.
folded: >-
  a
  {{ text }}
made: {{ [text, {'k': value}, text ~ scalar] }}
macro: {{ pair(text, value) }}
{% for item in items %}
item-{{ loop.index }}: {{ item }}
{% endfor %}
{% if text %}
there: {{ text }}
{% endif %}
{% set block %}block: {{ text }}{% endset %}
{{ block }}
absent: {{ absent }}
last: {{ text }}
---
second: {{ value }}
"""


def expected(text: str, scalar: Any, value: Any, items: list[Any]) -> list[Any]:
    first = {
        "apiVersion": "v1",
        "kind": text,
        "whole": value,
        "flow": {"labels": value, "list": [value, scalar, "x"], text: 1},
        "list": [value, {"name": text, text: value}, [text]],
        "spliced": f"a{text}b{as_text(scalar)}c",
        "single": f"a{text}b",
        "double": f"a{text}\n",
        "quoted": as_text(scalar),
        "literal": f"first {text}\n  second\n{text}.\n",
        "folded": f"a {text}",
        "made": [text, {"k": value}, f"{text}{as_text(scalar)}"],
        "macro": {text: value},
        **{f"item-{number}": item for number, item in enumerate(items, 1)},
        **({"there": text} if text else {}),
        "block": text,
        "last": text,
    }
    return [first, {"second": value}]


def clashes(text: str) -> bool:
    """Keys that the template itself has where the text is a key, too."""
    return text in ("labels", "list", "name")


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(TEXT.filter(lambda text: not clashes(text)), SCALAR, VALUE, st.lists(VALUE, max_size=3), st.booleans())
def test_values_never_change_structure(text: str, scalar: Any, value: Any, items: list[Any], with_places: bool) -> None:
    context = {"text": text, "scalar": scalar, "value": value, "items": items}
    documents = ENGINE.render_documents(template(EVERYWHERE), {**(placed(context) if with_places else context), "absent": OMIT})
    assert plain(documents) == expected(text, scalar, value, items)
    for document in documents:
        for name, read in LIBRARIES.items():
            assert read(dump(document)) == plain(document), name


def test_few_shapes() -> None:
    """The text does not depend on the values: only on how many items there are, and whether there is a text."""
    engine = Engine()
    for number, text in enumerate(HOSTILE):
        if not clashes(text):
            engine.render_documents(template(EVERYWHERE), {"text": text, "scalar": text, "value": {text: [text]}, "items": [1] * (number % 3), "absent": OMIT})
    assert len(engine._skeletons) <= 6


LITERAL = st.sampled_from(["a", "b-c", "x y", "1.2.3", "'q: r'", '"#"', "é"])
READ = {"a": "a", "b-c": "b-c", "x y": "x y", "1.2.3": "1.2.3", "'q: r'": "q: r", '"#"': "#", "é": "é"}


class Written:
    """A random template, growing, and what it must give."""

    def __init__(self, draw: Any) -> None:
        self.draw = draw
        self.values: list[Any] = []

    def value(self, strategy: Any) -> tuple[str, Any]:
        self.values.append(self.draw(strategy))
        return f"{{{{ v[{len(self.values) - 1}] }}}}", self.values[-1]

    def node(self, depth: int, flow: bool) -> tuple[str, Any]:
        kind = self.draw(st.sampled_from(["literal", "value", "spliced", "omitted", *(["flow map", "flow list"] if depth else [])]))
        if kind == "literal":
            text = self.draw(LITERAL)
            return text, READ[text]
        if kind == "value":
            return self.value(VALUE)
        if kind == "omitted":
            return "{{ omit }}", OMIT
        if kind == "spliced":
            text, value = self.value(SCALAR)
            return f'"<{text}>"' if flow else f"<{text}>", f"<{as_text(value)}>"
        nodes = [self.node(depth - 1, True) for _ in range(self.draw(st.integers(0, 3)))]
        if kind == "flow list":
            return f"[{', '.join(text for text, _ in nodes)}]", [value for _, value in nodes if value is not OMIT]
        return "{" + ", ".join(f"k{n}: {text}" for n, (text, _) in enumerate(nodes)) + "}", {
            f"k{n}": value for n, (_, value) in enumerate(nodes) if value is not OMIT
        }

    def mapping(self, indent: str, depth: int) -> tuple[str, dict[str, Any]]:
        lines: list[str] = []
        made: dict[str, Any] = {}
        for number in range(self.draw(st.integers(1, 4))):
            key, name = f"k{number}", f"k{number}"
            if self.draw(st.booleans()):
                text, value = self.value(TEXT)
                key, name = f"k{number}{text}", f"k{number}{value}"
            kind = self.draw(st.sampled_from(["inline", *(["mapping", "list"] if depth else []), "block", "loop"]))
            if kind == "mapping":
                text, inner = self.mapping(f"{indent}  ", depth - 1)
                lines.append(f"{indent}{key}:\n{text}")
                made[name] = inner
            elif kind == "list":
                nodes = [self.node(1, False) for _ in range(self.draw(st.integers(1, 3)))]
                lines.append(f"{indent}{key}:\n" + "\n".join(f"{indent}- {text}" for text, _ in nodes))
                made[name] = [value for _, value in nodes if value is not OMIT]
            elif kind == "block":
                text, value = self.value(TEXT)
                lines.append(f"{indent}{key}: |\n{indent}  first\n{indent}   {text}.\n{indent}  last")
                made[name] = f"first\n {value}.\nlast\n"
            elif kind == "loop":
                text, value = self.value(st.lists(VALUE, max_size=3))
                lines.append(f"{indent}{key}: [\n{{% for i in {text.strip('{} ')} %}}{indent}  {{{{ i }}}},\n{{% endfor %}}{indent}  ]")
                made[name] = list(value)
            else:
                text, value = self.node(2, False)
                lines.append(f"{indent}{key}: {text}  # {text}")
                if value is not OMIT:
                    made[name] = value
        return "\n".join(lines), made


@st.composite
def templates(draw: Any) -> tuple[str, list[Any], list[Any]]:
    written = Written(draw)
    documents = [written.mapping("", 2) for _ in range(draw(st.integers(1, 3)))]
    return "\n---\n".join(text for text, _ in documents), [made for _, made in documents], written.values


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(templates())
def test_random_templates(case: tuple[str, list[Any], list[Any]]) -> None:
    text, made, values = case
    documents = Engine().render_documents(template(text), {"v": values})
    assert plain(documents) == made
    for document in documents:
        assert yaml.safe_load(dump(document)) == plain(document)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_strings_through_a_template(text: str) -> None:
    if not clashes(text):
        documents = ENGINE.render_documents(template(EVERYWHERE), {"text": text, "scalar": text, "value": {text: [text]}, "items": [text], "absent": OMIT})
        assert plain(documents) == expected(text, text, {text: [text]}, [text])
