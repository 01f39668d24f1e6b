"""What is sent where fields are left to others; what API servers refuse, in our words; what must not be repeated."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from gitopsc.cluster.applying import absorbing
from gitopsc.cluster.discovery import Resource
from gitopsc.cluster.masking import masked, told
from gitopsc.cluster.problems import Problem
from gitopsc.cluster.sending import hands_over, located, sent
from gitopsc.cluster.trouble import appliers, in_the_way, is_field_conflict, trouble
from gitopsc.objects import ObjectRef
from tests.unit.live import Object, applied, config, entry, ref, want

REPLICAS = (("spec", "replicas"),)
DEPLOYMENTS = Resource("apps", "v1", "deployments", "Deployment", True, frozenset())
WEB = ObjectRef("apps", "Deployment", "shop", "web")


def deployment(**spec: Any) -> Object:
    """A Deployment as a manifest."""
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"}, "spec": spec}


def replicas(manager: str, operation: str, subresource: str = "") -> Object:
    """An entry that owns the replicas."""
    return entry(manager, {"f:spec": {"f:replicas": {}}}, operation, subresource=subresource)


def test_without_rules_the_manifest_is_sent() -> None:
    one = want(deployment(replicas=3))
    assert sent(one, applied(deployment(replicas=7)), ()) is one.data
    assert sent(one, None, REPLICAS) is one.data


def test_an_ignored_field_that_another_applies_is_left_out() -> None:
    live = applied(deployment(replicas=7, paused=True), replicas("keda", "Apply"))
    assert sent(want(deployment(replicas=3, paused=True)), live, REPLICAS)["spec"] == {"paused": True}


def test_an_ignored_field_that_another_updated_is_sent_as_it_is() -> None:
    live = applied(deployment(replicas=7), replicas("kubectl", "Update", "scale"))
    assert sent(want(deployment(replicas=3)), live, REPLICAS)["spec"] == {"replicas": 7}


def test_an_ignored_field_that_was_removed_stays_removed() -> None:
    assert sent(want(deployment(replicas=3)), applied(deployment()), REPLICAS)["spec"] == {}


def test_an_ignored_field_of_a_list_item() -> None:
    manifest = deployment(containers=[{"name": "a", "image": "x:1"}, {"name": "b", "image": "y:1"}])
    live = applied(deployment(containers=[{"name": "a", "image": "x:9"}, {"name": "b", "image": "y:9"}]))
    found = sent(want(manifest), live, (("spec", "containers", "a", "image"),))
    assert found["spec"]["containers"] == [{"name": "a", "image": "x:9"}, {"name": "b", "image": "y:1"}]
    assert manifest["spec"]["containers"][0]["image"] == "x:1"
    assert len(located(manifest, ("spec", "containers", "*", "image"))) == 2
    assert located(manifest, ("spec", "containers", "c", "image")) == []


def test_replicas_that_left_git_are_sent_until_another_owns_them() -> None:
    one, live = want(deployment(paused=True)), applied(deployment(replicas=7))
    assert hands_over(one, live)
    assert sent(one, live, (), autoscaled=True)["spec"] == {"paused": True, "replicas": 7}
    assert not hands_over(want(deployment(replicas=2)), live)
    assert not hands_over(one, applied(deployment(replicas=7), replicas("hpa", "Update", "scale")))
    assert not hands_over(one, applied(deployment(replicas=7), manager="other"))


def test_client_side_fields_become_ours() -> None:
    live = {
        **config(a="1", b="2"),
        "metadata": {
            **config()["metadata"],
            "resourceVersion": "7",
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}"},
            "managedFields": [
                entry("kubectl-client-side-apply", {"f:data": {"f:a": {}, "f:b": {}}}, "Update"),
                entry("someone", {"f:data": {"f:c": {}}}, "Update"),
                entry("kubectl-client-side-apply", {"f:status": {}}, "Update", subresource="status"),
            ],
        },
    }
    test, change = absorbing(live, ("kubectl-client-side-apply",))
    assert test == {"op": "test", "path": "/metadata/resourceVersion", "value": "7"}
    assert [(e["manager"], e["operation"], e.get("subresource")) for e in change["value"]] == [
        ("someone", "Update", None),
        ("kubectl-client-side-apply", "Update", "status"),
        ("gitopsc", "Apply", None),
    ]
    assert change["value"][-1]["fieldsV1"] == {
        "f:data": {"f:a": {}, "f:b": {}},
        "f:metadata": {"f:annotations": {"f:kubectl.kubernetes.io/last-applied-configuration": {}}},
    }
    assert absorbing(live, ("nobody",)) == []


def conflict(*messages: str) -> Problem:
    """A 409 of server-side apply."""
    causes = [{"reason": "FieldManagerConflict", "message": message, "field": ".spec.replicas"} for message in messages]
    return Problem("Apply failed", status=409, reason="Conflict", answer={"details": {"causes": causes}})


def test_a_manager_that_applies_is_a_conflict_and_one_that_updates_is_not() -> None:
    updated = conflict('conflict with "kubectl-patch" using v1 at 2026-11-25T20:00:00Z', 'conflict with "hpa" with subresource "scale" using apps/v1')
    assert is_field_conflict(updated)
    assert appliers(updated) == []
    assert appliers(conflict('conflict with "keda"', 'conflict with "x" using v1')) == [("keda", "spec.replicas")]
    found = in_the_way(WEB, [("keda", "spec.replicas")])
    assert (found.status, "spec.replicas (applied by keda)" in found.message) == (4, True)
    assert not is_field_conflict(Problem("x", status=409, reason="AlreadyExists"))


@pytest.mark.parametrize(
    ("status", "reason", "message", "code", "exit_status"),
    [
        (403, "Forbidden", 'deployments.apps "web" is forbidden: User "x" cannot patch resource', "forbidden", 3),
        (403, "Forbidden", 'pods "web" is forbidden: violates PodSecurity', "refused", 3),
        (400, "BadRequest", 'admission webhook "x" denied the request: no', "refused", 2),
        (422, "Invalid", "spec.replicas: Invalid value: -1", "refused", 2),
        (409, "Conflict", "object has been modified", "conflict", 3),
        (500, "InternalError", "etcd is gone", "api", 3),
        (429, "TooManyRequests", "later", "api", 3),
        (0, "Deadline", "the time is over", "api", 3),
    ],
)
def test_what_a_refusal_means(status: int, reason: str, message: str, code: str, exit_status: int) -> None:
    found = trouble(WEB, Problem(message, status=status, reason=reason), DEPLOYMENTS, "patch", "system:serviceaccount:shop:deployer")
    assert (found.code, found.status) == (code, exit_status)
    if code == "forbidden":
        assert found.hint == "check with: kubectl auth can-i patch deployments.apps --namespace shop --as system:serviceaccount:shop:deployer"


SECRET = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "shop"}, "data": {"key": base64.b64encode(b"canary-value").decode()}}
SECRET_REF = ref("s", "Secret")
LEAKS = [
    'Secret "s" is invalid: data[key]: Invalid value: "canary-value": must be shorter',
    'Secret "s" is invalid: data: Invalid value: {"key":"Y2FuYXJ5LXZhbHVl"}: field is immutable when `immutable` is set',
    "failed to create typed patch object: canary-value",
    'data[key]: Invalid value: "other-canary": must be something',
]


@pytest.mark.parametrize("message", LEAKS)
def test_what_a_secret_holds_is_not_repeated(message: str) -> None:
    said = told(SECRET_REF, message, [SECRET])
    assert "canary" not in said
    assert "Y2Fu" not in said
    assert told(ref(), message, [SECRET]) == message
    if "immutable" in message:
        assert said.endswith("field is immutable when `immutable` is set")


def test_last_applied_is_a_secret_too() -> None:
    kept = {"kubectl.kubernetes.io/last-applied-configuration": '{"stringData":{"a":"older-canary"}}'}
    live = {**SECRET, "metadata": {**SECRET["metadata"], "annotations": kept}}  # type: ignore[dict-item]
    assert "canary" not in told(SECRET_REF, "it was older-canary", [live])
    assert masked(live) == {**live, "data": {"key": "***"}, "metadata": {**live["metadata"], "annotations": dict.fromkeys(kept, "***")}}  # type: ignore[dict-item]
    assert masked(config(a="1")) == config(a="1")
