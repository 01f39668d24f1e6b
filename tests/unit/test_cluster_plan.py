"""The plan: what would be done, and what holds it back. A pure function, so each case is a line."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest

from gitopsc.cluster.inventory import CONFIRM, Inventory, Verified, applyset_id
from gitopsc.cluster.normal import live_digest
from gitopsc.cluster.plan import ApplicationPlan, Seen, plan
from gitopsc.cluster.settings import Ignored, Rules, read_rules, seconds
from gitopsc.objects import ObjectRef
from tests.unit.live import APPLICATION, ENVIRONMENT, ID, Object, applied, config, entry, ref, target, want

PARENT: Object = {"metadata": {"name": "gitopsc.prod.shop", "annotations": {}}}
PVC = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data", "namespace": "shop"}, "spec": {}}
NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}


def inventory(*manifests: Object, live: bool = True, **fields: Any) -> Inventory:
    """What was applied and verified before."""
    objects = {}
    for data in manifests:
        one = want(data)
        objects[one.ref] = Verified(one.digest, live_digest(applied(data))) if live else None
    return Inventory(ENVIRONMENT, APPLICATION, objects=objects, rendered="t1", parent=PARENT, **fields)


def seen(*live: Object, **fields: Any) -> Seen:
    """What is there."""
    from gitopsc.cluster.observe import identity

    return Seen({identity(one): one for one in live}, **fields)


def made(
    wanted: list[Object], before: Inventory, there: Seen, rules: Rules | None = None, others: tuple[tuple[str, ObjectRef], ...] = (), **fields: Any
) -> ApplicationPlan:
    """The plan."""

    def wants(application: str, one: ObjectRef) -> bool:
        return any(one == other and application in ("", name) for name, other in others)

    return plan(target(*wanted, **fields), before, there, rules or Rules(), wants, revision="c0ffee")


def actions(one: ApplicationPlan) -> dict[str, str]:
    """Name → action."""
    return {step.ref.name: step.action for step in one.steps}


def codes(one: ApplicationPlan) -> list[str]:
    """Why nothing is written."""
    return [refusal.code for refusal in one.refusals]


EMPTY = Inventory(ENVIRONMENT, APPLICATION)
A, B, C = config("a", k="1"), config("b", k="1"), config("c", k="1")


def test_an_empty_cluster_gets_everything_in_order() -> None:
    one = made([A, NAMESPACE], EMPTY, seen())
    assert [(step.ref.kind, step.action, step.settled) for step in one.steps] == [("Namespace", "create", False), ("ConfigMap", "create", False)]
    assert one.is_new


def test_what_is_as_it_was_verified_costs_nothing() -> None:
    one = made([A, B], inventory(A, B), seen(applied(A), applied(B)))
    assert actions(one) == {"a": "unchanged", "b": "unchanged"}
    assert not one.is_new


def test_a_changed_manifest_or_object_is_asked_about() -> None:
    changed = config("a", k="2")
    drifted = copy.deepcopy(applied(B))
    drifted["data"]["k"] = "9"
    one = made([changed, B], inventory(A, B), seen(applied(A), drifted))
    assert [(step.ref.name, step.action, step.settled) for step in one.steps] == [("a", "check", False), ("b", "check", True)]


def test_a_missing_object_is_drift_only_if_it_was_applied_like_this() -> None:
    one = made([A, B], inventory(A), seen())
    assert [(step.ref.name, step.action, step.settled) for step in one.steps] == [("a", "create", True), ("b", "create", False)]


def test_an_object_without_hashes_is_asked_about() -> None:
    one = made([A], inventory(A, live=False), seen(applied(A)))
    assert actions(one) == {"a": "check"}
    assert not one.steps[0].settled


def test_ignored_fields_do_not_matter() -> None:
    rules = Rules(ignore=(Ignored(None, "ConfigMap", None, None, (("data", "k"),)),))
    verified = Verified(want(A).digest, live_digest(applied(A), [("data", "k")]))
    drifted = copy.deepcopy(applied(A))
    drifted["data"]["k"] = "9"
    before = replace(inventory(A), objects={ref("a"): verified})
    assert actions(made([A], before, seen(drifted), rules)) == {"a": "unchanged"}


def test_what_is_no_longer_wanted_is_pruned_backwards() -> None:
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "role", "namespace": "shop"}}
    deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"}}
    one = made([A], inventory(A, role, deployment), seen(applied(A), applied(role), applied(deployment)))
    assert [(step.ref.name, step.action) for step in one.steps] == [("a", "unchanged"), ("web", "prune"), ("role", "prune")]
    assert one.refusals == ()


LEAVING: dict[str, tuple[Object | None, str]] = {
    "gone": (None, "forget"),
    "ours": (applied(B), "prune"),
    "opted out": (applied(config("b", annotations={"gitopsc.dev/prune": "disabled"}, k="1")), "release"),
    "another ApplySet's": (applied(B, label="applyset-other-v1"), "forget"),
    "label removed": (applied(B, label=None), "prune"),
    "made anew by somebody": (applied(B, label=None, manager="kubectl"), "forget"),
}


@pytest.mark.parametrize("case", LEAVING)
def test_what_becomes_of_an_object_that_left_git(case: str) -> None:
    live, expected = LEAVING[case]
    one = made([A], inventory(A, B), seen(applied(A), *([live] if live else [])))
    assert actions(one) == {"a": "unchanged", "b": expected}


def test_what_another_application_wants_now_is_not_pruned() -> None:
    one = made([A], inventory(A, B), seen(applied(A), applied(B)), others=(("other", ref("b")),))
    assert actions(one) == {"a": "unchanged", "b": "forget"}


def test_what_cannot_be_read_is_neither_pruned_nor_taken_for_absent() -> None:
    there = seen(applied(A), unreadable={ref("b"): "forbidden"})
    assert actions(made([A], inventory(A, B), there)) == {"a": "unchanged", "b": "keep"}
    wanted = made([A, B], inventory(A, B), there)
    assert [(step.action, step.unreadable) for step in wanted.steps] == [("unchanged", ""), ("check", "forbidden")]


def test_nothing_rendered_is_refused() -> None:
    one = made([], inventory(A), seen(applied(A)))
    assert codes(one) == ["empty"]
    assert codes(made([], inventory(A), seen(applied(A)), Rules(allow_empty=True))) == []


@pytest.mark.parametrize(
    ("kept", "gone", "confirm", "expected"), [(3, 4, False, ["mass-prune"]), (3, 4, True, []), (4, 4, False, []), (0, 3, False, []), (2, 3, False, [])]
)
def test_more_than_half_and_more_than_three(kept: int, gone: int, confirm: bool, expected: list[str]) -> None:
    manifests = [config(f"m{number}", k="1") for number in range(kept + gone)]
    wanted = [*manifests[:kept], config("new", k="1")]
    one = made(wanted, inventory(*manifests), seen(*map(applied, manifests)), Rules(confirm_prune=confirm))
    assert codes(one) == expected


def test_a_tombstone_needs_no_flag() -> None:
    manifests = [config(f"m{number}", k="1") for number in range(9)]
    one = made([], inventory(*manifests), seen(*map(applied, manifests)), present=False)
    assert codes(one) == []
    assert set(actions(one).values()) == {"prune"}


def test_a_tombstone_by_policy_orphans() -> None:
    one = made([], inventory(A), seen(applied(A)), Rules(deletion_policy="orphan"), present=False)
    assert actions(one) == {"a": "release"}
    assert actions(made([B], inventory(A), seen(applied(A)), Rules(deletion_policy="orphan"))) == {"b": "create", "a": "prune"}


@pytest.mark.parametrize("data", [PVC, NAMESPACE], ids=["claim", "namespace"])
def test_what_holds_more_than_itself_needs_a_confirmation(data: Object) -> None:
    there = seen(applied(A), applied(data))
    assert codes(made([A], inventory(A, data), there)) == ["confirm-prune"]
    assert codes(made([A], inventory(A, data), there, Rules(confirm_prune=True))) == []
    confirmed = replace(inventory(A, data), parent={"metadata": {"name": "x", "annotations": {CONFIRM: "c0ffee"}}})
    assert codes(made([A], confirmed, there)) == []
    another = replace(confirmed, parent={"metadata": {"name": "x", "annotations": {CONFIRM: "another"}}})
    assert codes(made([A], another, there)) == ["confirm-prune"]


def test_a_namespace_with_others_in_it_is_kept_whatever_is_confirmed() -> None:
    there = seen(applied(A), applied(NAMESPACE), occupied={"shop": "Secret/theirs"})
    one = made([A], inventory(A, NAMESPACE), there, Rules(confirm_prune=True))
    assert actions(one) == {"a": "unchanged", "shop": "keep"}
    assert "Secret/theirs" in one.steps[-1].reason
    assert codes(made([A], inventory(A, NAMESPACE), there)) == []


def test_a_lost_inventory_is_made_again_and_nothing_pruned() -> None:
    there = seen(applied(A), applied(B), labelled={ID: [ref("a"), ref("b")]})
    one = made([A], EMPTY, there)
    assert actions(one) == {"a": "check", "b": "keep"}
    assert actions(made([A], inventory(A), there)) == {"a": "unchanged"}


OTHER = applyset_id(ENVIRONMENT, "other")
PARENTS = {
    OTHER: Inventory(ENVIRONMENT, "other"),
    "applyset-elsewhere-v1": Inventory("staging", APPLICATION),
}


def edited(label: str) -> Object:
    """An object whose label somebody edited."""
    live = applied(A, entry("kubectl-edit", {"f:metadata": {"f:labels": {"f:applyset.kubernetes.io/part-of": {}}}}, "Update"), label=label)
    live["metadata"]["managedFields"][0]["fieldsV1"]["f:metadata"]["f:labels"] = {".": {}}
    return live


OWNED: dict[str, tuple[Object, Inventory, tuple[tuple[str, ObjectRef], ...], Rules, str]] = {
    "nobody's": (applied(A, label=None, manager="kubectl"), EMPTY, (), Rules(), "adopted"),
    "nobody's, never adopted": (applied(A, label=None, manager="kubectl"), EMPTY, (), Rules(adopt="never"), "refused"),
    "nobody's, known from before": (applied(A, label=None), inventory(A), (), Rules(adopt="never"), "ours"),
    "another application's, which wants it": (applied(A, label=OTHER), EMPTY, (("other", ref("a")),), Rules(), "refused"),
    "another application's, forced": (applied(A, label=OTHER), EMPTY, (("other", ref("a")),), Rules(adopt="force"), "adopted"),
    "another application's, which no longer wants it": (applied(A, label=OTHER), EMPTY, (), Rules(), "adopted"),
    "another environment's": (applied(A, label="applyset-elsewhere-v1"), EMPTY, (), Rules(), "refused"),
    "kubectl's": (applied(A, label="applyset-kubectl-v1"), EMPTY, (), Rules(), "refused"),
    "ours, label edited": (edited("nonsense"), inventory(A), (), Rules(), "ours"),
    "Flux's": (
        applied(config("a", k="1") | {"metadata": {**A["metadata"], "labels": {"kustomize.toolkit.fluxcd.io/name": "x"}}}, label=None),
        EMPTY,
        (),
        Rules(),
        "refused",
    ),
    "Helm's": (applied(config("a", annotations={"meta.helm.sh/release-name": "x"}, k="1"), label=None), EMPTY, (), Rules(), "refused"),
    "a controller's": (
        applied({**A, "metadata": {**A["metadata"], "ownerReferences": [{"kind": "Widget", "name": "w", "controller": True}]}}, label=None),
        EMPTY,
        (),
        Rules(),
        "refused",
    ),
}


@pytest.mark.parametrize("case", OWNED)
def test_whose_an_object_is(case: str) -> None:
    live, before, others, rules, expected = OWNED[case]
    one = made([A], before, seen(live, parents=PARENTS), rules, others)
    if expected == "refused":
        assert codes(one) == ["owned"]
        assert one.refusals[0].status == 4
    else:
        assert codes(one) == []
        assert one.steps[0].adopted is (expected == "adopted")


def test_a_manifest_may_say_that_it_takes_over() -> None:
    forced = config("a", annotations={"gitopsc.dev/adopt": "force"}, k="1")
    assert codes(made([forced], EMPTY, seen(applied(A, label=OTHER), parents=PARENTS), others=(("other", ref("a")),))) == []


def test_a_job_that_has_run_is_not_run_again() -> None:
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "migrate", "namespace": "shop", "annotations": {"gitopsc.dev/phase": "pre-deploy"}},
        "spec": {},
    }
    one = want(job)
    before = replace(inventory(job), completed={one.ref: one.digest})
    assert actions(made([job], before, seen())) == {"migrate": "done"}
    assert actions(made([{**job, "spec": {"x": 1}}], before, seen())) == {"migrate": "create"}


def test_rules_of_a_lock_and_flags() -> None:
    block = {
        "drift": "warn",
        "timeout": "1h30m",
        "interval": "90s",
        "ignore": [{"kind": "Deployment", "paths": ["spec.replicas"]}],
        "absorb": ["x"],
        "suspend": True,
    }
    rules = read_rules(block, confirm_prune=True, drift=None)
    assert (rules.drift, rules.timeout, rules.interval, rules.absorb, rules.suspend, rules.confirm_prune) == ("warn", 5400.0, 90.0, ("x",), True, True)
    assert rules.ignored(ObjectRef("apps", "Deployment", "a", "b"), {}) == (("spec", "replicas"),)
    assert rules.ignored(ref(), {"gitopsc.dev/ignore": "data.a, data.b"}) == (("data", "a"), ("data", "b"))
    assert read_rules({}, drift="warn").drift == "warn"
    assert read_rules({}) == Rules()


@pytest.mark.parametrize("text", ["", "5", "5x", "m", "1h 30m"])
def test_durations(text: str) -> None:
    if text == "5":
        assert seconds(text) == 5.0
    else:
        with pytest.raises(ValueError, match="expected a duration"):
            seconds(text)
