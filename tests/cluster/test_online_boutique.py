"""Online Boutique before a real API server: equal to its release after the server's own defaults, and restricted by its own admission."""

from __future__ import annotations

from typing import Any

import pytest

from tests.boutique import VARIANTS, differences, ours, recommended, theirs, unexplained
from tests.kube import ApiServer
from tests.workbench import Manifest

pytestmark = pytest.mark.cluster

PLURALS = {
    "Deployment": "deployments",
    "Service": "services",
    "ServiceAccount": "serviceaccounts",
    "PodDisruptionBudget": "poddisruptionbudgets",
    "HorizontalPodAutoscaler": "horizontalpodautoscalers",
}
BY_THE_SERVER = ("uid", "creationTimestamp", "managedFields", "generation", "resourceVersion")
ALLOCATED = ("clusterIP", "clusterIPs", "healthCheckNodePort")

EXCEPTIONS: dict[str, str] = {}
"""Workload → why its image does not allow Pod Security *restricted*. None: every image runs as user 1000 on a read-only root."""


def kept(server: ApiServer, manifest: Manifest) -> Manifest:
    """The object as the server would keep it, without what it makes up for each (ids, times, addresses)."""
    status, answer = server.apply(manifest, PLURALS[manifest["kind"]])
    assert status in (200, 201), answer
    out: dict[str, Any] = answer
    for key in BY_THE_SERVER:
        out["metadata"].pop(key, None)
    out.pop("status", None)
    if out["kind"] == "Service":
        for key in ALLOCATED:
            out["spec"].pop(key, None)
        for port in out["spec"]["ports"]:
            port.pop("nodePort", None)
    return out


@pytest.fixture(scope="module")
def laid_out(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Manifest]]:
    return ours(tmp_path_factory.mktemp("parity"))


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_profile_none_is_the_release_after_the_servers_defaults(api_server: ApiServer, variant: str, laid_out: dict[str, dict[str, Manifest]]) -> None:
    left = {key: kept(api_server, item) for key, item in theirs(variant).items()}
    right = {key: kept(api_server, item) for key, item in laid_out[variant].items()}
    assert unexplained(variant, differences(left, right)) == ({}, set())


@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
def test_the_profile_recommended_passes_restricted(api_server: ApiServer, environment: str) -> None:
    namespace = f"restricted-{environment}"
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    assert api_server.ask("POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": labels}})[0] == 201
    refused = {}
    for key, item in recommended(environment).items():
        moved = {**item, "metadata": {**item["metadata"], "namespace": namespace}}
        status, answer = api_server.apply(moved, PLURALS[item["kind"]])
        assert status in (200, 201), (key, answer)
        if item["kind"] == "Deployment":
            status, answer = create_pod(api_server, namespace, item["spec"]["template"])
            if status != 201:
                refused[item["metadata"]["name"]] = answer["message"]
    assert refused.keys() == {name for name in EXCEPTIONS if f"Deployment/{name}" in recommended(environment)}, refused


def test_the_admission_refuses_what_is_not_restricted(api_server: ApiServer) -> None:
    """The test above means something: the same pod with one capability more is refused."""
    namespace = "restricted-control"
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    api_server.ask("POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": labels}})
    template = recommended("dev")["Deployment/frontend"]["spec"]["template"]
    template["spec"]["containers"][0]["securityContext"]["capabilities"] = {"add": ["NET_ADMIN"]}
    status, answer = create_pod(api_server, namespace, template)
    assert (status, "violates PodSecurity" in answer["message"]) == (403, True)


def create_pod(server: ApiServer, namespace: str, template: Manifest) -> tuple[int, Any]:
    """A dry run of the pod that a controller would make of a template."""
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "pod-", "labels": template["metadata"]["labels"]}, "spec": template["spec"]}
    return server.ask("POST", f"/api/v1/namespaces/{namespace}/pods?dryRun=All&fieldValidation=Strict", pod)
