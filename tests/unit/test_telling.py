"""From reports to events and numbers: what is said of a pass, and what a pass cannot say."""

from __future__ import annotations

from typing import Any

from gitopsc.agent.metrics import Metrics
from gitopsc.cluster.desired import Target
from gitopsc.cluster.drift import Finding
from gitopsc.cluster.health import Health
from gitopsc.cluster.inventory import Inventory
from gitopsc.cluster.outcome import Outcome, Report
from gitopsc.cluster.trouble import Trouble
from gitopsc.objects import ObjectRef
from gitopsc.telling import measure, told, unread

WEB = ObjectRef("apps", "Deployment", "shop", "web")
CHANGED = Finding(WEB, "changed", "spec.replicas", "kubectl-edit", "2026-01-01T00:00:00Z")


def report(name: str = "web", **more: Any) -> Report:
    inventory = Inventory("prod", name)
    fields: dict[str, Any] = {
        "target": Target("prod", name, True, "r-1", "1.0.0", 1, "9d1d", ()),
        "verdict": "verified",
        "outcomes": (Outcome(WEB, "unchanged"),),
        "drift": (),
        "open": False,
        "troubles": (),
        "warnings": (),
        "status": 0,
        "applied": False,
        "before": inventory,
        "inventory": inventory,
    }
    return Report(**{**fields, **more})


TROUBLED = report(verdict="unknown", troubles=(Trouble("refused", "first", 2), Trouble("refused", "second", 2), Trouble("refused", "first", 2)))
BAD = report(verdict="degraded", outcomes=(Outcome(WEB, "configured", "", Health("failed", "no image")),))


def test_what_is_well_is_no_event() -> None:
    found = told("prod", [report()])
    assert found.events == ()
    assert all(found.judged(word, "web") for word in ("failed", "degraded", "drift", "contended"))
    assert found.judged("stale", "")
    assert not found.judged("waiting", "")


def test_trouble_is_one_event_with_all_that_is_wrong() -> None:
    found = told("prod", [TROUBLED])
    (event,) = found.events
    assert (event.word, event.application, event.summary, event.details) == ("failed", "web", "first", ("second",))
    assert not found.judged("drift", "web")
    assert not found.judged("degraded", "web")


def test_what_is_not_healthy_names_its_objects() -> None:
    (event,) = told("prod", [BAD]).events
    assert (event.word, event.summary) == ("degraded", "Deployment/web in namespace shop: no image")


def test_drift_says_who_and_what_became_of_it() -> None:
    (healed,) = told("prod", [report(drift=(CHANGED,))]).events
    assert (healed.summary, healed.details) == (
        "1 object, healed",
        ("Deployment/web in namespace shop: spec.replicas is changed by kubectl-edit at 2026-01-01T00:00:00Z",),
    )
    (left,) = told("prod", [report(drift=(CHANGED, Finding(WEB, "missing")), open=True)]).events
    assert left.summary == "1 object, left as it is"
    contended = told("prod", [report(drift=(Finding(WEB, "contended", "spec.replicas", "fighter"),))]).events
    assert [(event.word, event.subject) for event in contended] == [("contended", "Deployment/web in namespace shop: spec.replicas")]


def test_a_pass_that_ended_early_cannot_say_that_it_is_over() -> None:
    found = told("prod", [report(verdict="unknown")], cancelled=True)
    assert not found.judged("failed", "web")
    assert not found.judged("degraded", "web")
    assert not found.judged("failed", "gone")


def test_applications_that_are_gone_have_no_events_any_more() -> None:
    assert told("prod", [report()]).judged("failed", "gone")
    assert not told("prod", [report()], whole=False).judged("failed", "gone")


def test_a_source_that_cannot_be_read_judges_itself_alone() -> None:
    found = unread("prod", "stale", "no route")
    assert [(event.word, event.application, event.summary) for event in found.events] == [("stale", "", "no route")]
    assert found.judged("stale", "")
    assert not found.judged("failed", "")
    assert not found.judged("failed", "web")


def test_numbers() -> None:
    metrics = Metrics()
    reports = [report(drift=(CHANGED,), open=True, outcomes=(Outcome(WEB, "pruned"), Outcome(WEB, "unchanged"))), BAD]
    measure(metrics, "prod", [reports[0]], status=1, seconds=0.2, now=100.0)
    text = metrics.text()
    own = 'application="web",environment="prod"'
    for line in (
        'gitopsc_reconcile_total{environment="prod",result="drifted"} 1',
        f"gitopsc_drift{{{own}}} 1",
        f"gitopsc_drift_found_total{{{own}}} 1",
        f"gitopsc_pruned_total{{{own}}} 1",
        f'gitopsc_release_info{{{own},release="r-1",verdict="verified",version="1.0.0"}} 1',
        f'gitopsc_objects{{{own},health="current"}} 1',
        f"gitopsc_reconcile_duration_seconds_count{{{own}}} 1",
    ):
        assert line in text.splitlines()
    assert "gitopsc_last_success" not in text
    measure(metrics, "prod", [report()], status=0, seconds=0.2, now=100.0)
    assert 'gitopsc_last_success_timestamp_seconds{environment="prod"} 100' in metrics.text()
    measure(metrics, "prod", [], status=0, seconds=0.2, now=101.0, cancelled=True)
    assert 'result="cancelled"} 1' in metrics.text()
    assert 'application="web"' not in metrics.text()
