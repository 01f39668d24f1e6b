"""What the rules of consequences look at: one object on both sides, and what differs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from gitopsc.changes.fields import Field
from gitopsc.objects import ObjectRef
from gitopsc.values import Map

Kind = Literal["restart", "delete", "recreate", "scale", "resources", "exposure", "permissions"]

_TEMPLATES: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("apps", "Deployment"): ("spec", "template"),
    ("apps", "StatefulSet"): ("spec", "template"),
    ("apps", "DaemonSet"): ("spec", "template"),
    ("apps", "ReplicaSet"): ("spec", "template"),
    ("batch", "Job"): ("spec", "template"),
    ("batch", "CronJob"): ("spec", "jobTemplate", "spec", "template"),
    ("", "Pod"): (),
}


@dataclass(frozen=True, slots=True)
class Consequence:
    """What a change does to what runs, for people."""

    kind: Kind
    message: str


@dataclass(frozen=True, slots=True)
class Subject:
    """One object. ``before`` or ``after`` is None where it is created or deleted; ``renamed``: its name follows its content."""

    ref: ObjectRef
    before: Map | None
    after: Map | None
    fields: tuple[Field, ...]
    kubernetes: tuple[int, int]
    renamed: bool = False

    @property
    def type(self) -> tuple[str, str]:
        """(group, kind)."""
        return (self.ref.group, self.ref.kind)

    @property
    def template(self) -> tuple[str, ...] | None:
        """Where its pods' template is; None for a kind without pods."""
        return _TEMPLATES.get(self.type)

    def pods(self) -> tuple[Mapping[str, Any] | None, Mapping[str, Any] | None]:
        """The pods' spec on both sides; None where there is none."""
        if self.template is None:
            return None, None
        path = (*self.template, "spec")
        return at(self.before, *path), at(self.after, *path)

    def below(self, *prefix: str) -> list[Field]:
        """The fields that differ at or below a path."""
        return [field for field in self.fields if field.below(*prefix)]


def at(tree: Any, *path: str) -> Any:
    """The value at a path of field names, None where it leads nowhere."""
    for step in path:
        tree = tree.get(step) if isinstance(tree, Mapping) else None
    return tree


def listed(tree: Any, *path: str) -> list[Any]:
    """The list at a path, empty where there is none."""
    found = at(tree, *path)
    return found if isinstance(found, list) else []


def containers(pod: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(name, container) of every container, init containers first."""
    for key in ("initContainers", "containers"):
        for item in listed(pod, key):
            if isinstance(item, Mapping):
                yield str(item.get("name")), item


def few(names: list[str], most: int = 3) -> str:
    """The first of the names, and how many more."""
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")
