"""``reconcile --watch`` as processes before the real API server: scenarios 43, 45, 46, 55 and cases E12, G1, G3."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.stage import HOME, Stage, config, deployment
from tests.cluster.watcher import Sink, Start, Watcher, data
from tests.kube import ApiServer
from tests.repository.scene import git
from tests.waiting import until

pytestmark = pytest.mark.cluster


@pytest.fixture
def stage(api_server: ApiServer, tmp_path: Path) -> Stage:
    return Stage(api_server, tmp_path)


def test_it_converges_heals_answers_and_ends(stage: Stage, start: Start) -> None:
    one = config("a", stage.namespace, k="1")
    stage.publish(one)
    watcher = start("--interval", "10m")
    until(lambda: data(stage) == {"k": "1"})
    until(lambda: watcher.ask("/readyz")[0] == 200 and "gitopsc_release_info{" in watcher.ask("/metrics")[1])
    until(lambda: "pass for watch" in watcher.said)
    stage.patch(one, {"data": {"k": "9"}})
    until(lambda: data(stage) == {"k": "1"})
    stage.delete(one)
    until(lambda: data(stage) == {"k": "1"})
    stage.publish(config("a", stage.namespace, k="2"))
    assert watcher.ask("/hook", "POST")[0] == 202
    until(lambda: data(stage) == {"k": "2"})
    assert watcher.ended() == 0, watcher.said
    lease = stage.server.ask("GET", f"/apis/coordination.k8s.io/v1/namespaces/{HOME}/leases/gitopsc.{stage.environment}")[1]
    assert lease["spec"]["holderIdentity"] == ""
    records = git(stage.repository, "ls-tree", "-r", "--name-only", f"gitopsc-records/{stage.environment}")
    assert {name.rpartition("-")[2] for name in records.split("\n")} == {"applied.json", "verified.json", "drift.json"}


def test_s43_a_new_revision_ends_the_wait_for_a_broken_one(stage: Stage, start: Start) -> None:
    stage.publish(deployment("web", stage.namespace, replicas=1))
    watcher = start("--timeout", "5m")
    until(lambda: stage.get("Deployment", "web", "apps/v1"))
    assert watcher.passes == 0
    stage.publish(config("a", stage.namespace, k="1"))
    until(lambda: data(stage) == {"k": "1"})
    until(lambda: watcher.passes >= 1)
    assert "ended early: a new revision" in watcher.said
    assert watcher.ended() == 0


def test_s45_a_suspended_environment_is_left_alone(stage: Stage, start: Start) -> None:
    one = config("a", stage.namespace, k="1")
    stage.applied(one)
    stage.lock["reconcile"] = {"suspend": True}
    stage.publish(one)
    watcher = start("--interval", "1s")
    until(lambda: watcher.passes >= 1)
    since = stage.mark()
    stage.patch(one, {"data": {"k": "9"}})
    passes = watcher.passes
    until(lambda: watcher.passes >= passes + 2)
    assert data(stage) == {"k": "9"}
    assert [line for line in stage.writes(since, own=True) if "leases" not in line] == []
    assert f'gitopsc_suspend_status{{environment="{stage.environment}"}} 1' in watcher.ask("/metrics")[1]
    stage.lock["reconcile"] = {}
    stage.publish(one)
    until(lambda: data(stage) == {"k": "1"})


def test_s46_the_other_replica_takes_over_from_one_that_hangs(stage: Stage, start: Start) -> None:
    one = config("a", stage.namespace, k="1")
    stage.publish(one)
    first = start()
    until(lambda: first.leads and data(stage) == {"k": "1"})
    second = start()
    until(lambda: second.ask("/readyz")[0] == 200)
    first.process.send_signal(signal.SIGSTOP)
    assert not second.leads
    stage.patch(one, {"data": {"k": "9"}})
    until(lambda: second.leads)
    until(lambda: data(stage) == {"k": "1"})
    first.process.send_signal(signal.SIGCONT)
    until(lambda: first.metric(f'gitopsc_leader{{environment="{stage.environment}"}} 0'))
    stage.patch(one, {"data": {"k": "8"}})
    until(lambda: data(stage) == {"k": "1"})
    said = first.said
    assert said.count("leading as") == 1
    assert first.ended() == 0
    assert second.process.poll() is None


def test_g1_one_pass_beside_a_watcher_is_refused(stage: Stage, start: Start) -> None:
    stage.publish(config("a", stage.namespace, k="1"))
    watcher = start()
    until(lambda: watcher.leads and data(stage) == {"k": "1"})
    command = [sys.executable, "-m", "gitopsc", "reconcile", stage.environment, "--once", "--repository", str(stage.repository), "-C", str(stage.folder)]
    said = subprocess.run(command, env=stage.variables(), capture_output=True, text=True, timeout=600, check=False)
    assert said.returncode == 4, said.stderr
    assert "holds the lease gitopsc-system/gitopsc." in said.stderr
    assert os.uname().nodename in said.stderr
    watcher.ended()
    assert subprocess.run(command, env=stage.variables(), capture_output=True, text=True, timeout=600, check=False).returncode == 0


def test_g3_a_signal_at_any_time_ends_it_in_good_order(stage: Stage, start: Start) -> None:
    manifests = [config(f"c{number}", stage.namespace, k="1") for number in range(20)]
    moments: list[Callable[[Watcher], Any]] = [
        lambda _: True,
        lambda watcher: "listening" in watcher.said,
        lambda watcher: watcher.leads,
        lambda _: stage.get("ConfigMap", "c0"),
        lambda _: data(stage, "round") == {"k": "4"},
        lambda watcher: watcher.passes,
    ]
    for number, moment in enumerate(moments):
        stage.publish(*manifests, config("round", stage.namespace, k=str(number)))
        watcher = start()
        until(lambda moment=moment, watcher=watcher: moment(watcher), every=0.002)  # type: ignore[misc]
        status = watcher.ended()
        assert status == 0 or "listening" not in watcher.said, watcher.said
    assert stage.run().status == 0
    assert data(stage, "round") == {"k": "5"}
    assert len(stage.inventory()) == 21


def test_g3_a_signal_during_a_wait(stage: Stage, start: Start) -> None:
    stage.publish(deployment("web", stage.namespace, replicas=1))
    watcher = start("--timeout", "10m")
    until(lambda: stage.get("Deployment", "web", "apps/v1"))
    assert watcher.ended() == 0, watcher.said


def test_s55_one_failure_one_recovery(stage: Stage, start: Start, sink: Sink) -> None:
    stage.lock["alerts"] = [{"on": ["failed", "drift"], "to": {"env": "CHAT"}}, {"on": ["failed"], "to": {"env": "MANAGER"}}]
    good = config("a", stage.namespace, k="1")
    bad = {**good, "data": {"not a key!": "1"}}
    stage.publish(bad)
    watcher = start("--interval", "1s", CHAT=f"json://{sink.host}/chat", MANAGER=f"alertmanager://{sink.host}")
    until(lambda: watcher.passes >= 10 and sink.titles and sink.alerts)
    assert sink.titles == [f"{stage.environment}: shop could not be applied"]
    assert len(sink.alerts) == 1
    stage.publish(good)
    until(lambda: len(sink.titles) == 2 and len(sink.alerts) == 2)
    passes = watcher.passes
    until(lambda: watcher.passes >= passes + 3)
    assert sink.titles[1:] == [f"resolved: {stage.environment}: shop could not be applied"]
    began, over = sink.alerts
    assert began["labels"] == over["labels"]
    assert over["endsAt"] < began["endsAt"]
    stage.patch(good, {"data": {"k": "9"}})
    until(lambda: len(sink.titles) == 4)
    assert sink.titles[2:] == [f"{stage.environment}: shop drifted", f"resolved: {stage.environment}: shop drifted"]
    events = f"/api/v1/namespaces/{HOME}/events?fieldSelector=involvedObject.name=gitopsc.{stage.environment}.shop"
    reasons = ["ApplyFailed", "ApplyFailedResolved", "Drifted", "DriftedResolved"]
    until(lambda: sorted(event["reason"] for event in stage.server.ask("GET", events)[1]["items"]) == reasons)


def test_e12_rewritten_history_is_told_and_the_last_good_state_kept(stage: Stage, start: Start, sink: Sink) -> None:
    stage.lock["alerts"] = [{"on": ["rewritten"], "to": {"env": "CHAT"}}]
    one = config("a", stage.namespace, k="1")
    root = stage.publish(one)
    stage.publish(config("a", stage.namespace, k="2"))
    start("--interval", "1s", CHAT=f"json://{sink.host}/chat")
    until(lambda: data(stage) == {"k": "2"})
    git(stage.repository, "update-ref", "refs/heads/main", root)
    stage.publish(config("a", stage.namespace, k="3"))
    until(lambda: sink.titles == [f"{stage.environment}: has a rewritten history"])
    assert data(stage) == {"k": "2"}
    stage.patch(one, {"data": {"k": "9"}})
    until(lambda: data(stage) == {"k": "2"})
    assert sink.titles == [f"{stage.environment}: has a rewritten history"]
