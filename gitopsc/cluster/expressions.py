"""The health expressions of an environment, compiled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gitopsc.cel import compiled
from gitopsc.cluster.health import Expression, Expressions
from gitopsc.diagnostics import Diagnostic, Diagnostics, Invalid

_FIELDS = {"inProgress": "in_progress", "failed": "failed", "current": "current"}


def read_expressions(listed: Any) -> dict[tuple[str, str], Expressions]:
    """``health: [{group, kind, inProgress, failed, current}]`` of an environment.lock, by (group, kind). Raises ``Invalid`` with all that cannot be read."""
    found: dict[tuple[str, str], Expressions] = {}
    wrong = Diagnostics()
    for index, rule in enumerate(listed if isinstance(listed, list) else ()):
        if not isinstance(rule, Mapping):
            continue
        made: dict[str, Expression] = {}
        for field, name in _FIELDS.items():
            if rule.get(field) is None:
                continue
            try:
                made[name] = compiled(str(rule[field]))
            except ValueError as error:
                message = f"expected an expression in CEL as {field} of kind {rule.get('kind')}, found one that cannot be read: {error}"
                wrong.append(Diagnostic("error", "health-expression", message, "correct it in the workspace and build", path=f"health[{index}].{field}"))
        found[str(rule.get("group") or ""), str(rule.get("kind"))] = Expressions(**made)
    if wrong:
        raise Invalid(wrong)
    return found
