"""Hold, resume and adopt: locks that change while the manifests stay."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitopsc.repository.locks import Hold
from tests.delivery.scene import Shop, shop
from tests.repository.scene import git


@pytest.fixture
def built(tmp_path: Path) -> Shop:
    made = shop(tmp_path)
    made.told("build")
    return made


def clone(built: Shop) -> Path:
    path = built.root / "clone"
    git(built.root, "clone", "-q", str(built.remote), str(path))
    return path


def test_a_hold_is_a_new_lock_and_the_same_manifests(built: Shop) -> None:
    before = built.lock("dev")
    told = built.told("hold", "dev", "shop", "--reason", "load test")
    after = built.lock("dev")
    assert (after.generation, after.action, after.hold) == (2, "hold", Hold("load test", "Ann <ann@example.com>"))
    assert built.tree("dev") == before.rendered == after.rendered
    assert after.release == before.release
    assert told["environments"][0]["applications"][0]["hold"] == {"reason": "load test", "by": "Ann <ann@example.com>"}


def test_what_is_held_is_held_already(built: Shop) -> None:
    built.told("hold", "dev", "shop", "--reason", "load test")
    for words in ((), ("--reason", "load test")):
        assert built.told("hold", "dev", "shop", *words, by="Bob")["changed"] is False
    built.told("hold", "dev", "shop", "--reason", "another", by="Bob")
    assert built.lock("dev").hold == Hold("another", "Bob <bob@example.com>")


def test_a_build_leaves_what_is_held_until_it_is_resumed(built: Shop) -> None:
    built.told("hold", "dev", "shop")
    built.release("2.0.0")
    assert built.lock("dev").release.version == "1.0.0"
    built.told("resume", "dev", "shop")
    lock = built.lock("dev")
    assert (lock.generation, lock.action, lock.hold) == (3, "resume", None)
    assert built.told("resume", "dev", "shop")["changed"] is False
    built.told("build")
    assert built.lock("dev").release.version == "2.0.0"


@pytest.mark.parametrize("command", ["hold", "resume", "adopt"])
def test_dry_run_writes_nothing(built: Shop, command: str) -> None:
    if command == "resume":
        built.told("hold", "dev", "shop")
    tip = built.tip()
    built.told(command, "dev", "shop", "--dry-run")
    assert built.tip() == tip


def test_a_hold_of_files_edited_by_hand_leaves_them_alone(built: Shop) -> None:
    path = clone(built)
    (path / "dev/shop/service-web.yaml").write_text("edited: true\n")
    git(path, "commit", "-qam", "by hand")
    git(path, "push", "-q")
    built.told("hold", "dev", "shop")
    assert git(built.remote, "show", "main:dev/shop/service-web.yaml") == "edited: true"
    assert built.lock("dev").rendered != built.tree("dev")


def test_nothing_to_adopt(built: Shop) -> None:
    tip = built.tip()
    assert built.told("adopt", "dev", "shop")["changed"] is False
    assert built.tip() == tip


def test_adopting_a_revert_makes_it_a_rollback(built: Shop) -> None:
    first = built.lock("dev")
    built.release("2.0.0")
    second = built.lock("dev")
    path = clone(built)
    git(path, "revert", "--no-edit", "HEAD")
    git(path, "push", "-q")
    built.told("adopt", "dev", "shop")
    lock = built.lock("dev")
    assert (lock.generation, lock.action, lock.release, lock.rendered) == (3, "adopt", first.release, first.rendered)
    assert lock.rollback is not None
    assert (lock.rollback.of, lock.rollback.generation) == (second.release.id, 2)
    assert lock.hold is not None
    assert built.told("adopt", "dev", "shop")["changed"] is False
    built.told("build")
    assert built.lock("dev").generation == 3


def test_adopting_an_edit_by_hand_keeps_it(built: Shop) -> None:
    path = clone(built)
    (path / "dev/shop/service-web.yaml").write_text("edited: true\n")
    git(path, "commit", "-qam", "by hand")
    git(path, "push", "-q")
    told = built.told("adopt", "dev", "shop")
    lock = built.lock("dev")
    assert lock.rendered == built.tree("dev")
    assert (lock.generation, lock.action, lock.hold) == (2, "adopt", None)
    assert told["environments"][0]["applications"][0]["action"] == "adopt"


def test_what_is_no_plain_file_is_refused(built: Shop) -> None:
    path = clone(built)
    (path / "dev/shop/link.yaml").symlink_to("service-web.yaml")
    git(path, "add", ".")
    git(path, "commit", "-qm", "a link")
    git(path, "push", "-q")
    for command in ("adopt", "hold"):
        assert "plain files alone" in built.told(command, "dev", "shop", status=2)["diagnostics"][0]["message"]
