"""What is written means the same to every reader, as a value and as a key: 0 differences."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gitopsc.render.emit import dump
from tests.hostile import HOSTILE
from tests.readers import LIBRARIES, kubectl, read_with_kubectl

PLACES: dict[str, Callable[[str], Any]] = {
    "value": lambda text: {"v": text, "z z": "end"},
    "last value": lambda text: {"v": text},
    "item": lambda text: [text, "end"],
    "nested": lambda text: [{"a": text, "l": [text, [text, [text]]]}, "end"],
    "key": lambda text: {text: "x", "z z": text},
    "key of a map": lambda text: {text: {"a": text}, "z z": [text]},
    "key in a list": lambda text: [{text: [{text: text}]}, "end"],
}
needs_kubectl = pytest.mark.skipif(kubectl() is None, reason="no kubectl in KUBEBUILDER_ASSETS or on the path")


def an_object(spec: Any) -> dict[str, Any]:
    """No kind that kubectl knows, so that it takes any fields."""
    return {"apiVersion": "example.dev/v1", "kind": "Anything", "metadata": {"name": "x"}, "spec": spec}


def differences(read: Callable[[str], Any], specs: list[Any]) -> list[str]:
    """Where a reader reads something else. All at once first: that is most often all there is to do."""
    if read(dump(an_object(specs))) == an_object(specs):
        return []
    found = []
    for spec in specs:
        try:
            fine = read(dump(an_object(spec))) == an_object(spec)
        except Exception as error:  # noqa: BLE001
            found.append(f"{spec!r:.80}: {error!s:.200}")
        else:
            found += [] if fine else [f"{spec!r:.80}"]
    return found


def test_there_are_enough_of_them() -> None:
    assert len(HOSTILE) >= 160


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("reader", LIBRARIES)
def test_hostile_strings(reader: str, place: str) -> None:
    assert differences(LIBRARIES[reader], [PLACES[place](text) for text in HOSTILE]) == []


@needs_kubectl
@pytest.mark.parametrize("place", PLACES)
def test_hostile_strings_with_kubectl(place: str, tmp_path: Path) -> None:
    assert differences(lambda text: read_with_kubectl(text, tmp_path), [PLACES[place](text) for text in HOSTILE]) == []


@needs_kubectl
def test_hostile_strings_in_a_config_map(tmp_path: Path) -> None:
    """A kind that kubectl knows: its reader is another one, and it wants strings."""
    data = {f"key-{number}": text for number, text in enumerate(HOSTILE)}
    annotations = {f"example.dev/{number}": text for number, text in enumerate(HOSTILE)}
    written = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"annotations": annotations, "name": "x"}, "data": data}
    read = read_with_kubectl(dump(written), tmp_path)
    assert read["data"] == data
    assert read["metadata"]["annotations"] == annotations


NASTY = st.text(st.sampled_from("01289eExobXyYnN_.:+-~#=<>&*!|%@`'\",[]{}?\\ \t\n\r\x85\u2028\ufeff\u00a0é😀TtZ/"), max_size=12)
ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
LINES = st.lists(st.one_of(NASTY, st.sampled_from(["", " ", "\t", "a", "  a", "#", "---", "..."])), max_size=5).map("\n".join)
TEXT = st.one_of(NASTY, ANY, LINES)
SCALAR = st.one_of(TEXT, st.integers(-(1 << 63), (1 << 63) - 1), st.booleans(), st.none(), st.floats(allow_nan=False, allow_infinity=False, width=32))
TREE = st.recursive(SCALAR, lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXT, inner, max_size=4)), max_leaves=12)


@settings(deadline=None, max_examples=400, suppress_health_check=[HealthCheck.too_slow])
@given(TREE)
def test_any_tree(tree: Any) -> None:
    text = dump(an_object(tree))
    for name, read in LIBRARIES.items():
        assert read(text) == an_object(tree), name


@needs_kubectl
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(st.lists(st.dictionaries(TEXT, TEXT, max_size=4), min_size=10, max_size=40))
def test_any_text_with_kubectl(tmp_path: Path, maps: list[dict[str, str]]) -> None:
    assert differences(lambda text: read_with_kubectl(text, tmp_path), maps) == []


@needs_kubectl
def test_numbers_with_kubectl(tmp_path: Path) -> None:
    numbers = [0, -1, 1 << 62, 1.5, 1e16, 1e-7, 2.5e300, True, False, None]
    assert read_with_kubectl(dump(an_object(numbers)), tmp_path) == an_object(numbers)
