"""What waits at a gate, and since when, by locks, commits and records alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gitopsc.opening import opened
from gitopsc.options import Options
from gitopsc.overdue import AFTER, Look, Looker, Wait, patience, waits
from gitopsc.revision import Revision, read_revision
from tests.delivery.scene import Shop, shop
from tests.delivery.test_edge_cases import merged
from tests.waiting import until

BY_REQUEST = """
- {name: dev, environments: [dev]}
- {name: prod, environments: [prod], promote: pull-request, gates: {approvals: {count: 1}%s}}
"""
AUTO = "- {name: dev, environments: [dev]}\n- {name: prod, environments: [prod], promote: %s, gates: {%s}}\n"


def options(made: Shop) -> Options:
    return Options(directory=made.root, repository=str(made.remote), environ=made.environ("robot"))


def waiting(made: Shop, *, refused: Iterable[str] = (), later: timedelta = timedelta()) -> list[Wait]:
    with opened(options(made), now=datetime.now(UTC) + later, writes=False) as there:
        return waits(there, "prod", ["shop"], set(refused))


def names(found: list[Wait]) -> list[tuple[str | None, list[str]]]:
    return [(one.lock.release.version, [condition.name for condition in one.conditions]) for one in found]


def arrived(made: Shop, version: str, where: str = "dev") -> datetime:
    return min(past.time for past in made.past(where) if past.lock.release.version == version)


def test_a_release_waits_until_what_it_lacks_is_there(tmp_path: Path) -> None:
    made = shop(tmp_path, AUTO % ("auto", "checks: [load]"))
    made.told("build")
    assert names(waiting(made)) == [("1.0.0", ["verified", "checks"])]
    made.verify("dev")
    (one,) = waiting(made)
    assert (names([one]), one.since) == ([("1.0.0", ["checks"])], arrived(made, "1.0.0"))
    assert str(one.conditions[0].clear).startswith("gitopsc record shop --to prod --check load")
    made.told("record", "shop", "--to", "prod", "--check", "load", "--result", "passed")
    assert waiting(made) == []
    made.told("promote", "--auto")
    assert waiting(made) == []


def test_it_is_the_oldest_that_says_since_when_and_the_newest_that_is_named(tmp_path: Path) -> None:
    made = shop(tmp_path, BY_REQUEST % "")
    made.told("build")
    first = arrived(made, "1.0.0")
    until(lambda: datetime.now(UTC) - first > timedelta(seconds=1))  # a commit's time has whole seconds
    made.release("1.1.0")
    (one,) = waiting(made)
    assert names([one]) == [("1.1.0", ["verified", "approvals"])]
    assert one.since == first < arrived(made, "1.1.0")


@pytest.mark.parametrize("manual", ["manual", "auto"])
def test_where_a_person_promotes_nothing_waits(tmp_path: Path, manual: str) -> None:
    made = shop(tmp_path, AUTO % (manual, "checks: [load]"))
    made.told("build")
    assert len(waiting(made)) == (manual == "auto")


def test_what_time_clears_is_nothing_that_was_forgotten(tmp_path: Path) -> None:
    made = shop(tmp_path, AUTO % ("auto", "verified: {for: 2h}"))
    made.told("build")
    made.verify("dev")
    assert waiting(made) == []
    made.saw("degraded", "dev")
    assert names(waiting(made)) == [("1.0.0", ["verified", "soak"])]


def test_what_a_person_has_decided_waits_for_nobody(tmp_path: Path) -> None:
    made = shop(tmp_path, BY_REQUEST % "")
    made.told("build")
    made.verify("dev")
    made.told("approve", "shop", "--to", "prod")
    made.told("promote", "--auto")
    assert merged(made, "gitopsc/promote/prod/shop")
    made.release("1.1.0")
    assert names(waiting(made)) == [("1.1.0", ["verified", "approvals"])]
    made.told("hold", "prod", "shop", "--reason", "a holiday")
    assert waiting(made) == []
    made.told("resume", "prod", "shop")
    assert len(waiting(made)) == 1
    made.saw("rejected", "prod", reason="no")  # another release: the one that runs
    assert names(waiting(made)) == [("1.1.0", ["verified", "approvals"])]


def test_what_was_merged_past_the_gate_waits_in_its_own_lock(tmp_path: Path) -> None:
    made = shop(tmp_path, BY_REQUEST % "")
    made.told("build")
    made.verify("dev")
    made.told("promote", "--auto")
    assert merged(made, "gitopsc/promote/prod/shop")
    assert waiting(made) == []  # upstream has nothing else; it is reconcile that says whether it is refused
    (one,) = waiting(made, refused=["shop"])
    assert (names([one]), one.since) == ([("1.0.0", ["approvals"])], arrived(made, "1.0.0", "prod"))
    made.told("approve", "shop", "--to", "prod", "--release", one.lock.release.id)
    assert waiting(made, refused=["shop"]) == []


@contextmanager
def look(made: Shop, **rules: Any) -> Iterator[Look]:
    """What an agent of prod looks at, before shop has ever come there."""
    said = options(made)
    with opened(said, writes=False) as there:
        revision = read_revision(there.snapshot, "prod")
        revision = replace(revision, lock={**revision.lock, "reconcile": {**revision.rules, **rules}})
        yield Look(said, there.where, there.repository, there.snapshot, revision, [], [])


@pytest.fixture
def unapproved(tmp_path: Path) -> Shop:
    """Shop waits for an approval in prod, where it has never been; another application is there."""
    made = shop(tmp_path, BY_REQUEST % "", names=("shop", "other"))
    made.told("build")
    made.verify("dev")
    made.verify("dev", name="other")
    made.told("approve", "other", "--to", "prod")
    made.told("promote", "other", "--to", "prod")
    if "gitopsc/promote/prod/other" in made.branches():
        assert merged(made, "gitopsc/promote/prod/other")
    return made


def test_people_are_told_after_what_the_environment_says(unapproved: Shop) -> None:
    with look(unapproved) as one:
        quiet = one.told()
    with look(unapproved, waiting="1s") as one:
        until(lambda: one.told().events)
        told = one.told()
    assert (quiet.events, quiet.judged("waiting", "shop")) == ((), True)
    (event,) = told.events
    assert (event.word, event.environment, event.application, event.subject) == ("waiting", "prod", "shop", "")
    assert event.summary.startswith("1.0.0 waits since ")
    assert event.summary.endswith(" UTC for approvals")
    assert event.details[0].startswith("approvals: 0 of 1 approval: gitopsc approve shop --to prod")


def test_where_nothing_can_be_seen_nothing_is_judged(unapproved: Shop) -> None:
    with look(unapproved, waiting="1h") as one:
        unapproved.remote.rename(unapproved.root / "away.git")
        told = one.told()
    assert told.events == ()
    assert (told.judged("waiting", "shop"), told.judged("failed", "shop")) == (False, True)


def test_a_short_pass_looks_again_only_where_something_changed(unapproved: Shop) -> None:
    now = [0.0]
    looker = Looker(lambda: now[0])
    with look(unapproved, waiting="1h") as one:
        first = looker.told(one)
        assert looker.told(one) is first
        now[0] += 299
        assert looker.told(one) is first
        assert looker.told(replace(one, names=["other"])) is not first
        again = looker.told(one)
        now[0] += 301
        assert looker.told(one) is not again


def test_the_time_is_a_day_where_nobody_says_otherwise() -> None:
    def of(**rules: Any) -> float:
        return patience(Revision("prod", "1", {"reconcile": rules}, {}, {}))

    assert (of(), of(waiting="90m"), of(waiting=None), of(waiting="soon")) == (AFTER, 5400.0, AFTER, AFTER)
