"""Pipelines: held against the rest of the workspace, and resolved to what ``gitopsc.lock`` keeps of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from gitopsc.diagnostics import Diagnostics, Place
from gitopsc.spec.documents import Document
from gitopsc.spec.kinds import Environment, as_names, name_place
from gitopsc.spec.times import Weekly, duration, moment
from gitopsc.values import Map, Seq

_DEFAULTS = (("order", "sequential"), ("promote", "manual"))


def load_pipelines(
    documents: Iterable[Document],
    environments: Mapping[str, Environment],
    applications: Collection[str],
    groups: Map,
    broken: Collection[tuple[str, str]],
    diagnostics: Diagnostics,
) -> tuple[Mapping[str, Any], ...]:
    """Every pipeline as ``{name, spec}``, sorted by name, in plain values with defaults and groups filled in.

    ``applications``: the names of all; ``groups``: ``Workspace.spec.groups``. What is wrong is told, and the pipeline is given all the same.
    """
    out, owners = [], dict[str, Place | None]()
    for document in sorted(documents, key=lambda one: one.name):
        one = _Check(document, environments, groups, broken, diagnostics)
        one.applications(applications, owners)
        one.stages()
        out.append({"name": document.name, "spec": one.resolved()})
    return tuple(out)


def later_environments(spec: Map) -> set[str]:
    """The environments of all stages but the first, of a pipeline that nobody has looked at yet."""
    stages = spec.get("stages")
    found = (stage.get("environments") for stage in stages[1:] if isinstance(stage, dict)) if isinstance(stages, list) else ()
    return {name for names in found for name in as_names(names)}


class _Check:
    """One pipeline, whose shape is right."""

    def __init__(
        self, document: Document, environments: Mapping[str, Environment], groups: Map, broken: Collection[tuple[str, str]], diagnostics: Diagnostics
    ) -> None:
        self.document, self.environments, self.groups = document, environments, groups
        self.broken, self.diagnostics = broken, diagnostics
        self.written: list[Map] = list(document.spec["stages"])

    def error(self, code: str, message: str, place: Place | None, hint: str | None = None) -> None:
        self.diagnostics.error(code, message, place or name_place(self.document), hint=hint)

    def applications(self, known: Collection[str], owners: dict[str, Place | None]) -> None:
        """Each must exist, and be in no other pipeline."""
        from gitopsc.spec.nearest import near

        named = self.document.spec["applications"]
        for index, name in enumerate(named):
            place = _item(named, index)
            if name not in known and ("Application", name) not in self.broken:
                self.error("unknown-application", f"expected the name of an application here, found '{name}'", place, near(name, known))
            elif name in owners:
                self.error(
                    "two-pipelines",
                    f"expected application '{name}' in one pipeline, found it in another at {owners[name]}",
                    place,
                    "remove it from one of them",
                )
            owners.setdefault(name, place)

    def stages(self) -> None:
        """Names, environments and gates of each stage, and what is in none."""
        names: list[str] = []
        where: dict[str, str] = {}
        for index, stage in enumerate(self.written):
            if stage["name"] in names:
                self.error("duplicate-name", f"expected one stage named '{stage['name']}', found another", stage.place("name"), "rename one of them")
            self._environments(stage, where)
            gates = stage.get("gates") or Map()
            if index == 0 and gates:
                message = "expected no gates on the first stage, which follows the default branch, found some here: they have no effect"
                self.diagnostics.warning("gates-without-effect", message, stage.key_place("gates"), hint="move them to the stage that they guard")
            self._gates(gates, names)
            names.append(stage["name"])
        left = sorted(name for name, one in self.environments.items() if not one.abstract and name not in where)
        if left:
            few = ", ".join(f"'{name}'" for name in left[:6]) + (" …" if len(left) > 6 else "")
            message = f"expected each environment in a stage of pipeline '{self.document.name}', found {few} in none"
            message += ": there its applications follow the default branch"
            self.diagnostics.warning("no-stage", message, self.document.spec.key_place("stages"), hint="add each to a stage, or leave it, if that is meant")

    def _environments(self, stage: Map, where: dict[str, str]) -> None:
        from gitopsc.spec.nearest import near

        named = stage["environments"]
        for index, name in enumerate(named):
            place, found = _item(named, index), self.environments.get(name)
            if found is None and ("Environment", name) not in self.broken:
                concrete = [known for known, one in self.environments.items() if not one.abstract]
                self.error("unknown-environment", f"expected the name of an environment here, found '{name}'", place, near(name, concrete))
            elif found is not None and found.abstract:
                self.error(
                    "abstract-environment", f"expected an environment that can be compiled, found the abstract '{name}'", place, "name one that extends it"
                )
            elif name in where:
                message = f"expected environment '{name}' in one stage, found it in stage '{where[name]}', too"
                self.error("two-stages", message, place, "remove it from one of them")
            where.setdefault(name, stage["name"])

    def _gates(self, gates: Map, before: list[str]) -> None:
        verified = gates.get("verified") or Map()
        if "in" in verified and verified["in"] not in before:
            hint = f"an earlier stage is: {', '.join(before)}" if before else "there is no earlier stage: remove it"
            self.error("unknown-stage", f"expected the name of an earlier stage, found '{verified['in']}'", verified.place("in"), hint)
        if "for" in verified:
            try:
                duration(verified["for"])
            except ValueError:
                self.error("bad-value", f"expected a duration of at most ten years, found '{verified['for']}'", verified.place("for"))
        if isinstance(gates.get("approvals"), Map):
            self._approvals(gates["approvals"])
        names: set[str] = set()
        for window in gates.get("freeze") or ():
            if window["name"] in names:
                self.error("duplicate-name", f"expected one freeze named '{window['name']}', found another", window.place("name"), "rename one of them")
            names.add(window["name"])
            self._window(window)

    def _approvals(self, approvals: Map) -> None:
        from gitopsc.spec.nearest import near

        named = approvals.get("from")
        if named is None:
            return
        for index, name in enumerate(named):
            if "@" not in name and name not in self.groups:
                self.error(
                    "unknown-group", f"expected a group of the Workspace or a mail address, found '{name}'", _item(named, index), near(name, self.groups)
                )
        people, count = self._people(named), int(approvals.get("count", 1))
        if len(people) < count and all("@" in name or name in self.groups for name in named):
            message = f"expected at least {count} {'person' if count == 1 else 'people'} who can approve, found {len(people)}"
            self.error("too-few-approvers", message, approvals.place("from"), "name more of them, or ask for fewer approvals")

    def _people(self, named: Iterable[str]) -> list[str]:
        """The mail addresses that groups and addresses come to, each once, sorted."""
        return sorted({mail for name in named for mail in ([name] if "@" in name else as_names(self.groups.get(name)))})

    def _window(self, window: Map) -> None:
        try:
            start, end = moment(window["from"]), moment(window["to"])
        except ValueError:
            wrong = next(key for key in ("from", "to") if not _is_moment(window[key]))
            self.error("bad-value", f"expected a date that the calendar has, found '{window[wrong]}'", window.place(wrong))
            return
        if isinstance(start, Weekly) != isinstance(end, Weekly):
            self.error("bad-value", "expected both ends of a freeze as times of the week, or both as dates, found one of each", window.place("to"))
        elif start == end or (not isinstance(start, Weekly) and not isinstance(end, Weekly) and start > end):
            self.error("bad-value", f"expected the end of a freeze after '{window['from']}', found '{window['to']}'", window.place("to"))
        try:
            ZoneInfo(window.get("timeZone") or "UTC")
        except (ValueError, OSError, LookupError):
            hint = "write it as in Europe/Oslo or UTC"
            self.error("bad-value", f"expected the name of a time zone, found '{window['timeZone']}'", window.place("timeZone"), hint)

    def resolved(self) -> dict[str, Any]:
        """The spec with its defaults, and people instead of groups."""
        stages = []
        for stage in self.written:
            done = {"name": stage["name"], "environments": list(stage["environments"]), **{key: stage.get(key) or default for key, default in _DEFAULTS}}
            gates = self._resolved_gates(stage.get("gates") or Map())
            stages.append({**done, "gates": gates} if gates else done)
        return {"applications": sorted(self.document.spec["applications"]), "stages": stages}

    def _resolved_gates(self, gates: Map) -> dict[str, Any]:
        out: dict[str, Any] = {}
        if gates.get("verified"):
            out["verified"] = {key: gates["verified"][key] for key in ("in", "for") if key in gates["verified"]}
        approvals = gates.get("approvals")
        if isinstance(approvals, Map):
            named = approvals.get("from")
            people = {} if named is None else {"from": self._people(named)}
            out["approvals"] = {"count": int(approvals.get("count", 1)), **people, "signed": approvals.get("signed") is True}
        if gates.get("freeze"):
            out["freeze"] = [{"name": one["name"], "from": one["from"], "to": one["to"], "timeZone": one.get("timeZone") or "UTC"} for one in gates["freeze"]]
        if gates.get("checks"):
            out["checks"] = list(gates["checks"])
        return out


def _is_moment(text: str) -> bool:
    try:
        moment(text)
    except ValueError:
        return False
    return True


def _item(items: Any, index: int) -> Place | None:
    return items.place(index) if isinstance(items, Seq) else None
