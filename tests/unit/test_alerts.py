"""Alerts, without a network: who is owed which word, what each kind of sink is shown, and that nothing repeats."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gitopsc.alerts import post
from gitopsc.alerts.book import MOST, Book, Notice, load
from gitopsc.alerts.event import WORDS, Event
from gitopsc.alerts.sinks import routes
from gitopsc.alerts.wording import alertmanager, kubernetes, messages, of_object

NOW = datetime(2026, 11, 23, 22, 44, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ALL: frozenset[str] = frozenset()
FAILED = Event("failed", "prod-eu", "checkout", summary="403 Forbidden: cannot patch deployments")
DRIFTED = Event("drift", "prod-eu", "checkout", summary="1 object", details=("Deployment/web: spec.replicas, by kubectl-edit",))


def everything(_word: str, _application: str) -> bool:
    return True


def changes(notices: list[Notice]) -> list[tuple[str, str]]:
    return [(notice.change, notice.event.word) for notice in notices]


def test_s55_ten_failures_and_a_recovery_are_two_notices() -> None:
    book, heard = Book(), []
    for number in range(10):
        book.advance([FAILED], everything, NOW + number * MINUTE)
        due = book.due("chat", ALL, NOW + number * MINUTE)
        book.told("chat", due, NOW + number * MINUTE)
        heard += changes(due)
    for number in range(10, 13):
        book.advance([], everything, NOW + number * MINUTE)
        due = book.due("chat", ALL, NOW + number * MINUTE)
        book.told("chat", due, NOW + number * MINUTE)
        heard += changes(due)
        book.settle([("chat", ALL)])
    assert heard == [("firing", "failed"), ("resolved", "failed")]
    assert book.entries == {}


def test_s55_a_reminder_after_its_window() -> None:
    book = Book()
    book.advance([FAILED], everything, NOW)
    book.told("chat", book.due("chat", ALL, NOW), NOW)
    assert book.due("chat", ALL, NOW + timedelta(hours=3, minutes=59)) == []
    later = NOW + timedelta(hours=4)
    reminded = book.due("chat", ALL, later)
    assert changes(reminded) == [("reminder", "failed")]
    assert reminded[0].since == NOW
    book.told("chat", reminded, later)
    assert book.due("chat", ALL, later + MINUTE) == []
    assert book.due("chat", ALL, NOW - timedelta(days=365)) == []


def test_only_what_a_pass_could_judge_is_over() -> None:
    book = Book()
    other = Event("failed", "prod-eu", "cart")
    book.advance([FAILED, DRIFTED, other], everything, NOW)
    book.advance([], {("failed", "checkout")}, NOW + MINUTE)
    assert [event.key for event in book.firing()] == [DRIFTED.key, other.key]
    book.advance([], lambda _word, application: application == "cart", NOW + MINUTE)
    assert book.firing() == [DRIFTED]


def test_each_sink_hears_its_words_once() -> None:
    book = Book()
    book.advance([FAILED, DRIFTED], everything, NOW)
    assert changes(book.due("one", {"drift"}, NOW)) == [("firing", "drift")]
    assert changes(book.due("two", ALL, NOW)) == [("firing", "drift"), ("firing", "failed")]
    book.told("one", book.due("one", {"drift"}, NOW), NOW)
    assert book.due("one", {"drift"}, NOW) == []
    assert len(book.due("two", ALL, NOW)) == 2


def test_what_changes_its_words_stays_one_event_and_subjects_are_several() -> None:
    book = Book()
    book.advance([FAILED], everything, NOW)
    book.told("chat", book.due("chat", ALL, NOW), NOW)
    book.advance([Event("failed", "prod-eu", "checkout", summary="something else")], everything, NOW)
    assert book.due("chat", ALL, NOW) == []
    fields = [Event("contended", "prod-eu", "checkout", subject) for subject in ("spec.replicas", "spec.paused")]
    book.advance(fields, lambda word, _: word == "contended", NOW)
    assert len(book.due("chat", ALL, NOW)) == 2


def test_a_sink_that_was_dead_hears_what_is_so_now() -> None:
    book = Book()
    book.advance([FAILED], everything, NOW)
    book.told("alive", book.due("alive", ALL, NOW), NOW)
    book.advance([DRIFTED], everything, NOW + MINUTE)
    book.told("alive", book.due("alive", ALL, NOW + MINUTE), NOW + MINUTE)
    sinks = [("alive", ALL), ("dead", ALL)]
    book.settle(sinks)
    assert changes(book.due("dead", ALL, NOW + 2 * MINUTE)) == [("firing", "drift"), ("resolved", "failed")]
    book.told("dead", book.due("dead", ALL, NOW), NOW)
    book.settle(sinks)
    assert [entry.event for entry in book.entries.values()] == [DRIFTED]


def test_what_comes_back_before_its_end_was_told_never_ended() -> None:
    book = Book()
    book.advance([FAILED], everything, NOW)
    book.told("chat", book.due("chat", ALL, NOW), NOW)
    book.advance([], everything, NOW + MINUTE)
    book.advance([FAILED], everything, NOW + 2 * MINUTE)
    assert book.due("chat", ALL, NOW + 2 * MINUTE) == []
    book.advance([], everything, NOW + 3 * MINUTE)
    book.told("chat", book.due("chat", ALL, NOW), NOW)
    book.advance([FAILED], everything, NOW + 4 * MINUTE)
    again = book.due("chat", ALL, NOW + 4 * MINUTE)
    assert (changes(again), again[0].since) == ([("firing", "failed")], NOW + 4 * MINUTE)


def test_the_book_is_bounded() -> None:
    book = Book()
    many = [Event("failed", "prod-eu", f"app-{number}") for number in range(MOST + 10)]
    book.advance(many, everything, NOW)
    assert (len(book.entries), book.forgotten) == (MOST, 10)
    book.advance([Event("failed", "prod-eu", f"more-{number}") for number in range(5)], everything, NOW + MINUTE)
    assert len(book.entries) == MOST
    assert len(book.firing()) == 5


def test_the_next_process_goes_on_where_this_one_stopped() -> None:
    book = Book()
    book.advance([FAILED, DRIFTED], everything, NOW)
    book.told("chat", book.due("chat", {"failed"}, NOW), NOW)
    states = [book.changed]
    text = book.dump()
    assert [*states, book.changed] == [True, False]
    again = load(text)
    assert again.entries == book.entries
    assert changes(again.due("chat", ALL, NOW)) == [("firing", "drift")]
    for nonsense in ("", "{", "[1]", '{"a": 1}', "null", json.dumps([{"event": {}}])):
        assert load(nonsense).entries == {}


def test_routes_name_their_addresses() -> None:
    alerts: list[dict[str, Any]] = [
        {"on": ["drift", "failed"], "to": {"env": "CHAT"}},
        {"on": ["degraded"], "to": {"env": "CHAT"}},
        {"on": ["all"], "to": {"secret": {"name": "alerts", "key": "manager"}}},
        {"on": ["drift", "nonsense"], "to": {"env": "ABSENT"}},
    ]
    addresses = {"CHAT": "slack://a/b/c", "manager": "alertmanagers://example.com/am"}
    found, diagnostics = routes(alerts, lambda to: addresses.get(str(to.get("env") or to["secret"]["key"])))
    assert [(sink.name, sink.words, sink.kind) for sink in found] == [
        ("env:CHAT", {"drift", "failed", "degraded"}, "apprise"),
        ("secret:alerts/manager", frozenset(), "alertmanager"),
    ]
    assert [item.message for item in diagnostics] == ["no event is called nonsense", "the address of alerts, env:ABSENT, is not there"]
    assert not diagnostics.has_errors
    assert "slack" not in repr(found)


def notice(change: Any = "firing", event: Event = DRIFTED) -> Notice:
    return Notice(change, event, NOW, NOW + MINUTE if change == "resolved" else None)


def test_messages_for_people() -> None:
    (message,) = messages([notice()])
    assert message.title == "prod-eu: checkout drifted"
    assert message.body == "1 object\n- Deployment/web: spec.replicas, by kubectl-edit\nsince 2026-11-23 22:44:01 UTC"
    (over,) = messages([notice("resolved")])
    assert (over.title, over.kind) == ("resolved: prod-eu: checkout drifted", "success")
    assert "is over since 2026-11-23 22:45:01 UTC" in over.body
    assert messages([notice("reminder", FAILED)])[0].title.startswith("still: prod-eu")
    assert len(messages([notice() for _ in range(5)])) == 5
    (flood,) = messages([notice() for _ in range(200)])
    assert flood.title == "200 events: 200 begun, 0 over"
    assert flood.body.endswith("… and 100 more")


def test_messages_call_nobody() -> None:
    (message,) = messages([notice("firing", Event("failed", "prod", "app", summary="ask @channel or <!here>"))])
    assert "@channel" not in message.body
    assert "<!here" not in message.body


def test_alertmanagers_alerts_have_an_end() -> None:
    firing, over = alertmanager([notice(), notice("resolved")], NOW)
    assert firing["labels"] == {"alertname": "GitopscDrifted", "severity": "warning", "environment": "prod-eu", "application": "checkout"}
    assert firing["labels"] == over["labels"]
    assert (firing["startsAt"], firing["endsAt"]) == ("2026-11-23T22:44:01Z", "2026-11-24T06:44:01Z")
    assert over["endsAt"] == "2026-11-23T22:45:01Z"


def test_a_kubernetes_event_is_the_same_for_the_same_notice() -> None:
    about = {"apiVersion": "v1", "kind": "ConfigMap", "namespace": "gitopsc-system", "name": "gitopsc.prod-eu.checkout"}
    one, two = kubernetes(notice(), about, NOW, "pod-a"), kubernetes(notice(), about, NOW + MINUTE, "pod-b")
    assert one["metadata"]["name"] == two["metadata"]["name"]
    assert (one["type"], one["reason"]) == ("Warning", "Drifted")
    over = kubernetes(notice("resolved"), about, NOW, "pod-a")
    assert (over["type"], over["reason"]) == ("Normal", "DriftedResolved")
    assert over["metadata"]["name"] != one["metadata"]["name"]
    long = kubernetes(notice("firing", Event("failed", "p", "a", summary="x" * 5000)), about, NOW, "pod-a")
    assert len(long["message"]) <= 1024


def test_an_event_of_an_object_has_a_name_that_the_server_takes() -> None:
    about = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "name": "system:Nodes--" + "x" * 300, "uid": "1"}
    one = of_object(notice(), about, NOW, "pod-a")
    assert re.fullmatch(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?", one["metadata"]["name"])
    assert len(one["metadata"]["name"]) <= 253
    assert (one["metadata"]["namespace"], one["involvedObject"]) == ("default", about)


def test_it_is_the_same_as_long_as_the_object_is() -> None:
    about = {"apiVersion": "v1", "kind": "ConfigMap", "namespace": "shop", "name": "web", "uid": "1"}
    first, later = of_object(notice(), about, NOW, "a"), of_object(notice()._replace(since=NOW + MINUTE), about, NOW + MINUTE, "b")
    assert first["metadata"] == later["metadata"]
    numbered = [notice()._replace(event=replace(notice().event, subject=f"id.{number}")) for number in (1, 2)]
    assert len({of_object(one, about, NOW, "a")["metadata"]["name"] for one in numbered}) == 1
    assert of_object(notice(), {**about, "uid": "2"}, NOW, "a")["metadata"]["name"] != first["metadata"]["name"]
    over = of_object(notice("resolved"), about, NOW, "a")
    assert (over["type"], over["reason"], over["message"]) == ("Normal", "DriftedResolved", f"resolved: {first['message']}")


def test_an_event_is_cleaned_and_cut() -> None:
    event = Event("failed", "prod", "app", summary="token s3cr3t\n" + "x" * 1000, details=tuple(f"line {number}" for number in range(30)))
    short = event.shortened(lambda text: text.replace("s3cr3t", "***"))
    assert short.summary.startswith("token *** xxx")
    assert len(short.summary) == 500
    assert short.details[-1] == "… and 10 more"
    assert all(Event(word, "prod", "app").title for word in WORDS)


@pytest.mark.parametrize(
    ("address", "forbidden"),
    [
        ("169.254.169.254", True),
        ("fe80::1%eth0", True),
        ("::ffff:169.254.169.254", True),
        ("64:ff9b::a9fe:a9fe", True),
        ("2002:a9fe:a9fe::", True),
        ("fd00:ec2::254", True),
        ("100.100.100.200", True),
        ("10.0.0.1", False),
        ("127.0.0.1", False),
        ("::1", False),
        ("2001:db8::1", False),
        ("example.com", False),
    ],
)
def test_g6_addresses_that_no_alert_is_sent_to(address: str, forbidden: bool) -> None:
    assert post.is_forbidden(address) == forbidden


@pytest.mark.parametrize("host", ["169.254.169.254", "[::ffff:169.254.169.254]", "[fe80::1]", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376"])
def test_g6_link_local_in_any_spelling(host: str) -> None:
    with pytest.raises(post.Forbidden):
        post.check_name(f"json://{host}/latest")
