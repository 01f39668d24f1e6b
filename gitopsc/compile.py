"""The compiler: an application in an environment, from its specs to the bytes of its manifests, validated.

``Compiler`` holds one loaded workspace; ``compile`` gives one ``Target`` for each environment asked for. Nothing is written.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from gitopsc.diagnostics import Diagnostic, Diagnostics, Place
from gitopsc.limits import DEFAULT, Limits
from gitopsc.objects import Manifest, ObjectRef
from gitopsc.repository.layout import file_names
from gitopsc.repository.locks import Image
from gitopsc.repository.objects import Folder, folder
from gitopsc.spec.discover import Files, read_source
from gitopsc.spec.identity import inputs_id, release_id
from gitopsc.spec.kinds import Environment, Workspace
from gitopsc.spec.layers import Layers
from gitopsc.spec.resolve import resolve
from gitopsc.spec.resolved import Resolved
from gitopsc.values import Map

if TYPE_CHECKING:
    from gitopsc.render.engine import Engine
    from gitopsc.validate.references import Reference


Made = tuple[ObjectRef, str, Place | None]
"""An object, its file's name and the place that made it."""


@dataclass(frozen=True, slots=True)
class Target:
    """One application in one environment, compiled. ``tree`` (the lock's ``rendered``) is null where there were errors; ``folder`` holds
    the bytes, and is null where an earlier build made them. ``objects`` are in the order of the manifests, each with its file's
    name and the place that made it; ``sources`` the files read beside the specs; ``references`` what its objects need of others,
    gathered where the environment's policy is ``complete``.
    """

    environment: str
    application: str
    release: str
    inputs: str
    version: str | None
    images: tuple[Image, ...]
    folder: Folder | None
    tree: str | None
    objects: Sequence[Made]
    sources: tuple[str, ...]
    diagnostics: tuple[Diagnostic, ...]
    references: tuple[Reference, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether it has an error, so that it has no manifests."""
        return self.tree is None


@dataclass(slots=True)
class _Making:
    """A target on its way through the stages. ``read``: the files that were read for it beside the specs, by path."""

    application: str
    environment: Environment
    resolved: Resolved | None
    diagnostics: Diagnostics
    read: dict[str, bytes]
    manifests: list[Manifest] = field(default_factory=list)


@dataclass(slots=True)
class Compiler:
    """Compiles targets of one workspace; keeps what they share. ``algorithm`` is the environment repository's object format."""

    workspace: Workspace
    files: Files
    limits: Limits = DEFAULT
    allow_missing_schema: bool = False
    algorithm: Any = "sha1"
    _layers: Layers | None = None
    _engine: Engine | None = None
    _read: dict[str, bytes] = field(default_factory=dict)
    _releases: dict[str, tuple[str, dict[str, bytes]]] = field(default_factory=dict)
    _inputs: dict[str, str] = field(default_factory=dict)

    def compile(self, application: str, environments: Iterable[str]) -> list[Target]:
        """The application in each of the environments, in that order."""
        return self.batch([(application, environments)])

    def batch(self, tasks: Iterable[tuple[str, Iterable[str]]]) -> list[Target]:
        """Each application in each of its environments, in that order; every finding is in a target's ``diagnostics``.

        One stage after the other for all of them: code and tables that a stage needs stay in the processor's caches.
        """
        making = [self._resolved(application, self.workspace.environments[name]) for application, names in tasks for name in names]
        for one in making:
            self._render(one)
        for one in making:
            self._validate(one)
        return [self._target(one) for one in making]

    def inputs(self, application: str, environment: Environment) -> tuple[str, tuple[str, ...]]:
        """The hash of what the environment itself brings to a target, and the files that it is made of beside the specs. Nothing is rendered."""
        self._read = {}
        found = inputs_id(self.workspace, self.workspace.applications[application], environment, self.source)
        return found, tuple(sorted(self._read))

    def manifests(
        self, application: str, environment: Environment, diagnostics: Diagnostics, sets: Map | None = None
    ) -> tuple[Resolved | None, list[Manifest]]:
        """The validated manifests of a target, or (None, []) where it could not be resolved."""
        one = self._resolved(application, environment, sets)
        self._render(one)
        self._validate(one)
        diagnostics += one.diagnostics
        return one.resolved, one.manifests

    def identities(self, application: str, environment: Environment) -> tuple[str, str]:
        """What names the release, found out once for all environments, and what the environment itself brings: the same to every application
        that has no overlay on an environment.
        """
        document = self.workspace.applications[application]
        if application not in self._releases:
            outer, self._read = self._read, {}
            self._releases[application] = release_id(self.workspace, document, self.source), self._read
            self._read = outer
        release, read = self._releases[application]
        self._read |= read
        if any(overlay.environments for overlay in self.workspace.overlays.get(application, ())):
            return release, inputs_id(self.workspace, document, environment, self.source)
        if environment.name not in self._inputs:
            self._inputs[environment.name] = inputs_id(self.workspace, document, environment, self.source)
        return release, self._inputs[environment.name]

    def _resolved(self, application: str, environment: Environment, sets: Map | None = None) -> _Making:
        self._read = {}
        layers = self.layers()
        layers.diagnostics = Diagnostics()
        resolved = resolve(layers, self.workspace.applications[application], environment, self.source, sets)
        return _Making(application, environment, resolved, layers.diagnostics, self._read)

    def _render(self, one: _Making) -> None:
        from gitopsc.render.render import render

        if one.resolved is not None:
            one.manifests, found = render(one.resolved, self.workspace.types, self.engine(), merge_keys=self.workspace.merge_keys)
            one.diagnostics += found

    def _validate(self, one: _Making) -> None:
        from gitopsc.validate.rules import Rules
        from gitopsc.validate.validate import validate

        if one.resolved is None or one.diagnostics.has_errors:
            return
        policy: Mapping[str, Any] = one.environment.policy
        if self.allow_missing_schema:
            policy = {**policy, "allowMissingSchema": True}
        rules = Rules(
            kubernetes=one.environment.kubernetes,
            application=one.application,
            environment=one.environment.name,
            namespace=one.resolved.namespace,
            policy=policy,
            crds=self.workspace.crds,
            limits=self.limits,
        )
        one.diagnostics += (replace(d, application=one.application, environment=one.environment.name) for d in validate(one.manifests, rules))

    def _target(self, one: _Making) -> Target:
        self._read = one.read
        release, inputs = self.identities(one.application, one.environment)
        resolved, made = one.resolved, None
        objects: tuple[Made, ...] = ()
        if resolved is not None and not one.diagnostics.has_errors:
            made, objects = self._written(one.manifests)
        return Target(
            environment=one.environment.name,
            application=one.application,
            release=release,
            inputs=inputs,
            version=resolved.version if resolved else None,
            images=_images(resolved) if resolved else (),
            folder=made,
            tree=made.tree if made else None,
            objects=objects,
            sources=tuple(sorted({*one.read, *self._template_files(resolved)})),
            diagnostics=tuple(one.diagnostics),
            references=_references(one.manifests, resolved) if made and resolved and one.environment.policy.get("complete") is True else (),
        )

    def layers(self) -> Layers:
        """The merges of this workspace."""
        if self._layers is None:
            self._layers = Layers(self.workspace, Diagnostics())
        return self._layers

    def engine(self) -> Engine:
        """The templates of this workspace, compiled once."""
        from gitopsc.render.engine import Engine

        if self._engine is None:
            self._engine = Engine(self.files.read, self.limits)
        return self._engine

    def _template_files(self, resolved: Resolved | None) -> set[str]:
        """The files that the component types of the target's workloads are made of, includes and all."""
        from gitopsc.render.template import Template, TemplateError

        out = set()
        for name in {workload.type for workload in resolved.workloads} if resolved else ():
            for one in self.workspace.types[name].templates:
                if not one.file.startswith("gitopsc:"):
                    with contextlib.suppress(TemplateError):
                        out |= {t.file for t in self.engine().sources(Template(one.name, one.text, one.file, one.first_line, one.indent))}
        return out

    def source(self, file: str, written: str) -> tuple[str, bytes]:
        """A file that a specification names, remembered as an input of the target."""
        path, data = read_source(self.files, file, written)
        self._read[path] = data
        return path, data

    def _written(self, manifests: list[Manifest]) -> tuple[Folder, tuple[Made, ...]]:
        from gitopsc.render.emit import dump

        names = file_names(manifest.ref for manifest in manifests)
        objects = tuple((m.ref, names[m.ref], m.origin) for m in manifests)
        return folder({names[m.ref]: dump(m.data).encode() for m in manifests}, self.algorithm), objects


def _references(manifests: list[Manifest], resolved: Resolved) -> tuple[Reference, ...]:
    from gitopsc.validate.references import references_of

    return tuple(reference for manifest in manifests for reference in references_of(manifest, resolved.namespace))


def _images(resolved: Resolved) -> tuple[Image, ...]:
    """Every image of the target once, by name."""
    found = set()
    for workload in resolved.workloads:
        for container in (workload.spec.get("containers") or {}).values():
            image = container.get("image") if isinstance(container, dict) else None
            if isinstance(image, dict):
                found.add((str(image.get("repository")), image.get("tag"), image.get("digest")))
    return tuple(Image(*item) for item in sorted(found, key=lambda i: (i[0], i[1] or "", i[2] or "")))
