"""Scenario 50 and case E20: commits that nobody trusted has signed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gitopsc import trusting
from gitopsc.diagnostics import Conflict, Invalid
from tests.cluster.stage import Ran, Stage, config
from tests.cluster.watcher import Sink, Start, data
from tests.kube import ApiServer
from tests.repository.keys import allowed, revoked, ssh_key
from tests.repository.scene import git
from tests.waiting import until

pytestmark = pytest.mark.cluster


class Signers:
    """Ann, who is trusted, and Bob, who is not."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.ann, self.bob = ssh_key(stage.folder / "keys", "ann"), ssh_key(stage.folder / "keys", "bob")
        self.file = allowed(stage.folder / "allowed", ann=self.ann)

    def sign(self, key: Path) -> str:
        """The newest commit again, with its parents and all that is in it, signed."""
        return self.commit(key, "main^{tree}", *git(self.stage.repository, "log", "-1", "--format=%P", "main").split())

    def on_top(self, key: Path, tree: str = "main") -> str:
        """A signed commit on top that has the tree of another one; without it, nothing new."""
        return self.commit(key, f"{tree}^{{tree}}", "main")

    def commit(self, key: Path, tree: str, *parents: str) -> str:
        """A signed commit, which becomes the newest one."""
        repository = self.stage.repository
        words = ("-c", "gpg.format=ssh", "-c", f"user.signingKey={key}", "commit-tree", "-S", "-m", "signed", tree)
        commit = git(repository, *words, *(word for parent in parents for word in ("-p", parent)))
        git(repository, "update-ref", "refs/heads/main", commit)
        return commit

    def run(self, **wish: Any) -> Ran:
        """A pass that asks for signatures."""
        return self.stage.run(allowed_signers=self.file, **wish)

    def refused(self, match: str) -> None:
        """A pass that is refused, without a word to the cluster that would change it."""
        since = self.stage.mark()
        with pytest.raises(Invalid, match=match):
            self.run()
        assert self.stage.writes(since, own=True) == []


@pytest.fixture
def stage(api_server: ApiServer, tmp_path: Path) -> Stage:
    return Stage(api_server, tmp_path)


@pytest.fixture
def signers(stage: Stage) -> Signers:
    return Signers(stage)


def test_s50_what_no_trusted_key_signed_is_refused(stage: Stage, signers: Signers) -> None:
    stage.publish(config("a", stage.namespace, k="1"))
    signers.sign(signers.ann)
    assert stage.run(allowed_signers=signers.file).status == 0
    stage.publish(config("a", stage.namespace, k="2"))
    since = stage.mark()
    with pytest.raises(Invalid, match="found it not signed"):
        stage.run(allowed_signers=signers.file)
    signers.sign(signers.bob)
    with pytest.raises(Invalid, match="by a key that is not trusted"):
        stage.run(allowed_signers=signers.file)
    assert stage.writes(since, own=True) == []
    assert data(stage) == {"k": "1"}
    signers.sign(signers.ann)
    assert stage.run(allowed_signers=signers.file).status == 0
    assert data(stage) == {"k": "2"}


def test_s50_an_environment_can_ask_for_signatures_and_not_for_none(stage: Stage, signers: Signers) -> None:
    stage.lock["requireSigned"] = True
    stage.publish(config("a", stage.namespace, k="1"))
    with pytest.raises(Invalid, match="nobody said whose signatures are good"):
        stage.run()
    stage.lock["requireSigned"] = False
    stage.publish(config("a", stage.namespace, k="1"))
    with pytest.raises(Invalid, match="found it not signed"):
        stage.run(allowed_signers=signers.file)


def test_s50_a_watcher_keeps_the_last_good_state_and_tells_once(stage: Stage, signers: Signers, start: Start, sink: Sink) -> None:
    stage.lock["alerts"] = [{"on": ["unverified"], "to": {"env": "CHAT"}}]
    one = config("a", stage.namespace, k="1")
    stage.publish(one)
    signers.sign(signers.ann)
    watcher = start("--interval", "1s", "--allowed-signers", str(signers.file), CHAT=f"json://{sink.host}/chat")
    until(lambda: data(stage) == {"k": "1"})
    stage.publish(config("a", stage.namespace, k="2"))
    until(lambda: sink.titles == [f"{stage.environment}: failed verification"])
    passes = watcher.passes
    stage.patch(one, {"data": {"k": "9"}})
    until(lambda: data(stage) == {"k": "1"} and watcher.passes >= passes + 3)
    assert len(sink.titles) == 1
    signers.sign(signers.ann)
    until(lambda: data(stage) == {"k": "2"} and len(sink.titles) == 2)
    assert sink.titles[1] == f"resolved: {stage.environment}: failed verification"


def changed(stage: Stage, value: str, name: str = "a") -> str:
    """A commit that nobody signs."""
    return stage.publish(config(name, stage.namespace, k=value))


def test_e20_a_signature_on_top_is_none_for_what_is_beneath(stage: Stage, signers: Signers) -> None:
    """The hole that a check of the newest commit alone leaves; and the way out: take it back by a signed commit, and make it anew."""
    changed(stage, "1")
    first = signers.sign(signers.ann)
    assert signers.run().status == 0
    beneath = changed(stage, "2")
    stage.publish(other=[config("b", stage.namespace, k="1")])
    signers.sign(signers.ann)
    signers.refused(f"found that {beneath[:12]} is not signed and made {stage.environment}/shop/configmap-a.yaml what it is")
    signers.on_top(signers.ann)
    signers.refused("is not signed and made")
    signers.on_top(signers.ann, first)
    assert signers.run().status == 0
    assert data(stage) == {"k": "1"}
    changed(stage, "2")
    signers.sign(signers.ann)
    assert signers.run().status == 0
    assert data(stage) == {"k": "2"}


def test_e20_another_hand_in_the_middle(stage: Stage, signers: Signers) -> None:
    changed(stage, "1")
    signers.sign(signers.ann)
    assert signers.run().status == 0
    changed(stage, "2")
    signers.sign(signers.bob)
    signers.on_top(signers.ann)
    signers.refused("is signed by a key that is not trusted .* and made")
    allowed(signers.file, ann=signers.ann, bob=signers.bob)
    (stage.folder / ".gitconfig").write_text(f'[gpg "ssh"]\n\trevocationFile = {revoked(stage.folder / "revoked", signers.bob)}\n')
    signers.refused("is signed by a key that was revoked .* and made")
    (stage.folder / ".gitconfig").unlink()
    assert signers.run().status == 0
    assert data(stage) == {"k": "2"}


@pytest.mark.parametrize("what", ["settings", "manifest gone", "lock"])
def test_e20_whatever_an_unsigned_commit_changes_of_the_environment_counts(stage: Stage, signers: Signers, what: str) -> None:
    one, two = config("a", stage.namespace, k="1"), config("b", stage.namespace, k="1")
    stage.publish(one, two)
    signers.sign(signers.ann)
    assert signers.run().status == 0
    if what == "settings":
        stage.lock["reconcile"] = {"adopt": "force"}
    stage.publish(*([one] if what == "manifest gone" else [one, two]))
    signers.on_top(signers.ann)
    name = {"settings": "environment.lock", "manifest gone": "shop/configmap-b.yaml", "lock": "shop/release.lock"}[what]
    signers.refused(f"is not signed and made {stage.environment}/{name} what it is")


def test_e20_what_concerns_another_environment_does_not_count(stage: Stage, signers: Signers) -> None:
    changed(stage, "1")
    signers.sign(signers.ann)
    assert signers.run().status == 0
    own, stage.environment = stage.environment, f"{stage.environment}-other"
    stage.publish(config("x", stage.namespace, k="1"))
    stage.environment = own
    changed(stage, "2")
    signers.sign(signers.ann)
    assert signers.run().status == 0
    assert data(stage) == {"k": "2"}


def test_e20_a_merge_is_no_signature_for_a_branch(stage: Stage, signers: Signers) -> None:
    changed(stage, "1")
    base = signers.sign(signers.ann)
    assert signers.run().status == 0
    branch = changed(stage, "2")
    git(stage.repository, "update-ref", "refs/heads/main", base)
    signers.on_top(signers.ann)
    signers.commit(signers.ann, f"{branch}^{{tree}}", "main", branch)
    signers.refused(f"found that {branch[:12]} is not signed")
    signed = signers.commit(signers.ann, f"{branch}^{{tree}}", base)
    git(stage.repository, "update-ref", "refs/heads/main", base)
    signers.on_top(signers.ann)
    signers.commit(signers.ann, f"{branch}^{{tree}}", "main", signed)
    assert signers.run().status == 0
    assert data(stage) == {"k": "2"}


def test_e20_a_merge_that_nobody_signed_chooses_nothing(stage: Stage, signers: Signers) -> None:
    """Both sides are signed; to go back to the older one is a decision of its own."""
    changed(stage, "1")
    old = signers.sign(signers.ann)
    changed(stage, "2")
    new = signers.sign(signers.ann)
    assert signers.run().status == 0
    merge = git(stage.repository, "commit-tree", "-m", "merge", "-p", new, "-p", old, f"{old}^{{tree}}")
    git(stage.repository, "update-ref", "refs/heads/main", merge)
    signers.on_top(signers.ann)
    signers.refused(f"found that {merge[:12]} is not signed")
    assert data(stage) == {"k": "2"}


def test_e20_first_contact_asks_for_all_that_is_there(stage: Stage, signers: Signers) -> None:
    """With nothing in the cluster there is nothing that was judged before."""
    first = changed(stage, "1")
    stage.publish(other=[config("b", stage.namespace, k="1")])
    signers.sign(signers.ann)
    signers.refused(f"found that {first[:12]} is not signed")
    assert stage.parent("other") is None
    signers.commit(signers.ann, "main^{tree}")
    assert signers.run().status == 0
    assert data(stage) == {"k": "1"}


def test_e20_history_that_is_not_here_is_fetched_or_missed(stage: Stage, signers: Signers) -> None:
    for value in ("1", "2", "3"):
        changed(stage, value)
        signers.sign(signers.ann)
    stage.publish(other=[config("b", stage.namespace, k="1")])
    signers.sign(signers.ann)
    whole, clone = stage.repository, stage.folder / "clone"
    for origin in ("", f"file://{whole}"):
        git(stage.folder, "clone", "-q", "--depth=1", "--bare", f"file://{whole}", str(clone))
        git(clone, "config", "remote.origin.url", origin)
        stage.repository = clone
        if origin:
            assert signers.run().status == 0
            assert data(stage) == {"k": "3"}
        else:
            signers.refused("history does not reach so far back")
            clone.rename(stage.folder / "useless")


def test_e20_history_that_was_rewritten_is_held_to_the_same(stage: Stage, signers: Signers) -> None:
    changed(stage, "1")
    signers.sign(signers.ann)
    assert signers.run().status == 0
    git(stage.repository, "update-ref", "refs/heads/main", git(stage.repository, "commit-tree", "-m", "forced", "main^{tree}"))
    changed(stage, "2")
    unsigned = git(stage.repository, "rev-parse", "main")
    signers.on_top(signers.ann)
    with pytest.raises(Conflict, match="history was rewritten"):
        signers.run()
    with pytest.raises(Invalid, match=f"found that {unsigned[:12]} is not signed"):
        signers.run(accept_rewrite=True)
    assert data(stage) == {"k": "1"}


def test_e20_settings_are_compared_with_those_of_the_newest_revision(stage: Stage, signers: Signers) -> None:
    """Each application was applied at a revision of its own; what held at an older one is a change again."""
    changed(stage, "1")
    signers.sign(signers.ann)
    assert signers.run().status == 0
    before, stage.lock["reconcile"] = stage.lock["reconcile"], {"drift": "warn"}
    stage.publish(other=[config("b", stage.namespace, k="1")])
    signers.sign(signers.ann)
    assert signers.run().status == 0
    stage.publish(third=[config("c", stage.namespace, k="1")])
    signers.sign(signers.ann)
    assert signers.run().status == 0
    stage.lock["reconcile"] = before
    stage.publish(third=[config("c", stage.namespace, k="1")])
    signers.on_top(signers.ann)
    signers.refused(f"is not signed and made {stage.environment}/environment.lock what it is")


def test_e20_a_pass_with_nothing_new_looks_into_no_history(stage: Stage, signers: Signers, monkeypatch: pytest.MonkeyPatch) -> None:
    changed(stage, "1")
    signers.sign(signers.ann)
    assert signers.run().status == 0
    monkeypatch.setattr(trusting, "provenance", None)
    assert signers.run().status == 0


@pytest.mark.parametrize("on_top", [True, False])
def test_e20_a_watcher_that_starts_anew_keeps_what_was_applied_last(stage: Stage, signers: Signers, start: Start, sink: Sink, on_top: bool) -> None:
    stage.lock["alerts"] = [{"on": ["unverified"], "to": {"env": "CHAT"}}]
    one = config("a", stage.namespace, k="1")
    stage.publish(one)
    signers.sign(signers.ann)
    assert signers.run().status == 0
    changed(stage, "2")
    if on_top:
        signers.on_top(signers.ann)
    stage.patch(one, {"data": {"k": "9"}})
    watcher = start("--interval", "1s", "--allowed-signers", str(signers.file), CHAT=f"json://{sink.host}/chat")
    until(lambda: data(stage) == {"k": "1"} and sink.titles == [f"{stage.environment}: failed verification"])
    passes = watcher.passes
    until(lambda: watcher.passes >= passes + 3)
    assert len(sink.titles) == 1
