"""gate, approve, record and decommission: decisions of people, and what is told of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.delivery.scene import Shop, environment, pipeline, shop
from tests.repository.scene import git

STAGES = """
- {name: dev, environments: [dev]}
- {name: prod, environments: [prod], gates: {%s}}
"""


def made(root: Path, gates: str) -> Shop:
    """1.0.0 verified in dev."""
    found = shop(root, STAGES % gates)
    found.told("build")
    found.verify("dev")
    return found


def unmet(told: dict) -> dict[str, str]:
    return {one["name"]: one["clear"] for one in told["conditions"] if not one["met"]}


# -- gate -------------------------------------------------------------------------------------------------------------


def test_all_conditions_are_listed_each_with_the_one_command_that_clears_it(tmp_path: Path) -> None:
    one = made(tmp_path, "verified: {for: 1h}, approvals: {count: 1}, checks: [load-test]")
    told = one.told("gate", "shop", "--to", "prod", status=2)
    release = one.lock("dev").release.id
    assert told["allowed"] is False
    assert [found["name"] for found in told["conditions"]] == ["verified", "soak", "approvals", "freeze", "checks", "hold", "rejected", "would-drop"]
    assert unmet(told) == {
        "soak": f"gitopsc promote shop --to prod --release {release}",
        "approvals": f"gitopsc approve shop --to prod --release {release}",
        "checks": "gitopsc record shop --to prod --check load-test --result passed",
    }
    assert all(found["clear"] is None for found in told["conditions"] if found["met"])


def test_the_commands_clear_it(tmp_path: Path) -> None:
    one = made(tmp_path, "approvals: {count: 1}, checks: [load-test]")
    for command in unmet(one.told("gate", "shop", "--to", "prod", status=2)).values():
        one.told(*command.split()[1:])
    assert one.told("gate", "shop", "--to", "prod")["allowed"] is True
    one.told("promote", "shop", "--to", "prod")
    assert one.told("gate", "shop", "--to", "prod") == {**one.told("gate", "shop", "--to", "prod"), "allowed": True, "conditions": []}


def test_a_hold_stops_the_gate_and_not_a_person(tmp_path: Path) -> None:
    one = made(tmp_path, "")
    one.told("promote", "shop", "--to", "prod")
    one.told("hold", "prod", "shop", "--reason", "wait")
    one.release("2.0.0")
    one.verify("dev")
    assert unmet(one.told("gate", "shop", "--to", "prod", status=2)) == {"hold": "gitopsc resume prod shop"}
    one.told("promote", "shop", "--to", "prod")
    assert (one.lock("prod").release.version, one.lock("prod").hold) == ("2.0.0", None)


def test_by_release_and_by_version(tmp_path: Path) -> None:
    one = made(tmp_path, "")
    first = one.lock("dev").release.id
    one.release("2.0.0")
    for words in (("--release", first), ("--version", "1.0.0"), ()):
        assert one.told("gate", "shop", "--to", "prod", *words)["answers"][0]["release"] == first
    assert one.told("gate", "shop", "--to", "prod", "--version", "2.0.0", status=2)["answers"][0]["version"] == "2.0.0"


@pytest.mark.parametrize("words", [(), ("shop",), ("--to", "prod"), ("shop", "--to", "prod", "--head", "x"), ("--head", "x", "--all-open")])
def test_what_cannot_be_meant_is_told(tmp_path: Path, words: tuple[str, ...]) -> None:
    assert made(tmp_path, "").told("gate", *words, status=2)["diagnostics"][0]["code"] == "usage"


def test_a_branch_that_is_not_there(tmp_path: Path) -> None:
    assert made(tmp_path, "").told("gate", "--head", "gitopsc/promote/prod/shop", status=2)["diagnostics"][0]["code"] == "unknown-branch"


def test_nothing_is_open(tmp_path: Path) -> None:
    assert made(tmp_path, "").said("gate", "--all-open")[::2] == ("nothing is open\n", 0)


def test_the_table_for_people(tmp_path: Path) -> None:
    out, _, status = made(tmp_path, "approvals: {count: 2, from: [sre]}").said("gate", "shop", "--to", "prod")
    assert status == 2
    assert "  ✗ approvals   0 of 2 approvals\n      gitopsc approve shop --to prod --release r-" in out
    assert out.splitlines()[0].endswith("→ prod: may not come")


# -- approve ----------------------------------------------------------------------------------------------------------


def test_distinct_people_of_the_list_count(tmp_path: Path) -> None:
    one = made(tmp_path, "approvals: {count: 2, from: [sre]}")
    for who in ("Ann", "Sue", "Sue"):
        one.told("approve", "shop", "--to", "prod", by=who)
    assert "1 of 2 approvals by sue@example.com" in one.said("gate", "shop", "--to", "prod")[0]
    one.told("approve", "shop", "--to", "prod", "--reason", "looks good", by="Sam")
    assert one.records("prod")[0].details == {"reason": "looks good"}
    assert one.told("gate", "shop", "--to", "prod")["allowed"] is True


def test_an_approval_of_an_older_rendering_does_not_count(tmp_path: Path) -> None:
    one = made(tmp_path, "approvals: {count: 1}")
    one.told("approve", "shop", "--to", "prod")
    assert one.told("gate", "shop", "--to", "prod")["allowed"] is True
    one.write({"environments.yaml": "---\n".join([environment("dev"), environment("prod", "{defaults: {workload: {scale: 7}}}")])})
    assert list(unmet(one.told("gate", "shop", "--to", "prod", status=2))) == ["approvals"]


def test_nobody_cannot_approve(tmp_path: Path) -> None:
    one = made(tmp_path, "approvals: {count: 1}")
    one.variables = {"GIT_AUTHOR_EMAIL": "", "GIT_COMMITTER_EMAIL": ""}
    assert one.told("approve", "shop", "--to", "prod", status=2)["diagnostics"][0]["code"] == "nobody"


def test_nothing_newer_to_approve(tmp_path: Path) -> None:
    one = made(tmp_path, "")
    one.told("promote", "shop", "--to", "prod")
    assert one.told("approve", "shop", "--to", "prod", status=2)["diagnostics"][0]["code"] == "nothing-newer"


def test_dry_run_records_nothing(tmp_path: Path) -> None:
    one = made(tmp_path, "approvals: {count: 1}")
    assert "would approve 1.0.0" in one.said("approve", "shop", "--to", "prod", "--dry-run")[0]
    one.told("record", "shop", "--to", "prod", "--check", "x", "--result", "passed", "--dry-run")
    assert one.records("prod") == []


# -- record -----------------------------------------------------------------------------------------------------------


def test_the_newest_result_of_a_check_counts(tmp_path: Path) -> None:
    one = made(tmp_path, "checks: [load-test]")
    for result, status in (("passed", 0), ("failed", 2), ("passed", 0)):
        one.told("record", "shop", "--to", "prod", "--check", "load-test", "--result", result, "--url", "https://ci.example.com/1")
        one.told("gate", "shop", "--to", "prod", status=status)
    assert one.records("prod")[0].details == {"name": "load-test", "result": "passed", "url": "https://ci.example.com/1"}


def test_a_result_is_passed_or_failed(tmp_path: Path) -> None:
    assert made(tmp_path, "").said("record", "shop", "--to", "prod", "--check", "x", "--result", "fine")[2] == 2


# -- decommission -----------------------------------------------------------------------------------------------------


def test_an_environment_is_taken_down_in_two_steps(tmp_path: Path) -> None:
    one = made(tmp_path, "")
    one.told("promote", "shop", "--to", "prod")
    assert one.told("decommission", "prod", status=2)["diagnostics"][0]["code"] == "environment-in-use"
    one.write({"environments.yaml": environment("dev")})
    one.write({"pipeline.yaml": pipeline("- {name: dev, environments: [dev]}", "shop")})
    assert "in pipeline 'way'" in one.told("decommission", "prod", status=2)["diagnostics"][0]["message"]
    built = one.told("build")
    assert [found["hint"] for found in built["diagnostics"] if found["code"] == "environment-left"] == ["once that is meant: gitopsc decommission prod"]
    assert one.lock("prod").release.state == "present"
    assert "tombstones alone" in one.told("decommission", "prod", "--remove", status=2)["diagnostics"][0]["message"]
    one.told("decommission", "prod", "--dry-run")
    assert one.lock("prod").release.state == "present"
    one.told("decommission", "prod")
    lock = one.lock("prod")
    assert (lock.release.state, lock.action, lock.generation) == ("absent", "remove", 2)
    assert git(one.remote, "ls-tree", "--name-only", "main:prod").split() == ["environment.lock", "shop"]
    assert one.told("decommission", "prod")["changed"] is False
    told = one.told("decommission", "prod", "--remove")
    assert [found["code"] for found in told["diagnostics"]] == ["not-verified"]
    assert git(one.remote, "ls-tree", "--name-only", "main").split() == [".gitattributes", "dev", "gitopsc.lock"]


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    assert made(tmp_path, "").told("decommission", "prdo", status=2)["diagnostics"][0]["hint"] == "did you mean 'prod'?"
