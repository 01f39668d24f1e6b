"""How many pods, and how much each of them asks for."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from gitopsc.changes.subject import Consequence, Subject, at, listed
from gitopsc.quantities import quantity

_REPLICATED = frozenset({("apps", "Deployment"), ("apps", "StatefulSet"), ("apps", "ReplicaSet")})
_SCALER = ("autoscaling", "HorizontalPodAutoscaler")
_BINARY = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
Amounts = dict[str, Fraction]


def scaled(subject: Subject) -> Iterator[Consequence]:
    """Another number of pods."""
    if subject.type in _REPLICATED and subject.before is not None and subject.after is not None:
        before, after = at(subject.before, "spec", "replicas"), at(subject.after, "spec", "replicas")
        if before != after:
            yield Consequence("scale", _replicas(before, after))
    elif subject.type == _SCALER:
        yield from _scaler(subject)
    elif subject.type == ("batch", "Job") and subject.before is not None and subject.after is not None:
        for field in (*subject.below("spec", "parallelism"), *subject.below("spec", "completions")):
            yield Consequence("scale", f"{field.path[-1]} {_number(field.before)} → {_number(field.after)}")


def _replicas(before: Any, after: Any) -> str:
    if after is None:
        return f"the number of replicas is no longer set ({before} before)"
    if before is None:
        return f"the number of replicas is set to {after}, not set before"
    return f"{before} → {after} replicas"


def _number(value: Any) -> str:
    return "unset" if value is None else str(value)


def _scaler(subject: Subject) -> Iterator[Consequence]:
    before, after = (_range(side) for side in (subject.before, subject.after))
    if subject.before is None:
        yield Consequence("scale", f"scaled automatically: {after} replicas")
    elif subject.after is None:
        yield Consequence("scale", f"no longer scaled automatically ({before} replicas before)")
    elif before != after:
        yield Consequence("scale", f"scaled automatically: {before} → {after} replicas")
    elif subject.below("spec"):
        yield Consequence("scale", f"scaled automatically by other rules, still {after} replicas")


def _range(scaler: Any) -> str:
    least = at(scaler, "spec", "minReplicas")
    return f"{1 if least is None else least} to {at(scaler, 'spec', 'maxReplicas')}"


def resourced(subject: Subject) -> Iterator[Consequence]:
    """What a pod, and all of them together, ask for and may use."""
    if subject.before is None or subject.after is None:
        return
    old, new = subject.pods()
    if old is not None and new is not None:
        for kind in ("requests", "limits"):
            yield from _resources(subject, kind, pod_total(old, kind), pod_total(new, kind))
    if subject.type == ("", "PersistentVolumeClaim"):
        for field in subject.below("spec", "resources", "requests", "storage"):
            yield Consequence("resources", f"storage {_number(field.before)} → {_number(field.after)}")
    if subject.type == ("", "ResourceQuota") and subject.below("spec", "hard"):
        yield Consequence("resources", "the quota of the namespace changes")


def _resources(subject: Subject, kind: str, before: Amounts, after: Amounts) -> Iterator[Consequence]:
    changed = [name for name in dict.fromkeys((*before, *after)) if before.get(name) != after.get(name)]
    if not changed:
        return
    message = f"{kind} of a pod: {_steps(changed, before, after)}"
    counts = _counts(subject)
    if counts is not None and max(counts) > 1:
        totals = [{name: amount * number for name, amount in side.items()} for side, number in zip((before, after), counts, strict=True)]
        message += f"; of all {counts[1]}: {_steps(changed, *totals)}"
    yield Consequence("resources", message)


def _steps(names: list[str], before: Amounts, after: Amounts) -> str:
    return ", ".join(f"{name} {_shown(name, before.get(name))} → {_shown(name, after.get(name))}" for name in names)


def _counts(subject: Subject) -> tuple[int, int] | None:
    """How many pods there are before and after; None where the manifests do not say."""
    before, after = at(subject.before, "spec", "replicas"), at(subject.after, "spec", "replicas")
    return (before, after) if subject.type in _REPLICATED and isinstance(before, int) and isinstance(after, int) else None


def pod_total(pod: Mapping[str, Any], kind: str) -> Amounts:
    """What one pod amounts to, as the scheduler reckons: its containers and sidecars together, or an init container that takes more."""
    running: Amounts = {}
    peak: Amounts = {}
    for container in listed(pod, "initContainers"):
        own = _amounts(container, kind)
        if at(container, "restartPolicy") == "Always":
            _add(running, own)
            own = {}
        for name, amount in own.items():
            peak[name] = max(peak.get(name, Fraction(0)), running.get(name, Fraction(0)) + amount)
    for container in listed(pod, "containers"):
        _add(running, _amounts(container, kind))
    return {name: max(running.get(name, Fraction(0)), peak.get(name, Fraction(0))) for name in dict.fromkeys((*running, *peak))}


def _amounts(container: Any, kind: str) -> Amounts:
    found = at(container, "resources", kind)
    return {name: amount for name, value in found.items() if (amount := quantity(value)) is not None} if isinstance(found, Mapping) else {}


def _add(total: Amounts, own: Amounts) -> None:
    for name, amount in own.items():
        total[name] = total.get(name, Fraction(0)) + amount


def _shown(name: str, amount: Fraction | None) -> str:
    """An amount as people write it: ``250m``, ``1``, ``512Mi``."""
    if amount is None:
        return "none"
    if name == "cpu" or amount.denominator != 1:
        return str(amount) if amount.denominator == 1 else f"{math.ceil(amount * 1000)}m"
    number, unit = amount.numerator, 0
    while number and number % 1024 == 0 and unit + 1 < len(_BINARY):
        number, unit = number // 1024, unit + 1
    return f"{number}{_BINARY[unit]}"
