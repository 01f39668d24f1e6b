"""managedFields as trees of paths: what is owned, by whom, and how paths are written."""

from __future__ import annotations

from typing import Any

import pytest

from gitopsc.cluster.fields import Item, entries, keys_at, leaves, matches, merged, own, owners, owns, pattern, project, written
from tests.unit.live import applied, config, entry

CONTAINER = Item((("name", "app"),))
PORT = Item((("containerPort", 80), ("protocol", "TCP")))
TREE: dict[str, Any] = {
    "f:spec": {
        "f:replicas": {},
        "f:selector": {},
        "f:template": {"f:spec": {"f:containers": {'k:{"name":"app"}': {".": {}, "f:image": {}, "f:name": {}, "f:args": {}}}}},
    },
    "f:metadata": {"f:labels": {".": {}, "f:a.b/c": {}}, "f:finalizers": {".": {}, 'v:"x"': {}}},
}


def test_leaves_are_what_is_owned_as_a_whole() -> None:
    assert set(leaves(TREE)) == {
        ("spec", "replicas"),
        ("spec", "selector"),
        ("spec", "template", "spec", "containers", CONTAINER, "image"),
        ("spec", "template", "spec", "containers", CONTAINER, "name"),
        ("spec", "template", "spec", "containers", CONTAINER, "args"),
        ("metadata", "labels", "a.b/c"),
        ("metadata", "finalizers", Item((), "x")),
    }


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (("spec", "replicas"), True),
        (("spec",), True),
        (("spec", "selector", "matchLabels", "app"), True),
        (("spec", "strategy"), False),
        (("spec", "template", "spec", "containers", CONTAINER, "image"), True),
        (("spec", "template", "spec", "containers", CONTAINER, "env"), False),
        (("spec", "template", "spec", "containers", Item((("name", "other"),)), "image"), False),
        (("metadata", "labels", "a.b/c"), True),
        (("metadata", "labels", "other"), False),
        (("metadata", "annotations"), False),
        (("data",), False),
    ],
)
def test_what_a_tree_owns(path: tuple[Any, ...], expected: bool) -> None:
    assert owns(TREE, path) is expected


def test_owners_come_newest_first() -> None:
    live = applied(
        config(a="1"),
        entry("old", {"f:data": {"f:b": {}}}, "Update", "2026-11-25T10:00:00Z"),
        entry("new", {"f:data": {"f:b": {}}}, "Update", "2026-11-25T12:00:00Z"),
    )
    assert [one.manager for one in owners(entries(live), ("data", "b"))] == ["new", "old"]
    assert [one.manager for one in owners(entries(live), ("data", "a"))] == ["gitopsc"]
    assert own(live, "gitopsc") is not None
    assert own(live, "new") is None


def test_the_keys_of_lists() -> None:
    assert keys_at({'k:{"containerPort":80,"protocol":"TCP"}': {}}) == ("containerPort", "protocol")
    assert keys_at({".": {}, 'v:"x"': {}}) == ()
    assert keys_at({}) is None


def test_trees_are_merged() -> None:
    assert merged([{"f:a": {"f:b": {}}}, {"f:a": {"f:c": {}}, "f:d": {}}]) == {"f:a": {"f:b": {}, "f:c": {}}, "f:d": {}}


def test_the_part_of_a_value_that_is_owned() -> None:
    value = {
        "spec": {"replicas": 3, "selector": {"x": 1}, "paused": True, "template": {"spec": {"containers": [{"name": "other"}, {"name": "app", "image": "i"}]}}},
        "metadata": {"labels": {"a.b/c": "1", "d": "2"}, "finalizers": ["x", "y"]},
    }
    assert project(value, TREE) == {
        "spec": {"replicas": 3, "selector": {"x": 1}, "template": {"spec": {"containers": [["app", {"image": "i", "name": "app"}]]}}},
        "metadata": {"labels": {"a.b/c": "1"}, "finalizers": [["x", "x"]]},
    }


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (("spec", "replicas"), "spec.replicas"),
        (("metadata", "annotations", "a.b/c"), 'metadata.annotations["a.b/c"]'),
        (("spec", "containers", CONTAINER, "image"), "spec.containers[app].image"),
        (("spec", "containers", CONTAINER, "ports", PORT), "spec.containers[app].ports[80/TCP]"),
        (("rules", 2, "verbs"), "rules[2].verbs"),
        (("data", "with space"), 'data["with space"]'),
    ],
)
def test_paths_as_text_and_back(path: tuple[Any, ...], text: str) -> None:
    assert written(path) == text
    assert matches([pattern(text)], path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("spec.replicas", ("spec", "replicas")),
        ("spec.template.spec.containers[*].image", ("spec", "template", "spec", "containers", "*", "image")),
        ('metadata.annotations["a.b/c"]', ("metadata", "annotations", "a.b/c")),
        ("$.spec", ("spec",)),
        ("a..b", ()),
        ("", ()),
        ("a[", ()),
    ],
)
def test_patterns(text: str, words: tuple[str, ...]) -> None:
    assert pattern(text) == words


def test_patterns_cover_what_is_below_them() -> None:
    assert matches([("spec", "containers", "*", "image")], ("spec", "containers", CONTAINER, "image"))
    assert matches([("spec",)], ("spec", "replicas"))
    assert not matches([("spec", "replicas")], ("spec",))
    assert not matches([()], ("spec",))
