"""``reconcile --watch``: passes for as long as it is told to, by one reconciler at a time, heard by people and by Prometheus."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gitopsc import __version__
from gitopsc.agent.listener import Answers, Listener
from gitopsc.agent.loop import Attempt, Loop, Parts
from gitopsc.agent.metrics import Metrics
from gitopsc.agent.pace import Pace
from gitopsc.alerting import Alerting
from gitopsc.cluster.connection import Connection
from gitopsc.cluster.deadline import Deadline
from gitopsc.cluster.discovery import Kinds, Resource
from gitopsc.cluster.inventory import NAMESPACE
from gitopsc.cluster.lease import Lease
from gitopsc.cluster.outcome import Report
from gitopsc.cluster.transport import Api
from gitopsc.diagnostics import Conflict, Diagnostic, Failure, Invalid
from gitopsc.marking import Marking
from gitopsc.shards import Shard, lease_name
from gitopsc.telling import Told, measure, together, told, unread
from gitopsc.watches import Watches

STALE_AFTER = 2
"""Passes in a row that cannot read the source before people are told: one is a hiccup of the network."""
_SPARE = 120.0
_WORDS = {"rewritten": "rewritten", "history-rewritten": "rewritten", "unsigned": "unverified", "signature": "unverified"}


@dataclass(frozen=True, slots=True)
class Setting:
    """What stays the same for as long as the process lives. ``shard``: its part of the environment. ``clean`` masks secrets. ``log`` takes a line."""

    environment: str
    connection: Connection
    interval: float
    timeout: float
    listen: tuple[str, int]
    hostname: str
    shard: Shard | None = None
    namespace: str = NAMESPACE
    environ: Mapping[str, str] = field(default_factory=dict)
    allow_link_local: bool = False
    clean: Callable[[str], str] = str
    log: Callable[[str], None] = lambda _: None
    poll: float | None = None


@dataclass(frozen=True, slots=True)
class Passed:
    """What one pass came to. ``whole``: all applications of the environment (or of this shard) have a report. ``alerts``: as environment.lock
    has them now. ``found`` goes before what the reports say: for a pass that refused the revision it found. ``beside``: what is told beside
    it; what it cannot judge is not judged. ``takes_back``: releases that failed are to be rolled back. ``unselected``: applications that
    no shard has.
    """

    revision: str | None
    status: int
    reports: Sequence[Report] = ()
    kinds: Kinds | None = None
    alerts: Sequence[Mapping[str, Any]] = ()
    whole: bool = True
    suspended: bool = False
    found: Told | None = None
    pending_records: int = 0
    takes_back: bool = False
    beside: Told | None = None
    unselected: int = 0


Once = Callable[[Api, Attempt], Passed]
"""One pass. It sets ``attempt.revision`` as soon as it has looked at the source, and ends its waits when ``attempt.cancel`` is set."""


class Agent:
    """One replica. ``run`` in any thread; ``stop`` from any other."""

    def __init__(self, setting: Setting, once: Once, tip: Callable[[], str | None]) -> None:
        self.setting = setting
        self.metrics = Metrics()
        self._once = once
        self._failures = 0
        self._revision: str | None = None
        self._api: Api | None = None
        side = Api(setting.connection, deadline=Deadline(None), in_flight=4)
        name = lease_name(setting.environment, setting.shard)
        marks = setting.shard.annotations if setting.shard is not None else {}
        asks, identity = Api(setting.connection, deadline=Deadline(None), in_flight=2), f"{setting.hostname}_{uuid.uuid4().hex[:8]}"
        self.lease = Lease(asks, setting.namespace, name, identity, annotations=marks)
        self._side = side
        writes = side.acting_as(side.impersonate)
        writes.fence = self.lease.fence
        self.alerting = Alerting(writes, setting, name, self.lease.identity)
        self.marking = Marking(writes, setting, self.lease.identity)
        parts = Parts(self._pass, tip, self._abort, self._lead, self._follow, self._troubled)
        poll = setting.poll or min(30.0, max(1.0, setting.interval / 4))
        self.loop = Loop(parts, Pace(setting.interval), self.lease, poll=poll, longest=setting.timeout + _SPARE)
        self.watches = Watches(side, lambda: self.loop.pace.wake("watch"), self._unwatched)
        self.listener = Listener(setting.listen, Answers(self._page, self.loop.healthy, self._ready, self.loop.hook))
        self.metrics.set("gitopsc_build_info", 1, version=__version__)
        self._say_leading(leads=False)

    @property
    def revision(self) -> str | None:
        """The revision that the last pass found."""
        return self._revision

    def run(self) -> None:
        """Until ``stop``; then everything is let go of within seconds."""
        self.setting.log(f"listening at port {self.listener.port}; waiting for the lease {self.lease.namespace}/{self.lease.name}")
        try:
            self.loop.run()
        finally:
            self.watches.close()
            self.marking.close()
            self.alerting.close()
            self.listener.close()
            for api in (self._side, self.lease.api):
                api.cancel()
                api.close()

    def stop(self) -> None:
        """End soon: what waits is ended, what is being written is finished."""
        self.loop.stop()

    def _lead(self) -> None:
        self.setting.log(f"leading as {self.lease.identity}")
        self._say_leading(leads=True)
        self.alerting.open()
        self.marking.open()

    def _follow(self) -> None:
        self._say_leading(leads=False)
        self.watches.close()
        self.marking.close()
        self.alerting.close()

    def _say_leading(self, *, leads: bool) -> None:
        self.metrics.set("gitopsc_leader", float(leads), environment=self.setting.environment)

    def _troubled(self, problem: Failure) -> None:
        self.setting.log(f"the lease cannot be asked for: {self.setting.clean(problem.message)}")

    def _unwatched(self, resource: Resource, why: str) -> None:
        self.setting.log(f"{resource.plural} cannot be watched, their drift is found at the interval: {self.setting.clean(why)}")

    def _abort(self) -> None:
        if self._api is not None:
            self._api.cancel()

    def _pass(self, attempt: Attempt) -> None:
        api = Api(self.setting.connection, deadline=Deadline(self.setting.timeout))
        api.fence = self.lease.fence
        self._api = api
        began = time.monotonic()
        self.metrics.add("gitopsc_wakes_total", reason=attempt.reason)
        try:
            passed = self._judged(api, attempt)
        finally:
            self._api = None
            for method, count in api.requests.items():
                self.metrics.add("gitopsc_api_requests_total", count, method=method)
            api.close()
        self.loop.met()
        self._tell(passed, attempt, time.monotonic() - began)

    def _judged(self, api: Api, attempt: Attempt) -> Passed:
        """The pass; what it raises is a result as well, so that one bad pass ends nothing but itself."""
        try:
            passed = self._once(api, attempt)
            self._failures = 0
            return passed
        except Conflict as error:
            return self._refused(4, error.message, attempt, None)
        except Invalid as error:
            return self._refused(2, _said(error.diagnostics), attempt, _word(error.diagnostics))
        except Failure as error:
            self._failures += attempt.cancelled_for is None
            return self._refused(3, error.message, attempt, "stale" if self._failures >= STALE_AFTER else None)
        except Exception as error:  # noqa: BLE001 (an agent that ends on a bug reconciles nothing any more)
            return self._refused(70, f"a bug in gitopsc, please report it: {type(error).__name__}", attempt, "failed")

    def _refused(self, status: int, message: str, attempt: Attempt, word: str | None) -> Passed:
        found = unread(self.setting.environment, word, message) if word is not None else Told((), lambda _word, _application: False)
        self.setting.log(f"pass for {attempt.reason}: {self.setting.clean(message)}")
        return Passed(attempt.revision, status, found=found, whole=False)

    def _tell(self, passed: Passed, attempt: Attempt, seconds: float) -> None:
        setting, cancelled = self.setting, attempt.cancelled_for is not None
        self._revision = passed.revision or self._revision
        found = passed.found or told(setting.environment, passed.reports, whole=passed.whole, cancelled=cancelled)
        found = together(found, passed.beside) if passed.beside is not None else found
        if self.lease.held:
            self.alerting.report(found, passed.alerts if passed.reports or passed.found is None else None)
        measure(self.metrics, setting.environment, passed.reports, status=passed.status, seconds=seconds, now=time.time(), cancelled=cancelled)
        self.metrics.set("gitopsc_suspend_status", float(passed.suspended), environment=setting.environment)
        self.metrics.set("gitopsc_applications_unselected", passed.unselected, environment=setting.environment)
        self.metrics.set("gitopsc_records_pending", passed.pending_records, environment=setting.environment)
        if passed.kinds is not None and self.lease.held:
            self.marking.report(passed.reports, found, passed.kinds)
            self.watches.watch(_resources(passed.reports, passed.kinds), [report.inventory.id for report in passed.reports])
        if passed.reports or passed.suspended or passed.found is None:
            setting.log(_line(passed, attempt, seconds))

    def _ready(self) -> str | None:
        return None if self.lease.holder else self.loop.ready()

    def _page(self) -> str:
        self.alerting.measure(self.metrics)
        return self.metrics.text()


def _resources(reports: Iterable[Report], kinds: Kinds) -> dict[Resource, set[str]]:
    """The kinds that we own, each with the namespaces in which we do."""
    found: dict[Resource, set[str]] = {}
    for ref in {ref for report in reports for ref in (*report.inventory.objects, *report.target.refs)}:
        resource = kinds.resource(ref.group, ref.kind)
        if resource is not None:
            found.setdefault(resource, set()).update({ref.namespace} - {""})
    return found


def _said(diagnostics: Sequence[Diagnostic]) -> str:
    more = len(diagnostics) - 1
    return diagnostics[0].message + (f" (and {more} more)" if more > 0 else "") if diagnostics else "the environment repository is not as it should be"


def _word(diagnostics: Sequence[Diagnostic]) -> str:
    return next((_WORDS[one.code] for one in diagnostics if one.code in _WORDS), "failed")


def _line(passed: Passed, attempt: Attempt, seconds: float) -> str:
    """One line a pass: a log of a day can be read."""
    actions: dict[str, int] = {}
    for report in passed.reports:
        for outcome in report.outcomes:
            actions[outcome.action] = actions.get(outcome.action, 0) + 1
    drift = sum(len(report.drift) for report in passed.reports)
    what = ", ".join(f"{count} {action}" for action, count in sorted(actions.items())) or ("suspended" if passed.suspended else "nothing to do")
    ended = f", ended early: {attempt.cancelled_for}" if attempt.cancelled_for else ""
    shown = (passed.revision or "no revision")[:12]
    return f"pass for {attempt.reason} at {shown}: {what}{f', {drift} drifted' if drift else ''}{ended}; status {passed.status} in {seconds:.1f} s"


def run_until(agent: Agent, ended: threading.Event) -> threading.Thread:
    """Run it in a thread; ``ended`` is set when it has."""

    def work() -> None:
        try:
            agent.run()
        finally:
            ended.set()

    thread = threading.Thread(target=work, name="gitopsc-loop", daemon=True)
    thread.start()
    return thread
