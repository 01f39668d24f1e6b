"""From a resolved application to its manifests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gitopsc.diagnostics import Diagnostics, Place
from gitopsc.objects import Manifest, ObjectRef, ref_of
from gitopsc.render.context import template_context
from gitopsc.render.engine import Engine
from gitopsc.render.finish import check_kind, check_names, finish
from gitopsc.render.integers import plain_integers
from gitopsc.render.lower.configs import config_map, config_names, referenced
from gitopsc.render.manifests import raw_manifests
from gitopsc.render.patches import patched
from gitopsc.render.template import Template, TemplateError
from gitopsc.render.when import applies
from gitopsc.spec.kinds import ComponentType, TypeTemplate
from gitopsc.spec.resolved import MergeKeys, Resolved, Workload
from gitopsc.values import Map

_FIRST = ("ServiceAccount", "ConfigMap", "Secret", "PersistentVolumeClaim", "Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "Service")


def render(
    resolved: Resolved, types: Mapping[str, ComponentType], engine: Engine | None = None, *, merge_keys: MergeKeys | None = None
) -> tuple[list[Manifest], Diagnostics]:
    """(manifests in a fixed order, everything that is wrong). The manifests are meaningless where there are errors.

    ``types``: component types by name, with all that they inherit. ``engine``: one for a whole build, which then compiles each
    template once. ``merge_keys``: the workspace's keys for lists of custom kinds.
    """
    manifests, patches = plain_integers(resolved.manifests), plain_integers(resolved.patches)
    if manifests is not resolved.manifests or patches is not resolved.patches:
        resolved = replace(resolved, manifests=manifests, patches=patches)
    room = _Rendering(resolved, types, engine or Engine(), merge_keys)
    for workload in resolved.workloads:
        room.workload(workload)
    room.configs()
    for key, data in raw_manifests(resolved, room.diagnostics):
        room.put(data, None, resolved.manifests.key_place(key))
    made = patched(room.manifests, resolved, merge_keys, room.diagnostics)
    _each_once(made, room.diagnostics)
    told = Diagnostics(replace(d, environment=resolved.environment, application=resolved.application) for d in room.diagnostics)
    return made, told


class _Rendering:
    """One application in one environment, while it is rendered."""

    def __init__(self, resolved: Resolved, types: Mapping[str, ComponentType], engine: Engine, merge_keys: MergeKeys | None) -> None:
        self.resolved, self.types, self.engine, self.merge_keys = resolved, types, engine, merge_keys
        self.manifests: list[Manifest] = []
        self.diagnostics = Diagnostics()
        self.config_names = config_names(resolved.configs)
        self.needed: dict[str, set[str]] = {}

    def workload(self, workload: Workload) -> None:
        """Every template of its type."""
        spec = plain_integers(workload.spec)
        workload = workload if spec is workload.spec else replace(workload, spec=spec)
        component = self.types[workload.type]
        check_names(workload, component, self.diagnostics)
        context = template_context(self.resolved, workload, self.config_names, self.diagnostics)
        for name, _ in referenced(context["pod"]["spec"]) if self.config_names else ():
            self.needed.setdefault(name, set()).add(workload.namespace)
        roots = {"env": context["env"], "app": context["app"], "values": self.resolved.values, "features": self.resolved.features, "self": workload.spec}
        documents = [document for template in component.templates if applies(template.when, roots) for document in self._documents(template, context)]
        objects = [document for document in documents if check_kind(document, component, self.diagnostics)]
        for data in sorted(objects, key=_rank):
            self.put(finish(data, self.resolved, workload, self.merge_keys, self.diagnostics), workload.name, workload.place)

    def _documents(self, template: TypeTemplate, context: dict[str, Any]) -> list[Map]:
        """What a template gives; nothing, and its errors told, where it is wrong."""
        try:
            return self.engine.render_documents(Template(template.name, template.text, template.file, template.first_line, template.indent), context)
        except TemplateError as error:
            self.diagnostics.extend(error.diagnostics)
            return []

    def configs(self) -> None:
        """A ConfigMap of each config in every namespace that refers to it; in the application's own where nobody does."""
        for name, hashed in self.config_names.items():
            for namespace in sorted(self.needed.get(hashed) or {self.resolved.namespace}):
                self.put(config_map(self.resolved, name, hashed, namespace), None, self.resolved.configs.key_place(name))

    def put(self, data: Map, workload: str | None, origin: Place | None) -> None:
        """Add a manifest."""
        self.manifests.append(Manifest(ref_of(data), data, self.resolved.application, self.resolved.environment, workload, origin))


def _rank(data: Map) -> int:
    """What others need comes first, then what runs, then what leads to it."""
    kind = str(data.get("kind"))
    return _FIRST.index(kind) if kind in _FIRST else len(_FIRST)


def _each_once(manifests: list[Manifest], diagnostics: Diagnostics) -> None:
    """Two objects of one name in an application: the second is an error that tells of the first."""
    seen: dict[ObjectRef, Manifest] = {}
    for manifest in manifests:
        first = seen.setdefault(manifest.ref, manifest)
        if first is not manifest:
            whose = f"workload '{first.workload}'" if first.workload else f"{first.origin or 'this application'}"
            diagnostics.error(
                "duplicate-object",
                f"expected each object once, found {manifest.ref} again, after that of {whose}",
                manifest.origin,
                hint="give one of them another name",
            )
