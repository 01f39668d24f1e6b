"""Words for the tests of templates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from gitopsc.diagnostics import Diagnostic, Place
from gitopsc.render.engine import Engine, Template, TemplateError
from gitopsc.values import Map, Seq, plain

FILE = "types/t.yaml.j2"


def template(text: str, *, name: str = "t", file: str = FILE, first_line: int = 1) -> Template:
    return Template(name, text, file, first_line)


def rendered(text: str, context: Mapping[str, Any] | None = None, /, **values: Any) -> list[Map]:
    return Engine().render_documents(template(text), values if context is None else context)


def made(text: str, /, **values: Any) -> Any:
    """The one object that a template makes, without places."""
    (document,) = rendered(text, values)
    return plain(document)


def mistakes(text: str, /, **values: Any) -> tuple[Diagnostic, ...]:
    """What is wrong; every finding has a place in the template, a message and no Python in it."""
    with pytest.raises(TemplateError) as caught:
        rendered(text, values)
    assert caught.value.diagnostics
    for found in caught.value.diagnostics:
        assert found.severity == "error"
        assert found.place is not None
        assert found.place.file == FILE
        assert 1 <= found.place.line <= text.count("\n") + 1
        assert found.code.startswith("template-")
        for word in ("Traceback", "gitopsc.render", "object at 0x", "jinja2.", "<class", "lambda"):
            assert word not in f"{found.message} {found.hint}"
        assert not any("\ue000" <= character <= "\uf8ff" for character in f"{found.message} {found.hint}")
    return caught.value.diagnostics


def mistake(text: str, /, **values: Any) -> Diagnostic:
    (found,) = mistakes(text, **values)
    return found


def placed(value: Any, line: int = 1, file: str = "app.yaml") -> Any:
    """The value as the specs' reader gives it: every leaf with a place, one line each."""
    counter = [line - 1]

    def place() -> Place:
        counter[0] += 1
        return Place(file, counter[0], 5)

    def build(item: Any) -> Any:
        if isinstance(item, dict):
            out = Map((), place())
            for key, inner in item.items():
                at = place()
                out.put(key, build(inner), at)
            return out
        if isinstance(item, list):
            seq = Seq((), place())
            for inner in item:
                seq.places.append(place())
                seq.append(build(inner))
            return seq
        return item

    return build(value)
