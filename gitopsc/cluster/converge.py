"""A pass over many applications: plans in, reports out. Each goes its own way; what can be asked, applied or looked at together is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from gitopsc.cluster.applying import Done, Fence, Writer
from gitopsc.cluster.asking import Ask, Said
from gitopsc.cluster.autoscalers import Autoscalers
from gitopsc.cluster.course import Course, Mode
from gitopsc.cluster.desired import Target
from gitopsc.cluster.discovery import Kinds, discover
from gitopsc.cluster.drift import Contention
from gitopsc.cluster.keeping import write_inventory
from gitopsc.cluster.looking import Looking
from gitopsc.cluster.namespaces import NAMESPACES, Namespaces
from gitopsc.cluster.outcome import Outcome, Report
from gitopsc.cluster.plan import ApplicationPlan, Refusal, Seen, Step, look, plan
from gitopsc.cluster.problems import Problem
from gitopsc.cluster.settings import Rules
from gitopsc.cluster.transport import Api
from gitopsc.cluster.trouble import Trouble, trouble
from gitopsc.cluster.verdict import CURRENT
from gitopsc.diagnostics import Conflict
from gitopsc.objects import ObjectRef

_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 2.0
_RESERVE, _RESERVE_PART = 5.0, 0.1


@dataclass(frozen=True, slots=True)
class Situation:
    """What a pass goes by. ``everything``: every application of the environment, selected or not. ``unmet``: why an application cannot
    begin, for what it depends on outside this pass. ``namespaces``: which missing ones are made, and how. ``user(application)``: as whom it is
    applied, None for ourselves. ``superseded``: asked during waits; true ends them.
    """

    api: Api
    kinds: Kinds
    rules: Rules
    seen: Seen
    everything: Mapping[str, Target]
    unmet: Mapping[str, str] = field(default_factory=dict)
    namespaces: Namespaces | None = None
    user: Callable[[str], str | None] = lambda _: None
    fence: Fence = lambda: None
    superseded: Callable[[], bool] = lambda: False
    contention: Contention = field(default_factory=Contention)
    now: float = 0.0
    revision: str | None = None

    def wants(self, application: str, ref: ObjectRef) -> bool:
        """Whether an application (any, where the name is empty) has the object in its manifests."""
        if application:
            return application in self.everything and ref in self.everything[application].refs
        return any(ref in target.refs for target in self.everything.values())


def plans(situation: Situation, targets: Iterable[Target], inventories: Mapping[str, Any]) -> list[ApplicationPlan]:
    """The plan of each application, without a request."""
    wants = _Index(situation.everything)
    return [plan(one, inventories[one.application], situation.seen, situation.rules, wants, revision=situation.revision) for one in targets]


class _Index:
    """Which applications want an object, answered at once."""

    def __init__(self, everything: Mapping[str, Target]) -> None:
        self.names: dict[ObjectRef, set[str]] = {}
        for name, target in everything.items():
            for ref in target.refs:
                self.names.setdefault(ref, set()).add(name)

    def __call__(self, application: str, ref: ObjectRef) -> bool:
        names = self.names.get(ref, set())
        return application in names if application else bool(names)


def converge(situation: Situation, planned: Sequence[ApplicationPlan], mode: Mode) -> list[Report]:
    """Carry the plans out, or (``dry-run``) only ask the server about all of them. Every application has its report, whatever happened to others.

    ``warn`` applies what is new and only looks at the rest.
    """
    return _Pass(situation, planned, mode).run()


class _Pass:
    def __init__(self, situation: Situation, planned: Sequence[ApplicationPlan], mode: Mode) -> None:
        self.situation = situation
        self.api = situation.api
        self.kinds = situation.kinds
        self.mode = mode
        self.wants = _Index(situation.everything)
        self.autoscalers = Autoscalers(self.api, self.kinds, situation.everything.values())
        self.looking = Looking(self.api, self.kinds)
        self.coming = _Coming(planned)
        self.started: set[str] = set()
        left = self.api.deadline.left()
        self.reserve = min(_RESERVE, left * _RESERVE_PART)
        self.courses = {one.target.application: self._course(one) for one in planned}
        self.rediscover = False

    def _course(self, one: ApplicationPlan) -> Course:
        s = self.situation
        mode: Mode = self.mode
        if mode == "warn" and one.is_new:
            mode = "write"
        user = s.user(one.target.application)
        api = self.api.acting_as(user) if user else self.api
        dry = mode == "dry-run"
        absent = frozenset(s.namespaces.absent) if s.namespaces else frozenset()

        def reclaim(step: Step, live: Mapping[str, Any]) -> Step | Trouble:
            assert step.wanted is not None
            found = look(step.wanted, live, one.inventory, s.seen.parents, s.rules, self.wants)
            return Trouble(found.code, found.message, found.status, found.hint) if isinstance(found, Refusal) else found

        ask = Ask(
            api,
            self.kinds,
            s.rules,
            self.autoscalers,
            reclaim,
            coming_namespaces=frozenset(absent & (self.coming.namespaces | (s.namespaces.ours if s.namespaces else frozenset()))) if dry else frozenset(),
            coming_kinds=frozenset(self.coming.kinds) if dry else frozenset(),
        )
        return Course(one, mode, ask, Writer(ask, s.fence), s.contention, s.now, s.revision)

    def run(self) -> list[Report]:
        pause = 0.0
        while not all(course.done for course in self.courses.values()):
            moved = self._layers()
            moved = self._prunes() or moved
            if all(course.done for course in self.courses.values()):
                break
            if self._over():
                continue
            if not moved:
                self.api.sleep(min(pause, max(0.0, self.api.deadline.left() - self.reserve)))
                pause = min(_LONGEST_PAUSE, max(_FIRST_PAUSE, pause * 1.5))
            if self._look_again():
                pause = _FIRST_PAUSE
        return [course.report() for course in self.courses.values()]

    def _over(self) -> bool:
        """Whether waiting has come to its end: the time is over, or there is something newer to apply."""
        if self.situation.superseded():
            for course in self.courses.values():
                course.cancel("a newer revision is there")
            return True
        if self.api.deadline.left() > self.reserve:
            return False
        for course in self.courses.values():
            if course.phase == "waiting":
                self._blame(course)
                course.unhealthy()
            elif course.phase == "leaving":
                course.still_terminating()
        self._out_of_turn()
        return True

    def _out_of_turn(self) -> None:
        """End what has not begun: because of what it depends on, or because the time was too short."""
        left = [course for course in self.courses.values() if not course.done]
        while True:
            for course in left:
                self._may_begin(course)
            rest = [course for course in left if not course.done]
            if len(rest) == len(left):
                break
            left = rest
        for course in left:
            course.fail(Trouble("deadline", f"{course.name}: the time was over before it was its turn", 3, "give it more time with --timeout"))
            course.stop("the time is over")

    # Layers

    def _layers(self) -> bool:
        ready = [course for course in self.courses.values() if course.phase == "layer" and self._may_begin(course)]
        if not ready:
            return False
        self._begin(ready)
        ready = [course for course in ready if not course.done and not course.holds()]
        asked = [(course, step) for course in ready for step in course.asked()]
        answers: dict[str, list[Said]] = {course.name: [] for course in ready}
        for (course, _), said in zip(asked, self.api.map(lambda pair: pair[0].ask(pair[1]), asked), strict=True):
            answers[course.name].append(said)
        writes = {course.name: course.answered(answers[course.name]) for course in ready}
        self._save_supersets(ready, writes)
        todo = [(course, said) for course in ready if not course.done for said in writes[course.name]]
        for (course, said), done in zip(todo, self.api.map(lambda pair: pair[0].writer.write(pair[1]), todo), strict=True):
            course.written(said, done)
            self._note_kind(said.step.ref, done)
        for course in ready:
            self._blame_failed(course)
            course.advance()
        return True

    def _begin(self, ready: Sequence[Course]) -> None:
        """What must be there before the server can be asked: a target's namespace, kinds that were added just now."""
        namespaces = self.situation.namespaces
        fresh = [course for course in ready if course.name not in self.started]
        self.started.update(course.name for course in fresh)
        if namespaces is not None and self.mode != "dry-run":
            for course in fresh:
                self._make_namespaces(course, namespaces)
        if self.rediscover:
            self.kinds = discover(self.api)
            self.rediscover = False
            for course in self.courses.values():
                course.ask = replace(course.ask, kinds=self.kinds)
                course.writer.ask = course.ask

    def _make_namespaces(self, course: Course, namespaces: Namespaces) -> None:
        if course.mode != "write":
            return
        for name in namespaces.missing(course.plan.target, self.coming.namespaces):
            ref = ObjectRef("", "Namespace", "", name)
            try:
                self.situation.fence()
                namespaces.make(self.api, name)
                course.outcomes[ref] = Outcome(ref, "created", "the target's namespace was missing", CURRENT)
            except Problem as problem:
                course.fail(trouble(ref, problem, NAMESPACES, "create", None), ref)
                course.stop("its namespace could not be made")
                return

    def _may_begin(self, course: Course) -> bool:
        """Whether its next layer can be applied; a course that never can is stopped here."""
        if self.mode == "dry-run":
            return True
        reason = self.situation.unmet.get(course.name)
        if reason is None:
            for name in course.plan.target.depends_on:
                other = self.courses.get(name)
                if other is None or other.healthy:
                    continue
                if not other.done:
                    return False
                reason = f"{name}, which it depends on, is not healthy at this revision"
                break
        if reason is not None:
            course.statuses.add(1)
            course.stop(reason)
            return False
        return self._has_ground(course)

    def _has_ground(self, course: Course) -> bool:
        """Whether the namespaces and kinds that other applications bring are there, and no namespace is still going away."""
        namespaces = self.situation.namespaces
        if namespaces is not None and namespaces.is_going(self.api, {step.ref.namespace for step in course.layer}):
            return False
        for step in course.layer:
            for owner, ref in self.coming.needs(step.ref, course.name):
                other = self.courses[owner]
                outcome = other.outcomes.get(ref)
                if outcome is None or (ref in other.awaited and not other.done):
                    return False
                if outcome.action in ("failed", "blocked") and ref not in self.situation.seen.live:
                    course.statuses.add(1)
                    course.stop(f"{ref}, which it needs, could not be applied")
                    return False
        return True

    def _save_supersets(self, ready: Sequence[Course], writes: Mapping[str, Sequence[Said]]) -> None:
        todo = [(course, wider) for course in ready if not course.done and (wider := course.wants_inventory(writes[course.name])) is not None]

        def save(pair: tuple[Course, Any]) -> Any:
            try:
                self.situation.fence()
                return write_inventory(self.api, self.kinds, pair[1])
            except (Problem, Conflict) as error:
                return error

        for (course, _), answer in zip(todo, self.api.map(save, todo), strict=True):
            if isinstance(answer, Exception):
                status = 4 if isinstance(answer, Conflict) or (isinstance(answer, Problem) and answer.conflict) else 3
                course.fail(Trouble("inventory", f"the inventory of {course.name} could not be written: {answer}", status))
                course.stop("its inventory could not be written")
            else:
                course.inventory = answer
                course.wrote = True

    def _note_kind(self, ref: ObjectRef, done: Done) -> None:
        if ref[:2] in (("apiextensions.k8s.io", "CustomResourceDefinition"), ("apiregistration.k8s.io", "APIService")) and done.action != "unchanged":
            self.rediscover = True

    # Waiting

    def _look_again(self) -> bool:
        """Read what is waited for. True where something went on."""
        moved = False
        courses = [course for course in self.courses.values() if course.phase == "waiting"]
        found = self.looking.read([(ref, awaited) for course in courses for ref, awaited in course.awaited.items()])
        for course in courses:
            for ref in list(course.awaited):
                if ref in found:
                    live, state = found[ref]
                    course.looked(ref, live, state)
            self._blame_failed(course)
            course.advance()
            moved = moved or course.phase != "waiting"
        return self._look_for_gone() or moved

    def _look_for_gone(self) -> bool:
        moved = False
        courses = [course for course in self.courses.values() if course.phase == "leaving"]
        todo = [(course, done) for course in courses for done in course.going.values()]

        def still(pair: tuple[Course, Done]) -> Mapping[str, Any] | Problem | None:
            try:
                return pair[0].writer.still_there(pair[1])
            except Problem as problem:
                return problem

        for (course, done), there in zip(todo, self.api.map(still, todo), strict=True):
            if not isinstance(there, Problem):
                course.left_over(done.ref, there)
        for course in courses:
            course.advance()
            moved = moved or course.phase != "leaving"
        return moved

    def _blame_failed(self, course: Course) -> None:
        if any(awaited.health.is_terminal for awaited in course.awaited.values()):
            self._blame(course)

    def _blame(self, course: Course) -> None:
        """Say of what is not current which pod is the reason."""
        for ref, awaited in list(course.awaited.items()):
            state = self.looking.blamed(ref, awaited)
            if state is not None:
                course.looked(ref, awaited.live, state)

    # What is no longer wanted

    def _prunes(self) -> bool:
        ready = [course for course in self.courses.values() if course.phase == "pruning"]
        todo = [(course, step) for course in ready for step in course.to_prune()]

        def act(pair: tuple[Course, Step]) -> Done:
            course, step = pair
            return course.writer.prune(step) if step.action == "prune" else course.writer.release(step)

        for (course, _), done in zip(todo, self.api.map(act, todo), strict=True):
            course.pruned(done)
        for course in ready:
            course.advance()
        return bool(ready)


class _Coming:
    """Namespaces and kinds that applications of this pass bring, for themselves and others."""

    def __init__(self, planned: Iterable[ApplicationPlan]) -> None:
        self._namespaces: dict[str, tuple[str, ObjectRef]] = {}
        self._kinds: dict[tuple[str, str], tuple[str, ObjectRef]] = {}
        for one in planned:
            for wanted in one.target.objects:
                if wanted.ref[:2] == ("", "Namespace"):
                    self._namespaces[wanted.ref.name] = (one.target.application, wanted.ref)
                elif wanted.ref[:2] == ("apiextensions.k8s.io", "CustomResourceDefinition"):
                    spec = wanted.data.get("spec") or {}
                    kind = (str(spec.get("group", "")), str((spec.get("names") or {}).get("kind", "")))
                    self._kinds[kind] = (one.target.application, wanted.ref)

    @property
    def namespaces(self) -> frozenset[str]:
        """Names of namespaces that are applied in this pass."""
        return frozenset(self._namespaces)

    @property
    def kinds(self) -> frozenset[tuple[str, str]]:
        """(group, kind) of what CustomResourceDefinitions of this pass define."""
        return frozenset(self._kinds)

    def needs(self, ref: ObjectRef, application: str) -> list[tuple[str, ObjectRef]]:
        """What an object needs that other applications bring."""
        found = [self._namespaces.get(ref.namespace) if ref.namespace else None, self._kinds.get(ref[:2])]
        return [one for one in found if one is not None and one[0] != application]
