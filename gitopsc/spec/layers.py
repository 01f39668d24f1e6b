"""Layers 1 to 10 of one application in one environment, merged; references are not expanded yet.

The order is the design's (language.md 3.1): type, component type, workspace, environment defaults, application, overlays on features,
overlays on environments, enforced, ``--set``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from gitopsc.diagnostics import Diagnostics, Place
from gitopsc.spec import normalise
from gitopsc.spec.documents import Document
from gitopsc.spec.environments import bound
from gitopsc.spec.general import EVERY, MAIN, NATIVE_KINDS, general_layers, instantiate, main_container
from gitopsc.spec.kinds import PROFILES, ComponentType, Environment, Overlay, Workspace, as_names
from gitopsc.spec.leaves import leaves, touches
from gitopsc.spec.merge import Layer, Trace, dotted, merge
from gitopsc.spec.shapes import PLAIN, WORKLOAD
from gitopsc.values import Map, Path, Seq

BROUGHT = ("features", "values", "defaults", "enforced")
"""What an environment brings to the layers of an application, beside overlays that are bound to it."""

CHOOSERS = ("type", "profile", "selectorStyle")
QUIET = frozenset(
    {
        "disruption",
        "spread",
        "probes.readiness",
        "limits.memory",
        "lifecycle.preStop",
        "preStop",
        "drainSeconds",
        "limits",
        "lifecycle",
        "scale",
        "serviceAccount",
    }
)
"""What a type derives or a profile may say: a null there suppresses, without a word about hitting nothing."""


@dataclass(frozen=True, slots=True)
class Part:
    """What one document says of an application: its ``spec``, which layer it is, its name for people."""

    number: int
    label: str
    document: Document
    spec: Map
    depth: int = 0


@dataclass(frozen=True, slots=True)
class MergedWorkload:
    """A workload after all layers, in normal form, references unexpanded. ``declared``: an Application or an overlay with an image names it."""

    name: str
    type: ComponentType
    profile: str
    selector_style: str
    main: str
    spec: Map
    place: Place | None


@dataclass(frozen=True, slots=True)
class Merged:
    """An application after all layers. ``broken`` holds workloads that have errors of their own."""

    features: Map
    values: Map
    profile: str
    owner: str | None
    workloads: dict[str, MergedWorkload]
    configs: Map
    manifests: Map
    patches: Seq


@dataclass(slots=True)
class Layers:
    """Merges for one workspace. Keeps what targets share: normal forms of documents and layers 1 to 4 of a type."""

    workspace: Workspace
    diagnostics: Diagnostics
    trace: Trace | None = None
    _normal: dict[tuple[str, int, str, str], Map] = field(default_factory=dict)
    _defaults: dict[tuple[str, str, str], Map] = field(default_factory=dict)
    _enforced: dict[tuple[str, str], Map] = field(default_factory=dict)
    _brought: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    _unscoped: frozenset[tuple[str, str]] | None = None
    _last: tuple[tuple[Any, ...], Merged] | None = None

    def merged(self, application: Document, environment: Environment, sets: Map | None = None) -> Merged:
        """All layers of ``application`` in ``environment``; ``sets`` is layer 10, shaped like an application's spec.

        Environments that bring the same layers to it share one result, which nobody changes.
        """
        key = self._shared_key(application, environment) if sets is None and self.trace is None else None
        if key is not None and self._last is not None and self._last[0] == key:
            return self._last[1]
        before = len(self.diagnostics)
        found = self._merged(application, environment, sets)
        if key is not None and len(self.diagnostics) == before:
            self._last = key, found
        return found

    def _shared_key(self, application: Document, environment: Environment) -> tuple[Any, ...] | None:
        """What decides the merge, beside the workspace's own layers; null where an overlay is bound to the environment."""
        if any(overlay.environments for overlay in self.workspace.overlays.get(application.name, ())):
            return None
        if environment.name not in self._brought:
            said = [(key, label, id(layer)) for key in BROUGHT for label, layer in environment.layers(key)]
            self._brought[environment.name] = (environment.kubernetes, *said)
        return (application.file, application.index, self._brought[environment.name])

    def unscoped(self) -> frozenset[tuple[str, str]]:
        """(apiVersion, kind) of custom kinds of the workspace that have no namespace."""
        if self._unscoped is None:
            self._unscoped = frozenset((f"{group}/{version}", kind) for (group, version, kind), crd in self.workspace.crds.items() if not crd.namespaced)
        return self._unscoped

    def _merged(self, application: Document, environment: Environment, sets: Map | None) -> Merged:
        overlays = self.workspace.overlays.get(application.name, ())
        on_environment = self._environment_parts(overlays, environment)
        features = self._features(application, environment, on_environment, sets)
        parts = [Part(5, f"Application {application.name}", application, application.spec)]
        parts += self._feature_parts(overlays, application, features, environment)
        parts += [part for part in on_environment if all(features.get(f) is True for f in as_names(part.document.data.get("features")))]
        self._conflicts(parts)
        if sets is not None:
            parts.append(Part(10, "--set", application, sets))
        values = self._values(parts, environment)
        profile = self._chosen("profile", [(p.spec, p.label) for p in parts]) or ""
        style = self._chosen("selectorStyle", [(p.spec, p.label) for p in parts]) or ""
        workloads: dict[str, MergedWorkload] = {}
        for name in dict.fromkeys(n for p in parts for n in (p.spec.get("workloads") or ())):
            one = self._workload(name, parts, environment, profile, style)
            if one is not None:
                workloads[name] = one
        owner = next((str(p.spec["owner"]) for p in reversed(parts) if p.spec.get("owner") is not None), None)
        return Merged(features, values, profile or PROFILES[0], owner, workloads, *self._rest(parts, environment))

    # -- which documents -------------------------------------------------------------------------------------------------

    def _environment_parts(self, overlays: tuple[Overlay, ...], environment: Environment) -> list[Part]:
        """Layer 7: overlays bound to the environment or an ancestor, root first, then by place."""
        found = []
        for overlay in overlays:
            depth = bound(environment, overlay.environments) if overlay.environments else None
            if depth is not None:
                label = f"Overlay {overlay.document.name}, environment {environment.names[depth]}"
                found.append(Part(7, label, overlay.document, overlay.document.spec, depth))
        return sorted(found, key=lambda p: (p.depth, p.document.file, p.document.index))

    def _feature_parts(self, overlays: tuple[Overlay, ...], application: Document, features: Map, environment: Environment) -> list[Part]:
        """Layer 6: overlays bound to features that are on, in the order the application declares the features."""
        declared = list(application.spec.get("features") or ())
        found = []
        for overlay in overlays:
            if overlay.environments or not overlay.features:
                continue
            if overlay.document.spec.get("features"):
                self.diagnostics.error(
                    "feature-sets-feature",
                    "expected an overlay bound to a feature to leave 'features' alone, found it set here",
                    overlay.document.spec.key_place("features"),
                    hint="set the feature in the Application, an Environment, or an overlay bound to an environment",
                )
            if all(features.get(feature) is True for feature in overlay.features):
                last = max(declared.index(f) for f in overlay.features)
                found.append(
                    (last, overlay.order, Part(6, f"Overlay {overlay.document.name}, feature {declared[last]}", overlay.document, overlay.document.spec))
                )
        return [part for _, _, part in sorted(found, key=lambda item: item[:2])]

    def _conflicts(self, parts: list[Part]) -> None:
        """Two overlays on one environment that set the same leaf to different values: nobody could say which was meant."""
        by_depth: dict[int, dict[Path, tuple[Any, Place | None, Document]]] = {}
        for part in parts:
            if part.number != 7:
                continue
            known = by_depth.setdefault(part.depth, {})
            for path, value, place in leaves(part.spec):
                before = known.get(path)
                if before is None:
                    known[path] = (value, place, part.document)
                elif before[2] is not part.document and before[0] != value:
                    self.diagnostics.error(
                        "overlay-conflict",
                        f"expected one overlay per environment to set '{dotted(path)}', found another value at {before[1]}",
                        place,
                        hint="keep one of them, or bind one to a narrower environment",
                        path=dotted(path),
                    )

    # -- features and values -------------------------------------------------------------------------------------------------

    def _layer(self, label: str, *, warn: bool = True, native: Any = None) -> Layer:
        return Layer(label, self.diagnostics, warn, self.trace, native, QUIET)

    def _features(self, application: Document, environment: Environment, parts: list[Part], sets: Map | None) -> Map:
        """Application, then the environment's chain (declared ones only), then overlays bound to environments."""
        declared = application.spec.get("features") or Map()
        out = merge(Map(), declared, self._layer(f"Application {application.name}"), path=("features",))
        for label, said in environment.layers("features"):
            known = Map({k: v for k, v in said.items() if k in declared}, said.at)
            known.places.update(said.places)
            out = merge(out, known, self._layer(label, warn=False), path=("features",))
        for part in parts:
            if isinstance(part.spec.get("features"), Map):
                out = merge(out, part.spec["features"], self._layer(part.label), path=("features",))
        if sets is not None and isinstance(sets.get("features"), Map):
            out = merge(out, sets["features"], self._layer("--set"), path=("features",))
        return out

    def _values(self, parts: list[Part], environment: Environment) -> Map:
        """Application, then the environment's chain, then overlays, then ``--set``."""
        out = Map()
        first, rest = parts[:1], parts[1:]
        layers = [(p.label, p.spec.get("values"), True) for p in first]
        layers += [(label, said, False) for label, said in environment.layers("values")]
        layers += [(p.label, p.spec.get("values"), True) for p in rest]
        for label, said, warn in layers:
            if isinstance(said, Map):
                out = merge(out, said, self._layer(label, warn=warn), path=("values",))
        return out

    # -- workloads -------------------------------------------------------------------------------------------------

    def _chosen(self, key: str, layers: list[tuple[Map, str]]) -> str | None:
        """The last layer's word for a field that must be known before the layers it chooses."""
        return next((str(spec[key]) for spec, _ in reversed(layers) if isinstance(spec.get(key), str)), None)

    def _workload(self, name: str, parts: list[Part], environment: Environment, app_profile: str, app_style: str) -> MergedWorkload | None:
        said = [(p, p.spec["workloads"][name]) for p in parts if name in (p.spec.get("workloads") or ())]
        gone = max((i for i, (_, spec) in enumerate(said) if spec is None), default=-1)
        if gone >= 0 and self.trace is None:
            self._warn_gone(name, said[: gone + 1])
        said = said[gone + 1 :]
        if not said:
            return None
        place = said[0][1].at if isinstance(said[0][1], Map) else None
        kind = self._type(name, said, environment)
        if kind is None:
            return None
        own = [(spec, p.label) for p, spec in said]
        general = self._general(environment, kind)
        profile = self._chosen("profile", own) or app_profile or self._chosen("profile", general) or PROFILES[0]
        style = self._chosen("selectorStyle", own) or app_style or self._chosen("selectorStyle", general) or "recommended"
        main = main_container(name, [spec for _, spec in said])
        spec = self._merge_workload(name, said, environment, kind, profile, main)
        key_place = said[0][0].spec["workloads"].key_place(name)
        return MergedWorkload(name, kind, profile, style, main, spec, key_place or place)

    def _warn_gone(self, name: str, said: list[tuple[Part, Any]]) -> None:
        if not any(isinstance(spec, Map) for _, spec in said):
            part = said[-1][0]
            workloads = part.spec["workloads"]
            self.diagnostics.warning(
                "delete-hits-nothing",
                f"null deletes the workload '{name}', which no layer below has",
                workloads.key_place(name),
                hint="remove the line, or correct the name",
            )

    def _type(self, name: str, said: list[tuple[Part, Any]], environment: Environment) -> ComponentType | None:
        """The workload's component type. An unknown one was told when the documents were loaded."""
        written = self._chosen("type", [(spec, "") for _, spec in said]) or "service"
        kind = self.workspace.types.get(written)
        place = next((spec.place("type") for _, spec in reversed(said) if isinstance(spec.get("type"), str)), None)
        if kind is None:
            return None
        if kind.abstract:
            self.diagnostics.error(
                "abstract-type", f"expected a type that renders, found the abstract type '{written}'", place, hint="use a type that extends it"
            )
            return None
        return kind

    def _general(self, environment: Environment, kind: ComponentType) -> list[tuple[Map, str]]:
        """Layers 3 and 4 as (written map, label): what the workspace and the environments say of workloads of this type."""
        layers = []
        sources = [(f"Workspace {self.workspace.name} default", self.workspace.spec.get("defaults"))]
        sources += [(f"{label} default", said) for label, said in environment.layers("defaults")]
        for label, defaults in sources:
            layers += general_layers(label, defaults, kind)
        return layers

    def _merge_workload(self, name: str, said: list[tuple[Part, Any]], environment: Environment, kind: ComponentType, profile: str, main: str) -> Map:
        normal = [(part, self._normalised(part, name, spec, main)) for part, spec in said]
        names = [main, *(n for _, spec in normal for n in (spec.get("containers") or ()) if n not in (main, "$replace"))]
        path: Path = ("workloads", name)
        native = self._native(environment, kind)
        out = instantiate(self.defaults(environment, kind, profile, path), main, names)
        enforced = instantiate(self.enforced(environment, kind, path), main, names)
        for part, spec in normal:
            if part.number < 9:
                self._refuse_enforced(enforced, spec, path, environment)
        for part, spec in (item for item in normal if item[0].number < 9):
            out = merge(out, spec, self._layer(part.label, native=native), WORKLOAD, path)
        if enforced:
            out = merge(out, enforced, self._layer(f"Environment {environment.name} enforced", warn=False, native=native), WORKLOAD, path)
        for part, spec in (item for item in normal if item[0].number > 9):
            out = merge(out, spec, self._layer(part.label, native=native), WORKLOAD, path)
        for key in CHOOSERS:
            out.pop(key, None)
        return out

    def _normalised(self, part: Part, name: str, spec: Map, main: str) -> Map:
        key = (part.document.file, part.document.index if part.number < 10 else -1, name, main)
        if key not in self._normal:
            self._normal[key] = normalise.workload(spec, main, self.diagnostics)
        return self._normal[key]

    def defaults(self, environment: Environment, kind: ComponentType, profile: str, path: Path = ()) -> Map:
        """Layers 1 to 4 of a type, merged, with ``MAIN`` and ``EVERY`` for containers."""
        key = (environment.name, kind.name, profile)
        if key in self._defaults and self.trace is None:
            return self._defaults[key]
        layers = [(label, said) for label, said in kind.profile_layers(profile)]
        layers += list(kind.defaults)
        layers += [(label, said) for said, label in self._general(environment, kind)]
        out = self._platform(layers, kind, environment, path)
        self._defaults[key] = out
        return out

    def enforced(self, environment: Environment, kind: ComponentType, path: Path = ()) -> Map:
        """Layer 9 of a type, root ancestor to leaf."""
        key = (environment.name, kind.name)
        if key not in self._enforced or self.trace is not None:
            layers = []
            for label, said in environment.layers("enforced"):
                layers += [(label, written) for written, label in general_layers(f"{label} enforced", said, kind)]
            trace, self.trace = self.trace, None
            self._enforced[key] = self._platform(layers, kind, environment, path) if layers else Map()
            self.trace = trace
        return self._enforced[key]

    def _platform(self, layers: list[tuple[str, Map]], kind: ComponentType, environment: Environment, path: Path) -> Map:
        from gitopsc.spec.fields import own_fields

        native = self._native(environment, kind)
        out = Map()
        for label, written in layers:
            normal = normalise.workload(own_fields(kind.base, written, kind.schema), MAIN, self.diagnostics, every=(EVERY,))
            out = merge(out, normal, self._layer(label, warn=False, native=native), WORKLOAD, path)
        return out

    def _refuse_enforced(self, enforced: Map, spec: Map, path: Path, environment: Environment) -> None:
        """A path that the environment enforces, set by an application or overlay: an error naming both, not a silent win."""
        for where, _, place in leaves(enforced):
            hit = touches(spec, where)
            if hit is not None:
                self.diagnostics.error(
                    "enforced",
                    f"expected '{dotted((*path, *where))}' to be left to environment '{environment.name}', which enforces it at {place}, found it set here",
                    hit,
                    hint="remove it here, or ask the platform team",
                    path=dotted((*path, *where)),
                )

    def _native(self, environment: Environment, kind: ComponentType) -> Any:
        """Composition of native fragments: nulls and ``$patch`` stay until the fragment meets its object."""
        from gitopsc.spec.strategic import Native, kind_keys, merge_map

        api, object_kind = NATIVE_KINDS[kind.base]

        def compose(base: Map, over: Map, where: tuple[str, ...], layer: Layer, path: Path) -> Map:
            pod = where[:3] == ("spec", "template", "spec")
            keys = kind_keys(environment.kubernetes, *(("apps/v1", "Deployment") if pod else (api, object_kind)), self.workspace.merge_keys)
            return merge_map(base, over, where, Native(keys, compose=True, diagnostics=self.diagnostics))

        return compose

    # -- the rest of an application -------------------------------------------------------------------------------------------------

    def _rest(self, parts: list[Part], environment: Environment) -> tuple[Map, Map, Seq]:
        """configs, manifests, patches. Patches of overlays add to the application's."""
        configs, manifests, patches = Map(), Map(), Seq()
        for part in parts:
            if isinstance(part.spec.get("configs"), Map):
                configs = merge(configs, part.spec["configs"], self._layer(part.label), PLAIN, ("configs",))
            if isinstance(part.spec.get("manifests"), Map):
                manifests = self._manifests(manifests, part, environment)
            said = part.spec.get("patches")
            if isinstance(said, dict):
                said = said.get("$append") or said.get("$replace")
            for index, item in enumerate(said or ()):
                patches.append(item)
                patches.places.append(said.place(index) if isinstance(said, Seq) else None)
        return configs, manifests, patches

    def _manifests(self, base: Map, part: Part, environment: Environment) -> Map:
        from gitopsc.spec.strategic import merge_native

        out = Map(base, base.at or part.spec["manifests"].at)
        out.places.update(base.places)
        layer = self._layer(part.label)
        for key, over in part.spec["manifests"].items():
            place = part.spec["manifests"].place(key)
            if over is None or key not in out or (isinstance(over, Map) and over.get("$replace") is True):
                single = Map({key: over}, part.spec["manifests"].at)
                single.places[key] = place or part.document.data.at  # type: ignore[assignment]
                single.keys_at.update(part.spec["manifests"].keys_at)
                out = merge(out, single, layer, PLAIN, ("manifests",))
            elif isinstance(over, Map) and isinstance(out[key], Map):
                api = str(over.get("apiVersion") or out[key].get("apiVersion") or "")
                kind = str(over.get("kind") or out[key].get("kind") or key.partition("/")[0])
                layer.note(("manifests", key), over, place)
                out[key] = merge_native(
                    out[key], over, api, kind, (), environment.kubernetes, registered=self.workspace.merge_keys, diagnostics=self.diagnostics
                )
        return out
