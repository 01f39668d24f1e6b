"""What differs between live and what an apply would leave, and who did it."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from gitopsc.cluster.drift import Contention, Finding, absent, differences, extras, findings, removal
from gitopsc.cluster.fields import Item
from gitopsc.cluster.normal import digest, folded, live_digest, normal
from tests.unit.live import applied, config, entry, ref

TIME = "2026-11-25T21:00:00Z"


def workload(**spec: Any) -> dict[str, Any]:
    """A manifest with a list of containers."""
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"}, "spec": spec}


def test_equal_objects_do_not_differ_whatever_the_bookkeeping() -> None:
    live = applied(config(a="1"))
    result = copy.deepcopy(live)
    result["metadata"] |= {"resourceVersion": "99", "generation": 4}
    result["status"] = {"x": 1}
    assert differences(live, result) == []


CASES = {
    "changed": (config(a="2"), config(a="1"), [("data.a", "changed", "2", "1")]),
    "removed by somebody": (config(), config(a="1"), [("data.a", "missing", None, "1")]),
    "no longer wanted": (config(a="1", b="2"), config(a="1"), [("data.b", "extra", "2", None)]),
    "one item of a list": (
        workload(containers=[{"name": "a", "image": "x:2"}, {"name": "b", "image": "y"}]),
        workload(containers=[{"name": "a", "image": "x:1"}, {"name": "b", "image": "y"}]),
        [("spec.containers[a].image", "changed", "x:2", "x:1")],
    ),
    "an item more": (
        workload(containers=[{"name": "a", "image": "x"}, {"name": "side", "image": "z"}]),
        workload(containers=[{"name": "a", "image": "x"}]),
        [("spec.containers[side]", "extra", {"name": "side", "image": "z"}, None)],
    ),
    "another order": (
        workload(containers=[{"name": "b"}, {"name": "a"}]),
        workload(containers=[{"name": "a"}, {"name": "b"}]),
        [("spec.containers", "changed", [{"name": "b"}, {"name": "a"}], [{"name": "a"}, {"name": "b"}])],
    ),
    "a list without keys": (workload(args=["a", "b"]), workload(args=["a"]), [("spec.args", "changed", ["a", "b"], ["a"])]),
    "a truth and a number": (workload(x=True), workload(x=1), [("spec.x", "changed", True, 1)]),
}


@pytest.mark.parametrize("name", CASES)
def test_differences(name: str) -> None:
    from gitopsc.cluster.fields import written

    live, result, expected = CASES[name]
    assert [(written(d.path), d.kind, d.before, d.after) for d in differences(applied(live), applied(result))] == expected


def test_a_finding_names_who_and_when() -> None:
    result = applied(config(a="1"))
    live = applied(config(a="9"), entry("kubectl-patch", {"f:data": {"f:a": {}}}, "Update", TIME))
    assert findings(ref(), live, differences(live, result)) == [Finding(ref(), "changed", "data.a", "kubectl-patch", TIME)]


def test_nobody_is_named_for_what_was_removed() -> None:
    live = applied(config(), entry("kubectl-edit", {"f:data": {}}, "Update", TIME))
    assert findings(ref(), live, differences(live, applied(config(a="1")))) == [Finding(ref(), "missing", "data.a")]
    assert absent(ref()) == Finding(ref(), "missing", None, None, None)


def test_extras_are_what_others_set_and_we_never_did() -> None:
    live = applied(
        config(a="1", c="3", d="4"),
        entry("kubectl-edit", {"f:data": {"f:c": {}}}, "Update", TIME),
        entry("gitopsc", {"f:data": {"f:d": {}}}, "Update", TIME),  # an admission webhook's, under our name
        entry("controller", {"f:status": {"f:x": {}}}, "Update", TIME, "status"),
    )
    live["metadata"]["managedFields"][0]["fieldsV1"]["f:data"] = {"f:a": {}}
    assert [one for _, one in extras(ref(), live)] == [Finding(ref(), "extra", "data.c", "kubectl-edit", TIME)]
    assert extras(ref(), live, [("data", "c")]) == []


def test_extras_are_taken_out_last_items_first() -> None:
    live = applied(workload(containers=[{"name": "a", "x/y": 1}, {"name": "b"}, {"name": "c"}]))
    containers = ("spec", "containers")
    paths = [(*containers, Item((("name", "b"),))), (*containers, Item((("name", "c"),))), (*containers, Item((("name", "a"),)), "x/y"), ("spec", "none")]
    assert removal(live, paths) == [
        {"op": "test", "path": "/metadata/resourceVersion", "value": "7"},
        {"op": "remove", "path": "/spec/containers/2"},
        {"op": "remove", "path": "/spec/containers/1"},
        {"op": "remove", "path": "/spec/containers/0/x~1y"},
    ]
    assert removal(live, [("spec", "none")]) == []


def test_the_live_digest_goes_by_what_we_own() -> None:
    live = applied(config(a="1"))
    assert live_digest(live) == live_digest({**copy.deepcopy(live), "status": {"ready": 1}})
    other = copy.deepcopy(live)
    other["data"]["theirs"] = "x"
    assert live_digest(other) == live_digest(live)
    assert live_digest(other, whole=True) != live_digest(live, whole=True)
    changed = copy.deepcopy(live)
    changed["data"]["a"] = "2"
    assert live_digest(changed) != live_digest(live)
    assert live_digest(changed, [("data", "a")]) == live_digest(live, [("data", "a")])
    taken = copy.deepcopy(live)
    del taken["metadata"]["managedFields"][0]["fieldsV1"]["f:data"]["f:a"]
    assert live_digest(taken) != live_digest(live)
    assert live_digest({"metadata": {"name": "x"}}) == ""


def test_digests_do_not_depend_on_the_order_of_keys() -> None:
    assert digest({"a": 1, "b": [1, 2]}) == digest({"b": [1, 2], "a": 1})
    assert digest({"a": 1}) != digest({"a": "1"})


def test_string_data_becomes_data() -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x"}, "stringData": {"a": "b"}, "data": {"a": "zz", "c": "ZA=="}}
    assert folded(secret) == {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x"}, "data": {"a": "Yg==", "c": "ZA=="}}
    assert folded({"kind": "ConfigMap", "status": {}, "stringData": {}}) == {"kind": "ConfigMap", "stringData": {}}


def test_normal_leaves_out_what_the_server_keeps_for_itself() -> None:
    assert normal(applied(config(a="1"), label=None)) == config(a="1")


def test_a_field_that_somebody_takes_back_each_time_is_left_alone_for_ever_longer() -> None:
    memory, one = Contention(), Finding(ref(), "changed", "data.a")
    for moment in (0.0, 60.0):
        memory.healed([one], moment)
        assert not memory.contended(one)
    memory.healed([one], 120.0)
    assert memory.contended(one)
    assert memory.resting(one, 121.0)
    assert memory.resting(one, 120.0 + 299.0)
    assert not memory.resting(one, 120.0 + 301.0)
    memory.healed([one], 430.0)
    assert memory.resting(one, 430.0 + 599.0)
    memory.healed([one], 430.0 + 10_000.0)  # it was calm for long: an accident, not a fight
    assert not memory.contended(one)


def test_writes_to_a_contended_field_are_few() -> None:
    memory, one, written = Contention(), Finding(ref(), "changed", "data.a"), 0
    for minute in range(240):
        if not memory.resting(one, minute * 60.0):
            memory.healed([one], minute * 60.0)
            written += 1
    assert written <= 12
