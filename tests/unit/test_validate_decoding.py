"""What a server cannot read is told; what it reads, and judges later or never, is not."""

from __future__ import annotations

from typing import Any

import pytest

from gitopsc import kubernetes
from gitopsc.validate.decoding import unreadable
from tests.tables import CASES
from tests.tables.case import GONE, Tree, changed
from tests.tables.objects import ALL, DEPLOYMENT

NEWEST = (1, 36)


@pytest.mark.parametrize("tree", ALL, ids=lambda tree: str(tree["kind"]))
def test_right_objects_are_read(tree: Tree) -> None:
    assert unreadable(NEWEST, tree) == []


@pytest.mark.parametrize("case", CASES, ids=str)
def test_right_twins_are_read(case: Any) -> None:
    assert unreadable(NEWEST, changed(case.base, case.right)) == []


CONTAINER = "spec.template.spec.containers[0]"
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "a field that there is not": ({"spec.replica": 2}, "unknown-field"),
    "text for a number": ({"spec.replicas": "three"}, "wrong-type"),
    "a number for text": ({f"{CONTAINER}.image": 3}, "wrong-type"),
    "a number of more than 32 bits": ({"spec.replicas": 2**31}, "out-of-range"),
    "no quantity": ({f"{CONTAINER}.resources": {"limits": {"memory": "1.5GB"}}}, "wrong-quantity"),
    "a list for a map": ({"metadata.labels": []}, "wrong-type"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_no_server_can_read(name: str) -> None:
    changes, code = WRONG[name]
    assert [problem.code for problem in unreadable(NEWEST, changed(DEPLOYMENT, changes))] == [code]


READ: dict[str, dict[str, Any]] = {
    "what others may add": {"spec.selector": GONE, f"{CONTAINER}.image": GONE},
    "what a webhook may put right": {f"{CONTAINER}.image": "", "spec.replicas": -1, f"{CONTAINER}.imagePullPolicy": "Sometimes"},
    "nulls in lists": {f"{CONTAINER}.args": [None, "a"]},
    "nulls": {"spec.replicas": None, "metadata.creationTimestamp": None, f"{CONTAINER}.resources": None},
    "a status": {"status": {}},
    "a quantity with spaces": {f"{CONTAINER}.resources": {"limits": {"memory": " 1Gi "}}},
}


@pytest.mark.parametrize("name", READ)
def test_what_a_server_reads(name: str) -> None:
    assert unreadable(NEWEST, changed(DEPLOYMENT, READ[name])) == []


def test_base64_is_read_as_go_reads_it() -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "n"}, "data": {"k": "no base64!"}}
    found = unreadable(NEWEST, secret)
    assert [problem.code for problem in found] == ["wrong-base64"]
    assert "no base64!" not in found[0].message
    assert unreadable(NEWEST, {**secret, "data": {"k": "Y2FuYXJ5\n", "empty": ""}}) == []


def test_kinds_that_only_a_cluster_knows_are_left_to_it() -> None:
    for version, kind in (("example.com/v1", "Widget"), ("gateway.networking.k8s.io/v1", "HTTPRoute")):
        assert unreadable(NEWEST, {"apiVersion": version, "kind": kind, "metadata": {"name": "a"}, "spec": {"nothing": "known"}}) == []


def test_each_minor_has_its_own_fields() -> None:
    claimed = changed(DEPLOYMENT, {"spec.template.spec.resources": {"limits": {"cpu": "1"}}})  # of pods: since 1.32
    assert unreadable(NEWEST, claimed) == []
    assert [problem.code for problem in unreadable((1, 30), claimed)] == ["unknown-field"]
    assert unreadable((1, 99), changed(DEPLOYMENT, {"spec.replica": 1})) == []


def test_every_kind_has_a_schema_that_can_be_used() -> None:
    for api_version, kind in kubernetes.kinds_of(NEWEST):
        assert unreadable(NEWEST, {"apiVersion": api_version, "kind": kind, "metadata": {"name": "a"}, "nothing": 1})[0].code == "unknown-field"
