"""How ``status`` tells what it found, and the order it tells it in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from gitopsc.delivery.pipeline import read_pipelines
from gitopsc.report.findings import plain
from gitopsc.report.result import Result
from gitopsc.report.standings import age, standings
from gitopsc.report.table import Cell, as_csv, cut, table
from gitopsc.report.text import text
from gitopsc.standing import environments_in_order

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def ordered(names: str, *ways: str) -> str:
    stages = [[{"name": name, "environments": [name]} for name in way.split()] for way in ways]
    pipelines = read_pipelines({"name": str(index), "spec": {"applications": [f"a{index}"], "stages": own}} for index, own in enumerate(stages))
    return " ".join(environments_in_order(names.split(), pipelines))


@pytest.mark.parametrize(
    ("names", "ways", "found"),
    [
        ("prod dev staging", (), "dev prod staging"),
        ("prod dev staging", ("dev staging prod",), "dev staging prod"),
        ("prod dev staging alone", ("dev staging prod",), "dev staging prod alone"),
        ("prod dev staging", ("dev prod", "dev staging prod"), "dev staging prod"),
        ("prod dev test staging", ("test staging prod", "dev staging prod"), "test dev staging prod"),
        ("prod dev", ("dev staging prod",), "dev prod"),
        ("a b c", ("a b c", "c b a"), "a b c"),
        ("", ("dev",), ""),
    ],
)
def test_environments_stand_in_the_order_in_which_releases_reach_them(names: str, ways: tuple[str, ...], found: str) -> None:
    assert ordered(names, *ways) == found


@pytest.mark.parametrize(
    ("then", "found"),
    [
        (None, ""),
        ("2026-11-23T12:00:00Z", "0s"),
        ("2026-11-23T13:00:00Z", "0s"),
        ("2026-11-23T11:59:15Z", "45s"),
        ("2026-11-23T11:01:00Z", "59m"),
        ("2026-11-22T12:00:01Z", "23h"),
        ("2026-11-01T12:00:00Z", "22d"),
    ],
)
def test_ages(then: str | None, found: str) -> None:
    assert age(then, NOW) == found


def test_a_table_is_aligned_and_has_no_empty_column() -> None:
    rows: list[list[Cell | str]] = [["a", "", Cell("long one", "31")], ["日本", "", "x"]]
    assert table(("NAME", "NOTHING", "LAST"), rows, plain) == ["NAME  LAST", "a     long one", "日本  x"]
    painted = table(("NAME", "LAST"), [("a", Cell("b", "31"))], lambda words, colour: f"<{colour}:{words}>")
    assert painted == ["<1:NAME>  <1:LAST>", "a     <31:b>"]


def test_a_table_is_cut_at_the_edge_of_the_terminal_and_never_gone() -> None:
    assert table(("NAME", "LAST"), [("a", "word " * 10)], plain, 24)[1] == "a     word word word wo…"
    assert cut("a few words more", 3) == "a few words…"
    assert "\n" not in table(("A",), [("x\ny\x1b[31m",)], plain)[1]


def test_values_for_a_spreadsheet() -> None:
    rows: list[dict[str, Any]] = [{"a": '=cmd|"x"', "b": None, "c": ["x", "y"], "d": 3}, {"a": "two\nlines, and more", "b": True, "c": [], "d": "-1"}]
    assert as_csv(("a", "b", "c", "d"), rows) == 'a,b,c,d\r\n"\'=cmd|""x""",,x y,3\r\n"two\\nlines, and more",true,,\'-1\r\n'


def row(name: Any = "shop", **more: Any) -> dict[str, Any]:
    plain_row = {
        "name": name, "release": "r-1", "version": "1.4.2", "state": "present", "generation": 3, "action": "promote", "since": "2026-11-20T12:00:00Z",
        "verdict": "verified", "judged": "2026-11-20T12:05:00Z", "reason": None, "drift": None, "hold": None, "edited": False, "reverted": None, "next": None,
    }  # fmt: skip
    return {**plain_row, **more}


def coming(*conditions: dict[str, Any], **more: Any) -> dict[str, Any]:
    names = [one["name"] for one in conditions]
    return {
        "release": "r-2", "version": "1.4.3", "from": "staging", "allowed": not names, "blockedBy": names, "conditions": list(conditions),
        "promote": "manual", "command": "gitopsc promote shop --to prod --release r-2", **more,
    }  # fmt: skip


SOAK = {"name": "soak", "met": False, "message": "12m of 30m", "clear": "gitopsc promote shop --to prod", "until": "2026-11-23T12:18:00Z"}
HELD = {"name": "hold", "met": False, "message": "held by Ann: slow", "clear": "gitopsc resume prod shop"}


def shown(*environments: tuple[str, list[dict[str, Any]]], width: int | None = None) -> list[str]:
    data = {"time": "2026-11-23T12:00:00Z", "environments": [{"name": name, "applications": rows} for name, rows in environments]}
    return list(standings(data, plain, width))


def test_one_application_in_full() -> None:
    objects = [{"object": {"kind": "Deployment", "name": "web"}, "kind": "changed", "path": "spec.replicas", "manager": "kubectl"}, {}]
    one = row(
        verdict="degraded", reason="pod web-1: ImagePullBackOff", drift={"since": "2026-11-22T12:00:00Z", "objects": objects}, edited=True, reverted=4,
        hold={"reason": "slow", "by": "Ann <a@x>"}, next=coming(SOAK, HELD),
    )  # fmt: skip
    assert shown(("prod", [one])) == [
        "shop in prod",
        "  version  1.4.2 (r-1), generation 3 by promote, since 2026-11-20T12:00:00Z (3d)",
        "  verdict  degraded since 2026-11-20T12:05:00Z: pod web-1: ImagePullBackOff",
        "  drift    2 findings since 2026-11-22T12:00:00Z",
        "           Deployment/web spec.replicas changed by kubectl",
        "           None/None",
        "  hold     held by Ann <a@x>: slow",
        "  by hand  edited",
        "           gitopsc adopt prod shop",
        "  by hand  reverted",
        "           gitopsc adopt prod shop",
        "  next     1.4.3 (r-2) from staging",
        "           soak: 12m of 30m (until 2026-11-23T12:18:00Z)",
        "             gitopsc promote shop --to prod",
        "           hold: held by Ann: slow",
        "             gitopsc resume prod shop",
    ]


def test_one_that_has_not_come_yet_and_nothing_in_its_way() -> None:
    none: dict[str, Any] = dict.fromkeys(("release", "version", "state", "generation", "action", "since", "judged"))
    assert shown(("prod", [row(verdict="unknown", next=coming(), **none)])) == [
        "shop in prod",
        "  version  none has come yet",
        "  next     1.4.3 (r-2) from staging",
        "           nothing stands in its way: gitopsc promote shop --to prod --release r-2",
    ]


def test_one_environment_is_a_table_of_applications() -> None:
    rows = [row("api", hold={"reason": None, "by": None}), row("web", next=coming(SOAK))]
    assert shown(("prod", rows)) == [
        "prod",
        "APPLICATION  VERSION  SINCE  VERDICT   STATE  NEXT",
        "api          1.4.2    3d     verified  held",
        "web          1.4.2    3d     verified         1.4.3: soak",
        "",
        "web 1.4.3 to prod",
        "  soak: 12m of 30m (until 2026-11-23T12:18:00Z)",
        "    gitopsc promote shop --to prod",
        "",
        "api is held in prod: gitopsc resume prod api",
    ]


def test_several_environments_are_a_table_of_applications_with_their_environments() -> None:
    assert shown(("dev", [row("b"), row("a")]), ("prod", [row("a", state="absent", version=None)])) == [
        "APPLICATION  ENVIRONMENT  VERSION  SINCE  VERDICT",
        "a            dev          1.4.2    3d     verified",
        "             prod         removed  3d     verified",
        "b            dev          1.4.2    3d     verified",
    ]


def test_of_many_blocked_ones_the_conditions_are_told_one_by_one_elsewhere() -> None:
    found = shown(("prod", [row(f"app-{number}", next=coming(SOAK)) for number in range(20)]))
    assert len(found) == 24
    assert found[-1] == "gitopsc status ENV APP says what stands in the way of each, and what clears it"


def test_very_many_are_a_summary_and_what_needs_a_look() -> None:
    rows = [row(f"app-{number}") for number in range(98)]
    bad = [row("x", verdict="degraded", next=coming(SOAK)), row("y", drift={"since": "2026-11-22T12:00:00Z", "objects": []}, next=coming())]
    assert shown(("dev", rows), ("prod", bad), ("empty", [])) == [
        "100 applications in 2 environments",
        "",
        "ENVIRONMENT  APPLICATIONS  VERIFIED  DEGRADED  DRIFTED  READY  BLOCKED",
        "dev          98            98",
        "prod         2             1         1         1        1      1",
        "",
        "needs a look",
        "ENVIRONMENT  APPLICATION  VERSION  SINCE  VERDICT   STATE    NEXT",
        "prod         x            1.4.2    3d     degraded           1.4.3: soak",
        "prod         y            1.4.2    3d     verified  drifted  1.4.3: ready",
        "",
        "gitopsc status ENV lists an environment; gitopsc status ENV APP says what stands in the way of one, and what clears it",
    ]


def test_nothing_at_all_and_the_way_through_the_formats() -> None:
    assert shown() == ["nothing was built yet"]
    assert text(Result("StatusResult", {"time": "2026-11-23T12:00:00Z", "environments": []})) == "nothing was built yet\n"
    assert text(Result("StatusResult", {"environments": []})) == "environments: []\n"


def test_what_a_person_wrote_moves_no_cursor() -> None:
    found = "\n".join(shown(("prod", [row(hold={"reason": "a\x1b[2J\nb", "by": None})])))
    assert "\x1b" not in found
    assert "a\\x1b[2J\\nb" in found
