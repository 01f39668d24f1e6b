"""``reconcile --verify-only``: another engine applies; we look until the cluster is as Git says and healthy, and record the verdict. Nothing is applied.

"As Git says" is the server's own word: an apply that is only tried changes nothing but who manages what.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from gitopsc.cluster.desired import Target, Wanted
from gitopsc.cluster.discovery import Resource
from gitopsc.cluster.drift import Difference, Finding, absent, differences, findings
from gitopsc.cluster.fields import matches
from gitopsc.cluster.health import health, vanished
from gitopsc.cluster.inventory import PART_OF, Inventory
from gitopsc.cluster.objects import apply, get
from gitopsc.cluster.observe import resource_of
from gitopsc.cluster.outcome import Action, Outcome, Report, Verdict, first_status
from gitopsc.cluster.problems import Problem
from gitopsc.cluster.settings import Rules
from gitopsc.cluster.trouble import Trouble, trouble
from gitopsc.cluster.verdict import Health
from gitopsc.passing import Ground, Passed
from gitopsc.repository.records import Records
from gitopsc.revision import Revision

_FIRST_PAUSE, _LONGEST_PAUSE, _RESERVE = 0.2, 2.0, 2.0


@dataclass(frozen=True, slots=True)
class _Seen:
    """One object, looked at. ``drift`` empty: it is as Git says."""

    health: Health
    drift: tuple[Finding, ...] = ()
    trouble: Trouble | None = None

    @property
    def settled(self) -> bool:
        """Whether looking again can change nothing."""
        return self.trouble is not None or (not self.drift and (self.health.is_current or self.health.is_terminal))


@dataclass(slots=True)
class _Look:
    target: Target
    seen: dict[int, _Seen] = field(default_factory=dict)

    @property
    def open(self) -> list[int]:
        return [number for number in range(len(self.target.objects)) if number not in self.seen or not self.seen[number].settled]


def verify(ground: Ground, revision: Revision, names: Sequence[str], rules: Rules, records: Records) -> Passed:
    """Look at the applications until each is verified, or has failed, or the deadline is near. Raises ``Problem`` where nothing can be read at all."""
    looks = [_Look(revision.targets[name]) for name in names if name in revision.targets and revision.targets[name].present]
    eye = _Eye(ground, rules)
    pause = _FIRST_PAUSE
    while True:
        todo = [(look, number) for look in looks for number in look.open]
        for (look, number), seen in zip(todo, ground.api.map(lambda pair: eye.look(pair[0].target.objects[pair[1]]), todo), strict=True):
            look.seen[number] = seen
        if not any(look.open for look in looks) or ground.superseded() or ground.api.deadline.left() < _RESERVE + pause:
            break
        ground.api.sleep(pause)
        pause = min(_LONGEST_PAUSE, pause * 1.5)
    cancelled = ground.superseded()
    reports = [_report(look, records, cancelled=cancelled, home=ground.home) for look in looks]
    reports += [_refused(revision, name, ground.home) for name in names if name in revision.refused]
    reports.sort(key=lambda report: report.target.application)
    return Passed(revision, "warn", tuple(reports), first_status(report.status for report in reports))


class _Eye:
    """Asks about one object."""

    def __init__(self, ground: Ground, rules: Rules) -> None:
        self._ground = ground
        self._rules = rules

    def look(self, one: Wanted) -> _Seen:
        """Its health, and how it differs from Git."""
        api = self._ground.api
        resource = resource_of(self._ground.kinds, one.ref, one.api_version)
        if resource is None:
            return _Seen(Health("unknown", "the server does not know its kind"), (absent(one.ref),))
        try:
            live = get(api, resource, one.ref.name, one.ref.namespace)
            if live is None:
                gone = vanished(one.data)
                return _Seen(gone, () if gone.is_current else (absent(one.ref),))
            state = health(live, expressions=self._rules.health)
            return _Seen(state, tuple(findings(one.ref, live, self._different(one, live, resource))))
        except Problem as problem:
            if problem.status == 0:
                raise
            return _Seen(Health("unknown"), (), trouble(one.ref, problem, resource, "patch", api.impersonate))

    def _different(self, one: Wanted, live: Mapping[str, Any], resource: Resource) -> list[Difference]:
        result = apply(self._ground.api, resource, _plain(one.data), dry_run=True, force=True)
        ignored = self._rules.ignored(one.ref, one.annotations)
        return [found for found in differences(live, result) if not matches(ignored, found.path)]


def _plain(data: Mapping[str, Any]) -> dict[str, Any]:
    """A manifest as it stands in Git: without the label of an ApplySet, which the other engine knows nothing of."""
    metadata = dict(data["metadata"])
    labels = {key: value for key, value in (metadata.get("labels") or {}).items() if key != PART_OF}
    metadata.pop("labels", None)
    return {**data, "metadata": {**metadata, **({"labels": labels} if labels else {})}}


def _report(look: _Look, records: Records, *, cancelled: bool, home: str) -> Report:
    target = look.target
    pairs = [(one, look.seen[number]) for number, one in enumerate(target.objects)]
    drift = tuple(finding for _, seen in pairs for finding in seen.drift)
    troubles = tuple(seen.trouble for _, seen in pairs if seen.trouble is not None)
    whole = not drift and not troubles
    unwell = any(not seen.health.is_current for _, seen in pairs)
    verdict: Verdict = "unknown" if cancelled or not whole else "degraded" if unwell else "verified"
    outcomes = tuple(Outcome(one.ref, _action(seen), seen.health.message, seen.health) for one, seen in pairs)
    before = Inventory(target.environment, target.application, namespace=home)
    last = records.latest(target.application, "applied", now=datetime.now(UTC)) if whole else None
    applied = whole and (last is None or last.rendered != target.rendered)
    status = first_status([*(one.status for one in troubles), *([1] if drift or unwell else [])])
    # What is not applied yet is no drift: only what was verified once can have drifted.
    settled = records.latest(target.application, "verified", now=datetime.now(UTC))
    drifted = drift if settled is not None and settled.rendered == target.rendered else ()
    return Report(target, verdict, outcomes, drifted, bool(drifted), troubles, (), status, applied, before, replace(before, rendered=target.rendered))


def _action(seen: _Seen) -> Action:
    return "failed" if seen.trouble is not None else "skipped" if seen.drift else "unchanged"


def _refused(revision: Revision, name: str, home: str) -> Report:
    target = revision.targets.get(name) or Target(revision.environment, name, True, "", None, 1, "", ())
    before = Inventory(revision.environment, name, namespace=home)
    troubles = tuple(Trouble(one.code, one.message, 2, one.hint) for one in revision.refused[name])
    return Report(target, "unknown", (), (), False, troubles, (), 2, False, before, before)
