"""What ``status`` says of real environment repositories: with records and without, in a workspace and outside of one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gitopsc.repository.location import named
from gitopsc.repository.locks import EnvironmentLock, Origin, Release, RepositoryLock, Source
from gitopsc.repository.objects import folder
from gitopsc.repository.publish import Changes, next_generations, publish
from gitopsc.repository.record import new_record
from gitopsc.repository.records import Records
from tests.delivery.scene import STAGES, TWO_PRODS, Shop, shop
from tests.repository.keys import allowed, ssh_key
from tests.repository.scene import bare, git, lock_of, script

GATED = STAGES.replace("environments: [prod]}", "environments: [prod], gates: {verified: {for: 30m}, approvals: {count: 1}}}")


def brought(made: Shop, origin: str, target: str, name: str = "shop") -> None:
    """What a promotion does: the lock of one environment in another, with the manifests that are in the first."""
    with made.repository() as repository:
        snapshot = repository.snapshot()
        lock = snapshot.release(origin, name)
        assert lock is not None
        contents = folder(snapshot.files(origin, name))
        generation = next_generations(snapshot, [(target, name)])[target, name]
        after = replace(lock, environment=target, generation=generation, action="promote", origin=Origin(origin, lock.generation), hold=None, rollback=None)
        publish(repository, lambda _: Changes("promote", {(target, name): (contents, after)}))


def of(told: dict[str, Any], environment: str, name: str = "shop") -> dict[str, Any]:
    """The row of one application in one environment."""
    (found,) = [one for row in told["environments"] if row["name"] == environment for one in row["applications"] if one["name"] == name]
    return dict(found)


@pytest.fixture
def built(tmp_path: Path) -> Shop:
    made = shop(tmp_path, GATED)
    made.told("build")
    return made


def test_which_release_is_where_since_when_and_what_is_known_of_it(built: Shop) -> None:
    brought(built, "dev", "staging")
    built.verify("dev", minutes=5)
    told = built.told("status")
    assert [environment["name"] for environment in told["environments"]] == ["dev", "staging", "prod"]
    lock = built.lock("dev")
    row = of(told, "dev")
    assert (row["release"], row["version"], row["generation"], row["verdict"]) == (lock.release.id, "1.0.0", 1, "verified")
    assert row["since"] == built.past("dev")[0].time.isoformat().replace("+00:00", "Z")
    assert (row["drift"], row["hold"], row["next"], row["edited"], row["reverted"]) == (None, None, None, False, None)
    assert of(told, "staging")["verdict"] == "unknown"
    assert of(told, "prod")["release"] is None


def test_since_is_when_the_release_came_not_when_its_lock_was_written(built: Shop) -> None:
    first = built.past("dev")[0].time
    built.variables.update(GIT_COMMITTER_DATE="2036-01-01T00:00:00Z")
    built.told("hold", "dev", "shop")
    row = of(built.told("status", "dev"), "dev")
    assert (row["generation"], row["since"]) == (2, first.isoformat().replace("+00:00", "Z"))


def test_what_comes_next_and_what_clears_its_way(built: Shop) -> None:
    told = built.told("status", "prod")
    assert of(told, "prod")["next"] is None
    brought(built, "dev", "staging")
    release = built.lock("staging").release.id
    coming = of(built.told("status", "prod", "shop"), "prod")["next"]
    assert (coming["release"], coming["version"], coming["allowed"], coming["from"]) == (release, "1.0.0", False, "staging")
    assert coming["blockedBy"] == ["verified", "soak", "approvals"]
    assert [one["clear"] for one in coming["conditions"]] == [
        "gitopsc reconcile staging",
        f"gitopsc promote shop --to prod --release {release}",
        f"gitopsc approve shop --to prod --release {release}",
    ]
    built.verify("staging", minutes=10)
    assert of(built.told("status"), "prod")["next"]["blockedBy"] == ["soak", "approvals"]
    built.verify("staging", minutes=45)
    with built.records_of("prod") as records:
        lock = built.lock("staging")
        records.add(new_record("approved", "prod", "shop", release=release, rendered=lock.rendered, generation=0, by="Sue <sue@example.com>"))
        records.push()
    coming = of(built.told("status"), "prod")["next"]
    assert (coming["allowed"], coming["blockedBy"]) == (True, [])


def test_nothing_newer_is_null_and_the_newest_of_the_blocked_is_told(built: Shop) -> None:
    brought(built, "dev", "staging")
    assert of(built.told("status"), "staging")["next"] is None
    built.release("2.0.0")
    built.release("3.0.0")
    coming = of(built.told("status"), "staging")["next"]
    assert (coming["version"], coming["blockedBy"]) == ("3.0.0", ["verified"])
    built.verify("dev")
    assert of(built.told("status"), "staging")["next"]["allowed"]


def test_an_older_release_that_passes_comes_before_a_newer_one_that_does_not(built: Shop) -> None:
    brought(built, "dev", "staging")
    built.release("2.0.0")
    built.verify("dev")
    built.release("3.0.0")
    assert of(built.told("status"), "staging")["next"]["version"] == "2.0.0"


def test_a_hold_and_the_command_that_ends_it(built: Shop) -> None:
    brought(built, "dev", "staging")
    built.verify("dev")
    built.told("hold", "staging", "shop", "--reason", "load test")
    built.release("2.0.0")
    built.verify("dev")
    row = of(built.told("status"), "staging")
    assert row["hold"] == {"reason": "load test", "by": "Ann <ann@example.com>"}
    assert row["next"]["blockedBy"] == ["hold"]
    shown, _, _ = built.said("status", "staging")
    assert "gitopsc resume staging shop" in shown


def test_drift_until_it_is_over(built: Shop) -> None:
    found = [{"object": {"kind": "Deployment", "name": "web"}, "kind": "changed", "path": "spec.replicas", "manager": "kubectl", "time": None}]
    built.verify("dev", minutes=9)
    built.saw("drift", "dev", minutes=8, objects=found)
    assert of(built.told("status"), "dev")["drift"]["objects"] == found
    shown, _, _ = built.said("status", "dev", "shop")
    assert "Deployment/web spec.replicas changed by kubectl" in shown
    built.verify("dev", minutes=7)
    assert of(built.told("status"), "dev")["drift"] is None
    built.saw("drift", "dev", minutes=6, objects=[])
    built.saw("drift", "dev", minutes=5, objects="nonsense")
    assert of(built.told("status"), "dev")["drift"] is None


def test_degraded_with_the_reason_and_rejected_for_good(built: Shop) -> None:
    built.verify("dev", minutes=3)
    built.saw("degraded", "dev", minutes=2, message="pod web-1: ImagePullBackOff")
    row = of(built.told("status"), "dev")
    assert (row["verdict"], row["reason"]) == ("degraded", "pod web-1: ImagePullBackOff")
    built.saw("rejected", "dev", minutes=60 * 24 * 200, reason="slow")
    assert of(built.told("status"), "dev")["verdict"] == "rejected"


def clone(made: Shop) -> Path:
    path = made.root / "clone"
    git(made.root, "clone", "-q", str(made.remote), str(path))
    return path


def test_a_hand_edit_of_a_manifest_is_told(built: Shop) -> None:
    work = clone(built)
    file = next((work / "dev/shop").glob("deployment-*.yaml"))
    file.write_text(file.read_text() + "# by hand\n")
    git(work, "commit", "-qam", "by hand")
    git(work, "push", "-q")
    told = built.told("status")
    assert of(told, "dev")["edited"] is True
    (found,) = told["diagnostics"]
    assert (found["severity"], found["code"], found["environment"], found["application"]) == ("warning", "edited", "dev", "shop")
    assert "gitopsc adopt dev shop" in found["hint"]


def test_a_persons_git_revert_is_told_until_it_is_adopted(built: Shop) -> None:
    built.release("2.0.0")
    work = clone(built)
    git(work, "revert", "--no-edit", "HEAD")
    git(work, "push", "-q")
    told = built.told("status", "dev")
    assert (of(told, "dev")["version"], of(told, "dev")["reverted"]) == ("1.0.0", 2)
    assert [one["code"] for one in told["diagnostics"]] == ["reverted"]
    built.told("adopt", "dev", "shop")
    told = built.told("status", "dev")
    assert (of(told, "dev")["reverted"], told["diagnostics"]) == (None, [])


def test_upstream_rolled_back_after_prod_was_promoted_is_a_warning_with_the_command(tmp_path: Path) -> None:
    made = shop(tmp_path)
    made.told("build")
    brought(made, "dev", "staging")
    made.verify("staging")
    made.release("2.0.0")
    brought(made, "dev", "staging")
    brought(made, "staging", "prod")
    made.told("rollback", "staging", "shop", "--reason", "slow")
    told = made.told("status")
    assert of(told, "prod")["version"] == "2.0.0"
    assert of(told, "staging")["verdict"] == "verified"
    (found,) = [one for one in told["diagnostics"] if one["code"] == "rejected-upstream"]
    assert found["message"] == "2.0.0 runs here and was rejected in staging"
    assert found["hint"] == "gitopsc rollback prod shop"


def test_without_a_workspace_and_in_a_clone_of_the_environment_repository(built: Shop, tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    nowhere.mkdir()
    inside = built.told("status")
    for where in (nowhere, clone(built)):
        outside = built.told("status", where=where)
        assert outside["environments"] == inside["environments"]
    assert list(nowhere.iterdir()) == []


def test_over_a_url_with_history_beyond_what_is_fetched_at_first(built: Shop, tmp_path: Path) -> None:
    brought(built, "dev", "staging")
    built.verify("dev", "staging", minutes=5)
    head = "commit refs/heads/main\ncommitter A <a@x> 2000000000 +0000\ndata 0\n"
    git(built.remote, "fast-import", "--quiet", data=(f"{head}from refs/heads/main^0\n\n" + f"{head}\n" * 60).encode())
    inside = built.told("status")
    built.variables["GIT_SSH_COMMAND"] = str(script(tmp_path / "bin" / "ssh", 'for last; do :; done\nexec sh -c "$last"'))
    built.remote = f"ssh://git@example.com{built.remote}"  # type: ignore[assignment]
    nowhere = tmp_path / "nowhere"
    nowhere.mkdir()
    for _ in range(2):
        assert built.told("status", where=nowhere)["environments"][:2] == inside["environments"][:2]
    assert of(inside, "staging")["since"] is not None
    assert len(built.told("history", "dev", "shop", where=nowhere)["entries"]) == 1
    assert list(nowhere.iterdir()) == []


def test_where_nothing_is_there_it_says_what_to_do(tmp_path: Path) -> None:
    told = shop(tmp_path).told("status", status=2)
    assert (told["environments"], told["diagnostics"][0]["code"]) == ([], "empty-repository")


@pytest.mark.parametrize(("words", "code", "hint"), [(("dve",), "unknown-environment", "'dev'"), (("dev", "shp"), "unknown-application", "'shop'")])
def test_a_name_that_there_is_not(built: Shop, words: tuple[str, ...], code: str, hint: str) -> None:
    (found,) = built.told("status", *words, status=2)["diagnostics"]
    assert found["code"] == code
    assert hint in found["hint"]


def test_a_lock_that_cannot_be_read_hides_nothing_else(tmp_path: Path) -> None:
    made = shop(tmp_path, names=("api", "shop"))
    made.told("build")
    work = clone(made)
    (work / "dev/api/release.lock").write_text("kind: Nonsense\n")
    git(work, "commit", "-qam", "break it")
    git(work, "push", "-q")
    told = made.told("status", status=2)
    assert of(told, "dev")["version"] == "1.0.0"
    assert of(told, "dev", "api")["release"] is None
    assert [one["file"] for one in told["diagnostics"]] == ["dev/api/release.lock"]
    shown, _, _ = made.said("status")
    assert "1.0.0" in shown


def test_only_approvals_that_are_signed_where_they_must_be(tmp_path: Path) -> None:
    made = shop(tmp_path, STAGES.replace("environments: [prod]}", "environments: [prod], gates: {approvals: {count: 1, signed: true}}}"))
    made.told("build")
    brought(made, "dev", "staging")
    made.verify("staging")
    sue, bob = ssh_key(tmp_path / "keys", "sue"), ssh_key(tmp_path / "keys", "bob")
    signers = allowed(tmp_path / "allowed", sue=sue, bob=bob)
    lock = made.lock("staging")
    approval = {"release": lock.release.id, "rendered": lock.rendered, "generation": 0, "by": "Sue <sue@example.com>"}
    where = named(str(made.remote))
    for key in (None, bob, sue):
        assert of(made.told("status", "--allowed-signers", str(signers)), "prod")["next"]["blockedBy"] == ["approvals"]
        (tmp_path / ".gitconfig").write_text(f"[gpg]\n\tformat = ssh\n[user]\n\tsigningKey = {key}\n")
        with Records(where, "prod", root=tmp_path, environ=made.environ("Sue"), sign=key is not None) as records:
            records.add(new_record("approved", "prod", "shop", **approval))  # type: ignore[arg-type]
            records.push()
    assert of(made.told("status", "--allowed-signers", str(signers)), "prod")["next"]["allowed"]
    assert of(made.told("status"), "prod")["next"]["blockedBy"] == ["approvals"]


def test_what_would_be_lost_is_told_in_a_workspace_that_knows_it(built: Shop, tmp_path: Path) -> None:
    brought(built, "dev", "staging")
    git(built.work, "checkout", "-q", "-b", "side", "HEAD~0")
    side = built.write({"side.txt": "x"})
    git(built.work, "checkout", "-q", "-")
    with built.repository() as repository:
        snapshot = repository.snapshot()
        lock = snapshot.release("staging", "shop")
        assert lock is not None
        hotfix = replace(lock, generation=2, action="hotfix", source=Source(None, side), release=Release("r-hotfix", "1.0.1"))
        contents = folder(snapshot.files("staging", "shop"))
        publish(repository, lambda _: Changes("hotfix", {("staging", "shop"): (contents, hotfix)}))
    built.release("2.0.0")
    built.verify("dev")
    coming = of(built.told("status"), "staging")["next"]
    assert coming["blockedBy"] == ["would-drop"]
    assert coming["conditions"][0]["clear"].endswith("--allow-drop")
    nowhere = tmp_path / "nowhere"
    nowhere.mkdir()
    assert of(built.told("status", where=nowhere), "staging")["next"]["allowed"]


def test_an_environment_of_a_fan_out_waits_for_the_one_before_it(tmp_path: Path) -> None:
    made = shop(tmp_path, TWO_PRODS % "")
    made.told("build")
    brought(made, "dev", "staging")
    made.verify("dev", "staging")
    told = made.told("status")
    assert of(told, "prod-eu")["next"]["allowed"]
    assert of(told, "prod-us")["next"] is None
    brought(made, "staging", "prod-eu")
    assert of(made.told("status"), "prod-us")["next"]["blockedBy"] == ["verified"]


def test_status_writes_nothing(built: Shop) -> None:
    before = git(built.remote, "for-each-ref"), sorted(built.work.rglob("*"))
    built.told("status")
    assert (git(built.remote, "for-each-ref"), sorted(built.work.rglob("*"))) == before


def test_fifty_applications_in_twenty_environments_on_one_screen_at_a_time(tmp_path: Path) -> None:
    made = large(tmp_path)
    told = made.told("status")
    assert sum(len(row["applications"]) for row in told["environments"]) == 1000
    assert [row["name"] for row in told["environments"]] == LARGE_ENVIRONMENTS
    assert of(told, "e-19", "app-49")["verdict"] == "unknown"
    assert of(told, "e-00", "app-00")["verdict"] == "verified"
    for words in ((), ("e-07",), ("e-07", "app-07")):
        shown, _, _ = made.said("status", *words)
        lines = shown.splitlines()
        assert 2 < len(lines) <= 55
        assert max(map(len, lines)) <= 160
        assert "\x1b" not in shown


LARGE_ENVIRONMENTS = [f"e-{number:02}" for number in range(20)]


def large(root: Path) -> Shop:
    """Fifty applications that one commit has brought to twenty environments, in pipelines of one stage each."""
    made = Shop(root, root / "nowhere", bare(root / "environments.git"))
    made.work.mkdir()
    applications = [f"app-{number:02}" for number in range(50)]
    stages = [{"name": name, "environments": [name], "gates": {"verified": {"for": "30m"}}} for name in LARGE_ENVIRONMENTS]
    files = {"gitopsc.lock": RepositoryLock("shop", pipelines=({"name": "way", "spec": {"applications": applications, "stages": stages}},)).dump()}
    contents = folder({"configmap-a.yaml": b"kind: ConfigMap\n"})
    records = []
    for environment in LARGE_ENVIRONMENTS:
        files[f"{environment}/environment.lock"] = EnvironmentLock(environment, {}).dump()
        for application in applications:
            lock = lock_of((environment, application), 1, contents, "1.0.0")
            files[f"{environment}/{application}/configmap-a.yaml"] = contents.files["configmap-a.yaml"]
            files[f"{environment}/{application}/release.lock"] = lock.dump()
            by = {"release": lock.release.id, "rendered": lock.rendered, "generation": 1, "by": "robot <r@x>"}
            records += [new_record("verified", environment, application, **by)] if environment != "e-19" else []  # type: ignore[arg-type]
    commits = [_commit("main", files)]
    commits += [
        _commit(f"gitopsc-records/{environment}", {one.path: one.dump() for one in records if one.environment == environment})
        for environment in LARGE_ENVIRONMENTS[:-1]
    ]
    git(made.remote, "fast-import", "--quiet", data=b"".join(commits))
    return made


def _commit(branch: str, files: dict[str, bytes]) -> bytes:
    head = f"commit refs/heads/{branch}\ncommitter A <a@x> 1700000000 +0000\ndata 1\nx\n".encode()
    return head + b"".join(b"M 100644 inline %s\ndata %d\n%s\n" % (path.encode(), len(data), data) for path, data in files.items())
