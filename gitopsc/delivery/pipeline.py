"""Pipelines as ``gitopsc.lock`` holds them: stages in order, who is upstream of whom, and the gates between."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal, NamedTuple, cast

from gitopsc.diagnostics import Invalid
from gitopsc.spec.times import duration

Order = Literal["sequential", "parallel", "lockstep"]
Promote = Literal["manual", "pull-request", "auto"]


@dataclass(frozen=True, slots=True)
class Window:
    """A freeze: from ``start`` (inclusive) to ``end`` (exclusive), both as written, in the time zone ``zone``."""

    name: str
    start: str
    end: str
    zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Approvals:
    """How many distinct people must approve. ``people``: their mail addresses, null where anybody's counts; ``signed``: with a signature."""

    count: int
    people: tuple[str, ...] | None = None
    signed: bool = False


@dataclass(frozen=True, slots=True)
class Gates:
    """What a stage asks beyond its previous stage. ``stage``: where the ``soak`` is counted (null: the previous stage)."""

    stage: str | None = None
    soak: timedelta = timedelta()
    approvals: Approvals | None = None
    freeze: tuple[Window, ...] = ()
    checks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Stage:
    """Environments that a release reaches together, or one after the other."""

    name: str
    environments: tuple[str, ...]
    order: Order = "sequential"
    promote: Promote = "manual"
    gates: Gates = field(default_factory=Gates)


class Upstream(NamedTuple):
    """An environment in which a release must be verified first, and for how long without a break."""

    environment: str
    soak: timedelta


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The way of some applications: the first stage follows the default branch, the later ones move by promotion."""

    name: str
    applications: tuple[str, ...]
    stages: tuple[Stage, ...]

    @property
    def environments(self) -> tuple[str, ...]:
        """All of its environments, in the order in which releases reach them."""
        return tuple(name for stage in self.stages for name in stage.environments)

    def stage_of(self, environment: str) -> Stage | None:
        """The stage of an environment; null where it is in none."""
        return next((stage for stage in self.stages if environment in stage.environments), None)

    def stage(self, name: str) -> Stage | None:
        """The stage of that name."""
        return next((stage for stage in self.stages if stage.name == name), None)

    def follows(self, environment: str) -> bool:
        """Whether an environment follows the default branch: it is in the first stage, or in none."""
        return environment not in self.environments or environment in self.stages[0].environments

    def upstreams(self, environment: str) -> tuple[Upstream, ...]:
        """Where a release must be verified before it comes here: all of the previous stage, the stage that ``verified.in`` names,
        and, in a sequential stage, the environment before this one. () in the first stage.
        """
        index = next((i for i, stage in enumerate(self.stages) if environment in stage.environments), 0)
        if index == 0:
            return ()
        stage, previous = self.stages[index], self.stages[index - 1]
        soaked = stage.gates.stage or previous.name
        named = self.stage(soaked)
        found = {name: stage.gates.soak if soaked == previous.name else timedelta() for name in previous.environments}
        found |= dict.fromkeys(named.environments if named else (), stage.gates.soak)
        position = stage.environments.index(environment)
        if stage.order == "sequential" and position > 0:
            found[stage.environments[position - 1]] = stage.gates.soak
        return tuple(Upstream(name, found[name]) for name in self.environments if name in found)

    def walked(self, environment: str) -> str | None:
        """The upstream whose history is looked through for candidates: the nearest one. Null in the first stage."""
        found = self.upstreams(environment)
        return found[-1].environment if found else None


def pipeline_for(pipelines: Iterable[Pipeline], application: str) -> Pipeline | None:
    """The pipeline that names an application; null where none does, so that every environment follows the default branch."""
    return next((pipeline for pipeline in pipelines if application in pipeline.applications), None)


def read_pipelines(found: Iterable[Mapping[str, Any]]) -> tuple[Pipeline, ...]:
    """The pipelines of ``gitopsc.lock``: ``[{name, spec}]`` as a build of the default branch resolved them. Raises ``Invalid``."""
    try:
        return tuple(_pipeline(str(item["name"]), item["spec"]) for item in found)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError):
        hint = "a build of the default branch writes them anew; update gitopsc if a newer one wrote them"
        raise Invalid("expected pipelines in gitopsc.lock as gitopsc writes them, found something else", hint=hint, code="lock") from None


def _pipeline(name: str, spec: Mapping[str, Any]) -> Pipeline:
    stages = tuple(_stage(stage) for stage in spec["stages"])
    if not stages or not all(stage.environments for stage in stages):
        raise ValueError(name)
    return Pipeline(name, _names(spec["applications"]), stages)


def _stage(found: Mapping[str, Any]) -> Stage:
    order, promote = found.get("order") or "sequential", found.get("promote") or "manual"
    if order not in ("sequential", "parallel", "lockstep") or promote not in ("manual", "pull-request", "auto"):
        raise ValueError(order, promote)
    return Stage(str(found["name"]), _names(found["environments"]), cast(Order, order), cast(Promote, promote), _gates(found.get("gates") or {}))


def _gates(found: Mapping[str, Any]) -> Gates:
    verified, approvals = found.get("verified") or {}, found.get("approvals")
    return Gates(
        stage=verified.get("in"),
        soak=duration(verified["for"]) if verified.get("for") else timedelta(),
        approvals=None if approvals is None else _approvals(approvals),
        freeze=tuple(Window(str(w["name"]), str(w["from"]), str(w["to"]), str(w.get("timeZone") or "UTC")) for w in found.get("freeze") or ()),
        checks=_names(found.get("checks") or ()),
    )


def _approvals(found: Mapping[str, Any]) -> Approvals:
    people = found.get("from")
    return Approvals(int(found.get("count", 1)), None if people is None else _names(people), found.get("signed") is True)


def _names(found: Iterable[Any]) -> tuple[str, ...]:
    if isinstance(found, str):
        raise TypeError(found)
    return tuple(str(item) for item in found)
