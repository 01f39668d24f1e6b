"""Every row of the table of edge cases, over real Git: a bare environment repository, and processes that race."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gitopsc.repository.record import new_record
from tests.delivery.scene import TWO_PRODS, Shop, environment, pipeline, shop
from tests.repository.scene import count, git

PULL_REQUESTS = """
- {name: dev, environments: [dev]}
- {name: staging, environments: [staging]}
- {name: prod, environments: [prod], promote: pull-request, gates: {%s}}
"""
SOAK = """
- {name: dev, environments: [dev]}
- {name: staging, environments: [staging], promote: auto, gates: {verified: {for: 30m}}}
"""
AUTO = """
- {name: dev, environments: [dev]}
- {name: staging, environments: [staging], promote: auto}
- {name: prod, environments: [prod], promote: auto}
"""


def merged(made: Shop, branch: str, *, strategy: tuple[str, ...] = ("--no-ff",)) -> bool:
    """Merge the branch of a pull request as a forge does; whether that went without a conflict."""
    path = made.root / "forge"
    if not path.exists():
        git(made.root, "clone", "-q", str(made.remote), str(path))
    git(path, "fetch", "-q", "origin")
    git(path, "checkout", "-q", "-B", "main", "origin/main")
    git(path, "merge", "-q", *strategy, f"origin/{branch}", check=False)
    if "--squash" in strategy:
        git(path, "commit", "-q", "-m", "squashed", check=False)
    conflict = git(path, "diff", "--name-only", "--diff-filter=U")
    if conflict:
        git(path, "merge", "--abort")
        return False
    git(path, "push", "-q", "origin", "main")
    return True


def reverted(made: Shop, revision: str) -> None:
    """A person's revert of a commit."""
    path = made.root / "person"
    git(made.root, "clone", "-q", str(made.remote), str(path))
    git(path, "revert", "--no-edit", revision)
    git(path, "push", "-q", "origin", "HEAD:main")


def through(made: Shop, *where: str) -> None:
    """Promote what is in dev to each of these, everything verified on the way."""
    made.verify("dev")
    for one in where:
        made.told("promote", "shop", "--to", one)
        made.verify(one)


def blocked(told: Any) -> list[str]:
    return [one["name"] for one in told["gate"]["conditions"] if not one["met"]]


@pytest.fixture
def two(tmp_path: Path) -> Shop:
    """Two applications, verified in dev."""
    made = shop(tmp_path, names=("a", "b"))
    made.told("build")
    for name in ("a", "b"):
        made.verify("dev", name=name)
    return made


@pytest.fixture
def whole(tmp_path: Path) -> Shop:
    """1.0.0 everywhere, verified; no automation."""
    made = shop(tmp_path, PULL_REQUESTS.replace(", promote: pull-request, gates: {%s}", ""))
    made.told("build")
    through(made, "staging", "prod")
    return made


# -- races ------------------------------------------------------------------------------------------------------------


def raced(made: Shop, *commands: tuple[str, ...]) -> list[tuple[int, Any]]:
    """Commands at once: each one's status and what it said."""
    started = [made.start(*words, by=f"P{number}") for number, words in enumerate(commands)]
    ended = [(process.communicate(timeout=600), process.returncode) for process in started]
    return [(status, json.loads(out)) for (out, _), status in ended]


def test_two_promotes_race_different_applications(two: Shop) -> None:
    before = count(two.remote)
    found = raced(two, ("promote", "a", "--to", "staging"), ("promote", "b", "--to", "staging"))
    assert [status for status, _ in found] == [0, 0]
    assert two.lock("staging", "a").generation == two.lock("staging", "b").generation == 1
    assert count(two.remote) == before + 2


def test_two_race_same_application(two: Shop) -> None:
    first = two.lock("dev", "a").release.id
    two.release("2.0.0", "a")
    two.verify("dev", name="a")
    second = two.lock("dev", "a").release.id
    before = count(two.remote)
    found = raced(two, *[("promote", "a", "--to", "staging", "--release", release) for release in (first, second)] * 2)
    landed = two.past("staging", "a")
    statuses = sorted(status for status, _ in found)
    assert statuses.count(0) >= 1
    assert set(statuses) <= {0, 4}, found
    assert [one.lock.generation for one in landed] == list(range(len(landed), 0, -1))
    assert count(two.remote) == before + len(landed)
    for status, told in found:
        if status == 4:
            assert "stale" in told["diagnostics"][0]["hint"]


def test_two_race_same_application_same_release(two: Shop) -> None:
    before = count(two.remote)
    found = raced(two, *[("promote", "a", "--to", "staging")] * 4)
    assert [status for status, _ in found] == [0] * 4, found
    assert count(two.remote) == before + 1
    assert sum(told["changed"] for _, told in found) == 1


def test_many_run_auto_at_once(tmp_path: Path) -> None:
    made = shop(tmp_path, AUTO, names=("a", "b", "c"))
    made.told("build")
    for name in ("a", "b", "c"):
        made.verify("dev", name=name)
    before = count(made.remote)
    found = raced(made, *[("promote", "--auto")] * 4)
    assert [status for status, _ in found] == [0] * 4, found
    assert {made.lock("staging", name).generation for name in ("a", "b", "c")} == {1}
    assert before < count(made.remote) <= before + 3


# -- pull requests ----------------------------------------------------------------------------------------------------


@pytest.fixture
def asked(tmp_path: Path) -> Shop:
    """1.0.0 verified in staging; prod takes pull requests with one approval of sre."""
    made = shop(tmp_path, PULL_REQUESTS % "approvals: {count: 1, from: [sre]}")
    made.told("build")
    through(made, "staging")
    return made


BRANCH = "gitopsc/promote/prod/shop"


def test_two_pull_requests_of_one_application_merged_one_after_the_other(asked: Shop) -> None:
    asked.told("promote", "shop", "--to", "prod")
    git(asked.remote, "branch", "first", BRANCH)
    asked.release("2.0.0")
    through(asked, "staging")
    told = asked.told("promote", "shop", "--to", "prod")
    assert told["pullRequest"]["branch"] == BRANCH
    assert asked.branches() == [BRANCH]
    assert asked.lock("prod", branch=BRANCH).release.version == "2.0.0"
    assert asked.lock("prod", branch=BRANCH).generation == asked.lock("prod", branch="first").generation == 1
    assert merged(asked, "first")
    assert not merged(asked, BRANCH)
    assert asked.told("gate", "--head", BRANCH, status=2)["diagnostics"][0]["code"] == "stale"
    asked.told("promote", "shop", "--to", "prod", "--refresh")
    assert asked.lock("prod", branch=BRANCH).generation == 2
    assert merged(asked, BRANCH)
    assert asked.lock("prod").release.version == "2.0.0"
    assert asked.tree("prod") == asked.lock("prod").rendered


def test_one_pull_request_is_open_for_each_and_updated_only_by_something_newer(asked: Shop) -> None:
    asked.told("promote", "shop", "--to", "prod")
    tip = git(asked.remote, "rev-parse", BRANCH)
    asked.write({"README.md": "another commit"})
    told = asked.told("promote", "shop", "--to", "prod")
    assert (git(asked.remote, "rev-parse", BRANCH), told["changed"]) == (tip, False)
    assert not asked.has("prod")


def test_approved_merged_and_only_then_there(asked: Shop, tmp_path: Path) -> None:
    asked.told("promote", "shop", "--to", "prod")
    ci = tmp_path / "ci"
    ci.mkdir()
    assert blocked({"gate": asked.told("gate", "--head", BRANCH, status=2, where=ci)}) == ["approvals"]
    asked.told("approve", "shop", "--to", "prod", by="Bob")
    assert blocked({"gate": asked.told("gate", "--head", BRANCH, status=2, where=ci)}) == ["approvals"]
    asked.told("approve", "shop", "--to", "prod", by="Sue", where=ci)
    assert asked.told("approve", "shop", "--to", "prod", by="Sue")["changed"] is False
    assert asked.told("gate", "--head", BRANCH, where=ci)["allowed"] is True
    assert asked.told("gate", "--all-open", where=ci)["answers"][0]["branch"] == BRANCH
    assert merged(asked, BRANCH)
    assert asked.lock("prod").release.version == "1.0.0"
    asked.told("promote", "--auto")
    assert asked.branches() == []


def test_a_change_of_the_environments_own_settings_is_approved_too(asked: Shop) -> None:
    asked.told("approve", "shop", "--to", "prod", by="Sue")
    asked.told("promote", "shop", "--to", "prod")
    assert merged(asked, BRANCH)
    every = dict.fromkeys(("dev", "staging"), "{}") | {"prod": "{defaults: {workload: {scale: 9}}}"}
    asked.write({"environments.yaml": "---\n".join(environment(name, spec) for name, spec in every.items())})
    told = asked.told("build")
    assert asked.lock("prod").action == "promote"
    (wait,) = [one["waiting"] for place in told["environments"] for one in place["applications"] if one.get("waiting")]
    asked.told(*wait["conditions"][0]["clear"].split()[1:], by="Sue")
    asked.told("build")
    assert asked.lock("prod").action == "environment"


def test_an_approval_is_for_exactly_what_was_rendered(asked: Shop) -> None:
    asked.told("promote", "shop", "--to", "prod")
    asked.told("approve", "shop", "--to", "prod", by="Sue")
    every = dict.fromkeys(("dev", "staging"), "{}") | {"prod": "{defaults: {workload: {scale: 9}}}"}
    asked.write({"environments.yaml": "---\n".join(environment(name, spec) for name, spec in every.items())})
    asked.told("promote", "shop", "--to", "prod")
    assert blocked({"gate": asked.told("gate", "--head", BRANCH, status=2)}) == ["approvals"]


def test_upstream_turns_bad_while_the_pull_request_is_open(asked: Shop) -> None:
    asked.told("promote", "shop", "--to", "prod")
    asked.told("approve", "shop", "--to", "prod", by="Sue")
    assert asked.told("gate", "--head", BRANCH)["allowed"] is True
    asked.saw("degraded", "staging")
    told = asked.told("gate", "--head", BRANCH, status=2)
    assert blocked({"gate": told}) == ["verified"]
    assert told["conditions"][0]["clear"] == "gitopsc reconcile staging"


def test_a_freeze_starts_while_the_pull_request_is_open(asked: Shop) -> None:
    asked.told("promote", "shop", "--to", "prod")
    asked.told("approve", "shop", "--to", "prod", by="Sue")
    freeze = "freeze: [{name: always, from: 2020-01-01 00:00, to: 2090-01-01 00:00}]"
    asked.write({"pipeline.yaml": pipeline(PULL_REQUESTS % freeze, "shop")})
    asked.told("build")
    told = asked.told("gate", "--head", BRANCH, status=2)
    assert blocked({"gate": told}) == ["freeze"]
    assert next(one for one in told["conditions"] if one["name"] == "freeze")["until"] == "2090-01-01T00:00:00Z"


def test_a_branch_that_was_edited_by_hand_may_not_be_merged(asked: Shop) -> None:
    asked.told("promote", "shop", "--to", "prod")
    asked.told("approve", "shop", "--to", "prod", by="Sue")
    path = asked.root / "editor"
    git(asked.root, "clone", "-q", "-b", BRANCH, str(asked.remote), str(path))
    (path / "prod/shop/deployment-web.yaml").write_text("edited: true\n")
    git(path, "commit", "-qam", "by hand")
    (path / "gitopsc.lock").write_text((path / "gitopsc.lock").read_text().replace("count: 1", "count: 0"))
    git(path, "commit", "-qam", "no approvals, please")
    git(path, "push", "-q")
    assert [one["code"] for one in asked.told("gate", "--head", BRANCH, status=2)["diagnostics"]] == ["foreign", "rendered"]


def test_a_branch_that_calls_itself_a_rollback_is_judged_by_what_it_does(asked: Shop) -> None:
    asked.told("promote", "shop", "--to", "prod")
    path = asked.root / "editor"
    git(asked.root, "clone", "-q", "-b", BRANCH, str(asked.remote), str(path))
    lock = path / "prod/shop/release.lock"
    lock.write_text(lock.read_text().replace("action: promote", "action: rollback"))
    git(path, "commit", "-qam", "nothing to see here")
    git(path, "push", "-q")
    assert blocked({"gate": asked.told("gate", "--head", BRANCH, status=2)}) == ["approvals"]


def test_squash_or_rebase_merge(asked: Shop) -> None:
    """The lock is enough for state."""
    asked.told("promote", "shop", "--to", "prod")
    assert merged(asked, BRANCH, strategy=("--squash",))
    asked.verify("prod")
    assert asked.told("promote", "shop", "--to", "prod")["changed"] is False
    asked.release("2.0.0")
    through(asked, "staging")
    asked.told("promote", "shop", "--to", "prod")
    assert merged(asked, BRANCH, strategy=("--ff-only",))
    assert [one.lock.generation for one in asked.past("prod")] == [2, 1]
    asked.told("rollback", "prod", "shop")
    assert asked.lock("prod").release.version == "1.0.0"


def test_shallow_clone_in_ci(whole: Shop, tmp_path: Path) -> None:
    """History is fetched on demand: of the workspace, and of the environment repository."""
    for version in ("2.0.0", "3.0.0"):
        whole.release(version)
    first = whole.past("dev")[-1].lock.release.id
    whole.told("promote", "shop", "--to", "staging", "--release", whole.past("dev")[1].lock.release.id, status=2)
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{whole.work}", str(tmp_path / "ci"))
    whole.verify("dev")
    whole.told("promote", "shop", "--to", "staging", where=tmp_path / "ci")
    assert whole.lock("staging").release.version == "3.0.0"
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{whole.remote}", str(tmp_path / "shallow"))
    assert whole.told("rollback", "staging", "shop", "--dry-run", where=tmp_path / "shallow")["environments"][0]["applications"][0]["release"] == first


# -- hotfixes ---------------------------------------------------------------------------------------------------------


def test_hotfix_straight_to_prod(whole: Shop) -> None:
    whole.release("2.0.0")
    whole.verify("dev")
    git(whole.work, "checkout", "-q", "-b", "hotfix", whole.lock("prod").source.commit or "")
    text = (whole.work / "shop.yaml").read_text().replace("metadata: {name: shop}", "metadata: {name: shop, labels: {tier: web}}")
    fix = whole.write({"shop.yaml": text.replace("1.0.0", "1.0.1")})
    told = whole.told("promote", "shop", "--to", "prod", "--hotfix", "--source", "hotfix", status=2)
    assert blocked(told) == ["approvals"]
    clear = told["diagnostics"][0]["hint"]
    assert clear.startswith("gitopsc approve shop --to prod --release r-")
    whole.told(*clear.split()[1:], by="Sue")
    whole.told("promote", "shop", "--to", "prod", "--hotfix", "--source", "hotfix")
    lock = whole.lock("prod")
    assert (lock.action, lock.release.version, lock.source.commit, lock.origin) == ("hotfix", "1.0.1", fix, None)
    assert lock.labels == {"tier": "web"}
    whole.verify("prod")
    git(whole.work, "checkout", "-q", "main")
    whole.told("promote", "shop", "--to", "staging")
    whole.verify("staging")
    assert blocked(whole.told("promote", "shop", "--to", "prod", status=2)) == ["would-drop"]
    git(whole.work, "merge", "-q", "-X", "ours", "--no-edit", "hotfix")
    whole.release("2.0.1")
    through(whole, "staging")
    whole.told("promote", "shop", "--to", "prod")
    assert whole.lock("prod").release.version == "2.0.1"


def test_a_hotfix_that_would_be_lost_is_lost_only_when_somebody_says_so(whole: Shop) -> None:
    git(whole.work, "checkout", "-q", "-b", "hotfix")
    whole.write({"shop.yaml": (whole.work / "shop.yaml").read_text().replace("1.0.0", "1.0.1")})
    release = whole.told("approve", "shop", "--to", "prod", "--source", "hotfix", by="Sue")["approvals"][0]["release"]
    whole.told("promote", "shop", "--to", "prod", "--hotfix", "--source", "hotfix")
    assert whole.lock("prod").release.id == release
    git(whole.work, "checkout", "-q", "main")
    whole.release("2.0.0")
    through(whole, "staging")
    clear = whole.told("promote", "shop", "--to", "prod", status=2)["diagnostics"][0]["hint"]
    assert clear.endswith("--allow-drop")
    whole.told(*clear.split()[1:])
    assert whole.lock("prod").overrides == ("drop",)


# -- the walk ---------------------------------------------------------------------------------------------------------


def test_partial_fan_out(tmp_path: Path) -> None:
    made = shop(tmp_path, TWO_PRODS % ", promote: auto")
    made.told("build")
    through(made, "staging")
    made.told("promote", "--auto")
    assert (made.has("prod-eu"), made.has("prod-us")) == (True, False)
    made.saw("degraded", "prod-eu")
    told = made.told("promote", "--auto")
    assert told["blocked"] == [{"environment": "prod-us", "application": "shop", "release": made.lock("prod-eu").release.id, "blockedBy": ["verified"]}]
    assert not made.has("prod-us")
    made.verify("prod-eu")
    made.told("promote", "--auto")
    assert made.lock("prod-us").release == made.lock("prod-eu").release


def test_version_skipped(whole: Shop) -> None:
    for version in ("2.0.0", "3.0.0"):
        whole.release(version)
        whole.verify("dev")
    fourth = whole.release("4.0.0")
    told = whole.told("promote", "shop", "--to", "staging")
    one = told["environments"][0]["applications"][0]
    assert (one["version"], [(s["release"], s["blockedBy"]) for s in one["skipped"]]) == ("3.0.0", [(fourth, ["verified"])])


def test_source_revert(whole: Shop) -> None:
    """An old release id comes back: forward where the reverted release had landed, nothing where it had not."""
    first = whole.lock("dev").release.id
    whole.release("2.0.0")
    through(whole, "staging")
    git(whole.work, "revert", "--no-edit", "HEAD")
    whole.told("build")
    assert (whole.lock("dev").release.id, whole.lock("dev").generation) == (first, 3)
    whole.verify("dev")
    whole.told("promote", "shop", "--to", "staging")
    assert (whole.lock("staging").release.id, whole.lock("staging").action) == (first, "promote")
    whole.verify("staging")
    tip = whole.tip()
    assert whole.told("promote", "shop", "--to", "prod")["changed"] is False
    assert whole.tip() == tip


def test_busy_upstream_long_soak(tmp_path: Path) -> None:
    made = shop(tmp_path, SOAK)
    made.told("build")
    made.verify("dev", minutes=90)
    made.release("2.0.0")
    made.verify("dev", minutes=40)
    made.release("3.0.0")
    made.verify("dev", minutes=5)
    told = made.told("promote", "--auto")
    assert made.lock("staging").release.version == "2.0.0"
    assert [one["blockedBy"] for one in told["environments"][0]["applications"][0]["skipped"]] == [["soak"]]
    until = made.told("gate", "shop", "--to", "staging", status=2)["conditions"][1]["until"]
    assert datetime.now(UTC) + timedelta(minutes=20) < datetime.fromisoformat(until) < datetime.now(UTC) + timedelta(minutes=26)


def test_application_removed(whole: Shop) -> None:
    """The tombstone is promoted environment by environment; a rollback revives it."""
    before = whole.lock("prod")
    whole.write({"shop.yaml": None, "other.yaml": (whole.work / "shop.yaml").read_text().replace("name: shop", "name: other")})
    whole.write({"pipeline.yaml": pipeline(PULL_REQUESTS.replace(", promote: pull-request, gates: {%s}", ""), "other")})
    whole.told("build")
    assert whole.lock("dev").release.state == "absent"
    for where in ("staging", "prod"):
        assert whole.lock(where).release.state == "present"
        whole.verify("dev" if where == "staging" else "staging")
        whole.told("promote", "shop", "--to", where)
        lock = whole.lock(where)
        assert (lock.release.state, lock.action, lock.images) == ("absent", "promote", ())
    assert git(whole.remote, "ls-tree", "--name-only", "main:prod/shop") == "release.lock"
    whole.told("rollback", "prod", "shop")
    assert (whole.lock("prod").release, whole.tree("prod")) == (before.release, before.rendered)


def test_environment_added_in_the_middle(whole: Shop) -> None:
    """Later ones keep what they run; new promotions wait for it."""
    stages = (
        "- {name: dev, environments: [dev]}\n- {name: staging, environments: [staging]}\n- {name: qa, environments: [qa]}\n- {name: prod, environments: [prod]}"
    )
    names = ("dev", "staging", "qa", "prod")
    whole.write({"environments.yaml": "---\n".join(map(environment, names)), "pipeline.yaml": pipeline(stages, "shop")})
    before = whole.lock("prod")
    whole.told("build")
    assert (whole.lock("prod"), whole.has("qa")) == (before, False)
    whole.release("2.0.0")
    through(whole, "staging")
    assert whole.told("promote", "shop", "--to", "prod")["changed"] is False
    whole.told("promote", "shop", "--to", "qa")
    assert blocked(whole.told("promote", "shop", "--to", "prod", status=2)) == ["verified"]
    whole.verify("qa")
    whole.told("promote", "shop", "--to", "prod")
    assert whole.lock("prod").release.version == "2.0.0"


def test_environment_only_change(whole: Shop) -> None:
    """The same release with new inputs; a bad one blocks downstream, and rolling it back does not condemn the release."""
    whole.release("2.0.0")
    through(whole, "staging")
    release = whole.lock("staging").release
    scaled = {"dev": "{}", "prod": "{}", "staging": "{defaults: {workload: {scale: 7}}}"}
    whole.write({"environments.yaml": "---\n".join(environment(name, spec) for name, spec in scaled.items())})
    whole.told("build")
    lock = whole.lock("staging")
    assert (lock.release, lock.action) == (release, "environment")
    whole.saw("degraded", "staging")
    assert blocked(whole.told("promote", "shop", "--to", "prod", status=2)) == ["verified"]
    whole.told("rollback", "staging", "shop")
    assert "rejected" not in whole.kinds("staging")
    whole.verify("staging")
    whole.told("promote", "shop", "--to", "prod")
    assert whole.lock("prod").release.id == release.id


def test_no_op_for_an_environment(whole: Shop) -> None:
    """The lock advances, the manifests are identical."""
    before = whole.lock("prod")
    whole.write({"overlay.yaml": overlay("prod", "      env: {MODE: 'same'}\n")})
    whole.told("build")
    rendered = whole.lock("prod").rendered
    whole.release("1.0.0", more="      env: {MODE: 'same'}\n")
    through(whole, "staging")
    whole.told("promote", "shop", "--to", "prod")
    after = whole.lock("prod")
    assert after.release != before.release
    assert after.rendered == rendered == whole.tree("prod")
    assert after.generation == before.generation + 2


def overlay(where: str, more: str) -> str:
    head = f"apiVersion: gitopsc.dev/v1alpha1\nkind: Overlay\nmetadata: {{name: {where}, application: shop}}\nenvironments: [{where}]\n"
    return f"{head}spec:\n  workloads:\n    web:\n{more}"


# -- rollbacks --------------------------------------------------------------------------------------------------------


@pytest.fixture
def automatic(tmp_path: Path) -> Shop:
    """2.0.0 everywhere, after 1.0.0; everything by itself."""
    made = shop(tmp_path, AUTO)
    made.told("build")
    for version in ("1.0.0", "2.0.0"):
        if version != "1.0.0":
            made.release(version)
        for where in ("dev", "staging", "prod"):
            made.verify(where)
            made.told("promote", "--auto")
    assert made.lock("prod").release.version == "2.0.0"
    return made


def test_rollback_then_auto(automatic: Shop) -> None:
    """Held, also for newer releases, until promoted or resumed."""
    automatic.told("rollback", "prod", "shop", "--reason", "bad")
    tip = automatic.tip()
    assert automatic.told("promote", "--auto")["changed"] is False
    automatic.release("3.0.0")
    tip = automatic.tip()
    automatic.verify("dev")
    automatic.told("promote", "--auto")
    automatic.verify("staging")
    told = automatic.told("promote", "--auto")
    assert told["blocked"][0]["blockedBy"] == ["hold"]
    assert automatic.lock("prod").release.version == "1.0.0"
    assert automatic.tip() != tip
    automatic.told("resume", "prod", "shop")
    automatic.told("promote", "--auto")
    assert automatic.lock("prod").release.version == "3.0.0"


def test_rollback_resume_then_auto_does_not_bring_the_rejected_release(automatic: Shop) -> None:
    automatic.told("rollback", "prod", "shop")
    automatic.told("resume", "prod", "shop")
    told = automatic.told("promote", "--auto")
    assert told["blocked"][0]["blockedBy"] == ["rejected"]
    assert automatic.lock("prod").release.version == "1.0.0"


def test_rollback_then_promote_a_newer_one_lifts_the_hold(automatic: Shop) -> None:
    automatic.told("rollback", "prod", "shop")
    automatic.release("3.0.0")
    automatic.verify("dev")
    automatic.told("promote", "shop", "--to", "staging")
    automatic.verify("staging")
    automatic.told("promote", "shop", "--to", "prod")
    assert (automatic.lock("prod").release.version, automatic.lock("prod").hold, automatic.lock("prod").rollback) == ("3.0.0", None, None)


def test_rollback_then_promote_the_same_release(automatic: Shop) -> None:
    bad = automatic.lock("prod").release
    automatic.told("rollback", "prod", "shop", "--reason", "500s")
    told = automatic.told("promote", "shop", "--to", "prod", status=2)
    assert blocked(told) == ["rejected"]
    assert "rejected here: 500s" in told["diagnostics"][0]["message"]
    clear = told["diagnostics"][0]["hint"]
    assert clear.endswith("--allow-rejected")
    automatic.told(*clear.split()[1:])
    lock = automatic.lock("prod")
    assert (lock.release, lock.hold, lock.rollback) == (bad, None, None)
    assert automatic.kinds("prod")[0] == "accepted"


def test_rollback_undo(automatic: Shop) -> None:
    before = automatic.lock("prod")
    automatic.told("rollback", "prod", "shop")
    automatic.told("rollback", "prod", "shop", "--undo")
    after = automatic.lock("prod")
    assert automatic.tree("prod") == before.rendered == after.rendered
    assert (after.release, after.hold, after.rollback) == (before.release, None, None)
    assert automatic.kinds("prod")[:2] == ["accepted", "rejected"]
    automatic.release("3.0.0")
    for where in ("dev", "staging"):
        automatic.verify(where)
        automatic.told("promote", "--auto")
    assert automatic.lock("prod").release.version == "3.0.0"


def test_an_undone_rollback_upstream_is_promoted_again(automatic: Shop) -> None:
    automatic.release("3.0.0")
    automatic.verify("dev")
    automatic.told("promote", "--auto")
    automatic.told("rollback", "staging", "shop")
    assert automatic.told("promote", "--auto")["changed"] is False
    automatic.told("rollback", "staging", "shop", "--undo")
    automatic.verify("staging")
    automatic.told("promote", "--auto")
    assert automatic.lock("prod").release.version == "3.0.0"


def test_a_persons_git_revert_of_our_commit(automatic: Shop) -> None:
    """Git stays the truth; automation leaves it alone, ``build --check`` tells, ``adopt`` repairs the lock."""
    bad = automatic.lock("prod")
    reverted(automatic, automatic.tip())
    assert automatic.lock("prod").release.version == "1.0.0"
    told = automatic.told("promote", "--auto")
    assert (told["changed"], [one["code"] for one in told["diagnostics"]]) == (False, ["generation-back"])
    automatic.told("build", "--check", status=1)
    assert any("gitopsc adopt prod shop" in (one["hint"] or "") for one in automatic.told("status")["diagnostics"])
    automatic.told("adopt", "prod", "shop")
    lock = automatic.lock("prod")
    assert (lock.generation, lock.action, lock.release.version) == (bad.generation + 1, "adopt", "1.0.0")
    automatic.told("build", "--check")
    assert automatic.told("promote", "--auto")["changed"] is False


def test_hand_edit_of_a_manifest(automatic: Shop) -> None:
    path = automatic.root / "editor"
    git(automatic.root, "clone", "-q", str(automatic.remote), str(path))
    file = path / "prod/shop/deployment-web.yaml"
    file.write_text(file.read_text().replace("replicas: 2", "replicas: 9"))
    git(path, "commit", "-qam", "by hand")
    git(path, "push", "-q")
    assert automatic.lock("prod").rendered != automatic.tree("prod")
    automatic.told("build", "--check", status=1)
    automatic.told("build")
    assert automatic.lock("prod").rendered == automatic.tree("prod")


def test_a_late_verified_after_a_rollback(automatic: Shop) -> None:
    late = automatic.lock("staging")
    automatic.release("3.0.0")
    automatic.verify("dev")
    automatic.told("promote", "--auto")
    bad = automatic.lock("staging")
    automatic.told("rollback", "staging", "shop")
    with automatic.records_of("staging") as records:
        records.add(new_record("verified", "staging", "shop", release=bad.release.id, rendered=bad.rendered, generation=bad.generation, by="robot <r@x>"))
        records.push()
    told = automatic.told("promote", "shop", "--to", "prod", "--release", bad.release.id, status=2)
    assert blocked(told) == ["verified"]
    assert "rejected in staging" in told["diagnostics"][0]["message"]
    assert automatic.lock("staging").release == late.release


def test_upstream_rolled_back_after_prod_was_promoted(automatic: Shop) -> None:
    """Prod is not downgraded; status warns and names the command."""
    tip = automatic.lock("prod")
    automatic.told("rollback", "staging", "shop")
    automatic.verify("staging")
    assert automatic.told("promote", "--auto")["changed"] is False
    assert automatic.told("promote", "shop", "--to", "prod")["changed"] is False
    assert automatic.lock("prod") == tip
    warnings = [one for one in automatic.told("status")["diagnostics"] if one["severity"] == "warning"]
    assert any("gitopsc rollback prod shop" in (one["hint"] or "") for one in warnings)


def test_records_branch_lost(automatic: Shop) -> None:
    """Gates fail closed until reconcile verifies again; what was rolled back stays rejected."""
    automatic.told("rollback", "prod", "shop")
    automatic.told("resume", "prod", "shop")
    for where in ("dev", "staging", "prod"):
        git(automatic.remote, "update-ref", "-d", f"refs/heads/gitopsc-records/{where}")
    told = automatic.told("promote", "shop", "--to", "prod", status=2)
    assert blocked(told) == ["verified", "rejected"]
    automatic.verify("staging")
    assert blocked(automatic.told("promote", "shop", "--to", "prod", status=2)) == ["rejected"]
    automatic.release("3.0.0")
    assert automatic.told("promote", "--auto")["changed"] is False
    automatic.verify("dev")
    automatic.told("promote", "--auto")
    assert automatic.lock("staging").release.version == "3.0.0"
