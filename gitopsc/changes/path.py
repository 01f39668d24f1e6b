"""Paths in manifests as a diff writes them: ``spec.template.spec.containers[api].env[LEVEL].value``."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import NamedTuple

_PLAIN = re.compile(r"[^.\[\]/\"\\\s]+\Z")
_LABEL = re.compile(r"[^\[\]\"\\\s]+\Z")


class Item(NamedTuple):
    """A list's item, named by the value of its merge key."""

    label: str


Step = str | int | Item
Path = tuple[Step, ...]


def written(path: Sequence[Step]) -> str:
    """The path as text. Keys with dots stand in ``["…"]``; list items by their merge key in ``[…]``, those without one by their number."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif isinstance(step, Item):
            text += f"[{step.label if _LABEL.match(step.label) else json.dumps(step.label, ensure_ascii=False)}]"
        elif _PLAIN.match(step):
            text += f".{step}" if text else step
        else:
            text += f"[{json.dumps(step, ensure_ascii=False)}]"
    return text


def names(path: Sequence[Step]) -> tuple[str, ...]:
    """The field names of a path alone, as Kubernetes' schemas know it."""
    return tuple(step for step in path if isinstance(step, str))
