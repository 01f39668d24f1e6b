"""What every object gets after its template: namespace, ``managed-by``, its name, the version's label, native fragments."""

from __future__ import annotations

from typing import Any

from gitopsc import kubernetes
from gitopsc.diagnostics import Diagnostics, Place
from gitopsc.render.lower.configs import replaced
from gitopsc.render.lower.labels import MANAGED_BY, object_name, with_version
from gitopsc.render.lower.shape import field
from gitopsc.spec.kinds import ComponentType
from gitopsc.spec.resolved import MergeKeys, Resolved, Workload
from gitopsc.spec.strategic import merge_native
from gitopsc.values import Map

_NAMED_ELSEWHERE = {"Service": "services.<name>.name", "PersistentVolumeClaim": "volumes.<name>.persistent.name"}


def owned(document: Map, namespace: str, managed: bool, cluster_kinds: frozenset[tuple[str, str]] = frozenset(), said: Place | None = None) -> Map:
    """The object in its namespace, unless its kind has none or it says one, and with the label that tells who manages it.

    ``said``: where the namespace was written, if it was.
    """
    version, kind = str(document.get("apiVersion")), str(document.get("kind"))
    namespaced = (version, kind) not in cluster_kinds and kubernetes.is_namespaced(version, kind) is not False
    metadata = field(document, "metadata")
    place = metadata.place("name") or document.at
    changed: dict[str, Any] = {}
    if namespaced and "namespace" not in metadata:
        changed["namespace"] = namespace
    labels = field(metadata, "labels")
    if managed and MANAGED_BY not in labels and isinstance(metadata.get("labels", labels), dict):
        changed["labels"] = replaced(labels, {MANAGED_BY: "gitopsc"})
    if not changed:
        return document
    new = Map((), metadata.at)
    for key, value in metadata.items():
        new.put(key, changed.pop(key, value), metadata.place(key))
        for added in [key for key in changed if key not in metadata] if key == "name" else []:
            new.put(added, changed.pop(added), place)
    for added, value in changed.items():
        new.put(added, value, place)
    if said is not None and "namespace" not in metadata and "namespace" in new:
        new.places["namespace"] = said
    return replaced(document, {"metadata": new})


def finish(document: Map, resolved: Resolved, workload: Workload, merge_keys: MergeKeys | None, diagnostics: Diagnostics) -> Map:
    """An object of a workload, complete. Objects that hold pods also get the version's label and ``workloadSpec``."""
    managed = workload.profile != "none" and MANAGED_BY not in field(workload.spec, "labels").removed
    document = _renamed(owned(document, workload.namespace, managed, resolved.cluster_kinds, workload.spec.places.get("namespace")), workload)
    if not holds_pods(document):
        return document
    metadata = field(document, "metadata")
    labels = field(metadata, "labels")
    new = with_version(labels, workload)
    if new is not labels:
        document = replaced(document, {"metadata": replaced(metadata, {"labels": new})})
    if "workloadSpec" not in workload.spec:
        return document
    version, kind = str(document["apiVersion"]), str(document["kind"])
    fragment = workload.spec["workloadSpec"]
    spec = merge_native(document["spec"], fragment, version, kind, ("spec",), resolved.kubernetes, registered=merge_keys, diagnostics=diagnostics)
    return replaced(document, {"spec": spec})


def _renamed(document: Map, workload: Workload) -> Map:
    """``names`` says what the workload's own objects are called."""
    metadata, kind = field(document, "metadata"), str(document.get("kind"))
    name, place = object_name(workload, kind)
    if metadata.get("name") != workload.name or name == workload.name:
        return document
    new = replaced(metadata, {"name": name})
    if place is not None:
        new.places["name"] = place
    return replaced(document, {"metadata": new})


def holds_pods(document: Map) -> bool:
    """Whether the object runs pods: it has a pod template, or one of jobs."""
    spec = field(document, "spec")
    template = spec.get("template")
    pods = template.get("spec") if isinstance(template, dict) else None
    return isinstance(spec.get("jobTemplate"), dict) or (isinstance(pods, dict) and isinstance(pods.get("containers"), list))


def check_kind(document: Map, component: ComponentType, diagnostics: Diagnostics) -> bool:
    """Whether the document is an object of a kind that its type may emit; an error where it is not."""
    version, kind = document.get("apiVersion"), document.get("kind")
    metadata = document.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    if not (isinstance(version, str) and isinstance(kind, str) and isinstance(name, str) and name):
        found = {"apiVersion": version, "kind": kind, "metadata.name": name}
        missing = next(key for key, value in found.items() if not isinstance(value, str) or not value)
        message = f"expected a Kubernetes object from this template of type '{component.name}', found a document without '{missing}'"
        diagnostics.error("not-an-object", message, document.at, hint="write it in the template")
        return False
    group = version.rpartition("/")[0]
    if kind in component.kinds or f"{kind}.{group}" in component.kinds:
        return True
    full = f"{kind}.{group}" if group else kind
    diagnostics.error(
        "kind-not-declared",
        f"expected one of the kinds of type '{component.name}' ({', '.join(sorted(component.kinds))}), found {full}",
        document.at,
        hint=f"add {full} to spec.kinds of the type",
    )
    return False


def check_names(workload: Workload, component: ComponentType, diagnostics: Diagnostics) -> None:
    """``names`` with a kind that the type never emits is a mistake, not a wish for later."""
    names = field(workload.spec, "names")
    known = {kind.partition(".")[0] for kind in component.kinds}
    for full in names:
        kind = full.partition(".")[0]
        where = names.key_place(full), f"workloads.{workload.name}.names.{full}"
        if kind not in known:
            message = f"expected kinds that a {component.name} has in 'names', found '{full}'"
            diagnostics.error("unknown-kind", message, where[0], hint=f"its kinds: {', '.join(sorted(known))}", path=where[1])
        elif kind in _NAMED_ELSEWHERE:
            message = f"expected in 'names' the kind of an object that there is once, found '{full}'"
            diagnostics.error("named-elsewhere", message, where[0], hint=f"write {_NAMED_ELSEWHERE[kind]}", path=where[1])
