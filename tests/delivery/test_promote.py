"""Promotion by direct push: what is chosen, what is written, what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gitopsc.repository.locks import Hold, Origin
from gitopsc.repository.record import new_record
from tests.delivery.scene import TWO_PRODS, Shop, application, environment, pipeline, shop
from tests.repository.scene import count, git


@pytest.fixture
def built(tmp_path: Path) -> Shop:
    """1.0.0 in dev, verified there."""
    made = shop(tmp_path)
    made.told("build")
    made.verify("dev")
    return made


def row(told: dict, name: str = "shop") -> dict:
    found = [one for place in told["environments"] for one in place["applications"] if one["name"] == name]
    assert len(found) == 1, told
    return dict(found[0])


def test_a_release_comes_to_the_next_stage(built: Shop) -> None:
    dev = built.lock("dev")
    told = built.told("promote", "shop", "--to", "staging")
    lock = built.lock("staging")
    assert (lock.generation, lock.action, lock.release, lock.source) == (1, "promote", dev.release, dev.source)
    assert lock.origin == Origin("dev", 1)
    assert lock.rendered == built.tree("staging")
    assert lock.environment_source.commit == git(built.work, "rev-parse", "HEAD")
    assert row(told)["from"] == {"environment": "dev", "generation": 1}
    assert (told["changed"], told["revision"], told["pullRequest"]) == (True, built.tip(), None)
    assert "Gitopsc-From: dev@1" in git(built.remote, "log", "-1", "--format=%B")
    assert git(built.remote, "log", "-1", "--format=%s") == "staging: promote shop 1.0.0"


def test_nothing_newer_is_fine(built: Shop) -> None:
    built.told("promote", "shop", "--to", "staging")
    tip = built.tip()
    assert built.told("promote", "shop", "--to", "staging")["changed"] is False
    assert built.tip() == tip


def test_refused_with_the_gate_and_the_command_that_clears_it(built: Shop) -> None:
    built.release("2.0.0")
    built.told("promote", "shop", "--to", "staging")
    assert built.lock("staging").release.version == "1.0.0"
    told = built.told("promote", "shop", "--to", "prod", status=2)
    release = built.lock("staging").release.id
    (found,) = told["diagnostics"]
    assert (found["code"], found["hint"], found["environment"]) == ("verified", "gitopsc reconcile staging", "prod")
    assert told["gate"]["allowed"] is False
    assert [one["name"] for one in told["gate"]["conditions"] if not one["met"]] == ["verified"]
    assert release in found["message"]
    assert not built.has("prod")


def test_the_newest_that_passes_is_taken_and_the_others_are_listed(built: Shop) -> None:
    second = built.release("2.0.0")
    told = built.told("promote", "shop", "--to", "staging")
    assert row(told)["version"] == "1.0.0"
    assert row(told)["skipped"] == [{"release": second, "version": "2.0.0", "blockedBy": ["verified"]}]


def test_explain_and_dry_run_write_nothing(built: Shop) -> None:
    tip = built.tip()
    told = built.told("promote", "shop", "--to", "staging", "--explain")
    assert told["gate"]["allowed"] is True
    assert [one["name"] for one in told["gate"]["conditions"]] == ["verified", "soak", "approvals", "freeze", "checks", "hold", "rejected", "would-drop"]
    assert row(built.told("promote", "shop", "--to", "staging", "--dry-run"))["generation"] == 1
    assert built.tip() == tip
    out, _, code = built.said("promote", "shop", "--to", "staging", "--explain")
    assert code == 0
    assert "✓ verified    verified in dev" in out


def test_a_release_by_name_is_pinned_behind_a_hold_where_a_newer_one_may_come(built: Shop) -> None:
    first = built.lock("dev").release.id
    built.release("2.0.0")
    built.verify("dev")
    built.told("promote", "shop", "--to", "staging", "--release", first)
    assert built.lock("staging").hold == Hold("pinned to 1.0.0", "Ann <ann@example.com>")
    assert built.told("promote", "--auto")["blocked"][0]["blockedBy"] == ["hold"]
    built.told("promote", "shop", "--to", "staging", "--version", "2.0.0")
    assert built.lock("staging").hold is None
    assert built.lock("staging").release.version == "2.0.0"


def test_the_newest_by_name_is_not_pinned(built: Shop) -> None:
    built.told("promote", "shop", "--to", "staging", "--release", built.lock("dev").release.id)
    assert built.lock("staging").hold is None


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("shop", "--to", "dev"), "first-stage"),
        (("shop", "--to", "nowhere"), "unknown-environment"),
        (("shpo", "--to", "staging"), "no-pipeline"),
        (("shop", "--to", "staging", "--release", "r-nothing"), "unknown-release"),
        (("shop",), "usage"),
        (("--to", "staging"), "usage"),
        (("shop", "--to", "staging", "--source", "HEAD"), "usage"),
        (("--auto", "shop"), "usage"),
    ],
)
def test_what_cannot_be_meant_is_told(built: Shop, words: tuple[str, ...], code: str) -> None:
    assert built.told("promote", *words, status=2)["diagnostics"][0]["code"] == code


def test_several_applications_are_one_commit_or_nothing(tmp_path: Path) -> None:
    made = shop(tmp_path, names=("a", "b"))
    made.told("build")
    made.verify("dev", name="a")
    told = made.told("promote", "a", "b", "--to", "staging", status=2)
    assert [one["application"] for one in told["diagnostics"]] == ["b"]
    assert not made.has("staging", "a")
    made.verify("dev", name="b")
    before = count(made.remote)
    made.told("promote", "a", "b", "--to", "staging")
    assert count(made.remote) == before + 1
    assert git(made.remote, "log", "-1", "--format=%s") == "staging: promote 2 applications"


def test_all_takes_whatever_may_come(tmp_path: Path) -> None:
    made = shop(tmp_path, names=("a", "b"))
    made.told("build")
    made.told("promote", "--all", "--to", "staging", status=2)
    made.verify("dev", name="a")
    told = made.told("promote", "--all", "--to", "staging")
    assert row(told, "a")["action"] == "promote"
    assert not made.has("staging", "b")


def test_a_stage_means_its_environments_in_their_order(tmp_path: Path) -> None:
    made = shop(tmp_path, TWO_PRODS % "")
    made.told("build")
    made.verify("dev")
    made.told("promote", "shop", "--to", "staging")
    made.verify("staging")
    told = made.told("promote", "shop", "--to", "prod")
    assert [place["name"] for place in told["environments"]] == ["prod-eu"]
    assert not made.has("prod-us")
    made.verify("prod-eu")
    made.told("promote", "shop", "--to", "prod")
    assert made.lock("prod-us").release == made.lock("prod-eu").release


def test_parallel_environments_take_a_release_at_once(tmp_path: Path) -> None:
    made = shop(tmp_path, TWO_PRODS % ", order: parallel")
    made.told("build")
    made.verify("dev")
    made.told("promote", "shop", "--to", "staging")
    made.verify("staging")
    before = count(made.remote)
    made.told("promote", "shop", "--to", "prod")
    assert made.lock("prod-us").release == made.lock("prod-eu").release
    assert count(made.remote) == before + 1


def test_lockstep_is_one_commit_or_nothing(tmp_path: Path) -> None:
    made = shop(tmp_path, TWO_PRODS % ", order: lockstep")
    made.told("build")
    made.verify("dev")
    made.told("promote", "shop", "--to", "staging")
    made.verify("staging")
    assert made.told("promote", "shop", "--to", "prod-eu", status=2)["diagnostics"][0]["code"] == "lockstep"
    before = count(made.remote)
    made.told("promote", "shop", "--to", "prod")
    assert made.lock("prod-us").release == made.lock("prod-eu").release
    assert count(made.remote) == before + 1
    made.release("2.0.0")
    made.verify("dev")
    made.told("promote", "shop", "--to", "staging")
    made.verify("staging")
    made.saw("rejected", "prod-us")
    with made.records_of("prod-us") as records:
        lock = replace(made.lock("staging"), environment="prod-us")
        records.add(new_record("rejected", "prod-us", "shop", release=lock.release.id, rendered="x", generation=1, by="Ann <a@x>"))
        records.push()
    told = made.told("promote", "shop", "--to", "prod", status=2)
    assert {one["environment"] for one in told["gate"]["conditions"] if not one["met"]} == {"prod-us"}
    assert made.lock("prod-eu").release.version == "1.0.0"


def test_what_was_verified_is_what_is_promoted(built: Shop) -> None:
    """The base is that of the release's commit, the environment's settings are those of today."""
    base = (built.work / "shop.yaml").read_text()
    built.write({"shop.yaml": base.replace("1.0.0", "2.0.0") + "      env: {LEAK: 'yes'}\n"})
    built.write({"environments.yaml": "---\n".join(environment(n, "{defaults: {workload: {scale: 5}}}") for n in ("dev", "staging", "prod"))})
    built.told("promote", "shop", "--to", "staging")
    text = git(built.remote, "show", "main:staging/shop/deployment-web.yaml")
    assert "LEAK" not in text
    assert ":1.0.0" in text
    assert "replicas: 5" in text


def test_from_another_branch_the_default_branchs_tip_is_used(built: Shop) -> None:
    git(built.work, "checkout", "-q", "-b", "feature")
    built.write({"environments.yaml": "---\n".join(environment(n, "{defaults: {workload: {scale: 9}}}") for n in ("dev", "staging", "prod"))})
    built.told("promote", "shop", "--to", "staging")
    assert "replicas: 9" not in git(built.remote, "show", "main:staging/shop/deployment-web.yaml")
    assert built.lock("staging").environment_source.commit == git(built.work, "rev-parse", "main")


def test_without_the_default_branch_it_refuses(built: Shop) -> None:
    git(built.work, "branch", "-m", "main", "other")
    assert built.told("promote", "shop", "--to", "staging", status=2)["diagnostics"][0]["code"] == "default-branch"


def test_settings_never_go_back(built: Shop) -> None:
    built.write({})
    built.told("promote", "shop", "--to", "staging")
    built.release("2.0.0")
    built.verify("dev")
    git(built.work, "reset", "-q", "--hard", "HEAD~2")
    assert "newer than" in built.told("promote", "shop", "--to", "staging", status=4)["diagnostics"][0]["message"]
    built.told("promote", "shop", "--to", "staging", "--allow-older")


def test_uncommitted_changes_are_never_promoted(tmp_path: Path) -> None:
    made = shop(tmp_path)
    (made.work / "shop.yaml").write_text(application("shop", "1.0.1"))
    made.told("build", "--allow-dirty")
    made.verify("dev")
    assert made.told("promote", "shop", "--to", "staging")["changed"] is False
    told = made.told("promote", "shop", "--to", "staging", "--release", made.lock("dev").release.id, status=2)
    assert told["diagnostics"][0]["code"] == "dirty"


def test_without_a_workspace_it_says_what_it_needs(built: Shop, tmp_path: Path) -> None:
    folder = tmp_path / "nowhere"
    folder.mkdir()
    assert built.told("promote", "shop", "--to", "staging", status=2, where=folder)["diagnostics"][0]["code"] == "no-workspace"


def test_a_release_that_does_not_fit_the_environment_of_today_is_told(built: Shop) -> None:
    overlay = (
        "apiVersion: gitopsc.dev/v1alpha1\nkind: Overlay\nmetadata: {name: prod, application: shop}\nenvironments: [staging]\n"
        "spec:\n  workloads:\n    web: {ports: {http: {port: 99999}}}\n"
    )
    built.write({"overlay.yaml": overlay})
    assert built.told("promote", "shop", "--to", "staging", status=2)["diagnostics"]
    assert not built.has("staging")


def test_auto_moves_what_may_come_and_only_that(built: Shop) -> None:
    built.write(
        {
            "pipeline.yaml": pipeline(
                "- {name: dev, environments: [dev]}\n- {name: staging, environments: [staging], promote: auto}\n- {name: prod, environments: [prod]}", "shop"
            )
        }
    )
    built.told("build")
    told = built.told("promote", "--auto")
    assert (told["changed"], row(told)["version"]) == (True, "1.0.0")
    built.verify("staging")
    tip = built.tip()
    assert built.told("promote", "--auto")["changed"] is False
    assert built.tip() == tip
    assert not built.has("prod")
