"""The agent on the real server, around a pass that the test makes up: leading, waking, telling, ending."""

from __future__ import annotations

import http.client
import json
import threading
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from gitopsc.agent.loop import Attempt
from gitopsc.cluster.connection import Where, connect
from gitopsc.cluster.desired import Target, wanted
from gitopsc.cluster.discovery import discover
from gitopsc.cluster.drift import Finding
from gitopsc.cluster.inventory import Inventory, applyset_id
from gitopsc.cluster.objects import apply
from gitopsc.cluster.outcome import Outcome, Report
from gitopsc.cluster.transport import Api
from gitopsc.cluster.trouble import Trouble
from gitopsc.diagnostics import Failure
from gitopsc.objects import ObjectRef
from gitopsc.watching import Agent, Passed, Setting, run_until
from tests.kube import ApiServer
from tests.waiting import HANGS, until

pytestmark = pytest.mark.cluster


class Scene:
    """An environment of one application with one ConfigMap, and agents of it."""

    def __init__(self, server: ApiServer) -> None:
        self.server = server
        self.environment = f"env-{uuid.uuid4().hex[:8]}"
        self.namespace = f"agent-{uuid.uuid4().hex[:8]}"
        server.ask("POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}})
        self.passes: list[Attempt] = []
        self.revision = "1" * 40
        self.trouble: str | None = None
        self.unreadable: str | None = None
        self.drift: list[Finding] = []
        self.wait = threading.Event()
        self.turns: threading.Semaphore | None = None
        """Where there is one, a pass ends when it has been given a turn."""
        self.logs: list[str] = []
        self.alerts: list[dict[str, Any]] = []
        self.environ: dict[str, str] = {}
        self.agents: list[tuple[Agent, threading.Event]] = []
        self.id = applyset_id(self.environment, "web", self.namespace)
        self.data = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web", "namespace": self.namespace}, "data": {"a": "1"}}

    def agent(self, interval: float = 600.0) -> Agent:
        setting = Setting(
            environment=self.environment,
            connection=connect(Where(kubeconfig=str(self.server.kubeconfig)), {}),
            interval=interval,
            timeout=600,
            listen=("127.0.0.1", 0),
            hostname="host",
            namespace=self.namespace,
            environ=self.environ,
            clean=lambda text: text.replace("hunter22", "***"),
            log=self.logs.append,
            poll=0.1,
        )
        agent = Agent(setting, self.once, lambda: self.revision)
        ended = threading.Event()
        self.agents.append((agent, ended))
        run_until(agent, ended)
        return agent

    def once(self, api: Api, attempt: Attempt) -> Passed:
        attempt.revision = self.revision
        self.passes.append(attempt)
        if self.turns is not None:
            self.turns.acquire()
        if self.unreadable:
            raise Failure(self.unreadable)
        kinds = discover(api)
        resource = kinds.resource("v1", "ConfigMap")
        assert resource is not None
        one = wanted(self.data, self.id)
        apply(api, resource, one.data, force=True)
        if self.wait.is_set():
            attempt.cancel.wait()
        return Passed(self.revision, 0, (self.report(one),), kinds, self.alerts)

    def report(self, one: Any) -> Report:
        ref = ObjectRef("", "ConfigMap", self.namespace, "web")
        inventory = Inventory(self.environment, "web", objects={ref: None}, namespace=self.namespace)
        target = Target(self.environment, "web", True, "r-1", "1.0.0", 1, "9d1d", (one,))
        troubles = (Trouble("refused", self.trouble, 3),) if self.trouble else ()
        verdict: Any = "unknown" if troubles else "verified"
        return Report(target, verdict, (Outcome(ref, "configured"),), tuple(self.drift), False, troubles, (), 0, True, inventory, inventory)

    def get(self, path: str) -> Any:
        status, body = self.server.ask("GET", path)
        return body if status == 200 else None

    @property
    def lease(self) -> Any:
        return self.get(f"/apis/coordination.k8s.io/v1/namespaces/{self.namespace}/leases/gitopsc.{self.environment}")

    @property
    def events(self) -> list[str]:
        return [item["reason"] for item in self.get(f"/api/v1/namespaces/{self.namespace}/events")["items"]]


@pytest.fixture
def scene(api_server: ApiServer) -> Iterator[Scene]:
    one = Scene(api_server)
    yield one
    for agent, ended in one.agents:
        agent.stop()
        assert ended.wait(HANGS)


def ask(agent: Agent, path: str, method: str = "GET") -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", agent.listener.port, timeout=HANGS)
    connection.request(method, path)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


def watching(scene: Scene) -> None:
    """Wait for the pass that follows when what was applied is watched: from then on only a change or a hook brings another."""
    until(lambda: any(attempt.reason == "watch" for attempt in scene.passes))


def test_what_somebody_changes_is_met_within_seconds(scene: Scene) -> None:
    agent = scene.agent()
    watching(scene)
    count = len(scene.passes)
    scene.server.ask("PATCH", f"/api/v1/namespaces/{scene.namespace}/configmaps/web", {"data": {"a": "2"}}, "application/merge-patch+json")
    until(lambda: len(scene.passes) > count)
    assert scene.passes[count].reason == "watch"
    until(lambda: scene.get(f"/api/v1/namespaces/{scene.namespace}/configmaps/web")["data"] == {"a": "1"})
    count = len(scene.passes)
    scene.server.ask("DELETE", f"/api/v1/namespaces/{scene.namespace}/configmaps/web")
    until(lambda: len(scene.passes) > count and scene.get(f"/api/v1/namespaces/{scene.namespace}/configmaps/web") is not None)
    assert ask(agent, "/healthz") == (200, "ok\n")
    assert ask(agent, "/readyz") == (200, "ok\n")


def test_its_numbers(scene: Scene) -> None:
    agent = scene.agent()
    until(lambda: scene.environment in ask(agent, "/metrics")[1] and "gitopsc_release_info{" in ask(agent, "/metrics")[1])
    text = ask(agent, "/metrics")[1]
    own = f'environment="{scene.environment}"'
    assert f"gitopsc_leader{{{own}}} 1" in text
    assert f'gitopsc_release_info{{application="web",{own},release="r-1",verdict="verified",version="1.0.0"}} 1' in text
    assert f'gitopsc_reconcile_condition{{application="web",{own},status="True",type="Ready"}} 1' in text
    assert 'gitopsc_api_requests_total{method="PATCH"}' in text
    assert f'gitopsc_reconcile_duration_seconds_count{{application="web",{own}}}' in text


def test_a_hook_and_a_new_revision_bring_a_pass(scene: Scene) -> None:
    agent = scene.agent()
    watching(scene)
    assert ask(agent, "/hook", "POST")[0] == 202
    until(lambda: any(attempt.reason == "hook" for attempt in scene.passes))
    scene.wait.set()
    for digit in ("2", "3"):
        scene.revision = digit * 40
        until(lambda digit=digit: any(attempt.revision == digit * 40 for attempt in scene.passes))  # type: ignore[misc]
    assert {attempt.cancelled_for for attempt in scene.passes if attempt.revision == "2" * 40} == {"a new revision"}
    scene.wait.clear()


def test_two_replicas_and_a_graceful_end(scene: Scene) -> None:
    first = scene.agent()
    until(lambda: first.loop.leading)
    second = scene.agent()
    until(lambda: ask(second, "/readyz")[0] == 200)
    assert f'gitopsc_leader{{environment="{scene.environment}"}} 0' in ask(second, "/metrics")[1]
    assert scene.lease["spec"]["holderIdentity"] == first.lease.identity
    scene.wait.set()
    first.stop()
    assert scene.agents[0][1].wait(HANGS)
    scene.wait.clear()
    until(lambda: second.loop.leading)
    assert scene.lease["spec"]["holderIdentity"] == second.lease.identity


def test_events_alerts_and_their_book(scene: Scene) -> None:
    scene.alerts = [{"on": ["all"], "to": {"env": "NOWHERE"}}, {"on": ["failed"], "to": {"secret": {"name": "sinks", "key": "chat"}}}]
    scene.environ["NOWHERE"] = "json://127.0.0.1:1/T0pSecretT0ken"
    scene.trouble = "denied: hunter22"
    agent = scene.agent(interval=0.5)
    until(lambda: "ApplyFailed" in scene.events)
    until(lambda: any("env:NOWHERE do not arrive" in line for line in scene.logs))
    count = len(scene.passes)
    until(lambda: len(scene.passes) > count + 2)
    assert scene.events.count("ApplyFailed") == 1
    place = f"/api/v1/namespaces/{scene.namespace}/configmaps/gitopsc.alerts.{scene.environment}"
    until(lambda: scene.get(place) is not None and '"events"' in scene.get(place)["data"]["book.json"])
    agent.stop()
    assert scene.agents[0][1].wait(HANGS)
    book = json.loads(scene.get(place)["data"]["book.json"])
    assert [entry["event"]["word"] for entry in book] == ["failed"]
    assert "hunter22" not in json.dumps(scene.get(f"/api/v1/namespaces/{scene.namespace}/events")) + json.dumps(book) + "".join(scene.logs)
    assert "T0pSecretT0ken" not in "".join(scene.logs)
    count = len(scene.passes)
    scene.agent(interval=0.5)
    until(lambda: len(scene.passes) > count + 2)
    assert scene.events.count("ApplyFailed") == 1
    scene.trouble = None
    until(lambda: "ApplyFailedResolved" in scene.events)


def test_a_source_that_cannot_be_read_is_told_at_the_second_time(scene: Scene) -> None:
    scene.unreadable = "cannot reach the repository"
    scene.turns = threading.Semaphore(1)
    agent = scene.agent(interval=0.5)
    until(lambda: len(scene.passes) == 2)  # the first has been told, the second waits for its turn
    assert agent.alerting.flush(HANGS)
    assert "SourceStale" not in scene.events
    scene.turns.release(1000)
    until(lambda: "SourceStale" in scene.events)
    scene.unreadable = None
    until(lambda: "SourceStaleResolved" in scene.events)
    assert scene.events.count("SourceStale") == 1
