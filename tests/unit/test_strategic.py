"""Strategic merge of native fragments: by the merge keys of the pinned Kubernetes minor."""

from __future__ import annotations

from typing import Any

import pytest

from gitopsc.diagnostics import Diagnostics
from gitopsc.spec.strategic import merge_native
from gitopsc.values import Map, Seq, plain

POD = ("spec", "template", "spec")


def tree(value: Any) -> Any:
    if isinstance(value, dict):
        return Map({key: tree(item) for key, item in value.items()})
    return Seq([tree(item) for item in value]) if isinstance(value, list) else value


def merged(base: Any, over: Any, path: tuple[str, ...] = POD, kind: str = "Deployment", api: str = "apps/v1", **more: Any) -> Any:
    return plain(merge_native(tree(base), tree(over), api, kind, path, (1, 33), **more))


ROWS = [
    (
        "a container is met by its name",
        {"containers": [{"name": "a", "image": "x"}]},
        {"containers": [{"name": "a", "tty": True}]},
        {"containers": [{"name": "a", "image": "x", "tty": True}]},
    ),
    ("another is added after it", {"containers": [{"name": "a"}]}, {"containers": [{"name": "b"}]}, {"containers": [{"name": "a"}, {"name": "b"}]}),
    (
        "env is met by name, deeper down",
        {"containers": [{"name": "a", "env": [{"name": "X", "value": "1"}]}]},
        {"containers": [{"name": "a", "env": [{"name": "X", "value": "2"}]}]},
        {"containers": [{"name": "a", "env": [{"name": "X", "value": "2"}]}]},
    ),
    (
        "args have no key: they are replaced",
        {"containers": [{"name": "a", "args": ["x", "y"]}]},
        {"containers": [{"name": "a", "args": ["z"]}]},
        {"containers": [{"name": "a", "args": ["z"]}]},
    ),
    (
        "an item is deleted",
        {"containers": [{"name": "a"}, {"name": "b"}]},
        {"containers": [{"name": "b", "$patch": "delete"}]},
        {"containers": [{"name": "a"}]},
    ),
    ("a list is replaced on purpose", {"containers": [{"name": "a"}]}, {"containers": [{"$patch": "replace"}, {"name": "c"}]}, {"containers": [{"name": "c"}]}),
    (
        "a map is replaced on purpose",
        {"securityContext": {"runAsUser": 1}},
        {"securityContext": {"$patch": "replace", "fsGroup": 2}},
        {"securityContext": {"fsGroup": 2}},
    ),
    ("null deletes", {"dnsPolicy": "Default", "hostIPC": True}, {"hostIPC": None}, {"dnsPolicy": "Default"}),
    (
        "volumes by name",
        {"volumes": [{"name": "v", "emptyDir": {}}]},
        {"volumes": [{"name": "v", "emptyDir": {"medium": "Memory"}}]},
        {"volumes": [{"name": "v", "emptyDir": {"medium": "Memory"}}]},
    ),
    (
        "mounts by mountPath",
        {"containers": [{"name": "a", "volumeMounts": [{"mountPath": "/a", "name": "v"}]}]},
        {"containers": [{"name": "a", "volumeMounts": [{"mountPath": "/a", "name": "w"}]}]},
        {"containers": [{"name": "a", "volumeMounts": [{"mountPath": "/a", "name": "w"}]}]},
    ),
    ("tolerations are replaced", {"tolerations": [{"key": "a"}]}, {"tolerations": [{"key": "b"}]}, {"tolerations": [{"key": "b"}]}),
]


@pytest.mark.parametrize(("base", "over", "expected"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_a_pod_s_fragments(base: Any, over: Any, expected: Any) -> None:
    assert merged(base, over) == expected


def test_scalars_of_a_set_are_added_and_taken_away() -> None:
    base = {"metadata": {"finalizers": ["a"]}}
    assert merged(base, {"metadata": {"finalizers": ["b", "a"]}}, ()) == {"metadata": {"finalizers": ["a", "b"]}}
    assert merged(base, {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"]}}, ()) == {"metadata": {"finalizers": []}}


def test_fragments_that_meet_their_object_later_keep_what_they_delete() -> None:
    first = merge_native(
        tree({"dnsPolicy": "Default"}),
        tree({"dnsPolicy": None, "containers": [{"name": "a", "$patch": "delete"}]}),
        "apps/v1",
        "Deployment",
        POD,
        (1, 33),
        compose=True,
    )
    assert plain(first) == {"dnsPolicy": None, "containers": [{"name": "a", "$patch": "delete"}]}
    assert plain(merge_native(tree({"dnsPolicy": "None", "containers": [{"name": "a"}, {"name": "b"}]}), first, "apps/v1", "Deployment", POD, (1, 33))) == {
        "containers": [{"name": "b"}]
    }


def test_a_custom_kind_s_list_replaces_and_warns_unless_a_key_is_registered() -> None:
    diagnostics = Diagnostics()
    base, over = {"spec": {"items": [{"id": 1, "a": 1}]}}, {"spec": {"items": [{"id": 1, "b": 2}]}}
    assert merged(base, over, (), "Thing", "acme.example/v1", diagnostics=diagnostics) == over
    assert [d.code for d in diagnostics] == ["list-replaced"]
    registered = {("acme.example", "Thing", ("spec", "items")): "id"}
    assert merged(base, over, (), "Thing", "acme.example/v1", registered=registered) == {"spec": {"items": [{"id": 1, "a": 1, "b": 2}]}}
