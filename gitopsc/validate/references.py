"""What an object needs that somebody must make: ConfigMaps, Secrets, ServiceAccounts, claims and Services that it names."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from gitopsc.diagnostics import Diagnostic, Place
from gitopsc.objects import Manifest, ObjectRef
from gitopsc.validate.finding import path_text
from gitopsc.validate.pods import containers_of, pod_template
from gitopsc.values import Path, place_of

Wanted = tuple[str, Any, Path]
"""Kind, the map with ``name`` and perhaps ``key`` and ``optional``, and its path."""


class Reference(NamedTuple):
    """One object's need of another. ``key`` is null where the whole object is meant; ``source`` names who needs it (``Deployment/api``)."""

    kind: str
    namespace: str
    name: str
    key: str | None
    optional: bool
    source: str
    path: Path
    field: str
    place: Place | None


def references_of(manifest: Manifest, namespace: str) -> list[Reference]:
    """What one valid object needs. ``namespace`` is the application's, for objects that name none."""
    metadata = manifest.data.get("metadata")
    own = str((metadata.get("namespace") if isinstance(metadata, dict) else None) or namespace)
    out: list[Reference] = []
    for kind, wanted, path in wanted_by(manifest):
        if isinstance(wanted, str):
            name, key, optional, where = wanted, None, False, own
        elif isinstance(wanted, dict):
            name, key = str(wanted.get("name") or wanted.get("secretName") or wanted.get("claimName") or ""), wanted.get("key")
            optional, where = wanted.get("optional") is True, str(wanted.get("namespace") or own)
        else:
            continue
        if name:
            at = (*path, "key") if key is not None else path
            source = f"{manifest.ref.kind}/{manifest.ref.name}"
            out.append(Reference(kind, where, name, key, optional, source, at, path_text(manifest.data, at), place_of(manifest.data, at) or manifest.origin))
    return out


def missing(
    made: Iterable[ObjectRef],
    references: Mapping[str, Sequence[Reference]],
    provided: Iterable[str],
    environment: str | None = None,
) -> list[Diagnostic]:
    """References that nobody meets, for an environment whose policy is ``complete``.

    ``made``: every object of the environment; ``references``: by application; ``provided``: ``Kind/name`` patterns that others make.
    """
    known = {(ref.kind, ref.namespace, ref.name) for ref in made}
    patterns = [str(pattern) for pattern in provided]
    found = []
    for application in sorted(references):
        for item in references[application]:
            if item.optional or (item.kind, item.namespace, item.name) in known or _given(item, patterns):
                continue
            message = f"{item.source}: {item.field}: expected {item.kind}/{item.name} in namespace {item.namespace}, found no application that makes it"
            hint = f"make it, or name it in policy.provided: {item.kind}/{item.name}"
            found.append(Diagnostic("error", "missing-reference", message, hint, item.place, item.field, environment, application))
    return found


def _given(item: Reference, patterns: list[str]) -> bool:
    if item.kind == "ServiceAccount" and item.name == "default":
        return True
    if item.kind == "ConfigMap" and item.name == "kube-root-ca.crt":
        return True
    names = (f"{item.kind}/{item.name}", f"{item.kind}/{item.namespace}/{item.name}")
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns for name in names)


def wanted_by(manifest: Manifest) -> Iterator[Wanted]:
    """What an object names, with the paths of the names."""
    kind, data = manifest.ref.kind, manifest.data
    found = pod_template(manifest.ref.group, kind, data)
    if found is not None:
        template, path = found
        yield from _pod(manifest, template.get("spec") or {}, (*path, "spec"))
    elif kind in ("Ingress", "HTTPRoute"):
        for backend in backends_of(kind, data):
            yield "Service", {"name": backend.name, "namespace": backend.namespace}, (*backend.path, "name")
    elif kind in ("RoleBinding", "ClusterRoleBinding"):
        for index, member in enumerate(data.get("subjects") or ()):
            if member.get("kind") == "ServiceAccount":
                yield "ServiceAccount", {"name": member.get("name"), "namespace": member.get("namespace")}, ("subjects", index, "name")
    elif kind == "ServiceAccount":
        for index, secret in enumerate(data.get("imagePullSecrets") or ()):
            yield "Secret", secret, ("imagePullSecrets", index)


def _pod(manifest: Manifest, pod: dict[str, Any], path: Path) -> Iterator[Wanted]:
    if pod.get("serviceAccountName"):
        yield "ServiceAccount", pod["serviceAccountName"], (*path, "serviceAccountName")
    for index, secret in enumerate(pod.get("imagePullSecrets") or ()):
        yield "Secret", secret, (*path, "imagePullSecrets", index)
    claims = {(claim.get("metadata") or {}).get("name") for claim in (manifest.data.get("spec") or {}).get("volumeClaimTemplates") or ()}
    for index, volume in enumerate(pod.get("volumes") or ()):
        if volume.get("name") not in claims:
            yield from _volume(volume, (*path, "volumes", index))
    for container, where, _ in containers_of(pod, path):
        for index, source in enumerate(container.get("envFrom") or ()):
            for field, kind in (("configMapRef", "ConfigMap"), ("secretRef", "Secret")):
                if source.get(field):
                    yield kind, source[field], (*where, "envFrom", index, field)
        for index, entry in enumerate(container.get("env") or ()):
            for field, kind in (("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")):
                value = entry.get("valueFrom")
                if value and value.get(field):
                    yield kind, value[field], (*where, "env", index, "valueFrom", field)


def _volume(volume: dict[str, Any], path: Path) -> Iterator[Wanted]:
    yield from _items("ConfigMap", volume.get("configMap"), (*path, "configMap"))
    yield from _items("Secret", volume.get("secret"), (*path, "secret"))
    if volume.get("persistentVolumeClaim"):
        yield "PersistentVolumeClaim", volume["persistentVolumeClaim"], (*path, "persistentVolumeClaim")
    for index, source in enumerate((volume.get("projected") or {}).get("sources") or ()):
        where = (*path, "projected", "sources", index)
        yield from _items("ConfigMap", source.get("configMap"), (*where, "configMap"))
        yield from _items("Secret", source.get("secret"), (*where, "secret"))


def _items(kind: str, source: Any, path: Path) -> Iterator[Wanted]:
    """The whole object, and each key that ``items`` reads of it."""
    if not source:
        return
    yield kind, source, path
    name = source.get("name") or source.get("secretName")
    for index, item in enumerate(source.get("items") or ()):
        yield kind, {"name": name, "key": item.get("key"), "optional": source.get("optional")}, (*path, "items", index)


class Backend(NamedTuple):
    """A Service that a route leads to, with the port's number or name (None where none is said) and the path of the reference."""

    name: str
    namespace: str | None
    port: Any
    path: Path


def backends_of(kind: str, data: Mapping[str, Any]) -> Iterator[Backend]:
    """The Services that an Ingress or an HTTPRoute leads to."""
    spec = data.get("spec")
    if isinstance(spec, dict):
        yield from _ingress_backends(spec) if kind == "Ingress" else _route_backends(spec)


def _ingress_backends(spec: dict[str, Any]) -> Iterator[Backend]:
    found: list[tuple[Any, Path]] = [(spec.get("defaultBackend"), ("spec", "defaultBackend"))]
    for number, rule in enumerate(spec.get("rules") or ()):
        for index, path in enumerate((rule.get("http") or {}).get("paths") or ()):
            found.append((path.get("backend"), ("spec", "rules", number, "http", "paths", index, "backend")))
    for backend, where in found:
        service = (backend or {}).get("service") or {}
        port = service.get("port") or {}
        if service.get("name"):
            yield Backend(str(service["name"]), None, port.get("number") or port.get("name"), (*where, "service"))


def _route_backends(spec: dict[str, Any]) -> Iterator[Backend]:
    """A route may be of a definition of the workspace's own, so that its shape is not taken for granted."""
    for number, rule in _maps(spec.get("rules")):
        for index, backend in _maps(rule.get("backendRefs")):
            if (backend.get("kind") or "Service") == "Service" and not backend.get("group") and backend.get("name"):
                yield Backend(str(backend["name"]), backend.get("namespace"), backend.get("port"), ("spec", "rules", number, "backendRefs", index))


def _maps(value: Any) -> Iterator[tuple[int, dict[str, Any]]]:
    for index, item in enumerate(value if isinstance(value, list) else ()):
        if isinstance(item, dict):
            yield index, item
