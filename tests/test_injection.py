"""No value is structure: attacks in every text that the schemas have either are refused at their place, or stay the text they are.

The schemas are walked for every position of a text (``positions.py``); documents that have a text in each of them are compiled with it
replaced, and what comes out is compared with what a harmless text gives: the same objects with the same keys, list lengths and types.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from gitopsc.compile import Compiler
from gitopsc.diagnostics import Diagnostic, Diagnostics, Invalid
from gitopsc.render.emit import dump
from gitopsc.render.engine import Engine
from gitopsc.spec.discover import SourceFile
from gitopsc.spec.documents import read_documents
from gitopsc.spec.load import ROOT, assemble
from gitopsc.values import plain
from tests.positions import Spot, every, spots
from tests.workbench import FIXTURES
from tests.workbench import ROOT as TOP

ATTACKS = ("a:1\n    securityContext: {privileged: true}", "\n---\nkind: ClusterRoleBinding")
HARMLESS = "harmless"
FILES = [FIXTURES / "injection/fields.yaml", *sorted(path for path in TOP.glob("templates/*/tests/*.yaml") if ".golden." not in path.name)]
TEMPLATES = frozenset({"ComponentType.spec.template", "ComponentType.spec.templates[].inline"})
"""Here a text is structure, on purpose."""
Document = dict[str, Any]


BESIDE = {
    "board.yaml.j2": b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: '{{ name }}-b'}\ndata: {note: '{{ env.facts.note }}'}\n",
    "data.txt": b"data\n",
}


class Reads:
    """The files beside the documents."""

    def __init__(self, text: str = "") -> None:
        self.text = text

    def list(self) -> list[SourceFile]:
        return [SourceFile(ROOT, ())]

    def read(self, path: str) -> bytes:
        if path == ROOT:
            return self.text.encode()
        if path not in BESIDE:
            raise Invalid(f"no {path}", code="missing-file")
        return BESIDE[path]


@dataclass
class Compiled:
    """What documents became: a line for each error's place, and the objects where there is no error."""

    text: str
    objects: list[Any]
    errors: list[Diagnostic]

    def error_on(self, words: str) -> bool:
        """Whether an error points at a line that holds the words as JSON writes them."""
        lines = self.text.split("\n")
        return any(error.place is not None and words in lines[error.place.line - 1] for error in self.errors)


@cache
def documents(file: Path) -> list[Document]:
    return [plain(document.data) for document in read_documents(ROOT, file.read_bytes(), Diagnostics())]


ENGINE = Engine(Reads().read)


def compiled(given: list[Document]) -> Compiled:
    """The documents as one workspace in one file, every application in the environment prod. What is emitted must read back the same."""
    text = "\n---\n".join(json.dumps(document, indent=1) for document in given)
    diagnostics = Diagnostics()
    objects: list[Any] = []
    workspace = assemble(read_documents(ROOT, text.encode(), diagnostics), Reads(text), diagnostics)
    if workspace is not None and not diagnostics.has_errors:
        compiler = Compiler(workspace, Reads(text))
        compiler._engine = ENGINE
        for name in workspace.applications:
            _, manifests = compiler.manifests(name, workspace.environments["prod"], diagnostics)
            objects += [plain(manifest.data) for manifest in manifests]
    errors = [item for item in diagnostics if item.severity == "error"]
    if errors:
        return Compiled(text, [], errors)
    emitted = "---\n".join(dump(one) for one in objects)
    assert list(yaml.load_all(emitted, getattr(yaml, "CSafeLoader", yaml.SafeLoader))) == objects
    return Compiled(text, objects, [])


def keys(value: Any) -> set[str]:
    """Every key in a tree."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return {*(value if isinstance(value, dict) else ()), *(key for item in inner for key in keys(item))}


def shape(value: Any, known: frozenset[str]) -> Any:
    """Everything of objects but what their texts say; keys that are not ``known`` are texts, too, but their number counts."""
    if isinstance(value, dict):
        named = {key: shape(item, known) for key, item in value.items() if key in known}
        return {**named, "*": sorted(repr(shape(item, known)) for key, item in value.items() if key not in known)}
    if isinstance(value, list):
        return [shape(item, known) for item in value]
    return str if isinstance(value, str) else value


def changed(data: Any, path: tuple[str | int, ...], change: Callable[[Any, Any], Any]) -> Any:
    """The data with ``change(container, last step)`` in the place of the container at the end of the path."""
    if len(path) == 1:
        return change(data, path[0])
    step = path[0]
    if isinstance(data, dict):
        return {key: changed(item, path[1:], change) if key == step else item for key, item in data.items()}
    return [changed(item, path[1:], change) if number == step else item for number, item in enumerate(data)]


def put(text: str, spot: Spot, document: Document) -> Document:
    """The document with the text at the spot: as value, or as the name of the key."""

    def change(container: Any, step: Any) -> Any:
        if spot.is_key:
            return {text if key == step else key: item for key, item in container.items()}
        if isinstance(container, dict):
            return {key: text if key == step else item for key, item in container.items()}
        return [text if number == step else item for number, item in enumerate(container)]

    result: Document = changed(document, spot.path, change)
    return result


@cache
def places() -> dict[str, tuple[Path, int, Spot]]:
    """A name for each place to attack → file, number of the document, spot. One for each position, and every text of native fragments."""
    found: dict[str, tuple[Path, int, Spot]] = {}
    for file in FILES:
        for number, document in enumerate(documents(file)):
            for spot in spots(document["kind"], document):
                name = f"{spot.position} {'.'.join(map(str, spot.path[2:]))}" if "<native>" in spot.position else spot.position
                found.setdefault(name, (file, number, spot))
    return found


def test_there_is_a_text_in_every_position_that_the_schemas_have() -> None:
    assert {spot.position for _, _, spot in places().values()} ^ every() <= {"container.lifecycle.<native>"}  # it has no other fields than those named


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.parent.name}-{file.stem}")
def test_the_harmless_documents_are_right(file: Path) -> None:
    result = compiled(documents(file))
    assert [f"{error.place}: {error.message}" for error in result.errors] == []
    assert result.objects


@cache
def right(file: Path) -> tuple[list[Any], frozenset[str]]:
    """The objects that the harmless documents of a file become, and the keys in them."""
    objects = compiled(documents(file)).objects
    return objects, frozenset(keys(objects))


def hold(name: str, text: str) -> None:
    """Put a text in a place, and see that it is refused there or is nothing but a text."""
    file, number, spot = places()[name]
    objects, known = right(file)

    def outcome(text: str) -> Compiled:
        return compiled([put(text, spot, one) if index == number else one for index, one in enumerate(documents(file))])

    result = outcome(text)
    if spot.position in TEMPLATES:
        assert {one["kind"] for one in result.objects} <= {one["kind"] for one in objects}
    elif result.errors:
        assert result.error_on(json.dumps(text)) or elsewhere(result, outcome(HARMLESS)) or spot.path == ("apiVersion",), result.errors
    else:
        found = shape(result.objects, known)
        assert found == shape(objects, known) or found == shape(outcome(HARMLESS).objects, known)


def elsewhere(result: Compiled, harmless: Compiled) -> bool:
    """Whether a harmless text is refused in the same way: something else in the documents speaks of what it replaced."""
    return bool(harmless.errors) and {(e.place, e.code) for e in result.errors} == {(e.place, e.code) for e in harmless.errors}


@pytest.mark.parametrize("name", places())
def test_an_attack_is_refused_at_its_place_or_stays_a_text(name: str) -> None:
    for attack in ATTACKS:
        hold(name, attack)


SPECIAL = st.sampled_from(
    [
        *(
            "\n",
            "\n---\n",
            "\n  ",
            ": ",
            "- ",
            "#",
            " #",
            "{",
            "}",
            "[",
            "]",
            ",",
            "&a ",
            "*a",
            "!!str ",
            "|\n",
            "> ",
            "'",
            '"',
            "\\",
            "%",
            "@",
            "`",
            "~",
            "<<",
            "=",
        ),
        *("null", "yes", "0x1f", "1e3", "${", "$$", "{{ 7*7 }}", "{% if %}", "{#", "\t", "\r\n", "\x85", "\u2028", "\ufeff", "\U0010ffff", "\ue000", "\uf8ff"),
        *("apiVersion: v1", "privileged: true"),
    ]
)


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(name=st.sampled_from(sorted(places())), parts=st.lists(SPECIAL | st.text(max_size=8), min_size=1, max_size=6))
@example(name="container.env.<name>.value", parts=["\ue000", "0"])
def test_no_text_at_all_is_structure(name: str, parts: list[str]) -> None:
    text = "".join(parts)
    assume(text.strip().lower() not in ("", "false", "none"))  # a condition may be false: that is no structure
    hold(name, text)
