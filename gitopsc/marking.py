"""Kubernetes Events on the objects themselves: who describes an object sees what became of it here.

Drift, a failed apply or prune, and failing health stand on the object that they are about; what is about an object that is not there (any more) on
the inventory of its application. What is said of an application as a whole is said by its alerts (``alerting``), on the inventory as well.
A thing that is so is one Event, however many passes find it, and after a restart, too; when it comes back, the Event's count goes up.
Nothing waits for it: it is told by a thread of its own, and where Events may not be written nobody is held up and nobody is told twice why.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from gitopsc.alerting import CONFIG_MAPS, EVENTS, Setting
from gitopsc.alerts.book import Book, Notice
from gitopsc.alerts.delivery import Desk, Undelivered
from gitopsc.alerts.event import Event
from gitopsc.alerts.wording import of_object
from gitopsc.cluster.deadline import Deadline
from gitopsc.cluster.inventory import parent_name
from gitopsc.cluster.objects import create, get, patch
from gitopsc.cluster.problems import Problem
from gitopsc.diagnostics import Conflict
from gitopsc.objects import ObjectRef

if TYPE_CHECKING:
    from gitopsc.cluster.discovery import Kinds
    from gitopsc.cluster.drift import Finding
    from gitopsc.cluster.outcome import Report
    from gitopsc.cluster.transport import Api
    from gitopsc.telling import Told

_JUDGED_AS = {"missing": "drift", "pruned": "drift", "prune": "failed"}
_SECONDS, _REFUSED_FOR = 5.0, 600.0
_MOST_COUNTS = 10_000
_NEVER = timedelta(days=36500)
_HOPELESS = frozenset({400, 403, 404, 405, 422})


@dataclass(frozen=True, slots=True)
class Mark:
    """What is so of an object. ``lasting``: it is so until it is over; otherwise it happened. ``here``: it is told of an object that must be there."""

    word: str
    ref: ObjectRef
    application: str
    message: str
    lasting: bool = True
    here: bool = True

    def subject(self, number: int) -> str:
        """Of the object, fit to be told apart by. What happened in one pass and again in another (``number``) are two."""
        found = hashlib.sha256("\0".join(self.ref).encode()).hexdigest()[:16]
        return found if self.lasting else f"{found}.{number}"


def marks(report: Report) -> Iterator[Mark]:
    """What a pass over an application found of its objects, each word once an object."""
    name = report.target.application
    how = "left as it is" if report.open else "healed"
    by_object: dict[tuple[str, ObjectRef], list[Finding]] = {}
    for finding in report.drift:
        word = "contended" if finding.kind == "contended" else "missing" if finding.kind == "missing" and finding.path is None else "drift"
        by_object.setdefault((word, finding.ref), []).append(finding)
    for (word, ref), found in by_object.items():
        if word == "missing":
            made = "not made again" if report.open else "made again"
            yield Mark(word, ref, name, f"{ref} is missing, {made}", report.open, here=False)
        else:
            ending = "" if word == "contended" else f"; {how}"
            yield Mark(word, ref, name, "; ".join(map(_line, found)) + ending, report.open or word == "contended")
    for one in report.outcomes:
        ours = one.ref in report.target.refs
        if one.action == "pruned" and one.health.status != "terminating":
            yield Mark("pruned", one.ref, name, f"{one.ref} is pruned: {one.message or 'it is not in Git any more'}", lasting=False, here=False)
        elif one.action == "failed" or (not ours and one.health.status == "terminating"):
            yield Mark("failed" if ours else "prune", one.ref, name, one.message or f"it is {one.health.status}")
        if ours and (one.health.status == "failed" or (report.verdict == "degraded" and one in report.unhealthy)):
            yield Mark("degraded", one.ref, name, one.health.message or f"it is {one.health.status}")


def _line(finding: Finding) -> str:
    by = f" by {finding.manager}" if finding.manager else ""
    at = f" at {finding.time}" if finding.time else ""
    return f"{finding.path or 'the object'} is {finding.kind}{by}{at}"


class Marking:
    """Between ``open`` and ``close`` it writes Events; who does not lead writes none."""

    def __init__(self, api: Api, setting: Setting, reporter: str) -> None:
        self._api = api
        self._setting = setting
        self._reporter = reporter
        self._desk: Desk | None = None
        self._kinds: Kinds | None = None
        self._marks: dict[tuple[str, str], Mark] = {}
        self._passes = 0
        self._counts: dict[str, int] = {}
        self._refused: dict[str, float] = {}

    def open(self) -> None:
        """Begin with nothing told: what is told already is known to the server by its name."""
        desk = Desk(Book(), clean=self._setting.clean, log=self._said, reminder=_NEVER)
        desk.add("events of objects", frozenset(), self._deliver)
        self._desk, self._marks, self._counts, self._refused = desk, {}, {}, {}

    def close(self) -> None:
        """End; what is not told yet is given a moment."""
        desk, self._desk = self._desk, None
        if desk is not None:
            desk.stop(0.5)

    def report(self, reports: Sequence[Report], found: Told, kinds: Kinds) -> None:
        """What a pass over applications came to; ``found`` says what it could judge."""
        desk = self._desk
        if desk is None:
            return
        self._kinds = kinds
        with desk.changed:
            known = {key.subject for key in desk.book.entries}
        self._passes += 1
        if len(self._counts) > _MOST_COUNTS:
            self._counts = {}  # then the server is asked for them
        now = {(mark.word, mark.subject(self._passes)): mark for report in reports for mark in marks(report)}
        self._marks = {key: mark for key, mark in self._marks.items() if key[1] in known} | now
        events = [Event(word, self._setting.environment, mark.application, subject, mark.message) for (word, subject), mark in now.items()]
        desk.report(events, lambda word, application: found.judged(_JUDGED_AS.get(word, word), application))

    def _deliver(self, notices: list[Notice]) -> int:
        for count, notice in enumerate(notices):
            mark = self._marks.get((notice.event.word, notice.event.subject))
            if mark is None or (notice.change == "resolved" and not mark.lasting) or self._is_refused(mark):
                continue
            try:
                self._tell(notice, mark)
            except (Problem, Conflict) as error:
                if isinstance(error, Problem) and error.status in _HOPELESS:
                    self._give_up(mark, error)
                elif count:
                    return count
                else:
                    raise Undelivered(error.message) from error
        return len(notices)

    def _tell(self, notice: Notice, mark: Mark) -> None:
        """Create the Event, or say that it goes on (what lasts, after a restart), or that it came once more."""
        live = self._about(mark)
        if live is None:
            return
        event = of_object(notice, _reference(live), datetime.now(UTC), self._reporter)
        name = event["metadata"]["name"]
        if name not in self._counts and self._create(event):
            return
        again = {"lastTimestamp": event["lastTimestamp"], "message": event["message"]}
        if name not in self._counts and not (self._patch(event, again) and not mark.lasting):
            return
        self._patch(event, {**again, "count": self._counts[name] + 1})

    def _patch(self, event: Mapping[str, Any], changes: Mapping[str, Any]) -> bool:
        """Whether it was there, as it is until the server forgets it after an hour; otherwise it is made again."""
        name, place = event["metadata"]["name"], event["metadata"]["namespace"]
        try:
            self._counts[name] = int(patch(self._soon(), EVENTS, name, place, changes).get("count") or 1)
            return True
        except Problem as problem:
            if not problem.not_found:
                raise
        self._create(event)
        return False

    def _create(self, event: Mapping[str, Any]) -> bool:
        """Whether it was not there."""
        try:
            create(self._soon(), EVENTS, event)
        except Problem as problem:
            if problem.reason == "AlreadyExists":
                return False
            raise
        self._counts[event["metadata"]["name"]] = 1
        return True

    def _about(self, mark: Mark) -> dict[str, Any] | None:
        """The live object that an Event is on: itself, or the inventory of its application. None: it is gone, and its alert says the rest."""
        if not mark.here:
            return get(self._soon(), CONFIG_MAPS, parent_name(self._setting.environment, mark.application), self._setting.namespace)
        resource = self._kinds.resource(mark.ref.group, mark.ref.kind) if self._kinds is not None else None
        return get(self._soon(), resource, mark.ref.name, mark.ref.namespace) if resource is not None else None

    def _soon(self) -> Api:
        return self._api.acting_as(self._api.impersonate, Deadline(_SECONDS))

    def _place(self, mark: Mark) -> str:
        """The namespace of its Event: that of the object, ``default`` where that has none."""
        return (mark.ref.namespace or "default") if mark.here else self._setting.namespace

    def _is_refused(self, mark: Mark) -> bool:
        return time.monotonic() < self._refused.get(self._place(mark), 0.0)

    def _give_up(self, mark: Mark, problem: Problem) -> None:
        """What the server refuses is not asked for again at once: in that namespace Events may not be written."""
        place = self._place(mark)
        if problem.forbidden and problem.method != "GET":
            if place not in self._refused:
                self._setting.log(f"no Events in namespace {place}, since they may not be written there: {self._setting.clean(problem.message)}")
            self._refused[place] = time.monotonic() + _REFUSED_FOR

    def _said(self, _name: str, why: str | None) -> None:
        self._setting.log("Events of objects arrive again" if why is None else f"Events of objects do not arrive, and are tried again: {why}")


def _reference(live: dict[str, Any]) -> dict[str, Any]:
    """What ``involvedObject`` says of an object."""
    metadata = live["metadata"]
    said = {"apiVersion": live["apiVersion"], "kind": live["kind"], "name": metadata["name"], "namespace": metadata.get("namespace"), "uid": metadata["uid"]}
    return {key: value for key, value in said.items() if value}
