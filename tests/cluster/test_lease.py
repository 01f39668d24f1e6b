"""Scenario 46 and case G1: two reconcilers, one Lease, on the real server. Each is a process that writes as fast as its fence lets it."""

from __future__ import annotations

import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from gitopsc.cluster.connection import Where, connect
from gitopsc.cluster.deadline import Deadline
from gitopsc.cluster.lease import LEASES, Lease, refuse_while_held
from gitopsc.cluster.objects import get
from gitopsc.cluster.problems import Problem
from gitopsc.cluster.transport import Api
from gitopsc.diagnostics import Conflict
from gitopsc.revision import Revision
from gitopsc.sharing import refuse_beside
from tests.kube import ApiServer
from tests.waiting import HANGS, until

pytestmark = pytest.mark.cluster

DURATION = 9.0
"""Long enough that a busy machine does not keep a holder from renewing in two thirds of it."""
WRITER = f"""
import sys, threading, time
from gitopsc.cluster.connection import Where, connect
from gitopsc.cluster.deadline import Deadline
from gitopsc.cluster.discovery import Resource
from gitopsc.cluster.lease import Lease
from gitopsc.cluster.objects import apply
from gitopsc.cluster.transport import Api
from gitopsc.diagnostics import Conflict

kubeconfig, namespace, identity = sys.argv[1:]
maps = Resource("", "v1", "configmaps", "ConfigMap", True, frozenset())
connection = connect(Where(kubeconfig=kubeconfig), {{}})
lease = Lease(Api(connection, deadline=Deadline(None), in_flight=2), namespace, "gitopsc.prod", identity, duration={DURATION})
api = Api(connection, deadline=Deadline(None))
api.fence = lease.fence
if not lease.attempt():
    print("waits", time.monotonic(), flush=True)
while lease.acquire(threading.Event()):
    print("leads", time.monotonic(), flush=True)
    lease.keep()
    while not lease.lost.is_set():
        try:
            data = {{"writer": identity, "time": str(time.monotonic())}}
            apply(api, maps, {{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {{"name": "written", "namespace": namespace}}, "data": data}}, force=True)
            print("wrote", time.monotonic(), flush=True)
        except Conflict:
            print("fenced", time.monotonic(), flush=True)
        time.sleep(0.02)
    print("lost", time.monotonic(), flush=True)
    lease.release()
    lease.lost.clear()
"""


class Line(NamedTuple):
    word: str
    time: float


class Writer:
    """A process, and what it said."""

    def __init__(self, server: ApiServer, namespace: str, identity: str, folder: Path) -> None:
        self.log = folder / identity
        with self.log.open("wb") as log:
            words = [sys.executable, "-c", WRITER, str(server.kubeconfig), namespace, identity]
            self.process = subprocess.Popen(words, stdout=log, stderr=subprocess.STDOUT)

    def lines(self) -> list[Line]:
        """Whole lines so far."""
        text = self.log.read_text()
        assert "Traceback" not in text, text
        return [Line(word, float(when)) for word, when in (line.split() for line in text[: text.rfind("\n") + 1].splitlines())]

    def said(self, word: str) -> list[float]:
        return [line.time for line in self.lines() if line.word == word]


@pytest.fixture
def namespace(api_server: ApiServer) -> str:
    name = f"lease-{uuid.uuid4().hex[:8]}"
    api_server.ask("POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    return name


@pytest.fixture
def pair(api_server: ApiServer, namespace: str, tmp_path: Path) -> Iterator[tuple[Writer, Writer]]:
    """One that leads, and one that waits."""
    first = Writer(api_server, namespace, "first", tmp_path)
    until(lambda: bool(first.said("wrote")))
    second = Writer(api_server, namespace, "second", tmp_path)
    path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/gitopsc.prod"
    until(lambda: bool(second.said("waits")))
    renewed = api_server.ask("GET", path)[1]["spec"]["renewTime"]
    until(lambda: api_server.ask("GET", path)[1]["spec"]["renewTime"] != renewed)
    yield first, second
    for writer in (first, second):
        writer.process.send_signal(signal.SIGCONT)
        writer.process.kill()
        writer.process.wait()


def test_s46_a_stopped_leader_is_followed_and_does_not_write_again(pair: tuple[Writer, Writer], api_server: ApiServer, namespace: str) -> None:
    first, second = pair
    first.process.send_signal(signal.SIGSTOP)
    assert second.said("leads") == []
    until(lambda: bool(second.said("wrote")))
    before = len(first.said("wrote"))
    first.process.send_signal(signal.SIGCONT)
    until(lambda: bool(first.said("fenced") or first.said("lost")))  # whichever of its two threads is the first to see it
    seen = len(second.said("wrote"))
    until(lambda: len(second.said("wrote")) > seen + 10)  # long enough for one that would write as often
    under_way = 1  # a request that had left before the stop
    assert len(first.said("wrote")) <= before + under_way
    assert api_server.ask("GET", f"/api/v1/namespaces/{namespace}/configmaps/written")[1]["data"]["writer"] == "second"


def test_g1_a_killed_holder_is_followed(pair: tuple[Writer, Writer]) -> None:
    first, second = pair
    first.process.kill()
    assert second.said("leads") == []
    until(lambda: bool(second.said("wrote")))


def test_g1_a_single_pass_is_refused_while_one_watches(pair: tuple[Writer, Writer], api_server: ApiServer, namespace: str) -> None:
    connection = connect(Where(kubeconfig=str(api_server.kubeconfig)), {})
    api = Api(connection, deadline=Deadline(HANGS))
    with pytest.raises(Conflict, match="first holds the lease"):
        refuse_while_held(api, namespace, "gitopsc.prod")
    assert set(api.requests) == {"GET"}
    refuse_while_held(api, namespace, "gitopsc.staging")
    third = Lease(api, namespace, "gitopsc.prod", "third", duration=DURATION)
    assert not third.attempt()
    api.close()


def test_the_namespace_of_the_lease_is_made(api_server: ApiServer) -> None:
    api = Api(connect(Where(kubeconfig=str(api_server.kubeconfig)), {}), deadline=Deadline(HANGS))
    name = f"lease-{uuid.uuid4().hex[:8]}"
    lease = Lease(api, name, "gitopsc.prod", "one")
    assert lease.attempt()
    assert lease.renew()
    lease.release()
    live = api_server.ask("GET", f"/apis/coordination.k8s.io/v1/namespaces/{name}/leases/gitopsc.prod")[1]
    assert live["spec"]["holderIdentity"] == ""
    api.close()


def test_who_may_not_list_leases_still_hears_of_a_live_one(api_server: ApiServer, namespace: str) -> None:
    rbac = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}"
    rule = {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["get"]}
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "reads"}, "rules": [rule]}
    ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reads"}
    user = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "limited"}
    api_server.ask("POST", f"{rbac}/roles", role)
    api_server.ask(
        "POST",
        f"{rbac}/rolebindings",
        {"apiVersion": role["apiVersion"], "kind": "RoleBinding", "metadata": role["metadata"], "roleRef": ref, "subjects": [user]},
    )
    api = Api(connect(Where(kubeconfig=str(api_server.kubeconfig)), {}), deadline=Deadline(30))
    limited = api.acting_as("limited")
    revision = Revision("prod", "0" * 40, {}, {}, {})
    until(lambda: not refused(limited, namespace))
    refuse_beside(limited, namespace, revision, ["shop"])
    assert Lease(api, namespace, "gitopsc.prod", "one").attempt()
    with pytest.raises(Conflict, match="one holds the lease"):
        refuse_beside(limited, namespace, revision, ["shop"])
    api.close()


def refused(api: Api, namespace: str) -> bool:
    """Until the server has seen a role, it refuses what the role allows."""
    try:
        get(api, LEASES, "none", namespace)
    except Problem as problem:
        return problem.forbidden
    return False
