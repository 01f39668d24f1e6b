"""What ``install`` and ``export`` print, before a real API server: taken as it is, enough to reconcile with, and nothing more."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from gitopsc.engines.plurals import Plurals, plural
from gitopsc.export import export
from gitopsc.install import install
from gitopsc.options import Options
from tests.cluster.stage import HOME, Object, Ran, Stage, config
from tests.cluster.test_online_boutique import create_pod
from tests.cluster.watcher import Start
from tests.engines import definitions, thing
from tests.kube import ApiServer
from tests.waiting import until

pytestmark = pytest.mark.cluster
RBAC = "rbac.authorization.k8s.io"
URL = "https://git.example.com/acme/environments.git"


class Cluster(Stage):
    """A stage whose passes are made by the agent that ``install`` printed, with its own account."""

    def options(self) -> Options:
        return Options(directory=self.folder, repository=str(self.repository), environ=self.variables())

    def printed(self) -> list[Object]:
        return list(install(self.options(), self.environment, URL, None, None).data["objects"])

    def kubectl(self, objects: Iterable[Mapping[str, Any]]) -> None:
        """Apply as a person would."""
        command = [str(self.server.folder / "kubectl"), "--kubeconfig", str(self.server.kubeconfig), "apply", "-f", "-"]
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def install(self) -> None:
        """Apply what is printed now."""
        self.kubectl(self.printed())

    @property
    def agent(self) -> str:
        """Its account."""
        return f"gitopsc-{self.environment}"

    def credentials(self) -> str:
        """A kubeconfig with the agent's token."""
        status, body = self.server.ask("POST", f"/api/v1/namespaces/{HOME}/serviceaccounts/{self.agent}/token", {"spec": {}})
        assert status == 201, body
        settings = json.loads(self.server.kubeconfig.read_text())
        settings["users"] = [{"name": "tests", "user": {"token": body["status"]["token"]}}]
        file = self.folder / "agent.kubeconfig"
        file.write_text(json.dumps(settings))
        return str(file)

    def reconcile(self) -> Ran:
        """A pass of the agent."""
        return self.run(kubeconfig=self.credentials())

    def may(self, user: str, verb: str, group: str, resource: str, namespace: str = "", name: str = "") -> bool:
        """What the server says of a right."""
        attributes = {"verb": verb, "group": group, "resource": resource, "namespace": namespace, "name": name}
        review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": {"user": user, "resourceAttributes": attributes}}
        status, body = self.server.ask("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review)
        assert status == 201, body
        return bool(body["status"]["allowed"])


@pytest.fixture
def cluster(api_server: ApiServer, tmp_path: Path) -> Cluster:
    return Cluster(api_server, tmp_path)


@pytest.fixture
def stage(cluster: Cluster) -> Cluster:
    """For ``start``."""
    return cluster


def everything(cluster: Cluster) -> list[Object]:
    """Objects of many kinds, roles among them."""
    space, unique = cluster.namespace, cluster.environment
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]
    view = {"apiGroup": RBAC, "kind": "ClusterRole", "name": "view"}
    own = {"apiGroup": RBAC, "kind": "ClusterRole", "name": f"nodes-{unique}"}
    subjects = [{"kind": "ServiceAccount", "name": "web", "namespace": space}]
    return [
        config("settings", space, a="1"),
        config("more", space, a="1"),
        thing("v1", "Secret", "key", space, data={"a": "Yg=="}),
        thing("v1", "ServiceAccount", "web", space),
        thing("v1", "Service", "web", space, spec={"ports": [{"port": 80}]}),
        thing("networking.k8s.io/v1", "NetworkPolicy", "web", space, spec={"podSelector": {}}),
        thing(f"{RBAC}/v1", "Role", "pods", space, rules=rules),
        thing(f"{RBAC}/v1", "RoleBinding", "viewers", space, roleRef=view, subjects=subjects),
        thing(f"{RBAC}/v1", "ClusterRole", f"nodes-{unique}", rules=[{"apiGroups": [""], "resources": ["nodes"], "verbs": ["get"]}]),
        thing(f"{RBAC}/v1", "ClusterRoleBinding", f"nodes-{unique}", roleRef=own, subjects=subjects),
        thing("scheduling.k8s.io/v1", "PriorityClass", f"high-{unique}", value=1000),
    ]


def test_the_server_takes_every_object(cluster: Cluster) -> None:
    cluster.publish(*everything(cluster))
    listed = cluster.printed()
    for one in listed:
        status, body = cluster.server.apply(one, Plurals([]).of(one), namespaced="namespace" in one["metadata"])
        assert status in (200, 201), (one, body)


def test_its_pods_are_restricted_by_the_servers_own_admission(cluster: Cluster) -> None:
    cluster.publish(config("settings", cluster.namespace, a="1"))
    cluster.server.ask(
        "PATCH",
        f"/api/v1/namespaces/{cluster.namespace}",
        {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}},
        "application/merge-patch+json",
    )
    template = cluster.printed()[-1]["spec"]["template"]
    status, body = create_pod(cluster.server, cluster.namespace, template)
    assert status == 201, body


def test_its_rights_are_enough(cluster: Cluster) -> None:
    objects = everything(cluster)
    cluster.publish(*objects)
    cluster.install()
    ran = cluster.reconcile()
    assert ran.status == 0, ran.said
    assert set(ran.actions().values()) == {"created"}
    ran = cluster.reconcile()
    assert (ran.status, set(ran.actions().values())) == (0, {"unchanged"})
    cluster.publish(*[one for one in objects if one["metadata"]["name"] != "more"])
    ran = cluster.reconcile()
    assert (ran.status, ran.actions()["ConfigMap/more"]) == (0, "pruned")


def test_and_no_more_than_that(cluster: Cluster) -> None:
    cluster.publish(*everything(cluster))
    cluster.install()
    user = f"system:serviceaccount:{HOME}:{cluster.agent}"
    assert cluster.may(user, "patch", "", "configmaps", cluster.namespace)
    for verb, group, resource, namespace, name in [
        ("patch", "", "configmaps", "default", ""),
        ("patch", "apps", "deployments", cluster.namespace, ""),
        ("get", "", "secrets", "default", ""),
        ("list", "", "secrets", "", ""),
        ("get", "", "secrets", HOME, ""),
        ("create", "", "pods", cluster.namespace, ""),
        ("create", "", "namespaces", "", ""),
        ("patch", RBAC, "clusterroles", "", "cluster-admin"),
        ("bind", RBAC, "clusterroles", "", "cluster-admin"),
        ("escalate", RBAC, "roles", cluster.namespace, ""),
        ("impersonate", "", "serviceaccounts", cluster.namespace, ""),
        ("delete", "scheduling.k8s.io", "priorityclasses", "", "system-node-critical"),
    ]:
        assert not cluster.may(user, verb, group, resource, namespace, name), (verb, resource, namespace, name)


def test_its_rights_are_enough_to_watch(cluster: Cluster, start: Start) -> None:
    settings, *rest = everything(cluster)
    secret = next(one for one in rest if one["kind"] == "Secret")
    cluster.lock["alerts"] = [{"on": ["drift"], "to": {"secret": {"name": "sink", "key": "url"}}}]
    cluster.publish(settings, *rest)
    cluster.install()
    mark = cluster.mark()
    watcher = start("--interval", "1h", "--kubeconfig", cluster.credentials())
    until(lambda: watcher.passes >= 1 and watcher.ask("/readyz")[0] == 200)
    cluster.patch(settings, {"data": {"a": "2"}})
    until(lambda: cluster.live("ConfigMap", "settings")["data"] == {"a": "1"})
    cluster.patch(secret, {"data": {"a": "Yw=="}})
    until(lambda: cluster.live("Secret", "key")["data"] == {"a": "Yg=="})
    assert watcher.ended() == 0
    assert "cannot" not in watcher.said
    refused = {
        event["requestURI"].partition("?")[0]
        for event in cluster.server.audited(mark)
        if event["user"]["username"] == f"system:serviceaccount:{HOME}:{cluster.agent}" and event.get("responseStatus", {}).get("code") == 403
    }
    assert refused <= {"/api/v1/secrets"}  # asked for everywhere first, then where they are


def test_a_commit_alone_gives_no_right(cluster: Cluster) -> None:
    space = cluster.namespace
    narrow = thing(f"{RBAC}/v1", "Role", "pods", space, rules=[{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}])
    cluster.publish(narrow)
    cluster.install()
    assert cluster.reconcile().status == 0
    wide = {**narrow, "rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}]}
    cluster.publish(wide)
    ran = cluster.reconcile()
    assert ran.status in (2, 3), ran.said
    assert cluster.live("Role", "pods", f"{RBAC}/v1")["rules"] == narrow["rules"]
    cluster.install()
    assert cluster.reconcile().status == 0
    assert cluster.live("Role", "pods", f"{RBAC}/v1")["rules"] == wide["rules"]


def test_a_kind_that_is_new_waits_for_its_rights(cluster: Cluster) -> None:
    cluster.publish(config("settings", cluster.namespace, a="1"))
    cluster.install()
    assert cluster.reconcile().status == 0
    cluster.publish(config("settings", cluster.namespace, a="1"), thing("v1", "Service", "web", cluster.namespace, spec={"ports": [{"port": 80}]}))
    ran = cluster.reconcile()
    assert ran.status == 3
    assert "services" in ran.said
    assert ran.actions()["ConfigMap/settings"] == "unchanged"
    cluster.install()
    assert cluster.reconcile().status == 0


def test_where_an_account_is_impersonated_it_is_the_one_that_writes(cluster: Cluster) -> None:
    cluster.lock["reconcile"] = {"serviceAccount": "deployer"}
    objects = everything(cluster)
    cluster.publish(*objects)
    cluster.install()
    mark = cluster.mark()
    ran = cluster.reconcile()
    assert ran.status == 0, ran.said
    written = [
        event
        for event in cluster.server.audited(mark)
        if event["verb"] in ("patch", "create", "delete") and str(event.get("userAgent", "")).startswith("gitopsc/") and HOME not in event["requestURI"]
    ]
    assert len(written) >= len(objects)
    assert {event.get("impersonatedUser", {}).get("username") for event in written} == {f"system:serviceaccount:{cluster.namespace}:deployer"}
    assert not cluster.may(f"system:serviceaccount:{HOME}:{cluster.agent}", "patch", "", "configmaps", cluster.namespace)
    cluster.publish(*[one for one in objects if one["metadata"]["name"] != "more"])
    ran = cluster.reconcile()
    assert (ran.status, ran.actions()["ConfigMap/more"]) == (0, "pruned")


def test_plurals_are_the_servers_own(api_server: ApiServer) -> None:
    groups = ["/api/v1"]
    groups += [f"/apis/{version['groupVersion']}" for group in api_server.ask("GET", "/apis")[1]["groups"] for version in group["versions"]]
    # A group whose definition another test has deleted is named for a moment longer, and has no resources then.
    served = [one for path in groups for one in api_server.ask("GET", path)[1].get("resources", ()) if "/" not in one["name"]]
    assert len(served) > 60
    assert [(one["kind"], one["name"]) for one in served if plural(one["kind"]) != one["name"] and not one["name"].startswith("gitopsc")] == []


def test_the_server_takes_what_is_exported(cluster: Cluster) -> None:
    cluster.publish(
        config("settings", cluster.namespace, {"gitopsc.dev/wave": "1"}, a="1"),
        thing("v1", "Service", "web", cluster.namespace, spec={"ports": [{"port": 80}]}),
    )
    for one in definitions():
        status, body = cluster.server.apply(one, "customresourcedefinitions", namespaced=False, dry_run=False)
        assert status in (200, 201), body
    for namespace in ("flux-system", "argocd"):
        cluster.server.ask("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
    served(cluster.server)
    for engine in ("flux", "argocd"):
        for one in export(cluster.options(), engine, (cluster.environment,), URL, None, None).data["objects"]:
            status, body = cluster.server.apply(one, Plurals([]).of(one), namespaced=one["kind"] != "Namespace")
            assert status in (200, 201), (one, body)


def served(server: ApiServer) -> None:
    """Wait until the server serves every kind of the other engines."""
    paths = [f"/apis/{one['spec']['group']}/{one['spec']['versions'][0]['name']}/{one['spec']['names']['plural']}" for one in definitions()]
    until(lambda: all(server.ask("GET", path)[0] == 200 for path in paths))
