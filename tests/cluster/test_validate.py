"""What validation refuses a real API server refuses too, and what validation lets pass it takes."""

from __future__ import annotations

from typing import Any

import pytest

from gitopsc import kubernetes
from gitopsc.validate.decoding import unreadable
from tests.kube import ApiServer
from tests.tables import CASES
from tests.tables.case import Case, Tree, changed
from tests.tables.objects import ALL, CLUSTER_SCOPED, DEPLOYMENT, PLURALS, POD
from tests.tables.pod_security import CASES as POD_CASES
from tests.tables.pod_security import PodCase

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def server(api_server: ApiServer) -> ApiServer:
    """The server, with the namespaces of the cases."""
    for name in ("shop", "baseline", "restricted"):
        labels = {} if name == "shop" else {"pod-security.kubernetes.io/enforce": name}
        status, answer = api_server.apply(
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}, "namespaces", namespaced=False, dry_run=False
        )
        assert status in (200, 201), answer
    return api_server


def put(server: ApiServer, tree: Tree) -> tuple[int, Any]:
    """Apply an object of the tables, for trial."""
    return server.apply(tree, PLURALS[tree["kind"]], namespaced=tree["kind"] not in CLUSTER_SCOPED)


@pytest.mark.parametrize("tree", [tree for tree in ALL if tree["kind"] in PLURALS], ids=lambda tree: str(tree["kind"]))
def test_right_objects_are_taken(server: ApiServer, tree: Tree) -> None:
    status, answer = put(server, tree)
    assert status in (200, 201), answer


@pytest.mark.parametrize("case", [case for case in CASES if case.server and case.base["kind"] in PLURALS], ids=str)
def test_wrong_is_refused(server: ApiServer, case: Case) -> None:
    status, answer = put(server, changed(case.base, case.wrong))
    assert status in (400, 422, 500), answer


NULLS: dict[str, Any] = {
    "spec.template.spec.containers[0].args": [None, "a"],
    "metadata.labels": {"a": None},
    "spec.template.spec.nodeSelector": {"a": None},
    "spec.template.spec.containers[0].resources": {"limits": None},
    "spec.template.spec.containers[0].envFrom": None,
}


@pytest.mark.parametrize("path", NULLS)
def test_what_is_nothing_can_be_read(server: ApiServer, path: str) -> None:
    tree = changed(DEPLOYMENT, {path: NULLS[path]})
    status, answer = put(server, tree)
    assert status in (200, 201), answer
    assert unreadable((1, 36), tree) == []


def cannot_be_read(case: Case) -> bool:
    return case.base["kind"] in PLURALS and bool(unreadable((1, 36), changed(case.base, case.wrong)))


@pytest.mark.parametrize("case", [case for case in CASES if cannot_be_read(case)], ids=str)
def test_what_cannot_be_read_is_refused(server: ApiServer, case: Case) -> None:
    status, answer = put(server, changed(case.base, case.wrong))
    assert status in (400, 422, 500), answer


@pytest.mark.parametrize("case", [case for case in CASES if case.base["kind"] in PLURALS], ids=str)
def test_right_twin_is_taken(server: ApiServer, case: Case) -> None:
    status, answer = put(server, changed(case.base, case.right))
    assert status in (200, 201), answer


@pytest.mark.parametrize("level", ["baseline", "restricted"])
@pytest.mark.parametrize("case", POD_CASES, ids=str)
def test_pod_security_is_admissions_own_verdict(server: ApiServer, case: PodCase, level: str) -> None:
    status, answer = put(server, changed(POD, {**case.changes, "metadata.namespace": level}))
    assert (status == 403) is bool(getattr(case, level)), answer
    assert status in (200, 201, 403), answer


def test_scopes_are_what_discovery_says(server: ApiServer) -> None:
    groups = server.ask("GET", "/apis")[1]["groups"]
    paths = ["/api/v1", *(f"/apis/{version['groupVersion']}" for group in groups for version in group["versions"])]
    known = 0
    for path in paths:
        for resource in server.ask("GET", path)[1]["resources"]:
            api_version = path.split("/", 2)[2]
            if "/" not in resource["name"] and kubernetes.kind_schema((1, 36), api_version, resource["kind"]) is not None:
                assert kubernetes.is_namespaced(api_version, resource["kind"]) is resource["namespaced"], resource
                known += 1
    assert known > 50
