"""Which targets follow the default branch, and what becomes of those that do not.

Without a pipeline every environment follows the workspace as it is. With one only the first stage does: what runs in a later stage is
rendered again for the environment's own changes, or because somebody asked for a new rendering, and never with another base.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from gitopsc.presence import Pair, Present
from gitopsc.repository.locks import ReleaseLock, RepositoryLock

if TYPE_CHECKING:
    from gitopsc.delivery.gate import Condition
    from gitopsc.delivery.pipeline import Pipeline
    from gitopsc.mixed import Mixed

Raw = Mapping[str, Any]
"""A pipeline as gitopsc.lock has it: ``{name, spec}``."""

EARLY = frozenset({"hold", "freeze"})
"""Conditions that can be judged before anything is rendered."""

Judge = Callable[[Pair, str, ReleaseLock, str | None], "tuple[Condition, ...]"]
"""(pair, action, its lock, the new tree or None) → the conditions that fail."""


class Wait(NamedTuple):
    """A change that was not made, and why: unmet conditions, or words."""

    pair: Pair
    action: str
    conditions: tuple[Condition, ...]
    reason: str
    hint: str | None


class Wish(NamedTuple):
    """A target that has to be compiled: of which commit's base, for which release."""

    pair: Pair
    commit: str
    release: str


@dataclass(frozen=True, slots=True)
class Staging:
    """The pipelines that count for a build. ``raw``: as gitopsc.lock is to have them."""

    pipelines: tuple[Pipeline, ...]
    raw: tuple[Raw, ...]

    def of(self, application: str) -> Pipeline | None:
        """The pipeline of an application."""
        if not self.pipelines:
            return None
        from gitopsc.delivery.pipeline import pipeline_for

        return pipeline_for(self.pipelines, application)

    def follows(self, pair: Pair) -> bool:
        """Whether a build moves a target to the workspace of today."""
        pipeline = self.of(pair[1])
        return pipeline is None or pipeline.follows(pair[0])


def staging(own: Collection[Raw], mark: RepositoryLock | None, *, is_default: bool, known: Collection[str], runs: Callable[[Pair], bool]) -> Staging:
    """The pipelines that count: the workspace's ``own`` in a build of the default branch, those of gitopsc.lock in any other.

    A change's own head has no say, but to hold back: an application that gitopsc.lock does not name yet keeps to the head's pipeline.
    ``known``: all applications of the workspace. Of those that are gone a pipeline stays until nothing ``runs`` in its environments.
    Raises ``Invalid`` for pipelines that cannot be read.
    """
    old = mark.pipelines if mark is not None else ()
    if not old and not own:
        return Staging((), ())
    from gitopsc.delivery.pipeline import read_pipelines

    if is_default:
        raw = _sorted([*own, *_retained(old, own, known, runs)])
        return Staging(read_pipelines(raw), raw)
    named = {name for pipeline in old for name in pipeline["spec"]["applications"]}
    return Staging(read_pipelines([*old, *_of(own, lambda name: name not in named)]), tuple(old))


def _retained(old: Iterable[Raw], own: Iterable[Raw], known: Collection[str], runs: Callable[[Pair], bool]) -> list[Raw]:
    from gitopsc.delivery.pipeline import read_pipelines

    named = {name for pipeline in own for name in pipeline["spec"]["applications"]} | set(known)
    out = []
    for raw, pipeline in zip(old, read_pipelines(old), strict=True):
        left = {name for name in pipeline.applications if name not in named and any(runs((e, name)) for e in pipeline.environments)}
        out += _of([raw], left.__contains__)
    return out


def _of(pipelines: Iterable[Raw], wanted: Callable[[str], bool]) -> list[Raw]:
    """The pipelines as far as they are of some applications."""
    out: list[Raw] = []
    for pipeline in pipelines:
        names = [name for name in pipeline["spec"]["applications"] if wanted(name)]
        if names:
            out.append({**pipeline, "spec": {**pipeline["spec"], "applications": names}})
    return out


def _sorted(pipelines: Iterable[Raw]) -> tuple[Raw, ...]:
    """By name; of two with one name the first one's stages are for all applications of both."""
    out: dict[str, Raw] = {}
    for pipeline in pipelines:
        first = out.setdefault(str(pipeline["name"]), pipeline)
        if first is not pipeline:
            names = sorted({*first["spec"]["applications"], *pipeline["spec"]["applications"]})
            out[str(pipeline["name"])] = {**first, "spec": {**first["spec"], "applications": names}}
    return tuple(out[name] for name in sorted(out))


@dataclass(slots=True)
class Later:
    """What a build finds out about targets of later stages: changes ``(pair, action)`` with what they become, and what waits."""

    changed: dict[Pair, tuple[str, Mixed]]
    waiting: list[Wait]
    wishes: list[Wish]


def later(
    inputs: Mapping[Pair, str],
    there: Mapping[Pair, Present | None],
    locks: Callable[[list[Pair]], Mapping[Pair, ReleaseLock | None]],
    mixed: Mapping[Wish, Mixed],
    rerender: Collection[str],
    judge: Judge,
) -> Later:
    """Judge every target of a later stage. ``inputs``: the hash of each environment's settings of today; ``mixed``: what was compiled so far.

    Where something is left in ``wishes``, compile it and ask again.
    """
    out = Later({}, [], [])
    actions = {pair: action for pair, now in inputs.items() if (action := _action(there[pair], now, pair[0] in rerender)) is not None}
    for pair, lock in locks(list(actions)).items() if actions else ():
        assert lock is not None
        one = _One(pair, actions[pair], lock, there[pair], out)
        one.decide(mixed, judge)
    return out


def _action(before: Present | None, inputs: str, rerender: bool) -> str | None:
    """Why a target of a later stage may have to be rendered again; ``restore``: what is there is not what its lock says."""
    if before is None or before.state != "present":
        return None
    if before.inputs != inputs:
        return "environment"
    return "rerender" if rerender else "restore" if before.actual != before.rendered else None


@dataclass(frozen=True, slots=True)
class _One:
    pair: Pair
    action: str
    lock: ReleaseLock
    before: Present | None
    out: Later

    def decide(self, mixed: Mapping[Wish, Mixed], judge: Judge) -> None:
        """Put it where it belongs."""
        commit = self.lock.source.commit
        if commit is None:
            self._wait("it was built from uncommitted changes, so that its base cannot be had again", "promote a release that was built from a commit")
            return
        early = [c for c in judge(self.pair, self.action, self.lock, None) if c.name in EARLY] if self.action == "environment" else ()
        if early:
            self._blocked(tuple(early))
            return
        wish = Wish(self.pair, commit, self.lock.release.id)
        made = mixed.get(wish)
        if made is None:
            self.out.wishes.append(wish)
            return
        self._made(made, judge)

    def _made(self, made: Mixed, judge: Judge) -> None:
        tree = made.target.tree
        if tree is None:
            error = next(d.message for d in made.target.diagnostics if d.severity == "error")
            self._wait(f"the release that runs there cannot be rendered for the environment of today: {error}", "promote a newer release")
        elif self.action == "restore":
            if tree == self.lock.rendered:
                self.out.changed[self.pair] = ("rerender", made)
            else:
                hint = f"revert the edit, or render it anew: gitopsc build --rerender {self.pair[0]} --app {self.pair[1]}"
                self._wait("its manifests were edited by hand, and this gitopsc renders the release otherwise", hint)
        elif self.action == "environment" or self.before is None or not (self.before.rendered == self.before.actual == tree):
            failing = judge(self.pair, self.action, self.lock, tree)
            if failing:
                self._blocked(failing)
            else:
                self.out.changed[self.pair] = (self.action, made)

    def _blocked(self, conditions: tuple[Condition, ...]) -> None:
        self.out.waiting.append(waiting(self.pair, self.action, conditions))

    def _wait(self, reason: str, hint: str) -> None:
        self.out.waiting.append(Wait(self.pair, self.action, (), reason, hint))


def waiting(pair: Pair, action: str, conditions: tuple[Condition, ...]) -> Wait:
    """A change that conditions stand in the way of."""
    return Wait(pair, action, conditions, "; ".join(c.message for c in conditions), next((c.clear for c in conditions if c.clear), None))
