"""Which object is which on the other side, and what is said of whole objects."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gitopsc.changes.change import Change, changes
from tests.unit.manifests import VERSION, manifest


def config(name: str, value: str, namespace: str = "shop", **more: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace}, "data": {"a": value}, **more}


def hashed(digit: str, value: str, stem: str = "api-files", namespace: str = "shop") -> dict[str, Any]:
    return config(f"{stem}-{digit * 10}", value, namespace, immutable=True)


def compared(before: list[dict[str, Any]], after: list[dict[str, Any]], **how: Any) -> list[Change]:
    return changes([manifest(one) for one in before], [manifest(one) for one in after], VERSION, **how)


def told(found: list[Change]) -> list[tuple[str, str]]:
    return [(one.change, one.ref.name) for one in found]


def test_the_newer_order_first_and_what_is_gone_last() -> None:
    before = [config("gone", "1"), config("same", "1"), config("other", "1")]
    after = [config("new", "1"), config("other", "2"), config("same", "1")]
    assert told(compared(before, after)) == [("created", "new"), ("changed", "other"), ("deleted", "gone")]


def test_a_namespace_is_part_of_what_an_object_is_but_between_environments() -> None:
    before, after = [config("web", "1", "dev")], [config("web", "1", "prod")]
    assert told(compared(before, after)) == [("created", "web"), ("deleted", "web")]
    assert compared(before, after, across_namespaces=True) == []
    (found,) = compared(before, [config("web", "2", "prod")], across_namespaces=True)
    assert [field.text for field in found.fields] == ["data.a"]


def test_objects_of_one_name_in_several_namespaces_keep_their_order() -> None:
    before = [config("web", "1", "a"), config("web", "2", "b")]
    after = [config("web", "1", "c"), config("web", "3", "d")]
    assert [[(f.before, f.after) for f in one.fields] for one in compared(before, after, across_namespaces=True)] == [[("2", "3")]]


def test_a_config_map_that_is_named_by_its_content_is_one_changed_object() -> None:
    (found,) = compared([hashed("0", "1")], [hashed("1", "2")])
    assert (found.change, found.ref.name, found.renamed_from) == ("changed", "api-files-1111111111", "api-files-0000000000")
    assert [(f.text, f.before, f.after) for f in found.fields] == [("data.a", "1", "2")]
    assert found.consequences == ()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (hashed("0", "1"), hashed("1", "2", "web-files")),
        (hashed("0", "1"), config("api-files-1111111111", "2")),
        (hashed("0", "1"), config("api-files", "2", immutable=True)),
        (hashed("0", "1", namespace="a"), hashed("1", "2", namespace="b")),
    ],
    ids=["another stem", "not immutable", "no hash", "another namespace"],
)
def test_others_are_two_objects(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert [one.change for one in compared([before], [after])] == ["created", "deleted"]


def test_a_name_that_is_on_both_sides_is_matched_before_stems() -> None:
    before, after = [hashed("0", "1"), hashed("1", "2")], [hashed("1", "2"), hashed("2", "3")]
    assert told(compared(before, after)) == [("changed", "api-files-2222222222")]


def test_a_new_object_is_told_part_by_part() -> None:
    (found,) = compared([], [{**config("web", "1"), "metadata": {"name": "web", "labels": {"a": "b"}}}])
    assert [(f.text, f.before, f.after) for f in found.fields] == [("metadata.labels", None, {"a": "b"}), ("data", None, {"a": "1"})]
    (found,) = compared([config("web", "1")], [])
    assert [(f.text, f.before, f.after) for f in found.fields] == [("data", {"a": "1"}, None)]


CANARY = "canary-51a7"


def secret(**data: Any) -> dict[str, Any]:
    metadata = {"name": "s", "annotations": {"kubectl.kubernetes.io/last-applied-configuration": json.dumps(data), "note": "x"}}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data, "stringData": {"clear": f"{CANARY}-{len(data)}"}}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ([secret(a=CANARY)], [secret(a=CANARY + "2")], [("data.a", "***", "***")]),
        ([secret(a=CANARY, b=CANARY)], [secret(a=CANARY)], [("data.b", "***", None), ("stringData.clear", "***", "***")]),
        ([secret(a="***")], [secret(a=CANARY)], [("data.a", "***", "***")]),
        ([], [secret(a=CANARY, b="")], [("data", None, {"a": "***", "b": "***"}), ("stringData", None, {"clear": "***"})]),
        ([secret(a=CANARY)], [], [("data", {"a": "***"}, None), ("stringData", {"clear": "***"}, None)]),
    ],
)
def test_what_secrets_hold_is_nobodys_business(before: list[Any], after: list[Any], expected: list[Any]) -> None:
    (found,) = compared(before, after)
    assert [(f.text, f.before, f.after) for f in found.fields if f.path[0] != "metadata"] == expected
    assert CANARY not in repr(found)


def test_equal_secrets_are_equal() -> None:
    assert compared([secret(a=CANARY)], [secret(a=CANARY)]) == []
