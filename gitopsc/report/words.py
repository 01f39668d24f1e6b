"""How results name objects, places, values and counts, in text and in Markdown alike."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from gitopsc.report.redact import line, mapped

CHANGES = ("created", "changed", "deleted")
_LONGEST = 200


def object_name(ref: Mapping[str, Any]) -> str:
    """``Deployment/api``; the group stands with kinds that are not Kubernetes' own (``Certificate.cert-manager.io/web``)."""
    group = ref.get("group") or ""
    kind = f"{ref['kind']}.{group}" if "." in group and not group.endswith(".k8s.io") else ref["kind"]
    return f"{kind}/{ref['name']}"


def place_name(place: Mapping[str, Any] | None) -> str:
    """``apps/shop/app.yaml:4:12``; nothing where there is no place."""
    if not place or not place.get("file"):
        return ""
    return f"{place['file']}:{place['line']}:{place['column']}"


def value_name(value: Any) -> str:
    """A value on one line: strings in single quotes, the rest as JSON, a long one cut."""
    if isinstance(value, str):
        text = "'" + line(value).replace("'", "\\'") + "'"
    else:
        text = json.dumps(mapped(value, line), ensure_ascii=False).replace("\\\\", "\\")
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text)} characters)"


def count(number: int, word: str) -> str:
    """``1 object``, ``3 objects``."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def some(names: Iterable[str], most: int = 20) -> str:
    """The names with commas; of many, the first and how many more."""
    listed = list(names)
    rest = len(listed) - most
    return ", ".join(listed[:most]) + (f" and {rest:,} more" if rest > 0 else "")
