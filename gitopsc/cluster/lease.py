"""One reconciler a target: a Lease that is taken, renewed, asked before each write, and let go.

No clock of another machine is ever compared with ours: a lease has run out when it has not changed for its duration while we looked.
The holder stops writing at two thirds of the duration after it began its last renewal; another takes over at the earliest
13/15 after it saw the last change. What lies between is for a write that was under way.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from gitopsc.cluster.deadline import Deadline
from gitopsc.cluster.discovery import Resource
from gitopsc.cluster.objects import create, get, is_absent, replace
from gitopsc.cluster.problems import Problem
from gitopsc.cluster.transport import Api
from gitopsc.cluster.verdict import at, items, number, text
from gitopsc.diagnostics import Conflict

LEASES = Resource("coordination.k8s.io", "v1", "leases", "Lease", True, frozenset({"get", "create", "update"}))
NAMESPACES = Resource("", "v1", "namespaces", "Namespace", False, frozenset({"get", "create"}))
DURATION = 15.0
TOLERATED_SKEW = 60.0  # between the clocks of several API servers; beyond it a lease is dead without further looking

_FENCE, _TAKE, _RENEW, _RETRY = 2 / 3, 13 / 15, 1 / 5, 1 / 15


def seconds() -> float:
    """A clock that nobody sets, and that goes on while the machine is suspended."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


@dataclass(frozen=True, slots=True)
class Seen:
    """A lease as it was read: what it said, and when, by our clock, it was first seen saying so."""

    version: str
    holder: str
    duration: float
    since: float

    def is_over(self, now: float) -> bool:
        """Whether it may be taken."""
        return not self.holder or now >= self.since + self.duration * _TAKE


class Lease:
    """``api`` is one of its own, so that no crowd of other requests keeps a renewal waiting. ``lost`` is set when another holds it.
    ``annotations`` are put on it when it is taken.

    Safe for threads: one acquires and renews, any asks ``fence``.
    """

    def __init__(
        self,
        api: Api,
        namespace: str,
        name: str,
        identity: str,
        *,
        duration: float = DURATION,
        clock: Callable[[], float] = seconds,
        annotations: Mapping[str, str] | None = None,
    ) -> None:
        self.namespace = namespace
        self.name = name
        self.identity = identity
        self.duration = duration
        self.lost = threading.Event()
        self.on_lost: Callable[[], None] | None = None
        self.api = api
        self._clock = clock
        self._annotations = dict(annotations or {})
        self._seen: Seen | None = None
        self._live: dict[str, Any] | None = None
        self._until = float("-inf")
        self._released = threading.Event()
        self._keeper: threading.Thread | None = None

    @property
    def holder(self) -> str:
        """Who held it when it was last read; empty for nobody."""
        return self._seen.holder if self._seen else ""

    @property
    def held(self) -> bool:
        """Whether it is certainly ours at this moment."""
        return self._clock() < self._until

    def fence(self) -> None:
        """Raises ``Conflict`` unless it is ours: ask before each request that writes."""
        if not self.held:
            holder = self.holder if self.holder != self.identity else ""
            raise Conflict(f"the lease {self.namespace}/{self.name} is not ours any more" + (f": {holder} holds it" if holder else ""))

    def acquire(self, stop: threading.Event, troubled: Callable[[Problem], None] | None = None) -> bool:
        """Wait until it is ours (true) or until ``stop`` (false). ``troubled`` hears of requests that failed; they are tried again."""
        while not stop.is_set():
            try:
                if self.attempt():
                    return True
            except Problem as problem:
                if troubled is not None:
                    troubled(problem)
            stop.wait(self.duration * _RETRY)
        return False

    def attempt(self) -> bool:
        """Look once, and take it where it is free or over. Raises ``Problem`` where the server cannot be asked."""
        began = self._clock()
        live = self._read()
        if live is None:
            return self._write(began, None)
        seen = self._look(live)
        if seen.holder == self.identity or seen.is_over(self._clock()):
            return self._write(began, live)
        return False

    def renew(self) -> bool:
        """Hold it for longer, with one request where nobody else wrote. False: another has it. Raises ``Problem`` where the server cannot be asked."""
        return self.attempt() if self._live is None else self._write(self._clock(), self._live)

    def keep(self) -> None:
        """Renew it from now on, in a thread of its own, until ``release`` or until it is lost."""
        self._released.clear()
        self._keeper = threading.Thread(target=self._renewing, name="gitopsc-lease", daemon=True)
        self._keeper.start()

    def release(self) -> None:
        """Let go, so that another can begin at once. Never raises: who cannot be told will see it run out."""
        self._released.set()
        if self._keeper is not None:
            self._keeper.join(self.duration * _FENCE)
            self._keeper = None
        live, held = self._live, self.held
        self._until = float("-inf")
        if live is None or not held:
            return
        spec = {**live["spec"], "holderIdentity": "", "leaseDurationSeconds": 1, "renewTime": _stamp()}
        try:
            replace(self._within(2.0), LEASES, {**live, "spec": spec})
        except Problem:
            return

    def _renewing(self) -> None:
        pause = _RENEW
        while not self._released.wait(self.duration * pause):
            try:
                if self.renew():
                    pause = _RENEW
                    continue
            except Problem:
                pause = _RETRY  # not renewed, and not lost: the fence falls by itself when the time is over
                continue
            self._until = float("-inf")
            self.lost.set()
            if self.on_lost is not None:
                self.on_lost()
            return

    def _read(self) -> dict[str, Any] | None:
        return get(self._within(self.duration * _RENEW), LEASES, self.name, self.namespace)

    def _look(self, live: Mapping[str, Any]) -> Seen:
        version, holder = text(live, "metadata", "resourceVersion"), text(live, "spec", "holderIdentity")
        if self._seen is None or (self._seen.version, self._seen.holder) != (version, holder):
            self._seen = Seen(version, holder, float(number(live, "spec", "leaseDurationSeconds", default=1)), self._clock())
        return self._seen

    def _write(self, began: float, live: dict[str, Any] | None) -> bool:
        """Take or renew, by compare-and-swap. Its time counts from before the lease was read."""
        before = live["spec"] if live is not None and isinstance(live.get("spec"), dict) else {}
        ours = before.get("holderIdentity") == self.identity
        spec = {
            **before,
            "holderIdentity": self.identity,
            "leaseDurationSeconds": max(1, round(self.duration)),
            "renewTime": _stamp(),
            "acquireTime": before.get("acquireTime") if ours else _stamp(),
            "leaseTransitions": number(before, "leaseTransitions") + (0 if ours or live is None else 1),
        }
        try:
            if live is None:
                self._live = self._create(spec)
            else:
                self._live = replace(self._within(self.duration * _RENEW), LEASES, {**live, "metadata": self._marked(live["metadata"]), "spec": spec})
        except Problem as problem:
            if problem.conflict or is_absent(problem, self.name):
                return False if not ours else self._still_ours(began, spec)
            raise
        self._look(self._live)
        self._until = began + self.duration * _FENCE
        return True

    def _still_ours(self, began: float, spec: Mapping[str, Any]) -> bool:
        """After a compare-and-swap that lost: to ourselves (an answer got lost on its way, or somebody labelled the lease), or to another?"""
        live = self._read()
        if live is None or self._look(live).holder != self.identity:
            return False
        if text(live, "spec", "renewTime") == spec["renewTime"]:
            self._live = live
            self._until = began + self.duration * _FENCE
            return True
        return self._write(began, live)

    def _create(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        metadata = self._marked({"name": self.name, "namespace": self.namespace, "labels": {"app.kubernetes.io/managed-by": "gitopsc"}})
        wanted = {"apiVersion": LEASES.api_version, "kind": LEASES.kind, "metadata": metadata, "spec": dict(spec)}
        api = self._within(self.duration * _RENEW)
        try:
            return create(api, LEASES, wanted)
        except Problem as problem:
            if not is_absent(problem, self.namespace):
                raise
        try:
            create(api, NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}})
        except Problem as problem:
            if not problem.conflict:
                raise
        return create(api, LEASES, wanted)

    def _marked(self, metadata: Mapping[str, Any]) -> dict[str, Any]:
        annotations = {**(metadata.get("annotations") or {}), **self._annotations}
        return {**metadata, "annotations": annotations} if annotations else dict(metadata)

    def _within(self, allowed: float) -> Api:
        return self.api.acting_as(self.api.impersonate, Deadline(allowed))


def refuse_while_held(api: Api, namespace: str, name: str, *, clock: Callable[[], float] = seconds, sleep: Callable[[float], None] = time.sleep) -> None:
    """For a single pass beside a watching one: raises ``Conflict``, naming the holder, while the lease is a live one. Writes nothing.

    The server's own clock, on both sides, says how long ago it was renewed; where that leaves a doubt it is watched until it changes or runs out.
    """
    seen: Seen | None = None
    while True:
        answer = _answer(api, namespace, name)
        if answer is None:
            return
        live, headers = answer
        holder, duration = text(live, "spec", "holderIdentity"), float(number(live, "spec", "leaseDurationSeconds", default=1))
        age = age_of(live, headers)
        if not holder or (age is not None and age > duration + TOLERATED_SKEW):
            return
        version = text(live, "metadata", "resourceVersion")
        if (age is not None and 0 <= age <= duration) or (seen is not None and seen.version != version):
            raise Conflict(
                f"{holder} holds the lease {namespace}/{name}: it reconciles this environment now",
                hint="leave it to that one, or stop it first",
            )
        seen = seen or Seen(version, holder, duration, clock())
        if seen.is_over(clock()):
            return
        sleep(duration * _RETRY)


def _answer(api: Api, namespace: str, name: str) -> tuple[Mapping[str, Any], Mapping[str, str]] | None:
    try:
        answer = api.request("GET", LEASES.path(namespace, name))
    except Problem as problem:
        if is_absent(problem, name):
            return None
        raise
    return answer.body, answer.headers


def age_of(live: Mapping[str, Any], headers: Mapping[str, str]) -> float | None:
    """Seconds since a Lease was renewed last, by the server's clock; None where it does not say."""
    written = [text(entry, "time") for entry in items(live, "metadata", "managedFields") if at(entry, "fieldsV1", "f:spec", "f:renewTime") is not None]
    try:
        now = parsedate_to_datetime(headers.get("Date") or "")
        return (now - datetime.fromisoformat(max(written, default=""))).total_seconds()
    except (ValueError, TypeError):
        return None


def _stamp() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
