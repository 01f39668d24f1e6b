"""Each application is in exactly one shard, and nobody needs to be told in which."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitopsc.cluster.holders import Held
from gitopsc.diagnostics import Invalid
from gitopsc.shards import MOST, Shard, check_alone, lease_name, mine, owners, parse_shard

LABELS = {"web": {"tier": "web"}, "api": {"tier": "api"}, "db": {}}


def shard(share: str | None = None, selector: str | None = None) -> Shard:
    found = parse_shard(share, selector)
    assert found is not None
    return found


def held(one: Shard | None, environment: str = "prod", created: str = "2026-01-01T00:00:00Z") -> Held:
    return Held(lease_name(environment, one), "somebody", one.annotations if one is not None else {}, created)


@given(st.text(), st.integers(1, 50))
def test_an_application_is_in_exactly_one_shard(application: str, count: int) -> None:
    application = application.encode("utf-8", "ignore").decode()
    assert sum(Shard((index, count)).owns(application, {}) for index in range(1, count + 1)) == 1


def test_without_shards_everything_is_ours() -> None:
    assert parse_shard(None) is None
    assert mine(None, ["shop"], {}) == ["shop"]


def test_which_one_it_is_never_changes() -> None:
    """It is written into manifests: a new hash would move applications between running agents."""
    names = ["ad", "cart", "checkout", "currency", "email", "frontend", "payment", "shipping"]
    assert [mine(Shard((index, 3)), names, {}) for index in (1, 2, 3)] == [
        ["checkout", "currency", "payment", "shipping"],
        ["cart"],
        ["ad", "email", "frontend"],
    ]


def test_a_shard_is_its_number_and_how_many_there_are() -> None:
    assert parse_shard("2/4") == Shard((2, 4))


@pytest.mark.parametrize("text", ["", "2", "0/4", "5/4", "a/b", "1/", "/1", "-1/2", "1/2/3", f"1/{MOST + 1}", "²/³", " 1/2"])
def test_other_words_are_refused(text: str) -> None:
    with pytest.raises(Invalid, match="expected a shard"):
        parse_shard(text)


def test_or_what_a_selector_selects() -> None:
    assert mine(shard(selector="tier"), LABELS, LABELS) == ["web", "api"]
    assert mine(shard(selector="!tier"), LABELS, LABELS) == ["db"]
    assert mine(shard(selector="!tier"), ["unread"], {}) == ["unread"]


def test_what_is_nonsense_together_is_refused() -> None:
    with pytest.raises(Invalid, match="--shard or --selector, found both"):
        parse_shard("1/2", "tier=web")
    with pytest.raises(Invalid, match="found both: web and tier=web"):
        check_alone(shard(selector="tier=web"), ["web"])
    check_alone(shard("1/2"), ["web"])
    check_alone(shard(selector="tier=web"), [])


@pytest.mark.parametrize("text", ["tier=web", "!tier", "a.example.com/Shard in (B_1,c.d)", ",".join(f"key{number}!=x" for number in range(40))])
def test_a_shard_has_one_name_that_dns_takes(text: str) -> None:
    one = shard(selector=text)
    assert re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", one.name)
    assert len(one.name) <= 40
    assert shard(selector=f" {text.replace(',', ' , ')} ").name == one.name


def test_names_of_shards_stay_apart() -> None:
    texts = ["tier=web", "tier!=web", "tier", "!tier", "tier-web", "tier in (web,a)", "tier=Web"]
    assert len({shard(selector=text).name for text in texts}) == len(texts)


@pytest.mark.parametrize("texts", [("tier=web", "tier in (web,api)"), ("tier in (web,api)", "tier=web")])
def test_where_shards_overlap_the_oldest_lease_has_it(texts: tuple[str, str]) -> None:
    first, second = (shard(selector=text) for text in texts)
    found = owners([held(second, created="2026-01-01T00:00:01Z"), held(first)], "prod", LABELS, LABELS)
    assert found["web"] == [lease_name("prod", first), lease_name("prod", second)]
    some = shard(selector="tier in (web,api)")
    assert found["api"] == [lease_name("prod", some)]
    assert found["db"] == []


def test_who_has_a_whole_environment_comes_before_its_shards() -> None:
    found = owners([held(shard("1/1")), held(None, created="2026-02-01T00:00:00Z")], "prod", ["web"], {})
    assert found == {"web": ["gitopsc.prod", "gitopsc.prod.1-of-1"]}


def test_leases_of_others_are_none_of_ours() -> None:
    assert owners([held(None, "production"), Held("leader-election", "x")], "prod", ["web"], {}) == {"web": []}


def test_a_lease_that_an_older_agent_made_says_its_share_by_its_name() -> None:
    names = ["ad", "cart", "checkout"]
    found = owners([Held("gitopsc.prod.2-of-3", "x")], "prod", names, {})
    assert [name for name in names if found[name]] == ["cart"]


@pytest.mark.parametrize("annotations", [{}, {"gitopsc.dev/selector": "a in ("}, {"gitopsc.dev/selector": "a", "gitopsc.dev/shard": "1/2"}])
def test_a_lease_that_nobody_understands_has_everything(annotations: dict[str, str]) -> None:
    assert owners([Held("gitopsc.prod.new-words", "x", annotations)], "prod", ["web"], {}) == {"web": ["gitopsc.prod.new-words"]}
