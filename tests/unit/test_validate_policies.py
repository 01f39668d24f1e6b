"""Policies: images, plain secrets, grants, API versions, limits."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gitopsc.diagnostics import Diagnostic
from gitopsc.limits import Limits
from gitopsc.validate.images import Image, parse_image
from gitopsc.validate.rules import Rules
from gitopsc.validate.validate import validate
from tests.tables.case import GONE, changed, manifest
from tests.tables.objects import CLUSTER_BINDING, CONFIG_MAP, CRON_JOB, DEPLOYMENT, ROLE, SECRET, SERVICE

DIGEST = "sha256:" + "0d" * 32
IMAGE = "spec.template.spec.containers[0].image"
FIELD = "spec.template.spec.containers[api].image"


def check(tree: dict, policy: dict[str, Any] | None = None, **more: Any) -> list[Diagnostic]:
    return validate([manifest(tree)], Rules(more.pop("version", (1, 34)), "shop", "prod", "shop", policy or {}, **more))


def said(tree: dict, policy: dict[str, Any] | None = None, **more: Any) -> list[tuple[str, str, str]]:
    return [(item.severity, item.code, item.path) for item in check(tree, policy, **more)]


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("nginx", Image("docker.io/library/nginx", None, None)),
        ("acme/api:1", Image("docker.io/acme/api", "1", None)),
        ("ghcr.io/acme/api:1.2@" + DIGEST, Image("ghcr.io/acme/api", "1.2", DIGEST)),
        ("localhost/api:1", Image("localhost/api", "1", None)),
        ("localhost:5000/api", Image("localhost:5000/api", None, None)),
        ("registry:5000", Image("docker.io/library/registry", "5000", None)),
        ("a__b/c-d--e.f:V_1-x.", Image("docker.io/a__b/c-d--e.f", "V_1-x.", None)),
        ("REGISTRY.example.com/api:1", Image("REGISTRY.example.com/api", "1", None)),
    ],
)
def test_an_image_is_taken_apart(text: str, parsed: Image) -> None:
    assert parse_image(text) == parsed


@pytest.mark.parametrize(
    "text",
    [
        "", "Nginx:1", "acme/API:1", "ghcr.io/acme/api:", ":5000", "api:1:2", "api@sha256:12", "api@" + DIGEST + "0", "a b:1", "api:1\n", "/api:1", "api:-1",
        "https://ghcr.io/api:1", "ghcr.io//api", "x" * 256, "a/" + "b" * 254, "api:" + "v" * 129, "_a:1", "a___b:1", "a..b:1", "ACME/api:1", "${image}",
    ],
)  # fmt: skip
def test_what_is_no_image(text: str) -> None:
    assert parse_image(text) is None
    code = "missing-field" if not text else "wrong-image"
    assert [item[1] for item in said(changed(DEPLOYMENT, {IMAGE: text}))] == [code]


@pytest.mark.parametrize(
    ("image", "policy", "found"),
    [
        ("api", {}, [("error", "image-untagged", FIELD)]),
        ("api", {"allowUntagged": True, "latest": "allow"}, []),
        ("api", {"allowUntagged": True}, [("warning", "image-latest", FIELD)]),
        ("api:latest", {}, [("warning", "image-latest", FIELD)]),
        ("api:latest", {"latest": "deny"}, [("error", "image-latest", FIELD)]),
        ("api:latest", {"latest": "allow"}, []),
        ("api:latest@" + DIGEST, {"latest": "deny", "requireDigest": True}, []),
        ("api@" + DIGEST, {"requireDigest": True}, []),
        ("api:1", {"requireDigest": True}, [("error", "image-digest", FIELD)]),
        ("api", {"requireDigest": True}, [("error", "image-digest", FIELD)]),
        ("ghcr.io/acme/api:1", {"registries": ["ghcr.io"]}, []),
        ("ghcr.io/acme/api:1", {"registries": ["ghcr.io/acme/"]}, []),
        ("ghcr.io/acmes/api:1", {"registries": ["ghcr.io/acme"]}, [("error", "image-registry", FIELD)]),
        ("ghcr.io.evil.com/api:1", {"registries": ["ghcr.io"]}, [("error", "image-registry", FIELD)]),
        ("nginx:1", {"registries": ["docker.io"]}, []),
        ("nginx:1", {"registries": ["*.example.com"]}, [("error", "image-registry", FIELD)]),
        ("eu.example.com/api:1", {"registries": ["*.example.com"]}, []),
    ],
)
def test_image_policies(image: str, policy: dict[str, Any], found: list[tuple[str, str, str]]) -> None:
    assert said(changed(DEPLOYMENT, {IMAGE: image}), policy) == found


CANARY = "c2VjcmV0LWNhbmFyeQ=="


@pytest.mark.parametrize(
    ("changes", "policy", "found"),
    [
        ({"data": {"password": CANARY}}, {}, [("error", "plain-secret", "data.password")]),
        ({"stringData": {"password": CANARY}}, {}, [("error", "plain-secret", "stringData.password")]),
        ({"data": {"password": CANARY}}, {"plainSecrets": "warn"}, [("warning", "plain-secret", "data.password")]),
        ({"data": {"password": CANARY}}, {"plainSecrets": "allow"}, []),
        ({}, {}, []),
        ({"data": {"a": "ENC[AES256_GCM,data:x]"}, "sops": {"mac": "ENC[x]"}}, {}, []),
        ({"data": {"a": "ENC[x]", "b": CANARY}, "sops": {"mac": "ENC[x]"}}, {"plainSecrets": "allow"}, [("error", "plain-secret", "data.b")]),
        ({"data": {"a": CANARY}, "sops": {}}, {}, [("error", "unknown-field", "sops"), ("error", "plain-secret", "data.a")]),
        ({"data": {"a": f"{CANARY}!"}, "stringData": {"b": 5}}, {}, [("error", "wrong-base64", "data.a"), ("error", "wrong-type", "stringData.b")]),
    ],
)
def test_secrets_are_not_for_git(changes: dict[str, Any], policy: dict[str, Any], found: list[tuple[str, str, str]]) -> None:
    diagnostics = check(changed(SECRET, changes), policy)
    assert sorted((item.severity, item.code, item.path) for item in diagnostics) == sorted(found)
    assert not any(" 5" in item.message for item in diagnostics)
    assert not any("canary" in f"{item.message}{item.hint}" or CANARY in f"{item.message}{item.hint}" for item in diagnostics)


SHOP = {"applications": ["shop"]}


@pytest.mark.parametrize(
    ("tree", "grants", "found"),
    [
        (CONFIG_MAP, [], []),
        (changed(CONFIG_MAP, {"metadata.namespace": GONE}), [], []),
        (changed(CONFIG_MAP, {"metadata.namespace": "kube-system"}), [], ["metadata.namespace"]),
        (
            changed(CONFIG_MAP, {"metadata.namespace": "kube-system"}),
            [{"applications": ["*"], "kinds": ["*"], "namespaces": ["${app.name}"]}],
            ["metadata.namespace"],
        ),
        (changed(CONFIG_MAP, {"metadata.namespace": "monitoring"}), [{**SHOP, "kinds": ["ConfigMap"], "namespaces": ["mon*"]}], []),
        (changed(CONFIG_MAP, {"metadata.namespace": "monitoring"}), [{**SHOP, "kinds": ["Secret"], "namespaces": ["*"]}], ["metadata.namespace"]),
        (changed(CONFIG_MAP, {"metadata.namespace": "monitoring"}), [{"applications": ["other"], "namespaces": ["*"]}], ["metadata.namespace"]),
        (changed(ROLE, {"metadata.namespace": "x"}), [{**SHOP, "kinds": ["*.rbac.authorization.k8s.io"], "namespaces": ["x"]}], []),
        (CLUSTER_BINDING, [], ["kind"]),
        (CLUSTER_BINDING, [{"applications": ["*"], "kinds": ["*"], "namespaces": ["${app.name}"]}], ["kind"]),
        (CLUSTER_BINDING, [{**SHOP, "kinds": ["ClusterRoleBinding"]}], []),
        (CLUSTER_BINDING, [{**SHOP, "kinds": ["ClusterRoleBinding.rbac.authorization.k8s.io"], "namespaces": ["shop"]}], []),
        (CLUSTER_BINDING, [{**SHOP, "kinds": ["ClusterRoleBinding.example.com"]}], ["kind"]),
        (CLUSTER_BINDING, [{"kinds": ["*"]}], []),
    ],
)
def test_grants(tree: dict, grants: list[dict], found: list[str]) -> None:
    assert said(tree, {"grants": grants}) == [("error", "not-granted", path) for path in found]


@pytest.mark.parametrize(
    ("api_version", "kind", "code", "says"),
    [
        ("policy/v1beta1", "PodDisruptionBudget", "removed-api", "use policy/v1"),
        ("extensions/v1beta1", "Ingress", "removed-api", "use networking.k8s.io/v1"),
        ("autoscaling/v2beta2", "HorizontalPodAutoscaler", "removed-api", "use autoscaling/v2"),
        ("resource.k8s.io/v1alpha2", "ResourceClaim", "removed-api", "Kubernetes 1.34 has ResourceClaim in"),
        ("apps/v2", "Deployment", "missing-schema", "expected apps/v1 for kind Deployment, found apps/v2"),
        ("example.com/v1", "Widget", "missing-schema", "put its CustomResourceDefinition into the workspace"),
    ],
)
def test_unknown_kinds(api_version: str, kind: str, code: str, says: str) -> None:
    found = check({"apiVersion": api_version, "kind": kind, "metadata": {"name": "a"}})
    assert [item.code for item in found] == [code]
    assert says in f"{found[0].message} {found[0].hint}"


def test_unknown_kinds_may_be_allowed() -> None:
    tree = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "a"}}
    assert said(tree, {"allowMissingSchema": True}) == [("warning", "missing-schema", "kind")]


def test_an_older_minor_still_has_it() -> None:
    tree = changed(
        CRON_JOB,
        {
            "apiVersion": "autoscaling/v2beta2",
            "kind": "HorizontalPodAutoscaler",
            "spec": {"maxReplicas": 3, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "a"}},
        },
    )
    assert said(tree, version=(1, 25)) == []
    assert said(tree, version=(1, 26)) == [("error", "removed-api", "apiVersion")]


def test_restart_policies_of_containers_by_minor() -> None:
    own = changed(DEPLOYMENT, {"spec.template.spec.containers[0].restartPolicy": "OnFailure"})
    sidecar = changed(DEPLOYMENT, {"spec.template.spec.initContainers": [{"name": "b", "image": "b:1", "restartPolicy": "Always"}]})
    assert (said(own, version=(1, 34)), said(sidecar, version=(1, 33))) == ([], [])
    assert said(own, version=(1, 33)) == [("error", "wrong-value", "spec.template.spec.containers[api].restartPolicy")]


def test_service_and_variable_names_by_minor() -> None:
    service = changed(SERVICE, {"metadata.name": "1api"})
    variable = changed(DEPLOYMENT, {"spec.template.spec.containers[0].env[0].name": "1 LEVEL"})
    assert (said(service, version=(1, 36)), said(variable, version=(1, 32))) == ([], [])
    assert said(service, version=(1, 35)) == [("error", "wrong-name", "metadata.name")]
    assert said(variable, version=(1, 31)) == [("error", "wrong-env-name", "spec.template.spec.containers[api].env[1 LEVEL].name")]


def test_deprecated_versions_go_by_the_policy() -> None:
    tree = {"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": "a"}}
    assert said(tree, version=(1, 32)) == []
    assert said(tree) == [("warning", "deprecated-api", "apiVersion")]
    assert said(tree, {"deprecatedAPIs": "deny"}) == [("error", "deprecated-api", "apiVersion")]
    assert said(tree, {"deprecatedAPIs": "allow"}) == []


def test_too_many_objects() -> None:
    found = validate(
        [manifest(changed(CONFIG_MAP, {"metadata.name": f"a{n}"})) for n in range(4)], Rules((1, 34), "shop", "prod", "shop", limits=Limits(objects=3))
    )
    assert [(item.code, item.message) for item in found] == [("object-limit", "expected at most 3 objects in one application, found 4")]


@pytest.mark.parametrize(("size", "severity"), [(1200, "error"), (1000, "warning"), (100, None)])
def test_large_objects(size: int, severity: str | None) -> None:
    tree = changed(DEPLOYMENT, {"spec.template.spec.containers[0].args": ["x" * size]})
    found = said(tree, limits=Limits(object_bytes=1900))
    assert found == ([(severity, "too-big", "")] if severity else [])


@pytest.mark.parametrize("letter", ["a", '"', "\\", "\n", "\x01", "\x7f", "\xa0", "é", "€", "\U0001f600"])
def test_the_size_is_that_of_json_in_utf_8(letter: str) -> None:
    tree = changed(DEPLOYMENT, {"spec.template.spec.containers[0].args": [letter * 3000]})
    size = len(json.dumps(tree, ensure_ascii=False, separators=(",", ":")).encode())
    for limit, severity in ((size - 1, "error"), (size, "warning"), (size * 2, None)):
        found = [item for item in said(tree, limits=Limits(object_bytes=limit)) if item[1] == "too-big"]
        assert found == ([(severity, "too-big", "")] if severity else [])
