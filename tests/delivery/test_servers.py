"""Releases moved on a server, reached through ssh (whose command is replaced by one that stays on this machine): E1 to E5 of promotions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.delivery.scene import Shop, shop
from tests.repository.scene import count, git, script

STAGES = """
- {name: dev, environments: [dev]}
- {name: staging, environments: [staging], promote: auto}
- {name: prod, environments: [prod], promote: pull-request}
"""
BRANCH = "gitopsc/promote/prod/shop"


@pytest.fixture
def far(tmp_path: Path) -> Shop:
    """1.0.0 verified in dev, on a server."""
    made = shop(tmp_path, STAGES)
    made.address = f"ssh://git@example.com{made.remote}"
    made.variables["GIT_SSH_COMMAND"] = str(script(tmp_path / "bin" / "ssh", 'for last; do :; done\nexec sh -c "$last"'))
    made.told("build")
    made.verify("dev")
    return made


def test_promoted_rolled_back_and_resumed(far: Shop) -> None:
    far.told("promote", "--auto")
    far.verify("staging")
    first = far.lock("staging")
    far.release("2.0.0")
    far.verify("dev")
    far.told("promote", "shop", "--to", "staging")
    nowhere = far.root / "nowhere"
    nowhere.mkdir()
    far.told("rollback", "staging", "shop", "--reason", "bad", where=nowhere)
    assert far.tree("staging") == first.rendered
    assert far.kinds("staging")[0] == "rejected"
    assert [place["name"] for place in far.told("promote", "--auto")["environments"]] == ["prod"]
    assert far.lock("prod", branch=BRANCH).release == first.release
    far.told("resume", "staging", "shop", where=nowhere)
    assert far.lock("staging").hold is None
    branches = git(far.remote, "for-each-ref", "--format=%(refname:short)", "refs/heads").split()
    assert branches == ["gitopsc-records/dev", "gitopsc-records/staging", BRANCH, "main"]
    assert not list(nowhere.iterdir())


def test_the_branch_of_a_promotion_is_pushed_replaced_judged_and_deleted(far: Shop) -> None:
    for version in ("1.0.0", "2.0.0"):
        if version != "1.0.0":
            far.release(version)
            far.verify("dev")
        far.told("promote", "shop", "--to", "staging")
        far.verify("staging")
        assert far.told("promote", "shop", "--to", "prod")["pullRequest"]["branch"] == BRANCH
        assert far.lock("prod", branch=BRANCH).release.version == version
        assert far.told("gate", "--head", BRANCH)["allowed"] is True
    assert count(far.remote, BRANCH) == count(far.remote) + 1
    far.told("promote", "--auto")
    assert far.branches() == [BRANCH]
    git(far.remote, "update-ref", "refs/heads/main", BRANCH)
    far.told("promote", "--auto")
    assert far.branches() == []


def test_many_promote_different_applications_at_once(tmp_path: Path) -> None:
    names = ("a", "b", "c", "d")
    made = shop(tmp_path, STAGES, names=names)
    made.address = f"ssh://git@example.com{made.remote}"
    made.variables["GIT_SSH_COMMAND"] = str(script(tmp_path / "bin" / "ssh", 'for last; do :; done\nexec sh -c "$last"'))
    made.told("build")
    for name in names:
        made.verify("dev", name=name)
    before = count(made.remote)
    started = [made.start("promote", name, "--to", "staging") for name in names]
    ended = [process.communicate(timeout=600) for process in started]
    assert [process.returncode for process in started] == [0] * len(names), ended
    assert count(made.remote) == before + len(names)
    assert git(made.remote, "rev-list", "--merges", "main") == ""


def test_e4_a_refused_push_is_told_with_the_servers_words(far: Shop) -> None:
    script(far.remote / "hooks" / "pre-receive", "echo 'no promotions on Fridays' >&2; exit 1")
    tip = far.tip()
    told = far.told("promote", "shop", "--to", "staging", status=3)
    assert "no promotions on Fridays" in told["diagnostics"][0]["message"]
    assert far.tip() == tip
    (far.remote / "hooks" / "pre-receive").unlink()
    far.told("promote", "shop", "--to", "staging")


def test_a_rollback_whose_record_may_not_be_written_changes_nothing(far: Shop) -> None:
    far.told("promote", "shop", "--to", "staging")
    far.verify("staging")
    far.release("2.0.0")
    far.verify("dev")
    far.told("promote", "shop", "--to", "staging")
    script(far.remote / "hooks" / "update", 'case "$1" in refs/heads/gitopsc-records/*) echo "records are for agents" >&2; exit 1;; esac')
    tip = far.tip()
    assert "records are for agents" in far.told("rollback", "staging", "shop", status=3)["diagnostics"][0]["message"]
    assert far.tip() == tip


def test_a_server_that_is_gone_is_status_3(far: Shop) -> None:
    away = far.remote.rename(far.root / "away.git")
    for words in (("promote", "shop", "--to", "staging"), ("promote", "--auto"), ("gate", "--all-open"), ("rollback", "dev", "shop"), ("hold", "dev", "shop")):
        out, err, status = far.said(*words, "-o", "json")
        assert status == 3, out + err
        assert json.loads(out)["diagnostics"][0]["code"] == "failure"
    away.rename(far.remote)
