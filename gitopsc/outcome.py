"""What a build came to: a line a change for people, and BuildResult's tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gitopsc.diagnostics import Diagnostic
from gitopsc.objects import ObjectRef
from gitopsc.plan import Plan, Step, Wanted
from gitopsc.presence import Known, Pair, Present, present
from gitopsc.repository.layout import RELEASE_LOCK
from gitopsc.repository.store import Snapshot
from gitopsc.staged import Wait

Effects = Mapping[str, list[ObjectRef]]
"""``created``, ``changed``, ``deleted`` → objects."""


def effects(wanted: Wanted, before: Snapshot, step: Step) -> dict[str, list[ObjectRef]]:
    """Which objects a step creates, changes and deletes."""
    there = {name: entry.oid for name, entry in before.tree(f"{step.environment}/{step.application}").items() if name != RELEASE_LOCK}
    target = wanted.targets.get(step.pair)
    made = [made.target for wish, made in wanted.mixed.items() if wish.pair == step.pair]
    refs = {name: ref for one in [*made, *([target] if target else [])] for ref, name, _ in one.objects}
    after = step.folder.oids
    gone = [name for name in there if name not in after]
    old = before.files(step.environment, step.application) if gone else {}
    return {
        "created": [refs[name] for name in after if name not in there],
        "changed": [refs[name] for name in after if name in there and there[name] != after[name]],
        "deleted": [ref_in(name, old.get(name, b"")) for name in gone],
    }


def ref_in(name: str, data: bytes) -> ObjectRef:
    """The identity of an object that is in the repository; a file that says none is named by itself."""
    from gitopsc.diagnostics import Diagnostics
    from gitopsc.objects import ref_of
    from gitopsc.spec.documents import read_documents

    documents = read_documents(name, data, Diagnostics())
    return ref_of(documents[0].data) if documents else ObjectRef("", "", "", name)


def tables(wanted: Wanted, planned: Plan, before: Snapshot, known: Known, changes: Mapping[Pair, Effects]) -> list[dict[str, Any]]:
    """``environments`` of a BuildResult: every selected application, those that stay as they are with ``action: null``."""
    steps = {step.pair: step for step in planned.steps}
    waits = {wait.pair: wait for wait in planned.waiting}
    pairs = {*wanted.targets, *wanted.inputs, *steps, *waits}
    there = {**planned.there, **present(before, [pair for pair in pairs if pair not in steps and pair not in planned.there], known)}
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in sorted({e.name for e in wanted.environments} | {e for e, _ in pairs})}
    for pair in sorted(pairs):
        step = steps.get(pair)
        row = _changed(step, wanted, changes[pair]) if step is not None else _unchanged(pair, wanted, planned, there.get(pair))
        rows[pair[0]].append({**row, "waiting": _waiting(waits[pair])} if pair in waits else row)
    return [{"name": name, "applications": found} for name, found in rows.items()]


def _changed(step: Step, wanted: Wanted, changed: Effects) -> dict[str, Any]:
    after = step.after
    row = _row(step.application, after.release.id, after.generation, after.action, len(step.folder.oids))
    return {**row, **{key: [as_object(ref) for ref in changed[key]] for key in ("created", "changed", "deleted")}}


def _unchanged(pair: Pair, wanted: Wanted, planned: Plan, before: Present | None) -> dict[str, Any]:
    target = wanted.targets.get(pair) if planned.staging.follows(pair) else None
    if before is not None:
        return _row(pair[1], before.release, before.generation, None, before.objects)
    return _row(pair[1], target.release if target else None, None, None, len(target.objects) if target else 0)


def _row(application: str, release: str | None, generation: int | None, action: str | None, objects: int) -> dict[str, Any]:
    fixed = {"name": application, "release": release, "generation": generation, "action": action, "objects": objects}
    return {**fixed, "created": [], "changed": [], "deleted": []}


def as_object(ref: ObjectRef) -> dict[str, str | None]:
    """An object as results tell it."""
    return {"group": ref.group, "kind": ref.kind, "namespace": ref.namespace or None, "name": ref.name}


def _waiting(wait: Wait) -> dict[str, Any]:
    conditions = [condition.plain() for condition in wait.conditions]
    return {"action": wait.action, "reason": wait.reason, "blockedBy": [condition.name for condition in wait.conditions], "conditions": conditions}


def lines(steps: Iterable[Step], changes: Mapping[Pair, Effects], waiting: Iterable[Wait]) -> list[str]:
    """A line a change, with what it does to how many objects, and a line for what waits."""
    out = []
    for step in steps:
        lock, counts = step.after, changes[step.pair]
        version = lock.release.version or lock.release.id
        words = ", ".join(f"{len(counts[key])} {key}" for key in ("created", "changed", "deleted") if counts[key]) or "manifests unchanged"
        out.append(f"{step.environment}: {lock.action} {step.application} {version} (generation {lock.generation}): {words}")
    return [*out, *(f"{wait.pair[0]}: {wait.action} {wait.pair[1]} waits: {wait.reason}" for wait in waiting)]


def notices(waiting: Iterable[Wait]) -> list[Diagnostic]:
    """What waits, as findings: nothing is wrong, and nobody should have to guess."""
    return [
        Diagnostic(
            "info", "waiting", f"{_NOUNS.get(wait.action, wait.action)} waits: {wait.reason}", wait.hint, environment=wait.pair[0], application=wait.pair[1]
        )
        for wait in waiting
    ]


_NOUNS = {
    "build": "the new release",
    "remove": "the removal",
    "environment": "the environment's own change",
    "rerender": "the new rendering",
    "restore": "the repair",
}
