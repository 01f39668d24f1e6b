"""One application in one environment, resolved: layers merged, features decided, references expanded, services derived.

Everything is taken as far as it goes and every finding is gathered; ``resolve`` gives None where any of them is an error.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gitopsc.diagnostics import Diagnostics, Place
from gitopsc.spec.completing import Completing, ReadSource, copied, whole_image
from gitopsc.spec.documents import Document
from gitopsc.spec.kinds import Environment
from gitopsc.spec.layers import Layers, Merged, MergedWorkload
from gitopsc.spec.references import Expander, Found, Root, Unresolved, walk
from gitopsc.spec.resolved import Resolved, Service, Workload
from gitopsc.spec.services import governing_of, services_of
from gitopsc.spec.waves import waves_of
from gitopsc.values import Map, Seq

NOT_IN_SPEC = ("when", "unless", "services", "dependsOn")


def resolve(layers: Layers, application: Document, environment: Environment, read_source: ReadSource, sets: Map | None = None) -> Resolved | None:
    """The application in the environment, or None where it has errors (all of them in ``layers.diagnostics``, each naming both)."""
    mine = Diagnostics()
    outer, layers.diagnostics = layers.diagnostics, mine
    try:
        merged = layers.merged(application, environment, sets)
        one = Resolution(application, environment, merged, mine, read_source)
        result = one.result(layers.unscoped())
    finally:
        layers.diagnostics = outer
    outer.extend(replace(d, environment=environment.name, application=application.name) for d in mine)
    return None if mine.has_errors else result


class Resolution:
    """The references of one target: who answers for each root, and what was answered before."""

    def __init__(self, application: Document, environment: Environment, merged: Merged, diagnostics: Diagnostics, read_source: ReadSource) -> None:
        self.application, self.environment, self.merged = application, environment, merged
        self.diagnostics = diagnostics
        roots: dict[str, Root] = {
            "env": self._env,
            "app": self._app,
            "values": lambda steps, x: walk(merged.values, steps, "values", x),
            "features": lambda steps, x: walk(merged.features, steps, "features", x),
            "version": self._version,
            "workloads": self._workloads,
        }
        self.expander = Expander(roots, diagnostics)
        self.completing = Completing(self.expander, diagnostics, read_source, tuple(application.spec.get("workloads") or ()))
        self.namespace = self._namespace()
        self.kept = {name: one for name, one in merged.workloads.items() if self._stays(one)}
        self._services: dict[str, tuple[str | None, tuple[Service, ...]]] = {}

    # -- roots -------------------------------------------------------------------------------------------------

    def _env(self, steps: tuple[str, ...], expander: Expander) -> Found:
        environment = self.environment
        tree = Map({"name": environment.name, "region": environment.region, "stage": environment.stage, "facts": environment.facts})
        return walk(tree, steps, "env", expander)

    def _app(self, steps: tuple[str, ...], expander: Expander) -> Found:
        return walk(Map({"name": self.application.name}), steps, "app", expander)

    def _version(self, steps: tuple[str, ...], expander: Expander) -> Found:
        if steps:
            raise Unresolved(f"expected '${{version}}', found '${{version.{'.'.join(steps)}}}'", "'version' holds no names")
        return Found(self.version())

    def version(self) -> str | None:
        """The tag all images share, else that of the workload named like the application, else null."""
        tags = {name: self._tag(one) for name, one in self.kept.items()}
        known = set(tags.values())
        if len(known) == 1:
            return next(iter(known))
        return tags.get(self.application.name)

    def _tag(self, workload: MergedWorkload) -> str | None:
        container = (workload.spec.get("containers") or {}).get(workload.main)
        image = container.get("image") if isinstance(container, Map) else None
        if not isinstance(image, Map):
            return None
        done = whole_image(self._self(workload, self.expander).tree(image))
        tag = done.get("tag")
        return str(tag) if tag is not None else None

    def _workloads(self, steps: tuple[str, ...], expander: Expander) -> Found:
        from gitopsc.spec.nearest import near

        if not steps:
            raise Unresolved("expected '${workloads.<name>.host}', found no name", f"there is: {', '.join(self.kept)}")
        name, rest = steps[0], steps[1:]
        if name not in self.kept:
            if name in self.merged.workloads:
                raise Unresolved(
                    f"expected a workload that is on in this environment, found '{name}', which its 'when' drops",
                    "guard the reference's owner by the same feature",
                )
            raise Unresolved(f"expected the name of a workload, found '{name}'", near(name, self.kept))
        return self._of_workload(self.kept[name], rest, expander)

    def _of_workload(self, workload: MergedWorkload, steps: tuple[str, ...], expander: Expander) -> Found:
        """``host``, ``url``, ``ports.<p>``, ``services.<s>.host``."""
        _, services = self.services(workload, expander)
        what = f"workloads.{workload.name}"
        if not services:
            raise Unresolved(f"expected '{what}' to have a Service, found none", "give it a port, or a service under 'services'")
        own_namespace = self._workload_namespace(workload)

        def facts(service: Service) -> Map:
            here = service.name if own_namespace == self.namespace else f"{service.name}.{own_namespace}"
            out = Map({"host": here, "ports": Map({str(p.name): p.port for p in service.ports if p.name})})
            if service.ports:
                out["url"] = f"http://{here}:{service.ports[0].port}"
            return out

        first = facts(services[0])
        first["services"] = Map({service.key: facts(service) for service in services})
        all_ports = Map({name: port for service in reversed(services) for name, port in facts(service)["ports"].items()})
        first["ports"] = all_ports
        return walk(first, steps, what, expander)

    def _self(self, workload: MergedWorkload, expander: Expander) -> Expander:
        def answer(steps: tuple[str, ...], inner: Expander) -> Found:
            if steps == ("name",):
                return Found(workload.name)
            return walk(self._written_view(workload), steps, "self", inner)

        return expander.within({"self": self._memo(workload.name, answer)})

    def _memo(self, name: str, answer: Root) -> Root:
        known: dict[str, Root] = self.__dict__.setdefault("_self_roots", {})
        return known.setdefault(name, answer)

    def _written_view(self, workload: MergedWorkload) -> Map:
        """A workload's fields as a person would name them: its own, and its main container's."""
        container = (workload.spec.get("containers") or {}).get(workload.main)
        view = Map({**(container if isinstance(container, Map) else {}), **workload.spec})
        view.raw = {**(container.raw if isinstance(container, Map) else {}), **workload.spec.raw}
        return view

    # -- deciding -------------------------------------------------------------------------------------------------

    def _namespace(self) -> str:
        rule = self.environment.target.get("namespace", "${app.name}")
        return str(self.expander.tree(rule, self.environment.target.place("namespace"))) if isinstance(rule, str) else self.application.name

    def _workload_namespace(self, workload: MergedWorkload) -> str:
        written = workload.spec.get("namespace")
        if not isinstance(written, str):
            return self.namespace
        return str(self._self(workload, self.expander).tree(written, workload.spec.place("namespace")))

    def _stays(self, workload: MergedWorkload) -> bool:
        spec = workload.spec
        return self.decide(spec.get("when", True), spec.place("when")) and not self.decide(spec.get("unless", False), spec.place("unless"))

    def decide(self, condition: Any, place: Place | None) -> bool:
        """A ``when``: a boolean or a reference; an absent fact is false."""
        if not isinstance(condition, str):
            return bool(condition)
        try:
            value = self.expander.find(condition[2:-1]).value if condition.startswith("${") and condition.endswith("}") else condition
        except Unresolved as problem:
            if condition.startswith("${env.facts.") or problem.code == "null-reference":
                return False
            self.diagnostics.error(problem.code, problem.message, place, hint=problem.hint)
            return False
        return bool(value) and value not in ("false", "none")

    # -- workloads -------------------------------------------------------------------------------------------------

    def services(self, workload: MergedWorkload, expander: Expander | None = None) -> tuple[str | None, tuple[Service, ...]]:
        """(serviceName, Services) of a workload."""
        if workload.name not in self._services:
            own = self._self(workload, expander or self.expander)
            spec = Map({}, workload.spec.at)
            spec.removed = workload.spec.removed
            containers = workload.spec.get("containers") or Map()
            spec["containers"] = Map(
                {key: Map({"ports": own.tree(c["ports"])}) for key, c in containers.items() if isinstance(c, Map) and isinstance(c.get("ports"), Map)}
            )
            if "services" in workload.spec:
                spec.put("services", own.tree(workload.spec["services"]), workload.spec.place("services"))
            found = services_of(workload.name, workload.type.base, spec, self.diagnostics)
            self._services[workload.name] = governing_of(workload.name, workload.type.base, found, workload.place, self.diagnostics)
        return self._services[workload.name]

    def result(self, cluster_kinds: frozenset[tuple[str, str]] = frozenset()) -> Resolved:
        """Every part expanded. Meaningless where ``diagnostics`` has errors."""
        merged, environment = self.merged, self.environment
        waves = waves_of(self.kept, self.merged.workloads, self.diagnostics)
        workloads = tuple(self._workload(one, waves.get(name, 0)) for name, one in self.kept.items())
        return Resolved(
            application=self.application.name,
            environment=environment.name,
            owner=merged.owner,
            namespace=self.namespace,
            kubernetes=environment.kubernetes,
            facts=self.expander.tree(environment.facts),
            values=self.expander.tree(merged.values),
            features=merged.features,
            version=self.version(),
            stage=environment.stage,
            region=environment.region,
            engine=environment.engine,
            workloads=workloads,
            configs=self._text_tree(merged.configs),
            manifests=self.expander.tree(merged.manifests),
            patches=self._patches(),
            profile=merged.profile,
            cluster_kinds=cluster_kinds,
        )

    def _patches(self) -> Seq:
        done = self.expander.tree(self.merged.patches)
        assert isinstance(done, Seq)
        return done

    def _text_tree(self, configs: Map) -> Map:
        done = self.expander.tree(configs)
        assert isinstance(done, Map)
        return done

    def _workload(self, merged: MergedWorkload, wave: int) -> Workload:
        from gitopsc.spec.schema import check_workload

        own = self._self(merged, self.expander)
        spec = Map({key: value for key, value in merged.spec.items() if key not in NOT_IN_SPEC}, merged.spec.at)
        spec.places, spec.removed, spec.raw, spec.keys_at = merged.spec.places, merged.spec.removed, merged.spec.raw, merged.spec.keys_at
        failed = len(self.diagnostics)
        spec = self._environment_variables(spec, own)
        spec = own.tree(spec)
        spec = self.completing.workload(merged, spec)
        if len(self.diagnostics) == failed:
            check_workload(
                spec, base=merged.type.base, extra=merged.type.schema, path=f"spec.workloads.{merged.name}", diagnostics=self.diagnostics, resolved=True
            )
        governing, services = self.services(merged)
        return Workload(
            name=merged.name,
            application=self.application.name,
            type=merged.type.name,
            base=merged.type.base,
            profile=merged.profile,
            selector=self._selector(merged, spec),
            namespace=self._workload_namespace(merged),
            main=merged.main,
            spec=spec,
            services=services,
            governing=governing,
            waves=wave or None,
            version=self._tag(merged),
            place=merged.place,
        )

    def _environment_variables(self, spec: Map, own: Expander) -> Map:
        """Values of environment variables are text: a number that a reference names keeps its source text."""
        containers = spec.get("containers")
        if not isinstance(containers, Map):
            return spec
        for container in containers.values():
            env = container.get("env") if isinstance(container, Map) else None
            for entry in env.values() if isinstance(env, Map) else ():
                text = entry.get("value") if isinstance(entry, Map) else None
                if isinstance(text, str) and text.startswith("${") and text.endswith("}"):
                    return self._with_text(spec, containers, own)
        return spec

    def _with_text(self, spec: Map, containers: Map, own: Expander) -> Map:
        out_containers = copied(containers)
        for name, container in containers.items():
            env = container.get("env") if isinstance(container, Map) else None
            if not isinstance(env, Map):
                continue
            new_env = copied(env)
            for key, entry in env.items():
                text = entry.get("value") if isinstance(entry, Map) else None
                if isinstance(text, str) and "$" in text:
                    new = copied(entry)
                    new["value"] = own.spliced(text, entry.place("value")).replace("$", "$$")
                    new_env[key] = new
            new_container = copied(container)
            new_container["env"] = new_env
            out_containers[name] = new_container
        out = copied(spec)
        out["containers"] = out_containers
        return out

    def _selector(self, merged: MergedWorkload, spec: Map) -> Map:
        written = spec.get("selectorLabels")
        if isinstance(written, Map):
            return written
        if merged.selector_style == "app":
            return Map({"app": merged.name}, merged.place)
        return Map({"app.kubernetes.io/name": merged.name, "app.kubernetes.io/instance": self.application.name}, merged.place)
