"""One application never holds up another: neither a slow server, nor a wait, nor a failure."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from gitopsc.cluster import asking, objects
from tests.cluster.stage import Ran, Stage, config, deployment
from tests.kube import ApiServer
from tests.waiting import HANGS, until

pytestmark = pytest.mark.cluster


@pytest.fixture
def stage(api_server: ApiServer, tmp_path: Path) -> Stage:
    return Stage(api_server, tmp_path)


class Running:
    """A pass in a thread of its own."""

    def __init__(self, stage: Stage, **wish: Any) -> None:
        self.ran: list[Ran] = []
        self.thread = threading.Thread(target=lambda: self.ran.append(stage.run(**wish)))
        self.thread.start()

    def end(self) -> Ran:
        self.thread.join(HANGS)
        return self.ran[0]


def test_a_server_that_is_slow_about_one_application(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()

    def slowly(api: Any, resource: Any, data: Any, **options: Any) -> Any:
        if data["metadata"]["name"] == "slow":
            go_on.wait()
        return objects.apply(api, resource, data, **options)

    monkeypatch.setattr(asking, "apply", slowly)
    stage.publish(first=[config("slow", stage.namespace, k="1")], second=[config("quick", stage.namespace, k="1")])
    running = Running(stage)
    try:
        until(lambda: stage.get("ConfigMap", "quick"))
        assert stage.get("ConfigMap", "slow") is None
    finally:
        go_on.set()
        ran = running.end()
    assert ran.status == 0
    assert stage.get("ConfigMap", "slow") is not None


def test_a_wait_of_one_application(stage: Stage) -> None:
    web = deployment("web", stage.namespace)
    late = config("late", stage.namespace, k="1")
    job = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "after", "namespace": stage.namespace}, "spec": {"ports": [{"port": 80}]}}
    job["metadata"]["annotations"] = {"gitopsc.dev/wave": "1"}  # type: ignore[index]
    stage.publish(first=[web], second=[late, job], third=[config("third", stage.namespace, k="1")], depends_on={"third": ["first"]})
    running = Running(stage)
    until(lambda: stage.get("Service", "after"))
    until(lambda: stage.get("Deployment", "web", "apps/v1"))
    assert stage.get("ConfigMap", "third") is None
    stage.ready(web)
    ran = running.end()
    assert ran.status == 0, ran.said
    assert stage.get("ConfigMap", "third") is not None


def test_a_failure_of_one_application(stage: Stage) -> None:
    wrong = deployment("Not-A-Name", stage.namespace)
    stage.publish(first=[wrong], second=[config("quick", stage.namespace, k="1")], third=[config("third", stage.namespace)], depends_on={"third": ["first"]})
    ran = stage.run()
    assert ran.status == 2
    assert ran.actions("second") == {"ConfigMap/quick": "created"}
    assert ran.actions("third") == {"ConfigMap/third": "blocked"}


def test_something_newer_ends_a_wait(stage: Stage) -> None:
    """Scenario 43, from inside: what is waited for is left, what is under way is finished."""
    from dataclasses import replace

    from gitopsc.ground import ground_of

    web = deployment("web", stage.namespace)
    stage.publish(first=[web], second=[config("quick", stage.namespace, k="1")])
    newer = threading.Event()
    monkeypatch = pytest.MonkeyPatch()
    monkeypatch.setattr("gitopsc.reconcile.ground_of", lambda *words, **options: replace(ground_of(*words, **options), superseded=newer.is_set))
    try:
        running = Running(stage, timeout="1h")
        until(lambda: stage.get("Deployment", "web", "apps/v1"))
        newer.set()
        ran = running.end()
    finally:
        monkeypatch.undo()
    assert ran.application("first")["verdict"] == "unknown"
    assert ran.application("second")["verdict"] == "verified"
