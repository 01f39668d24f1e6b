"""Label selectors, as the API server evaluates them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def matches(selector: Mapping[str, Any], labels: Mapping[str, Any]) -> bool:
    """Whether labels meet a selector of ``matchLabels`` and ``matchExpressions``. An empty selector selects everything."""
    if any(labels.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    return all(_meets(expression, labels) for expression in selector.get("matchExpressions") or ())


def _meets(expression: Mapping[str, Any], labels: Mapping[str, Any]) -> bool:
    key, operator, values = expression.get("key"), expression.get("operator"), expression.get("values") or ()
    if operator == "In":
        return labels.get(str(key)) in values
    if operator == "NotIn":
        return key not in labels or labels[str(key)] not in values
    return (key in labels) == (operator == "Exists")
