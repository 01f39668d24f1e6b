"""The gate: each condition met and unmet, with the one command that clears it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from gitopsc.delivery.gate import NAMES, Condition, Facts, Question, approvals_asked, gate, spoken, unmet
from gitopsc.delivery.pipeline import Approvals, Gates, Pipeline
from gitopsc.repository.locks import ReleaseLock
from gitopsc.repository.record import Record
from tests.unit.deliveries import TREE, at, history, lock, pipeline, record

NOW = at(100)
ASKED = Question("shop", "prod-eu", "r-2", rendered=TREE)
VERIFIED = {"staging": [record("verified", "r-2")]}
RUNS: dict[str, ReleaseLock | None] = {"staging": lock("r-2"), "prod-eu": lock("r-1")}
FREEZE = [{"name": "today", "from": "Mon 13:00", "to": "Mon 15:00"}]


def judged(
    gates: dict[str, Any] | None = None,
    asked: Question = ASKED,
    records: dict[str, list[Record]] | None = None,
    locks: Mapping[str, ReleaseLock | None] | None = None,
    **more: Any,
) -> dict[str, Condition]:
    line: Pipeline = pipeline(gates)
    facts = Facts(RUNS if locks is None else locks, VERIFIED if records is None else records, **more)
    found = gate(line, facts, asked, NOW)
    assert tuple(condition.name for condition in found) == NAMES, "all are listed, in one order"
    assert all((condition.clear is None) == condition.met for condition in found), "the unmet have a command, the met have none"
    return {condition.name: condition for condition in found}


def names(found: dict[str, Condition]) -> list[str]:
    return [condition.name for condition in unmet(found.values())]


def test_without_gates_a_release_must_be_verified_upstream() -> None:
    assert names(judged()) == []
    assert names(judged(records={})) == ["verified"]


@pytest.mark.parametrize(
    ("records", "locks", "message", "clear"),
    [
        ([], {"staging": "r-2"}, "r-2 is not verified yet in staging", "gitopsc reconcile staging"),
        ([record("degraded", "r-2")], {"staging": "r-2"}, "r-2 is degraded in staging", "gitopsc reconcile staging"),
        ([], {"staging": "r-3"}, "r-2 is not verified yet in staging", "gitopsc promote shop --to staging --release r-2"),
        ([], {}, "r-2 is not verified yet in staging", "gitopsc promote shop --to staging --release r-2"),
        ([record("rejected", "r-2")], {"staging": "r-1"}, "r-2 is rejected in staging", "gitopsc promote shop --to staging --release r-2 --allow-rejected"),
    ],
)
def test_what_gets_it_verified(records: list[Record], locks: dict[str, str], message: str, clear: str) -> None:
    found = judged(records={"staging": records}, locks={name: lock(release) for name, release in locks.items()})["verified"]
    assert (found.met, found.message, found.clear) == (False, message, clear)


def test_what_a_rollback_took_back_upstream_is_brought_back_by_its_undo() -> None:
    locks = {"staging": lock("r-1", action="rollback", replaced="r-2")}
    found = judged(records={"staging": [record("verified", "r-2"), record("rejected", "r-2", 5)]}, locks=locks)["verified"]
    assert found.clear == "gitopsc rollback staging shop --undo"


def test_the_first_stage_cannot_be_promoted_to() -> None:
    found = judged(asked=replace(ASKED, environment="staging"), locks={"dev": lock("r-9")}, records={})["verified"]
    assert found.clear == "gitopsc reconcile dev"


def test_a_rollback_upstream_counts_though_its_records_are_lost() -> None:
    histories = {"staging": history("promote r-1", "promote r-2", "rollback r-1 of r-2")}
    assert names(judged(histories=histories)) == ["verified"]


def test_in_a_sequential_stage_the_environment_before_is_upstream() -> None:
    asked = replace(ASKED, environment="prod-us")
    found = judged(asked=asked)
    assert found["verified"].message == "r-2 is not verified yet in prod-eu"
    assert names(judged(asked=asked, records={**VERIFIED, "prod-eu": [record("degraded", "r-2")]})) == ["verified"], (
        "prod-us never takes what failed in prod-eu"
    )
    assert names(judged(asked=asked, records={**VERIFIED, "prod-eu": [record("verified", "r-2")]})) == []


def test_a_soak_tells_how_long_and_until_when() -> None:
    gates = {"verified": {"in": "staging", "for": "2h"}}
    found = judged(gates)["soak"]
    assert found.message == "verified without a break for 1h40m of 2h in staging"
    assert (found.clear, found.until) == ("gitopsc promote shop --to prod-eu --release r-2", at(120))
    assert found.plain()["until"] == "2026-11-23T14:00:00Z"
    assert names(judged({"verified": {"for": "100m"}})) == []


def test_a_soak_that_has_not_begun_has_no_end() -> None:
    records = {"staging": [record("verified", "r-2"), record("applied", "r-3", 10), record("verified", "r-3", 11)]}
    found = judged({"verified": {"for": "30m"}}, records=records)["soak"]
    assert (found.met, found.until) == (False, None)
    assert "10m of 30m" in found.message


def test_a_soak_holds_in_the_environment_before_too() -> None:
    records = {**VERIFIED, "prod-eu": [record("verified", "r-2", 90)]}
    found = judged({"verified": {"for": "30m"}}, replace(ASKED, environment="prod-us"), records)["soak"]
    assert (found.message, found.until) == ("verified without a break for 10m of 30m in prod-eu", at(120))


@pytest.mark.parametrize(
    ("approvals", "by", "message"),
    [
        ({"count": 1}, [], "0 of 1 approval"),
        ({"count": 2}, ["ann", "ann"], "1 of 2 approvals by ann@example.com"),
        ({"count": 1, "from": ["bob@example.com"]}, ["ann"], "0 of 1 approval"),
        ({"count": 1, "from": []}, ["ann"], "0 of 1 approval"),
        ({"count": 1, "signed": True}, ["ann"], "0 of 1 approval, each to be signed"),
        ({"count": 0}, [], None),
        ({"count": 1}, ["ann"], None),
        ({"count": 2, "from": ["ann@example.com", "bob@example.com"]}, ["ann", "bob"], None),
    ],
)
def test_approvals(approvals: dict[str, Any], by: list[str], message: str | None) -> None:
    records = {**VERIFIED, "prod-eu": [record("approved", "r-2", by=f"{name} <{name}@example.com>") for name in by]}
    found = judged({"approvals": approvals}, records=records)["approvals"]
    assert found.met == (message is None)
    if message is not None:
        assert (found.message, found.clear) == (message, "gitopsc approve shop --to prod-eu --release r-2")


def test_a_changed_environment_asks_for_approval_again() -> None:
    records = {**VERIFIED, "prod-eu": [record("approved", "r-2", tree="b" * 40)]}
    assert names(judged({"approvals": {"count": 1}}, records=records)) == ["approvals"]


def test_a_signed_approval_counts_where_signatures_are_asked_for() -> None:
    approved = record("approved", "r-2")
    found = judged({"approvals": {"count": 1, "signed": True}}, records={**VERIFIED, "prod-eu": [approved]}, signed={approved.ulid})
    assert names(found) == []


def test_a_freeze_tells_its_end() -> None:
    found = judged({"freeze": FREEZE})["freeze"]
    assert (found.message, found.until) == ("frozen by today until 2026-11-23T15:00Z", at(180))
    assert found.clear == "gitopsc promote shop --to prod-eu --release r-2"


@pytest.mark.parametrize(("result", "message"), [(None, "check load-test has no result yet"), ("failed", "check load-test failed"), ("passed", None)])
def test_checks(result: str | None, message: str | None) -> None:
    records = {**VERIFIED, "prod-eu": [record("check", "r-2", name="load-test", result=result)] if result else []}
    found = judged({"checks": ["load-test"]}, records=records)["checks"]
    assert found.met == (message is None)
    if message is not None:
        assert (found.message, found.clear) == (message, "gitopsc record shop --to prod-eu --check load-test --result passed")


def test_a_hold_stops_automation_and_not_a_person() -> None:
    locks = {**RUNS, "prod-eu": lock("r-1", hold="memory leak")}
    found = judged(locks=locks)["hold"]
    assert (found.message, found.clear) == ("held by Ann <ann@example.com>: memory leak", "gitopsc resume prod-eu shop")
    assert names(judged(asked=replace(ASKED, person=True), locks=locks)) == []


def test_what_was_rejected_here_needs_a_word() -> None:
    records = {**VERIFIED, "prod-eu": [record("rejected", "r-2", reason="memory leak")]}
    found = judged(records=records)["rejected"]
    assert (found.message, found.clear) == ("r-2 was rejected here: memory leak", "gitopsc promote shop --to prod-eu --release r-2 --allow-rejected")
    assert names(judged(asked=replace(ASKED, allow=frozenset({"rejected"})), records=records)) == []
    assert names(judged(asked=replace(ASKED, person=True), records=records)) == ["rejected"]


def test_the_lock_alone_tells_of_a_rejection() -> None:
    locks = {**RUNS, "prod-eu": lock("r-1", action="rollback", replaced="r-2")}
    assert names(judged(locks=locks)) == ["rejected"]
    assert names(judged(locks=locks, records={**VERIFIED, "prod-eu": [record("accepted", "r-2")]})) == []


def test_what_would_be_lost_needs_a_word() -> None:
    asked = replace(ASKED, drops="prod-eu has commits of abc that r-2 lacks")
    found = judged(asked=asked)["would-drop"]
    assert (found.message, found.clear) == (asked.drops, "gitopsc promote shop --to prod-eu --release r-2 --allow-drop")
    assert names(judged(asked=replace(asked, allow=frozenset({"drop"})))) == []


def test_a_hotfix_skips_what_takes_time_and_always_needs_an_approval() -> None:
    asked = replace(ASKED, change="hotfix")
    gates = {"verified": {"for": "9h"}, "freeze": FREEZE, "checks": ["load-test"]}
    assert names(judged(gates, asked, records={})) == ["approvals", "checks"]
    approved = {"prod-eu": [record("approved", "r-2")]}
    assert names(judged({}, asked, records=approved)) == []
    assert approvals_asked(Gates(approvals=Approvals(0, ("a@b",))), "hotfix") == Approvals(1, ("a@b",))


@pytest.mark.parametrize("change", ["environment", "rerender"])
def test_an_environments_own_change_is_held_against_freeze_approvals_and_hold(change: Any) -> None:
    gates = {"verified": {"for": "9h"}, "approvals": {"count": 1}, "freeze": FREEZE, "checks": ["load-test"]}
    asked = replace(ASKED, change=change, drops="something")
    locks = {**RUNS, "prod-eu": lock("r-2", hold="wait")}
    assert names(judged(gates, asked, records={}, locks=locks)) == ["approvals", "freeze", "hold"]


def test_in_the_first_stage_and_in_no_stage_only_a_hold_stands() -> None:
    for environment in ("dev", "sandbox"):
        assert names(judged({"freeze": FREEZE}, replace(ASKED, environment=environment), records={}, locks={environment: lock(hold="x")})) == ["hold"]


def test_the_command_to_repeat_is_the_one_that_was_given() -> None:
    asked = replace(ASKED, repeat="gitopsc promote shop --to prod --all --allow-drop", drops="something")
    found = judged({"freeze": FREEZE}, asked)
    assert found["freeze"].clear == asked.repeat
    assert found["would-drop"].clear == asked.repeat


def test_all_that_fails_is_told_at_once() -> None:
    gates = {"verified": {"for": "9h"}, "approvals": {"count": 1}, "freeze": FREEZE, "checks": ["load-test"]}
    locks = {"prod-eu": lock("r-1", action="rollback", replaced="r-2", hold="x")}
    assert names(judged(gates, replace(ASKED, drops="something"), records={}, locks=locks)) == list(NAMES)


def test_unmet_leaves_out_what_it_is_told_to() -> None:
    found = judged({"approvals": {"count": 1}}, records={})
    assert [condition.name for condition in unmet(found.values(), but=("approvals",))] == ["verified"]


def test_spans_are_told_shortly() -> None:
    assert [spoken(at(minutes) - at(0)) for minutes in (0, 0.5, 1, 90, 1440 + 61)] == ["0s", "30s", "1m", "1h30m", "1d1h1m"]
