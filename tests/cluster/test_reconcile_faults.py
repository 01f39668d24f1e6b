"""Whole commands over faults between them and a real API server (group F of the trust page): exit status, and what was written.

A command that would wait for longer than it should (here: for an hour) fails the test by being waited for in vain.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.certificates import Authority
from tests.cluster.stage import Stage, config
from tests.faults import Fault, FaultProxy, answering, bombing, html, resetting, silent, slowly, truncating
from tests.kube import TOKEN, ApiServer

pytestmark = pytest.mark.cluster
BUSY = b'{"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 429, "reason": "TooManyRequests", "message": "busy"}'


class Ended(NamedTuple):
    status: int
    result: dict[str, Any]
    errors: str

    @property
    def actions(self) -> dict[str, str]:
        return {
            f"{one['object']['kind']}/{one['object']['name']}": one["action"]
            for application in self.result.get("applications", ())
            for one in application["outcomes"]
        }

    @property
    def said(self) -> str:
        return json.dumps(self.result) + self.errors


class Scene:
    """A stage whose API server is behind a proxy that plays faults."""

    def __init__(self, server: ApiServer, folder: Path, authority: Authority, proxy: FaultProxy) -> None:
        self.stage = Stage(server, folder)
        self.proxy = proxy
        self.kubeconfig = folder / "kubeconfig"
        self.point(proxy.url, {"certificate-authority": str(authority.pair.certificate)})

    def point(self, url: str, cluster: dict[str, Any], user: dict[str, Any] | None = None) -> None:
        """Write the kubeconfig."""
        named = {"name": "c", "cluster": {"server": url, **cluster}}
        who = {"name": "u", "user": user or {"token": TOKEN}}
        context = {"name": "main", "context": {"cluster": "c", "user": "u"}}
        self.kubeconfig.write_text(json.dumps({"apiVersion": "v1", "kind": "Config", "clusters": [named], "users": [who], "contexts": [context]}))

    def reconcile(self, *words: str, timeout: str = "1h") -> Ended:
        stage = self.stage
        command = [sys.executable, "-m", "gitopsc", "-C", str(stage.folder), "reconcile", stage.environment, "--repository", str(stage.repository)]
        variables = {**stage.variables(), "KUBECONFIG": str(self.kubeconfig)}
        done = subprocess.run([*command, "--timeout", timeout, "-o", "json", *words], env=variables, capture_output=True, text=True, timeout=600, check=False)
        assert "Traceback" not in done.stderr, done.stderr
        assert TOKEN not in done.stdout + done.stderr
        return Ended(done.returncode, json.loads(done.stdout), done.stderr)

    def manifests(self, count: int = 5, **data: str) -> list[dict[str, Any]]:
        return [config(f"c{number}", self.stage.namespace, None, **(data or {"k": "1"})) for number in range(count)]

    def there(self, count: int = 5) -> list[bool]:
        return [self.stage.get("ConfigMap", f"c{number}") is not None for number in range(count)]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def scene(api_server: ApiServer, authority: Authority, tmp_path: Path) -> Iterator[Scene]:
    pair = authority.sign("proxy")
    with FaultProxy(api_server.url, pair.certificate, pair.key) as proxy:
        yield Scene(api_server, tmp_path, authority, proxy)


def test_no_fault_no_difference(scene: Scene) -> None:
    scene.stage.publish(*scene.manifests())
    ended = scene.reconcile()
    assert (ended.status, set(ended.actions.values())) == (0, {"created"}), ended.said
    assert scene.reconcile().status == 0


def test_s48_the_result_is_the_same_over_faults(scene: Scene) -> None:
    scene.stage.publish(*scene.manifests(40))
    faults = [answering(429, BUSY, Retry_After="1"), answering(500, b""), answering(503, b"<html>"), resetting(carried_out=False)]
    for fault in (*faults, resetting(carried_out=True), truncating(), truncating(honest=True), html()):
        scene.proxy.fault("PATCH", "configmaps/c", fault, times=4)
        scene.proxy.fault("GET", "", fault, times=1, rate=0.3)
    ended = scene.reconcile()
    assert (ended.status, set(ended.actions.values())) == (0, {"created"}), ended.said
    assert all(scene.there(40))
    again = scene.reconcile()
    assert (again.status, set(again.actions.values())) == (0, {"unchanged"}), again.said
    assert ended.result["applications"][0]["verdict"] == "verified"


def test_f1_a_busy_server_is_asked_again(scene: Scene) -> None:
    scene.stage.publish(*scene.manifests(1))
    scene.proxy.fault("PATCH", "configmaps/c0", answering(429, BUSY, Retry_After="1"), times=3)
    ended = scene.reconcile()
    assert (ended.status, ended.actions) == (0, {"ConfigMap/c0": "created"}), ended.said
    tries = [request.target for request in scene.proxy.seen if "configmaps/c0" in request.target and request.method == "PATCH"]
    assert tries[:4] == tries[:1] * 4


def test_f2_one_application_that_is_refused_for_ever_does_not_hold_the_others(scene: Scene) -> None:
    stage = scene.stage
    stage.publish(busy=[config("c0", stage.namespace, k="1")], calm=[config("c1", stage.namespace, k="1")])
    scene.proxy.fault("PATCH", "configmaps/c0", answering(429, BUSY), times=None)
    ended = scene.reconcile(timeout="10s")
    assert ended.status == 3, ended.said
    assert ended.actions["ConfigMap/c1"] == "created", ended.said
    assert ended.actions["ConfigMap/c0"] == "failed", ended.said


@pytest.mark.parametrize(
    ("where", "fault"),
    [
        ("GET", answering(503, b"")),
        ("GET", html()),
        ("GET", answering(200, b"")),
        ("GET", silent),
        ("GET", slowly(1)),
        ("PATCH", answering(500, b"")),
        ("PATCH", html()),
        ("PATCH", truncating(honest=True)),
        ("PATCH", bombing(32)),
        ("PATCH", silent),
        ("PATCH", resetting(carried_out=False)),
    ],
    ids="503 html empty silent slow patch-500 patch-html patch-truncated patch-bomb patch-silent patch-reset".split(),
)
def test_f3_f5_f7_for_ever_is_a_failure_in_time_and_nothing_is_called_applied(scene: Scene, where: str, fault: Fault) -> None:
    scene.stage.publish(*scene.manifests(3))
    scene.proxy.fault(where, "configmaps" if where == "PATCH" else "", fault, times=None)
    ended = scene.reconcile(timeout="3s")
    assert ended.status == 3, ended.said
    assert not {"created", "configured", "unchanged"} & set(ended.actions.values())


def test_f4_nobody_listens(scene: Scene) -> None:
    scene.stage.publish(*scene.manifests(1))
    scene.proxy.close()
    ended = scene.reconcile()
    assert ended.status == 3
    assert "cannot be reached" in ended.said


def test_f4_a_name_that_nobody_knows(scene: Scene) -> None:
    scene.stage.publish(*scene.manifests(1))
    scene.point("https://api.invalid:6443", {})
    ended = scene.reconcile()
    assert ended.status == 3
    assert "api.invalid cannot be resolved" in ended.said


def test_f4_an_untrusted_certificate(scene: Scene) -> None:
    scene.stage.publish(*scene.manifests(1))
    scene.point(scene.proxy.url, {})
    ended = scene.reconcile()
    assert ended.status == 3
    assert "certificate" in ended.said
    assert scene.proxy.seen == []


def test_f4_a_proxy_that_wants_a_password(scene: Scene) -> None:
    def refuse(exchange: Any) -> bool:
        exchange.answer(407, b"", {"Proxy-Authenticate": "Basic"})
        return False

    scene.stage.publish(*scene.manifests(1))
    with FaultProxy("https://127.0.0.1:1", default=refuse) as proxy:
        scene.point("https://api.example:6443", {"proxy-url": proxy.url})
        ended = scene.reconcile()
    assert ended.status == 3
    assert "proxy" in ended.said
    assert "407" in ended.said


def test_f6_what_was_carried_out_unheard_is_done_once(scene: Scene) -> None:
    stage = scene.stage
    stage.publish(*scene.manifests(5))
    since = stage.mark()
    scene.proxy.fault("PATCH", r"configmaps/c\d\?[^ ]*$(?<!dryRun=All)", resetting(carried_out=True), times=5)
    ended = scene.reconcile()
    assert (ended.status, set(ended.actions.values())) == (0, {"created"}), ended.said
    versions = {f"c{n}": stage.live("ConfigMap", f"c{n}")["metadata"]["resourceVersion"] for n in range(5)}
    assert set(scene.reconcile().actions.values()) == {"unchanged"}
    assert {f"c{n}": stage.live("ConfigMap", f"c{n}")["metadata"]["resourceVersion"] for n in range(5)} == versions
    creations = [event for event in stage.server.audited(since) if event["responseStatus"]["code"] == 201 and "dryRun" not in event["requestURI"]]
    names = [event["objectRef"]["name"] for event in creations if event["objectRef"].get("namespace") == stage.namespace]
    assert sorted(names) == [f"c{n}" for n in range(5)]


def test_f6_an_inventory_that_was_written_unheard_is_nobody_elses(scene: Scene) -> None:
    scene.stage.publish(*scene.manifests(5))
    for method in ("POST", "PUT"):
        scene.proxy.fault(method, "/configmaps", resetting(carried_out=True))
    ended = scene.reconcile()
    assert (ended.status, set(ended.actions.values())) == (0, {"created"}), ended.said
    assert [request.method for request in scene.proxy.seen].count("PUT") == 2
    assert set(scene.reconcile().actions.values()) == {"unchanged"}


def test_f8_a_redirect_is_refused(scene: Scene) -> None:
    scene.stage.publish(*scene.manifests(1))
    with FaultProxy("https://127.0.0.1:1", default=html()) as elsewhere:
        scene.proxy.fault("*", "", answering(302, Location=elsewhere.url), times=None)
        ended = scene.reconcile()
        assert elsewhere.seen == []
    assert ended.status == 3
    assert "redirects" in ended.said


def test_f9_a_token_that_expires_on_the_way_is_told_as_that_not_as_drift(scene: Scene) -> None:
    stage = scene.stage
    stage.publish(*scene.manifests(3))
    assert scene.reconcile().status == 0
    unauthorized = b'{"kind": "Status", "apiVersion": "v1", "code": 401, "reason": "Unauthorized", "message": "Unauthorized"}'
    scene.proxy.fault("GET", "configmaps", answering(401, unauthorized), times=None)
    ended = scene.reconcile()
    assert ended.status == 3
    assert "credentials have expired" in ended.said
    assert not any(application["drift"] for application in ended.result.get("applications", ()))
    assert all(scene.there(3))


def test_f9_a_program_that_renews_the_token_goes_on(scene: Scene, authority: Authority, tmp_path: Path) -> None:
    program, count = tmp_path / "login", tmp_path / "count"
    program.write_text(f'#!/bin/sh\necho x >> {count}\nprintf \'{{"status": {{"token": "%s"}}}}\' {TOKEN}\n')
    program.chmod(0o755)
    user = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "./login"}}
    scene.point(scene.proxy.url, {"certificate-authority": str(authority.pair.certificate)}, user)
    scene.stage.publish(*scene.manifests(2))
    refused = scene.reconcile()
    assert (refused.status, count.exists()) == (2, False)
    assert "--allow-kubeconfig-exec" in refused.said
    assert scene.reconcile("--allow-kubeconfig-exec").status == 0
    assert count.read_text() == "x\n"


def test_f19_f20_a_cache_that_somebody_else_prepared_is_not_used(scene: Scene, tmp_path: Path) -> None:
    """The agreed folder is a link to a folder of lies."""
    scene.stage.publish(*scene.manifests(1))
    assert scene.reconcile().status == 0
    kept = [folder for folder in tmp_path.rglob("discovery") if folder.is_dir()]
    for folder in kept:
        assert folder.stat().st_mode & 0o077 == 0
        for file in folder.iterdir():
            file.write_text('["x", {"kind": "APIGroupDiscoveryList", "items": []}]')
            file.chmod(0o666)
    scene.stage.publish(*scene.manifests(1, k="2"))
    ended = scene.reconcile()
    assert (ended.status, ended.actions) == (0, {"ConfigMap/c0": "configured"}), ended.said
