"""What a leaf knows: where its value was written, else the template's line; and the template's line of its key."""

from __future__ import annotations

from typing import Any

import pytest

from gitopsc.diagnostics import Place
from gitopsc.render.engine import Engine, Template
from gitopsc.values import Map, Seq, place_of
from tests.unit.templates import FILE, placed, rendered, template


def spec(line: int) -> Place:
    return Place("app.yaml", line, 5)


def line(number: int, column: int = 1) -> Place:
    return Place(FILE, number, column)


def test_bound_and_literal() -> None:
    values = placed({"m": {"a": 1, "b": {"c": "x"}, "l": ["y", {"d": "z"}]}})
    text = "kind: K\na: {{ m.a }}\nb: {x: {{ m.b }}, z: lit}\nl: {{ m.l }}\nt: -{{ m.b.c }}-\ni:\n- {{ m.l[0] }}\n- lit\n"
    (document,) = rendered(text, values)
    m = values["m"]
    for path, place in {
        ("kind",): line(1, 7),
        ("a",): m.places["a"],
        ("b",): line(3, 4),
        ("b", "x"): m.places["b"],
        ("b", "x", "c"): m["b"].places["c"],
        ("b", "z"): line(3, 22),
        ("l",): m.places["l"],
        ("l", 1, "d"): m["l"][1].places["d"],
        ("t",): m["b"].places["c"],
        ("i", 0): m["l"].places[0],
        ("i", 1): line(8, 3),
    }.items():
        assert place_of(document, path) == place, path
    assert document.keys_at == {"kind": line(1), "a": line(2), "b": line(3), "l": line(4), "t": line(5), "i": line(6)}
    assert document["b"].keys_at == {"x": line(3, 5), "z": line(3, 19)}
    assert document.at == line(1)


def test_values_out_of_loops() -> None:
    values = placed({"m": {"first": "v1", "second": "v2"}, "l": ["i1", "i2"]})
    text = "{% for k, v in m.items() %}\n{{ k }}: {{ v }}\n{% endfor %}l:\n{% for i in l %}\n- {{ i }}\n{% endfor %}"
    (document,) = rendered(text, values)
    assert document.places["first"] == values["m"].places["first"]
    assert document.places["second"] == values["m"].places["second"]
    assert document["l"].places == values["l"].places


def test_names_of_a_context_that_knows_places() -> None:
    (document,) = rendered("a: {{ name }}\nb: {{ m }}\nc: {{ n ~ '' }}", placed({"name": "x" * 3, "m": {"k": 1}, "n": 5}))
    assert document.places["a"].file == document.places["b"].file == "app.yaml"
    assert document.places["c"].file == FILE


def test_a_value_without_a_place_has_the_templates() -> None:
    (document,) = rendered("a: {{ 5 }}\nb: {{ x }}\nc: [{{ y }}]", {"x": "1", "y": {"k": 1}})
    assert document.places == {"a": line(1, 4), "b": line(2, 4), "c": line(3, 4)}
    assert document["c"].places == [line(3, 5)]


def test_the_first_line_of_an_inline_template() -> None:
    inline = Template("t", "a: 1\nb: {{ 2 }}\n", "types/t.yaml", 41)
    (document,) = Engine().render_documents(inline, {})
    assert document.places == {"a": Place("types/t.yaml", 41, 4), "b": Place("types/t.yaml", 42, 4)}


def test_one_text_of_two_templates() -> None:
    """The same text in two files is two shapes: each has its own places."""
    engine = Engine()
    for text in ("a: 1\n", "{{ x }}", "{{ x }}: 1", "-{{ x }}: 1"):
        for file in ("one.yaml.j2", "two.yaml.j2"):
            (document,) = engine.render_documents(template(text, file=file), {"x": {"k": 1} if text == "{{ x }}" else "k"})
            if text != "{{ x }}":
                assert {place.file for place in (*document.places.values(), *document.keys_at.values(), document.at) if place} == {file}


PIECES = [
    "k{n}: v{n}\n",
    "{{% if true %}}\nk{n}: v{n}\n{{% endif %}}\n",
    "{{% if true -%}}\n   k{n}: v{n}\n{{% endif %}}\n",
    "{{%- if true %}}\nk{n}: v{n}\n{{%- endif %}}\n",
    "{{% if false %}}\nk{n}: x\n{{% else %}}k{n}: v{n}{{% endif %}}\n",
    "{{# a comment\n  of lines #}}\nk{n}: v{n}\n",
    "{{#- a comment #}}\nk{n}: v{n}\n",
    "# a comment {{{{ 'x' }}}}\n\n\nk{n}: v{n}\n",
    "{{% set x{n} = 5 %}}k{n}:   v{n}\n",
    "{{% set x{n} %}}\nlost\n{{% endset %}}\nk{n}: v{n}\n",
    "{{% for i in [1] %}}\nk{n}: v{n}\n{{% endfor %}}\n",
    "{{% macro m{n}() %}}\nk{n}: v{n}\n{{% endmacro %}}\n{{{{ m{n}() }}}}\n",
    "{{% raw %}}\nk{n}: v{n}\n{{% endraw %}}\n",
    "f{n}: {{a: {{{{ 1 }}}}, k{n}: v{n}, b: {{{{ '\\n\\n' }}}}}}\n",
    "e{n}: é😀 # 😀\nk{n}: v{n}\n",
    "b{n}: |\n  text {{{{ 'a\\nb' }}}}\n\n  text\nk{n}: v{n}\n",
    "q{n}: 'a\n\n  b'\nk{n}: v{n}\n",
    "k{n}:\n  v{n}\n",
]


def leaves(tree: Any) -> list[tuple[str, Place, Place]]:
    found = []
    for key, value in tree.items():
        if isinstance(value, dict):
            found += leaves(value)
        elif str(value).startswith("v"):
            found.append((value, tree.places[key], tree.keys_at[key]))
    return found


@pytest.mark.parametrize("shift", range(len(PIECES)))
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_every_literal_knows_where_it_was_written(shift: int, ends: str) -> None:
    """Whatever the control flow and the whitespace it eats: the place is where the text stands in the template."""
    order = [*PIECES[shift:], *PIECES[:shift]]
    text = "".join(piece.format(n=number) for number, piece in enumerate(order))
    (document,) = rendered(text.replace("\n", ends))
    lines = text.split("\n")
    found = leaves(document)
    assert sorted(value for value, _, _ in found) == sorted(f"v{number}" for number in range(len(PIECES)))
    for value, place, key_place in found:
        assert lines[place.line - 1][place.column - 1 :].startswith(value)
        assert lines[key_place.line - 1][key_place.column - 1 :].startswith(f"k{value[1:]}")


def test_what_a_template_read() -> None:
    values = placed({"m": {"a": 1, "b": {"c": 2}, "unused": 3}, "l": [{"x": 1}], "whole": {"k": 1}, "other": 1, "f": True})
    reads: set[str] = set()
    text = "a: {{ m.a }}\nb: {{ m['b'].c }}\n{% if f %}w: {{ whole }}{% endif %}\nl:{% for i in l %}\n- {{ i.x }}{% endfor %}"
    engine, one = Engine(), template(text)
    engine.render_documents(one, values, reads)
    assert reads == {"m.a", "m.b", "m.b.c", "f", "whole", "l", "l.0.x"}
    engine.render_documents(one, values)
    assert reads == {"m.a", "m.b", "m.b.c", "f", "whole", "l", "l.0.x"}


def test_containers_are_ours() -> None:
    (document,) = rendered("a: {{ {'b': [1, {'c': 2}]} }}")
    assert type(document["a"]) is Map
    assert type(document["a"]["b"]) is Seq
    assert place_of(document, ("a", "b", 1, "c")) == line(1, 4)
