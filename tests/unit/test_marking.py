"""What a pass says of single objects, and which of it goes on the object itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gitopsc.cluster.desired import Target, wanted
from gitopsc.cluster.drift import Finding, absent
from gitopsc.cluster.health import Health
from gitopsc.cluster.outcome import Outcome
from gitopsc.marking import marks
from gitopsc.objects import ObjectRef
from tests.unit.test_telling import CHANGED, WEB, report

OLD = ObjectRef("", "ConfigMap", "shop", "old")
MANIFEST = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"}}
TARGET = Target("prod", "web", True, "r-1", "1.0.0", 1, "9d1d", (wanted(MANIFEST, "set"),))


def said(**more: Any) -> list[tuple[str, str, str, bool, bool]]:
    return [(one.word, str(one.ref), one.message, one.lasting, one.here) for one in marks(report(**{"target": TARGET, **more}))]


def test_of_what_is_well_nothing_is_said() -> None:
    assert said() == []


def test_all_drift_of_an_object_is_one_event_that_says_who_and_what_became_of_it() -> None:
    found = (CHANGED, Finding(WEB, "extra", "spec.paused", "someone", None))
    text = "spec.replicas is changed by kubectl-edit at 2026-01-01T00:00:00Z; spec.paused is extra by someone"
    assert said(drift=found) == [("drift", str(WEB), f"{text}; healed", False, True)]
    assert said(drift=found, open=True) == [("drift", str(WEB), f"{text}; left as it is", True, True)]


def test_what_is_missing_is_said_on_the_inventory_and_a_missing_field_on_the_object() -> None:
    assert said(drift=(absent(WEB),)) == [("missing", str(WEB), f"{WEB} is missing, made again", False, False)]
    assert [one[0] for one in said(drift=(Finding(WEB, "missing", "spec.replicas"),))] == ["drift"]


def test_a_field_that_is_fought_over_is_said_as_well() -> None:
    ((word, _, message, lasting, _),) = said(drift=(replace(CHANGED, kind="contended"),))
    assert (word, message, lasting) == ("contended", "spec.replicas is contended by kubectl-edit at 2026-01-01T00:00:00Z", True)


def test_a_refused_apply_and_a_refused_prune_are_told_apart() -> None:
    outcomes = (Outcome(WEB, "failed", "refused"), Outcome(OLD, "failed", "denied"))
    assert [one[:3] for one in said(outcomes=outcomes)] == [("failed", str(WEB), "refused"), ("prune", str(OLD), "denied")]
    stuck = (Outcome(OLD, "pruned", "its finalizers are not done", Health("terminating")),)
    assert [one[:3] for one in said(outcomes=stuck)] == [("prune", str(OLD), "its finalizers are not done")]


def test_what_is_pruned_is_said_on_the_inventory() -> None:
    (one,) = said(outcomes=(Outcome(OLD, "pruned"),))
    assert one == ("pruned", str(OLD), f"{OLD} is pruned: it is not in Git any more", False, False)


def test_health_counts_when_it_failed_or_took_too_long() -> None:
    waits, failed = Outcome(WEB, "configured", "", Health("in-progress", "0 of 1")), Outcome(WEB, "configured", "", Health("failed", "no image"))
    assert said(verdict="unknown", outcomes=(waits,)) == []
    assert [one[:3] for one in said(verdict="degraded", outcomes=(waits,))] == [("degraded", str(WEB), "0 of 1")]
    assert [one[:3] for one in said(verdict="degraded", outcomes=(failed,))] == [("degraded", str(WEB), "no image")]
