"""Scenarios 17 to 20: fields that cannot be changed, and when an object may be deleted and made anew."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.stage import Stage, config
from tests.kube import ApiServer

pytestmark = pytest.mark.cluster
ALLOWED = {"gitopsc.dev/recreate": "allowed"}


@pytest.fixture
def stage(api_server: ApiServer, tmp_path: Path) -> Stage:
    return Stage(api_server, tmp_path)


def job(namespace: str, image: str, annotations: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    """A Job whose health nobody asks for: there is no controller."""
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": image}]}}
    metadata = {"name": "migrate", "namespace": namespace, "annotations": {"gitopsc.dev/health": "ignore", **(annotations or {})}}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": {"template": template, **spec}}


def uid(stage: Stage, kind: str, name: str, version: str = "v1") -> str:
    """Which one it is."""
    return str(stage.live(kind, name, version)["metadata"]["uid"])


def test_s17_a_field_that_cannot_be_changed_is_named_and_nothing_is_deleted(stage: Stage) -> None:
    stage.applied(job(stage.namespace, "example.com/a:1"), config("later", stage.namespace, k="1"))
    before = uid(stage, "Job", "migrate", "batch/v1")
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": stage.namespace}, "spec": {"ports": [{"port": 80}]}}
    stage.publish(job(stage.namespace, "example.com/a:2"), config("later", stage.namespace, k="1"), service)
    ran = stage.run()
    assert ran.status == 2
    assert "spec.template" in ran.said
    assert "gitopsc.dev/recreate: allowed" in ran.said
    assert ran.actions() == {"ConfigMap/later": "unchanged", "Job/migrate": "failed", "Service/web": "blocked"}
    assert uid(stage, "Job", "migrate", "batch/v1") == before
    assert stage.get("Service", "web") is None


def test_s18_an_annotation_allows_to_make_it_anew(stage: Stage) -> None:
    stage.applied(job(stage.namespace, "example.com/a:1"))
    before = uid(stage, "Job", "migrate", "batch/v1")
    ran = stage.applied(job(stage.namespace, "example.com/a:2", ALLOWED))
    assert ran.actions() == {"Job/migrate": "recreated"}
    live = stage.live("Job", "migrate", "batch/v1")
    assert live["metadata"]["uid"] != before
    assert live["spec"]["template"]["spec"]["containers"][0]["image"] == "example.com/a:2"
    assert stage.run().actions() == {"Job/migrate": "unchanged"}


def test_s19_an_invalid_manifest_deletes_nothing_though_it_may(stage: Stage) -> None:
    stage.applied(job(stage.namespace, "example.com/a:1", ALLOWED))
    before = uid(stage, "Job", "migrate", "batch/v1")
    wrong = job(stage.namespace, "example.com/a:2", ALLOWED)
    wrong["spec"]["template"]["spec"]["containers"][0]["ports"] = [{"containerPort": 70000}]
    stage.publish(wrong)
    since = stage.mark()
    ran = stage.run()
    assert ran.status == 2
    assert "containerPort" in ran.said
    assert uid(stage, "Job", "migrate", "batch/v1") == before
    assert stage.writes(since, own=True) == []


def secret(namespace: str, value: str, annotations: dict[str, str] | None = None) -> dict[str, Any]:
    """An immutable Secret."""
    metadata = {"name": "key", "namespace": namespace, "annotations": annotations or {}}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "immutable": True, "stringData": {"key": value}}


def test_s20_immutable_config_and_secrets_are_made_anew_where_allowed(stage: Stage) -> None:
    one = {**config("a", stage.namespace, ALLOWED, k="1"), "immutable": True}
    stage.applied(one, secret(stage.namespace, "first-canary", ALLOWED))
    before = [uid(stage, "ConfigMap", "a"), uid(stage, "Secret", "key")]
    ran = stage.applied({**one, "data": {"k": "2"}}, secret(stage.namespace, "second-canary", ALLOWED))
    assert ran.actions() == {"ConfigMap/a": "recreated", "Secret/key": "recreated"}
    assert [uid(stage, "ConfigMap", "a"), uid(stage, "Secret", "key")] != before
    assert stage.live("ConfigMap", "a")["data"] == {"k": "2"}
    assert base64.b64decode(stage.live("Secret", "key")["data"]["key"]) == b"second-canary"


def test_s20_what_the_server_says_of_a_secret_is_told_without_its_value(stage: Stage) -> None:
    stage.applied(secret(stage.namespace, "first-canary"))
    stage.publish(secret(stage.namespace, "second-canary"))
    ran = stage.run()
    assert ran.status == 2
    everything = f"{ran.result.data}{ran.result.text}{ran.said}"
    assert "immutable" in everything
    for value in (b"first-canary", b"second-canary"):
        assert value.decode() not in everything
        assert base64.b64encode(value).decode() not in everything


def test_a_claim_is_never_made_anew_without_a_confirmation(stage: Stage) -> None:
    claim: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data", "namespace": stage.namespace, "annotations": {**ALLOWED, "gitopsc.dev/health": "ignore"}},
        "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "slow", "resources": {"requests": {"storage": "1Gi"}}},
    }
    stage.applied(claim)
    before = uid(stage, "PersistentVolumeClaim", "data")
    stage.publish({**claim, "spec": {**claim["spec"], "storageClassName": "fast"}})
    ran = stage.run()
    assert (ran.status, "--confirm-prune" in ran.said) == (2, True)
    assert uid(stage, "PersistentVolumeClaim", "data") == before


def test_a_hook_runs_again_when_its_manifest_changes_and_only_then(stage: Stage) -> None:
    hook = {"gitopsc.dev/phase": "pre-deploy"}
    stage.applied(job(stage.namespace, "example.com/a:1", hook))
    before = uid(stage, "Job", "migrate", "batch/v1")
    assert stage.run().actions() == {"Job/migrate": "unchanged"}
    ran = stage.applied(job(stage.namespace, "example.com/a:2", hook))
    assert ran.actions() == {"Job/migrate": "recreated"}
    assert uid(stage, "Job", "migrate", "batch/v1") != before
    stage.delete(job(stage.namespace, ""))  # as its TTL would
    ran = stage.run()
    assert (ran.status, ran.actions(), ran.drift()) == (0, {"Job/migrate": "unchanged"}, [])
    assert stage.get("Job", "migrate", "batch/v1") is None
