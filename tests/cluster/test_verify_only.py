"""``reconcile --verify-only``: another engine applies, and the verdict is recorded all the same; nothing is written to the cluster."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gitopsc.diagnostics import Invalid
from tests.cluster.stage import Stage, config, deployment
from tests.cluster.watcher import Start
from tests.kube import ApiServer
from tests.repository.scene import git
from tests.waiting import until

pytestmark = pytest.mark.cluster
FLUX = "kustomize-controller"


@pytest.fixture
def stage(api_server: ApiServer, tmp_path: Path) -> Stage:
    stage = Stage(api_server, tmp_path)
    stage.lock["engine"] = "flux"
    return stage


def records(stage: Stage) -> list[dict[str, Any]]:
    """Oldest first."""
    branch = f"gitopsc-records/{stage.environment}"
    if not git(stage.repository, "for-each-ref", f"refs/heads/{branch}"):
        return []
    names = git(stage.repository, "ls-tree", "-r", "--name-only", branch).split("\n")
    return [json.loads(git(stage.repository, "show", f"{branch}:{name}")) for name in sorted(names, key=lambda name: name.rpartition("/")[2])]


def kinds(stage: Stage) -> list[str]:
    return [record["kind"] for record in records(stage)]


def test_what_another_engine_applied_is_verified(stage: Stage) -> None:
    one = config("a", stage.namespace, k="1")
    stage.publish(one)
    with pytest.raises(Invalid, match="engine"):
        stage.run()
    since = stage.mark()
    ran = stage.run(verify_only=True, timeout="12s")
    assert (ran.status, ran.application()["verdict"], kinds(stage)) == (1, "unknown", [])
    stage.apply(one, FLUX)
    ran = stage.run(verify_only=True)
    assert (ran.status, ran.application()["verdict"], ran.drift()) == (0, "verified", [])
    assert kinds(stage) == ["applied", "verified"]
    assert records(stage)[1]["revision"] == stage.revision
    assert stage.run(verify_only=True).status == 0
    assert len(records(stage)) == 2
    assert stage.writes(since, own=True) == []
    managers = [entry["manager"] for entry in stage.live("ConfigMap", "a")["metadata"]["managedFields"]]
    assert managers == [FLUX]


def test_health_and_drift_are_recorded(stage: Stage) -> None:
    web = deployment("web", stage.namespace, replicas=1)
    stage.publish(web)
    stage.apply(web, FLUX)
    ran = stage.run(verify_only=True, timeout="12s")
    assert (ran.status, ran.application()["verdict"], kinds(stage)) == (1, "degraded", ["applied", "degraded"])
    stage.ready(web)
    assert stage.run(verify_only=True).status == 0
    stage.patch(web, {"spec": {"replicas": 3}}, "kubectl-edit")
    stage.ready(web, 3)
    ran = stage.run(verify_only=True, timeout="12s")
    assert ran.status == 1
    assert ran.drift() == [("web", "changed", "spec.replicas", "kubectl-edit")]
    assert kinds(stage) == ["applied", "degraded", "verified", "drift"]
    assert stage.live("Deployment", "web", "apps/v1")["spec"]["replicas"] == 3
    newer = deployment("web", stage.namespace, image="example.com/web:2", replicas=1)
    stage.publish(newer)
    ran = stage.run(verify_only=True, timeout="12s")
    assert (ran.status, ran.application()["verdict"], ran.drift()) == (1, "unknown", [])
    assert len(records(stage)) == 4
    stage.apply(newer, FLUX, force=True)
    stage.ready(newer)
    assert stage.run(verify_only=True).status == 0
    assert kinds(stage)[4:] == ["applied", "verified"]


def test_a_watcher_verifies_what_another_engine_brings(stage: Stage, start: Start) -> None:
    one = config("a", stage.namespace, k="1")
    stage.publish(one)
    watcher = start("--interval", "1s", "--timeout", "2m", "--verify-only")
    until(lambda: watcher.leads)
    stage.apply(one, FLUX)
    until(lambda: kinds(stage) == ["applied", "verified"])
    assert watcher.ended() == 0
