"""Faults between us and a real API server (scenario 48, group F of the trust page): the result is the same, and nothing is done twice."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gitopsc.cluster import objects, watching
from gitopsc.cluster.connection import Connection, Where, connect
from gitopsc.cluster.credentials import Credentials
from gitopsc.cluster.deadline import Deadline
from gitopsc.cluster.discovery import Kinds, Resource, discover
from gitopsc.cluster.problems import Problem, Unanswered
from gitopsc.cluster.transport import Api
from gitopsc.cluster.watching import follow
from tests.certificates import Authority
from tests.faults import Fault, FaultProxy, answering, bombing, html, resetting, silent, slowly, streaming, truncating
from tests.kube import TOKEN, ApiServer
from tests.waiting import HANGS, descriptors, in_time, resident, until

pytestmark = pytest.mark.cluster
COUNT = 100


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def proxy(api_server: ApiServer, authority: Authority) -> Iterator[FaultProxy]:
    pair = authority.sign("proxy")
    with FaultProxy(api_server.url, pair.certificate, pair.key) as made:
        yield made


Opened = Callable[..., Api]


@pytest.fixture
def opened(proxy: FaultProxy, authority: Authority, tmp_path: Path) -> Opened:
    """An Api that goes through the proxy, from a kubeconfig as a person has one."""
    cluster = {"name": "c", "cluster": {"server": proxy.url, "certificate-authority": str(authority.pair.certificate)}}
    user = {"name": "u", "user": {"token": TOKEN}}
    context = {"name": "through", "context": {"cluster": "c", "user": "u"}}
    file = tmp_path / "kubeconfig"
    file.write_text(json.dumps({"apiVersion": "v1", "kind": "Config", "clusters": [cluster], "users": [user], "contexts": [context]}))
    connection = connect(Where(kubeconfig=str(file)), {})

    def make(seconds: float | None = 600, **options: Any) -> Api:
        return Api(connection, deadline=Deadline(seconds), **options)

    return make


@pytest.fixture(scope="module")
def kinds(api_server: ApiServer) -> Kinds:
    connection = connect(Where(kubeconfig=str(api_server.kubeconfig)), {})
    return discover(Api(connection, deadline=Deadline(600)))


@pytest.fixture
def config_maps(kinds: Kinds) -> Resource:
    found = kinds.resource("v1", "ConfigMap")
    assert found is not None
    return found


@pytest.fixture
def namespace(api_server: ApiServer, request: pytest.FixtureRequest) -> str:
    name = "f-" + "".join(c if c.isalnum() else "-" for c in request.node.name.lower())[-50:].strip("-")
    assert api_server.ask("POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})[0] == 201
    return name


def config_map(namespace: str, name: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace, "labels": {"tests": "faults"}}, "data": data}


def written(server: ApiServer, since: int, namespace: str) -> list[tuple[str, str, int]]:
    """Every write that the server carried out or refused: verb, name, status."""
    return [
        (event["verb"], event["objectRef"].get("name", ""), event["responseStatus"]["code"])
        for event in server.audited(since)
        if event.get("objectRef", {}).get("namespace") == namespace and event["verb"] not in ("get", "list", "watch")
    ]


def test_s48_faults_on_the_way_change_nothing_of_the_result(
    api_server: ApiServer, proxy: FaultProxy, opened: Opened, config_maps: Resource, namespace: str
) -> None:
    proxy.fault("PATCH", "", answering(429, b'{"kind": "Status", "code": 429}', Retry_After="1"), times=8)
    proxy.fault("PATCH", "", answering(500, b'{"kind": "Status", "code": 500}'), times=8)
    proxy.fault("PATCH", "", answering(503, b"<html>no healthy upstream"), times=8)
    proxy.fault("PATCH", "", resetting(carried_out=False), times=8)
    proxy.fault("PATCH", "", resetting(carried_out=True), times=8)
    proxy.fault("PATCH", "", truncating(), times=8)
    proxy.fault("PATCH", "", truncating(honest=True), times=8)
    proxy.fault("PATCH", "", html(), times=8)
    proxy.fault("GET", "limit=", resetting(carried_out=True), times=1)
    api = opened()
    since = api_server.mark()
    wanted = [config_map(namespace, f"c{number}", value=str(number)) for number in range(COUNT)]
    live = api.map(lambda data: objects.apply(api, config_maps, data), wanted)
    assert [item["data"]["value"] for item in live] == [str(number) for number in range(COUNT)]
    listing = objects.list_labelled(api, config_maps, "tests=faults", namespace)
    assert sorted(item["metadata"]["name"] for item in listing.items) == sorted(item["metadata"]["name"] for item in wanted)
    assert api.requests["PATCH"] == COUNT + 64
    uids = {item["metadata"]["name"]: item["metadata"]["uid"] for item in live}
    assert {item["metadata"]["name"]: item["metadata"]["uid"] for item in listing.items} == uids
    creations = [event for event in written(api_server, since, namespace) if event[2] == 201]
    assert len(creations) == COUNT
    assert {len(item["metadata"]["managedFields"]) for item in listing.items} == {1}


def test_s48_a_watch_over_faults_misses_nothing(
    api_server: ApiServer, proxy: FaultProxy, opened: Opened, config_maps: Resource, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "_SHORTEST_PAUSE", 0.05)
    monkeypatch.setattr(watching, "_LONGEST_PAUSE", 0.2)

    def first_only(lines: Iterator[bytes]) -> Iterator[bytes]:
        yield next(lines)

    def gone(lines: Iterator[bytes]) -> Iterator[bytes]:
        yield b'{"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","code":410,"reason":"Expired","message":"too old resource version"}}\n'

    proxy.fault("GET", "watch=1", streaming(first_only), times=3)
    proxy.fault("GET", "watch=1", streaming(gone))
    proxy.fault("GET", "watch=1", answering(410, b'{"kind": "Status", "code": 410, "reason": "Gone"}'))
    proxy.fault("GET", "watch=1", resetting(carried_out=False), times=2)
    api, direct = opened(None), connect(Where(kubeconfig=str(api_server.kubeconfig)), {})
    writer = Api(direct, deadline=Deadline(600))
    state: dict[str, str] = {}
    stop = threading.Event()

    def watch() -> None:
        for event in follow(api, config_maps, "tests=faults", namespace, stop=stop):
            if event.type == "SYNC":
                state.clear()
            for item in event.object.items if event.type == "SYNC" else [event.object]:
                state[item["metadata"]["name"]] = item["data"]["value"]
            if event.type == "DELETED":
                del state[event.object["metadata"]["name"]]

    thread = threading.Thread(target=watch)
    thread.start()
    for number in range(30):
        objects.apply(writer, config_maps, config_map(namespace, f"c{number}", value=str(number)))
        if number % 3 == 0:
            until(lambda name=f"c{number}": name in state)  # type: ignore[misc]
        if number % 10 == 5:
            proxy.drop()
    objects.delete(writer, config_maps, "c29", namespace)
    wanted = {f"c{number}": str(number) for number in range(29)}
    until(lambda: state == wanted)
    stop.set()
    thread.join(HANGS)
    assert not thread.is_alive()


def test_f1_the_asked_wait_is_kept(proxy: FaultProxy, opened: Opened, config_maps: Resource, namespace: str, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy.fault("PATCH", "", answering(429, b"", Retry_After="7"), times=3)
    pauses: list[float] = []
    monkeypatch.setattr(Api, "sleep", lambda _, seconds: pauses.append(seconds))
    assert objects.apply(opened(), config_maps, config_map(namespace, "web"))["metadata"]["uid"]
    assert len(pauses) == 3
    assert min(pauses) >= 7


@pytest.mark.parametrize(
    "fault",
    [silent, slowly(1), slowly(1, head=True), answering(503, b""), html(), bombing(32)],
    ids=["silent", "slow-body", "slow-head", "503", "html", "bomb"],
)
def test_f5_the_timeout_holds(api_server: ApiServer, proxy: FaultProxy, opened: Opened, config_maps: Resource, namespace: str, fault: Fault) -> None:
    proxy.fault("PATCH", "", fault, times=None)
    api = opened(2)
    before = set(threading.enumerate())
    with pytest.raises(Problem):
        in_time(lambda: api.map(lambda number: objects.apply(api, config_maps, config_map(namespace, f"c{number}")), range(5)))
    calls = [thread for thread in threading.enumerate() if thread not in before and re.fullmatch(r"gitopsc-\d+", thread.name)]
    until(lambda: not any(thread.is_alive() for thread in calls))  # none is left behind with its connection


@pytest.mark.parametrize("verb", ["apply", "create", "delete", "replace"])
def test_f6_a_request_that_was_carried_out_unheard_is_done_once(
    api_server: ApiServer, proxy: FaultProxy, opened: Opened, config_maps: Resource, namespace: str, verb: str
) -> None:
    api = opened()
    data = config_map(namespace, "web", value="1")
    if verb in ("delete", "replace"):
        objects.apply(api, config_maps, data)
    since = api_server.mark()
    proxy.fault("*", "configmaps", resetting(carried_out=True))
    if verb == "delete":
        assert objects.delete(api, config_maps, "web", namespace) is None
        assert objects.get(api, config_maps, "web", namespace) is None
    else:
        live = {"apply": objects.apply, "create": objects.create, "replace": objects.replace}[verb](api, config_maps, data)
        again = objects.get(api, config_maps, "web", namespace)
        assert again is not None
        assert again["metadata"]["resourceVersion"] == live["metadata"]["resourceVersion"]
        assert len(again["metadata"]["managedFields"]) <= 2
    good = [event for event in written(api_server, since, namespace) if event[2] in (200, 201)]
    assert len([event for event in good if event[0] in ("create", "delete") or event[2] == 201]) <= 1


def test_f8_no_token_goes_elsewhere(api_server: ApiServer, proxy: FaultProxy, opened: Opened, config_maps: Resource, namespace: str) -> None:
    with FaultProxy(api_server.url) as elsewhere:
        proxy.fault("*", "", answering(302, Location=elsewhere.url + "/api"), times=None)
        with pytest.raises(Unanswered, match="redirects"):
            objects.apply(opened(600), config_maps, config_map(namespace, "web"))
        assert elsewhere.seen == []


def test_f19_a_broken_aggregated_api_is_a_warning(api_server: ApiServer, opened: Opened) -> None:
    service = {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": "v1beta1.broken.example.com"},
        "spec": {
            "group": "broken.example.com",
            "version": "v1beta1",
            "groupPriorityMinimum": 100,
            "versionPriority": 100,
            "insecureSkipTLSVerify": True,
            "service": {"name": "absent", "namespace": "default"},
        },
    }
    api = opened()
    api_services = discover(api).resource("apiregistration.k8s.io", "APIService")
    assert api_services is not None
    objects.apply(api, api_services, service)
    try:
        until(lambda: "broken.example.com/v1beta1" in discover(api).broken)
        found = discover(api)
        assert found.broken == ("broken.example.com/v1beta1",)
        assert found.warnings[0].severity == "warning"
        assert found.resource("apps/v1", "Deployment")
    finally:
        objects.delete(api, api_services, "v1beta1.broken.example.com")


def test_f20_a_new_crd_is_seen_in_spite_of_what_is_remembered(opened: Opened, tmp_path: Path) -> None:
    api = opened()
    names = {"plural": "relics", "kind": "Relic"}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}
    crd = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "relics.faults.example.com"},
        "spec": {"group": "faults.example.com", "scope": "Namespaced", "names": names, "versions": [version]},
    }
    before = discover(api, tmp_path)
    assert before.resource("faults.example.com", "Relic") is None
    crds = before.resource("apiextensions.k8s.io", "CustomResourceDefinition")
    assert crds is not None
    objects.apply(api, crds, crd)
    try:
        until(lambda: discover(api, tmp_path).resource("faults.example.com/v1", "Relic"))
    finally:
        objects.delete(api, crds, "relics.faults.example.com")


def test_an_identity_without_rights_is_refused_and_nothing_else_tried(opened: Opened, config_maps: Resource, namespace: str) -> None:
    api = opened().acting_as(f"system:serviceaccount:{namespace}:nobody")
    with pytest.raises(Problem, match="nobody") as raised:
        objects.apply(api, config_maps, config_map(namespace, "web"))
    assert raised.value.forbidden
    assert api.requests["PATCH"] == 1


def test_pages_are_complete_while_objects_come_and_go(opened: Opened, config_maps: Resource, namespace: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects, "PAGE", 7)
    api = opened()
    api.map(lambda number: objects.apply(api, config_maps, config_map(namespace, f"kept{number}")), range(40))
    stop = threading.Event()

    def disturb() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            objects.apply(api, config_maps, config_map(namespace, f"other{number}"))
            objects.delete(api, config_maps, f"other{number}", namespace)

    thread = threading.Thread(target=disturb)
    thread.start()
    try:
        for _ in range(5):
            names = [item["metadata"]["name"] for item in objects.list_labelled(api, config_maps, "tests=faults", namespace).items]
            assert {f"kept{number}" for number in range(40)} <= set(names)
            assert len(names) == len(set(names))
    finally:
        stop.set()
        thread.join()


def test_many_passes_with_faults_leave_nothing_open(proxy: FaultProxy, opened: Opened, config_maps: Resource, namespace: str) -> None:
    faults = [answering(500, b""), resetting(carried_out=True), resetting(carried_out=False), truncating(), html()]
    for fault in faults:
        proxy.fault("*", "configmaps", fault, times=None, rate=0.02)
    before, memory = descriptors(), resident()
    api = opened()
    for turn in range(12):
        wanted = [config_map(namespace, f"c{number}", turn=str(turn % 2)) for number in range(40)]
        api.map(lambda data: objects.apply(api, config_maps, data), wanted)
        objects.list_labelled(api, config_maps, "tests=faults", namespace)
    api.close()
    until(lambda: descriptors() <= before)
    assert resident() < memory + 128


def test_a_wrong_token_is_told_as_credentials(proxy: FaultProxy, opened: Opened, config_maps: Resource, namespace: str) -> None:
    sound = opened().connection
    wrong = Connection(sound.name, sound.host, "default", Credentials({"Authorization": "Bearer canary"}), sound.tls)
    with pytest.raises(Problem) as raised:
        objects.get(Api(wrong, deadline=Deadline(600)), config_maps, "web", namespace)
    assert raised.value.status == 401
    assert "the credentials have expired" in raised.value.message
