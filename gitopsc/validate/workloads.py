"""Rules of Deployment, StatefulSet, DaemonSet and ReplicaSet: selectors, rollout, claims."""

from __future__ import annotations

from typing import Any

from gitopsc.validate.finding import Subject, shown
from gitopsc.validate.metadata import is_label
from gitopsc.validate.selectors import matches
from gitopsc.values import Path


def check_selector(subject: Subject) -> None:
    """The selector is not empty and selects the labels of the pod template."""
    spec = subject.data.get("spec") or {}
    selector = spec.get("selector")
    if not isinstance(selector, dict):
        return
    if not selector.get("matchLabels") and not selector.get("matchExpressions"):
        subject.error("selector-mismatch", ("spec", "selector"), "expected labels to select, found none: an empty selector would take every pod")
        return
    labels = ((spec.get("template") or {}).get("metadata") or {}).get("labels") or {}
    wanted = selector.get("matchLabels") or {}
    for key, value in wanted.items():
        if labels.get(key) != value:
            found = f"{shown(labels[key])} there" if key in labels else "none there"
            message = f"expected the label {key}: {shown(value)} in spec.template.metadata.labels, because the selector asks for it, found {found}"
            subject.error("selector-mismatch", ("spec", "selector", "matchLabels", key), message, "give the pod template the same labels as the selector")
    if selector.get("matchExpressions") and not matches({"matchExpressions": selector["matchExpressions"]}, labels):
        subject.error("selector-mismatch", ("spec", "selector", "matchExpressions"), "expected expressions that the labels of the pod template meet")


def check_deployment(subject: Subject) -> None:
    """Strategy and deadlines of a Deployment."""
    spec = subject.data.get("spec") or {}
    strategy = spec.get("strategy") or {}
    rolling = strategy.get("rollingUpdate")
    path: Path = ("spec", "strategy", "rollingUpdate")
    if rolling and strategy.get("type") == "Recreate":
        subject.error("one-of", path, "expected no rollingUpdate beside type Recreate")
    elif rolling and _zero(rolling.get("maxUnavailable", "25%")) and _zero(rolling.get("maxSurge", "25%")):
        subject.error("out-of-range", path, "expected maxSurge or maxUnavailable above 0: with both 0 no pod could ever be replaced")
    deadline, ready = spec.get("progressDeadlineSeconds"), spec.get("minReadySeconds") or 0
    if isinstance(deadline, int) and isinstance(ready, int) and deadline <= ready:
        subject.error("out-of-range", ("spec", "progressDeadlineSeconds"), f"expected more than minReadySeconds ({ready}), found {deadline}")


def check_daemon_set(subject: Subject) -> None:
    """The update strategy of a DaemonSet: surge or unavailable, exactly one of them above 0."""
    strategy = (subject.data.get("spec") or {}).get("updateStrategy") or {}
    rolling = strategy.get("rollingUpdate")
    if not rolling or strategy.get("type") == "OnDelete":
        return
    surge, down = rolling.get("maxSurge", 0), rolling.get("maxUnavailable", 1)
    path: Path = ("spec", "updateStrategy", "rollingUpdate")
    if not _zero(surge) and not _zero(down):
        found = "" if rolling.get("maxUnavailable") is not None else ", which is 1 where it is not said"
        subject.error("one-of", path, f"expected maxUnavailable: 0 beside maxSurge, found {shown(down)}{found}")
    elif _zero(surge) and _zero(down):
        subject.error("out-of-range", path, "expected maxSurge or maxUnavailable above 0: with both 0 no pod could ever be replaced")


def check_stateful_set(subject: Subject) -> None:
    """The update strategy and the claims of a StatefulSet."""
    spec = subject.data.get("spec") or {}
    strategy = spec.get("updateStrategy") or {}
    if strategy.get("type") == "OnDelete" and strategy.get("rollingUpdate"):
        subject.error("one-of", ("spec", "updateStrategy", "rollingUpdate"), "expected no rollingUpdate beside type OnDelete")
    names: set[Any] = set()
    for index, claim in enumerate(spec.get("volumeClaimTemplates") or ()):
        name = (claim.get("metadata") or {}).get("name")
        if not name:
            subject.error("missing-field", ("spec", "volumeClaimTemplates", index, "metadata"), "expected a name, found none")
        elif not is_label(str(name)):
            message = f"expected a DNS label: at most 63 of a-z, 0-9 and inner '-', found {shown(name)}"
            subject.error("wrong-name", ("spec", "volumeClaimTemplates", index, "metadata", "name"), message)
        elif name in names:
            subject.error("duplicate", ("spec", "volumeClaimTemplates", index, "metadata", "name"), f"expected a name of its own, found {shown(name)} again")
        names.add(name)


def _zero(value: Any) -> bool:
    return value in (0, "0%") or (isinstance(value, str) and value.rstrip("%").strip("0") == "")
