"""Requests to an API server: bounded, in parallel, retried where that is safe, each held to the one deadline."""

from __future__ import annotations

import contextlib
import copy
import functools
import json
import queue
import random
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar
from urllib.parse import quote_plus, urlencode

from gitopsc import __version__
from gitopsc.cluster.answers import Answer, Expect, judged
from gitopsc.cluster.connection import Connection
from gitopsc.cluster.deadline import Deadline
from gitopsc.cluster.problems import Problem, Unanswered
from gitopsc.cluster.wire import Raw, Wire

JSON = "application/json"
OBJECT_LIMIT = 8 << 20
LIST_LIMIT = 16 << 20
WARNINGS = 100
TRIES = 8
FIRST_CONTACT_SECONDS = 2.0
_BACKOFF, _BACKOFF_LIMIT = 0.1, 5.0
_WARNING = re.compile(r'299 \S+ "((?:[^"\\]|\\.)*)"')
_T = TypeVar("_T")
_R = TypeVar("_R")


_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


@functools.lru_cache(maxsize=64)
def _written(query: tuple[tuple[str, str], ...]) -> str:
    """A query as it stands in an address. A pass has few of them, asked thousands of times."""
    return urlencode(query, quote_via=quote_plus)


class Api:
    """One API server, as one identity. Safe for threads.

    ``requests`` counts what was sent, by method (watches are WATCH), retries included; ``warnings`` are the server's own, each once, in order.

    ``fence``, where one is set, is asked before each try of a request that may write, and raises where we may not any more.
    """

    def __init__(self, connection: Connection, *, deadline: Deadline, in_flight: int = 32, impersonate: str | None = None, call_seconds: float = 10.0) -> None:
        self.connection = connection
        self.deadline = deadline
        self.in_flight = in_flight
        self.call_seconds = call_seconds
        self.impersonate = impersonate or connection.impersonate
        self.fence: Callable[[], None] | None = None
        self.requests: Counter[str] = Counter()
        self.warnings: dict[str, None] = {}
        self.wire = Wire(connection, in_flight)
        self._streams = Wire(connection, 0)
        self._places: queue.SimpleQueue[None] = queue.SimpleQueue()
        for _ in range(in_flight):
            self._places.put(None)
        self._counting = threading.Lock()
        self._stopped = threading.Event()
        self._met = threading.Event()

    def acting_as(self, user: str | None, deadline: Deadline | None = None) -> Api:
        """The same server, connections and counters, as another identity (``system:serviceaccount:shop:deployer``) or with another deadline."""
        other = copy.copy(self)
        other.impersonate = user
        other.deadline = deadline or self.deadline
        return other

    def headers(self) -> dict[str, str]:
        """Who we are, for every request."""
        found = {"User-Agent": f"gitopsc/{__version__}", "Accept": JSON, **self.connection.credentials.headers()}
        if self.impersonate:
            found["Impersonate-User"] = self.impersonate
        return found

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str = JSON,
        accept: str = JSON,
        retry: bool = True,
        expect: Expect | None = None,
        limit: int = OBJECT_LIMIT,
        known: str | None = None,
    ) -> Answer:
        """Send a request until there is an answer worth the name, the deadline is over, or trying again is of no use: raises Problem.

        ``retry=False``: it must not be carried out twice, so it is repeated only where it certainly was not carried out.
        ``known``: the ETag of a body that is at hand; where it still holds the answer is 304 with an empty body.
        """
        target = f"{path}?{_written(tuple(query.items()))}" if query else path
        data = None if body is None else _JSON.encode(body).encode()
        headers = {"Accept": accept}
        if data is not None:
            headers["Content-Type"] = content_type
        if known is not None:
            headers["If-None-Match"] = known
        if limit > OBJECT_LIMIT:
            headers["Accept-Encoding"] = "gzip"
        uncertain = False
        tries = 0
        patience = Deadline(FIRST_CONTACT_SECONDS)
        while True:
            try:
                return self._once(method, target, data, headers, expect, limit)
            except Problem as problem:
                tries += 1
                uncertain = problem.uncertain = uncertain or problem.uncertain
                again = self._again(problem, tries, retry, patience)
                pause = self._pause(problem, tries)
                if not again or pause >= self.deadline.left():
                    raise
            self.sleep(pause)

    def _once(self, method: str, target: str, data: bytes | None, extra: Mapping[str, str], expect: Expect | None, limit: int) -> Answer:
        credentials = self.connection.credentials
        for attempt in (1, 2):
            headers = {**self.headers(), **extra}
            raw = self._exchange(method, target, data, headers, limit)
            if raw.status == 401 and attempt == 1 and credentials.refresh(headers.get("Authorization")):
                continue
            break
        if not self._met.is_set():
            self._met.set()
        if "Warning" in raw.headers and len(self.warnings) < WARNINGS:
            self.warnings.update(dict.fromkeys(_WARNING.findall(raw.headers["Warning"])))
        if raw.status == 304 and "If-None-Match" in extra:
            return Answer(raw.status, {}, raw.headers)
        return judged(raw, method, target, expect)

    def _exchange(self, method: str, target: str, data: bytes | None, headers: Mapping[str, str], limit: int) -> Raw:
        self.check(method, target)
        try:
            self._places.get_nowait()
        except queue.Empty:
            self._wait_for_a_place(method, target)
        try:
            if self.fence is not None and method != "GET":
                self.fence()
            with self._counting:
                self.requests[method] += 1
            return self.wire.exchange(method, target, data, headers, self.deadline.sooner(self.call_seconds), limit)
        finally:
            self._places.put(None)

    def _wait_for_a_place(self, method: str, target: str) -> None:
        try:
            self._places.get(timeout=min(self.deadline.left(), threading.TIMEOUT_MAX))
        except queue.Empty:
            raise _late(method, target) from None
        try:
            self.check(method, target)
        except Problem:
            self._places.put(None)
            raise

    @contextlib.contextmanager
    def stream(self, path: str, query: Mapping[str, str], seconds: float, stop: threading.Event) -> Iterator[Iterator[bytes]]:
        """A GET whose body is given as it arrives, for at most ``seconds`` or until ``stop``; not retried, on a connection beside the others."""
        self.check("GET", path)
        with self._counting:
            self.requests["WATCH"] += 1
        target = f"{path}?{urlencode(query, quote_via=quote_plus)}"
        headers = self.headers()
        with self._streams.stream(target, headers, self.deadline.sooner(seconds), stop) as found:
            if isinstance(found, Raw):
                if found.status == 401:
                    self.connection.credentials.refresh(headers.get("Authorization"))
                judged(found, "GET", target, lambda _: "what no watch answers")
            else:
                yield found

    @property
    def cancelled(self) -> bool:
        """Whether somebody called ``cancel``."""
        return self._stopped.is_set()

    def check(self, method: str = "", target: str = "") -> None:
        """Raise Unanswered where the time is over or somebody called ``cancel``."""
        if self._stopped.is_set():
            raise Unanswered("interrupted", reason="Cancelled", method=method, path=target)
        if self.deadline.expired():
            raise _late(method, target)

    def _pause(self, problem: Problem, tries: int) -> float:
        """Seconds until the next try: what the server asks for, and some that grow and differ, so that not all come back at once."""
        pause: float = min(_BACKOFF_LIMIT, _BACKOFF * 2 ** min(tries - 1, 10)) * random.uniform(0.5, 1)  # noqa: S311 - jitter, not a secret
        return pause + (problem.retry_after or 0.0)

    def _again(self, problem: Problem, tries: int, retry: bool, patience: Deadline) -> bool:
        """Whether another try may help and can do no harm. A wrong address is told soon, a server that was there is waited for."""
        if self._stopped.is_set():
            return False
        if isinstance(problem, Unanswered):
            if problem.reason in ("Refused", "DNS"):
                return self._met.is_set() or not patience.expired()
            return problem.reason in ("Reset", "Deadline", "Nonsense") and (retry or not problem.uncertain)
        if problem.status == 429:
            return True
        return retry and (problem.status in (502, 503, 504) or (problem.status == 500 and tries < TRIES))

    def sleep(self, seconds: float) -> None:
        """Wait, but no longer than until ``cancel``."""
        self._stopped.wait(seconds)

    def map(self, function: Callable[[_T], _R], items: Iterable[_T]) -> list[_R]:
        """``[function(item) for item in items]``, at most ``in_flight`` at once.

        After an exception nothing more is begun; the first one (in the items' order) is raised when those under way have ended.
        """
        todo = list(items)
        if len(todo) < 2:
            return [function(item) for item in todo]
        return _Crowd(function, todo, min(self.in_flight, len(todo))).run(self)

    def cancel(self) -> None:
        """End everything under way: each call raises Unanswered. For good."""
        self._stopped.set()
        self.wire.cut()
        self._streams.cut()

    def close(self) -> None:
        """Close the connections."""
        self.wire.close()
        self._streams.close()


class _Crowd:
    """Threads that work through a list. They are daemons: nothing that hangs may keep the process from ending."""

    def __init__(self, function: Callable[[Any], Any], todo: list[Any], width: int) -> None:
        self.function = function
        self.todo = todo
        self.results: list[Any] = [None] * len(todo)
        self.errors: dict[int, BaseException] = {}
        self.numbers = iter(range(len(todo)))
        self.taking = threading.Lock()
        self.threads = [threading.Thread(target=self._work, name=f"gitopsc-{n}", daemon=True) for n in range(width)]

    def run(self, api: Api) -> list[Any]:
        for thread in self.threads:
            thread.start()
        try:
            for thread in self.threads:
                while thread.is_alive():
                    thread.join(min(api.deadline.left() + 0.5, 3600))
                    if thread.is_alive() and api.deadline.expired():
                        raise _late("", "")
        except BaseException:
            with self.taking:
                self.numbers = iter(())
            raise
        if self.errors:
            raise self.errors[min(self.errors)]
        return self.results

    def _work(self) -> None:
        while True:
            with self.taking:
                number = next(self.numbers, None)
            if number is None:
                return
            try:
                self.results[number] = self.function(self.todo[number])
            except BaseException as error:  # noqa: BLE001 - raised again by run
                self.errors[number] = error
                with self.taking:
                    self.numbers = iter(())


def _late(method: str, target: str) -> Unanswered:
    return Unanswered("the time for this is over (--timeout)", reason="Deadline", method=method, path=target.partition("?")[0])
