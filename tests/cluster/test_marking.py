"""Events on the objects themselves, as an agent writes them to the real API server, with its own rights and without."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from gitopsc.cluster.inventory import parent_name
from gitopsc.engines.plurals import Plurals
from tests.cluster.stage import HOME, Object, Stage, config, deployment
from tests.cluster.test_install import Cluster
from tests.cluster.watcher import Start, Watcher, data
from tests.engines import thing
from tests.kube import ApiServer
from tests.waiting import until

pytestmark = pytest.mark.cluster


@pytest.fixture
def stage(api_server: ApiServer, tmp_path: Path) -> Cluster:
    return Cluster(api_server, tmp_path)


def events(stage: Stage, namespace: str, **fields: str) -> list[Object]:
    """Events in a namespace on objects with these fields (``name="web"``, ``uid=…``)."""
    selector = quote(",".join(f"involvedObject.{key}={value}" for key, value in fields.items()))
    status, body = stage.server.ask("GET", f"/api/v1/namespaces/{namespace}/events?fieldSelector={selector}")
    assert status == 200, body
    return list(body["items"])


def installed(stage: Cluster, *, without: str = "") -> None:
    """What ``install`` prints, applied; without objects whose names end like this."""
    for one in stage.printed():
        if not (without and one["metadata"]["name"].endswith(without)):
            status, body = stage.server.apply(one, Plurals([]).of(one), namespaced="namespace" in one["metadata"], dry_run=False)
            assert status in (200, 201), body


def _counted(count: Callable[[], int], number: int) -> None:
    until(lambda: count() == number)


def _passes_again(watcher: Watcher) -> None:
    seen = watcher.passes
    watcher.ask("/hook", "POST")
    until(lambda: watcher.passes > seen)


def reasons(stage: Stage, namespace: str, **fields: str) -> list[str]:
    return sorted(one["reason"] for one in events(stage, namespace, **fields))


def on_inventory(stage: Stage, reason: str) -> list[str]:
    found = events(stage, HOME, name=parent_name(stage.environment, "shop"))
    return [one["message"] for one in found if one["reason"] == reason]


def test_drift_is_on_the_object_that_drifted_once_each_time(stage: Cluster, start: Start) -> None:
    one = config("a", stage.namespace, k="1")
    stage.publish(one)
    watcher = start("--interval", "1h")
    until(lambda: watcher.passes >= 1 and data(stage) == {"k": "1"})
    uid = stage.live("ConfigMap", "a")["metadata"]["uid"]

    def count() -> int:
        return sum(event["count"] for event in events(stage, stage.namespace, uid=uid))

    for number in (1, 2):
        stage.patch(one, {"data": {"k": "9"}}, manager="kubectl-edit")
        until(lambda: data(stage) == {"k": "1"})
        _counted(count, number)
    watcher.ended()
    start("--interval", "1h")
    stage.patch(one, {"data": {"k": "9"}}, manager="kubectl-edit")
    until(lambda: data(stage) == {"k": "1"} and count() == 3)
    (event,) = events(stage, stage.namespace, uid=uid)
    assert (event["type"], event["reason"], event["reportingComponent"]) == ("Warning", "Drifted", "gitopsc.dev/reconcile")
    assert event["message"].startswith("data.k is changed by kubectl-edit at ")
    assert event["message"].endswith("; healed")
    about = {"apiVersion": "v1", "kind": "ConfigMap", "name": "a", "namespace": stage.namespace, "uid": uid}
    assert event["involvedObject"] == about


def test_what_lasts_is_one_event_over_passes_and_restarts_and_one_when_it_is_over(stage: Cluster, start: Start) -> None:
    web = deployment("web", stage.namespace, replicas=1)
    stage.publish(web)
    words = ("--interval", "1s", "--timeout", "8s")
    watcher = start(*words)
    until(lambda: reasons(stage, stage.namespace, name="web") == ["Degraded"])
    (first,) = events(stage, stage.namespace, name="web")
    seen = watcher.passes
    until(lambda: watcher.passes > seen + 1)
    watcher.ended()
    watcher = start(*words)
    until(lambda: watcher.passes >= 2)
    (again,) = events(stage, stage.namespace, name="web")
    assert (again["metadata"]["uid"], again["count"]) == (first["metadata"]["uid"], 1)
    assert again["involvedObject"]["apiVersion"] == "apps/v1"
    stage.ready(web)
    until(lambda: reasons(stage, stage.namespace, name="web") == ["Degraded", "DegradedResolved"])


def test_what_is_gone_is_told_on_the_inventory_and_what_cannot_go_on_itself(stage: Cluster, start: Start) -> None:
    one, kept = config("a", stage.namespace, k="1"), config("b", stage.namespace, k="1")
    stage.publish(one, kept, config("c", stage.namespace, k="1"))
    watcher = start("--interval", "1s", "--timeout", "8s")
    until(lambda: watcher.passes >= 1 and stage.get("ConfigMap", "c"))
    stage.delete(one)
    until(lambda: data(stage) == {"k": "1"})
    until(lambda: on_inventory(stage, "ObjectMissing") == [f"ConfigMap/a in namespace {stage.namespace} is missing, made again"])
    stage.patch(kept, {"metadata": {"finalizers": ["example.com/wait"]}})
    stage.publish(one)
    until(lambda: [text.partition(" is pruned")[0] for text in on_inventory(stage, "Pruned")] == [f"ConfigMap/c in namespace {stage.namespace}"])
    until(lambda: reasons(stage, stage.namespace, name="b") == ["PruneFailed"])
    stage.patch(kept, {"metadata": {"finalizers": None}})
    until(lambda: stage.get("ConfigMap", "b") is None)


def test_a_refused_apply_is_on_the_object_without_its_secret(stage: Cluster, start: Start) -> None:
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s", "namespace": stage.namespace},
        "immutable": True,
        "data": {"k": "c2VjcmV0LWNhbmFyeQ=="},
    }
    stage.publish(secret)
    watcher = start("--interval", "1s")
    until(lambda: stage.get("Secret", "s") and watcher.passes >= 1)
    stage.publish({**secret, "data": {"k": "b3RoZXItY2FuYXJ5"}})
    until(lambda: reasons(stage, stage.namespace, name="s") == ["ApplyFailed"])
    said = json.dumps(events(stage, stage.namespace, name="s"))
    assert not any(word in said for word in ("secret-canary", "other-canary", "c2VjcmV0", "b3RoZXIt"))
    stage.publish(secret)
    until(lambda: reasons(stage, stage.namespace, name="s") == ["ApplyFailed", "ApplyFailedResolved"])


def test_of_what_has_no_namespace_it_is_in_default_and_the_agents_rights_are_enough(stage: Cluster, start: Start) -> None:
    rules: list[dict[str, Any]] = [{"apiGroups": [""], "resources": ["nodes"], "verbs": ["get"]}]
    name = f"x:nodes-{stage.environment}"
    role = thing("rbac.authorization.k8s.io/v1", "ClusterRole", name, rules=rules)
    one = config("a", stage.namespace, k="1")
    stage.publish(role, one)
    installed(stage)
    mark = stage.mark()
    watcher = start("--interval", "1h", "--kubeconfig", stage.credentials())
    until(lambda: watcher.passes >= 1 and stage.get("ConfigMap", "a"))
    stage.patch(role, {"rules": [{**rules[0], "verbs": ["list"]}]})
    stage.patch(one, {"data": {"k": "9"}})
    until(lambda: reasons(stage, "default", name=name) == ["Drifted"])
    until(lambda: reasons(stage, stage.namespace, name="a") == ["Drifted"])
    (event,) = events(stage, "default", name=name)
    assert event["involvedObject"] == {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "name": name,
        "uid": stage.live("ClusterRole", name, "rbac.authorization.k8s.io/v1")["metadata"]["uid"],
    }
    agent = f"system:serviceaccount:{HOME}:{stage.agent}"
    written = [one for one in stage.server.audited(mark) if one["user"]["username"] == agent and one.get("objectRef", {}).get("resource") == "events"]
    assert {one["responseStatus"]["code"] for one in written} == {201}


def test_where_events_may_not_be_written_everything_else_goes_on(stage: Cluster, start: Start) -> None:
    one = config("a", stage.namespace, k="1")
    stage.publish(one)
    installed(stage, without="-events")
    watcher = start("--interval", "1h", "--kubeconfig", stage.credentials())
    until(lambda: watcher.passes >= 1 and data(stage) == {"k": "1"})
    for value in ("8", "9"):
        stage.patch(one, {"data": {"k": value}})
        until(lambda: data(stage) == {"k": "1"})
        _passes_again(watcher)
    until(lambda: f"no Events in namespace {stage.namespace}" in watcher.said)
    assert watcher.said.count(f"no Events in namespace {stage.namespace}") == 1
    assert events(stage, stage.namespace, name="a") == []
