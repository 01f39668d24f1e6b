"""``gitopsc explain``: where a value came from, forwards from a path of the specs and backwards from a manifest."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from gitopsc.compile import Compiler
from gitopsc.diagnostics import Diagnostics, Invalid, Place
from gitopsc.objects import Manifest
from gitopsc.options import Options
from gitopsc.report.result import Result, empty
from gitopsc.spec.general import EVERY, MAIN
from gitopsc.spec.kinds import Environment
from gitopsc.spec.merge import dotted
from gitopsc.spec.nearest import near
from gitopsc.spec.normalise import CONTAINER_FIELDS
from gitopsc.spec.paths import find, parse_path, parse_sets
from gitopsc.spec.resolved import Resolved
from gitopsc.values import Map, Path, place_of, plain
from gitopsc.workspace import finished, open_folder, selected_applications, selected_environments

KIND = "ExplainResult"
REFERENCE = re.compile(r"\$\{((?:values|env\.facts|features)\.[^}]+)\}")
WORKLOAD_KINDS = {"service": "Deployment", "worker": "Deployment", "stateful": "StatefulSet", "daemon": "DaemonSet", "job": "Job", "cronjob": "CronJob"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One layer's word on one path."""

    path: Path
    value: Any
    place: Place | None
    layer: str
    operation: str


@dataclass(slots=True)
class Recorder:
    """A merge trace that keeps everything it hears, oldest first."""

    entries: list[Entry] = field(default_factory=list)

    def set(self, path: Path, value: Any, place: Place | None, layer: str, operation: str) -> None:
        """See ``merge.Trace``."""
        self.entries.append(Entry(path, value, place, layer, operation))


@dataclass(frozen=True, slots=True)
class Question:
    """A target, resolved with everything that its layers said, and rendered."""

    resolved: Resolved
    manifests: list[Manifest]
    environment: Environment
    entries: list[Entry]


def explain(
    options: Options, application: str, environment: str, path: str | None, object_: str | None, object_path: str | None, sets: tuple[str, ...]
) -> Result:
    """The value at ``path`` of the resolved specs, or at ``object_path`` of the manifest ``object_`` (``Kind/name``), and who set it.

    Places come newest first; exactly one is effective. Raises ``Invalid`` for a path that leads nowhere.
    """
    opened = open_folder(options)
    diagnostics = Diagnostics(opened.diagnostics)
    asked: Question | None = None
    if opened.workspace is not None:
        chosen = selected_environments(opened.workspace, [environment])
        names = selected_applications(opened.workspace, [application])
        if chosen and names:
            compiler = Compiler(opened.workspace, opened.files, options.limits, options.allow_missing_schema)
            recorder = Recorder()
            compiler.layers().trace = recorder
            resolved, manifests = compiler.manifests(application, chosen[0], diagnostics, parse_sets(sets))
            if resolved is not None:
                asked = Question(resolved, manifests, chosen[0], recorder.entries)
    found, stop = finished([d for d in diagnostics if d.application in (None, application)], options)
    if stop or asked is None:
        return empty(KIND, found, opened.sources(found))
    value, places, title = _backwards(asked, object_, object_path) if object_ is not None else _forwards(asked, parse_path(path or ""))
    data = {"value": plain(value), "places": [_json(e, n == 0) for n, e in enumerate(places)]}
    return Result(KIND, data, found, text=_text(title, value, places, asked), sources=opened.sources(found))


def _json(entry: Entry, effective: bool) -> dict[str, Any]:
    file, line, column = entry.place or (None, None, None)
    return {
        "file": file,
        "line": line,
        "column": column,
        "layer": entry.layer,
        "operation": entry.operation,
        "value": plain(entry.value),
        "effective": effective,
    }


# -- forwards ---------------------------------------------------------------------------------------------------------


def _forwards(asked: Question, path: Path) -> tuple[Any, list[Entry], str]:
    if path[:2] == ("env", "facts"):
        return _fact(asked, path[2:])
    if path and path[0] in ("values", "features"):
        tree = asked.resolved.values if path[0] == "values" else asked.resolved.features
        value = _at(tree, path[1:], path)
        return value, _said(asked, path, None), dotted(path)
    if path and path[0] in ("configs", "manifests"):
        tree = asked.resolved.configs if path[0] == "configs" else asked.resolved.manifests
        return _at(tree, path[1:], path), _said(asked, path, None), dotted(path)
    if not path or path[0] != "workloads":
        raise Invalid(
            f"expected a path that begins with workloads, values, features, configs, manifests or env.facts, found '{dotted(path)}'",
            hint="for example workloads.api.scale.replicas",
            code="bad-path",
        )
    return _workload(asked, path)


def _workload(asked: Question, path: Path) -> tuple[Any, list[Entry], str]:
    workloads = {w.name: w for w in asked.resolved.workloads}
    name = str(path[1]) if len(path) > 1 else ""
    if name not in workloads:
        raise Invalid(f"expected the name of a workload in '{dotted(path)}', found '{name}'", hint=near(name, workloads), code="bad-path")
    workload = workloads[name]
    steps = path[2:]
    if steps and steps[0] in CONTAINER_FIELDS:
        steps = ("containers", workload.main, *steps)
    exact: Path = ("workloads", name, *steps)
    entries = _said(asked, exact, workload.main)
    try:
        value, done = find(workload.spec, steps)
    except KeyError as error:
        derived = _derived(asked, name, steps)
        if derived is not None:
            return derived
        if entries:
            return None, entries, dotted(path)
        found = error.args[0]
        raise Invalid(
            f"expected '{dotted(path)}' to be set in environment '{asked.environment.name}', found nothing there",
            hint=f"'{dotted(('workloads', name, *found)) if found else dotted(path[:2])}' has: {_known(workload.spec, found)}",
            code="bad-path",
        ) from None
    if isinstance(value, Map) and len(value) == 1 and "value" in value and "env" in steps:
        value = value["value"]
        entries = _said(asked, (*exact, "value"), workload.main) or entries
    if steps and steps[-1] == "image" and isinstance(value, Map):
        value = image_text(value)
    return value, entries or [Entry(exact, value, place_of(workload.spec, done), "resolved", "set")], dotted(path)


def image_text(image: Map) -> str:
    """An image as one reference."""
    tag = f":{image['tag']}" if image.get("tag") else ""
    return f"{image.get('repository')}{tag}" + (f"@{image['digest']}" if image.get("digest") else "")


def _known(spec: Map, steps: Path) -> str:
    node, _ = find(spec, steps)
    names = list(node) if isinstance(node, dict) else []
    return ", ".join(str(n) for n in names[:12]) or "no names"


def _said(asked: Question, path: Path, main: str | None) -> list[Entry]:
    """Every layer's word on the path, on what is below it, or on what is above it, newest first; the last of one layer and place once."""
    out: list[Entry] = []
    for entry in asked.entries:
        own = _renamed(entry.path, path, main)
        if own[: len(path)] == path or (path[: len(own)] == own and entry.operation != "set"):
            out.append(Entry(own, entry.value, entry.place, entry.layer, entry.operation))
    return _gathered(out, path)[::-1]


def _gathered(entries: list[Entry], path: Path) -> list[Entry]:
    """What one layer says below the path, as one word: a map of its leaves."""
    out: list[Entry] = []
    for entry in entries:
        below = entry.path[len(path) :]
        last = out[-1] if out else None
        if not below or entry.operation != "set":
            out.append(entry)
        elif last is not None and (last.layer, last.operation, last.path) == (entry.layer, "set", path) and isinstance(last.value, Map):
            _put(last.value, below, entry)
        else:
            value = Map((), entry.place)
            _put(value, below, entry)
            out.append(Entry(path, value, entry.place, entry.layer, "set"))
    return out


def _put(tree: Map, steps: Path, entry: Entry) -> None:
    for step in steps[:-1]:
        tree = tree.setdefault(str(step), Map((), entry.place))
    tree.put(str(steps[-1]), entry.value, entry.place)


def _renamed(path: Path, wanted: Path, main: str | None) -> Path:
    """An entry of a layer that speaks of containers in general, as one of the container asked for."""
    if len(path) > 3 and path[3] in (MAIN, EVERY) and len(wanted) > 3 and main is not None:
        fits = (wanted[3] == main) == (path[3] == MAIN)
        return (*path[:3], wanted[3], *path[4:]) if fits else path
    return path


def _at(tree: Any, steps: Path, path: Path) -> Any:
    try:
        return find(tree, steps)[0]
    except KeyError as error:
        known = find(tree, error.args[0])[0]
        missing = str(steps[len(error.args[0])])
        names = list(known) if isinstance(known, dict) else []
        raise Invalid(f"expected '{dotted(path)}' to be set, found nothing there", hint=near(missing, names), code="bad-path") from None


def _fact(asked: Question, steps: Path) -> tuple[Any, list[Entry], str]:
    value = _at(asked.resolved.facts, steps, ("env", "facts", *steps)) if steps else asked.resolved.facts
    entries = []
    for label, facts in asked.environment.layers("facts"):
        try:
            said, done = find(facts, steps)
        except KeyError:
            continue
        entries.append(Entry(("env", "facts", *steps), said, place_of(facts, done), label, "set"))
    return value, entries[::-1], dotted(("env", "facts", *steps))


def _derived(asked: Question, name: str, steps: Path) -> tuple[Any, list[Entry], str] | None:
    """What a type derives from other fields, found in the manifest it went to."""
    workload = next(w for w in asked.resolved.workloads if w.name == name)
    kind = WORKLOAD_KINDS[workload.base]
    pod: Path = ("spec", "jobTemplate", "spec", "template", "spec") if kind == "CronJob" else ("spec", "template", "spec")
    where: tuple[str, Path] | None = None
    if steps == ("disruption",):
        where = ("PodDisruptionBudget", ("spec",))
    elif steps == ("spread",):
        where = (kind, (*pod, "topologySpreadConstraints"))
    elif len(steps) > 2 and steps[0] == "containers" and steps[2] in ("resources", "lifecycle", "security"):
        target = {"security": "securityContext"}.get(str(steps[2]), str(steps[2]))
        where = (kind, (*pod, "containers", steps[1], target, *steps[3:]))
    manifest = next((m for m in asked.manifests if where is not None and m.workload == name and m.ref.kind == where[0]), None)
    if where is None or manifest is None:
        return None
    try:
        value, done = find(manifest.data, where[1])
    except KeyError:
        return None
    return value, [Entry(steps, value, place_of(manifest.data, done), f"type {workload.type}", "derived")], dotted(("workloads", name, *steps))


# -- backwards ---------------------------------------------------------------------------------------------------------


def _backwards(asked: Question, object_: str, object_path: str | None) -> tuple[Any, list[Entry], str]:
    kind, _, name = object_.partition("/")
    found = [m for m in asked.manifests if m.ref.name == name and m.ref.kind.lower() == kind.lower()]
    if not found:
        known = [f"{m.ref.kind}/{m.ref.name}" for m in asked.manifests]
        raise Invalid(f"expected an object of this target, found '{object_}'", hint=near(object_, known), code="unknown-object")
    manifest = found[0]
    path = parse_path(object_path) if object_path else ()
    title = f"{manifest.ref.kind}/{manifest.ref.name}{f' {object_path}' if object_path else ''}"
    try:
        value, done = find(manifest.data, path)
    except KeyError as error:
        node, _ = find(manifest.data, error.args[0])
        names = [str(n) for n in node] if isinstance(node, dict) else []
        raise Invalid(
            f"expected '{dotted(path)}' in {manifest.ref}, found nothing there", hint=near(str(path[len(error.args[0])]), names), code="bad-path"
        ) from None
    place = place_of(manifest.data, done) or manifest.origin
    origin = next((e for e in reversed(asked.entries) if place is not None and e.place == place and e.operation != "one-of"), None)
    if origin is None:
        built_in = place is None or place.file.startswith("gitopsc:")
        return value, [Entry(path, value, place, "template" if built_in else "spec", "template" if built_in else "set")], title
    main = next((w.main for w in asked.resolved.workloads if len(origin.path) > 1 and w.name == origin.path[1]), None)
    exact = _renamed(origin.path, ("workloads", origin.path[1], "containers", main) if main and len(origin.path) > 3 else origin.path, main)
    return value, _said(asked, exact, main), title


# -- text ---------------------------------------------------------------------------------------------------------


def _text(title: str, value: Any, places: list[Entry], asked: Question) -> str:
    """A line a place: where, what, whether it is in effect, whose word it is."""
    rows = [(f"{e.place.file}:{e.place.line}:" if e.place else "(nowhere):", _word(e.value), e, n == 0) for n, e in enumerate(places)]
    first = max((len(r[0]) for r in rows), default=0)
    second = max((len(r[1]) for r in rows), default=0)
    lines = [f"{title} = {_word(value)}"]
    for where, said, entry, effective in rows:
        mark = "<- effective" if effective else "(overridden)"
        what = "" if entry.operation == "set" else f", {entry.operation}" if entry.operation != "one-of" else ", dropped by one-of"
        lines.append(f"{where:<{first}} {said:<{second}} {mark}  ({entry.layer}{what})")
    for name in dict.fromkeys(REFERENCE.findall(str(places[0].value)) if places else ()):
        try:
            _, behind, _ = _forwards(asked, parse_path(name))
        except Invalid:
            continue
        lines += [f"  ${{{name}}}: {e.place.file}:{e.place.line}: {_word(e.value)}  ({e.layer})" for e in behind[:1] if e.place]
    return "\n".join(lines) + "\n"


def _word(value: Any) -> str:
    import json

    if isinstance(value, str):
        return f"'{value}'" if len(value) <= 80 else f"'{value[:77]}…'"
    text = json.dumps(plain(value), ensure_ascii=False)
    return text if len(text) <= 80 else text[:77] + "…"
