"""Labels of applications: part of the release, in the lock, where whoever reconciles selects by them."""

from __future__ import annotations

from pathlib import Path

from gitopsc.repository.locks import ReleaseLock, read_release_lock
from tests.test_application_order import ROOT
from tests.workbench import answered, committed, gitopsc, manifests

APPLICATION = """\
apiVersion: gitopsc.dev/v1alpha1
kind: Application
metadata: {{name: shop{labels}}}
spec:
  workloads: {{web: {{image: ghcr.io/acme/web:1.0.0}}}}
"""
LOCK = "dev/shop/release.lock"


def built(root: Path, labels: str) -> ReleaseLock:
    """The lock after a build of the application with these labels."""
    root.mkdir(exist_ok=True)
    (root / "gitopsc.yaml").write_text(ROOT)
    (root / "shop.yaml").write_text(APPLICATION.format(labels=labels))
    gitopsc(root, "build")
    return read_release_lock(committed(root)[LOCK].encode(), LOCK)


def test_the_lock_says_them_and_the_manifests_do_not(tmp_path: Path) -> None:
    lock = built(tmp_path / "work", ", labels: {tier: web, example.com/shard: '2'}")
    assert lock.labels == {"example.com/shard": "2", "tier": "web"}
    assert "example.com/shard" not in "".join(manifests(committed(tmp_path / "work")).values())


def test_an_application_without_has_the_release_and_the_lock_that_it_always_had(tmp_path: Path) -> None:
    bare = built(tmp_path / "bare", "")
    assert bare.release.id == built(tmp_path / "empty", ", labels: {}").release.id
    assert "labels" not in committed(tmp_path / "bare")[LOCK]


def test_new_labels_are_a_new_release_for_the_next_build_too(tmp_path: Path) -> None:
    """The second build goes by what the first one remembered."""
    root = tmp_path / "work"
    first = built(root, "")
    second = built(root, ", labels: {tier: web}")
    third = built(root, ", labels: {tier: api}")
    assert [lock.labels for lock in (first, second, third)] == [{}, {"tier": "web"}, {"tier": "api"}]
    assert [lock.generation for lock in (first, second, third)] == [1, 2, 3]
    assert len({lock.release.id for lock in (first, second, third)}) == 3
    assert len({lock.rendered for lock in (first, second, third)}) == 1
    assert answered(root, "build")["changed"] is False


def test_their_order_says_nothing(tmp_path: Path) -> None:
    one = built(tmp_path / "one", ", labels: {a: '1', b: '2'}")
    other = built(tmp_path / "other", ", labels: {b: '2', a: '1'}")
    assert one.release.id == other.release.id


def test_a_tombstone_has_those_of_what_it_removes(tmp_path: Path) -> None:
    root = tmp_path / "work"
    built(root, ", labels: {tier: web}")
    (root / "shop.yaml").unlink()
    gitopsc(root, "build")
    lock = read_release_lock(committed(root)[LOCK].encode(), LOCK)
    assert (lock.release.state, lock.labels) == ("absent", {"tier": "web"})


def test_what_cannot_be_a_label_is_pointed_at(tmp_path: Path) -> None:
    root = tmp_path / "work"
    built(root, "")
    (root / "shop.yaml").write_text(APPLICATION.format(labels=", labels: {tier: 'no good'}"))
    assert "shop.yaml:3:39: expected a label's value" in gitopsc(root, "check", status=2).stderr
