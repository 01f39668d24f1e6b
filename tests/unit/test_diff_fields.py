"""Two manifests, field by field: which differ, how they are called, and where they come from."""

from __future__ import annotations

import copy
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitopsc.changes.change import changes
from gitopsc.changes.fields import same
from gitopsc.changes.path import Item, written
from gitopsc.diagnostics import Place
from gitopsc.spec.paths import find, parse_path
from tests.unit.manifests import DEPLOYMENT, VERSION, changed, edited, fields, manifest, manifests

POD = "spec/template/spec/"
API = f"{POD}containers/0/"


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (("spec", "replicas"), "spec.replicas"),
        (("spec", "containers", Item("api"), "env", Item("LEVEL"), "value"), "spec.containers[api].env[LEVEL].value"),
        (("metadata", "annotations", "a.b/c"), 'metadata.annotations["a.b/c"]'),
        (("data", "app.yaml"), 'data["app.yaml"]'),
        (("volumeMounts", Item("/etc/app.d"), "name"), "volumeMounts[/etc/app.d].name"),
        (("rules", 0, "host"), "rules[0].host"),
        (("data", 'a"b'), 'data["a\\"b"]'),
        (("data", ""), 'data[""]'),
        (("data", "a b"), 'data["a b"]'),
        (("env", Item("a]b")), 'env["a]b"]'),
    ],
)
def test_paths_are_written_as_people_read_them(path: tuple[Any, ...], text: str) -> None:
    assert written(path) == text


def test_explain_finds_what_a_diff_names() -> None:
    after = edited(DEPLOYMENT, {f"{API}env/0/value": "debug", f"{API}volumeMounts/0/readOnly": True})
    for path, _, value in fields(DEPLOYMENT, after):
        assert find(after, parse_path(path))[0] == value


CASES: list[tuple[str, dict[str, Any], list[tuple[str, Any, Any]]]] = [
    ("a scalar", {"spec/replicas": 3}, [("spec.replicas", 2, 3)]),
    ("a field removed", {"spec/replicas": None}, [("spec.replicas", 2, None)]),
    ("a map added is one field", {"metadata/labels": {"a": "b", "c": "d"}}, [("metadata.labels", None, {"a": "b", "c": "d"})]),
    (
        "a key of a map added is one field",
        {"spec/template/metadata/labels/x.y": "1"},
        [('spec.template.metadata.labels["x.y"]', None, "1")],
    ),
    ("an item of a list by its merge key", {f"{API}env/0/value": "debug"}, [("spec.template.spec.containers[api].env[LEVEL].value", "info", "debug")]),
    (
        "an item added is one field",
        {f"{API}env/2": {"name": "NEW", "value": "1"}},
        [("spec.template.spec.containers[api].env[NEW]", None, {"name": "NEW", "value": "1"})],
    ),
    ("an item removed is one field", {f"{API}env/1": None}, [("spec.template.spec.containers[api].env[PORT]", {"name": "PORT", "value": "80"}, None)]),
    (
        "a value becomes a reference",
        {f"{API}env/0": {"name": "LEVEL", "valueFrom": {"fieldRef": {"fieldPath": "x"}}}},
        [
            ("spec.template.spec.containers[api].env[LEVEL].value", "info", None),
            ("spec.template.spec.containers[api].env[LEVEL].valueFrom", None, {"fieldRef": {"fieldPath": "x"}}),
        ],
    ),
    ("mounts by their path", {f"{API}volumeMounts/0/readOnly": True}, [("spec.template.spec.containers[api].volumeMounts[/tmp].readOnly", None, True)]),
    ("ports by their number", {f"{API}ports/0/name": "web"}, [("spec.template.spec.containers[api].ports[8080].name", "http", "web")]),
    ("a list of scalars is one value", {f"{API}args": ["--fast", "--loud"]}, [("spec.template.spec.containers[api].args", ["--fast"], ["--fast", "--loud"])]),
    ("finalizers are a set", {"metadata/finalizers": ["a/b"]}, [("metadata.finalizers", None, ["a/b"])]),
    ("quantities that are equal", {f"{API}resources/requests/cpu": "0.1", f"{API}resources/requests/memory": 67108864}, []),
    ("a quantity that is not", {f"{API}resources/requests/cpu": "0.2"}, [("spec.template.spec.containers[api].resources.requests.cpu", "100m", "0.2")]),
    ("true is not 1", {f"{API}tty": True}, [("spec.template.spec.containers[api].tty", None, True)]),
]


@pytest.mark.parametrize(("edits", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_fields_that_differ(edits: dict[str, Any], expected: list[tuple[str, Any, Any]]) -> None:
    after = edited(DEPLOYMENT, edits)
    assert fields(DEPLOYMENT, after) == expected
    assert sorted(map(repr, fields(after, DEPLOYMENT))) == sorted(repr((path, new, old)) for path, old, new in expected)


def test_order_alone_is_no_difference_where_lists_have_keys() -> None:
    after = copy.deepcopy(DEPLOYMENT)
    after["spec"]["template"]["spec"]["containers"][0]["env"].reverse()
    assert changed(DEPLOYMENT, after) is None


def test_the_order_of_init_containers_is_what_runs() -> None:
    after = copy.deepcopy(DEPLOYMENT)
    after["spec"]["template"]["spec"]["initContainers"].reverse()
    assert fields(DEPLOYMENT, after) == [("spec.template.spec.initContainers", ["migrate", "warm"], ["warm", "migrate"])]


SERVICE: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "dns", "namespace": "shop", "finalizers": ["a/x", "a/y"]},
    "spec": {"ports": [{"name": "udp", "port": 53, "protocol": "UDP"}, {"name": "tcp", "port": 53}]},
}


def test_two_ports_of_one_number_are_told_apart_by_their_protocol() -> None:
    assert fields(SERVICE, edited(SERVICE, {"spec/ports/1/targetPort": 5353})) == [("spec.ports[53/TCP].targetPort", None, 5353)]


def test_members_of_sets_come_and_go() -> None:
    assert fields(SERVICE, edited(SERVICE, {"metadata/finalizers": ["a/y", "a/z"]})) == [
        ("metadata.finalizers[a/x]", "a/x", None),
        ("metadata.finalizers[a/z]", None, "a/z"),
    ]
    assert fields(SERVICE, edited(SERVICE, {"metadata/finalizers": ["a/y", "a/x"]})) == []


INGRESS: dict[str, Any] = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "Ingress",
    "metadata": {"name": "web", "namespace": "shop"},
    "spec": {"rules": [{"host": "a.example"}, {"host": "b.example"}, {"host": "c.example"}]},
}


def test_lists_without_keys_are_compared_by_place_and_around_what_is_equal() -> None:
    assert fields(INGRESS, edited(INGRESS, {"spec/rules/1/host": "x.example"})) == [("spec.rules[1].host", "b.example", "x.example")]
    assert fields(INGRESS, edited(INGRESS, {"spec/rules/0": None})) == [("spec.rules[0]", {"host": "a.example"}, None)]
    assert fields(edited(INGRESS, {"spec/rules/0": None}), INGRESS) == [("spec.rules[0]", None, {"host": "a.example"})]


def test_keys_that_the_workspace_registers_and_names() -> None:
    data = {"apiVersion": "x.dev/v1", "kind": "Thing", "metadata": {"name": "t"}, "spec": {"items": [{"id": "a", "v": 1}, {"id": "b", "v": 1}]}}
    after = edited(data, {"spec/items/1/v": 2})
    (found,) = changes([manifest(data)], [manifest(after)], VERSION, {("x.dev", "Thing", ("spec", "items")): "id"})
    assert [field.text for field in found.fields] == ["spec.items[b].v"]
    named = {"apiVersion": "x.dev/v1", "kind": "Thing", "metadata": {"name": "t"}, "spec": [{"name": "a", "v": 1}, {"name": "b", "v": 1}]}
    assert fields(named, edited(named, {"spec/0/v": 2})) == [("spec[a].v", 1, 2)]


json_like = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "a", "b", "1"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["name", "a", "b.c"]), inner, max_size=3),
    max_leaves=12,
)


@given(json_like, json_like)
def test_nothing_differs_exactly_where_nothing_differs(before: Any, after: Any) -> None:
    old, new = ({"apiVersion": "x.dev/v1", "kind": "Thing", "metadata": {"name": "t"}, "spec": value} for value in (before, after))
    assert changed(old, old) is None
    if same(before, after):
        assert changed(old, new) is None
    found, back = fields(old, new), fields(new, old)
    assert len(found) == len(back)
    assert not any(same(one, other) for _, one, other in found)


SPEC = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data:
  level: info
  gone: x
"""


def test_each_field_has_the_place_that_caused_it() -> None:
    before, after = manifests(SPEC), manifests(SPEC.replace("info", "debug").replace("gone: x", "new: y"), "apps/shop/new.yaml")
    (found,) = changes(before, after, VERSION)
    assert [(field.text, field.origin) for field in found.fields] == [
        ("data.level", Place("apps/shop/new.yaml", 5, 10)),
        ("data.gone", Place("apps/shop/app.yaml", 6, 9)),
        ("data.new", Place("apps/shop/new.yaml", 6, 8)),
    ]


def test_what_is_new_knows_which_place_made_which_part() -> None:
    text = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data:
  a: 1
  b:
    - x: 1
"""
    (found,) = changes([], manifests(text.replace("1", '"1"')), VERSION)
    assert [(field.text, field.origin, field.origins) for field in found.fields] == [
        ("data", Place("apps/shop/app.yaml", 5, 3), {"b": {"": "apps/shop/app.yaml:7:5"}})
    ]


def test_a_built_in_template_is_the_cause_only_where_no_spec_had_a_say() -> None:
    before, after = manifests(SPEC)[0], manifests(SPEC.replace("info", "debug"), "gitopsc:templates/x.j2")[0]
    (found,) = changes([before], [after], VERSION)
    assert found.fields[0].origin == after.origin


def test_the_order_of_fields_is_that_of_the_manifest() -> None:
    keys = [f"k{number}" for number in range(20)]
    random.Random(1).shuffle(keys)
    data = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": dict.fromkeys(keys, "a")}
    assert [path for path, _, _ in fields(data, {**data, "data": dict.fromkeys(reversed(keys), "b")})] == [f"data.{key}" for key in keys]
