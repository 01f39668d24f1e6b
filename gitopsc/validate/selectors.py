"""Label selectors, as the API server evaluates them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def matches(selector: Mapping[str, Any], labels: Mapping[str, Any]) -> bool:
    """Whether labels meet a selector of ``matchLabels`` and ``matchExpressions``. An empty selector selects everything.

    An operator that there is not counts as met: the schema pass reports it.
    """
    if any(labels.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    return all(_meets(expression, labels) for expression in selector.get("matchExpressions") or ())


def _meets(expression: Mapping[str, Any], labels: Mapping[str, Any]) -> bool:
    key, operator, values = str(expression.get("key")), expression.get("operator"), expression.get("values") or ()
    if operator == "In":
        return labels.get(key) in values
    if operator == "NotIn":
        return labels.get(key) not in values
    if operator in ("Exists", "DoesNotExist"):
        return (key in labels) is (operator == "Exists")
    return True
