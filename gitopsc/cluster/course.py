"""One application's way through a pass: layer after layer, then what is no longer wanted, backwards. It holds nobody else up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from gitopsc.cluster.applying import Done, Writer
from gitopsc.cluster.asking import Ask, Said
from gitopsc.cluster.drift import Contention, Finding, absent, extras, findings
from gitopsc.cluster.health import health, vanished
from gitopsc.cluster.inventory import Inventory, Verified, narrowed, superset
from gitopsc.cluster.layers import Layer
from gitopsc.cluster.normal import live_digest, normal
from gitopsc.cluster.outcome import Action, Outcome, Picture, Report, Verdict, first_status
from gitopsc.cluster.plan import ApplicationPlan, Refusal, Step
from gitopsc.cluster.trouble import Trouble
from gitopsc.cluster.verdict import Health
from gitopsc.objects import ObjectRef

Mode = Literal["write", "warn", "dry-run"]
Phase = Literal["layer", "waiting", "pruning", "leaving", "done"]
_WOULD: Mapping[str, Action] = {
    "create": "created",
    "configure": "configured",
    "own": "unchanged",
    "unchanged": "unchanged",
    "recreate": "recreated",
    "unchecked": "created",
}


@dataclass(slots=True)
class Awaited:
    """An object that is not current yet. ``generation``: what our own apply returned."""

    step: Step
    live: Mapping[str, Any]
    generation: int | None
    health: Health


@dataclass(slots=True)
class Course:
    """Where an application is. ``mode``: ``dry-run`` never writes, ``warn`` applies nothing."""

    plan: ApplicationPlan
    mode: Mode
    ask: Ask
    writer: Writer
    contention: Contention
    now: float
    revision: str | None = None
    phase: Phase = "layer"
    layers: list[tuple[Layer, list[Step]]] = field(default_factory=list)
    leaving: list[tuple[Layer, list[Step]]] = field(default_factory=list)
    outcomes: dict[ObjectRef, Outcome] = field(default_factory=dict)
    awaited: dict[ObjectRef, Awaited] = field(default_factory=dict)
    going: dict[ObjectRef, Done] = field(default_factory=dict)
    gone: set[ObjectRef] = field(default_factory=set)
    verified: dict[ObjectRef, Verified | None] = field(default_factory=dict)
    completed: dict[ObjectRef, str] = field(default_factory=dict)
    drift: list[Finding] = field(default_factory=list)
    left: list[Finding] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    statuses: set[int] = field(default_factory=set)
    inventory: Inventory = field(init=False)
    pictures: list[Picture] = field(default_factory=list)
    clearing: bool = False
    wrote: bool = False
    unwell: bool = False
    cancelled: bool = False

    def __post_init__(self) -> None:
        self.inventory = self.plan.inventory
        self.layers = _grouped(step for step in self.plan.steps if step.wanted is not None)
        self.leaving = _grouped((step for step in self.plan.steps if step.wanted is None), backwards=True)
        self.completed = {ref: digest for ref, digest in self.inventory.completed.items() if ref in self.plan.target.refs}
        if self.plan.refusals:
            self.refuse(self.plan.refusals)

    @property
    def name(self) -> str:
        """The application."""
        return self.plan.target.application

    @property
    def done(self) -> bool:
        """Whether nothing is left to do for it."""
        return self.phase == "done"

    @property
    def healthy(self) -> bool:
        """Whether what depends on it may begin."""
        return self.phase in ("pruning", "leaving", "done") and not self.unwell

    @property
    def layer(self) -> list[Step]:
        """The steps of the layer that is next."""
        return self.layers[0][1] if self.layers else []

    def refuse(self, refusals: Iterable[Refusal]) -> None:
        """Nothing of it is written."""
        for one in refusals:
            self.troubles.append(Trouble(one.code, one.message, one.status, one.hint))
            self.statuses.add(one.status)
            if one.ref is not None:
                self.outcomes[one.ref] = Outcome(one.ref, "failed", one.message, Health("unknown"))
        self.stop("nothing of the application is written")

    def fail(self, found: Trouble, ref: ObjectRef | None = None, step: Step | None = None) -> None:
        """Something went wrong with an object, or with the whole."""
        self.troubles.append(found)
        self.statuses.add(found.status)
        if ref is not None:
            state = health(step.live) if step is not None and step.live is not None else Health("unknown")
            self.outcomes[ref] = Outcome(ref, "failed", found.message, state)

    def stop(self, reason: str) -> None:
        """End here: what has no outcome yet is blocked."""
        for step in self.plan.steps:
            if step.ref not in self.outcomes and step.action != "forget":
                state = health(step.live) if step.live is not None else Health("unknown")
                self.outcomes[step.ref] = Outcome(step.ref, "blocked", reason, state)
        self.layers, self.leaving = [], []
        self.unwell = True
        self.phase = "done"

    def holds(self) -> bool:
        """Whether something of the next layer is still going away: it is waited for, since what is applied to it would go, too."""
        going = [step for step in self.layer if step.live is not None and step.live["metadata"].get("deletionTimestamp")]
        if not going or self.mode != "write":
            return False
        for step in going:
            assert step.live is not None
            state = health(step.live)
            self.outcomes[step.ref] = Outcome(step.ref, "blocked", state.message, state)
            self.awaited[step.ref] = Awaited(step, step.live, None, state)
        self.phase, self.clearing = "waiting", True
        return True

    def _cleared(self, awaited: Awaited, live: Mapping[str, Any] | None) -> None:
        """An object that was going away was looked for again."""
        step = awaited.step
        if live is not None and live["metadata"]["uid"] == awaited.live["metadata"]["uid"]:
            self.outcomes[step.ref] = replace(self.outcomes[step.ref], health=health(live), message=health(live).message)
            return
        again = replace(step, live=live, action="create" if live is None else "check", settled=step.settled and live is None)
        layer, steps = self.layers[0]
        self.layers[0] = (layer, [again if one.ref == step.ref else one for one in steps])
        del self.awaited[step.ref], self.outcomes[step.ref]

    def asked(self) -> list[Step]:
        """What the server must be asked about now. Everything else of the layer has its outcome after this."""
        steps = [step for _, steps in self.layers for step in steps] if self.mode == "dry-run" else self.layer
        for step in steps:
            if step.action in ("unchanged", "done"):
                self._unchanged(step)
        return [step for step in steps if step.action in ("create", "check")]

    def _unchanged(self, step: Step) -> None:
        assert step.wanted is not None
        if step.live is None:
            self.outcomes[step.ref] = Outcome(step.ref, "unchanged", step.reason)
            return
        self.settle(step, "unchanged", step.live, "", None)

    def answered(self, answers: Iterable[Said]) -> list[Said]:
        """Take the server's answers; gives what is to be written. An error stops the layer before anything of it is."""
        listed = list(answers)
        failed = [said for said in listed if said.verdict == "failed"]
        for said in failed:
            assert said.trouble is not None
            self.fail(said.trouble, said.step.ref, said.step)
        for said in listed:
            if said.verdict == "unchecked" and said.note and self.mode == "write":
                self.warnings.append(f"{said.step.ref}: {said.note}")
            self._look_for_drift(said)
        if failed and self.mode != "dry-run":
            self.stop("its layer was not applied")
            return []
        if self.mode == "write":
            return [said for said in listed if not self._rests(said)]
        for said in listed:
            if said.verdict != "failed":
                self._would(said)
        return []

    def _look_for_drift(self, said: Said) -> None:
        step, rules = said.step, self.ask.rules
        if not step.settled or step.wanted is None:
            return
        if step.live is None:
            if said.verdict in ("create", "unchecked"):
                self.drift.append(absent(step.ref))
            return
        ignored = rules.ignored(step.ref, step.wanted.annotations)
        found = findings(step.ref, step.live, said.differences)
        if rules.unknown_fields != "keep":
            listed = [finding for _, finding in extras(step.ref, step.live, ignored)]
            found += listed
            if rules.unknown_fields == "report":
                self.left += listed
        self.drift += [replace(one, kind="contended") if self.contention.contended(one) else one for one in found]

    def _rests(self, said: Said) -> bool:
        """Whether an object is left alone for now because somebody fights over it."""
        found = [one for one in self.drift if one.ref == said.step.ref]
        if not found or said.step.live is None or not all(self.contention.resting(one, self.now) for one in found):
            return False
        self.left += found
        who = ", ".join(sorted({one.manager or "somebody" for one in found}))
        self.settle(said.step, "skipped", said.step.live, f"{who} changes it each time it is healed: it is left alone for a while", None, keep=True)
        return True

    def _would(self, said: Said) -> None:
        """What would be done, where nothing may be written."""
        ref, live = said.step.ref, said.step.live
        state = health(live, expressions=self.ask.rules.health) if live is not None else Health("unknown", "it is not there")
        action = _WOULD[said.verdict]
        if self.mode == "warn" and action != "unchanged":
            self.left += [one for one in self.drift if one.ref == ref]
            self.outcomes[ref] = Outcome(ref, "skipped", "it has drifted, and the environment only warns", state)
            self.statuses.add(1)
            return
        if said.verdict == "unchecked" and live is not None:
            action = "configured"
        if action != "unchanged":
            after = normal(said.result) if said.result is not None and live is not None else said.data
            self.pictures.append(Picture(ref, normal(live) if live is not None else None, after))
        self.outcomes[ref] = Outcome(ref, action, said.note or said.step.reason, state)
        if action == "unchanged" and live is not None and self.mode == "warn":
            self.settle(said.step, "unchanged", live, said.step.reason, None)
        elif action != "unchanged":
            self.statuses.add(1)

    def wants_inventory(self, writes: Iterable[Said]) -> Inventory | None:
        """The superset to write before the first write; None where it is written or none is needed."""
        if self.wrote or not any(said.verdict != "unchanged" for said in writes):
            return None
        found = [step.ref for step in self.plan.steps if step.wanted is None and step.action == "keep"]
        wider = superset(self.inventory, [one.ref for one in self.plan.target.objects], found)
        rendered = self.inventory.rendered if not self.plan.is_new else None
        return replace(wider, rendered=rendered, deletion_policy=self.ask.rules.deletion_policy)

    def written(self, said: Said, done: Done) -> None:
        """Take what became of an object that was written."""
        step = said.step
        if done.trouble is not None:
            self.fail(done.trouble, step.ref, step)
            return
        assert done.live is not None
        generation = (done.live.get("metadata") or {}).get("generation")
        action: Action = done.action
        self.settle(step, action, done.live, done.message or step.reason, generation if done.action != "unchanged" else None)
        if done.action != "unchanged":
            self.contention.healed([one for one in self.drift if one.ref == step.ref and one not in self.left], self.now)

    def settle(self, step: Step, action: Action, live: Mapping[str, Any], message: str, generation: int | None, *, keep: bool = False) -> None:
        """Note an object's outcome and its health; what is not current is waited for. ``keep``: it is not as it should be."""
        one = step.wanted
        assert one is not None
        state = health(live, generation, expressions=self.ask.rules.health)
        self.outcomes[step.ref] = Outcome(step.ref, action, message or state.message, state)
        if not keep:
            ignored = self.ask.rules.ignored(one.ref, one.annotations)
            self.verified[step.ref] = Verified(one.digest, live_digest(live, ignored, whole=self.ask.rules.unknown_fields != "keep"))
        if not state.is_current:
            self.awaited[step.ref] = Awaited(step, live, generation, state)
        elif one.runs_once:
            self.completed[step.ref] = one.digest

    def looked(self, ref: ObjectRef, live: Mapping[str, Any] | None, state: Health | None = None) -> None:
        """An awaited object was read again."""
        awaited = self.awaited[ref]
        one = awaited.step.wanted
        assert one is not None
        if self.clearing:
            self._cleared(awaited, live)
            return
        found = state or (vanished(one.data) if live is None else health(live, awaited.generation, expressions=self.ask.rules.health))
        self.outcomes[ref] = replace(self.outcomes[ref], health=found, message=found.message or self.outcomes[ref].message)
        if live is not None:
            awaited.live = live
        awaited.health = found
        if found.is_current:
            del self.awaited[ref]
            if one.runs_once:
                self.completed[ref] = one.digest

    def advance(self) -> None:
        """Go on where the layer is applied and healthy, or where something failed for good."""
        if self.phase in ("layer", "waiting"):
            self._advance_layer()
        elif self.phase in ("pruning", "leaving"):
            self._advance_leaving()

    def _advance_layer(self) -> None:
        if self.done or (self.clearing and self.awaited):
            return
        if self.clearing:
            self.phase, self.clearing = "layer", False
            return
        if any(one.action == "failed" for one in self.outcomes.values()):
            self.stop("a layer before it failed" if self.mode == "write" else "")
            return
        if any(awaited.health.is_terminal for awaited in self.awaited.values()):
            self.unhealthy()
            return
        if self.awaited and self.mode != "dry-run":
            self.phase = "waiting"
            return
        self.layers = [] if self.mode == "dry-run" else self.layers[1:]
        self.phase = "layer" if self.layers else "pruning"
        if not self.layers and not self.leaving:
            self.phase = "done"

    def unhealthy(self) -> None:
        """It does not become healthy, or not in time: later layers wait for another pass, and nothing is pruned."""
        self.statuses.add(1)
        self.stop("what it needs is not healthy")

    def cancel(self, reason: str) -> None:
        """The pass ends early."""
        self.cancelled = True
        if not self.done:
            self.stop(reason)

    def to_prune(self) -> list[Step]:
        """What is to be deleted or let go of now; the other steps of this part have their outcome after this."""
        steps: list[Step] = []
        taken = self.leaving if self.mode == "dry-run" else self.leaving[:1]
        for _, listed in taken:
            for step in listed:
                if step.action in ("prune", "release") and step.ref not in self.outcomes:
                    steps.append(step)
                elif step.action == "forget":
                    self.gone.add(step.ref)
                elif step.action == "keep":
                    self._keep(step)
        if self.mode != "dry-run":
            return steps
        for step in steps:
            action: Action = "pruned" if step.action == "prune" else "skipped"
            if action == "pruned" and step.live is not None:
                self.pictures.append(Picture(step.ref, normal(step.live), None))
            self.outcomes[step.ref] = Outcome(step.ref, action, step.reason, health(step.live) if step.live else Health("unknown"))
            self.statuses.add(1)
        return []

    def _keep(self, step: Step) -> None:
        state = health(step.live) if step.live is not None else Health("unknown")
        self.outcomes[step.ref] = Outcome(step.ref, "skipped", step.reason, state)
        self.warnings.append(f"{step.ref}: {step.reason}")

    def pruned(self, done: Done) -> None:
        """Take what became of an object that was to go."""
        if done.trouble is not None:
            self.fail(replace(done.trouble, message=f"it could not be pruned: {done.trouble.message}"), done.ref)
            return
        if done.gone:
            self.gone.add(done.ref)
        state = Health("terminating") if done.going else Health("current")
        self.outcomes[done.ref] = Outcome(done.ref, "pruned" if done.action == "pruned" else "skipped", done.message, state)
        if done.action == "skipped" and done.message:
            self.warnings.append(f"{done.ref}: {done.message}")
        if done.going:
            self.going[done.ref] = done

    def left_over(self, ref: ObjectRef, live: Mapping[str, Any] | None) -> None:
        """A pruned object was looked for again."""
        if live is None:
            self.gone.add(ref)
            del self.going[ref]
            self.outcomes[ref] = replace(self.outcomes[ref], health=Health("current"))
        else:
            self.outcomes[ref] = replace(self.outcomes[ref], health=health(live), message=health(live).message)

    def _advance_leaving(self) -> None:
        if self.going:
            self.phase = "leaving"
            return
        self.leaving = [] if self.mode == "dry-run" else self.leaving[1:]
        self.phase = "pruning" if self.leaving else "done"

    def still_terminating(self) -> None:
        """What was pruned did not go in time: it stays in the inventory."""
        self.statuses.add(1)
        self.going.clear()
        self.leaving = []
        self.phase = "done"

    def report(self) -> Report:
        """What came of it."""
        target = self.plan.target
        is_open = bool(self.left)
        if is_open:
            self.statuses.add(1)
        status = first_status(self.statuses)
        is_whole = not status and not self.cancelled
        unhealthy = any(o.health.status in ("failed", "in-progress") for o in self.outcomes.values() if o.action not in ("blocked", "pruned"))
        verdict: Verdict = "verified" if is_whole and self.mode != "dry-run" else "degraded" if unhealthy and not self.plan.refusals else "unknown"
        if self.cancelled and verdict == "degraded":
            verdict = "unknown"
        kept = [step.ref for step in self.plan.steps if step.wanted is None and step.action == "keep"]
        known = superset(replace(self.inventory, completed=self.completed), self.verified, kept)
        inventory = narrowed(known, self.verified, self.gone)
        applied = self.mode == "write" and self._applied_all()
        if applied:
            revision = self.revision if self.plan.is_new or self.inventory.revision is None else self.inventory.revision
            inventory = replace(inventory, rendered=target.rendered, revision=revision, release=target.release)
        elif self.wrote and self.plan.is_new:
            inventory = replace(inventory, rendered=None)
        outcomes = tuple(self.outcomes[step.ref] for step in self.plan.steps if step.ref in self.outcomes)
        planned = {step.ref for step in self.plan.steps}
        extra = tuple(outcome for ref, outcome in self.outcomes.items() if ref not in planned)
        return Report(
            target=target,
            verdict=verdict,
            outcomes=(*extra, *outcomes),
            drift=tuple(self.drift),
            open=is_open,
            troubles=tuple(self.troubles),
            warnings=tuple(dict.fromkeys(self.warnings)),
            status=status,
            applied=applied and self.plan.is_new,
            before=self.plan.inventory,
            inventory=inventory,
            keeps=not self.plan.refusals and self.mode != "dry-run" and self._has_news(),
            pictures=tuple(self.pictures),
        )

    def _has_news(self) -> bool:
        """Whether the inventory may have to be written: in an environment that only warns, a pass that prunes nothing leaves it alone."""
        return self.wrote or bool(self.gone) or (self.mode == "write" and bool(self.verified or self.inventory.parent))

    def _applied_all(self) -> bool:
        wanted = [step.ref for step in self.plan.steps if step.wanted is not None]
        return not self.plan.refusals and all(ref in self.outcomes and self.outcomes[ref].action not in ("blocked", "failed") for ref in wanted)


def _grouped(steps: Iterable[Step], *, backwards: bool = False) -> list[tuple[Layer, list[Step]]]:
    out: dict[Layer, list[Step]] = {}
    for step in steps:
        out.setdefault(step.layer, []).append(step)
    return [(layer, out[layer]) for layer in sorted(out, reverse=backwards)]
