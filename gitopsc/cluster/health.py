"""Whether an object is as its manifest asks: current, in progress, failed, terminating. Pure; whoever calls it has read the object.

The order: being deleted; a status older than the generation that is asked about; the environment's own expressions for the kind;
``Reconciling`` and ``Stalled``; the kind's rule; ``Ready``; else current.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gitopsc.cel import Unsaid
from gitopsc.cluster.pods import cause
from gitopsc.cluster.rules import RULES, Surroundings, always
from gitopsc.cluster.verdict import CURRENT, Health, Object, at, conditions, failed, says, text, told, waiting, whole

__all__ = ["Expression", "Expressions", "Health", "health", "vanished"]

IGNORE = "gitopsc.dev/health"
_WORKLOADS = frozenset({("apps", "Deployment"), ("apps", "StatefulSet"), ("apps", "DaemonSet"), ("apps", "ReplicaSet"), ("batch", "Job")})

Expression = Callable[[Object], Any]
"""True or false; raises ``Unsaid`` where a field is missing."""


@dataclass(frozen=True, slots=True)
class Expressions:
    """An environment's own rules for a kind, compiled. Asked in this order: failed, in progress, current. Without ``current`` the
    built-in rules go on where neither of the others holds.
    """

    in_progress: Expression | None = None
    failed: Expression | None = None
    current: Expression | None = None


def health(
    obj: Object,
    applied_generation: int | None = None,
    *,
    pods: Sequence[Object] = (),
    storage_classes: Sequence[Object] = (),
    expressions: Mapping[tuple[str, str], Expressions] | None = None,
) -> Health:
    """The health of a live object. ``applied_generation``: what our own patch returned, None where we sent none: a status that has not
    seen it does not count. ``pods``: those of a workload (for what to blame) or, for a claim, of its namespace. ``expressions``:
    by (group, kind).
    """
    found = _status(obj, applied_generation, Surroundings(pods, storage_classes), expressions or {})
    if pods and found.status in {"in-progress", "failed"} and _kind(obj) in _WORKLOADS:
        blamed = cause(pods)
        if blamed is not None:
            return replace(found, message=f"{found.message}; {blamed}" if found.message else blamed)
    return found


def vanished(manifest: Object) -> Health:
    """The health of an object that was applied and is not there any more: a Job that its TTL removed has done its work."""
    if _kind(manifest) == ("batch", "Job") and at(manifest, "spec", "ttlSecondsAfterFinished") is not None:
        return Health("current", "it has ended and was removed by its TTL")
    return waiting("it is not there")


def _status(obj: Object, applied: int | None, around: Surroundings, expressions: Mapping[tuple[str, str], Expressions]) -> Health:
    kind = _kind(obj)
    rule = RULES.get(kind)
    if rule is always and applied is None and kind not in expressions and _says_nothing(obj):
        return CURRENT
    if text(obj, "metadata", "deletionTimestamp"):
        return Health("terminating", _kept_by(obj))
    if text(obj, "metadata", "annotations", IGNORE) == "ignore":
        return Health("current", "its health is not asked for")
    generation = max(whole(at(obj, "metadata", "generation")) or 0, applied or 0)
    stale = _unobserved(obj, generation)
    if stale is not None:
        return stale
    asked = expressions.get(kind)
    if asked is not None:
        found = _expressed(obj, asked)
        if found is not None:
            return found
    known = conditions(obj)
    for word, verdict in (("Reconciling", waiting), ("Stalled", failed)):
        if says(known.get(word), "True"):
            return verdict(told(known[word])) if _is_of(known[word], generation) else _unseen(generation)
    return (rule(obj, around) if rule is not None else None) or _ready(known.get("Ready"), generation)


def _kind(obj: Object) -> tuple[str, str]:
    return text(obj, "apiVersion").rpartition("/")[0], text(obj, "kind")


def _says_nothing(obj: Object) -> bool:
    """Whether there is nothing in the object that its health goes by: most ConfigMaps and Secrets."""
    metadata = obj.get("metadata")
    return "status" not in obj and isinstance(metadata, dict) and "annotations" not in metadata and "deletionTimestamp" not in metadata


def _kept_by(obj: Object) -> str:
    finalizers = at(obj, "metadata", "finalizers")
    names = ", ".join(sorted(str(name) for name in finalizers)) if isinstance(finalizers, list) else ""
    return f"it is being deleted, and kept by {names}" if names else "it is being deleted"


def _unobserved(obj: Object, generation: int) -> Health | None:
    """Whether the object, or its status, is from before ``generation``. A hash in observedGeneration (old Argo Rollouts) says nothing."""
    current = whole(at(obj, "metadata", "generation"))
    if current is not None and current < generation:
        return _unseen(generation)
    observed = whole(at(obj, "status", "observedGeneration"))
    return None if observed is None or observed == generation or current is None else _unseen(generation)


def _unseen(generation: int) -> Health:
    return waiting(f"its controller has not seen generation {generation} yet")


def _is_of(condition: Object, generation: int) -> bool:
    observed = whole(condition.get("observedGeneration"))
    return observed is None or observed >= generation


def _ready(condition: Object | None, generation: int) -> Health:
    if condition is None:
        return CURRENT
    if not _is_of(condition, generation):
        return _unseen(generation)
    return CURRENT if says(condition, "True") else waiting(told(condition))


def _expressed(obj: Object, asked: Expressions) -> Health | None:
    try:
        if asked.failed is not None and _holds(asked.failed, obj, missing=False):
            return failed("the environment's expression 'failed' holds")
        if asked.in_progress is not None and _holds(asked.in_progress, obj, missing=True):
            return waiting("the environment's expression 'inProgress' holds")
        if asked.current is None:
            return None
        return CURRENT if _holds(asked.current, obj, missing=False) else waiting("the environment's expression 'current' does not hold yet")
    except Exception as error:  # noqa: BLE001 (whatever a person's expression does, the others are still asked)
        return Health("unknown", f"an expression of the environment cannot be evaluated: {error}")


def _holds(expression: Expression, obj: Object, *, missing: bool) -> bool:
    """``missing``: what holds where the object does not have the field that is asked for: its controller has not written it yet."""
    try:
        found = expression(obj)
    except Unsaid:
        return missing
    if not isinstance(found, bool):
        raise TypeError(f"it gives {found!r}, where true or false is asked for")
    return found
