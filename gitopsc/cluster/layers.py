"""In which order objects are applied, and, backwards, pruned. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gitopsc.objects import ObjectRef

WAVE, PHASE = "gitopsc.dev/wave", "gitopsc.dev/phase"
PRE_DEPLOY, POST_DEPLOY = "pre-deploy", "post-deploy"

_FIRST = {
    ("apiextensions.k8s.io", "CustomResourceDefinition"): 0,
    ("", "Namespace"): 0,
    ("scheduling.k8s.io", "PriorityClass"): 0,
    ("node.k8s.io", "RuntimeClass"): 0,
    ("storage.k8s.io", "StorageClass"): 0,
    ("storage.k8s.io", "CSIDriver"): 0,
    ("networking.k8s.io", "IngressClass"): 0,
    ("gateway.networking.k8s.io", "GatewayClass"): 0,
    ("", "ServiceAccount"): 1,
    ("rbac.authorization.k8s.io", "ClusterRole"): 1,
    ("rbac.authorization.k8s.io", "Role"): 1,
    ("", "ResourceQuota"): 1,
    ("", "LimitRange"): 1,
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): 2,
    ("rbac.authorization.k8s.io", "RoleBinding"): 2,
    ("networking.k8s.io", "NetworkPolicy"): 2,
    ("", "ConfigMap"): 2,
    ("", "Secret"): 2,
    ("", "PersistentVolume"): 2,
    ("", "PersistentVolumeClaim"): 2,
}
_BEFORE, _WORKLOADS, _AFTER, _LAST = 3, 4, 5, 6
_ADMISSION = frozenset(
    {
        "ValidatingWebhookConfiguration",
        "MutatingWebhookConfiguration",
        "ValidatingAdmissionPolicyBinding",
        "MutatingAdmissionPolicyBinding",
    }
)


@dataclass(frozen=True, order=True, slots=True)
class Layer:
    """``stage``: by kind. ``wave``: within the workloads, by ``dependsOn``."""

    stage: int
    wave: int = 0


def layer_of(data: Mapping[str, Any]) -> Layer:
    """The layer of a manifest: what it is, and what its annotations say of wave and phase."""
    group = str(data.get("apiVersion", "")).rpartition("/")[0]
    kind = str(data.get("kind", ""))
    annotations = (data.get("metadata") or {}).get("annotations") or {}
    wave = _number(annotations.get(WAVE))
    phase = annotations.get(PHASE)
    if phase == PRE_DEPLOY:
        return Layer(_BEFORE, wave)
    if phase == POST_DEPLOY:
        return Layer(_AFTER, wave)
    if group == "admissionregistration.k8s.io" and kind in _ADMISSION:
        return Layer(_LAST)
    first = _FIRST.get((group, kind))
    return Layer(first) if first is not None else Layer(_WORKLOADS, wave)


def kind_layer(ref: ObjectRef) -> Layer:
    """The layer of an object of which only its identity is known: for pruning."""
    return layer_of({"apiVersion": f"{ref.group}/" if ref.group else "", "kind": ref.kind})


def in_layers(manifests: Iterable[Mapping[str, Any]]) -> list[tuple[Layer, list[Mapping[str, Any]]]]:
    """Manifests by layer, in the order of applying; within one by kind and name."""
    out: dict[Layer, list[Mapping[str, Any]]] = {}
    for data in manifests:
        out.setdefault(layer_of(data), []).append(data)
    return [(layer, out[layer]) for layer in sorted(out)]


def _number(text: Any) -> int:
    try:
        return int(str(text or 0))
    except ValueError:
        return 0


def cycle(edges: Mapping[str, Sequence[str]]) -> list[str] | None:
    """A cycle of applications that depend on each other, as ``[a, b, a]``; None where there is none."""
    done: set[str] = set()
    for start in sorted(edges):
        found = _search(start, edges, [], done)
        if found is not None:
            return found
    return None


def _search(name: str, edges: Mapping[str, Sequence[str]], path: list[str], done: set[str]) -> list[str] | None:
    if name in path:
        return [*path[path.index(name) :], name]
    if name in done:
        return None
    for other in edges.get(name, ()):
        found = _search(other, edges, [*path, name], done)
        if found is not None:
            return found
    done.add(name)
    return None
