"""Targets of two sides rendered with their places, and compared; in workers where there are many, or where people wrote the templates."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gitopsc.changes.change import Change, changes
from gitopsc.changes.fields import Field
from gitopsc.compile import Compiler
from gitopsc.diagnostics import Diagnostic, Diagnostics, Invalid, Place
from gitopsc.objects import Manifest
from gitopsc.options import Options
from gitopsc.presence import Pair
from gitopsc.sides import Side
from gitopsc.spec.documents import Document
from gitopsc.spec.kinds import Workspace
from gitopsc.spec.nearest import near
from gitopsc.targets import FORK_ABOVE
from gitopsc.values import Map

BOTH = 2
"""One comparison renders two sides, so it has twice the limits of one."""


@dataclass(frozen=True, slots=True)
class Work:
    """One application to compare: its target on the older side and on the newer one, None where there is none."""

    application: str
    before: Pair | None
    after: Pair | None


@dataclass(frozen=True, slots=True)
class Compared:
    """``changes`` as the result tells them; ``diagnostics`` of targets that had to be made again (``again``: their applications)."""

    changes: list[dict[str, Any]]
    diagnostics: list[Diagnostic]
    again: frozenset[str]


Outcome = tuple[list[Change], list[Diagnostic]]


def compare(base: Side, head: Side, work: Sequence[Work], layer: Map | None, options: Options, *, across_namespaces: bool = False) -> Compared:
    """Every target of ``work`` on both sides, in its order. ``layer`` is layer 10 of the newer side. Raises ``Invalid`` where it fits no application."""
    room = _Comparison(base, head, work, options, across_namespaces)
    room.set(layer)
    out: list[dict[str, Any]] = []
    found: list[Diagnostic] = []
    for one, (changed, diagnostics) in zip(room.work, room.outcomes(), strict=True):
        pair = one.after or one.before
        assert pair is not None
        out += [change_row(pair, change) for change in changed]
        found += diagnostics
    return Compared(out, found, frozenset(room.layers))


class _Comparison:
    """Two compilers, and what is to be compared with them."""

    def __init__(self, base: Side, head: Side, work: Sequence[Work], options: Options, across_namespaces: bool) -> None:
        self.work, self.options, self.across = list(work), options, across_namespaces
        self.base_side, self.head_side = base, head
        self.head = _compiler(head, [one.application for one in work if one.after], options)
        self.base = self.head if base is head else _compiler(base, [one.application for one in work if one.before], options)
        self.layers: dict[str, Map] = {}

    def set(self, layer: Map | None) -> None:
        """Give each application its part of ``layer``; what it does not touch and is otherwise equal need not be compared."""
        if layer is None or self.head is None:
            return
        workspace = self.head.workspace
        for name, document in workspace.applications.items():
            part = _part(layer, document, workspace)
            if part is not None:
                self.layers[name] = part
        if not self.layers:
            names = sorted({str(n) for d in workspace.applications.values() for n in d.spec.get("workloads") or ()})
            missing = next(iter(layer.get("workloads") or layer))
            raise Invalid(f"expected --set to name a workload of an application, found '{missing}'", hint=near(str(missing), names), code="bad-set")
        self.work = [one for one in self.work if one.application in self.layers or self._differs(one)]

    def _differs(self, one: Work) -> bool:
        old = self.base_side.targets[one.before].tree if one.before else None
        new = self.head_side.targets[one.after].tree if one.after else None
        return old != new or one.before != one.after

    def outcomes(self) -> Iterator[Outcome]:
        """What comes of each piece of work, in order."""
        types = [kind for compiler in (self.base, self.head) if compiler is not None for kind in compiler.workspace.types.values()]
        guarded = any(not kind.built_in for kind in types)
        jobs = self.options.jobs if self.options.jobs is not None else (os.cpu_count() or 1) if len(self.work) > FORK_ABOVE else 1
        if self.work and (guarded or jobs > 1):
            yield from self._pooled(max(jobs, 1))
        else:
            yield from map(self.one, self.work)

    def _pooled(self, jobs: int) -> Iterator[Outcome]:
        from gitopsc.render.pool import TemplateLimit, run

        limits = replace(self.options.limits, render_seconds=self.options.limits.render_seconds * BOTH, render_mib=self.options.limits.render_mib * BOTH)
        for one, result in zip(self.work, run(self.work, self.one, jobs, limits), strict=True):
            if isinstance(result, TemplateLimit):
                yield [], [replace(result.diagnostic(), application=one.application)]
            else:
                yield result

    def one(self, work: Work) -> Outcome:
        """Render both sides of one application and compare them."""
        found = Diagnostics()
        layer = self.layers.get(work.application)
        after = _manifests(self.head, work.after, found, layer)
        if found.has_errors:
            return [], list(found) if layer is not None else []
        before = _manifests(self.base, work.before, Diagnostics(), None)
        compiler, pair = (self.head, work.after) if work.after else (self.base, work.before)
        assert compiler is not None
        assert pair is not None
        version = compiler.workspace.environments[pair[0]].kubernetes
        changed = changes(before, after, version, compiler.workspace.merge_keys, across_namespaces=self.across)
        return changed, list(found) if layer is not None else []


def _compiler(side: Side, applications: list[str], options: Options) -> Compiler | None:
    return side.build.compiler(sorted(set(applications)), options) if side.build is not None else None


def _manifests(compiler: Compiler | None, pair: Pair | None, diagnostics: Diagnostics, layer: Map | None) -> list[Manifest]:
    if compiler is None or pair is None:
        return []
    environment, application = pair
    return compiler.manifests(application, compiler.workspace.environments[environment], diagnostics, layer)[1]


def _part(layer: Map, application: Document, workspace: Workspace) -> Map | None:
    """What of layer 10 is this application's business: its own workloads and features, and all that names neither."""
    documents = (application, *(overlay.document for overlay in workspace.overlays.get(application.name, ())))
    out = Map((), layer.at)
    for key, value in layer.items():
        if key in ("workloads", "features") and isinstance(value, Map):
            known = {name for document in documents for name in document.spec.get(key) or ()}
            mine = Map(((name, item) for name, item in value.items() if name in known), value.at)
            mine.places, mine.raw = value.places, value.raw
            if not mine:
                continue
            value = mine
        out.put(key, value, layer.places.get(key))
    return out or None


def change_row(pair: Pair, change: Change) -> dict[str, Any]:
    """A change as the result tells it."""
    ref = change.ref
    more = {"renamedFrom": change.renamed_from} if change.renamed_from else {}
    return {
        "environment": pair[0],
        "application": pair[1],
        "object": {"group": ref.group, "kind": ref.kind, "namespace": ref.namespace or None, "name": ref.name},
        "change": change.change,
        **more,
        "fields": [_field(field) for field in change.fields],
        "consequences": [{"kind": one.kind, "message": one.message} for one in change.consequences],
    }


def _field(field: Field) -> dict[str, Any]:
    more = {"origins": field.origins} if field.origins else {}
    return {"path": field.text, "before": field.before, "after": field.after, "origin": _place(field.origin), **more}


def _place(place: Place | None) -> Mapping[str, Any] | None:
    return None if place is None else place._asdict()
