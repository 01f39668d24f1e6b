"""Scenario 50 and case E20: commits that nobody trusted has signed."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitopsc.diagnostics import Invalid
from tests.cluster.stage import Stage, config
from tests.cluster.watcher import Sink, Start, data, until
from tests.kube import ApiServer
from tests.repository.keys import allowed, ssh_key
from tests.repository.scene import git

pytestmark = pytest.mark.cluster


class Signers:
    """Ann, who is trusted, and Bob, who is not."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.ann, self.bob = ssh_key(stage.folder / "keys", "ann"), ssh_key(stage.folder / "keys", "bob")
        self.file = allowed(stage.folder / "allowed", ann=self.ann)

    def sign(self, key: Path) -> str:
        """A commit on top, the same tree, signed."""
        repository = self.stage.repository
        words = ("-c", "gpg.format=ssh", "-c", f"user.signingKey={key}", "commit-tree", "-S", "-p", "main", "-m", "signed", "main^{tree}")
        commit = git(repository, *words)
        git(repository, "update-ref", "refs/heads/main", commit)
        return commit


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
