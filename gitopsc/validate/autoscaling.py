"""Rules of HorizontalPodAutoscaler."""

from __future__ import annotations

from gitopsc.validate.finding import Subject


def check_autoscaler(subject: Subject) -> None:
    """The least is not above the most."""
    spec = subject.data.get("spec") or {}
    least, most = spec.get("minReplicas"), spec.get("maxReplicas")
    if isinstance(least, int) and isinstance(most, int) and least > most:
        subject.error("out-of-range", ("spec", "maxReplicas"), f"expected at least minReplicas ({least}), found {most}")
