"""Rules of volume claims."""

from __future__ import annotations

from typing import Any

from gitopsc.quantities import quantity
from gitopsc.validate.finding import Subject, shown
from gitopsc.values import Path


def check_claim(subject: Subject) -> None:
    """A PersistentVolumeClaim."""
    check_claim_spec(subject, subject.data.get("spec") or {}, ("spec",))


def check_claim_templates(subject: Subject) -> None:
    """The claims of a StatefulSet."""
    for index, claim in enumerate((subject.data.get("spec") or {}).get("volumeClaimTemplates") or ()):
        check_claim_spec(subject, claim.get("spec") or {}, ("spec", "volumeClaimTemplates", index, "spec"))


def check_claim_spec(subject: Subject, spec: dict[str, Any], path: Path) -> None:
    """More than nothing is asked for, and ReadWriteOncePod stands alone."""
    modes = spec.get("accessModes") or ()
    if "ReadWriteOncePod" in modes and len(modes) > 1:
        subject.error("one-of", (*path, "accessModes"), "expected ReadWriteOncePod alone, found others beside it")
    asked = ((spec.get("resources") or {}).get("requests") or {}).get("storage")
    amount = quantity(asked)
    if amount is not None and amount <= 0:
        subject.error("wrong-quantity", (*path, "resources", "requests", "storage"), f"expected more than 0, found {shown(asked)}")
