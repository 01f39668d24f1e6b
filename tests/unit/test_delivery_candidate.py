"""Candidates: which release of the upstream's history comes next."""

from __future__ import annotations

import pytest

from gitopsc.delivery.candidate import candidate, stays
from gitopsc.delivery.gate import Condition
from tests.unit.deliveries import Moment, history

GOOD = (Condition("verified", True, "yes"),)
BAD = (Condition("verified", False, "no", "gitopsc reconcile staging"),)


@pytest.mark.parametrize(
    ("upstream", "running", "good", "chosen", "skipped"),
    [
        ("promote r-1, promote r-2", "r-1", "r-1 r-2", "r-2", ""),
        ("promote r-1, promote r-2, promote r-3", "r-1", "r-1 r-2 r-3", "r-3", ""),  # a version is skipped: the newest verified wins
        ("promote r-1, promote r-2, promote r-3", "r-1", "r-1 r-2", "r-2", "r-3"),
        ("promote r-1, promote r-2, promote r-3", "r-1", "", None, "r-3 r-2"),
        ("promote r-1, promote r-2", "r-2", "r-1 r-2", None, ""),  # nothing newer
        ("promote r-1, promote r-2", None, "r-1 r-2", "r-2", ""),
        ("promote r-1, promote r-2", None, "r-1", "r-1", "r-2"),
        ("", None, "", None, ""),
        ("promote r-1, promote r-2, rollback r-1 of r-2", "r-2", "r-1 r-2", None, ""),  # upstream rolled back: no downgrade
        ("promote r-1, promote r-2, rollback r-1 of r-2", "r-0", "r-1", "r-1", "r-2"),  # it came there by promotion, too
        ("promote r-1, promote r-2, rollback r-1 of r-2", "r-1", "r-1", None, "r-2"),
        ("promote r-1, promote r-2, rollback r-1 of r-2, environment r-1", "r-2", "r-1", None, ""),  # still there by rollback
        ("promote r-1, promote r-2, rollback r-1 of r-2, promote r-1", "r-2", "r-1 r-2", "r-1", ""),  # a person meant it
        ("promote r-1, promote r-2, rollback r-1 of r-2, rollback r-2", "r-1", "r-1 r-2", "r-2", ""),  # undone
        ("promote r-1, promote r-2, rollback r-2 of r-2", "r-1", "r-1 r-2", "r-2", ""),  # the environment's settings alone
        ("build r-1, build r-2, build r-1", "r-2", "r-1 r-2", "r-1", ""),  # a source revert where r-2 had landed
        ("build r-1, build r-2, build r-1", "r-1", "r-1 r-2", None, ""),  # and where it had not
        ("promote r-1, environment r-1, rerender r-1", "r-0", "r-1", "r-1", ""),
        ("build r-1, build r-2 dirty", "r-0", "r-1 r-2", "r-1", ""),
        ("promote r-1, remove r-gone", "r-1", "r-gone", "r-gone", ""),
        ("promote r-1, promote r-2, hold r-2", "r-1", "r-2", "r-2", ""),
        ("promote r-0, promote r-hot, promote r-2", "r-hot", "r-0", None, "r-2"),
    ],
)
def test_candidates(upstream: str, running: str | None, good: str, chosen: str | None, skipped: str) -> None:
    asked: list[str] = []

    def judge(entry: Moment) -> tuple[Condition, ...]:
        asked.append(entry.lock.release.id)
        return GOOD if entry.lock.release.id in good.split() else BAD

    locks = history(*upstream.split(", ")) if upstream else []
    found = candidate(locks, running, judge)
    assert (found.chosen.entry.lock.release.id if found.chosen else None) == chosen
    assert [one.entry.lock.release.id for one in found.skipped] == skipped.split()
    assert len(asked) == len(set(asked)), "a release is judged once"


def test_the_newest_lock_of_a_stay_is_what_is_promoted() -> None:
    locks = history("promote r-1", "promote r-2", "environment r-2")
    found = candidate(locks, "r-1", lambda _: GOOD)
    assert found.chosen is not None
    assert found.chosen.entry.lock.generation == 3


def test_what_is_left_out_does_not_count() -> None:
    conditions = (Condition("approvals", False, "0 of 1 approval", "gitopsc approve …"),)
    assert candidate(history("promote r-1"), None, lambda _: conditions).chosen is None
    assert candidate(history("promote r-1"), None, lambda _: conditions, but=("approvals",)).chosen is not None


def test_stays_are_runs_of_one_release() -> None:
    assert [[entry.lock.generation for entry in stay] for stay in stays(history("build r-1", "environment r-1", "build r-2", "build r-1"))] == [
        [4],
        [3],
        [2, 1],
    ]
