"""Which pod is to blame, and in whose words: the kubelet's, the scheduler's, or the container's exit status."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from gitopsc.cluster.verdict import Object, at, conditions, items, number, says, text

_STARTING = frozenset({"", "ContainerCreating", "PodInitializing"})
_LONGEST = 300


class Blame(NamedTuple):
    """What is wrong with a pod; the lowest ``rank`` is told."""

    rank: int
    pod: str
    words: str


def cause(pods: Sequence[Object]) -> str | None:
    """One sentence about the pod that stands most in the way: ``pod web-1: container app: ImagePullBackOff: …``; None where none does."""
    found = [blame for pod in pods for blame in _blames(pod)]
    if not found:
        return None
    worst = min(found)
    others = len({blame.pod for blame in found}) - 1
    more = f" (and {others} more)" if others else ""
    return f"pod {worst.pod}: {worst.words}{more}"


def pod_selector(workload: Object) -> str | None:
    """The label selector of a workload's pods, as the API takes it; None where it has none."""
    selector = at(workload, "spec", "selector")
    labels = at(selector, "matchLabels")
    parts = [f"{key}={value}" for key, value in sorted(labels.items())] if isinstance(labels, dict) else []
    for expression in items(selector, "matchExpressions"):
        key, operator, values = text(expression, "key"), text(expression, "operator"), expression.get("values")
        listed = ",".join(sorted(str(value) for value in values)) if isinstance(values, list) else ""
        parts.append({"In": f"{key} in ({listed})", "NotIn": f"{key} notin ({listed})", "Exists": key, "DoesNotExist": f"!{key}"}.get(operator, key))
    return ",".join(parts) or None


def _blames(pod: Object) -> Iterable[Blame]:
    name = text(pod, "metadata", "name")
    known = conditions(pod)
    if text(pod, "metadata", "deletionTimestamp") or says(known.get("Ready"), "True") or text(pod, "status", "phase") == "Succeeded":
        return
    told = False
    for list_name in ("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses"):
        for container in items(pod, "status", list_name):
            for rank, words in _container(container):
                told = True
                yield Blame(rank, name, f"{'init container' if list_name.startswith('init') else 'container'} {text(container, 'name')}: {_short(words)}")
    scheduled = known.get("PodScheduled")
    if scheduled is not None and says(scheduled, "False"):
        yield Blame(2, name, _short(_joined(text(scheduled, "reason"), text(scheduled, "message"))))
    elif text(pod, "status", "phase") == "Failed":
        yield Blame(1, name, _short(_joined(text(pod, "status", "reason") or "Failed", text(pod, "status", "message"))))
    elif not told and text(pod, "status", "phase") == "Running":
        yield Blame(4, name, "it runs, but is not ready")


def _container(container: Object) -> Iterable[tuple[int, str]]:
    waiting, ended = at(container, "state", "waiting"), at(container, "state", "terminated")
    last = at(container, "lastState", "terminated")
    if text(waiting, "reason") not in _STARTING:
        before = f"; before: {_ended(last)}" if last is not None else ""
        yield 0, _joined(text(waiting, "reason"), text(waiting, "message")) + before
    elif ended is not None and number(ended, "exitCode") != 0:
        yield 1, _ended(ended)
    elif last is not None and number(last, "exitCode") != 0:
        yield 3, f"it was restarted {number(container, 'restartCount')} times; before: {_ended(last)}"


def _ended(state: Object) -> str:
    return _joined(f"{text(state, 'reason') or 'Error'} (exit status {number(state, 'exitCode')})", text(state, "message"))


def _joined(*words: str) -> str:
    return ": ".join(word.strip() for word in words if word.strip())


def _short(words: str) -> str:
    line = " ".join(words.split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 2] + " …"
