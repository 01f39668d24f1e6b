"""What a pass writes down: each change of a verdict once, nothing where nothing changed, and later what could not be pushed at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gitopsc.repository.location import named
from gitopsc.repository.record import Record
from gitopsc.repository.records import Records
from tests.cluster.stage import Stage, config, deployment
from tests.kube import ApiServer
from tests.repository.scene import count, git

pytestmark = pytest.mark.cluster


@pytest.fixture
def stage(api_server: ApiServer, tmp_path: Path) -> Stage:
    return Stage(api_server, tmp_path)


def records(stage: Stage, application: str = "shop") -> list[Record]:
    """Every record, oldest first."""
    with Records(named(str(stage.repository)), stage.environment, root=stage.folder, environ=stage.variables()) as found:
        return list(found.of(application))[::-1]


def kinds(stage: Stage) -> list[str]:
    return [one.kind for one in records(stage)]


def branch(stage: Stage) -> str:
    return f"gitopsc-records/{stage.environment}"


def test_a_release_is_recorded_once(stage: Stage) -> None:
    stage.applied(config("a", stage.namespace, k="1"))
    first, second = records(stage)
    assert (first.kind, second.kind) == ("applied", "verified")
    assert (second.details["revision"], second.generation, second.environment) == (stage.revision, 1, stage.environment)
    assert second.by == "gitopsc <gitopsc@localhost>"
    assert second.details["cluster"]
    stage.run()
    assert kinds(stage) == ["applied", "verified"]
    assert count(stage.repository, branch(stage)) == 1
    stage.applied(config("a", stage.namespace, k="2"))
    assert kinds(stage) == ["applied", "verified", "applied", "verified"]


def test_many_applications_make_one_push(stage: Stage) -> None:
    applications: dict[str, Any] = {f"app{number}": [config(f"c{number}", stage.namespace, k="1")] for number in range(20)}
    stage.publish(**applications)
    assert stage.run().status == 0
    assert count(stage.repository, branch(stage)) == 1
    assert [one.kind for one in records(stage, "app7")] == ["applied", "verified"]


def test_what_does_not_become_healthy_is_degraded_until_it_does(stage: Stage) -> None:
    web = deployment("web", stage.namespace)
    stage.publish(web)
    for _ in range(2):
        assert stage.run(timeout="12s").status == 1
    assert kinds(stage) == ["applied", "degraded"]
    degraded = records(stage)[-1]
    assert degraded.details["objects"] == [{"group": "apps", "kind": "Deployment", "namespace": stage.namespace, "name": "web"}]
    assert "Deployment/web" in degraded.details["message"]
    stage.ready(web)
    assert stage.run().status == 0
    assert kinds(stage) == ["applied", "degraded", "verified"]


def test_drift_is_recorded_when_it_begins_and_ends(stage: Stage) -> None:
    stage.lock["reconcile"] = {"drift": "warn"}
    one = config("a", stage.namespace, k="1")
    stage.applied(one)
    stage.patch(one, {"data": {"k": "9"}})
    for _ in range(2):
        assert stage.run().status == 1
    assert kinds(stage) == ["applied", "verified", "drift"]
    found = records(stage)[-1].details["objects"][0]
    assert (found["path"], found["manager"], found["object"]["name"]) == ("data.k", "kubectl-patch", "a")
    stage.patch(one, {"data": {"k": "1"}})
    for _ in range(2):
        assert stage.run().status == 0
    assert kinds(stage) == ["applied", "verified", "drift", "verified"]


def test_healed_drift_is_recorded_too(stage: Stage) -> None:
    one = config("a", stage.namespace, k="1")
    stage.applied(one)
    stage.patch(one, {"data": {"k": "9"}})
    assert stage.run().status == 0
    assert kinds(stage) == ["applied", "verified", "drift", "verified"]


def test_a_removal_is_recorded_once(stage: Stage) -> None:
    stage.applied(config("a", stage.namespace, k="1"))
    stage.publish(shop=None)
    for _ in range(3):
        assert stage.run().status == 0
    assert kinds(stage) == ["applied", "verified", "applied", "verified"]


def test_a_lost_branch_is_written_again(stage: Stage) -> None:
    stage.applied(config("a", stage.namespace, k="1"))
    git(stage.repository, "update-ref", "-d", f"refs/heads/{branch(stage)}")
    assert stage.run().status == 0
    assert kinds(stage) == ["verified"]


def test_what_could_not_be_pushed_is_written_by_the_next_pass(stage: Stage) -> None:
    hook = stage.repository / "hooks" / "update"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text('#!/bin/sh\ncase "$1" in refs/heads/gitopsc-records/*) echo "not now" >&2; exit 1;; esac\n')
    hook.chmod(0o755)
    stage.publish(config("a", stage.namespace, k="1"))
    ran = stage.run()
    assert ran.status == 3
    assert "not now" in ran.said
    assert stage.live("ConfigMap", "a")["data"] == {"k": "1"}
    assert ran.application()["verdict"] == "verified"
    hook.unlink()
    assert stage.run().status == 0
    assert kinds(stage) == ["applied", "verified"]
    since = stage.mark()
    assert stage.run().status == 0
    assert stage.writes(since, own=True) == []
    assert kinds(stage) == ["applied", "verified"]
