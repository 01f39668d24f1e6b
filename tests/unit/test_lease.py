"""The lease: who holds it, for how long, and what becomes of it when requests, clocks or holders fail. The server is a dictionary."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from gitopsc.cluster.answers import Answer
from gitopsc.cluster.lease import Lease, refuse_while_held
from gitopsc.cluster.problems import Problem, Unanswered
from gitopsc.diagnostics import Conflict
from tests.waiting import HANGS, until

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


class Clock:
    """Ours, in seconds; the server's is a date."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def pass_(self, seconds: float) -> None:
        self.now += seconds


class Server:
    """Leases by compare-and-swap. ``fail``: what happens to the next requests that write: before they are carried out, or after."""

    def __init__(self, clock: Clock, *, namespace: bool = True) -> None:
        self.clock = clock
        self.lease: dict[str, Any] | None = None
        self.namespace = namespace
        self.version = 1
        self.before: list[Problem] = []
        self.after: list[Problem] = []
        self.requests: list[str] = []
        self.impersonate = None
        self.between: Callable[[], None] | None = None

    def acting_as(self, _user: str | None, _deadline: Any = None) -> Server:
        return self

    def request(self, method: str, path: str, *, body: Any = None, expect: Any = None, **_: Any) -> Answer:
        self.requests.append(method)
        if self.before:
            raise self.before.pop(0)
        if method != "GET" and self.between is not None:
            interrupt, self.between = self.between, None
            interrupt()
        found = self.carry_out(method, path, body)
        assert expect is None or expect(found) is None, expect(found)
        if self.after and method != "GET":
            raise self.after.pop(0)
        return Answer(200, copy.deepcopy(found), {"Date": format_datetime(BEGAN + timedelta(seconds=self.clock.now), usegmt=True)})

    def carry_out(self, method: str, path: str, body: Mapping[str, Any] | None) -> dict[str, Any]:
        if path.endswith("/namespaces"):
            self.namespace = True
            return dict(body or {})
        if method == "GET":
            if self.lease is None:
                raise missing("gitopsc.prod")
            return self.lease
        if method == "POST" and not self.namespace:
            raise missing("gitopsc-system")
        if method == "POST" and self.lease is not None:
            raise Problem("there already", status=409, reason="AlreadyExists")
        if method == "PUT" and (self.lease is None or (body or {})["metadata"]["resourceVersion"] != self.lease["metadata"]["resourceVersion"]):
            raise Problem("somebody else wrote", status=409, reason="Conflict")
        self.version += 1
        written = copy.deepcopy(dict(body or {}))
        stamp = (BEGAN + timedelta(seconds=self.clock.now)).isoformat().replace("+00:00", "Z")
        entry = {"manager": "gitopsc", "time": stamp, "fieldsV1": {"f:spec": {"f:renewTime": {}}}}
        written["metadata"] |= {"resourceVersion": str(self.version), "managedFields": [entry]}
        self.lease = written
        return written


def missing(name: str) -> Problem:
    return Problem("not there", status=404, reason="NotFound", answer={"details": {"name": name}})


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def server(clock: Clock) -> Server:
    return Server(clock)


def lease(server: Server, identity: str, clock: Clock | None = None) -> Lease:
    return Lease(server, "gitopsc-system", "gitopsc.prod", identity, clock=clock or server.clock)  # type: ignore[arg-type]


def spec(server: Server) -> dict[str, Any]:
    assert server.lease is not None
    found: dict[str, Any] = server.lease["spec"]
    return found


def test_one_takes_it_and_the_other_waits(server: Server, clock: Clock) -> None:
    one, two = lease(server, "one"), lease(server, "two")
    assert one.attempt()
    assert (one.held, two.attempt(), two.held, two.holder) == (True, False, False, "one")
    assert spec(server)["leaseDurationSeconds"] == 15
    one.fence()
    with pytest.raises(Conflict, match="one holds it"):
        two.fence()
    for _ in range(20):
        clock.pass_(3)
        assert one.renew()
        assert not two.attempt()


def test_a_renewal_is_one_request(server: Server, clock: Clock) -> None:
    one = lease(server, "one")
    assert one.attempt()
    server.requests.clear()
    clock.pass_(3)
    assert one.renew()
    assert server.requests == ["PUT"]


def test_g1_a_dead_holder_is_followed_within_the_duration(server: Server, clock: Clock) -> None:
    one, two = lease(server, "one"), lease(server, "two")
    assert one.attempt()
    assert not two.attempt()
    waited = 0.0
    while not two.attempt():
        clock.pass_(1)
        waited += 1
        assert waited <= 15
    assert waited > 10
    assert not one.held
    assert spec(server)["leaseTransitions"] == 1


def test_the_old_holder_stops_before_the_new_one_can_begin(server: Server, clock: Clock) -> None:
    one, two = lease(server, "one"), lease(server, "two")
    assert one.attempt()
    assert not two.attempt()
    for _ in range(200):
        clock.pass_(0.1)
        taken = two.attempt()
        assert not (taken and one.held)
        if taken:
            break
    with pytest.raises(Conflict, match="not ours any more"):
        one.fence()
    assert not one.renew()
    assert not one.held
    assert one.holder == "two"


def test_a_stopped_process_that_wakes_up_does_not_write(server: Server, clock: Clock) -> None:
    one, two = lease(server, "one"), lease(server, "two")
    assert one.attempt()
    assert not two.attempt()
    clock.pass_(3600)
    assert not one.held
    assert two.attempt()
    with pytest.raises(Conflict):
        one.fence()


def test_a_stopped_process_that_nobody_followed_goes_on(server: Server, clock: Clock) -> None:
    one = lease(server, "one")
    assert one.attempt()
    clock.pass_(3600)
    with pytest.raises(Conflict):
        one.fence()
    assert one.renew()
    one.fence()
    assert spec(server)["leaseTransitions"] == 0


def test_the_clocks_of_others_have_no_say(server: Server, clock: Clock) -> None:
    one, two = lease(server, "one"), lease(server, "two")
    assert one.attempt()
    spec(server)["renewTime"] = "1999-01-01T00:00:00.000000Z"
    assert not two.attempt()
    spec(server)["renewTime"] = "2999-01-01T00:00:00.000000Z"
    clock.pass_(13)
    assert two.attempt()


def test_released_it_is_taken_at_once(server: Server) -> None:
    one, two = lease(server, "one"), lease(server, "two")
    assert one.attempt()
    assert not two.attempt()
    one.release()
    assert not one.held
    assert spec(server)["holderIdentity"] == ""
    assert two.attempt()
    one.release()
    assert spec(server)["holderIdentity"] == "two"


def test_an_answer_that_got_lost_is_a_renewal_all_the_same(server: Server, clock: Clock) -> None:
    one = lease(server, "one")
    assert one.attempt()
    clock.pass_(5)
    server.after = [Problem("somebody else wrote", status=409, reason="Conflict")]  # the transport's second try met its own first
    assert one.renew()
    assert one.held
    clock.pass_(9)
    assert one.held


def test_somebody_who_labels_the_lease_does_not_take_it(server: Server, clock: Clock) -> None:
    one = lease(server, "one")
    assert one.attempt()
    clock.pass_(5)
    assert server.lease is not None
    server.lease["metadata"]["resourceVersion"] = "900"
    assert one.renew()
    clock.pass_(9)
    one.fence()


def test_a_lease_that_is_deleted_is_made_again(server: Server, clock: Clock) -> None:
    one = lease(server, "one")
    assert one.attempt()
    server.lease = None
    assert not one.renew()
    assert one.attempt()


def test_two_that_begin_at_once(server: Server) -> None:
    one, two = lease(server, "one"), lease(server, "two")
    taken: list[bool] = []
    server.between = lambda: taken.append(two.attempt())
    assert not one.attempt()
    assert taken == [True]
    assert two.held
    assert not one.held


def test_the_namespace_is_made_where_it_is_absent(clock: Clock) -> None:
    server = Server(clock, namespace=False)
    assert lease(server, "one").attempt()
    assert server.requests == ["GET", "POST", "POST", "POST"]


def test_requests_that_fail_do_not_end_the_hold_before_its_time(server: Server, clock: Clock) -> None:
    one = lease(server, "one")
    assert one.attempt()
    for _ in range(3):
        clock.pass_(3)
        server.before = [Unanswered("reset", reason="Reset")]
        with pytest.raises(Problem):
            one.renew()
        assert one.held
    clock.pass_(1)
    assert not one.held


def test_acquiring_goes_on_after_trouble_and_ends_when_told(server: Server) -> None:
    server.before = [Problem("no", status=403, reason="Forbidden"), Unanswered("reset", reason="Reset")]
    heard: list[int] = []
    one = Lease(server, "gitopsc-system", "gitopsc.prod", "one", duration=0.3)  # type: ignore[arg-type]
    assert one.acquire(threading.Event(), lambda problem: heard.append(problem.status))
    assert heard == [403, 0]
    stop = threading.Event()
    two = Lease(server, "gitopsc-system", "gitopsc.prod", "two", duration=0.3)  # type: ignore[arg-type]
    spec(server)["leaseDurationSeconds"] = 3600
    threading.Timer(0.05, stop.set).start()
    assert not two.acquire(stop)


def test_the_keeper_renews_and_notices_the_loss(server: Server, clock: Clock) -> None:
    one = Lease(server, "gitopsc-system", "gitopsc.prod", "one", duration=0.05, clock=clock)  # type: ignore[arg-type]
    assert one.attempt()
    one.keep()
    until(lambda: len(server.requests) > 10)
    one.fence()
    assert not one.lost.is_set()
    assert server.lease is not None
    server.lease["spec"]["holderIdentity"] = "two"
    server.lease["spec"]["leaseDurationSeconds"] = 60
    server.lease["metadata"]["resourceVersion"] = "900"
    assert one.lost.wait(HANGS)
    assert not one.held
    one.release()
    assert server.lease["spec"]["holderIdentity"] == "two"


def once(server: Server) -> None:
    refuse_while_held(server, "gitopsc-system", "gitopsc.prod", clock=server.clock, sleep=server.clock.pass_)  # type: ignore[arg-type]


def test_g1_a_single_pass_is_refused_beside_a_live_holder(server: Server, clock: Clock) -> None:
    once(server)
    one = lease(server, "one")
    assert one.attempt()
    server.requests.clear()
    with pytest.raises(Conflict, match=r"one holds the lease gitopsc-system/gitopsc\.prod"):
        once(server)
    assert server.requests == ["GET"]
    one.release()
    once(server)


def test_a_single_pass_watches_a_lease_in_doubt(server: Server, clock: Clock) -> None:
    one = lease(server, "one")
    assert one.attempt()
    clock.pass_(20)
    began = clock.now
    once(server)
    assert 12 < clock.now - began <= 15
    clock.pass_(3600)
    began = clock.now
    once(server)
    assert clock.now == began


def test_a_single_pass_does_not_trust_a_server_whose_clock_is_behind(server: Server, clock: Clock) -> None:
    assert lease(server, "one").attempt()
    assert server.lease is not None
    server.lease["metadata"]["managedFields"][0]["time"] = "2026-01-01T03:00:00Z"
    other = copy.deepcopy(server.lease)
    other["metadata"]["resourceVersion"] = "900"

    def sleep(seconds: float) -> None:
        clock.pass_(seconds)
        server.lease = other

    with pytest.raises(Conflict, match="one holds"):
        refuse_while_held(server, "gitopsc-system", "gitopsc.prod", clock=clock, sleep=sleep)  # type: ignore[arg-type]
