"""What an application has in the cluster: a ConfigMap per environment and application, the parent of an ApplySet (KEP-3659).

It is written as a superset before the first apply and narrowed afterwards, so that a kill at any point leaves no orphan. Pure.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, NamedTuple

from gitopsc import __version__
from gitopsc.diagnostics import Conflict, Failure
from gitopsc.objects import ObjectRef

NAMESPACE = "gitopsc-system"
PART_OF = "applyset.kubernetes.io/part-of"
ID = "applyset.kubernetes.io/id"
TOOLING = "applyset.kubernetes.io/tooling"
KINDS = "applyset.kubernetes.io/contains-group-kinds"
NAMESPACES = "applyset.kubernetes.io/additional-namespaces"
ENVIRONMENT = "gitopsc.dev/environment"
APPLICATION = "gitopsc.dev/application"
CONFIRM = "gitopsc.dev/confirm-prune"
FORMAT = "1"
_PACKED_FROM = 256 << 10
_COMPACT = json.JSONEncoder(separators=(",", ":"))
_OWN_LABELS, _OWN_ANNOTATIONS = frozenset({ID, ENVIRONMENT, APPLICATION}), frozenset({TOOLING, KINDS, NAMESPACES})


class Verified(NamedTuple):
    """The hashes of an object when it was last found to be as it should: of its manifest, and of what we own of the live one."""

    desired: str
    live: str


@dataclass(frozen=True, slots=True)
class Inventory:
    """``objects``: what was applied, and is not known to be gone. ``rendered``: the tree that was applied last, None before the first time
    and while another one is being applied; ``verified``: the one that was found healthy, None where that is not so any more.
    ``revision``: the commit that brought ``rendered``. ``completed``: jobs that have run to their end, with the hash of their manifests.
    ``parent``: the ConfigMap as it was read, None where there is none yet.
    """

    environment: str
    application: str
    repository: str = ""
    revision: str | None = None
    rendered: str | None = None
    verified: str | None = None
    release: str | None = None
    deletion_policy: str = "prune"
    objects: Mapping[ObjectRef, Verified | None] = field(default_factory=dict)
    completed: Mapping[ObjectRef, str] = field(default_factory=dict)
    namespace: str = NAMESPACE
    parent: Mapping[str, Any] | None = None

    @property
    def name(self) -> str:
        """The parent's name."""
        return parent_name(self.environment, self.application)

    @property
    def id(self) -> str:
        """The ApplySet's id, which each member carries as its label."""
        return applyset_id(self.environment, self.application, self.namespace)

    @property
    def confirmed(self) -> str | None:
        """The revision for which a person allowed a prune, by an annotation on the parent."""
        annotations = ((self.parent or {}).get("metadata") or {}).get("annotations") or {}
        found = annotations.get(CONFIRM)
        return str(found) if found else None


@lru_cache(maxsize=8192)
def applyset_id(environment: str, application: str, namespace: str = NAMESPACE) -> str:
    """``applyset-`` + base64url(sha256(name.namespace.Kind.group)) + ``-v1``, of the parent."""
    hashed = hashlib.sha256(f"{parent_name(environment, application)}.{namespace}.ConfigMap.".encode()).digest()
    return f"applyset-{base64.urlsafe_b64encode(hashed).decode().rstrip('=')}-v1"


def parent_name(environment: str, application: str) -> str:
    """The ConfigMap of an application in an environment."""
    return f"gitopsc.{environment}.{application}"


def superset(inventory: Inventory, wanted: Iterable[ObjectRef], found: Iterable[ObjectRef] = ()) -> Inventory:
    """What must be known before the first write: all that was there, all that will be, and what else was ``found`` to be ours."""
    missing = [ref for ref in (*wanted, *found) if ref not in inventory.objects]
    return replace(inventory, objects={**inventory.objects, **dict.fromkeys(missing)}) if missing else inventory


def narrowed(inventory: Inventory, verified: Mapping[ObjectRef, Verified | None], gone: Collection[ObjectRef]) -> Inventory:
    """What is known after the last one: ``gone`` objects are out, the hashes of the others are as they were last seen."""
    objects = {ref: verified.get(ref, pair) for ref, pair in inventory.objects.items() if ref not in gone}
    return replace(inventory, objects=objects)


def encode(inventory: Inventory) -> dict[str, Any]:
    """The ConfigMap. Labels and annotations that others put on the one that was read are kept, and so is its resourceVersion."""
    refs = sorted(inventory.objects)
    text = _COMPACT.encode(
        {
            "objects": {_key(ref): _pair(inventory.objects[ref]) for ref in refs},
            "completed": {_key(ref): inventory.completed[ref] for ref in sorted(inventory.completed)},
        }
    )
    said = {
        "format": FORMAT,
        "environment": inventory.environment,
        "application": inventory.application,
        "repository": inventory.repository,
        "revision": inventory.revision,
        "rendered": inventory.rendered,
        "verified": inventory.verified,
        "release": inventory.release,
        "deletionPolicy": inventory.deletion_policy,
    }
    data = {key: value for key, value in said.items() if value is not None}
    body: dict[str, Any] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": _metadata(inventory, refs), "data": data}
    if len(text) > _PACKED_FROM:
        body["binaryData"] = {"inventory": base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()}
    else:
        data["inventory"] = text
    return body


def _metadata(inventory: Inventory, refs: list[ObjectRef]) -> dict[str, Any]:
    read = (inventory.parent or {}).get("metadata") or {}
    labels = {key: value for key, value in (read.get("labels") or {}).items() if key not in _OWN_LABELS}
    annotations = {key: value for key, value in (read.get("annotations") or {}).items() if key not in _OWN_ANNOTATIONS}
    labels |= {ID: inventory.id, ENVIRONMENT: inventory.environment, APPLICATION: inventory.application}
    kinds = sorted({f"{ref.kind}.{ref.group}" if ref.group else ref.kind for ref in refs})
    namespaces = sorted({ref.namespace for ref in refs if ref.namespace and ref.namespace != inventory.namespace})
    annotations |= {TOOLING: f"gitopsc/v{__version__}", KINDS: ",".join(kinds), NAMESPACES: ",".join(namespaces)}
    metadata = {"name": inventory.name, "namespace": inventory.namespace, "labels": labels, "annotations": annotations}
    if read.get("resourceVersion"):
        metadata["resourceVersion"] = read["resourceVersion"]
    return metadata


def decode(parent: Mapping[str, Any]) -> Inventory:
    """An inventory from its ConfigMap. Raises ``Failure`` where it cannot be read: that is not the same as an empty one."""
    metadata, data = parent.get("metadata") or {}, parent.get("data") or {}
    name, namespace = str(metadata.get("name")), str(metadata.get("namespace"))
    environment, application = str(data.get("environment", "")), str(data.get("application", ""))
    if data.get("format") != FORMAT or parent_name(environment, application) != name:
        raise Failure(
            f"ConfigMap/{name} in namespace {namespace} should be an inventory of gitopsc and is not one that this version can read",
            hint="update gitopsc, or delete the ConfigMap: the inventory is made again from the labels of the objects",
        )
    try:
        packed = (parent.get("binaryData") or {}).get("inventory")
        text = gzip.decompress(base64.b64decode(packed)).decode() if packed else data["inventory"]
        listed = json.loads(text)
        objects = {_ref(key): Verified(*pair.split(":")) if pair else None for key, pair in listed["objects"].items()}
        completed = {_ref(key): str(value) for key, value in listed["completed"].items()}
    except (KeyError, ValueError, TypeError, AttributeError, OSError, EOFError):
        raise Failure(
            f"the inventory in ConfigMap/{name} in namespace {namespace} is damaged",
            hint="delete the ConfigMap: the inventory is made again from the labels of the objects, and nothing is pruned meanwhile",
        ) from None
    return Inventory(
        environment=environment,
        application=application,
        repository=str(data.get("repository", "")),
        revision=data.get("revision"),
        rendered=data.get("rendered"),
        verified=data.get("verified"),
        release=data.get("release"),
        deletion_policy=str(data.get("deletionPolicy", "prune")),
        objects=objects,
        completed=completed,
        namespace=namespace,
        parent=parent,
    )


def is_same(body: Mapping[str, Any], read: Mapping[str, Any] | None) -> bool:
    """Whether the ConfigMap that was read says all of ``body`` already, so that nothing has to be written."""
    if read is None:
        return False
    metadata = read.get("metadata") or {}
    return all(body.get(key, {}) == (read.get(key) or {}) for key in ("data", "binaryData")) and all(
        body["metadata"][key] == (metadata.get(key) or {}) for key in ("labels", "annotations")
    )


def check_repository(inventory: Inventory, repository: str) -> None:
    """Raise ``Conflict`` where another environment repository made this inventory: two with the same names must not share objects."""
    if inventory.repository and repository and inventory.repository != repository:
        raise Conflict(
            f"expected the inventory of {inventory.environment}/{inventory.application} to be of {repository}, found it to be of {inventory.repository}",
            hint=f"give the environment another name, or, if the repository has moved, set data.repository in ConfigMap/{inventory.name} "
            f"in namespace {inventory.namespace}",
        )


def _key(ref: ObjectRef) -> str:
    """``Deployment.apps/shop/web``, ``Namespace//shop``."""
    return f"{ref.kind}.{ref.group}/{ref.namespace}/{ref.name}" if ref.group else f"{ref.kind}/{ref.namespace}/{ref.name}"


def _ref(key: str) -> ObjectRef:
    kind, namespace, name = key.split("/", 2)
    kind, _, group = kind.partition(".")
    return ObjectRef(group, kind, namespace, name)


def _pair(pair: Verified | None) -> str:
    return f"{pair.desired}:{pair.live}" if pair else ""
