"""A pass over many applications: plans in, reports out. Each goes its own way, and none waits for another but where it depends on it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from gitopsc.cluster.applying import Done, Fence, Writer
from gitopsc.cluster.asking import Ask, Said
from gitopsc.cluster.autoscalers import Autoscalers
from gitopsc.cluster.coming import Coming
from gitopsc.cluster.course import Course, Mode
from gitopsc.cluster.crew import Crew, Task
from gitopsc.cluster.desired import Target
from gitopsc.cluster.discovery import Kinds, discover
from gitopsc.cluster.drift import Contention
from gitopsc.cluster.inventory import Inventory
from gitopsc.cluster.keeping import write_inventory
from gitopsc.cluster.looking import Looking
from gitopsc.cluster.namespaces import NAMESPACES, Namespaces
from gitopsc.cluster.outcome import Outcome, Report
from gitopsc.cluster.plan import ApplicationPlan, Refusal, Seen, Step, look, plan
from gitopsc.cluster.problems import Problem
from gitopsc.cluster.settings import Rules
from gitopsc.cluster.transport import Api
from gitopsc.cluster.trouble import Trouble, trouble
from gitopsc.cluster.verdict import CURRENT, Health
from gitopsc.diagnostics import Conflict
from gitopsc.objects import ObjectRef

_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 2.0
_SHORTEST_LOOK = 0.25  # at whether there is something newer
_RESERVE, _RESERVE_PART = 5.0, 0.1
_PATIENCE = 10.0  # with a server that is slow to serve a new kind
_DEFINITIONS = frozenset({("apiextensions.k8s.io", "CustomResourceDefinition"), ("apiregistration.k8s.io", "APIService")})


@dataclass(frozen=True, slots=True)
class Situation:
    """What a pass goes by. ``everything``: every application of the environment, selected or not. ``unmet``: why an application cannot
    begin, for what it depends on outside this pass. ``namespaces``: which missing ones are made, and how. ``user(application)``: as whom it is
    applied, None for ourselves. ``superseded``: asked during waits; true ends them, and ``why`` says for what.
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
    why: str = "a newer revision is there"
    contention: Contention = field(default_factory=Contention)
    now: float = 0.0
    revision: str | None = None


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
        self.coming = Coming(planned)
        self.crew = Crew(self.api.in_flight)
        self.reserve = min(_RESERVE, self.api.deadline.left() * _RESERVE_PART)
        self.courses = {one.target.application: self._course(one) for one in planned}
        self.ready = deque(course for course in self.courses.values() if not course.done)
        self.under_way: set[str] = set()
        self.held: set[str] = set()
        self.waits: set[str] = set()
        self.started: set[str] = set()
        self.rediscover = False
        self.patience: dict[str, float] = {}
        self.is_looking = False
        self.pause, self.next_look = _FIRST_PAUSE, 0.0

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
        try:
            while True:
                if self._over():
                    continue
                while self.ready:
                    self._go_on(self.ready.popleft())
                if not self.under_way and all(course.done for course in self.courses.values()):
                    return [course.report() for course in self.courses.values()]
                self._look()
                for then, results in self.crew.results(self._patience()):
                    then(results)
        finally:
            self.crew.close()

    def _patience(self) -> float:
        """How long to wait for something to come back."""
        left = self.api.deadline.left() - self.reserve
        if left <= 0:
            return _SHORTEST_LOOK  # what is under way ends at the deadline by itself
        until = self.next_look - time.monotonic() if not self.is_looking and self._waiting() else left
        return max(0.0, min(left, _SHORTEST_LOOK, until))

    # What a course does next

    def _go_on(self, course: Course) -> None:
        """Begin the next part of a course that has nothing under way."""
        if course.done or course.name in self.under_way:
            return
        if course.phase == "layer":
            if not self._may_begin(course):
                self._hold(course)
                return
            missing = self._missing_namespaces(course)
            if missing:
                self._give(course, self._after_making, [(self._make, (name,)) for name in missing])
            elif course.holds():
                self._look_soon(course)
            else:
                self._ask(course)
        elif course.phase == "pruning":
            steps = course.to_prune()
            act = {"prune": course.writer.prune, "release": course.writer.release}
            self._give(course, self._after_pruning, [(act[step.action], (step,)) for step in steps])

    def _hold(self, course: Course) -> None:
        """A course cannot begin yet, or never."""
        if course.done:
            self._changed()
        else:
            self.held.add(course.name)

    def _give(self, course: Course, then: Callable[[Course, list[Any]], None], tasks: Sequence[Task]) -> None:
        """Have a part of a course done, and ``then`` take what came of it; with nothing to do it is done at once."""

        def back(results: list[Any]) -> None:
            self.under_way.discard(course.name)
            then(course, results)
            if course.name not in self.under_way:
                self._settle(course)

        if tasks:
            self.under_way.add(course.name)
            self.crew.give(back, tasks)
        else:
            back([])

    def _settle(self, course: Course) -> None:
        """A course has nothing under way: it goes on, waits, or is at its end."""
        if course.done or course.phase in ("layer", "pruning"):
            self.ready.append(course)
        else:
            self._look_soon(course)
        self._changed()

    def _changed(self) -> None:
        """Something is other than before: those that were held may go on."""
        if not self.held:
            return
        self.ready.extend(self.courses[name] for name in self.held)
        self.held.clear()

    # Namespaces, kinds and other applications

    def _missing_namespaces(self, course: Course) -> list[str]:
        namespaces = self.situation.namespaces
        if namespaces is None or course.mode != "write" or course.name in self.started:
            return []
        self.started.add(course.name)
        return namespaces.missing(course.plan.target, self.coming.namespaces)

    def _make(self, name: str) -> tuple[str, Problem | None]:
        namespaces = self.situation.namespaces
        assert namespaces is not None
        try:
            self.situation.fence()
            namespaces.make(self.api, name)
        except Problem as problem:
            return name, problem
        return name, None

    def _after_making(self, course: Course, back: Sequence[tuple[str, Problem | None]]) -> None:
        for name, problem in back:
            ref = ObjectRef("", "Namespace", "", name)
            if problem is None:
                course.outcomes[ref] = Outcome(ref, "created", "the target's namespace was missing", CURRENT)
            else:
                course.fail(trouble(ref, problem, NAMESPACES, "create", None), ref)
        if course.troubles:
            course.stop("its namespace could not be made")
        elif not course.holds():
            self._ask(course)

    def _learn_kinds(self) -> None:
        """Kinds that were added just now are known only to a new discovery."""
        if not self.rediscover:
            return
        try:
            self.kinds = discover(self.api)
        except Problem:
            return  # those that are known go on; the next one who needs others tries again
        self.rediscover = False
        for course in self.courses.values():
            course.ask = replace(course.ask, kinds=self.kinds)
            course.writer.ask = course.ask

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
        if namespaces is not None and namespaces.going.intersection(step.ref.namespace for step in course.layer):
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
        return self._knows_kinds(course)

    def _knows_kinds(self, course: Course) -> bool:
        """Whether the server serves by now what definitions of this pass have brought. What it never will is told when it is asked for."""
        self._learn_kinds()
        wanted = [step.wanted for step in course.layer if step.wanted is not None and step.ref[:2] in self.coming.kinds]
        unknown = [one for one in wanted if self.kinds.resource(one.api_version, one.ref.kind) is None]
        if not unknown or time.monotonic() > self.patience.setdefault(course.name, time.monotonic() + _PATIENCE):
            return True
        self.rediscover = True
        return False

    # A layer: asked, written down, applied

    def _ask(self, course: Course) -> None:
        self._give(course, self._after_asking, [(course.ask, (step,)) for step in course.asked()])

    def _after_asking(self, course: Course, back: Sequence[Said]) -> None:
        order = {step.ref: number for number, step in enumerate(course.plan.steps)}
        writes = course.answered(sorted(back, key=lambda said: order[said.step.ref]))
        if course.done:
            return
        wider = course.wants_inventory(writes)
        if wider is not None:
            self._give(course, self._after_saving, [(self._save, (wider, writes))])
        else:
            self._write(course, writes)

    def _save(self, wider: Inventory, writes: Sequence[Said]) -> tuple[Inventory | Exception, Sequence[Said]]:
        """The superset comes before the first write: a kill at any later point leaves nothing that nobody knows of."""
        try:
            self.situation.fence()
            return write_inventory(self.api, self.kinds, wider), writes
        except (Problem, Conflict) as error:
            return error, writes

    def _after_saving(self, course: Course, back: Sequence[tuple[Inventory | Exception, Sequence[Said]]]) -> None:
        answer, writes = back[0]
        if isinstance(answer, Exception):
            status = 4 if isinstance(answer, Conflict) or (isinstance(answer, Problem) and answer.conflict) else 3
            course.fail(Trouble("inventory", f"the inventory of {course.name} could not be written: {answer}", status))
            course.stop("its inventory could not be written")
            return
        course.inventory = answer
        course.wrote = True
        self._write(course, writes)

    def _write(self, course: Course, writes: Sequence[Said]) -> None:
        def write(said: Said) -> tuple[Said, Done]:
            return said, course.writer.write(said)

        self._give(course, self._after_writing, [(write, (said,)) for said in writes])

    def _after_writing(self, course: Course, back: Sequence[tuple[Said, Done]]) -> None:
        for said, done in back:
            course.written(said, done)
            if said.step.ref[:2] in _DEFINITIONS and done.action != "unchanged":
                self.rediscover = True
        self._blame_or_advance(course)

    def _blame_or_advance(self, course: Course) -> None:
        """Of what has failed for good it is said which pod is the reason, before the course ends."""
        if any(awaited.health.is_terminal for awaited in course.awaited.values()):
            self._give(course, self._after_blaming, [(self._blame, (course,))])
        else:
            course.advance()

    def _blame(self, course: Course) -> dict[ObjectRef, Health]:
        found = {ref: self.looking.blamed(ref, awaited) for ref, awaited in list(course.awaited.items())}
        return {ref: state for ref, state in found.items() if state is not None}

    def _after_blaming(self, course: Course, back: Sequence[Mapping[ObjectRef, Health]]) -> None:
        for ref, state in back[0].items():
            if ref in course.awaited:
                course.looked(ref, course.awaited[ref].live, state)
        course.advance()

    def _after_pruning(self, course: Course, back: Sequence[Done]) -> None:
        for done in back:
            course.pruned(done)
        course.advance()

    # Waiting

    def _waiting(self) -> bool:
        return bool(self.held or self._waiters())

    def _waiters(self) -> list[Course]:
        """The courses that wait for something in the cluster, in the order of all."""
        self.waits = {name for name in self.waits if self.courses[name].phase in ("waiting", "leaving")}
        return [self.courses[name] for name in self.courses if name in self.waits] if self.waits else []

    def _look_soon(self, course: Course) -> None:
        self.waits.add(course.name)
        self.pause, self.next_look = _FIRST_PAUSE, min(self.next_look, time.monotonic() + _FIRST_PAUSE)

    def _look(self) -> None:
        """Have all that is waited for read, once at a time, ever less often while nothing happens."""
        if self.is_looking or time.monotonic() < self.next_look or not self._waiting():
            return
        idle = [course for course in self._waiters() if course.name not in self.under_way]
        awaited = [(ref, one) for course in idle if course.phase == "waiting" for ref, one in course.awaited.items()]
        going = [(course, done) for course in idle if course.phase == "leaving" for done in course.going.values()]
        self.is_looking = True
        self.crew.give(self._looked, [(self._read, (awaited, going))])

    def _read(self, awaited: Sequence[Any], going: Sequence[tuple[Course, Done]]) -> tuple[Mapping[ObjectRef, Any], list[Any]]:
        if self.situation.namespaces is not None:
            self.situation.namespaces.refresh(self.api)
        found = self.looking.read(awaited)
        there = [(course, done, answer) for course, done in going if not isinstance(answer := _still(course, done), Problem)]
        return found, there

    def _looked(self, results: Sequence[tuple[Mapping[ObjectRef, Any], list[tuple[Course, Done, Any]]]]) -> None:
        ((found, there),) = results
        self.is_looking = False
        self.pause = min(_LONGEST_PAUSE, self.pause * 1.5)
        self.next_look = time.monotonic() + self.pause
        for course, done, live in there:
            if done.ref in course.going:
                course.left_over(done.ref, live)
        for course in self._waiters():
            if course.name in self.under_way:
                continue
            for ref in list(course.awaited) if course.phase == "waiting" else ():
                if ref in found:
                    course.looked(ref, *found[ref])
            before = course.phase
            self._blame_or_advance(course)
            if course.name not in self.under_way and course.phase != before:
                self._settle(course)
        self._changed()

    # The end

    def _over(self) -> bool:
        """Whether waiting has come to its end: the time is over, or there is something newer to apply. What is under way comes back by itself."""
        superseded = self.situation.superseded()
        if not superseded and self.api.deadline.left() > self.reserve:
            return False
        idle = [course for course in self.courses.values() if not course.done and course.name not in self.under_way]
        if superseded:
            for course in idle:
                course.cancel(self.situation.why)
            return bool(idle)
        for course in idle:
            if course.phase == "waiting":
                self._give(course, self._after_ending, [(self._blame, (course,))])
            elif course.phase == "leaving":
                course.still_terminating()
            elif course.phase == "pruning":
                self._too_late(course)
        return self._out_of_turn([course for course in idle if course.phase == "layer"]) or any(course.phase != "layer" for course in idle)

    def _after_ending(self, course: Course, back: Sequence[Mapping[ObjectRef, Health]]) -> None:
        self._after_blaming(course, back)
        if course.phase == "waiting":
            course.unhealthy()

    def _out_of_turn(self, left: Sequence[Course]) -> bool:
        """End what has not begun: because of what it depends on, or because the time was too short. False where some of it depends on what
        is still under way.
        """
        for course in left:
            self._may_begin(course)
        rest = [course for course in left if not course.done]
        if len(rest) == len(left) and not self.under_way:
            for course in rest:
                self._too_late(course)
            return bool(rest)
        return len(rest) < len(left)

    def _too_late(self, course: Course) -> None:
        course.fail(Trouble("deadline", f"{course.name}: the time was over before it was its turn", 3, "give it more time with --timeout"))
        course.stop("the time is over")


def _still(course: Course, done: Done) -> Mapping[str, Any] | Problem | None:
    try:
        return course.writer.still_there(done)
    except Problem as problem:
        return problem
