"""What records say of a release: verdicts, soaks, approvals and checks, as tables."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gitopsc.delivery.verdict import approvers, check_result, mail_of, soak, verdict
from gitopsc.repository.record import Record
from tests.unit.deliveries import at, history, record

NOW = at(100)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("", "unknown"),
        ("applied", "unknown"),
        ("applied verified", "verified"),
        ("verified degraded", "degraded"),
        ("degraded verified", "verified"),
        ("verified rejected", "rejected"),
        ("rejected verified", "rejected"),  # a late verified does not un-reject
        ("verified rejected accepted", "verified"),
        ("degraded rejected accepted", "degraded"),
        ("rejected accepted", "unknown"),
        ("rejected accepted verified", "verified"),
        ("accepted rejected", "rejected"),
        ("rejected accepted rejected", "rejected"),
        ("verified approved check drift", "verified"),
    ],
)
def test_verdicts(said: str, expected: str) -> None:
    records = [record(kind, minutes=index) for index, kind in enumerate(said.split())]
    assert verdict(records, "r-1", NOW).word == expected
    assert verdict(records[::-1], "r-1", NOW).word == expected, "the order they are given in must not matter"
    assert verdict(records, "r-2", NOW).word == "unknown"


def test_a_verdict_names_the_record_that_decided() -> None:
    found = verdict([record("verified"), record("degraded", minutes=5, message="3 of 4")], "r-1", NOW)
    assert found.since == at(5)
    assert found.record is not None
    assert found.record.details == {"message": "3 of 4"}


def test_records_of_one_moment_keep_the_order_they_were_made_in() -> None:
    first, second = record("degraded"), record("verified")
    later = Record(**{**{name: getattr(second, name) for name in second.__slots__}, "ulid": "7" * 26})
    assert verdict([later, first], "r-1", NOW).word == "verified"


def test_a_clock_that_goes_ahead_does_not_have_the_last_word_for_ever() -> None:
    records = [record("verified", minutes=10_000), record("degraded", minutes=99)]
    assert verdict(records, "r-1", NOW).word == "verified", "the future counts as now"
    assert verdict(records, "r-1", NOW).since == NOW
    assert verdict([*records, record("degraded", minutes=10_001)], "r-1", NOW).word == "degraded", "of two in the future, the later one"


@pytest.mark.parametrize(
    ("locks", "records", "expected"),
    [
        (("promote r-1", "promote r-2", "rollback r-1 of r-2"), "verified r-2", "rejected"),
        (("promote r-1", "promote r-2", "rollback r-1 of r-2", "environment r-1"), "verified r-2", "rejected"),
        (("promote r-1", "promote r-2", "rollback r-1 of r-2", "rollback r-2"), "verified r-2", "verified"),  # --undo
        (("promote r-1", "promote r-2", "rollback r-1 of r-2", "promote r-2"), "verified r-2", "verified"),  # --allow-rejected
        (("promote r-1", "promote r-2", "rollback r-1 of r-2"), "verified r-2 accepted r-2", "verified"),
        (("promote r-2", "environment r-2", "rollback r-2 of r-2"), "verified r-2", "verified"),  # the environment's settings alone
        (("promote r-1", "promote r-2", "rollback r-1 of r-2", "promote r-3"), "", "rejected"),
    ],
)
def test_what_a_rollback_replaced_is_rejected_even_without_records(locks: tuple[str, ...], records: str, expected: str) -> None:
    words = records.split()
    told = [record(kind, release, minutes=index) for index, (kind, release) in enumerate(zip(words[::2], words[1::2], strict=True))]
    assert verdict(told, "r-2", NOW, history(*locks)).word == expected


def test_a_rejection_on_record_stands_though_the_lock_names_the_release_again() -> None:
    locks = history("promote r-1", "promote r-2", "rollback r-1 of r-2", "promote r-2")
    assert verdict([record("rejected", "r-2")], "r-2", NOW, locks).word == "rejected"


@pytest.mark.parametrize(
    ("said", "longest", "since"),
    [
        ("", 0, None),
        ("applied:0", 0, None),
        ("verified:40", 60, 40),
        ("verified:40 verified:90", 60, 40),
        ("verified:40 degraded:70", 30, None),
        ("verified:10 degraded:70 verified:90", 60, 90),
        ("verified:10 degraded:20 verified:40", 60, 40),
        ("verified:40 applied/r-2:70", 30, None),
        ("verified:40 verified/r-2:70", 30, None),
        ("verified:40 rejected:70", 30, None),
        ("verified:40 rejected:70 verified:71", 30, None),  # rejected: a late verified is none
        ("verified:40 rejected:70 accepted:75 verified:80", 30, 80),
        ("verified:40 rejected/r-2:70", 60, 40),  # the other release's rejection is not ours
        ("verified:40 rejected:50 applied/r-2:60 verified:70", 10, None),
        ("verified:40 applied:70", 60, 40),  # an environment's change is applied, and the release stays
        ("verified:200", 0, 100),  # in the future: now
        ("degraded:10 verified:20 applied/r-2:30 verified:50 applied/r-2:90", 40, None),
    ],
)
def test_soaks(said: str, longest: int, since: int | None) -> None:
    records = []
    for word in said.split():
        what, _, minutes = word.partition(":")
        kind, _, release = what.partition("/")
        records.append(record(kind, release or "r-1", float(minutes)))
    found = soak(records[::-1], "r-1", NOW)
    assert (found.longest, found.since) == (timedelta(minutes=longest), None if since is None else at(since))


def test_approvals_are_for_the_release_and_exactly_these_manifests() -> None:
    records = [
        record("approved", by="Ann <ANN@example.com>"),
        record("approved", by="Ann B. <ann@example.com>", minutes=1),
        record("approved", by="Bob <bob@example.com>"),
        record("approved", by="Cal <cal@example.com>", tree="b" * 40),
        record("approved", "r-2", by="Dan <dan@example.com>"),
        record("verified", by="Eve <eve@example.com>"),
        record("approved", by="nobody"),
    ]
    tree = "a" * 40
    assert approvers(records, "r-1", tree) == ("ann@example.com", "bob@example.com")
    assert approvers(records, "r-1", tree, ["Bob@Example.com", "cal@example.com"]) == ("bob@example.com",)
    assert approvers(records, "r-1", tree, []) == ()
    assert approvers(records, "r-1", tree, signed=[records[2].ulid[:-1] + "x"]) == ()
    assert approvers(records[2:3], "r-1", tree, signed=[records[2].ulid]) == ("bob@example.com",)
    assert approvers(records, "r-1", None) == ()


@pytest.mark.parametrize(
    ("identity", "mail"),
    [("Ann <ann@example.com>", "ann@example.com"), ("ann", ""), ("<a@b>", "a@b"), ("A <x> <ann@example.com>", "ann@example.com"), ("> <", "")],
)
def test_mail_addresses(identity: str, mail: str) -> None:
    assert mail_of(identity) == mail


def test_the_newest_result_of_a_check_counts() -> None:
    records = [record("check", minutes=5, name="load-test", result="failed"), record("check", name="load-test", result="passed")]
    found = check_result(records, "r-1", "load-test", NOW)
    assert found is not None
    assert found.details["result"] == "failed"
    assert check_result(records, "r-1", "smoke", NOW) is None
    assert check_result(records, "r-2", "load-test", NOW) is None
