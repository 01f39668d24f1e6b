"""Builds with pipelines, over real Git: what follows the default branch, what does not, and what waits."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from gitopsc.diagnostics import Conflict, Invalid
from tests.staged import APP, FILES, PROD, STAGES, Staged, environ, row, told
from tests.unit.shops import HEAD, WORKSPACE, document


@pytest.fixture
def shop(tmp_path: Path) -> Staged:
    return Staged.made(tmp_path)


@pytest.fixture
def running(shop: Staged) -> Staged:
    """The first release is in all three environments."""
    shop.build()
    shop.promote("staging", "dev")
    shop.promote("prod", "staging")
    return shop


NEWER = APP.replace("web:1.0", "web:2.0")


# -- who follows -------------------------------------------------------------------------------------------------


def test_only_the_first_stage_is_built(shop: Staged) -> None:
    result = shop.build()
    assert (shop.lock("dev") is not None, shop.lock("staging"), shop.lock("prod")) == (True, None, None)
    assert [row(result, name)["action"] for name in ("dev", "staging", "prod")] == ["build", None, None]
    assert row(result, "prod") == {
        "name": "shop", "release": None, "generation": None, "action": None, "objects": 0, "created": [], "changed": [], "deleted": []
    }  # fmt: skip


def test_without_a_pipeline_everything_follows(tmp_path: Path) -> None:
    shop = Staged.made(tmp_path, {**FILES, "pipeline.yaml": document("Application", "other", APP)})
    shop.build()
    assert all(shop.runs(name).action == "build" for name in ("dev", "staging", "prod"))
    assert shop.pipelines() == []


def test_an_application_that_no_pipeline_names_follows_beside_one_that_does_not(tmp_path: Path) -> None:
    shop = Staged.made(tmp_path, {**FILES, "apps/other.yaml": document("Application", "other", APP)})
    shop.build()
    assert shop.runs("prod", "other").action == "build"
    assert shop.lock("prod") is None


def test_an_environment_in_no_stage_follows(tmp_path: Path) -> None:
    shop = Staged.made(tmp_path, {**FILES, "environments/box.yaml": HEAD + "Environment\nmetadata: {name: box}\nspec: {}\n"})
    result = shop.build()
    assert shop.runs("box").action == "build"
    assert "found 'box' in none" in told(result, "no-stage")[0]


# -- what was verified is what is promoted -------------------------------------------------------------------------------------------------


def test_a_base_changed_after_the_release_does_not_leak_into_prod(running: Staged) -> None:
    before = running.runs("prod")
    running.commit(
        {"apps/shop/app.yaml": document("Application", "shop", NEWER), "gitopsc.yaml": WORKSPACE + "  defaults: {workload: {labels: {new: 'yes'}}}\n"}
    )
    result = running.build()
    assert running.runs("dev").release.version == "2.0"
    assert running.runs("prod") == before
    assert (row(result, "dev")["action"], row(result, "prod")["action"]) == ("build", None)
    assert row(result, "prod")["release"] == before.release.id
    running.edit("apps/shop/prod.yaml", "scale: 5", "scale: 7")
    running.build()
    after = running.runs("prod")
    assert (after.action, after.release, after.source) == ("environment", before.release, before.source)
    assert "replicas: 7" in running.manifest("prod", "deployment-web")
    assert "web:1.0" in running.manifest("prod", "deployment-web")
    assert "new:" not in running.manifest("prod", "deployment-web")


def test_what_reaches_prod_is_the_tree_that_a_build_of_the_release_would_have_made(running: Staged, tmp_path: Path) -> None:
    """Tree for tree: the environment's change on the old base is the same as if nobody had merged anything since."""
    running.commit({"apps/shop/app.yaml": document("Application", "shop", NEWER)})
    running.build()
    running.edit("environments/prod.yaml", "spec: {}", "spec: {defaults: {workload: {terminationGracePeriod: 90}}}")
    running.build()
    alone = Staged.made(tmp_path / "alone", {k: v for k, v in FILES.items() if k != "pipeline.yaml"})
    alone.edit("environments/prod.yaml", "spec: {}", "spec: {defaults: {workload: {terminationGracePeriod: 90}}}")
    alone.build()
    assert running.runs("prod").rendered == alone.runs("prod").rendered
    assert running.runs("prod").release.id == alone.runs("prod").release.id


def test_an_environments_own_change_needs_no_promotion(running: Staged) -> None:
    before = running.runs("prod")
    commit = running.edit("apps/shop/prod.yaml", "scale: 5", "scale: 6")
    result = running.build()
    after = running.runs("prod")
    assert (after.action, after.generation) == ("environment", before.generation + 1)
    assert (after.environment_source.commit, after.origin) == (commit, None)
    assert row(result, "prod")["changed"] == [{"group": "apps", "kind": "Deployment", "namespace": "shop", "name": "web"}]
    assert [row(result, name)["action"] for name in ("dev", "staging")] == [None, None]
    assert "prod: environment shop 1.0 (generation 2): 1 changed" in (result.text or "")
    tip = running.tip()
    assert running.build().text == "already up to date\n"
    assert running.build(check=True).data["changed"] is False
    assert running.tip() == tip


def test_two_hundred_builds_of_one_state_are_one_commit(running: Staged) -> None:
    running.build()
    tip = running.tip()
    for _ in range(3):
        running.build()
    plain = replace(running.options, cache=False)
    again = Staged(running.root, plain)
    again.build()
    assert running.tip() == tip


def test_a_new_version_reaches_later_stages_by_promotion_with_the_environment_of_today(running: Staged) -> None:
    running.commit({"apps/shop/app.yaml": document("Application", "shop", NEWER)})
    running.build()
    running.edit("apps/shop/prod.yaml", "scale: 5", "scale: 9")
    running.build()
    running.promote("staging", "dev")
    running.promote("prod", "staging")
    assert "web:2.0" in running.manifest("prod", "deployment-web")
    assert "replicas: 9" in running.manifest("prod", "deployment-web")
    assert running.build().text == "already up to date\n"


def test_an_overlay_entry_for_what_the_release_has_not_yet_waits_with_a_notice(running: Staged) -> None:
    app = APP.replace("workloads: {", "workloads: {mail: {type: worker, image: 'ghcr.io/acme/mail:1'}, ")
    running.commit({
        "apps/shop/app.yaml": document("Application", "shop", app),
        "apps/shop/prod.yaml": PROD.replace("{web: {scale: 5}}", "{web: {scale: 8}, mail: {scale: 2}}"),
    })  # fmt: skip
    result = running.build()
    assert told(result, "waiting") == ["'workloads.mail' waits: the release that runs there does not have it yet"]
    assert "replicas: 8" in running.manifest("prod", "deployment-web")
    running.promote("prod", "dev")
    assert "replicas: 2" in running.manifest("prod", "deployment-mail")
    assert running.build().text == "already up to date\n"


def test_an_overlay_entry_that_matches_neither_is_an_error(running: Staged) -> None:
    tip = running.tip()
    running.edit("apps/shop/prod.yaml", "web:", "wbe:")
    with pytest.raises(Invalid) as raised:
        running.build()
    assert [d.code for d in raised.value.diagnostics] == ["unknown-workload"]
    assert running.tip() == tip


def test_an_environments_change_that_the_release_does_not_fit_waits(running: Staged) -> None:
    """The base of today fits it: nothing is wrong, and nothing is held up but that one target."""
    before = running.runs("prod")
    container = APP.replace("probes: {readiness: /}", "probes: {readiness: /}, containers: {log: {role: sidecar, image: 'ghcr.io/acme/log:1'}}")
    running.commit({
        "apps/shop/app.yaml": document("Application", "shop", container),
        "apps/shop/prod.yaml": PROD.replace("{web: {scale: 5}}", "{web: {scale: 8, containers: {log: {env: {LEVEL: warn}}}}}"),
    })  # fmt: skip
    result = running.build()
    assert row(result, "dev")["action"] == "build"
    assert running.runs("prod") == before
    assert "expected 'image' for container 'log'" in told(result, "waiting")[0]
    assert row(result, "prod")["waiting"]["action"] == "environment"


def test_a_release_whose_commit_nobody_has_any_more_waits(running: Staged) -> None:
    running.git("commit", "-q", "--amend", "--allow-empty", "-m", "another history")
    running.edit("apps/shop/prod.yaml", "scale: 5", "scale: 6")
    running.git("reflog", "expire", "--expire=now", "--all")
    running.git("gc", "-q", "--prune=now")
    running.write({"apps/shop/app.yaml": document("Application", "shop", NEWER)})
    running.commit({})
    result = running.build()
    assert row(result, "dev")["action"] == "build"
    assert "which a release was built from, is not in this clone" in told(result, "waiting")[0]


def test_what_was_built_from_uncommitted_changes_waits(tmp_path: Path) -> None:
    shop = Staged.made(tmp_path, {k: v for k, v in FILES.items() if k != "pipeline.yaml"})
    shop.write({"apps/shop/app.yaml": document("Application", "shop", NEWER)})
    shop.build()
    shop.commit({"pipeline.yaml": FILES["pipeline.yaml"], "apps/shop/prod.yaml": PROD.replace("5", "6")})
    assert "built from uncommitted changes" in told(shop.build(), "waiting")[0]


# -- freezes, approvals, holds -------------------------------------------------------------------------------------------------

FROZEN = "{freeze: [{name: always, from: 2020-01-01 00:00, to: 2999-01-01 00:00}]}"


def gated(shop: Staged, gates: str) -> None:
    shop.edit("pipeline.yaml", "environments: [prod]}", f"environments: [prod], gates: {gates}}}")
    shop.build()


def test_a_freeze_leaves_an_environments_change_waiting(running: Staged) -> None:
    gated(running, FROZEN)
    before = running.runs("prod")
    running.edit("apps/shop/prod.yaml", "scale: 5", "scale: 6")
    result = running.build()
    assert running.runs("prod") == before
    assert told(result, "waiting") == ["the environment's own change waits: frozen by always until 2999-01-01T00:00Z"]
    waits = row(result, "prod")["waiting"]
    assert (waits["blockedBy"], waits["conditions"][0]["clear"]) == (["freeze"], "gitopsc build prod --app shop")
    assert "prod: environment shop waits: frozen by always" in (result.text or "")
    assert row(running.build(), "prod")["waiting"]["blockedBy"] == ["freeze"], "it is told each time"
    assert running.build(check=True).status == 0
    running.edit("pipeline.yaml", FROZEN, "{freeze: []}")
    assert row(running.build(), "prod")["action"] == "environment"


def test_a_freeze_does_not_hold_up_the_first_stage_or_others(running: Staged) -> None:
    gated(running, FROZEN)
    running.commit({"apps/shop/app.yaml": document("Application", "shop", NEWER), "environments/staging.yaml": FILES["environments/staging.yaml"]})
    running.edit("environments/staging.yaml", "spec: {}", "spec: {defaults: {workload: {scale: 4}}}")
    result = running.build()
    assert [row(result, name)["action"] for name in ("dev", "staging", "prod")] == ["build", "environment", None]


def test_an_environments_change_waits_for_the_approval_of_exactly_its_manifests(running: Staged) -> None:
    gated(running, "{approvals: {count: 1}}")
    running.edit("apps/shop/prod.yaml", "scale: 5", "scale: 6")
    result = running.build()
    assert told(result, "waiting") == ["the environment's own change waits: 0 of 1 approval"]
    (condition,) = row(result, "prod")["waiting"]["conditions"]
    assert condition["clear"] == f"gitopsc approve shop --to prod --release {running.runs('prod').release.id}"
    running.record("prod", "approved", running.runs("prod").rendered)
    assert row(running.build(), "prod")["action"] is None
    wanted = running.would("prod", "prod").tree
    assert wanted is not None
    running.record("prod", "approved", wanted)
    assert row(running.build(), "prod")["action"] == "environment"
    assert running.runs("prod").rendered == wanted


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_a_hold_is_not_undone_by_the_next_build(running: Staged, environment: str) -> None:
    running.hold(environment)
    before = running.runs(environment)
    running.commit({"apps/shop/app.yaml": document("Application", "shop", NEWER), "apps/shop/prod.yaml": PROD.replace("5", "6")})
    result = running.build()
    assert running.runs(environment) == before
    waits = row(result, environment)["waiting"]
    assert (waits["blockedBy"], waits["conditions"][0]["clear"]) == (["hold"], f"gitopsc resume {environment} shop")
    assert row(result, environment)["release"] == before.release.id
    running.relock(environment, action="resume", hold=None)
    assert row(running.build(), environment)["action"] in ("build", "environment")


def test_a_hold_stands_without_a_pipeline_too(tmp_path: Path) -> None:
    shop = Staged.made(tmp_path, {k: v for k, v in FILES.items() if k != "pipeline.yaml"})
    shop.build()
    shop.hold("prod")
    before = shop.runs("prod")
    shop.commit({"apps/shop/app.yaml": document("Application", "shop", NEWER)})
    assert row(shop.build(), "prod")["waiting"]["blockedBy"] == ["hold"]
    assert shop.runs("prod") == before
    assert shop.runs("dev").release.version == "2.0"


# -- new renderings and hand edits -------------------------------------------------------------------------------------------------


def test_a_new_rendering_of_later_stages_is_asked_for(running: Staged) -> None:
    assert running.build(rerender=("prod",)).text == "already up to date\n"
    running.relock("prod", rendered="0" * 40)  # as if another gitopsc had rendered it otherwise
    assert told(running.build(), "waiting") == ["the repair waits: its manifests were edited by hand, and this gitopsc renders the release otherwise"]
    result = running.build("dev", rerender=("prod",))
    assert row(result, "prod")["action"] == "rerender"
    assert running.runs("prod").action == "rerender"
    with pytest.raises(Invalid, match="expected the name of an environment"):
        running.build(rerender=("prd",))


def test_a_new_rendering_waits_for_a_freeze(running: Staged) -> None:
    running.relock("prod", rendered="0" * 40)
    gated(running, FROZEN)
    assert row(running.build(rerender=("prod",)), "prod")["waiting"]["blockedBy"] == ["freeze"]


def test_a_hand_edit_of_a_later_stage_is_found_and_repaired(running: Staged) -> None:
    before = running.runs("prod")
    work = running.root / ".gitopsc" / "environments"
    path = work / "prod" / "shop" / "deployment-web.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("replicas: 5", "replicas: 50"), encoding="utf-8")
    subprocess.run(["git", "-C", str(work), "-c", "user.name=Eve", "-c", "user.email=e@x", "commit", "-qam", "by hand"], check=True)
    assert running.build(check=True, status=1).status == 1
    running.build()
    after = running.runs("prod")
    assert (after.action, after.rendered, after.release) == ("rerender", before.rendered, before.release)
    assert "replicas: 5\n" in running.manifest("prod", "deployment-web")


def test_a_lock_that_went_back_is_told_by_a_check(running: Staged) -> None:
    running.edit("apps/shop/prod.yaml", "scale: 5", "scale: 6")
    running.build()
    running.edit("apps/shop/prod.yaml", "scale: 6", "scale: 5")
    work = running.root / ".gitopsc" / "environments"
    who = ("-c", "user.name=Eve", "-c", "user.email=eve@example.com")
    subprocess.run(["git", "-C", str(work), *who, "revert", "--no-edit", "HEAD"], check=True, capture_output=True)
    result = running.build(check=True, status=1)
    assert told(result, "went-back") == ["prod/shop went back from generation 2 to 1: somebody reverted a commit of gitopsc's"]
    assert [d.hint for d in result.diagnostics if d.code == "went-back"] == ["gitopsc adopt prod shop takes it as it is"]
    assert running.runs("prod").generation == 1


# -- branches and older commits -------------------------------------------------------------------------------------------------


def test_pipelines_are_written_resolved_by_a_build_of_the_default_branch(running: Staged) -> None:
    assert running.pipelines() == [
        {
            "name": "shop",
            "spec": {
                "applications": ["shop"],
                "stages": [{"name": name, "environments": [name], "order": "sequential", "promote": "manual"} for name in ("dev", "staging", "prod")],
            },
        }
    ]


def test_a_changes_own_head_has_no_say(running: Staged) -> None:
    pipelines, before = running.pipelines(), running.runs("prod")
    running.git("checkout", "-q", "-b", "feature")
    running.commit(
        {
            "pipeline.yaml": document(
                "Pipeline",
                "shop",
                STAGES.replace("dev, environments: [dev]", "dev, environments: [dev, prod]").replace("\n- {name: prod, environments: [prod]}", ""),
            )
        }
    )
    running.commit({"apps/shop/app.yaml": document("Application", "shop", NEWER)})
    result = running.build()
    assert "pipelines are taken from the default branch 'main' alone" in told(result, "not-default-branch")[0]
    assert running.pipelines() == pipelines
    assert running.runs("prod") == before
    assert row(result, "prod")["action"] is None
    assert row(result, "dev")["action"] == "build"
    running.git("checkout", "-q", "main")
    running.git("merge", "-q", "feature")
    running.build()
    assert [stage["environments"] for stage in running.pipelines()[0]["spec"]["stages"]] == [["dev", "prod"], ["staging"]]
    assert running.runs("prod").release.version == "2.0"


def test_a_change_that_removes_its_pipeline_moves_nothing(running: Staged) -> None:
    pipelines, before = running.pipelines(), running.runs("prod")
    running.git("checkout", "-q", "-b", "feature")
    running.commit({"pipeline.yaml": None, "apps/shop/app.yaml": document("Application", "shop", NEWER)})
    running.build()
    assert (running.pipelines(), running.runs("prod")) == (pipelines, before)


def test_before_the_default_branch_was_built_a_head_can_only_hold_back(shop: Staged) -> None:
    shop.git("checkout", "-q", "-b", "feature")
    shop.build()
    assert shop.pipelines() == []
    assert (shop.lock("dev") is not None, shop.lock("prod")) == (True, None)


@pytest.mark.parametrize(
    ("branch", "said", "remote", "is_default"),
    [
        ("main", None, False, True),
        ("trunk", None, False, True),  # the only line of work there is
        ("trunk", "main", False, False),
        ("trunk", "trunk", False, True),
        ("feature", None, True, False),
        ("main", None, True, True),
    ],
)
def test_which_branch_is_the_default_one(tmp_path: Path, branch: str, said: str | None, remote: bool, is_default: bool) -> None:
    workspace = WORKSPACE + (f"  defaultBranch: {said}\n" if said else "")
    shop = Staged.made(tmp_path, {**FILES, "gitopsc.yaml": workspace})
    if remote:
        clone = tmp_path / "clone"
        subprocess.run(["git", "clone", "-q", str(shop.root), str(clone)], check=True)
        shop = Staged(clone, replace(shop.options, directory=clone))
        if branch != "main":
            shop.git("checkout", "-q", "-b", branch)
    elif branch != "main":
        shop.git("branch", "-m", "main", branch)
    shop.build()
    assert bool(shop.pipelines()) == is_default


def test_a_commit_that_ci_checked_out_is_of_the_default_branch_if_that_has_it(tmp_path: Path) -> None:
    shop = Staged.made(tmp_path)
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", str(shop.root), str(clone)], check=True)
    there = Staged(clone, replace(shop.options, directory=clone))
    there.git("checkout", "-q", "--detach")
    there.commit({"apps/shop/app.yaml": document("Application", "shop", NEWER)})
    there.build()
    assert there.pipelines() == []
    there.git("checkout", "-q", "--detach", "origin/main")
    there.build(allow_older=True)
    assert there.pipelines() != []


def test_an_old_job_run_again_does_not_move_dev_back(running: Staged) -> None:
    old = running.git("rev-parse", "HEAD")
    running.commit({"apps/shop/app.yaml": document("Application", "shop", NEWER)})
    running.build()
    before = running.runs("dev")
    running.git("checkout", "-q", old)
    with pytest.raises(Conflict, match=f"dev/shop was built from .*, which is newer than {old[:12]}"):
        running.build()
    assert running.runs("dev") == before
    running.build(allow_older=True)
    assert running.runs("dev").release.version == "1.0"


def test_an_old_job_does_not_move_an_environments_settings_back(running: Staged) -> None:
    old = running.git("rev-parse", "HEAD")
    running.edit("apps/shop/prod.yaml", "scale: 5", "scale: 6")
    running.build()
    running.git("checkout", "-q", old)
    with pytest.raises(Conflict, match="prod/shop was built from"):
        running.build()


def test_a_revert_in_the_source_is_no_older_commit(running: Staged) -> None:
    before = running.runs("dev")
    running.commit({"apps/shop/app.yaml": document("Application", "shop", NEWER)})
    running.build()
    running.git("revert", "--no-edit", "HEAD")
    running.build()
    assert running.runs("dev").release == before.release


def test_a_clone_that_lacks_the_newer_commit_finds_out(running: Staged, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", str(running.root), str(clone)], check=True)
    running.commit({"apps/shop/app.yaml": document("Application", "shop", NEWER)})
    running.build()
    options = replace(running.options, directory=clone, repository=str(running.root / ".gitopsc" / "environments"))
    there = Staged(clone, options)
    with pytest.raises(Conflict, match="is newer than"):
        there.build()
    shallow = tmp_path / "shallow"
    subprocess.run(["git", "clone", "-q", "--depth", "1", "-b", "main", f"file://{clone}", str(shallow)], check=True)
    subprocess.run(["git", "-C", str(shallow), "remote", "set-url", "origin", f"file://{running.root}"], check=True)
    with pytest.raises(Conflict, match="is newer than"):
        Staged(shallow, replace(options, directory=shallow)).build()


def test_history_that_was_rewritten_is_no_reason_to_stop(running: Staged) -> None:
    running.commit({"apps/shop/app.yaml": document("Application", "shop", NEWER)})
    running.build()
    running.git("reset", "-q", "--hard", "HEAD~1")
    running.commit({"apps/shop/app.yaml": document("Application", "shop", NEWER.replace("2.0", "2.1"))})
    running.git("reflog", "expire", "--expire=now", "--all")
    running.git("gc", "-q", "--prune=now")
    running.build()
    assert running.runs("dev").release.version == "2.1"


# -- removal -------------------------------------------------------------------------------------------------


def test_a_removed_application_leaves_later_stages_to_promotion_and_keeps_its_pipeline_until_the_last(running: Staged) -> None:
    running.commit({"apps/shop/app.yaml": None, "apps/shop/prod.yaml": None, "pipeline.yaml": None})
    result = running.build()
    assert [row(result, name)["action"] for name in ("dev",)] == ["remove"]
    dev, prod = running.runs("dev"), running.runs("prod")
    assert (dev.release.state, prod.release.state) == ("absent", "present")
    assert running.pipelines()[0]["spec"]["applications"] == ["shop"]
    assert running.build().text == "already up to date\n"
    empty = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
    for name in ("staging", "prod"):
        with running.repository() as repository:
            from gitopsc.repository.objects import folder
            from gitopsc.repository.publish import Changes, publish

            lock = replace(dev, environment=name, generation=running.runs(name).generation + 1, action="promote", rendered=empty)
            publish(repository, lambda _, lock=lock, name=name: Changes("promote", folders={(name, "shop"): (folder({}), lock)}))  # type: ignore[misc]
    running.build()
    assert running.pipelines() == []
    tip = running.tip()
    running.build()
    assert running.tip() == tip


def test_the_last_tombstone_takes_the_pipeline_with_it(tmp_path: Path) -> None:
    one = "applications: [shop]\nstages:\n- {name: dev, environments: [dev, staging, prod]}"
    shop = Staged.made(tmp_path, {**FILES, "pipeline.yaml": document("Pipeline", "shop", one)})
    shop.build()
    assert shop.pipelines() != []
    shop.commit({"apps/shop/app.yaml": None, "apps/shop/prod.yaml": None, "pipeline.yaml": None})
    shop.build()
    assert shop.pipelines() == []
    assert shop.build().text == "already up to date\n"


def test_a_held_removal_waits(running: Staged) -> None:
    running.hold("dev")
    running.commit({"apps/shop/app.yaml": None, "apps/shop/prod.yaml": None, "pipeline.yaml": None})
    assert row(running.build(), "dev")["waiting"]["action"] == "remove"
    assert running.runs("dev").release.state == "present"


# -- repositories on a server, sha256 -------------------------------------------------------------------------------------------------


def test_a_repository_with_sha256_is_staged_too(tmp_path: Path) -> None:
    shop = Staged.made(tmp_path)
    bare = tmp_path / "environments.git"
    subprocess.run(["git", "init", "-q", "--bare", "--object-format=sha256", "-b", "main", str(bare)], check=True)
    shop.options = replace(shop.options, repository=str(bare))
    shop.build()
    lock = shop.runs("dev")
    with shop.repository() as repository:
        from gitopsc.repository.objects import folder
        from gitopsc.repository.publish import Changes, publish

        files = folder(repository.snapshot().files("dev", "shop"), "sha256")
        copy = replace(lock, environment="prod", environment_source=replace(lock.environment_source, inputs="e-0"))
        publish(repository, lambda _: Changes("promote", folders={("prod", "shop"): (files, copy)}))
    shop.build()
    after = shop.runs("prod")
    assert (after.action, len(after.rendered)) == ("environment", 64)
    assert "replicas: 5" in shop.manifest("prod", "deployment-web")


def test_settings_of_git_are_not_the_developers(tmp_path: Path) -> None:
    assert environ(tmp_path)["HOME"] == str(tmp_path)
