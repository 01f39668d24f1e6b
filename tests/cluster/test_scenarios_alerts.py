"""Scenarios 49 and 55 for who reconciles by cron: one pass a process, and alerts all the same told once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gitopsc.alerting import Alerting
from tests.cluster.stage import HOME, Stage, config
from tests.cluster.watcher import Sink
from tests.kube import ApiServer
from tests.waiting import HANGS

pytestmark = pytest.mark.cluster
CANARY = "hunter22canary"


@pytest.fixture
def stage(api_server: ApiServer, tmp_path: Path, sink: Sink, monkeypatch: pytest.MonkeyPatch) -> Stage:
    flush = Alerting.flush
    monkeypatch.setattr(Alerting, "flush", lambda self, _: flush(self, HANGS))  # on a busy machine a delivery takes longer than a pass waits for it
    monkeypatch.setattr("gitopsc.alerting._SECONDS", HANGS)
    stage = Stage(api_server, tmp_path)
    stage.lock["alerts"] = [{"on": ["failed", "drift"], "to": {"secret": {"name": stage.environment, "key": "chat"}}}]
    address = {"chat": f"json://{sink.host}/chat"}
    stage.put({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": stage.environment, "namespace": HOME}, "stringData": address})
    return stage


def test_s55_one_failure_and_one_recovery_over_many_processes(stage: Stage, sink: Sink) -> None:
    good = config("a", stage.namespace, k="1")
    stage.publish({**good, "data": {"not a key!": "1"}})
    for _ in range(5):
        assert stage.run().status == 2
    assert sink.titles == [f"{stage.environment}: shop could not be applied"]
    stage.publish(good)
    for _ in range(3):
        assert stage.run().status == 0
    assert sink.titles[1:] == [f"resolved: {stage.environment}: shop could not be applied"]
    stage.patch(good, {"data": {"k": "9"}})
    assert stage.run(dry_run=True).status == 1
    assert len(sink.titles) == 2
    assert stage.run().status == 0
    assert sink.titles[2:] == [f"{stage.environment}: shop drifted"]


def test_a_pass_with_nothing_to_tell_writes_nothing(stage: Stage, sink: Sink) -> None:
    stage.applied(config("a", stage.namespace, k="1"))
    since = stage.mark()
    assert stage.run().status == 0
    assert stage.writes(since, own=True) == []
    assert sink.heard == []


def test_s49_no_value_of_a_secret_is_in_an_alert(stage: Stage, sink: Sink) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": stage.namespace}, "type": "Opaque", "stringData": {"k": CANARY}}
    stage.applied(secret)
    stage.patch(secret, {"stringData": {"k": "changed"}})
    assert stage.run().status == 0
    bad = {**secret, "stringData": {}, "data": {"k": CANARY + "%%%"}}
    stage.publish(bad)
    stage.run()
    said = json.dumps(sink.heard)
    assert len(sink.titles) >= 2
    assert CANARY not in said
    assert "aHVudGVyMjJjYW5hcnk" not in said
