"""What health says of one object, and how the fields it goes by are read: a wrong type is an absent field, never an exception."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Status = Literal["current", "in-progress", "failed", "terminating", "unknown"]
Object = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Health:
    """``message`` says why it is not current, or, where it is, what a person should know all the same (a warning)."""

    status: Status
    message: str = ""

    @property
    def is_current(self) -> bool:
        """Whether nothing has to be waited for."""
        return self.status == "current"

    @property
    def is_terminal(self) -> bool:
        """Whether waiting longer cannot help."""
        return self.status == "failed"


CURRENT = Health("current")


def waiting(message: str) -> Health:
    """In progress."""
    return Health("in-progress", message)


def failed(message: str) -> Health:
    """Failed: nobody needs to wait for it."""
    return Health("failed", message)


def at(obj: Any, *path: str) -> Any:
    """The value at ``path``; None where there is none."""
    for step in path:
        if type(obj) is not dict and not isinstance(obj, Mapping):
            return None
        obj = obj.get(step)
    return obj


def text(obj: Any, *path: str) -> str:
    """The text at ``path``; empty where there is none."""
    value = at(obj, *path)
    return value if isinstance(value, str) else ""


def number(obj: Any, *path: str, default: int = 0) -> int:
    """The whole number at ``path``, ``default`` where there is none."""
    value = whole(at(obj, *path))
    return default if value is None else value


def whole(value: Any) -> int | None:
    """A whole number, also one that was written as text (the observedGeneration of some controllers); None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        return int(value) if value.isascii() and value.isdigit() and len(value) < 20 else None
    return int(value) if isinstance(value, int | float) and value == value // 1 else None


def items(obj: Any, *path: str) -> list[Object]:
    """The mappings of the list at ``path``."""
    value = at(obj, *path)
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def conditions(obj: Object) -> dict[str, Object]:
    """``status.conditions`` by type."""
    return {text(condition, "type"): condition for condition in items(obj, "status", "conditions")}


def says(condition: Object | None, status: str) -> bool:
    """Whether the condition is there with this status (``True``, ``False``, ``Unknown``)."""
    return condition is not None and text(condition, "status") == status


def told(condition: Object) -> str:
    """A condition in a person's words: ``Stalled: InvalidSpec: no such bucket``."""
    return ": ".join(word for word in (text(condition, "type"), text(condition, "reason"), text(condition, "message").strip()) if word)
