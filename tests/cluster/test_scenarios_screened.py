"""Manifests that no server can read are told before anything of their application is written; what the server takes is never in the way."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gitopsc.cluster.settings import PREFIX
from tests.cluster.stage import Stage, config, deployment, url
from tests.faults import FaultProxy, answering
from tests.kube import ApiServer
from tests.repository.scene import git

pytestmark = pytest.mark.cluster


@pytest.fixture
def stage(api_server: ApiServer, tmp_path: Path) -> Stage:
    return Stage(api_server, tmp_path)


def test_nothing_of_an_application_with_a_wrong_manifest_is_written(stage: Stage) -> None:
    wrong = deployment("web", stage.namespace, replicas="three")
    wrong["spec"]["tempalte"] = {}
    stage.publish(shop=[config("a", stage.namespace, k="1"), wrong], other=[config("b", stage.namespace, k="1")])
    since = stage.mark()
    ran = stage.run()
    assert ran.status == 2
    file = f"{stage.environment}/shop/deployment-web.yaml: Deployment/web"
    assert f"wrong-type: {file}: spec.replicas: expected a whole number, found 'three'" in ran.said
    assert f"unknown-field: {file}: spec.tempalte: unknown field 'tempalte' did you mean 'template'?" in ran.said
    assert ran.application()["outcomes"] == []
    assert ran.application("other")["verdict"] == "verified"
    assert stage.get("ConfigMap", "a") is None
    assert {one.split("/")[-1] for one in stage.writes(since)} == {"b"}
    assert stage.parent() is None
    del wrong["spec"]["tempalte"]
    wrong["spec"]["replicas"] = 0
    wrong["metadata"]["annotations"] = {f"{PREFIX}health": "ignore"}
    assert stage.applied(config("a", stage.namespace, k="1"), wrong).actions() == {"ConfigMap/a": "created", "Deployment/web": "created"}


def test_what_was_applied_stays_while_the_new_one_is_wrong(stage: Stage) -> None:
    stage.applied(config("a", stage.namespace, k="1"))
    stage.publish({**config("a", stage.namespace), "data": {"k": 2}})
    since = stage.mark()
    ran = stage.run()
    assert (ran.status, stage.writes(since)) == (2, [])
    assert stage.live("ConfigMap", "a")["data"] == {"k": "1"}
    assert stage.run(dry_run=True).status == 2


def test_an_application_that_did_not_change_is_not_looked_at(stage: Stage) -> None:
    stage.applied(config("a", stage.namespace, k="1"))
    since = stage.mark()
    assert stage.run().status == 0
    assert not [one for one in stage.requests(since) if "/version" in one]


def test_an_api_that_the_server_has_no_more(stage: Stage) -> None:
    budget = {"apiVersion": "policy/v1beta1", "kind": "PodDisruptionBudget", "metadata": {"name": "web", "namespace": stage.namespace}}
    stage.publish(config("a", stage.namespace, k="1"), budget)
    ran = stage.run()
    assert (ran.status, stage.get("ConfigMap", "a")) == (2, None)
    assert "found policy/v1beta1 use policy/v1" in ran.said


def test_a_manifest_that_is_whole_only_with_what_others_own_is_applied(stage: Stage) -> None:
    """Half a Deployment, edited by hand: the server completes it with what is there already."""
    whole = deployment("web", stage.namespace, replicas=0)
    stage.apply(whole, "somebody")
    half = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": stage.namespace, "annotations": {f"{PREFIX}health": "ignore"}},
        "spec": {"minReadySeconds": 3},
    }
    assert stage.applied(half).actions() == {"Deployment/web": "configured"}
    assert stage.live("Deployment", "web", "apps/v1")["spec"]["minReadySeconds"] == 3


def test_fields_of_custom_kinds_are_for_the_server_to_judge(stage: Stage) -> None:
    group = f"{stage.namespace}.example.com"
    schema = {"type": "object", "properties": {"spec": {"type": "object", "required": ["size"], "properties": {"size": {"type": "integer", "default": 1}}}}}
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"widgets.{group}"},
        "spec": {
            "group": group,
            "names": {"kind": "Widget", "plural": "widgets"},
            "scope": "Namespaced",
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}],
        },
        "status": {},
    }
    widget = {"apiVersion": f"{group}/v1", "kind": "Widget", "metadata": {"name": "w", "namespace": stage.namespace}, "spec": {}}
    stage.applied(definition, widget)
    assert stage.server.ask("GET", url("Widget", f"{group}/v1", stage.namespace, "w"))[1]["spec"] == {"size": 1}


def test_what_was_applied_last_is_kept_while_the_new_one_may_not_come(stage: Stage) -> None:
    """Its drift is told and healed, nothing of the new one is brought, and nobody takes it for verified."""
    one, two = config("a", stage.namespace, k="1"), config("b", stage.namespace, k="1")
    first = stage.publish(one, two)
    assert stage.run().status == 0
    stage.publish(
        shop=[{**one, "data": {"k": 2}}],
        later=[config("l", stage.namespace, k="1")],
        depends_on={"later": ["shop"]},
    )
    stage.patch(one, {"data": {"k": "9"}})
    ran = stage.run()
    assert ran.status == 2
    assert "wrong-type: " in ran.said
    assert ran.drift() == [("a", "changed", "data.k", "kubectl-patch")]
    assert ran.actions() == {"ConfigMap/a": "configured", "ConfigMap/b": "unchanged"}
    assert (ran.application()["verdict"], ran.application()["generation"]) == ("unknown", 1)
    assert stage.live("ConfigMap", "a")["data"] == {"k": "1"}
    assert stage.get("ConfigMap", "l") is None, "what depends on it waits for the new one"
    parent = stage.parent()
    assert parent is not None
    assert first in str(parent["data"]), "the revision applied last is still the first one"
    stage.delete(two)
    assert stage.run(drift="warn").status == 2
    assert stage.get("ConfigMap", "b") is None
    assert stage.run().actions() == {"ConfigMap/a": "unchanged", "ConfigMap/b": "created"}
    assert stage.applied({**one, "data": {"k": "2"}}, two).actions() == {"ConfigMap/a": "configured", "ConfigMap/b": "unchanged"}


def test_what_was_applied_last_may_not_be_known_any_more(stage: Stage) -> None:
    one = config("a", stage.namespace, k="1")
    stage.applied(one)
    git(stage.repository, "update-ref", "-d", "refs/heads/main")
    git(stage.repository, "reflog", "expire", "--expire=now", "--all")
    git(stage.repository, "gc", "-q", "--prune=now")
    stage.publish({**one, "data": {"k": 2}})
    stage.patch(one, {"data": {"k": "9"}})
    since = stage.mark()
    ran = stage.run(accept_rewrite=True)
    assert (ran.status, stage.writes(since)) == (2, [])
    assert "what is there is left as it is, drift and all: what was applied last is not known to the repository any more" in ran.said


def test_an_object_stays_with_the_application_that_is_held(stage: Stage) -> None:
    moved, wrong = config("m", stage.namespace, k="1"), {**config("a", stage.namespace), "data": {"k": 2}}
    stage.applied(config("a", stage.namespace, k="1"), moved)
    uid = stage.live("ConfigMap", "m")["metadata"]["uid"]
    stage.publish(shop=[wrong], other=[moved])
    ran = stage.run()
    assert ran.status == 2
    assert stage.inventory() >= {f"ConfigMap/{stage.namespace}/m"}
    assert stage.live("ConfigMap", "m")["metadata"]["labels"]["applyset.kubernetes.io/part-of"] == stage.id
    stage.publish(shop=[config("a", stage.namespace, k="2")], other=[moved])
    assert stage.run().status == 0
    assert stage.live("ConfigMap", "m")["metadata"]["uid"] == uid
    assert stage.inventory() == {f"ConfigMap/{stage.namespace}/a"}


def test_a_server_that_does_not_tell_its_version_judges_for_itself(stage: Stage) -> None:
    said = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Forbidden", "message": "no", "code": 403}
    with FaultProxy(stage.server.url) as proxy:
        proxy.fault("GET", r"^/version", answering(403, json.dumps(said).encode(), **{"Content-Type": "application/json"}), times=None)
        kubeconfig = stage.folder / "untold"
        kubeconfig.write_text(stage.server.kubeconfig.read_text().replace(stage.server.url, proxy.url))
        stage.applied(config("a", stage.namespace, k="1"), kubeconfig=str(kubeconfig))
        stage.publish({**config("a", stage.namespace), "data": {"k": 2}})
        ran = stage.run(kubeconfig=str(kubeconfig))
    assert ran.status > 1
    assert ran.actions() == {"ConfigMap/a": "failed"}
