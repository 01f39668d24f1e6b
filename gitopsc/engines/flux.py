"""The objects that let Flux reconcile an environment: a GitRepository, and a Kustomization for each part of each application."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from gitopsc.diagnostics import Diagnostic
from gitopsc.engines.source import Ignored, Source, annotated, ignored, not_kept, seconds
from gitopsc.engines.subject import Application, Environment, Made, group_of, shortened
from gitopsc.engines.waves import Part, parts

NAMESPACE = "flux-system"
_TOOLKIT = "kustomize.toolkit.fluxcd.io"
_DELETION = {"orphan": "Orphan", "wait": "WaitForTermination"}
_OBJECT = re.compile(r"(?<![\w.'\"])object\.")
_BARE = re.compile(r"(?<![\w.'\"])object\b|\bhas\(\s*\w+\s*\)")
_GIVEN = {
    "gitopsc.dev/prune": ("disabled", {f"{_TOOLKIT}/prune": "disabled"}),
    "gitopsc.dev/recreate": ("allowed", {f"{_TOOLKIT}/force": "enabled"}),
    "gitopsc.dev/apply": ("merge", {f"{_TOOLKIT}/ssa": "Merge"}),
}
"""Annotations that Flux knows by other words."""


def flux(environment: Environment, source: Source) -> tuple[list[Made], list[Diagnostic]]:
    """Everything to apply, and what the environment says that Flux does not keep."""
    apps = environment.applications
    homes = {app.name: _home(environment, app, source) for app in apps}
    last = {app.name: _name(environment, app, parts(app.objects)[-1]) for app in apps}
    repositories = [_repository(environment, source, home) for home in sorted(set(homes.values()))]
    kustomizations = [one for app in apps for one in _application(environment, app, source, homes, last)]
    return [*_namespaces(environment), *repositories, *kustomizations], _lost(environment)


def _home(environment: Environment, app: Application, source: Source) -> str:
    """Where an application's Kustomizations stand: Flux impersonates accounts of their own namespace alone."""
    account = environment.account(app)
    return account[0] if account else source.namespace


def _namespaces(environment: Environment) -> list[Made]:
    """Flux makes none. They stay when what brought them is gone."""
    return [{**one, "metadata": {**one["metadata"], "annotations": {f"{_TOOLKIT}/prune": "disabled"}}} for one in environment.namespaces()]


def _repository(environment: Environment, source: Source, namespace: str) -> Made:
    spec: Made = {"interval": seconds(environment, "interval", "60s"), "url": source.url, "ref": {"branch": source.branch}}
    if source.secret:
        spec["secretRef"] = {"name": source.secret}
    if environment.lock.get("requireSigned") is True:
        spec["verify"] = {"mode": "HEAD", "secretRef": {"name": f"{_shared(source)}-signers"}}
    metadata = {"name": _repository_name(environment, source), "namespace": namespace}
    return {"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository", "metadata": metadata, "spec": spec}


def _shared(source: Source) -> str:
    return shortened(f"gitopsc-{source.name}" if source.name else "gitopsc", 50)


def _repository_name(environment: Environment, source: Source) -> str:
    """One an environment: each has its own interval, and its own rule about signatures."""
    return shortened(f"{_shared(source)}-{environment.name}")


def _name(environment: Environment, app: Application, part: Part) -> str:
    return shortened("-".join(word for word in (environment.name, app.name, part.suffix) if word))


def _application(environment: Environment, app: Application, source: Source, homes: Mapping[str, str], last: Mapping[str, str]) -> Iterable[Made]:
    before = [(homes[other], last[other]) for other in app.depends_on if other in last]
    for part in parts(app.objects):
        name, home = _name(environment, app, part), homes[app.name]
        yield {
            "apiVersion": f"{_TOOLKIT}/v1",
            "kind": "Kustomization",
            "metadata": {"name": name, "namespace": home},
            "spec": _spec(environment, app, source, part, [_reference(one, home) for one in before]),
        }
        before = [(home, name)]


def _reference(other: tuple[str, str], home: str) -> dict[str, str]:
    namespace, name = other
    return {"name": name} if namespace == home else {"name": name, "namespace": namespace}


def _spec(environment: Environment, app: Application, source: Source, part: Part, before: list[dict[str, str]]) -> Made:
    rules = environment.rules
    account = environment.account(app)
    patches = [*map(_without, part.others), *_given(app), *(_jobs() if part.jobs else ()), *(_unsaid(rule) for rule in ignored(environment)[0])]
    health, _ = _health(environment, app)
    spec: Made = {
        "interval": seconds(environment, "interval", "60s"),
        "timeout": seconds(environment, "timeout", "5m"),
        "sourceRef": {"kind": "GitRepository", "name": _repository_name(environment, source)},
        "path": f"./{source.folder(environment.name, app.name)}",
        "prune": True,
        "wait": True,
    }
    deletion = _DELETION.get(str(rules.get("deletionPolicy")))
    optional: Made = {
        "dependsOn": before,
        "deletionPolicy": deletion,
        "suspend": rules.get("suspend") is True,
        "serviceAccountName": account[1] if account else None,
        "patches": patches,
        "decryption": {"provider": "sops"} if any("sops" in data for data in app.objects) else None,
        "healthCheckExprs": health,
    }
    return {**spec, **{key: value for key, value in optional.items() if value}}


def _patch(body: Mapping[str, Any], **target: str | None) -> Made:
    """A merge patch for whatever the target fits; its own name counts for nothing. (JSON is YAML.)"""
    text = json.dumps({"apiVersion": "v1", "kind": "Object", "metadata": {"name": "any"}, **body}, ensure_ascii=False)
    return {"target": {key: value for key, value in target.items() if value is not None}, "patch": text}


def _without(selector: str) -> Made:
    """Leave out what is in another part."""
    return _patch({"$patch": "delete"}, annotationSelector=selector)


def _given(app: Application) -> list[Made]:
    """Annotations in the words of Flux, where the application uses them."""
    return [
        _patch({"metadata": {"name": "any", "annotations": words}}, annotationSelector=f"{annotation}={value}")
        for annotation, (value, words) in _GIVEN.items()
        if annotated([app], annotation, value)
    ]


def _jobs() -> list[Made]:
    """A job is made anew where its manifest changes, and stays as the sign that it has run: one that its TTL removed would run again."""
    annotations = {f"{_TOOLKIT}/force": "enabled"}
    return [_patch({"metadata": {"name": "any", "annotations": annotations}, "spec": {"ttlSecondsAfterFinished": None}}, kind="Job", group="batch")]


def _unsaid(rule: Ignored) -> Made:
    """Fields that are left to others are not sent."""
    body: Made = {}
    for path in rule.paths:
        inner = body
        for step in path[:-1]:
            inner = inner.setdefault(step, {})
        inner[path[-1]] = None
    return _patch(body, group=rule.group, kind=rule.kind, namespace=rule.namespace, name=rule.name)


def _health(environment: Environment, app: Application) -> tuple[list[Made], bool]:
    """The environment's expressions for the kinds that the application has, and whether all of them could be said. Flux names an object's fields
    without ``object``.
    """
    kinds = {(group_of(one), str(one.get("kind"))): str(one.get("apiVersion")) for one in app.objects}
    out, whole = [], True
    for rule in environment.lock.get("health") or ():
        version = kinds.get((str(rule.get("group") or ""), str(rule.get("kind"))))
        if version is None:
            continue
        said = {key: _OBJECT.sub("", str(rule[key])) for key in ("current", "inProgress", "failed") if rule.get(key)}
        if "current" not in said or any(_BARE.search(text) for text in said.values()):
            whole = False
            continue
        out.append({"apiVersion": version, "kind": str(rule["kind"]), **said})
    return out, whole


def _lost(environment: Environment) -> list[Diagnostic]:
    apps, rules = environment.applications, environment.rules
    return not_kept(
        environment,
        "Flux",
        {
            "reconcile.drift: warn": rules.get("drift") == "warn",
            "reconcile.unknownFields": rules.get("unknownFields", "keep") != "keep",
            "reconcile.adopt: never": rules.get("adopt") == "never",
            "reconcile.ignore": not ignored(environment)[1],
            "health": not all(_health(environment, app)[1] for app in apps),
            "enforceGates": environment.lock.get("enforceGates") is True,
            "gitopsc.dev/ignore": annotated(apps, "gitopsc.dev/ignore"),
            "gitopsc.dev/health: ignore": annotated(apps, "gitopsc.dev/health", "ignore"),
        },
    )
