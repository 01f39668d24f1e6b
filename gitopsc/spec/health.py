"""The workspace's health expressions: read here, so that a mistake is met where it was written, and not by a reconciler at night."""

from __future__ import annotations

from gitopsc.diagnostics import Diagnostics
from gitopsc.spec.documents import Document
from gitopsc.values import Map

FIELDS = ("inProgress", "failed", "current")


def check_health(workspace: Document, diagnostics: Diagnostics) -> None:
    """Each expression of ``Workspace.spec.health`` is one."""
    rules = workspace.spec.get("health")
    if not isinstance(rules, list) or not rules:
        return
    from gitopsc.cel import compiled

    for index, rule in enumerate(rules):
        for field in FIELDS if isinstance(rule, Map) else ():
            text = rule.get(field)
            if not isinstance(text, str):
                continue
            try:
                compiled(text)
            except ValueError as error:
                message = f"expected an expression in CEL, found one that cannot be read: {error}"
                hint = "such as: object.status.phase == 'Ready'"
                diagnostics.error("health-expression", message, rule.place(field), hint=hint, path=f"spec.health[{index}].{field}")
