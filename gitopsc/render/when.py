"""``when`` of a type's template."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_REFERENCE = re.compile(r"\$\{([^${}]+)\}")
_FALSE = ("false", "none")


def applies(when: Any, roots: Mapping[str, Any]) -> bool:
    """Whether a template is used: null and true are yes; a reference asks what it names, and what is absent is no.

    ``roots``: the first word of a reference to the tree behind it.
    """
    if when is None or isinstance(when, bool):
        return when is not False
    match = _REFERENCE.fullmatch(str(when))
    value: Any = when
    if match is not None:
        value = roots
        for step in match[1].strip().split("."):
            value = value.get(step) if isinstance(value, Mapping) else None
    return bool(value) and value not in _FALSE
