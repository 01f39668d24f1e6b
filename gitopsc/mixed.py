"""Targets that are made of two commits: the base of a release as it was, and the environment's own settings of today.

``render(base @ release.source.commit, environment @ HEAD)``: what was verified is what is promoted, and an environment's own change needs
no promotion. The base is the Application, overlays on features, component types and the workspace's defaults; the environment has its
documents, what it enforces, overlays bound to it, policies and the Kubernetes version (language.md 3.1).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from gitopsc.bases import Base, Bases
from gitopsc.compile import Compiler, Target
from gitopsc.diagnostics import Diagnostic
from gitopsc.options import Options
from gitopsc.presence import Pair
from gitopsc.spec.discover import Files, read_source
from gitopsc.spec.identity import inputs_id
from gitopsc.spec.kinds import Environment, Overlay, Workspace
from gitopsc.targets import compiled
from gitopsc.values import Map

__all__ = ["Base", "Bases", "Head", "Mixed", "Part", "compile_mixed", "compile_parts", "without_base"]

OF_BASE = ("defaults", "mergeKeys", "resourceTypes")
"""Fields of ``Workspace.spec`` that belong to a release; the others are today's."""

ENTRIES = ("workloads", "resources", "manifests", "configs")
"""Maps of an application's spec whose entries an overlay may speak of."""


@dataclass(frozen=True, slots=True)
class Mixed:
    """``target`` may have failed (its diagnostics say why). ``waiting``: notices of overlay entries that the older release has no use for yet."""

    target: Target
    waiting: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, slots=True)
class Head:
    """The workspace of today, with the application and its overlays, and where its files are read."""

    workspace: Workspace
    files: Files


class Part(NamedTuple):
    """A release of an application, and the environments that it is compiled for."""

    application: str
    release: str
    environments: Sequence[str]


def compile_mixed(
    head: Head, base: Base, application: str, environments: Iterable[str], release: str, options: Options, algorithm: str = "sha1"
) -> list[Mixed]:
    """The application as ``release`` had it (``base`` is the workspace at its commit), in these environments of today, in their order.

    Each target has the release's id as it was given, and the environment's inputs as a build of today computes them. Raises ``Failure``.
    """
    part = Part(application, release, list(environments))
    found = compile_parts(head, base, [part], options, algorithm)
    return [found[environment, application] for environment in part.environments]


def compile_parts(head: Head, base: Base, parts: Sequence[Part], options: Options, algorithm: str = "sha1") -> dict[Pair, Mixed]:
    """The same for many applications whose releases are of one commit. ``head`` must have all of them. Raises ``Failure``."""
    workspace, found = base.workspace(part.application for part in parts)
    errors = [d for d in found if d.severity == "error"]
    of_all = [d for d in errors if d.place is None or not d.place.file.startswith(base.label)] or (errors if workspace is None else [])
    out: dict[Pair, Mixed] = {}
    fine: list[Part] = []
    for part in parts:
        wrong = of_all or _wrong(head, base, workspace, part.application, errors)
        if wrong:
            out |= {(name, part.application): Mixed(_failed(part, name, wrong)) for name in part.environments}
        else:
            fine.append(part)
    if workspace is None or not fine:
        return out
    mixed, waiting = _mix(head.workspace, workspace, [part.application for part in fine])
    compiler = MixedCompiler(
        mixed, base.files, options.limits, options.allow_missing_schema, algorithm, _engine=base.engine(workspace), head=head, label=base.label,
        releases={(name, part.application): part.release for part in fine for name in part.environments},
    )  # fmt: skip
    for target in compiled(compiler, [(part.application, list(part.environments)) for part in fine], options):
        out[target.environment, target.application] = Mixed(target, tuple(_for(waiting, target, head.workspace)))
    return out


def _wrong(head: Head, base: Base, workspace: Workspace | None, application: str, errors: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Why an application cannot be compiled: its documents of today, or those of its release."""
    if ("Application", application) in head.workspace.broken:
        return [Diagnostic("error", "broken", "expected documents of today without errors, found some", "see what is wrong: gitopsc check")]
    if workspace is None or ("Application", application) in workspace.broken:
        files = {base.label + path for path in base.files_of(application)}
        return [d for d in errors if d.place is not None and d.place.file in files]
    if application not in workspace.applications:
        message = f"expected application '{application}' in the workspace at {base.label.rstrip(':')}, found none"
        return [Diagnostic("error", "unknown-application", message, "promote another release")]
    return []


def without_base(parts: Iterable[Part], why: str) -> dict[Pair, Mixed]:
    """Targets whose base cannot be had any more."""
    error = Diagnostic("error", "no-base", why, "promote a newer release")
    return {(name, part.application): Mixed(_failed(part, name, [error])) for part in parts for name in part.environments}


def _failed(part: Part, environment: str, errors: Iterable[Diagnostic]) -> Target:
    named = tuple(replace(d, application=part.application, environment=environment) for d in errors)
    return Target(environment, part.application, part.release, "", None, (), None, None, (), (), named)


@dataclass(slots=True)
class MixedCompiler(Compiler):
    """Reads templates and what the base names from the base's commit, what overlays of today name from today's files."""

    head: Head = field(kw_only=True)
    label: str = field(kw_only=True)
    releases: Mapping[Pair, str] = field(kw_only=True)

    def source(self, file: str, written: str) -> tuple[str, bytes]:
        """See ``Compiler``."""
        if not file.startswith(self.label):
            return self._today(file, written)
        path, data = read_source(self.files, file.removeprefix(self.label), written)
        self._read[self.label + path] = data
        return self.label + path, data

    def _today(self, file: str, written: str) -> tuple[str, bytes]:
        path, data = read_source(self.head.files, file, written)
        self._read[path] = data
        return path, data

    def identities(self, application: str, environment: Environment) -> tuple[str, str]:
        """See ``Compiler``; they are those of the release, and of the environment of today."""
        document = self.head.workspace.applications.get(application, self.workspace.applications[application])
        return self.releases[environment.name, application], inputs_id(self.head.workspace, document, environment, self._today)


@dataclass(frozen=True, slots=True)
class _Waits:
    overlay: Overlay
    notice: Diagnostic


def _mix(today: Workspace, base: Workspace, applications: Iterable[str]) -> tuple[Workspace, list[_Waits]]:
    """The base's workspace with the environments of today, and what of their overlays must wait."""
    spec = Map(today.spec, today.spec.at)
    spec.places, spec.keys_at, spec.raw = dict(today.spec.places), dict(today.spec.keys_at), dict(today.spec.raw)
    for key in OF_BASE:
        spec.pop(key, None)
        if key in base.spec:
            spec.put(key, base.spec[key], base.spec.places.get(key))
    document = replace(today.document, data=Map({**today.document.data, "spec": spec}, today.document.data.at))
    waiting: list[_Waits] = []
    overlays = {application: _overlays(today, base, application, waiting) for application in applications}
    mixed = Workspace(
        document=document,
        name=today.name,
        kubernetes=today.kubernetes,
        spec=spec,
        environments=today.environments,
        applications={application: base.applications[application] for application in overlays},
        overlays=overlays,
        types=base.types,
        crds={**base.crds, **today.crds},
        merge_keys=base.merge_keys,
        broken=frozenset(),
    )
    return mixed, waiting


def _overlays(today: Workspace, base: Workspace, application: str, waiting: list[_Waits]) -> tuple[Overlay, ...]:
    """Overlays on features as the base has them, overlays on environments as they are today but for entries that wait for a newer release."""
    out = [overlay for overlay in base.overlays.get(application, ()) if not overlay.environments]
    old, new = _entries(base, application), _entries(today, application)
    for overlay in today.overlays.get(application, ()):
        if overlay.environments:
            spec = _kept(overlay, old, new, set(base.types), waiting)
            data = Map(overlay.document.data, overlay.document.data.at)
            data.places, data.keys_at = overlay.document.data.places, overlay.document.data.keys_at
            data["spec"] = spec
            out.append(replace(overlay, document=replace(overlay.document, data=data)))
    return tuple(out)


def _entries(workspace: Workspace, application: str) -> set[tuple[str, str]]:
    """(field, name) of everything that the base of an application has."""
    documents = [workspace.applications[application]] if application in workspace.applications else []
    documents += [overlay.document for overlay in workspace.overlays.get(application, ()) if not overlay.environments]
    return {(key, str(name)) for document in documents for key in ENTRIES for name in document.spec.get(key) or ()}


def _kept(overlay: Overlay, old: set[tuple[str, str]], new: set[tuple[str, str]], types: set[str], waiting: list[_Waits]) -> Map:
    spec = overlay.document.spec
    out = _copy(spec)
    for key in ENTRIES:
        entries = spec.get(key)
        if not isinstance(entries, Map):
            continue
        left = _copy(entries)
        for name, entry in entries.items():
            kind = entry.get("type") if key == "workloads" and isinstance(entry, Map) else None
            if ((key, name) in new and (key, name) not in old) or (isinstance(kind, str) and kind not in types):
                del left[name]
                waiting.append(_Waits(overlay, _notice(key, name, entries)))
        out[key] = left
    return out


def _notice(key: str, name: str, entries: Map) -> Diagnostic:
    message = f"'{key}.{name}' waits: the release that runs there does not have it yet"
    return Diagnostic("info", "waiting", message, "promote a release that has it", entries.key_place(name))


def _for(waiting: Iterable[_Waits], target: Target, workspace: Workspace) -> Iterator[Diagnostic]:
    """What concerns one target."""
    names = set(workspace.environments[target.environment].names)
    for one in waiting:
        if one.overlay.application == target.application and names & set(one.overlay.environments):
            yield replace(one.notice, environment=target.environment, application=target.application)


def _copy(value: Map) -> Map:
    out = Map(value, value.at)
    out.places, out.removed, out.raw, out.keys_at = value.places, value.removed, value.raw, value.keys_at
    return out
