"""Rollback: the exact manifests of an earlier generation in a new commit, held, with nothing but the environment repository."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitopsc.repository.locks import Rollback
from gitopsc.repository.record import new_record
from tests.delivery.scene import Shop, environment, shop
from tests.repository.scene import count, git


@pytest.fixture
def built(tmp_path: Path) -> Shop:
    """dev has had 1.0.0, which was good, and has 2.0.0."""
    made = shop(tmp_path)
    made.told("build")
    made.verify("dev")
    made.release("2.0.0", more="      env: {NEW: 'yes'}\n")
    return made


@pytest.fixture
def nowhere(tmp_path: Path) -> Path:
    """A folder without a workspace."""
    folder = tmp_path / "nowhere"
    folder.mkdir()
    return folder


def test_the_manifests_are_those_of_the_earlier_generation_byte_for_byte(built: Shop, nowhere: Path) -> None:
    first = built.past("dev")[-1]
    before = git(built.remote, "rev-parse", f"{first.revision}:dev/shop/deployment-web.yaml")
    bad = built.lock("dev")
    told = built.told("rollback", "dev", "shop", "--reason", "500s everywhere", where=nowhere)
    lock = built.lock("dev")
    assert built.tree("dev") == first.lock.rendered == lock.rendered
    assert git(built.remote, "rev-parse", "main:dev/shop/deployment-web.yaml") == before
    assert (lock.generation, lock.action, lock.release, lock.source) == (3, "rollback", first.lock.release, first.lock.source)
    assert lock.rollback == Rollback(bad.release.id, 2, "500s everywhere")
    assert lock.hold is not None
    assert (lock.hold.reason, lock.hold.by) == ("500s everywhere", "Ann <ann@example.com>")
    row = told["environments"][0]["applications"][0]
    assert (told["changed"], row["action"], row["generation"], row["release"]) == (True, "rollback", 3, first.lock.release.id)
    assert [one["name"] for one in row["changed"]] == ["web"]
    assert row["from"] == {"environment": "dev", "generation": 1}


def test_what_goes_is_rejected_there(built: Shop, nowhere: Path) -> None:
    bad = built.lock("dev")
    built.told("rollback", "dev", "shop", "--reason", "bad", where=nowhere)
    newest = built.records("dev")[0]
    assert (newest.kind, newest.release, newest.rendered, newest.by, newest.details["reason"]) == (
        "rejected",
        bad.release.id,
        bad.rendered,
        "Ann <ann@example.com>",
        "bad",
    )


def test_a_second_rollback_goes_further_back(built: Shop) -> None:
    built.verify("dev")
    built.release("3.0.0")
    built.told("rollback", "dev", "shop")
    assert built.lock("dev").release.version == "2.0.0"
    built.told("rollback", "dev", "shop")
    assert built.lock("dev").release.version == "1.0.0"
    assert built.lock("dev").generation == 5
    assert "name a generation" in built.said("rollback", "dev", "shop")[1]
    assert built.told("rollback", "dev", "shop", status=2)["diagnostics"][0]["code"] == "no-target"


def test_none_that_was_verified_names_to(tmp_path: Path) -> None:
    made = shop(tmp_path)
    made.told("build")
    made.release("2.0.0")
    told = made.told("rollback", "dev", "shop", status=2)
    assert "--to: 1 (1.0.0)" in told["diagnostics"][0]["hint"]
    assert made.lock("dev").generation == 2
    made.told("rollback", "dev", "shop", "--to", "1")
    assert made.lock("dev").release.version == "1.0.0"


def test_one_that_was_degraded_since_is_no_target(built: Shop) -> None:
    built.release("3.0.0")
    good = built.past("dev")[-1].lock
    with built.records_of("dev") as records:
        records.add(new_record("degraded", "dev", "shop", release=good.release.id, rendered=good.rendered, generation=1, by="robot <r@x>"))
        records.push()
    assert built.told("rollback", "dev", "shop", status=2)["diagnostics"][0]["code"] == "no-target"


def test_to_a_release_and_to_where_it_is_already(built: Shop) -> None:
    release = built.past("dev")[-1].lock.release.id
    built.told("rollback", "dev", "shop", "--to", release)
    tip = built.tip()
    for to in (release, "1", "3"):
        told = built.told("rollback", "dev", "shop", "--to", to)
        assert (told["changed"], told["revision"]) == (False, None)
    assert built.tip() == tip
    assert built.kinds("dev") == ["rejected", "verified"]


def test_undo_brings_the_exact_tree_back_and_clears_rejection_and_hold(built: Shop) -> None:
    bad = built.lock("dev")
    built.told("rollback", "dev", "shop")
    built.told("rollback", "dev", "shop", "--undo")
    lock = built.lock("dev")
    assert built.tree("dev") == bad.rendered == lock.rendered
    assert (lock.generation, lock.action, lock.rollback, lock.hold, lock.release) == (4, "rollback", None, None, bad.release)
    assert built.kinds("dev") == ["accepted", "rejected", "verified"]
    assert built.told("rollback", "dev", "shop", "--undo")["changed"] is False
    assert built.tip() == built.past("dev")[0].revision


def test_undo_through_a_hold_and_a_resume(built: Shop) -> None:
    bad = built.lock("dev")
    built.told("rollback", "dev", "shop")
    built.told("resume", "dev", "shop")
    built.told("hold", "dev", "shop")
    built.told("rollback", "dev", "shop", "--undo")
    assert built.lock("dev").rendered == bad.rendered


def test_nothing_to_undo(built: Shop) -> None:
    assert "found none in force" in built.told("rollback", "dev", "shop", "--undo", status=2)["diagnostics"][0]["message"]


def test_rolling_settings_back_does_not_condemn_the_release(tmp_path: Path) -> None:
    made = shop(tmp_path)
    made.told("build")
    made.verify("dev")
    made.write({"environments.yaml": "---\n".join(environment(n, "{defaults: {workload: {scale: 7}}}") for n in ("dev", "staging", "prod"))})
    made.told("build")
    assert made.lock("dev").action == "environment"
    made.told("rollback", "dev", "shop")
    assert made.kinds("dev") == ["verified"]
    assert made.lock("dev").rendered == made.past("dev")[-1].lock.rendered
    made.told("build")
    assert made.lock("dev").action == "rollback"


def test_a_build_does_not_undo_it(built: Shop) -> None:
    built.told("rollback", "dev", "shop")
    built.write({"shop.yaml": (built.work / "shop.yaml").read_text().replace("2.0.0", "3.0.0")})
    built.told("build")
    assert built.lock("dev").release.version == "1.0.0"
    built.told("resume", "dev", "shop")
    built.told("build")
    assert built.lock("dev").release.version == "3.0.0"


def test_dry_run_writes_nothing(built: Shop) -> None:
    tip, kinds = built.tip(), built.kinds("dev")
    told = built.told("rollback", "dev", "shop", "--dry-run")
    assert told["environments"][0]["applications"][0]["version"] == "1.0.0"
    assert (built.tip(), built.kinds("dev")) == (tip, kinds)


@pytest.mark.parametrize(
    ("words", "code", "hint"),
    [
        (("nowhere", "shop"), "unknown-environment", "there is dev, prod, staging"),
        (("dve", "shop"), "unknown-environment", "did you mean 'dev'?"),
        (("dev", "shpo"), "unknown-application", "did you mean 'shop'?"),
        (("dev", "shop", "--to", "99"), "unknown-generation", "2 (2.0.0), 1 (1.0.0)"),
        (("dev", "shop", "--to", "1", "--undo"), "usage", "--undo brings back"),
    ],
)
def test_what_is_not_there_is_told(built: Shop, words: tuple[str, ...], code: str, hint: str) -> None:
    found = built.told("rollback", *words, status=2)["diagnostics"][0]
    assert found["code"] == code
    assert hint in found["hint"]


def test_a_generation_that_was_edited_by_hand_is_no_target(built: Shop, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", str(built.remote), str(clone))
    (clone / "dev/shop/service-web.yaml").write_text("edited: true\n")
    lock = clone / "dev/shop/release.lock"
    lock.write_text(lock.read_text().replace("generation: 2", "generation: 3"))
    git(clone, "commit", "-qam", "by hand")
    git(clone, "push", "-q")
    built.verify("dev")
    built.release("3.0.0")
    assert built.told("rollback", "dev", "shop", "--to", "3", status=2)["diagnostics"][0]["code"] == "edited"
    built.told("rollback", "dev", "shop")
    assert built.lock("dev").rendered == built.past("dev")[-2].lock.rendered


def test_inside_a_clone_of_the_environment_repository_nothing_needs_to_be_named(built: Shop, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", str(built.remote), str(clone))
    built.told("rollback", "dev", "shop", where=clone)
    assert built.lock("dev").release.version == "1.0.0"
    assert git(clone, "log", "-1", "--format=%s") != git(built.remote, "log", "-1", "--format=%s")


def test_a_broken_workspace_does_not_stand_in_the_way(built: Shop) -> None:
    (built.work / "gitopsc.yaml").write_text("kind: [")
    built.told("rollback", "dev", "shop")
    assert built.lock("dev").release.version == "1.0.0"


def test_others_are_not_touched(built: Shop) -> None:
    before = git(built.remote, "ls-tree", "-r", "main").splitlines()
    built.told("rollback", "dev", "shop")
    after = git(built.remote, "ls-tree", "-r", "main").splitlines()
    assert {line.split("\t")[1] for line in {*before} ^ {*after}} == {"dev/shop/deployment-web.yaml", "dev/shop/release.lock"}
    assert count(built.remote) == 3
