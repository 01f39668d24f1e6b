"""The agent's manifests: valid, restricted, and with the rights that the environment's objects ask for and no others."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from gitopsc import kubernetes
from gitopsc.engines.agent import agent
from gitopsc.engines.installation import Agent, Part
from gitopsc.engines.plurals import Plurals, plural
from gitopsc.engines.subject import Environment, shortened
from tests.engines import Object, application, environment, may, named, problems, thing

RBAC = "rbac.authorization.k8s.io/v1"
SHARD = Part("2-of-3", "--shard=2/3", {"gitopsc.dev/shard": "2/3"})
OWN = "gitopsc-system/gitopsc-prod"
SHOP = application(
    "shop",
    thing("apps/v1", "Deployment", "web", "shop"),
    thing("v1", "ConfigMap", "settings", "shop"),
    thing("networking.k8s.io/v1", "NetworkPolicy", "web", "shop"),
)
BILLING = application("billing", thing("v1", "Secret", "key", "billing"), thing("v1", "PersistentVolumeClaim", "data", "billing"))


def made(one: Environment, **more: Any) -> list[Object]:
    said = {"url": "https://git.example.com/acme/environments.git", "image": "ghcr.io/gitopsc/gitopsc:1.2.3", "version": "1.2.3", **more}
    return agent(Agent(one, **said))


ENVIRONMENTS: dict[str, Environment] = {
    "of two applications": environment(SHOP, BILLING),
    "of nothing": environment(),
    "that impersonates": environment(SHOP, BILLING, reconcile={"serviceAccount": "deployer"}),
    "that impersonates one for all": environment(SHOP, BILLING, reconcile={"serviceAccount": "ops/deployer"}),
    "with alerts and signatures": environment(
        SHOP, requireSigned=True, alerts=[{"on": ["drift"], "to": {"env": "ALERT_URL"}}, {"on": ["failed"], "to": {"secret": {"name": "slack", "key": "url"}}}]
    ),
    "with a long name": Environment("e" * 63, {}, (SHOP,)),
}


@pytest.mark.parametrize("minor", [kubernetes.minors()[0], (1, 34), kubernetes.minors()[-1]], ids=str)
@pytest.mark.parametrize("one", ENVIRONMENTS.values(), ids=ENVIRONMENTS.keys())
def test_what_is_printed_is_valid_and_restricted(one: Environment, minor: kubernetes.Minor) -> None:
    assert problems(made(one), minor) == []


@pytest.mark.parametrize("url", ["https://git.example.com/e.git", "ssh://git@git.example.com/e.git", "git@git.example.com:e.git"])
def test_it_is_valid_for_every_way_to_the_repository(url: str) -> None:
    assert problems(made(environment(SHOP), url=url, shard=SHARD)) == []


def test_everything_comes_before_what_needs_it() -> None:
    kinds = [one["kind"] for one in made(environment(SHOP))]
    assert kinds.index("Namespace") < kinds.index("ServiceAccount") < kinds.index("RoleBinding") < kinds.index("Deployment")
    assert kinds[-1] == "Deployment"


def test_the_deployment() -> None:
    found = named(made(environment(SHOP)))["Deployment/gitopsc-prod"]["spec"]
    container = found["template"]["spec"]["containers"][0]
    assert found["replicas"] == 2
    assert container["args"] == ["reconcile", "prod", "--watch", "--repository=https://git.example.com/acme/environments.git", "--listen=:8080"]


def test_a_shard_is_an_agent_of_its_own() -> None:
    found = named(made(environment(SHOP), shard=SHARD))["Deployment/gitopsc-prod-2-of-3"]
    assert "--shard=2/3" in found["spec"]["template"]["spec"]["containers"][0]["args"]
    assert found["metadata"]["annotations"] == {"gitopsc.dev/shard": "2/3"}


def test_secrets_are_named_and_never_written() -> None:
    listed = made(ENVIRONMENTS["with alerts and signatures"])
    assert not [one for one in listed if one["kind"] == "Secret"]
    container = named(listed)["Deployment/gitopsc-prod"]["spec"]["template"]["spec"]["containers"][0]
    variable = next(one for one in container["env"] if one["name"] == "ALERT_URL")
    assert variable["valueFrom"]["secretKeyRef"] == {"name": "gitopsc-prod-alerts", "key": "ALERT_URL", "optional": True}
    assert "--allowed-signers=/etc/gitopsc/signers/allowed_signers" in container["args"]
    assert may(listed, OWN, "get", "", "secrets", "gitopsc-system", "slack")
    assert not may(listed, OWN, "get", "", "secrets", "gitopsc-system", "another")


ALLOWED = [
    ("patch", "apps", "deployments", "shop"),
    ("create", "apps", "deployments", "shop"),
    ("delete", "", "configmaps", "shop"),
    ("list", "apps", "deployments", "elsewhere"),
    ("watch", "networking.k8s.io", "networkpolicies", ""),
    ("list", "", "pods", ""),
    ("list", "", "secrets", "billing"),
    ("patch", "", "secrets", "billing"),
    ("list", "storage.k8s.io", "storageclasses", ""),
    ("get", "", "namespaces", ""),
    ("update", "", "configmaps", "gitopsc-system"),
    ("update", "coordination.k8s.io", "leases", "gitopsc-system"),
    ("create", "", "events", "gitopsc-system"),
    ("create", "", "events", "shop"),
    ("patch", "", "events", "billing"),
]
REFUSED = [
    ("patch", "apps", "deployments", "billing"),
    ("patch", "apps", "deployments", "elsewhere"),
    ("patch", "apps", "statefulsets", "shop"),
    ("list", "", "secrets", "shop"),
    ("get", "", "secrets", ""),
    ("get", "", "secrets", "gitopsc-system"),
    ("create", "", "pods", "shop"),
    ("create", "", "namespaces", ""),
    ("patch", "rbac.authorization.k8s.io", "roles", "shop"),
    ("impersonate", "", "serviceaccounts", "shop"),
    ("escalate", "rbac.authorization.k8s.io", "roles", "shop"),
    ("create", "", "configmaps", "kube-system"),
    ("create", "", "events", "elsewhere"),
    ("create", "", "events", "default"),
    ("get", "", "events", "shop"),
    ("delete", "", "events", "shop"),
]


@pytest.mark.parametrize("request_", ALLOWED, ids=" ".join)
def test_what_it_needs_it_may(request_: tuple[str, str, str, str]) -> None:
    assert may(made(environment(SHOP, BILLING)), OWN, *request_)


@pytest.mark.parametrize("request_", REFUSED, ids=" ".join)
def test_what_it_does_not_need_it_may_not(request_: tuple[str, str, str, str]) -> None:
    assert not may(made(environment(SHOP, BILLING)), OWN, *request_)


def test_events_of_what_has_no_namespace_are_in_default() -> None:
    one = environment(application("roles", thing("rbac.authorization.k8s.io/v1", "ClusterRole", "nodes")))
    assert may(made(one), OWN, "create", "", "events", "default")


def test_it_is_the_agent_that_writes_events_whoever_applies() -> None:
    listed = made(ENVIRONMENTS["that impersonates"])
    assert may(listed, OWN, "create", "", "events", "shop")
    assert not may(listed, "shop/deployer", "create", "", "events", "shop")


def test_no_rule_is_of_anything_or_everything() -> None:
    for one in ENVIRONMENTS.values():
        for role in made(one):
            if role["kind"] in ("Role", "ClusterRole"):
                assert role["rules"]
                assert "*" not in json.dumps(role["rules"])


def test_where_an_account_is_impersonated_only_it_may_write() -> None:
    listed = made(ENVIRONMENTS["that impersonates"])
    assert named(listed)["ServiceAccount/shop/deployer"]
    assert may(listed, OWN, "impersonate", "", "serviceaccounts", "shop", "deployer")
    assert not may(listed, OWN, "impersonate", "", "serviceaccounts", "shop", "another")
    assert not may(listed, OWN, "patch", "apps", "deployments", "shop")
    assert may(listed, OWN, "list", "apps", "deployments", "shop")
    for verb in ("get", "create", "patch", "delete"):
        assert may(listed, "shop/deployer", verb, "apps", "deployments", "shop")
    assert not may(listed, "shop/deployer", "patch", "", "secrets", "billing")
    assert may(listed, "billing/deployer", "patch", "", "secrets", "billing")


def test_one_account_may_be_that_of_all_applications() -> None:
    listed = made(ENVIRONMENTS["that impersonates one for all"])
    assert [one["metadata"] for one in listed if one["kind"] == "ServiceAccount"][1]["namespace"] == "ops"
    assert may(listed, "ops/deployer", "patch", "apps", "deployments", "shop")
    assert may(listed, "ops/deployer", "patch", "", "secrets", "billing")
    assert may(listed, OWN, "impersonate", "", "serviceaccounts", "ops", "deployer")


def test_of_cluster_scoped_kinds_only_those_that_are_named_may_be_changed() -> None:
    one = environment(application("edge", thing("networking.k8s.io/v1", "IngressClass", "public"), thing("v1", "Namespace", "edge")))
    listed = made(one)
    assert may(listed, OWN, "patch", "networking.k8s.io", "ingressclasses", name="public")
    assert not may(listed, OWN, "patch", "networking.k8s.io", "ingressclasses", name="another")
    assert may(listed, OWN, "create", "", "namespaces")
    assert not may(listed, OWN, "delete", "", "namespaces", name="kube-system")
    assert named(listed)["Namespace/edge"] == {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "edge"}}


def test_roles_are_handed_on_only_by_who_holds_them() -> None:
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}]
    role = thing(RBAC, "Role", "reader", "shop", rules=rules)
    ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}
    binding = thing(RBAC, "RoleBinding", "viewers", "shop", roleRef=ref, subjects=[])
    listed = made(environment(application("shop", role, binding)))
    assert may(listed, OWN, "get", "", "pods", "shop")
    assert may(listed, OWN, "bind", "rbac.authorization.k8s.io", "clusterroles", "shop", "view")
    assert not may(listed, OWN, "bind", "rbac.authorization.k8s.io", "clusterroles", "shop", "cluster-admin")
    assert not may(listed, OWN, "escalate", "rbac.authorization.k8s.io", "roles", "shop", "reader")


def test_namespaces_are_made_as_reconcile_would() -> None:
    lock = {"policy": {"podSecurity": "restricted"}, "target": {"namespace": "${app.name}", "namespaceLabels": {"team": "a"}}}
    found = named(made(environment(SHOP, **lock)))
    assert found["Namespace/shop"]["metadata"]["labels"] == {"pod-security.kubernetes.io/enforce": "restricted", "team": "a"}
    found = named(made(environment(SHOP, target={"namespace": "${app.name}", "createNamespace": False})))
    assert [key for key in found if key.startswith("Namespace/")] == ["Namespace/gitopsc-system"]


def test_the_order_of_applications_and_objects_is_not_in_the_output() -> None:
    turned = [application(one.name, *reversed(one.objects)) for one in (BILLING, SHOP)]
    assert made(environment(SHOP, BILLING)) == made(environment(*turned))


PLURALS = {
    "Deployment": "deployments",
    "NetworkPolicy": "networkpolicies",
    "Ingress": "ingresses",
    "StorageClass": "storageclasses",
    "Endpoints": "endpoints",
    "Gateway": "gateways",
    "Proxy": "proxies",
    "VirtualService": "virtualservices",
    "Prometheus": "prometheuses",
    "Mesh": "meshes",
}


@pytest.mark.parametrize(("kind", "expected"), PLURALS.items())
def test_plurals(kind: str, expected: str) -> None:
    assert plural(kind) == expected


def test_a_name_that_nobody_told_is_a_guess() -> None:
    known = Plurals([])
    assert not known.guessed(thing("apps/v1", "Deployment", "a"))
    assert not known.guessed(thing("gateway.networking.k8s.io/v1", "HTTPRoute", "a"))
    assert known.guessed(thing("example.com/v1", "Widget", "a"))


def test_a_definition_knows_better() -> None:
    names = {"kind": "Chassis", "plural": "chassis"}
    known = Plurals([thing("apiextensions.k8s.io/v1", "CustomResourceDefinition", "chassis.example.com", spec={"group": "example.com", "names": names})])
    assert known.of(thing("example.com/v1", "Chassis", "a")) == "chassis"
    assert known.of(thing("other.com/v1", "Chassis", "a")) == "chassises"
    assert not known.guessed(thing("example.com/v1", "Chassis", "a"))


def test_long_names_are_cut_and_stay_apart() -> None:
    long = ["a" * 63 + letter for letter in "bc"]
    assert {len(shortened(name)) for name in long} == {63}
    assert shortened(long[0]) != shortened(long[1])
    assert shortened("short") == "short"


def test_nothing_of_it_is_a_credential() -> None:
    text = json.dumps(made(environment(SHOP)))
    assert base64.b64encode(b"password").decode() not in text
