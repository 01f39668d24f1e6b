"""Pipelines out of gitopsc.lock: what they say, who is upstream of whom, and what is refused."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from gitopsc.delivery.pipeline import pipeline_for, read_pipelines
from gitopsc.diagnostics import Invalid
from tests.unit.deliveries import STAGES, pipeline

HALF = timedelta(minutes=30)
NOTHING = timedelta()


def test_what_is_not_said_has_a_default() -> None:
    found = pipeline().stages[0]
    assert (found.order, found.promote, found.gates.soak, found.gates.approvals) == ("sequential", "manual", NOTHING, None)


def test_everything_that_is_said_is_read() -> None:
    gates = {
        "verified": {"in": "staging", "for": "1h30m"},
        "approvals": {"count": 2, "from": ["ann@example.com", "bob@example.com"], "signed": True},
        "freeze": [{"name": "weekend", "from": "Fri 16:00", "to": "Mon 08:00", "timeZone": "Europe/Oslo"}],
        "checks": ["load-test"],
    }
    found = pipeline(gates, order="lockstep").stages[2]
    assert (found.order, found.promote, found.gates.stage, found.gates.soak) == ("lockstep", "pull-request", "staging", timedelta(minutes=90))
    assert found.gates.approvals is not None
    assert (found.gates.approvals.count, found.gates.approvals.people, found.gates.approvals.signed) == (2, ("ann@example.com", "bob@example.com"), True)
    assert [(w.name, w.start, w.end, w.zone) for w in found.gates.freeze] == [("weekend", "Fri 16:00", "Mon 08:00", "Europe/Oslo")]
    assert found.gates.checks == ("load-test",)


@pytest.mark.parametrize(
    ("prod", "environment", "expected"),
    [
        ({}, "dev", []),
        ({}, "staging", [("dev", NOTHING)]),
        ({"gates": {"verified": {"for": "30m"}}}, "prod-eu", [("staging", HALF)]),
        ({"gates": {"verified": {"in": "staging", "for": "30m"}}}, "prod-us", [("staging", HALF), ("prod-eu", HALF)]),
        ({"gates": {"verified": {"in": "dev", "for": "30m"}}}, "prod-eu", [("dev", HALF), ("staging", NOTHING)]),
        ({"gates": {"verified": {"in": "dev"}}}, "prod-us", [("dev", NOTHING), ("staging", NOTHING), ("prod-eu", NOTHING)]),
        ({"order": "parallel"}, "prod-us", [("staging", NOTHING)]),
        ({"order": "lockstep"}, "prod-us", [("staging", NOTHING)]),
        ({}, "elsewhere", []),
    ],
)
def test_upstreams(prod: dict[str, Any], environment: str, expected: list[tuple[str, timedelta]]) -> None:
    more = dict(prod)
    found = pipeline(more.pop("gates", None), **more)
    assert [tuple(upstream) for upstream in found.upstreams(environment)] == expected
    assert found.walked(environment) == (expected[-1][0] if expected else None)


def test_every_environment_of_the_previous_stage_is_upstream() -> None:
    stages = [{"name": "a", "environments": ["a1", "a2"]}, {"name": "b", "environments": ["b1"]}]
    found = read_pipelines([{"name": "p", "spec": {"applications": ["x"], "stages": stages}}])[0]
    assert [upstream.environment for upstream in found.upstreams("b1")] == ["a1", "a2"]


def test_the_first_stage_follows_and_so_does_an_environment_in_no_stage() -> None:
    found = pipeline()
    assert [found.follows(name) for name in ("dev", "staging", "prod-us", "sandbox")] == [True, False, False, True]


def test_the_pipeline_of_an_application() -> None:
    assert pipeline_for([pipeline()], "shop") == pipeline()
    assert pipeline_for([pipeline()], "other") is None


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"applications": ["a"], "stages": []},
        {"applications": "a", "stages": STAGES},
        {"applications": ["a"], "stages": [{"name": "a", "environments": []}]},
        {"applications": ["a"], "stages": [{"name": "a", "environments": ["e"], "order": "random"}]},
        {"applications": ["a"], "stages": [{"name": "a", "environments": ["e"], "promote": "never"}]},
        {"applications": ["a"], "stages": [{"name": "a", "environments": ["e"], "gates": {"verified": {"for": "soon"}}}]},
        {"applications": ["a"], "stages": [{"name": "a", "environments": ["e"], "gates": {"approvals": 3}}]},
    ],
)
def test_what_gitopsc_does_not_write_is_refused(spec: Any) -> None:
    with pytest.raises(Invalid, match="expected pipelines"):
        read_pipelines([{"name": "p", "spec": spec}])
