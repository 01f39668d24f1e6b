"""Requests against a server that answers as it likes: what is tried again, what never counts, and when it is over."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from gitopsc.cluster import objects
from gitopsc.cluster.connection import Connection
from gitopsc.cluster.credentials import Credentials, Renewed
from gitopsc.cluster.deadline import Deadline
from gitopsc.cluster.discovery import Resource
from gitopsc.cluster.problems import Problem, Unanswered
from gitopsc.cluster.transport import Api
from tests.faults import Exchange, FaultProxy, Request, answering, bombing, html, packed, silent
from tests.waiting import HANGS, in_time, until

CONFIG_MAPS = Resource("", "v1", "configmaps", "ConfigMap", True, frozenset())
SECRETS = Resource("", "v1", "secrets", "Secret", True, frozenset())
PATH = "/api/v1/namespaces/shop/configmaps/web"


def config_map(name: str = "web", **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "shop"}, "data": data}


def echoing(exchange: Exchange) -> bool:
    """A server that gives back what it gets; for a GET, the ConfigMap of that name."""
    body = exchange.request.body or json.dumps(config_map(exchange.request.target.partition("?")[0].rpartition("/")[2])).encode()
    exchange.answer(200, body, {"Content-Type": "application/json"})
    return True


def status(code: int, reason: str, message: str = "said so", **details: Any) -> bytes:
    return json.dumps(
        {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": message, "details": details}
    ).encode()


@pytest.fixture
def proxy() -> Iterator[FaultProxy]:
    with FaultProxy("https://127.0.0.1:1", default=echoing) as made:
        yield made


class Pauses:
    """The waits between tries: none of them takes time, the clock of the deadlines goes forward by as much."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.during: Callable[[], None] = lambda: None

    def sleep(self, seconds: float) -> None:
        self.seconds.append(seconds)
        self.during()

    def monotonic(self) -> float:
        return time.monotonic() + sum(self.seconds)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> Pauses:
    made = Pauses()
    monkeypatch.setattr("gitopsc.cluster.deadline.time", SimpleNamespace(monotonic=made.monotonic))
    monkeypatch.setattr("gitopsc.cluster.wire.time", SimpleNamespace(monotonic=made.monotonic, sleep=time.sleep))
    monkeypatch.setattr("gitopsc.cluster.transport.random.uniform", max)
    monkeypatch.setattr(Api, "sleep", lambda _, seconds: made.sleep(seconds))
    return made


def api_of(proxy: FaultProxy | str, seconds: float | None = HANGS, credentials: Credentials | None = None, **options: Any) -> Api:
    url = proxy if isinstance(proxy, str) else proxy.url
    return Api(Connection("tests", url, "default", credentials or Credentials({"Authorization": "Bearer canary"}), None), deadline=Deadline(seconds), **options)


def test_the_wait_that_a_server_asks_for_is_kept(proxy: FaultProxy, pauses: Pauses) -> None:
    proxy.fault("PATCH", "", answering(429, status(429, "TooManyRequests"), Retry_After="7"), times=2)
    api = api_of(proxy)
    assert objects.apply(api, CONFIG_MAPS, config_map(a="1"))["data"] == {"a": "1"}
    assert len(pauses.seconds) == 2
    assert min(pauses.seconds) >= 7
    assert api.requests == {"PATCH": 3}


def test_a_wait_beyond_the_deadline_is_not_begun(proxy: FaultProxy, pauses: Pauses) -> None:
    proxy.fault("*", "", answering(429, status(429, "TooManyRequests"), Retry_After="3600"), times=None)
    with pytest.raises(Problem) as raised:
        objects.apply(api_of(proxy), CONFIG_MAPS, config_map())
    assert raised.value.status == 429
    assert raised.value.retry_after == 3600
    assert pauses.seconds == []


def test_a_server_that_is_busy_for_ever_is_left_at_the_deadline(proxy: FaultProxy, pauses: Pauses) -> None:
    proxy.fault("*", "", answering(429, status(429, "TooManyRequests")), times=None)
    with pytest.raises(Problem) as raised:
        objects.apply(api_of(proxy), CONFIG_MAPS, config_map())
    assert raised.value.status == 429
    assert sum(pauses.seconds) < HANGS
    assert len(proxy.seen) == len(pauses.seconds) + 1
    assert 3 < len(proxy.seen) < HANGS / 2  # the pauses grow


@pytest.mark.parametrize("moment", [0.0, 0.02])
def test_sleeping_ends_with_cancel(proxy: FaultProxy, moment: float) -> None:
    api = api_of(proxy)
    threading.Timer(moment, api.cancel).start()
    in_time(lambda: api.sleep(3600))
    assert api.cancelled


@pytest.mark.parametrize("code", [500, 502, 503, 504])
def test_a_server_error_is_passed_over(proxy: FaultProxy, code: int) -> None:
    proxy.fault("*", "", answering(code, status(code, "InternalError")))
    assert objects.apply(api_of(proxy), CONFIG_MAPS, config_map())["kind"] == "ConfigMap"


def test_an_error_500_for_ever_ends_after_some_tries(proxy: FaultProxy, pauses: Pauses) -> None:
    proxy.fault("*", "", answering(500, status(500, "InternalError", "failed calling webhook")), times=None)
    with pytest.raises(Problem, match="failed calling webhook"):
        objects.apply(api_of(proxy), CONFIG_MAPS, config_map())
    assert len(proxy.seen) == len(pauses.seconds) + 1 == 8


def test_what_may_not_be_repeated_is_repeated_only_where_it_was_not_carried_out(proxy: FaultProxy) -> None:
    api = api_of(proxy)
    proxy.fault("POST", "", answering(429, status(429, "TooManyRequests")))
    proxy.fault("POST", "", answering(500, status(500, "InternalError")))
    with pytest.raises(Problem) as raised:
        api.request("POST", "/api/v1/namespaces/shop/events", body={}, retry=False)
    assert raised.value.status == 500
    assert len(proxy.seen) == 2


@pytest.mark.parametrize(
    "fault",
    [
        html(),
        answering(200, b""),
        answering(200, b'{"kind": "ConfigMap", "metadata": {"na'),
        answering(200, b"[" * 100_000),
        answering(200, b'{"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"generation": ' + b"9" * 5000 + b"}}"),
        answering(200, json.dumps(config_map("other")).encode()),
        answering(200, json.dumps({**config_map(), "kind": "Secret"}).encode()),
        answering(200, json.dumps({**config_map(), "metadata": {"name": "web", "namespace": "other"}}).encode()),
        answering(200, status(200, "")),
        answering(200, b"null"),
        answering(200, b"\xff\xfe"),
        answering(204),
        answering(200, b"not gzip", Content_Encoding="gzip"),
        answering(200, b"x", Content_Encoding="br"),
        bombing(64),
    ],
    ids="html empty truncated deep digits other-name other-kind other-namespace status null bytes no-content damaged-gzip brotli bomb".split(),
)
def test_a_200_that_is_not_the_object_is_never_an_answer(proxy: FaultProxy, pauses: Pauses, fault: Any) -> None:
    proxy.fault("*", "", fault, times=None)
    with pytest.raises(Unanswered) as raised:
        objects.apply(api_of(proxy, 20), CONFIG_MAPS, config_map())
    assert raised.value.reason in ("Nonsense", "TooLarge")
    assert len(proxy.seen) == len(pauses.seconds) + 1


def test_a_200_that_is_not_the_object_is_asked_for_again(proxy: FaultProxy) -> None:
    proxy.fault("*", "", html(), times=2)
    assert objects.get(api_of(proxy), CONFIG_MAPS, "web", "shop") == config_map()
    assert len(proxy.seen) == 3


def test_a_packed_body_is_read_even_where_nobody_asked_for_it(proxy: FaultProxy) -> None:
    proxy.fault("*", "", packed(json.dumps(config_map()).encode()))
    assert objects.get(api_of(proxy), CONFIG_MAPS, "web", "shop") == config_map()


@pytest.mark.parametrize("code", [301, 302, 307, 308])
def test_no_redirect_is_followed(proxy: FaultProxy, code: int) -> None:
    with FaultProxy("https://127.0.0.1:1", default=echoing) as elsewhere:
        proxy.fault("*", "", answering(code, Location=f"{elsewhere.url}{PATH}"), times=None)
        with pytest.raises(Unanswered, match=r"redirects to 127\.0\.0\.1:") as raised:
            objects.get(api_of(proxy), CONFIG_MAPS, "web", "shop")
        assert elsewhere.seen == []
    assert raised.value.reason == "Redirect"
    assert len(proxy.seen) == 1
    assert "canary" not in raised.value.message


def test_silence_ends_at_the_deadline(proxy: FaultProxy) -> None:
    proxy.fault("*", "", silent, times=None)
    api = api_of(proxy, 1.5)
    with pytest.raises(Unanswered) as raised:
        objects.get(api, CONFIG_MAPS, "web", "shop")
    assert raised.value.reason == "Deadline"
    assert api.deadline.expired()


@pytest.mark.parametrize("head", [True, False], ids=["head", "body"])
def test_a_byte_now_and_then_does_not_hold_the_deadline_off(proxy: FaultProxy, head: bool) -> None:
    def drip(exchange: Exchange) -> bool:
        text = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX: " + b"y" * 1000 + b"\r\nContent-Length: 100000\r\n\r\n"
        if not head:
            exchange.client.sendall(text)
        for _ in range(1000):
            exchange.client.sendall(text[:1] if head else b" ")
            text = text[1:]
            if exchange.closing.wait(0.05):
                break
        return False

    proxy.fault("*", "", drip, times=None)
    api = api_of(proxy, 1.5)
    with pytest.raises(Unanswered) as raised:
        objects.get(api, CONFIG_MAPS, "web", "shop")
    assert raised.value.reason == "Deadline"
    assert api.deadline.expired()


def test_one_call_that_hangs_is_tried_again(proxy: FaultProxy) -> None:
    proxy.fault("*", "", silent)
    api = api_of(proxy, call_seconds=0.5)
    assert objects.get(api, CONFIG_MAPS, "web", "shop") == config_map()
    assert api.requests["GET"] > 1


def test_nothing_is_sent_after_the_deadline(proxy: FaultProxy) -> None:
    with pytest.raises(Unanswered, match="--timeout"):
        objects.get(api_of(proxy, 0), CONFIG_MAPS, "web", "shop")
    assert proxy.seen == []


def test_a_port_where_nobody_listens_is_told_soon(pauses: Pauses) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))  # it is kept, and nobody listens there
        with pytest.raises(Unanswered, match="cannot be reached") as raised:
            objects.get(api_of(f"http://127.0.0.1:{probe.getsockname()[1]}", 3600), CONFIG_MAPS, "web", "shop")
    assert raised.value.reason == "Refused"
    assert not raised.value.uncertain
    assert sum(pauses.seconds) < 8


def test_a_name_that_nobody_knows_is_told_soon(pauses: Pauses) -> None:
    with pytest.raises(Unanswered, match=r"the name api\.invalid cannot be resolved") as raised:
        objects.get(api_of("https://api.invalid:6443", 3600), CONFIG_MAPS, "web", "shop")
    assert raised.value.reason == "DNS"
    assert sum(pauses.seconds) < 8


def test_a_server_that_goes_away_for_a_moment_is_waited_for(pauses: Pauses) -> None:
    first, again = (FaultProxy("https://127.0.0.1:1", default=echoing) for _ in range(2))
    with socket.socket() as place, closing(first), closing(again):
        place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        place.bind(("127.0.0.1", 0))  # nobody else gets the port while none of the two listens
        port: int = place.getsockname()[1]
        first.start(port)
        api = api_of(first)
        assert objects.get(api, CONFIG_MAPS, "web", "shop")
        first.close()

        def comes_back() -> None:
            if len(pauses.seconds) == 3:
                again.start(port)

        pauses.during = comes_back
        assert objects.get(api, CONFIG_MAPS, "web", "shop") == config_map()
        assert len(pauses.seconds) == 3
        assert len(again.seen) == 1


class TestCredentials:
    def test_a_401_is_tried_once_with_renewed_credentials(self, proxy: FaultProxy) -> None:
        tokens = iter(["old", "new"])
        proxy.default = self.only("new")
        api = api_of(proxy, credentials=Renewed(lambda: (next(tokens), time.time() + 60)))
        assert objects.get(api, CONFIG_MAPS, "web", "shop") == config_map()
        assert [request.headers["Authorization"] for request in proxy.seen] == ["Bearer old", "Bearer new"]

    def test_many_threads_renew_once(self, proxy: FaultProxy) -> None:
        asked: list[str] = []

        def read() -> tuple[str, float]:
            asked.append("token")
            return f"t{len(asked)}", time.time() + 60

        proxy.default = self.only("t2")
        api = api_of(proxy, credentials=Renewed(read))
        api.map(lambda number: objects.get(api, CONFIG_MAPS, f"c{number}", "shop"), range(40))
        assert len(asked) == 2

    def test_credentials_that_cannot_be_renewed_have_expired(self, proxy: FaultProxy) -> None:
        proxy.default = self.only("another")
        with pytest.raises(Problem) as raised:
            objects.get(api_of(proxy), CONFIG_MAPS, "web", "shop")
        assert raised.value.status == 401
        assert "the credentials have expired" in raised.value.message
        assert len(proxy.seen) == 1

    @staticmethod
    def only(token: str) -> Any:
        def play(exchange: Exchange) -> bool:
            if exchange.request.headers.get("Authorization") == f"Bearer {token}":
                return echoing(exchange)
            exchange.answer(401, status(401, "Unauthorized", "Unauthorized"), {"Content-Type": "application/json"})
            return True

        return play


class TestAbsence:
    def test_the_servers_own_word_about_this_object(self, proxy: FaultProxy) -> None:
        proxy.fault("*", "", answering(404, status(404, "NotFound", 'configmaps "web" not found', name="web", kind="configmaps")))
        assert objects.get(api_of(proxy), CONFIG_MAPS, "web", "shop") is None

    @pytest.mark.parametrize(
        "body",
        [b"404 page not found", b"", status(404, "NotFound", "the server could not find the requested resource"), status(404, "NotFound", "x", name="shop")],
    )
    def test_another_404_is_not_absence(self, proxy: FaultProxy, body: bytes) -> None:
        proxy.fault("*", "", answering(404, body, Content_Type="application/json" if body[:1] == b"{" else "text/plain"), times=None)
        with pytest.raises(Problem) as raised:
            objects.get(api_of(proxy), CONFIG_MAPS, "web", "shop")
        assert raised.value.status == 404

    @pytest.mark.parametrize("code", [403, 404, 409, 422])
    def test_a_refusal_that_breaks_off_is_asked_for_again(self, proxy: FaultProxy, code: int) -> None:
        proxy.fault("*", "", answering(code, status(code, "NotFound", name="web")[:40]), times=2)
        assert objects.get(api_of(proxy), CONFIG_MAPS, "web", "shop") == config_map()

    def test_a_deletion_that_was_carried_out_unheard_is_a_deletion(self, proxy: FaultProxy) -> None:
        def cut(exchange: Exchange) -> bool:
            exchange.reset()
            return False

        proxy.fault("DELETE", "", cut)
        proxy.fault("DELETE", "", answering(404, status(404, "NotFound", "gone", name="web")))
        assert objects.delete(api_of(proxy), CONFIG_MAPS, "web", "shop", uid="u") is None
        assert json.loads(proxy.seen[-1].body)["preconditions"] == {"uid": "u"}


class TestSecrets:
    SECRET: ClassVar[dict[str, Any]] = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "db", "namespace": "shop"},
        "stringData": {"password": 'ca"nary\\1'},
    }

    def test_what_a_server_repeats_of_a_secret_is_masked(self, proxy: FaultProxy) -> None:
        message = 'Secret "db" is invalid: data[password]: Invalid value: "ca\\"nary\\\\1": no; and ca"nary\\1 again'
        answer = status(422, "Invalid", message, causes=[{"field": "data", "message": 'Invalid value: "ca\\"nary\\\\1"', "reason": "FieldValueInvalid"}])
        proxy.fault("*", "", answering(422, answer), times=None)
        with pytest.raises(Problem) as raised:
            objects.apply(api_of(proxy), SECRETS, self.SECRET)
        shown = f"{raised.value} {raised.value.message} {raised.value.causes} {json.dumps(raised.value.answer)}"
        assert "nary" not in shown
        assert "***" in shown

    def test_an_encoded_secret_is_masked_decoded_and_encoded(self, proxy: FaultProxy) -> None:
        secret = {**self.SECRET, "data": {"k": "Y2FuYXJ5Mg=="}, "stringData": {}}
        proxy.fault("*", "", answering(422, status(422, "Invalid", "canary2 is Y2FuYXJ5Mg==")), times=None)
        with pytest.raises(Problem, match=r"^\*\*\* is \*\*\*$"):
            objects.apply(api_of(proxy), SECRETS, secret)


class TestMap:
    def test_order_is_kept_and_no_more_than_allowed_are_in_flight(self, proxy: FaultProxy) -> None:
        flying, most, lock, four = 0, 0, threading.Lock(), threading.Barrier(4, timeout=HANGS)

        def count(exchange: Exchange) -> bool:
            nonlocal flying, most
            with lock:
                flying += 1
                most = max(most, flying)
            four.wait()
            with lock:
                flying -= 1
            return echoing(exchange)

        proxy.default = count
        api = api_of(proxy, in_flight=4, call_seconds=HANGS)
        names = [f"c{number}" for number in range(60)]
        inner = api.map(lambda half: api.map(lambda name: objects.get(api, CONFIG_MAPS, name, "shop"), half), [names[:30], names[30:]])
        assert [item["metadata"]["name"] for half in inner for item in half if item] == names
        assert most == 4

    def test_the_first_failure_ends_it(self) -> None:
        api = api_of("http://127.0.0.1:1")
        done: list[int] = []
        failing: list[threading.Thread] = []

        def work(number: int) -> int:
            done.append(number)
            if number == 3:
                failing.append(threading.current_thread())
                raise ValueError(number)
            until(lambda: failing)
            failing[0].join(HANGS)
            return number

        with pytest.raises(ValueError, match="3"):
            api.map(work, range(1000))
        assert len(done) <= api.in_flight

    def test_it_ends_at_the_deadline_whatever_the_function_does(self) -> None:
        api = api_of("http://127.0.0.1:1", 0.5)
        for_ever = threading.Event()
        with pytest.raises(Unanswered):
            api.map(lambda _: for_ever.wait(), range(4))
        for_ever.set()

    def test_cancel_ends_what_is_under_way(self, proxy: FaultProxy) -> None:
        def cancel(exchange: Exchange) -> bool:
            api.cancel()
            return silent(exchange)

        proxy.default = silent
        proxy.fault("GET", "c3", cancel)
        api = api_of(proxy, None, call_seconds=3600)
        with pytest.raises(Unanswered):
            in_time(lambda: api.map(lambda number: objects.get(api, CONFIG_MAPS, f"c{number}", "shop"), range(10)))


def test_what_connects_when_cancel_comes_is_cut_as_well(proxy: FaultProxy) -> None:
    proxy.default = silent
    api = api_of(proxy, None)
    api.wire.cut()
    with pytest.raises(Unanswered):
        in_time(lambda: api.wire.exchange("GET", PATH, None, {}, Deadline(None), 1 << 20))
    assert proxy.seen == []


def test_another_identity_shares_connections_and_counters(proxy: FaultProxy) -> None:
    api = api_of(proxy)
    objects.get(api.acting_as("system:serviceaccount:shop:deployer"), CONFIG_MAPS, "web", "shop")
    objects.get(api, CONFIG_MAPS, "web", "shop")
    assert [request.headers.get("Impersonate-User") for request in proxy.seen] == ["system:serviceaccount:shop:deployer", None]
    assert api.requests == {"GET": 2}


def test_the_servers_warnings_are_kept_once_each(proxy: FaultProxy) -> None:
    def warn(exchange: Exchange) -> bool:
        exchange.answer(200, json.dumps(config_map()).encode(), {"Warning": '299 - "v1 \\"old\\" is deprecated"'})
        return True

    proxy.default = warn
    api = api_of(proxy)
    for _ in range(3):
        objects.get(api, CONFIG_MAPS, "web", "shop")
    assert list(api.warnings) == ['v1 \\"old\\" is deprecated']


class TestLists:
    def pages(self, exchange: Exchange) -> bool:
        target = exchange.request.target
        last = "continue=two" in target
        items = [{"metadata": {"name": "b" if last else "a"}}]
        body = {"kind": "ConfigMapList", "apiVersion": "v1", "metadata": {"resourceVersion": "7", "continue": "" if last else "two"}, "items": items}
        exchange.answer(200, json.dumps(body).encode(), {})
        return True

    def test_all_pages(self, proxy: FaultProxy) -> None:
        proxy.default = self.pages
        listing = objects.list_labelled(api_of(proxy), CONFIG_MAPS, "a=b,c in (d)")
        assert [(item["metadata"]["name"], item["kind"], item["apiVersion"]) for item in listing.items] == [("a", "ConfigMap", "v1"), ("b", "ConfigMap", "v1")]
        assert "labelSelector=a%3Db%2Cc+in+%28d%29" in proxy.seen[0].target

    def test_a_list_that_expires_between_pages_begins_again(self, proxy: FaultProxy) -> None:
        proxy.default = self.pages
        proxy.fault("GET", "continue=two", answering(410, status(410, "Expired")))
        assert len(objects.list_labelled(api_of(proxy), CONFIG_MAPS).items) == 2
        assert len(proxy.seen) == 4

    @pytest.mark.parametrize(
        "body",
        [
            {"kind": "ConfigMapList", "apiVersion": "v1", "metadata": {}},
            {"kind": "SecretList", "apiVersion": "v2", "metadata": {}, "items": []},
            {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {}, "items": []},
            {"kind": "ConfigMapList", "apiVersion": "v1", "items": []},
            {"kind": "ConfigMapList", "apiVersion": "v1", "metadata": {}, "items": [3]},
            {"kind": "Status", "apiVersion": "v1", "metadata": {}},
        ],
    )
    def test_what_is_no_list_is_not_an_empty_one(self, proxy: FaultProxy, pauses: Pauses, body: Any) -> None:
        proxy.fault("*", "", answering(200, json.dumps(body).encode()), times=None)
        with pytest.raises(Unanswered):
            objects.list_labelled(api_of(proxy), CONFIG_MAPS)
        assert len(proxy.seen) == len(pauses.seconds) + 1

    def test_a_failure_on_a_later_page_is_a_failure(self, proxy: FaultProxy) -> None:
        proxy.default = self.pages
        proxy.fault("GET", "continue=two", answering(403, status(403, "Forbidden")), times=None)
        with pytest.raises(Problem) as raised:
            objects.list_labelled(api_of(proxy), CONFIG_MAPS)
        assert raised.value.forbidden

    def test_pages_that_are_too_large_are_asked_for_in_parts(self, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(objects, "LIST_LIMIT", 1 << 24)
        proxy.default = self.pages
        proxy.fault("GET", "limit=500", bombing(40))
        assert len(objects.list_labelled(api_of(proxy), CONFIG_MAPS).items) == 2
        assert "limit=62" in proxy.seen[1].target


def test_a_lost_race_for_an_object_is_run_again(proxy: FaultProxy) -> None:
    proxy.fault("PATCH", "", answering(409, status(409, "Conflict", "the object has been modified")), times=2)
    assert objects.apply(api_of(proxy), CONFIG_MAPS, config_map())


def test_a_conflict_of_fields_is_told_at_once(proxy: FaultProxy) -> None:
    cause = {"reason": "FieldManagerConflict", "message": 'conflict with "kubectl"', "field": ".data.a"}
    proxy.fault("PATCH", "", answering(409, status(409, "Conflict", "Apply failed with 1 conflict", causes=[cause])), times=None)
    with pytest.raises(Problem) as raised:
        objects.apply(api_of(proxy), CONFIG_MAPS, config_map())
    assert [tuple(cause) for cause in raised.value.causes] == [(".data.a", "FieldManagerConflict", 'conflict with "kubectl"')]
    assert len(proxy.seen) == 1


def test_what_a_request_looks_like(proxy: FaultProxy) -> None:
    objects.apply(api_of(proxy), CONFIG_MAPS, config_map(ü="ß"), dry_run=True, force=True)
    request: Request = proxy.seen[0]
    assert request.target == f"{PATH}?fieldManager=gitopsc&fieldValidation=Strict&force=true&dryRun=All"
    assert request.headers["Content-Type"] == "application/apply-patch+yaml"
    assert json.loads(request.body) == config_map(ü="ß")
