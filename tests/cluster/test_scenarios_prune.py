"""Scenarios 24 to 33, 38 and 51: what is no longer wanted goes, and nothing else does."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from gitopsc.cluster import applying, objects
from gitopsc.diagnostics import Invalid
from tests.cluster.stage import HOME, Stage, config, url
from tests.kube import ApiServer
from tests.waiting import until

pytestmark = pytest.mark.cluster


@pytest.fixture
def stage(api_server: ApiServer, tmp_path: Path) -> Stage:
    return Stage(api_server, tmp_path)


def three(stage: Stage, **annotations: dict[str, str]) -> list[dict[str, Any]]:
    """ConfigMaps a, b and c."""
    return [config(name, stage.namespace, annotations.get(name), k="1") for name in "abc"]


def test_s24_what_left_git_is_deleted_and_only_that_very_object(stage: Stage) -> None:
    a, b, c = three(stage)
    stage.applied(a, b, c)
    since = stage.mark()
    ran = stage.applied(a, b)
    assert ran.actions() == {"ConfigMap/a": "unchanged", "ConfigMap/b": "unchanged", "ConfigMap/c": "pruned"}
    assert stage.get("ConfigMap", "c") is None
    assert stage.writes(since) == [f"delete {url('ConfigMap', 'v1', stage.namespace, 'c')}"]
    assert stage.inventory() == {f"ConfigMap/{stage.namespace}/a", f"ConfigMap/{stage.namespace}/b"}


def test_s25_an_object_that_opted_out_is_kept_and_let_go_of(stage: Stage) -> None:
    a, b, c = three(stage, c={"gitopsc.dev/prune": "disabled"})
    stage.applied(a, b, c)
    ran = stage.applied(a, b)
    assert ran.actions()["ConfigMap/c"] == "skipped"
    assert "prune: disabled" in ran.message("ConfigMap/c")
    live = stage.live("ConfigMap", "c")
    assert live["data"] == {"k": "1"}
    assert "applyset.kubernetes.io/part-of" not in live["metadata"].get("labels", {})
    assert f"ConfigMap/{stage.namespace}/c" not in stage.inventory()
    assert stage.run().actions() == {"ConfigMap/a": "unchanged", "ConfigMap/b": "unchanged"}  # told once


def test_s26_what_somebody_else_has_now_is_not_deleted(stage: Stage) -> None:
    a, b, c = three(stage)
    stage.applied(a, b, c)
    stage.patch(c, {"metadata": {"labels": {"applyset.kubernetes.io/part-of": "applyset-other-v1"}}})
    stage.applied(a, b)
    assert stage.get("ConfigMap", "c") is not None
    assert f"ConfigMap/{stage.namespace}/c" not in stage.inventory()


def test_s27_what_was_made_anew_between_plan_and_delete_is_not_deleted(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    a, b, c = three(stage)
    stage.applied(a, b, c)
    real = objects.delete

    def late(*words: Any, **options: Any) -> Any:
        stage.delete(c)
        stage.put(config("c", stage.namespace, k="theirs"))
        monkeypatch.setattr(applying, "delete", real)
        return real(*words, **options)

    monkeypatch.setattr(applying, "delete", late)
    ran = stage.applied(a, b)
    assert ran.actions()["ConfigMap/c"] == "skipped"
    assert stage.live("ConfigMap", "c")["data"] == {"k": "theirs"}
    assert f"ConfigMap/{stage.namespace}/c" not in stage.inventory()
    assert stage.run().status == 0
    assert stage.get("ConfigMap", "c") is not None


def test_s28_nothing_rendered_is_refused(stage: Stage) -> None:
    stage.applied(*three(stage))
    stage.publish(shop=[])
    since = stage.mark()
    ran = stage.run()
    assert (ran.status, "--allow-empty" in ran.said) == (2, True)
    assert stage.writes(since, own=True) == []
    ran = stage.run(allow_empty=True)
    assert (ran.status, set(ran.actions().values())) == (0, {"pruned"})
    assert stage.get("ConfigMap", "a") is None


def test_s29_most_of_it_gone_is_refused(stage: Stage) -> None:
    many = [config(f"m{number}", stage.namespace, k="1") for number in range(7)]
    stage.applied(*many)
    stage.publish(many[0], config("m1", stage.namespace, k="2"))
    since = stage.mark()
    ran = stage.run()
    assert (ran.status, "--confirm-prune" in ran.said) == (2, True)
    assert stage.writes(since, own=True) == []
    ran = stage.run(confirm_prune=True)
    assert ran.status == 0
    assert stage.inventory() == {f"ConfigMap/{stage.namespace}/m0", f"ConfigMap/{stage.namespace}/m1"}


def test_s29_a_person_can_confirm_it_for_an_agent_on_the_parent(stage: Stage) -> None:
    many = [config(f"m{number}", stage.namespace, k="1") for number in range(7)]
    stage.applied(*many)
    revision = stage.publish(many[0])
    parent = stage.parent()
    assert parent is not None
    stage.patch({**parent, "kind": "ConfigMap", "apiVersion": "v1"}, {"metadata": {"annotations": {"gitopsc.dev/confirm-prune": revision}}})
    assert stage.run().status == 0


def test_an_environment_that_is_gone_is_refused(stage: Stage) -> None:
    stage.applied(*three(stage))
    here = stage.environment
    stage.environment = "never-built"
    with pytest.raises(Invalid, match="expected the environment 'never-built'"):
        stage.run()
    stage.environment = here
    assert stage.get("ConfigMap", "a") is not None


def test_s30_a_prune_that_is_denied_is_tried_again(stage: Stage) -> None:
    a, b, c = three(stage)
    stage.applied(a, b, c)
    name = f"keep.{stage.namespace}"
    policy = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": name},
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": stage.namespace}},
                "resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["DELETE"], "resources": ["configmaps"]}],
            },
            "validations": [{"expression": "false", "message": "nothing is deleted here"}],
        },
    }
    binding = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": name},
        "spec": {"policyName": name, "validationActions": ["Deny"]},
    }
    root = "/apis/admissionregistration.k8s.io/v1"
    assert stage.server.ask("POST", f"{root}/validatingadmissionpolicies", policy)[0] == 201
    assert stage.server.ask("POST", f"{root}/validatingadmissionpolicybindings", binding)[0] == 201
    until(lambda: stage.server.ask("DELETE", f"{url('ConfigMap', 'v1', stage.namespace, 'c')}?dryRun=All")[0] == 422)
    stage.publish(a, b)
    for _ in range(2):
        ran = stage.run()
        assert ran.status == 2
        assert ran.actions()["ConfigMap/c"] == "failed"
        assert "nothing is deleted here" in ran.said
        assert f"ConfigMap/{stage.namespace}/c" in stage.inventory()
    assert stage.server.ask("DELETE", f"{root}/validatingadmissionpolicybindings/{name}")[0] == 200
    until(lambda: stage.server.ask("DELETE", f"{url('ConfigMap', 'v1', stage.namespace, 'c')}?dryRun=All")[0] == 200)
    ran = stage.run()
    assert (ran.status, ran.actions()["ConfigMap/c"]) == (0, "pruned")
    assert stage.get("ConfigMap", "c") is None


def test_s31_what_a_finalizer_keeps_stays_in_the_inventory(stage: Stage) -> None:
    a, b, c = three(stage)
    stage.applied(a, b, c)
    stage.patch(c, {"metadata": {"finalizers": ["example.com/hold"]}})
    stage.publish(a, b)
    ran = stage.run(timeout="12s")
    assert ran.status == 1
    outcome = next(one for one in ran.application()["outcomes"] if one["object"]["name"] == "c")
    assert (outcome["action"], outcome["health"], "example.com/hold" in outcome["message"]) == ("pruned", "terminating", True)
    assert stage.live("ConfigMap", "c")["metadata"]["deletionTimestamp"]
    assert f"ConfigMap/{stage.namespace}/c" in stage.inventory()
    stage.patch(c, {"metadata": {"finalizers": None}})
    ran = stage.run()
    assert ran.status == 0
    assert f"ConfigMap/{stage.namespace}/c" not in stage.inventory()


def test_s32_a_namespace_with_others_in_it_is_kept(stage: Stage) -> None:
    name = f"{stage.namespace}-more"
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    a = config("a", stage.namespace, k="1")
    stage.applied(a, space)
    stage.put({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "theirs", "namespace": name}})
    stage.publish(a)
    ran = stage.run(confirm_prune=True)
    assert ran.status == 0
    assert ran.actions()[f"Namespace/{name}"] == "skipped"
    assert "Secret/theirs" in ran.said
    assert stage.live("Namespace", name)["metadata"].get("deletionTimestamp") is None
    assert f"Namespace//{name}" in stage.inventory()


def test_s32_an_empty_namespace_needs_a_confirmation(stage: Stage) -> None:
    name = f"{stage.namespace}-more"
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    a = config("a", stage.namespace, k="1")
    stage.applied(a, space)
    stage.publish(a)
    ran = stage.run()
    assert (ran.status, "--confirm-prune" in ran.said) == (2, True)
    ran = stage.run(confirm_prune=True, timeout="12s")  # nobody finalizes namespaces here
    assert stage.live("Namespace", name)["metadata"].get("deletionTimestamp")


def test_s33_an_object_moves_from_one_application_to_another(stage: Stage) -> None:
    a, b, c = three(stage)
    stage.publish(alpha=[a, b, c], beta=[config("d", stage.namespace, k="1")])
    assert stage.run().status == 0
    before = stage.live("ConfigMap", "c")["metadata"]["uid"]
    missed, stop = [], threading.Event()

    def poll() -> None:
        server = stage.server
        while not stop.is_set():
            if server.ask("GET", url("ConfigMap", "v1", stage.namespace, "c"))[0] != 200:
                missed.append(1)

    stage.publish(alpha=[a, b], beta=[config("d", stage.namespace, k="1"), c])
    thread = threading.Thread(target=poll)
    thread.start()
    ran = stage.run()
    stop.set()
    thread.join()
    assert (ran.status, missed) == (0, [])
    live = stage.live("ConfigMap", "c")
    assert live["metadata"]["uid"] == before
    assert f"ConfigMap/{stage.namespace}/c" in stage.inventory("beta")
    assert f"ConfigMap/{stage.namespace}/c" not in stage.inventory("alpha")
    assert stage.run().status == 0


@pytest.mark.parametrize("order", [("alpha", "beta"), ("beta", "alpha")])
def test_s33_one_application_after_the_other(stage: Stage, order: tuple[str, str]) -> None:
    a, b, c = three(stage)
    stage.publish(alpha=[a, b, c], beta=[config("d", stage.namespace, k="1")])
    assert stage.run().status == 0
    before = stage.live("ConfigMap", "c")["metadata"]["uid"]
    stage.publish(alpha=[a, b], beta=[config("d", stage.namespace, k="1"), c])
    for name in order:
        assert stage.run(name).status == 0
    assert stage.live("ConfigMap", "c")["metadata"]["uid"] == before
    assert f"ConfigMap/{stage.namespace}/c" in stage.inventory("beta")


def test_s38_a_lost_inventory_is_made_again_and_nothing_pruned_meanwhile(stage: Stage) -> None:
    a, b, c = three(stage)
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": stage.namespace}, "spec": {"ports": [{"port": 80}]}}
    stage.applied(a, b, c, service)
    parent = stage.parent()
    assert parent is not None
    stage.delete({**parent, "kind": "ConfigMap", "apiVersion": "v1"})
    ran = stage.applied(a, b)
    assert ran.actions() == {"ConfigMap/a": "unchanged", "ConfigMap/b": "unchanged", "Service/web": "skipped", "ConfigMap/c": "skipped"}
    assert stage.get("Service", "web") is not None
    assert {f"ConfigMap/{stage.namespace}/c", f"Service/{stage.namespace}/web"} <= stage.inventory()
    ran = stage.run()
    assert (ran.status, ran.actions()["Service/web"]) == (0, "pruned")


def test_an_object_with_a_copied_label_is_not_ours(stage: Stage) -> None:
    a, b, c = three(stage)
    stage.applied(a, b, c)
    copy = stage.live("ConfigMap", "c")
    stage.put({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "copy", "namespace": stage.namespace, "labels": copy["metadata"]["labels"]}})
    parent = stage.parent()
    assert parent is not None
    stage.delete({**parent, "kind": "ConfigMap", "apiVersion": "v1"})
    for _ in range(2):
        assert stage.run().status == 0
    assert stage.get("ConfigMap", "copy") is not None


@pytest.mark.parametrize("policy", ["prune", "wait", "orphan"])
def test_s51_an_application_that_is_gone(stage: Stage, policy: str) -> None:
    stage.lock["reconcile"] = {"deletionPolicy": policy}
    stage.applied(*three(stage))
    stage.publish(shop=None)
    since = stage.mark()
    ran = stage.run()
    assert ran.status == 0
    assert stage.parent() is None
    writes = stage.writes(since, own=True)
    assert writes[-1] == f"delete {url('ConfigMap', 'v1', HOME, f'gitopsc.{stage.environment}.shop')}"
    live = stage.get("ConfigMap", "a")
    if policy == "orphan":
        assert live is not None
        assert live["data"] == {"k": "1"}
        assert "applyset.kubernetes.io/part-of" not in live["metadata"].get("labels", {})
    else:
        assert live is None
    since = stage.mark()
    assert (stage.run().status, stage.writes(since, own=True)) == (0, [])


def test_an_application_whose_folder_is_gone_without_a_word_is_left(stage: Stage) -> None:
    a, b, _ = three(stage)
    stage.publish(alpha=[a], beta=[b])
    assert stage.run().status == 0
    stage.revert_to(stage.publish(alpha=[a]), without="beta")
    ran = stage.run()
    assert (ran.status, "application-left" in ran.said) == (0, True)
    assert stage.get("ConfigMap", "b") is not None


def test_what_goes_goes_backwards_and_each_layer_waits_for_the_one_after_it(stage: Stage) -> None:
    a, b, c = three(stage)
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "web", "namespace": stage.namespace}}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": stage.namespace}, "spec": {"ports": [{"port": 80}]}}
    stage.applied(a, b, c, account, service)
    stage.patch(service, {"metadata": {"finalizers": ["example.com/hold"]}})
    stage.publish(a, b, c)
    assert stage.run(timeout="12s").status == 1
    assert stage.get("ServiceAccount", "web") is not None
    stage.patch(service, {"metadata": {"finalizers": None}})
    since = stage.mark()
    assert stage.run().status == 0
    assert stage.writes(since) == [f"delete {url('ServiceAccount', 'v1', stage.namespace, 'web')}"]
