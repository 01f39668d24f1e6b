"""What restarts, what is deleted, and what cannot be changed where it stands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from gitopsc.changes.fields import Field
from gitopsc.changes.match import stem
from gitopsc.changes.path import written
from gitopsc.changes.subject import Consequence, Subject, at, few
from gitopsc.quantities import quantity

_ROLLING = frozenset({("apps", "Deployment"), ("apps", "StatefulSet"), ("apps", "DaemonSet")})
_LOSSES = {
    ("", "PersistentVolumeClaim"): "its data goes with it, unless the volume is retained",
    ("", "Namespace"): "everything in it goes with it",
    ("apiextensions.k8s.io", "CustomResourceDefinition"): "every object of its kind goes with it",
    ("apps", "StatefulSet"): "the claims of its pods stay",
}


@dataclass(frozen=True, slots=True)
class _Fixed:
    """The fields of a kind that cannot change: everything at or below ``paths``, but for ``free``."""

    paths: tuple[str, ...]
    free: tuple[str, ...] = ()


_SELECTOR = _Fixed(("spec.selector",))
_IMMUTABLE = {
    ("apps", "Deployment"): _SELECTOR,
    ("apps", "ReplicaSet"): _SELECTOR,
    ("apps", "DaemonSet"): _SELECTOR,
    ("apps", "StatefulSet"): _Fixed(
        ("spec",),
        ("replicas", "ordinals", "template", "updateStrategy", "persistentVolumeClaimRetentionPolicy", "minReadySeconds", "revisionHistoryLimit"),
    ),
    ("batch", "Job"): _Fixed(
        ("spec",),
        (
            "parallelism",
            "completions",
            "activeDeadlineSeconds",
            "backoffLimit",
            "ttlSecondsAfterFinished",
            "suspend",
            "maxFailedIndexes",
            "podReplacementPolicy",
        ),
    ),
    ("", "Pod"): _Fixed(("spec",), ("activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds")),
    ("", "Service"): _Fixed(("spec.clusterIP", "spec.clusterIPs")),
    ("", "PersistentVolumeClaim"): _Fixed(("spec",), ("resources", "volumeAttributesClassName")),
    ("", "PersistentVolume"): _Fixed(
        ("spec",), ("capacity", "accessModes", "persistentVolumeReclaimPolicy", "storageClassName", "mountOptions", "claimRef", "volumeAttributesClassName")
    ),
    ("", "ResourceQuota"): _Fixed(("spec.scopes", "spec.scopeSelector")),
    ("", "Secret"): _Fixed(("type",)),
    ("rbac.authorization.k8s.io", "RoleBinding"): _Fixed(("roleRef",)),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): _Fixed(("roleRef",)),
    ("storage.k8s.io", "StorageClass"): _Fixed(("provisioner", "parameters", "reclaimPolicy", "volumeBindingMode")),
    ("storage.k8s.io", "CSIDriver"): _Fixed(("spec.attachRequired", "spec.volumeLifecycleModes")),
    ("scheduling.k8s.io", "PriorityClass"): _Fixed(("value", "preemptionPolicy")),
    ("networking.k8s.io", "IngressClass"): _Fixed(("spec.controller",)),
    ("node.k8s.io", "RuntimeClass"): _Fixed(("handler",)),
    ("discovery.k8s.io", "EndpointSlice"): _Fixed(("addressType",)),
    ("apiextensions.k8s.io", "CustomResourceDefinition"): _Fixed(("spec.scope", "spec.group", "spec.names.kind", "spec.names.plural")),
}
_CONTENT = _Fixed(("data", "binaryData", "stringData", "immutable"))


def deleted(subject: Subject) -> Iterator[Consequence]:
    """An object that is gone."""
    if subject.after is None:
        loss = _LOSSES.get(subject.type)
        yield Consequence("delete", f"the {subject.ref.kind} is deleted" + (f": {loss}" if loss else ""))


def recreated(subject: Subject) -> Iterator[Consequence]:
    """Fields that the API server refuses to change: the object must be deleted and created again."""
    if subject.before is None or subject.after is None or subject.renamed:
        return
    fixed = [field.text for field in subject.fields if _is_fixed(subject, field)]
    if fixed:
        loss = _LOSSES.get(subject.type)
        yield Consequence(
            "recreate", f"{few(fixed)} cannot be changed: the {subject.ref.kind} must be deleted and created again" + (f"; {loss}" if loss else "")
        )


def _is_fixed(subject: Subject, field: Field) -> bool:
    if subject.type in (("", "ConfigMap"), ("", "Secret")) and at(subject.before, "immutable") is True and _covers(_CONTENT, field):
        return True
    fixed = _IMMUTABLE.get(subject.type)
    exception = _EXCEPTIONS.get(subject.type)
    said = exception(subject, field) if exception is not None else None
    return said if said is not None else fixed is not None and _covers(fixed, field)


def _claim(_: Subject, field: Field) -> bool | None:
    """A claim may grow, and be given the class that it was made without."""
    if field.below("spec", "resources", "requests", "storage"):
        before, after = quantity(field.before), quantity(field.after)
        return before is not None and (after is None or after < before)
    return False if field.below("spec", "storageClassName") and field.before is None else None


def _pod(_: Subject, field: Field) -> bool | None:
    return False if field.text.endswith(".image") else None


def _job(subject: Subject, field: Field) -> bool | None:
    """How many must succeed may change where they are counted; where they will run, while none of them does."""
    if field.below("spec", "completions"):
        return any(at(side, "spec", "completionMode") != "Indexed" for side in (subject.before, subject.after))
    if at(subject.before, "spec", "suspend") is True and any(field.below("spec", "template", *path.split(".")) for path in _WHERE):
        return False
    return None


def _service(subject: Subject, _: Field) -> bool | None:
    return False if at(subject.after, "spec", "type") == "ExternalName" else None


_WHERE = ("metadata.annotations", "metadata.labels", "spec.nodeSelector", "spec.affinity", "spec.tolerations", "spec.schedulingGates")
_EXCEPTIONS: dict[tuple[str, str], Callable[[Subject, Field], bool | None]] = {
    ("", "PersistentVolumeClaim"): _claim,
    ("", "Pod"): _pod,
    ("", "Service"): _service,
    ("batch", "Job"): _job,
}


def _covers(fixed: _Fixed, field: Field) -> bool:
    under = any(field.below(*path.split(".")) for path in fixed.paths)
    return under and not any(field.below("spec", name) for name in fixed.free)


def restarted(subject: Subject) -> Iterator[Consequence]:
    """Pods that are replaced because their template differs."""
    template = subject.template
    if subject.before is None or subject.after is None or subject.type not in _ROLLING or template is None:
        return
    changed = subject.below(*template)
    if not changed or at(subject.after, "spec", "replicas") == 0 or at(subject.after, "spec", "paused") is True:
        return
    labels = (*template, "metadata")  # they follow from what else changes, so they are told last
    telling = sorted(changed, key=lambda field: field.below(*labels))
    yield Consequence("restart", f"{_how(subject)}: {few([_cause(field, template) for field in telling])}")


def _how(subject: Subject) -> str:
    strategy = at(subject.after, "spec", "strategy", "type") or at(subject.after, "spec", "updateStrategy", "type")
    if strategy == "Recreate":
        return "all pods stop before new ones start"
    if strategy == "OnDelete":
        return "each pod is replaced when somebody deletes it"
    return "the pods are replaced"


def _cause(field: Field, template: tuple[str, ...]) -> str:
    """What differs in the template, in short; a ConfigMap that is named by its content by what it means."""
    before, after = stem(str(field.before)), stem(str(field.after))
    if field.path[-1] == "name" and before is not None and before == after:
        return f"the content of ConfigMap {after} changes"
    path = field.path[len(template) :]
    return written(path[1:] if path[:1] == ("spec",) else path)
