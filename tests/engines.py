"""Environments for tests of engines, the schemas that Flux and Argo CD publish, and what of an output is wrong by them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from gitopsc import kubernetes
from gitopsc.diagnostics import Diagnostic
from gitopsc.engines.subject import Application, Environment
from gitopsc.kubernetes import CustomKey, CustomKind
from gitopsc.objects import Manifest, ref_of
from gitopsc.validate.rules import Rules
from gitopsc.validate.validate import validate
from gitopsc.values import Map, Seq
from tests.workbench import FIXTURES

Object = dict[str, Any]
ANYTHING = [{"applications": ["*"], "kinds": ["*", "Namespace", "ClusterRole", "ClusterRoleBinding"], "namespaces": ["*"]}]
STRICT = {"podSecurity": "restricted", "latest": "deny", "deprecatedAPIs": "deny", "grants": ANYTHING}


def definitions() -> list[Object]:
    """The CustomResourceDefinitions of Flux and Argo CD."""
    return [json.loads(file.read_text(encoding="utf-8")) for file in sorted((FIXTURES / "engines").glob("*.json"))]


def published() -> dict[CustomKey, CustomKind]:
    """Their kinds, with their schemas."""
    found: dict[CustomKey, CustomKind] = {}
    for one in definitions():
        found |= kubernetes.custom_kinds(one)
    return found


def problems(manifests: Iterable[Mapping[str, Any]], minor: kubernetes.Minor = (1, 34)) -> list[Diagnostic]:
    """What validation says of an output, as strictly as it can."""
    rules = Rules(minor, "gitopsc", "prod", "gitopsc-system", STRICT, published())
    return validate([Manifest(ref_of(data), mapped(data), "gitopsc", "prod") for data in manifests], rules)


def mapped(data: Any) -> Any:
    """Plain data as manifests carry it."""
    if isinstance(data, Mapping):
        return Map({key: mapped(value) for key, value in data.items()})
    return Seq([mapped(item) for item in data]) if isinstance(data, list) else data


def thing(version: str, kind: str, name: str, namespace: str = "", /, annotations: Mapping[str, str] | None = None, **fields: Any) -> Object:
    """A manifest."""
    metadata = {"name": name, **({"namespace": namespace} if namespace else {}), **({"annotations": dict(annotations)} if annotations else {})}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **fields}


def application(name: str, *objects: Mapping[str, Any], namespace: str | None = None, depends_on: Iterable[str] = ()) -> Application:
    """An application in a namespace of its own name."""
    return Application(name, namespace or name, tuple(objects), tuple(depends_on))


def environment(*applications: Application, **lock: Any) -> Environment:
    """``prod``, with fields of its lock."""
    return Environment("prod", {"target": {"namespace": "${app.name}"}, "engine": "gitopsc", **lock}, applications)


def named(manifests: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """``Kind/name`` (``Kind/namespace/name`` but for the engines' own namespaces) → object."""
    homes = ("", "gitopsc-system", "flux-system", "argocd")
    out: dict[str, Any] = {}
    for one in manifests:
        space = str(one["metadata"].get("namespace", ""))
        key = "/".join([str(one["kind"]), *([] if space in homes else [space]), str(one["metadata"]["name"])])
        assert key not in out, key
        out[key] = one
    return out


def may(manifests: Iterable[Mapping[str, Any]], account: str, verb: str, group: str, resource: str, namespace: str = "", name: str = "") -> bool:
    """Whether the roles of an output allow a request to ``namespace/account``: RBAC's own rule, for where there is no server to ask."""
    listed = list(manifests)
    for binding in listed:
        if not str(binding["kind"]).endswith("RoleBinding"):
            continue
        where = str(binding["metadata"].get("namespace", ""))
        if where not in ("", namespace) or account not in [f"{one['namespace']}/{one['name']}" for one in binding["subjects"]]:
            continue
        kind = "Role" if where else "ClusterRole"
        rules = next(
            r["rules"]
            for r in listed
            if r["kind"] == kind and r["metadata"]["name"] == binding["roleRef"]["name"] and r["metadata"].get("namespace", "") == where
        )
        for rule in rules:
            fits = group in rule["apiGroups"] and resource in rule["resources"] and verb in rule["verbs"]
            if fits and (not rule.get("resourceNames") or name in rule["resourceNames"]):
                return True
    return False
