"""Each application is in exactly one shard, and nobody needs to be told in which."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitopsc.diagnostics import Invalid
from gitopsc.shards import MOST, in_shard, parse_shard


@given(st.text(), st.integers(1, 50))
def test_an_application_is_in_exactly_one_shard(application: str, count: int) -> None:
    application = application.encode("utf-8", "ignore").decode()
    assert sum(in_shard(application, (index, count)) for index in range(1, count + 1)) == 1


def test_without_shards_everything_is_ours() -> None:
    assert parse_shard(None) is None
    assert in_shard("shop", None)


def test_which_one_it_is_never_changes() -> None:
    """It is written into manifests: a new hash would move applications between running agents."""
    names = ["ad", "cart", "checkout", "currency", "email", "frontend", "payment", "shipping"]
    assert [[name for name in names if in_shard(name, (index, 3))] for index in (1, 2, 3)] == [
        ["checkout", "currency", "payment", "shipping"],
        ["cart"],
        ["ad", "email", "frontend"],
    ]


def test_a_shard_is_its_number_and_how_many_there_are() -> None:
    assert parse_shard("2/4") == (2, 4)


@pytest.mark.parametrize("text", ["", "2", "0/4", "5/4", "a/b", "1/", "/1", "-1/2", "1/2/3", f"1/{MOST + 1}", "²/³", " 1/2"])
def test_other_words_are_refused(text: str) -> None:
    with pytest.raises(Invalid, match="expected a shard"):
        parse_shard(text)
