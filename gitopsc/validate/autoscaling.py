"""Rules of HorizontalPodAutoscaler."""

from __future__ import annotations

from gitopsc.validate.finding import Subject, shown


def check_autoscaler(subject: Subject) -> None:
    """The least is not above the most, and the target is complete."""
    spec = subject.data.get("spec") or {}
    least, most = spec.get("minReplicas"), spec.get("maxReplicas")
    if isinstance(least, int) and isinstance(most, int) and least > most:
        subject.error("out-of-range", ("spec", "maxReplicas"), f"expected at least minReplicas ({least}), found {most}")
    target = spec.get("scaleTargetRef") or {}
    if "/" not in str(target.get("apiVersion") or "") and target.get("kind") != "ReplicationController":
        message = f"expected an apiVersion with a group such as apps/v1, found {shown(target.get('apiVersion'))}"
        subject.error("wrong-value", ("spec", "scaleTargetRef", "apiVersion"), message)
