"""Scenarios 9 to 16 and 23: fields of others, hand-overs, client-side apply, conflicts, versions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cluster.stage import Stage, config, deployment
from tests.kube import ApiServer

pytestmark = pytest.mark.cluster
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
LEFT_TO_OTHERS = {"gitopsc.dev/ignore": "spec.replicas", "gitopsc.dev/health": "ignore"}
NO_WAIT = {"gitopsc.dev/health": "ignore"}


@pytest.fixture
def stage(api_server: ApiServer, tmp_path: Path) -> Stage:
    return Stage(api_server, tmp_path)


def owned(live: dict[str, Any], manager: str, operation: str = "Apply") -> dict[str, Any]:
    """What a manager owns."""
    entries = [e for e in live["metadata"]["managedFields"] if (e["manager"], e["operation"]) == (manager, operation) and not e.get("subresource")]
    fields: dict[str, Any] = entries[0]["fieldsV1"] if entries else {}
    return fields


def test_s09_an_ignored_field_that_another_applies_is_not_ours(stage: Stage) -> None:
    first = deployment("web", stage.namespace, annotations=LEFT_TO_OTHERS, replicas=1)
    stage.applied(first)
    bare = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": stage.namespace}, "spec": {"replicas": 5}}
    stage.apply(bare, "scaler", force=True)
    ran = stage.applied(deployment("web", stage.namespace, "example.com/web:2", LEFT_TO_OTHERS, replicas=1))
    assert ran.actions() == {"Deployment/web": "configured"}
    live = stage.live("Deployment", "web", "apps/v1")
    assert live["spec"]["template"]["spec"]["containers"][0]["image"] == "example.com/web:2"
    assert live["spec"]["replicas"] == 5
    assert "f:replicas" not in owned(live, "gitopsc")["f:spec"]
    assert (stage.run().status, stage.run().drift()) == (0, [])


def test_s10_an_ignored_field_that_another_updated_is_kept_and_ours(stage: Stage) -> None:
    stage.lock["reconcile"] = {"ignore": [{"kind": "Deployment", "name": "web", "paths": ["spec.replicas"]}]}
    stage.applied(deployment("web", stage.namespace, annotations=NO_WAIT, replicas=1))
    stage.patch(deployment("web", stage.namespace), {"spec": {"replicas": 5}}, "kubectl-edit")
    ran = stage.run()
    assert (ran.status, ran.drift()) == (0, [])
    stage.applied(deployment("web", stage.namespace, "example.com/web:2", NO_WAIT, replicas=1))
    live = stage.live("Deployment", "web", "apps/v1")
    assert (live["spec"]["template"]["spec"]["containers"][0]["image"], live["spec"]["replicas"]) == ("example.com/web:2", 5)
    assert "f:replicas" in owned(live, "gitopsc")["f:spec"]


def scaled(stage: Stage, replicas: int) -> None:
    """What an autoscaler does."""
    status, body = stage.server.ask(
        "PATCH",
        f"/apis/apps/v1/namespaces/{stage.namespace}/deployments/web/scale?fieldManager=autoscaler",
        {"spec": {"replicas": replicas}},
        "application/merge-patch+json",
    )
    assert status == 200, body


def test_s11_replicas_that_git_does_not_name_are_left_alone(stage: Stage) -> None:
    stage.applied(deployment("web", stage.namespace, annotations=NO_WAIT))
    scaled(stage, 5)
    ran = stage.run()
    assert (ran.status, ran.drift()) == (0, [])
    stage.applied(deployment("web", stage.namespace, "example.com/web:2", NO_WAIT))
    assert stage.live("Deployment", "web", "apps/v1")["spec"]["replicas"] == 5


def autoscaler(namespace: str) -> dict[str, Any]:
    """An HPA of the Deployment ``web``."""
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    spec = {"scaleTargetRef": target, "minReplicas": 2, "maxReplicas": 9}
    return {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "web", "namespace": namespace}, "spec": spec}


@pytest.mark.parametrize("whose", ["ours", "somebody's"])
def test_s12_replicas_are_handed_over_to_an_autoscaler(stage: Stage, whose: str) -> None:
    scaler = autoscaler(stage.namespace)
    mine = [scaler] if whose == "ours" else []
    if whose != "ours":
        stage.put(scaler)
    stage.applied(deployment("web", stage.namespace, annotations=NO_WAIT, replicas=3), *mine)
    # The autoscaler has not scaled yet: nobody but us keeps the 3, and letting go of it would reset it to 1.
    stage.applied(deployment("web", stage.namespace, annotations=NO_WAIT), *mine)
    assert stage.live("Deployment", "web", "apps/v1")["spec"]["replicas"] == 3
    assert stage.run().drift() == []
    scaled(stage, 7)
    ran = stage.run()
    assert (ran.status, ran.drift()) == (0, [])
    live = stage.live("Deployment", "web", "apps/v1")
    assert live["spec"]["replicas"] == 7
    assert "f:replicas" not in owned(live, "gitopsc")["f:spec"]


def test_s12_replicas_that_an_autoscaler_owns_already_stay(stage: Stage) -> None:
    scaler = autoscaler(stage.namespace)
    stage.applied(deployment("web", stage.namespace, annotations=NO_WAIT, replicas=3), scaler)
    scaled(stage, 7)
    stage.applied(deployment("web", stage.namespace, annotations=NO_WAIT), scaler)
    assert stage.live("Deployment", "web", "apps/v1")["spec"]["replicas"] == 7


def test_without_an_autoscaler_replicas_that_leave_git_go_back_to_the_default(stage: Stage) -> None:
    stage.applied(deployment("web", stage.namespace, annotations=NO_WAIT, replicas=3))
    stage.applied(deployment("web", stage.namespace, annotations=NO_WAIT))
    assert stage.live("Deployment", "web", "apps/v1")["spec"]["replicas"] == 1


def client_side(stage: Stage) -> dict[str, Any]:
    """A ConfigMap as ``kubectl apply`` leaves it."""
    one = config("a", stage.namespace, {LAST_APPLIED: '{"data":{"a":"1","b":"2"}}'}, a="1", b="2")
    return stage.put(one, "kubectl-client-side-apply")


def test_s13_what_kubectl_applied_becomes_ours(stage: Stage) -> None:
    client_side(stage)
    ran = stage.applied(config("a", stage.namespace, a="1"))
    assert ran.actions() == {"ConfigMap/a": "configured"}
    live = stage.live("ConfigMap", "a")
    assert live["data"] == {"a": "1"}
    assert {e["manager"] for e in live["metadata"]["managedFields"]} == {"gitopsc"}
    assert LAST_APPLIED not in live["metadata"].get("annotations", {})
    assert stage.run().actions() == {"ConfigMap/a": "unchanged"}


def test_s14_what_kubectl_applied_is_kept_where_the_manifest_only_merges(stage: Stage) -> None:
    client_side(stage)
    stage.applied(config("a", stage.namespace, {"gitopsc.dev/apply": "merge"}, a="1"))
    assert stage.live("ConfigMap", "a")["data"] == {"a": "1", "b": "2"}


def test_s15_a_field_that_another_applies_is_a_conflict_and_nothing_is_applied(stage: Stage) -> None:
    stage.apply(config("a", stage.namespace, k="theirs"), "other-tool")
    stage.publish(config("a", stage.namespace, k="ours"), config("b", stage.namespace, k="1"))
    since = stage.mark()
    ran = stage.run()
    assert ran.status == 4
    assert "data.k (applied by other-tool)" in ran.said
    assert ran.actions() == {"ConfigMap/a": "failed", "ConfigMap/b": "blocked"}
    assert stage.writes(since, own=True) == []
    assert stage.get("ConfigMap", "b") is None


@pytest.mark.parametrize("how", ["environment", "flag", "annotation"])
def test_s16_conflicts_can_be_forced(stage: Stage, how: str) -> None:
    stage.apply(config("a", stage.namespace, k="theirs"), "other-tool")
    if how == "environment":
        stage.lock["reconcile"] = {"conflicts": "force"}
    annotations = {"gitopsc.dev/conflicts": "force"} if how == "annotation" else None
    stage.applied(config("a", stage.namespace, annotations, k="ours"), **({"force_conflicts": True} if how == "flag" else {}))
    live = stage.live("ConfigMap", "a")
    assert live["data"] == {"k": "ours"}
    assert "f:data" not in owned(live, "other-tool")


def crd(plural: str, kind: str, group: str, versions: list[str]) -> dict[str, Any]:
    """A CustomResourceDefinition; v2 has a field more, with a default."""
    listed = []
    for name in versions:
        fields: dict[str, Any] = {"size": {"type": "integer"}}
        if name == "v2":
            fields |= {"colour": {"type": "string", "default": "red"}}
        schema = {"openAPIV3Schema": {"type": "object", "properties": {"spec": {"type": "object", "properties": fields}}}}
        listed.append({"name": name, "served": True, "storage": name == versions[-1], "schema": schema})
    names = {"plural": plural, "singular": kind.lower(), "kind": kind, "listKind": f"{kind}List"}
    spec = {"group": group, "scope": "Namespaced", "names": names, "versions": listed}
    return {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": f"{plural}.{group}"}, "spec": spec}


def widget(stage: Stage, group: str, version: str = "v1", **spec: Any) -> dict[str, Any]:
    """A custom object."""
    return {"apiVersion": f"{group}/{version}", "kind": "Widget", "metadata": {"name": "one", "namespace": stage.namespace}, "spec": spec}


def test_s21_a_definition_and_its_objects_in_one_run(stage: Stage) -> None:
    group = f"{stage.namespace}.example.com"
    ran = stage.applied(widget(stage, group, size=1), crd("widgets", "Widget", group, ["v1"]))
    assert ran.actions() == {f"CustomResourceDefinition/widgets.{group}": "created", "Widget/one": "created"}
    assert stage.live("Widget", "one", f"{group}/v1")["spec"] == {"size": 1}
    assert stage.run().actions() == {f"CustomResourceDefinition/widgets.{group}": "unchanged", "Widget/one": "unchanged"}


def test_s21_across_applications(stage: Stage) -> None:
    group = f"{stage.namespace}.example.com"
    stage.publish(alpha=[widget(stage, group, size=1)], beta=[crd("widgets", "Widget", group, ["v1"])])
    ran = stage.run()
    assert ran.status == 0, ran.said
    assert ran.actions("alpha") == {"Widget/one": "created"}


def test_s22_a_namespace_and_what_is_in_it(stage: Stage) -> None:
    name = f"{stage.namespace}-more"
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    stage.publish(config("a", name, k="1"), space)
    ran = stage.run(dry_run=True)
    assert ran.status == 1
    assert ran.actions() == {f"Namespace/{name}": "created", "ConfigMap/a": "created"}
    assert "not checked by the server" in ran.message("ConfigMap/a")
    assert stage.get("Namespace", name) is None
    ran = stage.run()
    assert (ran.status, ran.said) == (0, "")


def test_s23_an_object_moves_to_a_new_version_of_its_kind(stage: Stage) -> None:
    group = f"{stage.namespace}.example.com"
    stage.applied(crd("widgets", "Widget", group, ["v1"]), widget(stage, group, size=1))
    ran = stage.applied(crd("widgets", "Widget", group, ["v1", "v2"]), widget(stage, group, "v2", size=2))
    assert ran.actions() == {f"CustomResourceDefinition/widgets.{group}": "configured", "Widget/one": "configured"}
    live = stage.live("Widget", "one", f"{group}/v2")
    assert live["spec"] == {"size": 2, "colour": "red"}
    assert {e["apiVersion"] for e in live["metadata"]["managedFields"]} == {f"{group}/v2"}
    assert stage.run().actions() == {f"CustomResourceDefinition/widgets.{group}": "unchanged", "Widget/one": "unchanged"}


def test_a_missing_namespace_of_a_target_is_made_and_not_in_the_inventory(api_server: ApiServer, tmp_path: Path) -> None:
    stage = Stage(api_server, tmp_path, namespace=False)
    stage.lock["policy"] = {"podSecurity": "restricted", "plainSecrets": "allow"}
    stage.publish(config("a", stage.namespace, k="1"))
    assert stage.run(dry_run=True).actions() == {"ConfigMap/a": "created"}
    ran = stage.run()
    assert ran.status == 0
    assert ran.actions() == {f"Namespace/{stage.namespace}": "created", "ConfigMap/a": "created"}
    assert stage.live("Namespace", stage.namespace)["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert stage.inventory() == {f"ConfigMap/{stage.namespace}/a"}
