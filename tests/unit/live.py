"""Live objects for tests: what an API server keeps beside what was applied."""

from __future__ import annotations

from typing import Any

from gitopsc.cluster.desired import Target, Wanted, in_order, wanted
from gitopsc.cluster.inventory import applyset_id
from gitopsc.objects import ObjectRef

ENVIRONMENT, APPLICATION = "prod", "shop"
ID = applyset_id(ENVIRONMENT, APPLICATION)
Object = dict[str, Any]


def config(name: str = "web", /, *, namespace: str = "shop", annotations: Object | None = None, **data: str) -> Object:
    """A ConfigMap as a manifest."""
    metadata: Object = {"name": name, "namespace": namespace}
    if annotations:
        metadata["annotations"] = annotations
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def ref(name: str = "web", kind: str = "ConfigMap", group: str = "", namespace: str = "shop") -> ObjectRef:
    """An identity."""
    return ObjectRef(group, kind, namespace, name)


def entry(manager: str, fields: Object, operation: str = "Apply", time: str = "2026-11-25T20:00:00Z", subresource: str = "") -> Object:
    """An entry of ``managedFields``."""
    out = {"manager": manager, "operation": operation, "apiVersion": "v1", "time": time, "fieldsType": "FieldsV1", "fieldsV1": fields}
    return {**out, "subresource": subresource} if subresource else out


def fields_of(value: Any) -> Object:
    """``fieldsV1`` of everything in a value; lists of maps with a ``name`` are associative."""
    if isinstance(value, dict):
        return {f"f:{key}": fields_of(item) for key, item in value.items()}
    if isinstance(value, list) and value and all(isinstance(item, dict) and "name" in item for item in value):
        return {f'k:{{"name":"{item["name"]}"}}': {".": {}, **fields_of(item)} for item in value}
    return {}


def applied(data: Object, *others: Object, manager: str = "gitopsc", label: str | None = ID, uid: str = "u1", version: str = "7") -> Object:
    """An object after ``manager`` applied it; ``others`` are further entries of managedFields."""
    metadata = dict(data["metadata"])
    if label:
        metadata["labels"] = {**metadata.get("labels", {}), "applyset.kubernetes.io/part-of": label}
    owned = {key: value for key, value in data.items() if key not in ("apiVersion", "kind", "metadata")}
    meta = {key: value for key, value in metadata.items() if key in ("labels", "annotations")}
    own = fields_of({**owned, "metadata": meta})
    metadata |= {"uid": uid, "resourceVersion": version, "creationTimestamp": "2026-11-25T19:00:00Z", "managedFields": [entry(manager, own), *others]}
    return {**data, "metadata": metadata}


def want(data: Object) -> Wanted:
    """A manifest as it is applied."""
    return wanted(data, ID)


def target(*manifests: Object, present: bool = True, rendered: str = "t1", application: str = APPLICATION) -> Target:
    """An application with these manifests."""
    objects = in_order(wanted(data, applyset_id(ENVIRONMENT, application)) for data in manifests)
    return Target(ENVIRONMENT, application, present, "r-1", "1.0.0", 3, rendered, objects)
