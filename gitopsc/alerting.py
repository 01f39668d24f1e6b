"""Alerts of one environment: the book kept in the cluster, so that another replica goes on with it, and a courier for each sink."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from gitopsc.alerts.book import Notice, load
from gitopsc.alerts.delivery import Desk, Undelivered, poster
from gitopsc.alerts.sinks import EVENTS as EVENT_SINK
from gitopsc.alerts.sinks import Sink, routes
from gitopsc.alerts.wording import kubernetes
from gitopsc.cluster.deadline import Deadline
from gitopsc.cluster.discovery import Resource
from gitopsc.cluster.inventory import parent_name
from gitopsc.cluster.lease import LEASES
from gitopsc.cluster.objects import apply, create, get
from gitopsc.cluster.problems import Problem
from gitopsc.diagnostics import Conflict

if TYPE_CHECKING:
    from gitopsc.agent.metrics import Metrics
    from gitopsc.cluster.transport import Api
    from gitopsc.telling import Told

CONFIG_MAPS = Resource("", "v1", "configmaps", "ConfigMap", True, frozenset({"get", "patch"}))
SECRETS = Resource("", "v1", "secrets", "Secret", True, frozenset({"get"}))
EVENTS = Resource("", "v1", "events", "Event", True, frozenset({"create", "patch"}))
PATIENCE = 5.0
_SECONDS = 5.0
_KEY = "book.json"


class Setting(Protocol):
    """What alerting needs to know of the agent's setting."""

    @property
    def environment(self) -> str: ...  # noqa: D102
    @property
    def namespace(self) -> str: ...  # noqa: D102
    @property
    def environ(self) -> Mapping[str, str]: ...  # noqa: D102
    @property
    def allow_link_local(self) -> bool: ...  # noqa: D102
    @property
    def clean(self) -> Callable[[str], str]: ...  # noqa: D102
    @property
    def log(self) -> Callable[[str], None]: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Once:
    """What a single pass says about itself."""

    environment: str
    namespace: str
    environ: Mapping[str, str]
    clean: Callable[[str], str] = str
    log: Callable[[str], None] = lambda _: None
    allow_link_local: bool = False


class Alerting:
    """Between ``open`` and ``close`` it tells; who does not lead tells nothing. ``lease``: the name of the lease, which stands for the environment."""

    def __init__(self, api: Api, setting: Setting, lease: str, reporter: str, *, events: bool = True) -> None:
        self._api = api
        self._setting = setting
        self._lease = lease
        self._reporter = reporter
        self._events = events
        self._desk: Desk | None = None
        self._routes: Sequence[Mapping[str, Any]] = ()
        self._sinks: dict[str, Sink] = {}
        self._warned: set[str] = set()

    def open(self) -> None:
        """Take up the book where the last leader left it."""
        desk = Desk(load(self._kept()), clean=self._setting.clean, log=self._sink_said)
        if self._events:
            desk.add(EVENT_SINK, frozenset(), self._to_events)
        self._desk, self._sinks = desk, {}

    def close(self) -> None:
        """Give what is owed a moment, keep the book, and end."""
        desk, self._desk = self._desk, None
        if desk is not None:
            desk.stop(0.5)
            with suppress(Problem, Conflict):
                self._keep(desk)

    def report(self, found: Told, alerts: Sequence[Mapping[str, Any]] | None) -> None:
        """Tell what a pass found. ``alerts``: the environment's routes as they are now; None where this pass did not read them."""
        desk = self._desk
        if desk is None:
            return
        if alerts is not None:
            self._routes = alerts
        self._serve(desk)
        desk.report(found.events, found.judged)
        try:
            self._keep(desk)
        except (Problem, Conflict) as problem:
            self._setting.log(f"the book of alerts cannot be kept: {self._setting.clean(problem.message)}")

    def flush(self, seconds: float) -> bool:
        """Give the sinks so much time; whether everybody was told."""
        desk = self._desk
        if desk is None:
            return True
        done = desk.flush(seconds)
        with suppress(Problem, Conflict):
            self._keep(desk)
        return done

    def measure(self, metrics: Metrics) -> None:
        """The numbers about alerts."""
        desk = self._desk
        if desk is None:
            return
        counts: dict[str, int] = {}
        for event in desk.firing():
            counts[event.word] = counts.get(event.word, 0) + 1
        own = {"environment": self._setting.environment}
        metrics.replace("gitopsc_alerts_firing", [({**own, "word": word}, count) for word, count in counts.items()])
        for name, count in desk.failures().items():
            metrics.set("gitopsc_alerts_failed_total", count, sink=name)

    def _serve(self, desk: Desk) -> None:
        """Bring the couriers to the routes: addresses are looked up anew, since a Secret may have been rotated."""
        found, diagnostics = routes(self._routes, self._look_up)
        for diagnostic in diagnostics:
            if diagnostic.message not in self._warned:
                self._warned.add(diagnostic.message)
                self._setting.log(f"warning: {diagnostic.message}")
        wanted = {sink.name: sink for sink in found}
        for name, sink in list(self._sinks.items()):
            if wanted.get(name) != sink:
                desk.remove(name)
                del self._sinks[name]
        for name, sink in wanted.items():
            if name not in self._sinks:
                desk.add(name, sink.words, poster(sink, self._setting.environ, allow_link_local=self._setting.allow_link_local))
                self._sinks[name] = sink

    def _look_up(self, to: Mapping[str, Any]) -> str | None:
        secret = to.get("secret")
        if not isinstance(secret, Mapping):
            return self._setting.environ.get(str(to.get("env")))
        try:
            found = get(self._soon(), SECRETS, str(secret.get("name")), self._setting.namespace)
        except Problem:
            known = self._sinks.get(f"secret:{secret.get('name')}/{secret.get('key')}")
            return known.address if known is not None else None
        data = (found or {}).get("data") or {}
        try:
            return base64.b64decode(data[str(secret.get("key"))]).decode()
        except (KeyError, ValueError):
            return None

    def _to_events(self, notices: list[Notice]) -> int:
        """Kubernetes Events, on the parent of the application or the lease of the environment."""
        for count, notice in enumerate(notices):
            application = notice.event.application
            resource, name = (CONFIG_MAPS, parent_name(self._setting.environment, application)) if application else (LEASES, self._lease)
            try:
                api = self._soon()
                live = get(api, resource, name, self._setting.namespace)
                about = {"apiVersion": resource.api_version, "kind": resource.kind, "namespace": self._setting.namespace, "name": name}
                if live is not None:
                    about["uid"] = live["metadata"]["uid"]
                create(api, EVENTS, kubernetes(notice, about, datetime.now(UTC), self._reporter))
            except Problem as problem:
                if problem.reason == "AlreadyExists":
                    continue
                if count:
                    return count
                raise Undelivered(problem.message) from problem
            except Conflict as conflict:
                raise Undelivered(conflict.message) from conflict
        return len(notices)

    def _sink_said(self, name: str, why: str | None) -> None:
        self._setting.log(f"alerts to {name} arrive again" if why is None else f"alerts to {name} do not arrive, and are tried again: {why}")

    @property
    def _place(self) -> str:
        return f"gitopsc.alerts.{self._lease.removeprefix('gitopsc.')}"

    def _kept(self) -> str:
        try:
            found = get(self._soon(), CONFIG_MAPS, self._place, self._setting.namespace)
        except Problem as problem:
            self._setting.log(f"the book of alerts cannot be read: {self._setting.clean(problem.message)}")
            return ""
        return str(((found or {}).get("data") or {}).get(_KEY) or "")

    def _keep(self, desk: Desk) -> None:
        text = desk.written()
        if text is None:
            return
        metadata = {"name": self._place, "namespace": self._setting.namespace, "labels": {"app.kubernetes.io/managed-by": "gitopsc"}}
        try:
            apply(self._soon(), CONFIG_MAPS, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {_KEY: text}}, force=True)
        except (Problem, Conflict):
            desk.unwritten()
            raise

    def _soon(self) -> Api:
        return self._api.acting_as(self._api.impersonate, Deadline(_SECONDS))


def tell_once(api: Api, setting: Once, found: Told, alerts: Sequence[Mapping[str, Any]], lease: str, seconds: float = PATIENCE) -> None:
    """The alerts of a single pass, as cron or CI makes them: from the book of the passes before it, with so much time for the sinks.
    ``lease``: the name of the Lease of who would watch, whose book it is.

    Who could not be told is told by the next pass. Where the environment has no alerts, nothing is asked and nothing is written.
    """
    if not alerts:
        return
    alerting = Alerting(api, setting, lease, "once", events=False)
    alerting.open()
    alerting.report(found, alerts)
    alerting.flush(seconds)
    alerting.close()
