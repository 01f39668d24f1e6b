"""Scenarios 34 to 37, 44, 45, 47, 49 and 54: whose it is, what is allowed, what comes first, what stays hidden, and how little it costs."""

from __future__ import annotations

import base64
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gitopsc.cluster.inventory import applyset_id
from gitopsc.diagnostics import Invalid
from tests.cluster.stage import Stage, config, deployment, url
from tests.kube import ApiServer

pytestmark = pytest.mark.cluster
ROOT = Path(__file__).parents[2]


@pytest.fixture
def stage(api_server: ApiServer, tmp_path: Path) -> Stage:
    return Stage(api_server, tmp_path)


def test_s34_an_object_of_another_application_is_refused_before_anything_is_written(stage: Stage) -> None:
    a, first = config("a", stage.namespace, k="1"), config("first", stage.namespace, k="1")
    stage.publish(beta=[a])
    assert stage.run().status == 0
    other = Stage(stage.server, stage.folder / "other", namespace=False)
    other.namespace = stage.namespace
    other.publish(first, config("a", stage.namespace, k="2"))
    since = other.mark()
    ran = other.run()
    assert ran.status == 4
    assert f"it belongs to the application beta of the environment {stage.environment}" in ran.said
    assert other.writes(since, own=True) == []
    other.publish(first, config("a", stage.namespace, {"gitopsc.dev/adopt": "force"}, k="2"))
    assert other.run().status == 0
    live = stage.live("ConfigMap", "a")
    assert live["data"] == {"k": "2"}
    assert live["metadata"]["labels"]["applyset.kubernetes.io/part-of"] == applyset_id(other.environment, "shop")


def test_s35_an_object_of_nobody_is_adopted(stage: Stage) -> None:
    stage.put(config("a", stage.namespace, k="0", theirs="1"), "kubectl-create")
    ran = stage.applied(config("a", stage.namespace, k="1"))
    assert ran.actions() == {"ConfigMap/a": "configured"}
    assert ran.drift() == []
    live = stage.live("ConfigMap", "a")
    assert live["data"] == {"k": "1", "theirs": "1"}
    assert live["metadata"]["labels"]["applyset.kubernetes.io/part-of"] == stage.id


def test_s35_never_where_the_environment_says_so(stage: Stage) -> None:
    stage.lock["reconcile"] = {"adopt": "never"}
    stage.put(config("a", stage.namespace, k="0"), "kubectl-create")
    stage.publish(config("a", stage.namespace, k="1"))
    assert stage.run().status == 4


def account(stage: Stage, rules: list[dict[str, Any]]) -> None:
    """A ServiceAccount ``deployer`` with these rights in the namespace."""
    space = stage.namespace
    stage.server.ask("POST", url("ServiceAccount", "v1", space), {"metadata": {"name": "deployer"}})
    role = {"metadata": {"name": "deployer"}, "rules": rules}
    path = url("Role", "rbac.authorization.k8s.io/v1", space)
    if stage.server.ask("POST", path, role)[0] == 409:
        assert stage.server.ask("PUT", f"{path}/deployer", role)[0] == 200
    binding = {
        "metadata": {"name": "deployer"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "deployer"},
        "subjects": [{"kind": "ServiceAccount", "name": "deployer", "namespace": space}],
    }
    stage.server.ask("POST", url("RoleBinding", "rbac.authorization.k8s.io/v1", space), binding)


EVERYTHING = {"apiGroups": ["", "apps", "batch"], "resources": ["*"], "verbs": ["*"]}


def test_s36_a_layer_of_which_one_object_is_denied_is_not_applied(stage: Stage) -> None:
    stage.lock["reconcile"] = {"serviceAccount": "deployer"}
    account(stage, [{"apiGroups": [""], "resources": ["configmaps", "services"], "verbs": ["*"]}])
    earlier = [config(name, stage.namespace, k="1") for name in ("one", "two")]
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": stage.namespace}, "spec": {"ports": [{"port": 80}]}}
    web = deployment("web", stage.namespace, annotations={"gitopsc.dev/health": "ignore"})
    stage.publish(*earlier, service, web)
    ran = stage.run()
    assert ran.status == 3
    assert ran.actions() == {"ConfigMap/one": "created", "ConfigMap/two": "created", "Deployment/web": "failed", "Service/web": "blocked"}
    assert "Deployment.apps/web" in ran.said or "Deployment/web" in ran.said
    assert f"kubectl auth can-i patch deployments.apps --namespace {stage.namespace} --as system:serviceaccount:{stage.namespace}:deployer" in ran.said
    assert stage.get("Service", "web") is None
    account(stage, [EVERYTHING])
    stage.publish(earlier[0], service, web)
    ran = stage.run()
    assert ran.status == 0, ran.said
    assert stage.get("ConfigMap", "two") is None
    listed = stage.server.ask("GET", f"{url('ConfigMap', 'v1', stage.namespace)}?labelSelector=applyset.kubernetes.io/part-of={stage.id}")[1]["items"]
    assert [one["metadata"]["name"] for one in listed] == ["one"]


def test_s47_an_account_without_rights_is_not_replaced_by_our_own(stage: Stage) -> None:
    stage.lock["reconcile"] = {"serviceAccount": f"{stage.namespace}/nobody"}
    stage.publish(config("a", stage.namespace, k="1"))
    ran = stage.run()
    assert ran.status == 3
    assert f"system:serviceaccount:{stage.namespace}:nobody" in ran.said
    assert stage.get("ConfigMap", "a") is None


KILLED = """
import os, signal, sys
from pathlib import Path
from gitopsc.cluster import applying
from gitopsc.options import Options
from gitopsc.ground import Wish
from gitopsc.reconcile import reconcile
real, seen = applying.apply, []
def apply(*words, **options):
    answer = real(*words, **options)
    seen.append(1)
    if len(seen) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return answer
applying.apply = apply
reconcile(Options(directory=Path(sys.argv[1]), repository=sys.argv[2], environ=dict(os.environ)), sys.argv[3], (), Wish(timeout="10m"))
"""


def test_s37_a_kill_in_the_middle_leaves_no_orphan(stage: Stage) -> None:
    names = ("a", "b", "c", "d")
    manifests = [config(name, stage.namespace, k="1") for name in names]
    stage.publish(*manifests)
    words = [sys.executable, "-c", KILLED, str(stage.folder), str(stage.repository), stage.environment]
    killed = subprocess.run(words, env={**stage.variables(), "PYTHONPATH": str(ROOT)}, check=False, capture_output=True, cwd=ROOT)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    there = [name for name in names if stage.get("ConfigMap", name)]
    assert there
    left = [data for data in manifests if data["metadata"]["name"] != there[0]]
    stage.publish(*left)
    ran = stage.run()
    assert ran.status == 0, ran.said
    assert [name for name in names if stage.get("ConfigMap", name)] == [name for name in names if name != there[0]]
    assert stage.inventory() == {f"ConfigMap/{stage.namespace}/{data['metadata']['name']}" for data in left}


def test_s44_an_application_waits_for_what_it_depends_on(stage: Stage) -> None:
    web = deployment("web", stage.namespace)
    stage.publish(alpha=[web], beta=[config("b", stage.namespace, k="1")], depends_on={"beta": ["alpha"]})
    ran = stage.run(timeout="12s")
    assert ran.status == 1
    assert ran.actions("beta") == {"ConfigMap/b": "blocked"}
    assert "alpha" in ran.message("ConfigMap/b", "beta")
    assert stage.get("ConfigMap", "b") is None
    assert stage.run("beta", timeout="12s").actions("beta") == {"ConfigMap/b": "blocked"}
    stage.ready(web)
    assert stage.run().status == 0
    assert stage.get("ConfigMap", "b") is not None


def test_s44_healthy_at_an_older_revision_is_not_enough(stage: Stage) -> None:
    stage.publish(alpha=[config("a", stage.namespace, k="1")], beta=[config("b", stage.namespace, k="1")], depends_on={"beta": ["alpha"]})
    assert stage.run().status == 0
    stage.publish(alpha=[config("a", stage.namespace, k="2")], beta=[config("b", stage.namespace, k="2")], depends_on={"beta": ["alpha"]})
    ran = stage.run("beta")
    assert (ran.status, ran.actions("beta")) == (1, {"ConfigMap/b": "blocked"})
    assert stage.live("ConfigMap", "b")["data"] == {"k": "1"}
    assert stage.run("alpha").status == 0
    assert stage.run("beta").status == 0


def test_s44_a_cycle_is_refused_before_anything_is_written(stage: Stage) -> None:
    stage.publish(alpha=[config("a", stage.namespace)], beta=[config("b", stage.namespace)], depends_on={"alpha": ["beta"], "beta": ["alpha"]})
    since = stage.mark()
    with pytest.raises(Invalid, match="alpha → beta → alpha"):
        stage.run()
    assert stage.requests(since) == []


def test_s45_a_suspended_environment_is_left_alone(stage: Stage) -> None:
    one = config("a", stage.namespace, k="1")
    stage.applied(one)
    stage.patch(one, {"data": {"k": "9"}})
    stage.lock["reconcile"] = {"suspend": True}
    stage.publish(one)
    since = stage.mark()
    ran = stage.run()
    assert (ran.status, stage.writes(since, own=True)) == (0, [])
    assert stage.live("ConfigMap", "a")["data"] == {"k": "9"}
    stage.lock["reconcile"] = {}
    stage.applied(one)
    assert stage.live("ConfigMap", "a")["data"] == {"k": "1"}


def test_s49_what_a_secret_holds_is_in_no_output(stage: Stage) -> None:
    def secret(value: str) -> dict[str, Any]:
        return {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "key", "namespace": stage.namespace},
            "stringData": {"password": value, "same": "constant-canary"},
        }

    stage.applied(secret("first-canary"))
    stage.patch(secret(""), {"data": {"password": base64.b64encode(b"edited-canary").decode()}})
    stage.publish(secret("second-canary"))
    outputs = [stage.run(dry_run=True), stage.run()]
    stage.patch(secret(""), {"data": {"password": base64.b64encode(b"edited-canary").decode()}})
    outputs.append(stage.run())
    everything = "".join(f"{ran.result.data}{ran.result.text}{ran.said}" for ran in outputs)
    assert ("key", "changed", "data.password", "kubectl-patch") in outputs[-1].drift()
    for value in (b"first-canary", b"second-canary", b"edited-canary", b"constant-canary"):
        assert value.decode() not in everything
        assert base64.b64encode(value).decode() not in everything


def test_s54_a_thousand_objects_cost_few_requests(stage: Stage) -> None:
    stage.applied(*[config(f"c{number}", stage.namespace, k=str(number)) for number in range(1000)], timeout="10m")
    assert stage.run().status == 0
    since = stage.mark()
    ran = stage.run()
    assert (ran.status, set(ran.actions().values())) == (0, {"unchanged"})
    assert stage.writes(since, own=True) == []
    assert len(stage.requests(since)) <= 30


def test_a_revision_that_does_not_descend_from_the_last_is_refused(stage: Stage) -> None:
    from gitopsc.diagnostics import Conflict
    from tests.repository.scene import git

    first = stage.publish(config("a", stage.namespace, k="1"))
    stage.applied(config("a", stage.namespace, k="2"))
    git(stage.repository, "update-ref", "refs/heads/main", first)
    with pytest.raises(Conflict, match="history was rewritten"):
        stage.run()
    assert stage.live("ConfigMap", "a")["data"] == {"k": "2"}
    assert stage.run(accept_rewrite=True).status == 0
    assert stage.live("ConfigMap", "a")["data"] == {"k": "1"}


def test_another_cluster_than_the_pinned_one_is_refused(stage: Stage) -> None:
    stage.lock["target"]["uid"] = "another"
    stage.publish(config("a", stage.namespace, k="1"))
    with pytest.raises(Invalid, match="expected the cluster whose kube-system has the UID another"):
        stage.run()
    uid = stage.live("Namespace", "kube-system")["metadata"]["uid"]
    assert uid in str(stage.run(pin=True).result.text)
    stage.lock["target"]["uid"] = uid
    stage.applied(config("a", stage.namespace, k="1"))


def test_a_hand_edited_manifest_is_refused(stage: Stage) -> None:
    from tests.repository.scene import git

    stage.publish(config("a", stage.namespace, k="1"))
    work = stage.folder / "work"
    git(stage.folder, "clone", "-q", str(stage.repository), str(work))
    file = next((work / stage.environment / "shop").glob("configmap-a.yaml"))
    file.write_text(file.read_text().replace('"1"', '"2"'))
    git(work, "commit", "-qam", "by hand")
    git(work, "push", "-q")
    ran = stage.run()
    assert (ran.status, "by hand" in ran.said) == (2, True)
    assert stage.get("ConfigMap", "a") is None
