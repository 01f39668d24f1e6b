"""Which kinds there are: aggregated or one by one, remembered only where that is safe and still true."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gitopsc.cluster.connection import Connection
from gitopsc.cluster.credentials import Credentials
from gitopsc.cluster.deadline import Deadline
from gitopsc.cluster.discovery import Kinds, Resource, discover
from gitopsc.cluster.problems import Unanswered
from gitopsc.cluster.transport import Api
from tests.faults import Exchange, FaultProxy, answering, html
from tests.waiting import HANGS


def entry(plural: str, kind: str, scope: str = "Namespaced") -> dict[str, Any]:
    return {"resource": plural, "responseKind": {"group": "", "version": "", "kind": kind}, "scope": scope, "verbs": ["get", "list"]}


CORE = [{"metadata": {}, "versions": [{"version": "v1", "resources": [entry("configmaps", "ConfigMap"), entry("namespaces", "Namespace", "Cluster")]}]}]
GROUPS: list[dict[str, Any]] = [
    {
        "metadata": {"name": "autoscaling"},
        "versions": [
            {"version": "v2", "resources": [entry("horizontalpodautoscalers", "HorizontalPodAutoscaler")]},
            {"version": "v1", "resources": [entry("horizontalpodautoscalers", "HorizontalPodAutoscaler")]},
        ],
    },
    {"metadata": {"name": "metrics.k8s.io"}, "versions": [{"version": "v1beta1", "freshness": "Stale"}]},
]


def aggregated(items: Any) -> bytes:
    return json.dumps({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "items": items}).encode()


class Server:
    """Aggregated discovery with ETags."""

    def __init__(self) -> None:
        self.groups: list[dict[str, Any]] = GROUPS

    def __call__(self, exchange: Exchange) -> bool:
        body = aggregated(CORE if exchange.request.target == "/api" else self.groups)
        tag = f'"{abs(hash(body))}"'
        if exchange.request.headers.get("If-None-Match") == tag:
            exchange.answer(304, b"", {"ETag": tag})
        else:
            exchange.answer(200, body, {"ETag": tag})
        return True


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def proxy(server: Server) -> Iterator[FaultProxy]:
    with FaultProxy("https://127.0.0.1:1", default=server) as made:
        yield made


def discovered(proxy: FaultProxy, cache: Path | None = None, seconds: float = HANGS) -> Kinds:
    return discover(Api(Connection("tests", proxy.url, "default", Credentials(), None), deadline=Deadline(seconds)), cache)


def test_two_requests_tell_all_kinds(proxy: FaultProxy) -> None:
    kinds = discovered(proxy)
    assert kinds.resource("v1", "ConfigMap") == Resource("", "v1", "configmaps", "ConfigMap", True, frozenset({"get", "list"}))
    assert kinds.resource("", "Namespace") == Resource("", "v1", "namespaces", "Namespace", False, frozenset({"get", "list"}))
    preferred, older = kinds.resource("autoscaling", "HorizontalPodAutoscaler"), kinds.resource("autoscaling/v1", "HorizontalPodAutoscaler")
    assert preferred is not None
    assert preferred.version == "v2"
    assert older is not None
    assert older.path("shop", "web", "status") == "/apis/autoscaling/v1/namespaces/shop/horizontalpodautoscalers/web/status"
    assert kinds.resource("autoscaling/v3", "HorizontalPodAutoscaler") is None
    assert sorted(item.kind for item in kinds.all()) == ["ConfigMap", "HorizontalPodAutoscaler", "Namespace"]
    assert len(proxy.seen) == 2


def test_an_aggregated_api_that_does_not_answer_is_a_warning(proxy: FaultProxy) -> None:
    kinds = discovered(proxy)
    assert kinds.broken == ("metrics.k8s.io/v1beta1",)
    assert [(item.severity, item.code) for item in kinds.warnings] == [("warning", "discovery-incomplete")]


def test_older_servers_are_asked_group_by_group() -> None:
    def old(exchange: Exchange) -> bool:
        found: dict[str, Any] = {
            "/api": {"kind": "APIVersions", "versions": ["v1"]},
            "/apis": {
                "kind": "APIGroupList",
                "groups": [
                    {
                        "name": "apps",
                        "versions": [{"groupVersion": "apps/v1beta1"}, {"groupVersion": "apps/v1"}],
                        "preferredVersion": {"groupVersion": "apps/v1"},
                    },
                    {"name": "metrics.k8s.io", "versions": [{"groupVersion": "metrics.k8s.io/v1beta1"}]},
                ],
            },
            "/api/v1": {"kind": "APIResourceList", "resources": [{"name": "pods", "kind": "Pod", "namespaced": True}, {"name": "pods/log", "kind": "Pod"}]},
            "/apis/apps/v1": {"kind": "APIResourceList", "resources": [{"name": "deployments", "kind": "Deployment", "namespaced": True, "verbs": ["get"]}]},
            "/apis/apps/v1beta1": {"kind": "APIResourceList", "resources": [{"name": "deployments", "kind": "Deployment", "namespaced": True}]},
        }
        body = found.get(exchange.request.target)
        exchange.answer(200 if body else 404, json.dumps(body or {}).encode(), {})
        return True

    with FaultProxy("https://127.0.0.1:1", default=old) as proxy:
        kinds = discovered(proxy)
    deployment, pod = kinds.resource("apps", "Deployment"), kinds.resource("v1", "Pod")
    assert deployment is not None
    assert deployment.api_version == "apps/v1"
    assert pod is not None
    assert pod.plural == "pods"
    assert kinds.broken == ("metrics.k8s.io/v1beta1",)


def test_what_is_no_discovery_is_not_a_server_without_kinds(proxy: FaultProxy) -> None:
    proxy.fault("GET", "", html(), times=None)
    with pytest.raises(Unanswered):
        discovered(proxy, seconds=0.5)


class TestMemory:
    def test_an_unchanged_server_sends_nothing_twice(self, proxy: FaultProxy, tmp_path: Path) -> None:
        first = discovered(proxy, tmp_path)
        second = discovered(proxy, tmp_path)
        assert second.resource("v1", "ConfigMap") == first.resource("v1", "ConfigMap")
        assert second.broken == first.broken
        assert [("If-None-Match" in request.headers) for request in proxy.seen] == [False, False, True, True]
        folder = tmp_path / "discovery"
        assert folder.stat().st_mode & 0o777 == 0o700
        assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o600}
        assert len(list(folder.iterdir())) == 2

    def test_a_new_kind_is_seen_at_once(self, proxy: FaultProxy, server: Server, tmp_path: Path) -> None:
        discovered(proxy, tmp_path)
        server.groups = [*GROUPS, {"metadata": {"name": "example.com"}, "versions": [{"version": "v1", "resources": [entry("widgets", "Widget")]}]}]
        assert discovered(proxy, tmp_path).resource("example.com/v1", "Widget")

    def test_a_folder_that_others_can_write_into_is_not_used(self, proxy: FaultProxy, tmp_path: Path) -> None:
        discovered(proxy, tmp_path)
        (tmp_path / "discovery").chmod(0o777)
        self.not_used(proxy, tmp_path)

    def test_a_folder_that_is_a_link_is_not_used(self, proxy: FaultProxy, tmp_path: Path) -> None:
        discovered(proxy, tmp_path)
        (tmp_path / "discovery").rename(tmp_path / "elsewhere")
        (tmp_path / "discovery").symlink_to(tmp_path / "elsewhere")
        self.not_used(proxy, tmp_path)

    @pytest.mark.parametrize("how", ["link", "open", "broken", "pipe", "list", "owner"])
    def test_an_odd_file_is_not_used(self, proxy: FaultProxy, tmp_path: Path, how: str) -> None:
        discovered(proxy, tmp_path)
        for number, file in enumerate(sorted((tmp_path / "discovery").iterdir())):
            if how == "link":
                file.rename(tmp_path / f"f{number}")
                file.symlink_to(tmp_path / f"f{number}")
            elif how == "open":
                file.chmod(0o644)
            elif how == "pipe":
                file.unlink()
                os.mkfifo(file, 0o600)
            elif how == "owner":
                if os.geteuid() != 0:
                    pytest.skip("only root can give files away")
                os.chown(file, 12345, 12345)
            else:
                file.write_text("[" * 99999 if how == "broken" else "[1, 2]")
        self.not_used(proxy, tmp_path)

    def test_a_folder_that_cannot_be_made_does_not_matter(self, proxy: FaultProxy, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        assert discovered(proxy, tmp_path / "file").resource("v1", "ConfigMap")

    def not_used(self, proxy: FaultProxy, folder: Path) -> None:
        proxy.seen.clear()
        assert discovered(proxy, folder).resource("v1", "ConfigMap")
        assert not any("If-None-Match" in request.headers for request in proxy.seen)


def test_a_304_that_nobody_asked_for_is_no_answer(proxy: FaultProxy) -> None:
    proxy.fault("GET", "", answering(304), times=None)
    with pytest.raises(Unanswered):
        discovered(proxy, seconds=0.5)
