"""``reconcile --watch`` as processes before the real API server: scenarios 43, 45, 46, 55 and cases E12, G1, G3."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cluster.stage import HOME, Stage, config, deployment
from tests.cluster.watcher import Sink, Start, data, until
from tests.kube import ApiServer
from tests.repository.scene import git

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
    time.sleep(2)
    stage.patch(one, {"data": {"k": "9"}})
    until(lambda: data(stage) == {"k": "1"}, 30)
    stage.delete(one)
    until(lambda: data(stage) == {"k": "1"}, 30)
    stage.publish(config("a", stage.namespace, k="2"))
    assert watcher.ask("/hook", "POST")[0] == 202
    until(lambda: data(stage) == {"k": "2"}, 30)
    status, took = watcher.end()
    assert (status, took < 8) == (0, True), watcher.said
    lease = stage.server.ask("GET", f"/apis/coordination.k8s.io/v1/namespaces/{HOME}/leases/gitopsc.{stage.environment}")[1]
    assert lease["spec"]["holderIdentity"] == ""
    records = git(stage.repository, "ls-tree", "-r", "--name-only", f"gitopsc-records/{stage.environment}")
    assert {name.rpartition("-")[2] for name in records.split("\n")} == {"applied.json", "verified.json", "drift.json"}


def test_s43_a_new_revision_ends_the_wait_for_a_broken_one(stage: Stage, start: Start) -> None:
    stage.publish(deployment("web", stage.namespace, replicas=1))
    watcher = start("--timeout", "5m")
    until(lambda: stage.get("Deployment", "web", "apps/v1"))
    time.sleep(1)
    assert watcher.passes == 0
    published = time.monotonic()
    stage.publish(config("a", stage.namespace, k="1"))
    until(lambda: data(stage) == {"k": "1"}, 30)
    assert time.monotonic() - published < 30
    until(lambda: watcher.passes >= 1)
    assert "ended early: a new revision" in watcher.said
    assert watcher.end()[0] == 0


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
    stopped = time.monotonic()
    assert not second.leads
    stage.patch(one, {"data": {"k": "9"}})
    until(lambda: second.leads, 40)
    assert time.monotonic() - stopped <= 20
    until(lambda: data(stage) == {"k": "1"})
    first.process.send_signal(signal.SIGCONT)
    time.sleep(1)
    stage.patch(one, {"data": {"k": "8"}})
    until(lambda: data(stage) == {"k": "1"})
    said = first.said
    assert said.count("leading as") == 1
    assert first.end()[0] == 0
    assert second.process.poll() is None


def test_g1_one_pass_beside_a_watcher_is_refused(stage: Stage, start: Start) -> None:
    stage.publish(config("a", stage.namespace, k="1"))
    watcher = start()
    until(lambda: watcher.leads and data(stage) == {"k": "1"})
    command = [sys.executable, "-m", "gitopsc", "reconcile", stage.environment, "--once", "--repository", str(stage.repository), "-C", str(stage.folder)]
    said = subprocess.run(command, env=stage.variables(), capture_output=True, text=True, timeout=60, check=False)
    assert said.returncode == 4, said.stderr
    assert "holds the lease gitopsc-system/gitopsc." in said.stderr
    assert os.uname().nodename in said.stderr
    watcher.end()
    assert subprocess.run(command, env=stage.variables(), capture_output=True, text=True, timeout=60, check=False).returncode == 0


def test_g3_a_signal_at_any_time_ends_it_in_good_order(stage: Stage, start: Start) -> None:
    manifests = [config(f"c{number}", stage.namespace, k="1") for number in range(20)]
    for delay in (0.0, 0.3, 0.6, 0.9, 1.2, 1.5):
        stage.publish(*manifests, config("round", stage.namespace, k=str(delay)))
        watcher = start()
        time.sleep(delay)
        status, took = watcher.end()
        if "listening" in watcher.said:
            assert (status, took < 8) == (0, True), watcher.said
    assert stage.run().status == 0
    assert data(stage, "round") == {"k": "1.5"}
    assert len(stage.inventory()) == 21


def test_g3_a_signal_during_a_wait(stage: Stage, start: Start) -> None:
    stage.publish(deployment("web", stage.namespace, replicas=1))
    watcher = start("--timeout", "10m")
    until(lambda: stage.get("Deployment", "web", "apps/v1"))
    time.sleep(1)
    status, took = watcher.end()
    assert (status, took < 8) == (0, True), watcher.said


def test_s55_one_failure_one_recovery(stage: Stage, start: Start, sink: Sink) -> None:
    stage.lock["alerts"] = [{"on": ["failed", "drift"], "to": {"env": "CHAT"}}, {"on": ["failed"], "to": {"env": "MANAGER"}}]
    good = config("a", stage.namespace, k="1")
    bad = {**good, "data": {"not a key!": "1"}}
    stage.publish(bad)
    watcher = start("--interval", "1s", CHAT=f"json://{sink.host}/chat", MANAGER=f"alertmanager://{sink.host}")
    until(lambda: watcher.passes >= 10)
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
    events = stage.server.ask("GET", f"/api/v1/namespaces/{HOME}/events?fieldSelector=involvedObject.name=gitopsc.{stage.environment}.shop")[1]["items"]
    assert sorted(event["reason"] for event in events) == ["ApplyFailed", "ApplyFailedResolved", "Drifted", "DriftedResolved"]


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
