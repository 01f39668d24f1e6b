"""Scenarios 1 to 8: an empty cluster, nothing to do, a change, and what others do to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cluster.stage import Stage, config, deployment
from tests.kube import ApiServer

pytestmark = pytest.mark.cluster


@pytest.fixture
def stage(api_server: ApiServer, tmp_path: Path) -> Stage:
    return Stage(api_server, tmp_path)


def test_s01_an_empty_cluster_gets_everything_in_order(api_server: ApiServer, tmp_path: Path) -> None:
    stage = Stage(api_server, tmp_path, namespace=False)
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": stage.namespace}}
    web = deployment("web", stage.namespace, replicas=0)
    stage.publish(web, config("settings", stage.namespace, a="1"), space)
    since = stage.mark()
    ran = stage.run(timeout="12s")
    assert ran.actions() == {f"Namespace/{stage.namespace}": "created", "ConfigMap/settings": "created", "Deployment/web": "created"}
    assert [line.rpartition("/")[2] for line in stage.writes(since)] == [stage.namespace, "settings", "web"]
    assert ran.status == 1  # nobody has made the Deployment ready
    stage.ready(web, 0)
    ran = stage.run()
    assert ran.status == 0
    assert ran.application()["verdict"] == "verified"
    live = stage.live("Deployment", "web", "apps/v1")
    assert [(e["manager"], e["operation"]) for e in live["metadata"]["managedFields"] if not e.get("subresource")] == [("gitopsc", "Apply")]
    assert live["metadata"]["labels"]["applyset.kubernetes.io/part-of"] == stage.id
    assert stage.inventory() == {f"Namespace//{stage.namespace}", f"ConfigMap/{stage.namespace}/settings", f"Deployment.apps/{stage.namespace}/web"}


def test_s02_nothing_to_do_writes_nothing(stage: Stage) -> None:
    manifests = [config("a", stage.namespace, k="1"), config("b", stage.namespace, k="1")]
    stage.applied(*manifests)
    versions = [stage.live("ConfigMap", name)["metadata"]["resourceVersion"] for name in "ab"]
    since = stage.mark()
    ran = stage.run()
    assert (ran.status, set(ran.actions().values())) == (0, {"unchanged"})
    assert stage.writes(since, own=True) == []
    assert not any("dryRun" in request for request in stage.requests(since))
    assert [stage.live("ConfigMap", name)["metadata"]["resourceVersion"] for name in "ab"] == versions


def test_s03_only_what_changed_is_configured(stage: Stage) -> None:
    stage.applied(config("a", stage.namespace, k="1"), config("b", stage.namespace, k="1"))
    before = stage.live("ConfigMap", "b")["metadata"]["resourceVersion"]
    ran = stage.applied(config("a", stage.namespace, k="2"), config("b", stage.namespace, k="1"))
    assert ran.actions() == {"ConfigMap/a": "configured", "ConfigMap/b": "unchanged"}
    assert ran.drift() == []
    assert stage.live("ConfigMap", "a")["data"] == {"k": "2"}
    assert stage.live("ConfigMap", "b")["metadata"]["resourceVersion"] == before


def test_s04_a_key_that_left_git_goes(stage: Stage) -> None:
    stage.applied(config("a", stage.namespace, a="1", b="2"))
    stage.applied(config("a", stage.namespace, a="1"))
    assert stage.live("ConfigMap", "a")["data"] == {"a": "1"}


def test_s05_a_changed_value_is_drift_with_its_manager_and_is_restored(stage: Stage) -> None:
    one = config("a", stage.namespace, k="1")
    stage.applied(one)
    stage.patch(one, {"data": {"k": "9"}})
    ran = stage.run()
    assert ran.status == 0
    assert ran.drift() == [("a", "changed", "data.k", "kubectl-patch")]
    assert ran.application()["drift"][0]["time"].endswith("Z")
    assert ran.actions() == {"ConfigMap/a": "configured"}
    assert stage.live("ConfigMap", "a")["data"] == {"k": "1"}
    assert stage.run().drift() == []


def test_s06_what_others_add_is_kept_and_no_drift(stage: Stage) -> None:
    one = config("a", stage.namespace, k="1")
    stage.applied(one)
    stage.patch(one, {"data": {"c": "theirs"}})
    since = stage.mark()
    ran = stage.run()
    assert (ran.status, ran.drift(), ran.actions()) == (0, [], {"ConfigMap/a": "unchanged"})
    assert stage.writes(since, own=True) == []
    assert stage.live("ConfigMap", "a")["data"] == {"k": "1", "c": "theirs"}


@pytest.mark.parametrize(("policy", "status", "left"), [("report", 1, {"k": "1", "c": "theirs"}), ("remove", 0, {"k": "1"})])
def test_s06_a_strict_environment_reports_or_removes_it(stage: Stage, policy: str, status: int, left: dict[str, str]) -> None:
    stage.lock["reconcile"] = {"unknownFields": policy}
    one = config("a", stage.namespace, k="1")
    stage.applied(one)
    stage.patch(one, {"data": {"c": "theirs"}})
    ran = stage.run()
    assert ran.drift() == [("a", "extra", "data.c", "kubectl-patch")]
    assert ran.status == status
    assert stage.live("ConfigMap", "a")["data"] == left


def test_s07_a_deleted_object_is_made_again_and_told(stage: Stage) -> None:
    one = config("a", stage.namespace, k="1")
    stage.applied(one, config("b", stage.namespace, k="1"))
    stage.delete(one)
    ran = stage.run()
    assert ran.status == 0
    assert ran.drift() == [("a", "missing", None, None)]
    assert ran.actions() == {"ConfigMap/a": "created", "ConfigMap/b": "unchanged"}


def test_s08_an_environment_that_only_warns_writes_nothing(stage: Stage) -> None:
    stage.lock["reconcile"] = {"drift": "warn"}
    one, two = config("a", stage.namespace, k="1"), config("b", stage.namespace, k="1")
    stage.applied(one, two)
    stage.patch(one, {"data": {"k": "9"}})
    stage.delete(two)
    since = stage.mark()
    ran = stage.run()
    assert ran.status == 1
    assert sorted(ran.drift()) == [("a", "changed", "data.k", "kubectl-patch"), ("b", "missing", None, None)]
    assert set(ran.actions().values()) == {"skipped"}
    assert ran.application()["verdict"] == "unknown"
    assert stage.writes(since, own=True) == []
    assert stage.live("ConfigMap", "a")["data"] == {"k": "9"}
    ran = stage.applied(config("a", stage.namespace, k="2"), two)  # a new release is applied all the same
    assert stage.live("ConfigMap", "a")["data"] == {"k": "2"}
