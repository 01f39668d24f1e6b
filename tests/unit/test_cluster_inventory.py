"""Inventories: the ApplySet's id, what is kept, and what cannot be read."""

from __future__ import annotations

import base64
import hashlib
import random
import string
from dataclasses import replace

import pytest

from gitopsc.cluster.inventory import (
    CONFIRM,
    Inventory,
    Verified,
    applyset_id,
    check_repository,
    decode,
    encode,
    is_same,
    narrowed,
    superset,
)
from gitopsc.diagnostics import Conflict, Failure
from gitopsc.objects import ObjectRef
from tests.unit.live import ref

DEPLOYMENT = ObjectRef("apps", "Deployment", "shop", "web")
CLUSTER = ObjectRef("rbac.authorization.k8s.io", "ClusterRole", "", "system:reader")
FULL = Inventory(
    environment="prod",
    application="shop",
    repository="https://git.example.com/env",
    revision="c0ffee",
    rendered="t1",
    verified="t0",
    release="r-1",
    objects={ref(): Verified("a" * 16, "b" * 16), DEPLOYMENT: None, CLUSTER: Verified("c" * 16, "")},
    completed={ObjectRef("batch", "Job", "shop", "migrate"): "d" * 16},
)


def test_the_id_is_that_of_the_enhancement_proposal() -> None:
    expected = base64.urlsafe_b64encode(hashlib.sha256(b"gitopsc.prod.shop.gitopsc-system.ConfigMap.").digest()).decode().rstrip("=")
    assert applyset_id("prod", "shop") == f"applyset-{expected}-v1"
    assert len(applyset_id("prod", "shop")) <= 63


def test_what_is_written_is_read_again() -> None:
    parent = encode(FULL)
    parent["metadata"]["resourceVersion"] = "5"
    found = decode(parent)
    assert found == replace(FULL, parent=parent)
    assert is_same(encode(found), found.parent)
    assert not is_same(encode(replace(found, verified="t1")), found.parent)
    assert not is_same(encode(FULL), FULL.parent)


def test_kubectl_understands_the_parent() -> None:
    metadata = encode(FULL)["metadata"]
    assert metadata["labels"]["applyset.kubernetes.io/id"] == applyset_id("prod", "shop")
    assert metadata["annotations"]["applyset.kubernetes.io/contains-group-kinds"] == "ClusterRole.rbac.authorization.k8s.io,ConfigMap,Deployment.apps"
    assert metadata["annotations"]["applyset.kubernetes.io/additional-namespaces"] == "shop"
    assert metadata["annotations"]["applyset.kubernetes.io/tooling"].startswith("gitopsc/v")


def test_what_a_person_put_on_the_parent_stays_and_confirms() -> None:
    parent = encode(FULL)
    parent["metadata"]["annotations"] |= {CONFIRM: "c0ffee", "theirs": "1"}
    parent["metadata"]["resourceVersion"] = "5"
    found = decode(parent)
    assert found.confirmed == "c0ffee"
    again = encode(replace(found, verified="t1"))
    assert again["metadata"]["annotations"]["theirs"] == "1"
    assert again["metadata"]["resourceVersion"] == "5"


def test_a_large_inventory_is_packed() -> None:
    rng = random.Random(1)
    names = ["".join(rng.choices(string.ascii_lowercase, k=60)) for _ in range(4000)]
    large = replace(FULL, objects={ref(name): Verified("a" * 16, "b" * 16) for name in names})
    parent = encode(large)
    assert "inventory" in parent["binaryData"]
    assert "inventory" not in parent["data"]
    assert len(parent["binaryData"]["inventory"]) < 1 << 20
    assert decode(parent).objects == large.objects


def test_a_superset_keeps_what_is_known_of_the_old() -> None:
    wider = superset(FULL, [ref(), ref("new")], [ref("lost")])
    assert wider.objects == {**FULL.objects, ref("new"): None, ref("lost"): None}
    assert superset(FULL, [ref()]) is FULL


def test_narrowing_drops_what_is_gone() -> None:
    now = Verified("e" * 16, "f" * 16)
    assert narrowed(FULL, {ref(): now}, {CLUSTER}).objects == {ref(): now, DEPLOYMENT: None}


@pytest.mark.parametrize(
    "broken",
    [
        {"inventory": "{"},
        {"inventory": '{"objects": {"x": ""}, "completed": {}}'},
        {"inventory": '{"objects": {"ConfigMap/a/b": "one:two:three"}, "completed": {}}'},
        {"inventory": "[]"},
        {"format": "2"},
        {"application": "other"},
        {"inventory": None},
    ],
    ids=str,
)
def test_an_inventory_that_cannot_be_read_is_not_an_empty_one(broken: dict[str, str | None]) -> None:
    parent = encode(FULL)
    for key, value in broken.items():
        if value is None:
            del parent["data"][key]
        else:
            parent["data"][key] = value
    with pytest.raises(Failure):
        decode(parent)


def test_two_repositories_with_the_same_names_refuse_each_other() -> None:
    check_repository(FULL, "https://git.example.com/env")
    check_repository(replace(FULL, repository=""), "anything")
    with pytest.raises(Conflict, match="found it to be of https://git"):
        check_repository(FULL, "https://git.example.com/other")
