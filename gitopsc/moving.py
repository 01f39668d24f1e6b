"""Releases moved in an environment repository: one commit for some applications, and what to say of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gitopsc.diagnostics import Invalid
from gitopsc.objects import ObjectRef
from gitopsc.opening import Environments, Pair
from gitopsc.outcome import as_object, ref_in
from gitopsc.plan import Step, subject
from gitopsc.repository.layout import RELEASE_LOCK, folder_path
from gitopsc.repository.locks import ReleaseLock
from gitopsc.repository.message import Entry, commit_message
from gitopsc.repository.objects import Folder, folder
from gitopsc.repository.publish import Changes, Published, next_generations, publish
from gitopsc.repository.store import Snapshot


def commit(there: Environments, steps: Sequence[Step], files: Mapping[str, bytes | None] | None = None, said: str | None = None) -> Published:
    """Make one commit of all steps on top of what ``there`` has read, or of whatever others have put on it since. ``said``: its first line.

    Raises ``Conflict`` where one of the folders is not any more as it was read, ``Failure`` where the commit does not arrive.
    """
    change = changes(steps, files, said)
    return publish(there.repository, lambda _: change, deadline=there.options.limits.git_seconds, base=there.snapshot)


def changes(steps: Sequence[Step], files: Mapping[str, bytes | None] | None = None, said: str | None = None) -> Changes:
    """The commit that makes these steps."""
    message = commit_message(said or subject(list(steps), sorted(files or {})), map(_entry, steps))
    return Changes(message, folders={step.pair: (step.folder, step.after) for step in steps}, files=files or {})


def _entry(step: Step) -> Entry:
    after = step.after
    origin = None if after.origin is None else f"{after.origin.environment}@{after.origin.generation}"
    return Entry(after.action, *step.pair, after.release.id, after.generation, after.source.commit, origin)


def generation(there: Environments, environment: str, application: str) -> int:
    """What the next lock of one application gets."""
    pair = (environment, application)
    return next_generations(there.snapshot, [pair])[pair]


def manifests(snapshot: Snapshot, environment: str, application: str) -> Folder:
    """What is there now, whatever its lock says. Raises ``Invalid`` where there is something else than plain files."""
    made = folder(snapshot.files(environment, application), snapshot.algorithm)
    if made.tree != snapshot.rendered(environment, application):
        message = f"expected plain files alone in {folder_path(environment, application)}, found something else there, too"
        raise Invalid(message, hint="remove links, folders and executable files from it, or take it from the last good commit", code="repository")
    return made


def now_there(there: Environments, pair: Pair) -> ReleaseLock | None:
    """The lock as it is after somebody else was first."""
    return there.repository.snapshot().release(*pair)


def tables(snapshot: Snapshot, steps: Iterable[Step], more: Mapping[Pair, Mapping[str, Any]] | None = None) -> list[dict[str, Any]]:
    """``environments`` as BuildResult has them: what each step does to which objects. ``more``: further fields of an application."""
    found: dict[str, list[dict[str, Any]]] = {}
    for step in steps:
        found.setdefault(step.environment, []).append({**_row(snapshot, step), **(more or {}).get(step.pair, {})})
    return [{"name": name, "applications": rows} for name, rows in found.items()]


def _row(snapshot: Snapshot, step: Step) -> dict[str, Any]:
    after = step.after
    origin = None if after.origin is None else {"environment": after.origin.environment, "generation": after.origin.generation}
    return {
        "name": step.application,
        "release": after.release.id,
        "version": after.release.version,
        "generation": after.generation,
        "action": after.action,
        "objects": len(step.folder.oids),
        **{key: [as_object(ref) for ref in refs] for key, refs in differences(snapshot, step).items()},
        "from": origin,
    }


def differences(snapshot: Snapshot, step: Step) -> dict[str, list[ObjectRef]]:
    """The objects that a step creates, changes and deletes."""
    before = {name: entry.oid for name, entry in snapshot.tree(folder_path(*step.pair)).items() if name != RELEASE_LOCK}
    after = step.folder.oids
    gone = [name for name in before if name not in after]
    old = snapshot.files(*step.pair) if gone else {}
    return {
        "created": [ref_in(name, step.folder.files[name]) for name in after if name not in before],
        "changed": [ref_in(name, step.folder.files[name]) for name in after if name in before and before[name] != after[name]],
        "deleted": [ref_in(name, old.get(name, b"")) for name in gone],
    }


def lines(snapshot: Snapshot, steps: Iterable[Step]) -> list[str]:
    """A line a step, and below it what it does to which objects."""
    out = []
    for step in steps:
        out.append(f"{step.environment}/{step.application}: {moved(step)}, generation {step.after.generation}")
        for key, sign in (("created", "+"), ("changed", "~"), ("deleted", "-")):
            out += [f"  {sign} {ref.kind}/{ref.name}" for ref in differences(snapshot, step)[key]]
    return out


def moved(step: Step) -> str:
    """``promote 1.4.2 → 1.4.3 (r-…)``."""
    before, after = step.before, step.after
    old = shown(before) if before is not None and before.release.state == "present" else None
    new = shown(after) if after.release.state == "present" else "removed"
    if old == new or old is None:
        return f"{after.action} {new} ({after.release.id})"
    return f"{after.action} {old} → {new} ({after.release.id})"


def shown(lock: ReleaseLock) -> str:
    """What people call a release."""
    return lock.release.version or lock.release.id
