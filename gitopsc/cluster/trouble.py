"""What a refusal of the API server means for a pass: a sentence, what to do about it, and the exit status. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gitopsc.cluster.discovery import Resource
from gitopsc.cluster.masking import told
from gitopsc.cluster.problems import Cause, Problem
from gitopsc.objects import ObjectRef

FIELD_CONFLICT = "FieldManagerConflict"
_MANAGER = re.compile(r'conflict with ("(?:[^"\\]|\\.)*")(?: with subresource "[^"]*")?(?P<update> using )?')


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why an object could not be read, applied or pruned. ``status``: 2 the manifest is wrong, 3 the server or its rules, 4 somebody else's."""

    code: str
    message: str
    status: int
    hint: str | None = None


def trouble(ref: ObjectRef, problem: Problem, resource: Resource | None, verb: str, user: str | None, *objects: Mapping[str, Any] | None) -> Trouble:
    """A refusal of ``verb`` (``patch``, ``delete`` …) as trouble; nothing of a Secret in it."""
    words = told(ref, problem.message, objects)
    if problem.forbidden and "denied the request" not in problem.message and problem.reason == "Forbidden" and "is forbidden: User" in problem.message:
        return Trouble("forbidden", f"{ref}: {words}", 3, f"check with: {can_i(resource, ref, verb, user)}")
    if problem.invalid or problem.forbidden:
        return Trouble("refused", f"{ref}: {words}", 2 if problem.invalid else 3, None)
    if problem.conflict:
        return Trouble("conflict", f"{ref}: {words}", 4 if _field_conflicts(problem) else 3, None)
    return Trouble("api", f"{ref}: {words}", 3, problem.hint)


def can_i(resource: Resource | None, ref: ObjectRef, verb: str, user: str | None) -> str:
    """The command that asks whether this is allowed."""
    plural = resource.plural if resource else ref.kind.lower()
    what = f"{plural}.{ref.group}" if ref.group else plural
    where = f" --namespace {ref.namespace}" if ref.namespace else ""
    return f"kubectl auth can-i {verb} {what}{where}" + (f" --as {user}" if user else "")


def _field_conflicts(problem: Problem) -> list[Cause]:
    return [cause for cause in problem.causes if cause.reason == FIELD_CONFLICT]


def is_field_conflict(problem: Problem) -> bool:
    """Whether other field managers are in the way of an apply."""
    return problem.conflict and bool(_field_conflicts(problem))


def appliers(problem: Problem) -> list[tuple[str, str]]:
    """(manager, field) of each conflict with a manager that applies server-side, too: it means to keep the field."""
    out = []
    for cause in _field_conflicts(problem):
        found = _MANAGER.search(cause.message)
        if found is None or not found["update"]:
            out.append((found[1].strip('"') if found else "another manager", cause.field.removeprefix(".")))
    return out


def in_the_way(ref: ObjectRef, conflicts: list[tuple[str, str]]) -> Trouble:
    """A field conflict, with every field and its manager."""
    listed = ", ".join(f"{field} (applied by {manager})" for manager, field in conflicts)
    hint = "leave the field out of the manifest, ignore it, or take it over: --force-conflicts, or the annotation gitopsc.dev/conflicts: force"
    return Trouble("field-conflict", f"{ref}: other managers apply these fields: {listed}", 4, hint)
