"""What Flux and Argo CD are given: right by the schemas that they publish, and as much of the environment's rules as they can keep."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gitopsc.engines.argocd import argocd
from gitopsc.engines.flux import flux
from gitopsc.engines.guard import warned
from gitopsc.engines.source import Source, as_url, depths
from gitopsc.engines.subject import Environment
from gitopsc.engines.waves import parts
from tests.engines import Object, application, environment, named, problems, thing

FLUX = Source("acme", "https://git.example.com/acme/environments.git", "main", "", "flux-system")
ARGO = Source("acme", "https://git.example.com/acme/environments.git", "main", "", "argocd")
SHOP = application("shop", thing("apps/v1", "Deployment", "web", "shop"), thing("v1", "ConfigMap", "settings", "shop"))
API = application("api", thing("apps/v1", "Deployment", "api", "api"), depends_on=["shop"])


def job(name: str, phase: str) -> Object:
    return thing("batch/v1", "Job", name, "shop", {"gitopsc.dev/phase": phase})


def wave(name: str, number: int) -> Object:
    return thing("apps/v1", "Deployment", name, "shop", {"gitopsc.dev/wave": str(number)})


ORDERED = application(
    "shop", thing("v1", "ConfigMap", "c", "shop"), wave("db", 0), wave("api", 1), wave("web", 3), job("before", "pre-deploy"), job("after", "post-deploy")
)
EVERYTHING: dict[str, Any] = {
    "reconcile": {
        "drift": "warn",
        "interval": "1m30s",
        "timeout": "1d",
        "serviceAccount": "deployer",
        "deletionPolicy": "wait",
        "suspend": True,
        "ignore": [{"kind": "Deployment", "name": "web", "paths": ["spec.replicas"]}, {"group": "", "kind": "ConfigMap", "paths": ["data"]}],
    },
    "requireSigned": True,
    "policy": {"podSecurity": "baseline"},
    "target": {"namespace": "${app.name}", "cluster": "prod-1", "namespaceLabels": {"team": "a"}},
    "health": [{"group": "apps", "kind": "Deployment", "current": "object.status.readyReplicas > 0", "failed": "has(object.status.broken)"}],
}
ENVIRONMENTS: dict[str, Environment] = {
    "plain": environment(SHOP, API),
    "with an order": environment(ORDERED, API),
    "with every rule": environment(SHOP, API, **EVERYTHING),
    "with long names": Environment("e" * 63, {}, (application("a" * 63, *ORDERED.objects),)),
    "of nothing": environment(),
}


@pytest.mark.parametrize("one", ENVIRONMENTS.values(), ids=ENVIRONMENTS.keys())
@pytest.mark.parametrize("secret", [None, "environments"])
def test_they_are_right_by_the_schemas_of_flux_and_argo_cd(one: Environment, secret: str | None) -> None:
    source = Source("acme", FLUX.url, "main", "deploy", "flux-system", secret)
    assert problems(flux(one, source)[0]) == []
    assert problems(argocd(one, ARGO)[0]) == []


def test_the_schemas_would_find_a_mistake() -> None:
    listed = flux(environment(SHOP), FLUX)[0]
    listed[-1]["spec"]["waits"] = True
    assert [d.code for d in problems(listed)] == ["unknown-field"]


def test_flux_gets_a_repository_and_a_kustomization_an_application() -> None:
    found = named(flux(environment(SHOP, API), FLUX)[0])
    assert [*found] == ["Namespace/api", "Namespace/shop", "GitRepository/gitopsc-acme-prod", "Kustomization/prod-shop", "Kustomization/prod-api"]
    assert found["GitRepository/gitopsc-acme-prod"]["spec"] == {"interval": "60s", "url": FLUX.url, "ref": {"branch": "main"}}
    assert found["Kustomization/prod-shop"]["spec"] == {
        "interval": "60s",
        "timeout": "300s",
        "sourceRef": {"kind": "GitRepository", "name": "gitopsc-acme-prod"},
        "path": "./prod/shop",
        "prune": True,
        "wait": True,
    }
    assert found["Kustomization/prod-api"]["spec"]["dependsOn"] == [{"name": "prod-shop"}]


def test_namespaces_are_those_of_the_manifests() -> None:
    """``targetNamespace`` would move every object of an application, also those that live elsewhere."""
    for one in ENVIRONMENTS.values():
        assert all("targetNamespace" not in made["spec"] for made in flux(one, FLUX)[0] if made["kind"] == "Kustomization")


def test_flux_makes_namespaces_that_stay() -> None:
    found = named(flux(ENVIRONMENTS["with every rule"], FLUX)[0])["Namespace/shop"]["metadata"]
    assert found["labels"] == {"pod-security.kubernetes.io/enforce": "baseline", "team": "a"}
    assert found["annotations"] == {"kustomize.toolkit.fluxcd.io/prune": "disabled"}


def test_an_order_becomes_kustomizations_that_depend_on_each_other() -> None:
    found = named(flux(environment(ORDERED, API), FLUX)[0])
    chain = {key.removeprefix("Kustomization/"): one["spec"].get("dependsOn") for key, one in found.items() if key.startswith("Kustomization/")}
    assert chain == {
        "prod-shop-pre-deploy": None,
        "prod-shop": [{"name": "prod-shop-pre-deploy"}],
        "prod-shop-wave-1": [{"name": "prod-shop"}],
        "prod-shop-wave-3": [{"name": "prod-shop-wave-1"}],
        "prod-shop-post-deploy": [{"name": "prod-shop-wave-3"}],
        "prod-api": [{"name": "prod-shop-post-deploy"}],
    }


def test_without_an_order_nothing_is_left_out() -> None:
    assert [part.others for part in parts(SHOP.objects)] == [()]


def test_a_job_of_flux_is_made_anew_and_stays() -> None:
    found = named(flux(environment(ORDERED), FLUX)[0])["Kustomization/prod-shop-pre-deploy"]["spec"]
    patch = json.loads(next(one["patch"] for one in found["patches"] if one["target"].get("kind") == "Job"))
    assert patch["metadata"]["annotations"] == {"kustomize.toolkit.fluxcd.io/force": "enabled"}
    assert patch["spec"] == {"ttlSecondsAfterFinished": None}
    assert "force" not in found  # it would delete claims, too


def test_every_rule_that_flux_can_keep() -> None:
    listed, diagnostics = flux(ENVIRONMENTS["with every rule"], FLUX)
    found = named(listed)
    assert found["GitRepository/shop/gitopsc-acme-prod"]["spec"]["verify"] == {"mode": "HEAD", "secretRef": {"name": "gitopsc-acme-signers"}}
    spec = found["Kustomization/shop/prod-shop"]["spec"]
    assert (spec["interval"], spec["timeout"], spec["deletionPolicy"], spec["suspend"]) == ("90s", "86400s", "WaitForTermination", True)
    assert spec["serviceAccountName"] == "deployer"
    assert [(one["target"], json.loads(one["patch"])) for one in spec["patches"]] == [
        ({"kind": "Deployment", "name": "web"}, {"apiVersion": "v1", "kind": "Object", "metadata": {"name": "any"}, "spec": {"replicas": None}}),
        ({"group": "", "kind": "ConfigMap"}, {"apiVersion": "v1", "kind": "Object", "metadata": {"name": "any"}, "data": None}),
    ]
    assert spec["healthCheckExprs"] == [{"apiVersion": "apps/v1", "kind": "Deployment", "current": "status.readyReplicas > 0", "failed": "has(status.broken)"}]
    assert found["Kustomization/api/prod-api"]["spec"]["dependsOn"] == [{"name": "prod-shop", "namespace": "shop"}]
    assert [d.path for d in diagnostics] == ["reconcile.drift: warn"]


@pytest.mark.parametrize("text", ["has(object.status)", "object == null", "size(object) > 0"])
def test_an_expression_that_flux_cannot_say_is_told(text: str) -> None:
    listed, diagnostics = flux(environment(SHOP, health=[{"group": "apps", "kind": "Deployment", "current": text}]), FLUX)
    assert "healthCheckExprs" not in named(listed)["Kustomization/prod-shop"]["spec"]
    assert [(d.severity, d.code, d.path) for d in diagnostics] == [("warning", "not-kept", "health")]


def test_annotations_in_the_words_of_flux() -> None:
    kept = application("shop", thing("v1", "ConfigMap", "a", "shop", {"gitopsc.dev/prune": "disabled"}))
    (patch,) = named(flux(environment(kept), FLUX)[0])["Kustomization/prod-shop"]["spec"]["patches"]
    assert patch["target"] == {"annotationSelector": "gitopsc.dev/prune=disabled"}
    assert json.loads(patch["patch"])["metadata"]["annotations"] == {"kustomize.toolkit.fluxcd.io/prune": "disabled"}
    assert [d.path for d in argocd(environment(kept), ARGO)[1]] == ["gitopsc.dev/prune: disabled"]


def test_what_is_encrypted_is_decrypted_by_flux() -> None:
    secret = application("shop", thing("v1", "Secret", "key", "shop", data={"a": "ENC[…]"}, sops={"version": "3.9.0"}))
    assert named(flux(environment(secret), FLUX)[0])["Kustomization/prod-shop"]["spec"]["decryption"] == {"provider": "sops"}
    assert [d.path for d in argocd(environment(secret), ARGO)[1]] == ["sops"]


def test_argo_cd_gets_an_application_an_application() -> None:
    found = named(argocd(environment(SHOP, API), ARGO)[0])
    assert [*found] == ["Application/prod-shop", "Application/prod-api"]
    spec = found["Application/prod-shop"]["spec"]
    assert spec["source"] == {"repoURL": ARGO.url, "targetRevision": "main", "path": "prod/shop", "directory": {"recurse": True}}
    assert spec["destination"] == {"server": "https://kubernetes.default.svc", "namespace": "shop"}
    assert spec["syncPolicy"]["automated"] == {"prune": True, "selfHeal": True, "allowEmpty": False}
    assert {"CreateNamespace=true", "ServerSideApply=true"} <= set(spec["syncPolicy"]["syncOptions"])
    assert "ignoreDifferences" not in spec
    assert "annotations" not in found["Application/prod-shop"]["metadata"]
    assert found["Application/prod-api"]["metadata"]["annotations"] == {"argocd.argoproj.io/sync-wave": "1"}


def test_every_rule_that_argo_cd_can_keep() -> None:
    listed, diagnostics = argocd(ENVIRONMENTS["with every rule"], ARGO)
    spec = named(listed)["Application/prod-shop"]["spec"]
    assert spec["destination"] == {"name": "prod-1", "namespace": "shop"}
    assert "automated" not in spec["syncPolicy"]  # suspended
    assert spec["syncPolicy"]["managedNamespaceMetadata"]["labels"] == {"pod-security.kubernetes.io/enforce": "baseline", "team": "a"}
    assert spec["ignoreDifferences"] == [
        {"group": "*", "kind": "Deployment", "name": "web", "jsonPointers": ["/spec/replicas"]},
        {"group": "", "kind": "ConfigMap", "jsonPointers": ["/data"]},
    ]
    assert [d.path for d in diagnostics] == ["reconcile.serviceAccount", "health", "requireSigned"]


def test_warn_and_orphan() -> None:
    found = named(argocd(environment(SHOP, reconcile={"drift": "warn", "deletionPolicy": "orphan"}), ARGO)[0])["Application/prod-shop"]
    assert found["spec"]["syncPolicy"]["automated"]["selfHeal"] is False
    assert "finalizers" not in found["metadata"]
    spec = named(flux(environment(SHOP, reconcile={"deletionPolicy": "orphan"}), FLUX)[0])["Kustomization/prod-shop"]["spec"]
    assert spec["deletionPolicy"] == "Orphan"


def test_paths_that_are_no_plain_names_are_told() -> None:
    rules = {"ignore": [{"kind": "Deployment", "paths": ["spec.template.spec.containers[web].image"]}]}
    for made in (flux(environment(SHOP, reconcile=rules), FLUX), argocd(environment(SHOP, reconcile=rules), ARGO)):
        assert [d.path for d in made[1]] == ["reconcile.ignore"]


URLS = {
    "git@github.com:acme/environments.git": "ssh://git@github.com/acme/environments.git",
    "github.com:acme/environments.git": "ssh://github.com/acme/environments.git",
    "ssh://git@github.com/acme/e.git": "ssh://git@github.com/acme/e.git",
    "https://github.com/acme/e.git": "https://github.com/acme/e.git",
    "/srv/e.git": "/srv/e.git",
}


@pytest.mark.parametrize(("text", "expected"), URLS.items())
def test_addresses_of_ssh_are_urls(text: str, expected: str) -> None:
    assert as_url(text) == expected


def test_depths_end_where_a_cycle_closes() -> None:
    assert depths([SHOP, API, application("web", depends_on=["api", "gone"])]) == {"shop": 0, "api": 1, "web": 2}
    assert set(depths([application("a", depends_on=["b"]), application("b", depends_on=["a"])])) == {"a", "b"}


def test_another_engine_than_the_environment_names_is_told() -> None:
    (found,) = warned("prod", "gitopsc", "flux")
    assert (found.severity, found.code) == ("warning", "other-engine")
    assert "engine: flux" in str(found.hint)
    assert warned("prod", "flux", "flux") == []
