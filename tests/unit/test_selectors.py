"""Label selectors mean what they mean to the API server."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitopsc.diagnostics import Invalid
from gitopsc.selectors import Requirement, Selector, parse_selector

WEB = {"tier": "web", "team": "a"}
BARE: dict[str, str] = {}

# The cases of Kubernetes' own TestSelectorMatches and TestSetMatches, and a few more.
CASES = [
    ("tier", WEB, True),
    ("tier", BARE, False),
    ("!tier", WEB, False),
    ("! tier", BARE, True),
    ("tier=web", WEB, True),
    ("tier==web", WEB, True),
    ("tier = web , team = a", WEB, True),
    ("tier=web,team=b", WEB, False),
    ("tier=web", BARE, False),
    ("tier!=web", WEB, False),
    ("tier!=api", WEB, True),
    ("tier!=web", BARE, True),
    ("tier in (web,api)", WEB, True),
    ("tier in (api)", WEB, False),
    ("tier in ( api , web )", WEB, True),
    ("tier in(web)", WEB, True),
    ("tier in (web)", BARE, False),
    ("tier notin (web,api)", WEB, False),
    ("tier notin (api)", WEB, True),
    ("tier notin (web)", BARE, True),
    ("tier=", {"tier": ""}, True),
    ("tier=", BARE, False),
    ("tier in (,web)", {"tier": ""}, True),
    ("example.com/tier=web,!team", {"example.com/tier": "web"}, True),
    ("in in (in)", {"in": "in"}, True),
    ("tier,tier!=api,tier in (web,api)", WEB, True),
    ("tier=Web", WEB, False),
]


@pytest.mark.parametrize(("text", "labels", "matches"), CASES)
def test_it_selects(text: str, labels: dict[str, str], matches: bool) -> None:
    assert parse_selector(text).matches(labels) is matches


WRONG = [
    "", " ", ",", "tier,", ",tier", "=web", "!", "!!tier", "!tier=web", "tier web", "tier=web api", "tier=(web)", "tier in web", "tier in (web",
    "tier in web)", "tier in ()x", "tier notin", "tier => web", "tier>1", "tier<1", "-tier", "tier=-web", "Example.com/tier", "a/b/c", "/tier", "tier=a/b",
    "tier=über", f"{'k' * 64}=a", f"tier={'v' * 64}", "tier in (a;b)", "tier=web\nx=1", "tier in ((a))",
]  # fmt: skip


@pytest.mark.parametrize("text", WRONG)
def test_what_is_none_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse_selector(text)
    (one,) = refused.value.diagnostics
    assert one.message.startswith(f"expected a label selector, found {text!r}: expected ")
    assert "tier in (web,api)" in str(one.hint)


NAMES = st.from_regex(r"[a-z]([-a-z0-9_.]{0,20}[a-z0-9])?", fullmatch=True)
REQUIREMENTS = st.one_of(
    st.builds(Requirement, NAMES, st.sampled_from(["exists", "absent"])),
    st.builds(Requirement, NAMES, st.sampled_from(["in", "notin"]), st.sets(st.one_of(NAMES, st.just("")), min_size=1, max_size=4).map(sorted).map(tuple)),
)


@given(st.sets(REQUIREMENTS, min_size=1, max_size=5))
def test_its_one_text_is_read_back(requirements: set[Requirement]) -> None:
    one = Selector(tuple(sorted(requirements)))
    assert parse_selector(str(one)) == one
