"""``history`` and ``audit``: every change of a lock, with who, from what, approved by whom, and with which outcome."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gitopsc.repository.record import new_record
from tests.delivery.scene import Shop, shop
from tests.delivery.test_status import brought, clone
from tests.repository.keys import allowed, ssh_key
from tests.repository.scene import git

FIELDS = ("environment application generation action release version source commits revision time author approvers verdict applied signature reason").split()


@pytest.fixture
def built(tmp_path: Path) -> Shop:
    made = shop(tmp_path)
    made.told("build")
    return made


def entries(made: Shop, where: str = "dev", *words: str) -> list[dict[str, Any]]:
    told = made.told("history", where, "shop", *words)
    assert (told["kind"], told["environment"], told["application"]) == ("HistoryResult", where, "shop")
    return list(told["entries"])


def test_newest_first_with_what_it_was_made_of(built: Shop) -> None:
    first = git(built.work, "rev-parse", "HEAD")
    between = built.write({"unrelated.txt": "x"})
    release = built.release("2.0.0")
    head = git(built.work, "rev-parse", "HEAD")
    found = entries(built)
    assert [(one["generation"], one["action"], one["version"]) for one in found] == [(2, "build", "2.0.0"), (1, "build", "1.0.0")]
    assert set(FIELDS) <= set(found[0])
    newest = found[0]
    assert (newest["environment"], newest["application"], newest["release"], newest["author"]) == ("dev", "shop", release, "Ann <ann@example.com>")
    assert newest["source"] == {"repository": None, "commit": head}
    assert newest["commits"] == [head, between]
    assert newest["revision"] == built.tip()
    assert newest["time"] == built.past("dev")[0].time.isoformat().replace("+00:00", "Z")
    assert (newest["verdict"], newest["applied"], newest["signature"], newest["approvers"], newest["reason"]) == ("unknown", "unknown", "unsigned", [], None)
    assert found[1]["commits"] == [first]


def test_what_became_of_each(built: Shop) -> None:
    built.saw("applied", "dev", minutes=9)
    built.verify("dev", minutes=8)
    built.release("2.0.0")
    built.saw("degraded", "dev", message="no image")
    assert [(one["verdict"], one["applied"]) for one in entries(built)] == [("degraded", "failed"), ("verified", "applied")]
    built.told("rollback", "dev", "shop", "--reason", "no image")
    found = entries(built)
    assert [(one["action"], one["verdict"], one["applied"], one["reason"]) for one in found] == [
        ("rollback", "verified", "unknown", "no image"),
        ("build", "rejected", "failed", None),
        ("build", "verified", "applied", None),
    ]
    assert found[0]["commits"] == []
    built.saw("applied", "dev")
    assert entries(built)[0]["applied"] == "applied"


def test_a_lock_alone_changes_nothing_in_the_cluster(built: Shop) -> None:
    built.saw("applied", "dev", minutes=1)
    built.told("hold", "dev", "shop", "--reason", "load test")
    assert [(one["action"], one["applied"], one["reason"]) for one in entries(built)] == [("hold", "applied", "load test"), ("build", "applied", None)]


def test_who_approved_it(built: Shop) -> None:
    brought(built, "dev", "prod")
    lock = built.lock("prod")
    with built.records_of("prod") as records:
        for name, rendered in (("Sue", lock.rendered), ("Sam", lock.rendered), ("Bob", "other")):
            by = f"{name} <{name}@example.com>"
            records.add(new_record("approved", "prod", "shop", release=lock.release.id, rendered=rendered, generation=0, by=by))
        records.push()
    (found,) = entries(built, "prod")
    assert found["approvers"] == ["sam@example.com", "sue@example.com"]
    assert found["from"] == {"environment": "dev", "generation": 1}


def test_only_changes_of_locks_count(built: Shop) -> None:
    work = clone(built)
    file = next((work / "dev/shop").glob("deployment-*.yaml"))
    file.write_text(file.read_text() + "# by hand\n")
    git(work, "commit", "-qam", "by hand")
    git(work, "push", "-q")
    assert len(entries(built)) == 1


def test_the_newest_alone(built: Shop) -> None:
    built.release("2.0.0")
    built.release("3.0.0")
    assert [one["version"] for one in entries(built, "dev", "--limit", "2")] == ["3.0.0", "2.0.0"]


def test_without_a_workspace_the_commit_that_the_lock_names(built: Shop, tmp_path: Path) -> None:
    built.release("2.0.0")
    nowhere = tmp_path / "nowhere"
    nowhere.mkdir()
    told = built.told("history", "dev", "shop", where=nowhere)
    assert [one["commits"] for one in told["entries"]] == [[one["source"]["commit"]] for one in told["entries"]]


def test_a_release_of_no_commit_is_dirty(tmp_path: Path) -> None:
    made = shop(tmp_path)
    (made.work / "shop.yaml").write_text((made.work / "shop.yaml").read_text().replace("1.0.0", "1.1.0"))
    made.told("build", "--allow-dirty")
    (found,) = entries(made)
    assert (found["source"], found["commits"]) == ({"dirty": True}, [])
    out, _, _ = made.said("history", "dev", "shop", "-o", "csv")
    assert ",dirty," in out


def test_names_that_there_are_not(built: Shop) -> None:
    assert built.told("history", "dev", "shp", status=2)["diagnostics"][0]["code"] == "unknown-application"
    assert built.told("audit", "--env", "dve", status=2)["diagnostics"][0]["code"] == "unknown-environment"
    assert built.told("audit", "--app", "shp", status=2)["diagnostics"][0]["code"] == "unknown-application"
    out, err, status = built.said("audit", "--since", "yesterday", "-o", "csv")
    assert (out.splitlines(), status) == ([",".join(FIELDS)], 2)
    assert "such as 2026-11-23" in err


def test_audit_is_all_of_it_newest_first(tmp_path: Path) -> None:
    made = shop(tmp_path, names=("api", "shop"))
    made.told("build")
    made.release("2.0.0")
    brought(made, "dev", "staging", "api")
    told = made.told("audit")
    assert told["kind"] == "AuditResult"
    found = [(one["environment"], one["application"], one["generation"]) for one in told["changes"]]
    assert found == [("staging", "api", 1), ("dev", "shop", 2), ("dev", "api", 1), ("dev", "shop", 1)]
    assert [one["application"] for one in made.told("audit", "--env", "dev", "--app", "api")["changes"]] == ["api"]
    assert len(made.told("audit", "--limit", "3")["changes"]) == 3


def test_audit_since_a_date_or_that_long_ago(built: Shop) -> None:
    built.variables["GIT_COMMITTER_DATE"] = "2036-01-01T00:00:00Z"
    with built.repository() as repository:
        first = repository.snapshot().revision
    ahead = (datetime.now(UTC) + timedelta(days=2)).date().isoformat()
    assert [one["revision"] for one in built.told("audit", "--since", "1d")["changes"]] == [first]
    assert built.told("audit", "--since", ahead)["changes"] == []
    shown, _, _ = built.said("audit", "--since", ahead)
    assert shown == "no changes\n"


def test_as_values_for_a_spreadsheet(built: Shop) -> None:
    built.told("hold", "dev", "shop", "--reason", '=HYPERLINK(1), "x"')
    for words in (("audit",), ("history", "dev", "shop")):
        out, err, status = built.said(*words, "-o", "csv")
        rows = list(csv.DictReader(io.StringIO(out)))
        assert (list(rows[0]), len(rows), err, status) == (FIELDS, 2, "", 0)
        assert rows[0]["reason"] == '\'=HYPERLINK(1), "x"'
        assert (rows[1]["commits"], rows[1]["source"]) == (git(built.work, "rev-parse", "HEAD"), git(built.work, "rev-parse", "HEAD"))
        assert rows[1]["generation"] == "1"


def test_as_a_table_for_people(built: Shop) -> None:
    built.told("hold", "dev", "shop", "--reason", "load test")
    shown, _, _ = built.said("history", "dev", "shop")
    title, head, newest, oldest = shown.splitlines()
    assert title == "shop in dev"
    assert head.split() == ["WHEN", "GENERATION", "ACTION", "VERSION", "AUTHOR", "VERDICT", "APPLIED", "COMMITS", "REVISION", "REASON"]
    assert "hold" in newest
    assert newest.endswith("load test")
    assert "build" in oldest
    shown, _, _ = built.said("audit")
    assert shown.splitlines()[0].split()[:3] == ["WHEN", "ENVIRONMENT", "APPLICATION"]


def test_signatures_are_held_against_the_keys_that_are_named(built: Shop) -> None:
    ann, bob = ssh_key(built.root / "keys", "ann"), ssh_key(built.root / "keys", "bob")
    signers = allowed(built.root / "allowed", ann=ann)
    work = clone(built)
    for key, text in ((ann, "2"), (bob, "3")):
        lock = work / "dev/shop/release.lock"
        lock.write_text(lock.read_text().replace(f"generation: {int(text) - 1}", f"generation: {text}"))
        git(work, "-c", "gpg.format=ssh", "-c", f"user.signingKey={key}", "commit", "-q", "-S", "-am", text)
    git(work, "push", "-q")
    assert [one["signature"] for one in entries(built)] == ["unchecked", "unchecked", "unsigned"]
    found = entries(built, "dev", "--allowed-signers", str(signers))
    assert [(one["signature"], one["signer"]) for one in found] == [("unknown", None), ("good", "ann@example.com"), ("unsigned", None)]
    assert [one["signature"] for one in built.told("audit", "--allowed-signers", str(signers))["changes"]] == ["unknown", "good", "unsigned"]
    assert built.told("audit", "--allowed-signers", "nowhere", status=2)["diagnostics"][0]["code"] == "allowed-signers"


def test_nothing_is_written(built: Shop) -> None:
    before = git(built.remote, "for-each-ref"), sorted(built.work.rglob("*"))
    built.told("history", "dev", "shop")
    built.told("audit")
    assert (git(built.remote, "for-each-ref"), sorted(built.work.rglob("*"))) == before
