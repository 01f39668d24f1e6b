"""What a pass would do, before it does anything: a pure function of manifests, live objects, inventories and rules."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from gitopsc.cluster.desired import Target, Wanted
from gitopsc.cluster.fields import own
from gitopsc.cluster.inventory import Inventory, Verified
from gitopsc.cluster.layers import Layer, kind_layer
from gitopsc.cluster.normal import MANAGER, live_digest
from gitopsc.cluster.ownership import claim, label_of
from gitopsc.cluster.settings import PREFIX, Rules
from gitopsc.objects import ObjectRef

Action = Literal["create", "check", "unchanged", "done", "prune", "release", "keep", "forget"]
"""``create``: it is not there. ``check``: ask the server what an apply would change. ``unchanged``: as it was last verified. ``done``: a job
that has run and went away. ``prune``. ``release``: let go of it, it stays. ``keep``: it is no longer wanted, and not to be deleted now.
``forget``: it is no longer wanted, and not there or not ours.
"""

CONFIRMED_KINDS = frozenset({("", "PersistentVolumeClaim"), ("apiextensions.k8s.io", "CustomResourceDefinition")})
NAMESPACE = ("", "Namespace")
_FEW = 3
Live = Mapping[ObjectRef, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Step:
    """One object. ``reason`` says why, where that is not plain. ``settled``: its manifest is the one it was last verified with, so that
    whatever differs is drift. ``adopted``: it was not ours before. ``unreadable``: the server's words, where it cannot be read.
    """

    ref: ObjectRef
    action: Action
    layer: Layer
    wanted: Wanted | None = None
    live: Mapping[str, Any] | None = None
    reason: str = ""
    settled: bool = False
    adopted: bool = False
    unreadable: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why nothing of an application is written: ``status`` is the exit status (2: a guard, 4: somebody else's)."""

    code: str
    message: str
    hint: str
    status: int
    ref: ObjectRef | None = None


@dataclass(frozen=True, slots=True)
class ApplicationPlan:
    """Everything about one application, in the order of applying; what goes away last, in the order of pruning."""

    target: Target
    inventory: Inventory
    steps: tuple[Step, ...]
    refusals: tuple[Refusal, ...] = ()

    @property
    def is_new(self) -> bool:
        """Whether this tree is not the one that was applied last."""
        return self.inventory.rendered != self.target.rendered

    def going(self, *actions: str) -> list[Step]:
        """The steps with one of these actions."""
        return [step for step in self.steps if step.action in actions]


@dataclass(frozen=True, slots=True)
class Seen:
    """What was observed. ``live``: every object that was found; what is named in a target or an inventory and not in it is certainly absent.
    ``parents``: all inventories in the cluster by ApplySet id. ``occupied``: what else is in namespaces that may be pruned.
    ``labelled``: objects that carry an ApplySet's label, by its id. ``unreadable``: what could not be read, with the server's words: not the same as absent.
    """

    live: Live
    parents: Mapping[str, Inventory] = field(default_factory=dict)
    occupied: Mapping[str, str] = field(default_factory=dict)
    labelled: Mapping[str, Sequence[ObjectRef]] = field(default_factory=dict)
    unreadable: Mapping[ObjectRef, str] = field(default_factory=dict)


def plan(
    target: Target, inventory: Inventory, seen: Seen, rules: Rules, wants: Callable[[str, ObjectRef], bool], *, revision: str | None = None
) -> ApplicationPlan:
    """The plan of one application. ``wants(application, ref)``: whether another application of the environment has the object in its manifests."""
    refusals: list[Refusal] = []
    steps = []
    for one in target.objects:
        unreadable = seen.unreadable.get(one.ref)
        found = look(one, seen.live.get(one.ref), inventory, seen.parents, rules, wants)
        if unreadable is not None:
            found = Step(one.ref, "check", one.layer, one, None, unreadable=unreadable)
        elif isinstance(found, Refusal):
            refusals.append(found)
            found = Step(one.ref, "check", one.layer, one, seen.live.get(one.ref))
        steps.append(found)
    rebuilt = _rebuilt(target, inventory, seen)
    going = [ref for ref in inventory.objects if ref not in target.refs]
    confirmed = rules.confirm_prune or (revision is not None and inventory.confirmed == revision)
    ending = not target.present
    policy = rules.deletion_policy if ending else "prune"
    leaving = [_prune_step(ref, inventory, seen, wants, policy) for ref in going]
    leaving += [
        Step(ref, "keep", kind_layer(ref), None, seen.live[ref], "the inventory was lost and is made again: nothing is pruned in this pass") for ref in rebuilt
    ]
    leaving = [_guarded(step, seen) for step in leaving]
    leaving.sort(key=lambda step: (step.layer, step.ref), reverse=True)
    refusals += _guards(target, inventory, leaving, rules, confirmed=confirmed)
    return ApplicationPlan(target, inventory, (*steps, *leaving), tuple(refusals))


def look(
    one: Wanted,
    live: Mapping[str, Any] | None,
    inventory: Inventory,
    parents: Mapping[str, Inventory],
    rules: Rules,
    wants: Callable[[str, ObjectRef], bool],
) -> Step | Refusal:
    """What to do about one object that is wanted, as it is now."""
    pair = inventory.objects.get(one.ref)
    settled = pair is not None and pair.desired == one.digest
    if live is None:
        if one.runs_once and inventory.completed.get(one.ref) == one.digest:
            return Step(one.ref, "done", one.layer, one, None, "it has run to its end", settled=True)
        return Step(one.ref, "create", one.layer, one, None, settled=settled)
    claimed = claim(one, live, inventory, parents, wants, rules.adopts(one.annotations))
    if claimed.state == "foreign":
        hint = f"remove it from one of them, or annotate the manifest with {PREFIX}adopt: force to take it over"
        return Refusal("owned", f"{one.ref} cannot be applied: {claimed.message}", hint, 4, one.ref)
    if settled and pair is not None and pair.live and claimed.state == "ours" and _is_as_verified(one, live, pair, rules):
        return Step(one.ref, "unchanged", one.layer, one, live, settled=True)
    adopted = claimed.state != "ours"
    return Step(one.ref, "check", one.layer, one, live, claimed.message, settled=settled and not adopted, adopted=adopted)


def _is_as_verified(one: Wanted, live: Mapping[str, Any], pair: Verified, rules: Rules) -> bool:
    ignored = rules.ignored(one.ref, one.annotations)
    return live_digest(live, ignored, whole=rules.unknown_fields != "keep") == pair.live


def _rebuilt(target: Target, inventory: Inventory, seen: Seen) -> list[ObjectRef]:
    """Objects with our label that a lost inventory must have named: ours by their label, and not in Git."""
    if inventory.parent is not None:
        return []
    return sorted(ref for ref in seen.labelled.get(inventory.id, ()) if ref not in target.refs and ref in seen.live)


def _prune_step(ref: ObjectRef, inventory: Inventory, seen: Seen, wants: Callable[[str, ObjectRef], bool], policy: str) -> Step:
    live = seen.live.get(ref)
    layer = kind_layer(ref)
    if ref in seen.unreadable:
        return Step(ref, "keep", layer, None, None, f"it is no longer wanted, and cannot be read: {seen.unreadable[ref]}", unreadable=seen.unreadable[ref])
    if live is None:
        return Step(ref, "forget", layer)
    label = label_of(live)
    if label is not None and label != inventory.id:
        return Step(ref, "forget", layer, None, live, "it is part of something else now")
    if label is None and own(live, MANAGER) is None:
        return Step(ref, "forget", layer, None, live, "somebody has made it anew")
    if wants("", ref):
        return Step(ref, "forget", layer, None, live, "another application of the environment has it now")
    annotations = (live.get("metadata") or {}).get("annotations") or {}
    if annotations.get(f"{PREFIX}prune") == "disabled":
        return Step(ref, "release", layer, None, live, f"it is annotated with {PREFIX}prune: disabled")
    if policy == "orphan":
        return Step(ref, "release", layer, None, live, "the environment's deletionPolicy is orphan")
    return Step(ref, "prune", layer, None, live)


def _guarded(step: Step, seen: Seen) -> Step:
    """A namespace that holds what is not ours is kept, whatever anybody confirms."""
    if step.action != "prune" or step.ref[:2] != NAMESPACE or step.ref.name not in seen.occupied:
        return step
    reason = f"it is no longer wanted, and kept: it holds {seen.occupied[step.ref.name]}"
    return Step(step.ref, "keep", step.layer, None, step.live, reason)


def _guards(target: Target, inventory: Inventory, leaving: Iterable[Step], rules: Rules, *, confirmed: bool) -> list[Refusal]:
    """Reasons not to prune, each of which holds back the whole application: a mistake in Git must not become one in the cluster."""
    out: list[Refusal] = []
    pruned = [step for step in leaving if step.action == "prune"]
    if target.present and not target.objects and not rules.allow_empty:
        message = f"expected manifests of {target.application}, found none although it is present: {len(pruned)} objects would be pruned"
        out.append(Refusal("empty", message, "remove the application from the workspace and build, or pass --allow-empty", 2))
    known = len(inventory.objects)
    if target.present and target.objects and len(pruned) > _FEW and 2 * len(pruned) > known and not confirmed:
        names = ", ".join(str(step.ref) for step in pruned[:_FEW])
        message = f"expected to prune at most half of {target.application}, found {len(pruned)} of {known} objects no longer wanted: {names} …"
        out.append(Refusal("mass-prune", message, "pass --confirm-prune if that is meant", 2))
    if confirmed:
        return out
    for step in pruned:
        if step.ref[:2] in CONFIRMED_KINDS or step.ref[:2] == NAMESPACE:
            what = {"Namespace": "everything in it", "CustomResourceDefinition": "all objects of its kind"}.get(step.ref.kind, "its data")
            message = f"expected a confirmation before {step.ref} is pruned, which deletes {what}, found none"
            hint = f"pass --confirm-prune, annotate it with {PREFIX}prune: disabled to keep it, or put it back"
            out.append(Refusal("confirm-prune", message, hint, 2, step.ref))
    return out


def moving(plans: Iterable[ApplicationPlan]) -> list[str]:
    """One line an object, as ``--dry-run`` prints a plan before the server was asked."""
    return [f"{one.target.application}: {step.action} {step.ref}" + (f" ({step.reason})" if step.reason else "") for one in plans for step in one.steps]
