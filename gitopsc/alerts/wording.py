"""A notice in the words of each kind of sink."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from gitopsc.alerts.book import REMINDER, Notice

_SEVERITY = {"drift": "warning", "contended": "warning", "waiting": "warning", "stale": "warning"}
_REASON = {
    "drift": "Drifted",
    "failed": "ApplyFailed",
    "degraded": "Degraded",
    "unverified": "VerificationFailed",
    "stale": "SourceStale",
    "rewritten": "HistoryRewritten",
    "contended": "Contended",
    "waiting": "GateWaiting",
    "missing": "ObjectMissing",
    "prune": "PruneFailed",
    "pruned": "Pruned",
}
_NORMAL = frozenset({"pruned"})
_SEPARATE = 5
_LONGEST_NOTE = 1024


class Message(NamedTuple):
    """What a chat or a mailbox shows. ``kind``: ``failure``, ``warning`` or ``success``."""

    title: str
    body: str
    kind: str


def messages(notices: list[Notice]) -> list[Message]:
    """One message a notice; where very many came at once, one for all, so that nobody's channel is flooded."""
    if len(notices) <= _SEPARATE:
        return [_message(notice) for notice in notices]
    over = sum(notice.change == "resolved" for notice in notices)
    title = f"{len(notices)} events: {len(notices) - over} begun, {over} over"
    lines = [_headline(notice) for notice in notices[:100]] + ([f"… and {len(notices) - 100} more"] if len(notices) > 100 else [])
    return [Message(title, harmless("\n".join(lines)), "success" if over == len(notices) else "failure")]


def _message(notice: Notice) -> Message:
    event = notice.event
    lines = [event.summary, *(f"- {line}" for line in event.details), f"since {_shown(notice.since)}"]
    if notice.until is not None:
        lines = [f"it was so since {_shown(notice.since)}, and is over since {_shown(notice.until)}"]
    kind = "success" if notice.change == "resolved" else "warning" if event.word in _SEVERITY else "failure"
    return Message(harmless(_headline(notice)), harmless("\n".join(line for line in lines if line)), kind)


def _headline(notice: Notice) -> str:
    mark = {"firing": "", "reminder": "still: ", "resolved": "resolved: "}[notice.change]
    return f"{mark}{notice.event.title}"


def harmless(text: str) -> str:
    """Text that calls nobody: a name after ``@`` is no mention any more, nor is ``<!channel>``."""
    return text.replace("@", "@\u2060").replace("<!", "<\u2060!")


def alertmanager(notices: Iterable[Notice], now: datetime, reminder: timedelta = REMINDER) -> list[dict[str, Any]]:
    """The body of Alertmanager's ``POST /api/v2/alerts``. What is over ends when it did; what goes on ends by itself
    where nobody repeats it for two reminders, so that no alert outlives its reconciler for ever.
    """
    alerts = []
    for notice in notices:
        event = notice.event
        labels = {
            "alertname": f"Gitopsc{_REASON.get(event.word, event.word)}",
            "severity": _SEVERITY.get(event.word, "critical"),
            "environment": event.environment,
            "application": event.application,
            "subject": event.subject,
        }
        annotations = {"summary": event.title, "description": "\n".join(line for line in (event.summary, *event.details) if line)}
        alerts.append(
            {
                "labels": {name: value for name, value in labels.items() if value},
                "annotations": annotations,
                "startsAt": _rfc3339(notice.since),
                "endsAt": _rfc3339(notice.until or now + 2 * reminder),
            }
        )
    return alerts


def kubernetes(notice: Notice, about: Mapping[str, Any], now: datetime, reporter: str) -> dict[str, Any]:
    """A Kubernetes Event (``v1``) on the object ``about`` ({apiVersion, kind, namespace, name, uid?}). The same notice makes the same name."""
    event = notice.event
    note = "\n".join(line for line in (event.title, event.summary, *event.details) if line)
    over = f"resolved: {event.title}"
    return _event(notice, about, now, reporter, (notice.since.isoformat(), str(notice.until)), over if notice.change == "resolved" else note)


def of_object(notice: Notice, about: Mapping[str, Any], now: datetime, reporter: str) -> dict[str, Any]:
    """A Kubernetes Event on the object that it is about. What comes back makes the same name, as long as the object is the same one; what
    stands behind a dot in the subject tells one time from another, and is not in it.
    """
    event, over = notice.event, notice.change == "resolved"
    alike = replace(event, subject=event.subject.partition(".")[0])
    note = f"resolved: {event.summary}" if over else event.summary
    return _event(notice._replace(event=alike), about, now, reporter, (str(about.get("uid")),), note)


def _event(notice: Notice, about: Mapping[str, Any], now: datetime, reporter: str, identity: tuple[str, ...], note: str) -> dict[str, Any]:
    event, over = notice.event, notice.change == "resolved"
    digest = hashlib.sha256("\0".join((*event.key, notice.change, *identity)).encode()).hexdigest()[:16]
    moment = _rfc3339(now)
    stem = re.sub(r"[^a-z0-9.-]+", "-", str(about.get("name")).lower())[:220].strip(".-")  # names of roles may hold what those of Events may not
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{stem or 'object'}.{digest}", "namespace": about.get("namespace") or "default"},
        "involvedObject": dict(about),
        "type": "Normal" if over or event.word in _NORMAL else "Warning",
        "reason": f"{_REASON.get(event.word, event.word)}{'Resolved' if over else ''}",
        "message": note if len(note) <= _LONGEST_NOTE else note[: _LONGEST_NOTE - 2] + " …",
        "source": {"component": "gitopsc"},
        "reportingComponent": "gitopsc.dev/reconcile",
        "reportingInstance": reporter,
        "action": "Reconcile",
        "firstTimestamp": moment,
        "lastTimestamp": moment,
        "count": 1,
    }


def _shown(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
