"""What is there: everything with our label by a few lists, and one by one only what an inventory names and no list has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from gitopsc.cluster.desired import Target
from gitopsc.cluster.discovery import Kinds, Resource
from gitopsc.cluster.fields import own
from gitopsc.cluster.inventory import APPLICATION, ENVIRONMENT, ID, NAMESPACE, PART_OF, Inventory, decode
from gitopsc.cluster.normal import MANAGER
from gitopsc.cluster.objects import get, list_labelled
from gitopsc.cluster.ownership import label_of
from gitopsc.cluster.plan import Seen
from gitopsc.cluster.problems import Problem
from gitopsc.cluster.transport import Api
from gitopsc.diagnostics import Failure
from gitopsc.objects import ObjectRef

_MANY_IDS = 50
_FEW_IN_NAMESPACE = 3
_MANY_OF_KIND = 100
Kind = tuple[str, str]
Object = dict[str, Any]


class Inventories(NamedTuple):
    """``known``: every inventory in the cluster, by environment and application. ``damaged``: what is wrong with those that cannot be read."""

    known: Mapping[tuple[str, str], Inventory]
    damaged: Mapping[tuple[str, str], Failure]


def inventories(api: Api, kinds: Kinds, namespace: str = NAMESPACE) -> Inventories:
    """Read all inventories of the cluster. Raises Problem where they cannot be listed."""
    resource = kinds.resource("v1", "ConfigMap")
    assert resource is not None
    known, damaged = {}, {}
    for parent in list_labelled(api, resource, ID, namespace).items:
        labels = parent["metadata"].get("labels") or {}
        if ENVIRONMENT not in labels:
            continue  # an ApplySet of kubectl
        pair = (str(labels[ENVIRONMENT]), str(labels.get(APPLICATION, "")))
        try:
            found = decode(parent)
            known[found.environment, found.application] = found
        except Failure as failure:
            damaged[pair] = failure
    return Inventories(known, damaged)


@dataclass(frozen=True, slots=True)
class _Listed:
    objects: dict[ObjectRef, Object]
    failed: dict[Kind, str]


def observe(api: Api, kinds: Kinds, pairs: Sequence[tuple[Target, Inventory]], parents: Mapping[str, Inventory]) -> Seen:
    """Read all that the targets want and the inventories name. ``parents``: all inventories by ApplySet id."""
    named = {ref for target, inventory in pairs for ref in (*target.refs, *inventory.objects)}
    wanted = {ref for target, _ in pairs for ref in target.refs}
    selectors = _selectors([inventory.id for _, inventory in pairs], len(parents))
    listed = _list(api, kinds, {ref[:2] for ref in named}, selectors, {ref.namespace for ref in named})
    live = dict(listed.objects)
    unreadable: dict[ObjectRef, str] = {}
    known = {ref for _, inventory in pairs for ref in inventory.objects}
    rest = [ref for ref in sorted(named) if ref not in live]
    fresh = [ref for ref in rest if ref not in known]
    skipped = _absent_by_lists(api, kinds, fresh)
    _get_all(api, kinds, [ref for ref in rest if ref not in skipped], listed.failed, live, unreadable)
    labels = {label_of(one) for one in listed.objects.values()}
    # Where something of an application without an inventory is there, the inventory was lost, and what it named is found by labels.
    lost = [inventory for target, inventory in pairs if inventory.parent is None and (not target.objects or inventory.id in labels)]
    labelled: dict[str, list[ObjectRef]] = {}
    if lost:
        for ref, obj in _everywhere(api, kinds, _selectors([one.id for one in lost], len(parents))).items():
            if own(obj, MANAGER) is not None:
                live.setdefault(ref, obj)
                labelled.setdefault(label_of(obj) or "", []).append(ref)
    namespaces = sorted({ref.name for ref in (*known, *(r for refs in labelled.values() for r in refs)) if ref[:2] == ("", "Namespace") and ref not in wanted})
    ours = {*known, *wanted}
    occupied = {name: what for name in namespaces if ObjectRef("", "Namespace", "", name) in live and (what := occupant(api, kinds, name, ours))}
    return Seen(live=live, parents=parents, occupied=occupied, labelled=labelled, unreadable=unreadable)


def resource_of(kinds: Kinds, ref: ObjectRef, api_version: str | None = None) -> Resource | None:
    """How the server serves an object's kind: in the manifest's version if it is known, else in the preferred one."""
    return (kinds.resource(api_version, ref.kind) if api_version else None) or kinds.resource(ref.group, ref.kind)


def identity(obj: Mapping[str, Any]) -> ObjectRef:
    """The identity of a live object."""
    metadata = obj["metadata"]
    group = str(obj.get("apiVersion", "")).rpartition("/")[0]
    return ObjectRef(group, str(obj.get("kind", "")), str(metadata.get("namespace") or ""), str(metadata["name"]))


def _selectors(ids: Sequence[str], known: int) -> list[str]:
    """Selectors of the members of these ApplySets: of all there are, where most of the ``known`` ones are meant, else so many at a time
    that their names fit into an address.
    """
    if len(ids) == 1:
        return [f"{PART_OF}={ids[0]}"]
    if len(ids) > _MANY_IDS and 2 * len(ids) > known:
        return [PART_OF]
    ordered = sorted(ids)
    return [f"{PART_OF} in ({','.join(ordered[start : start + _MANY_IDS])})" for start in range(0, len(ordered), _MANY_IDS)]


def _list(api: Api, kinds: Kinds, wanted: Iterable[Kind], selectors: Sequence[str], namespaces: set[str]) -> _Listed:
    """Objects of these kinds with our label, everywhere; where that is not allowed, in the namespaces in question."""
    found: dict[ObjectRef, Object] = {}
    failed: dict[Kind, str] = {}
    served = [(kind, resource, one) for kind in sorted(wanted) if (resource := kinds.resource(*kind)) is not None for one in selectors]

    def read(item: tuple[Kind, Resource, str]) -> list[Object] | Problem:
        _, resource, selector = item
        try:
            return list_labelled(api, resource, selector).items
        except Problem as problem:
            if not problem.forbidden or not resource.namespaced:
                return _soft(problem)
            try:
                return [one for name in sorted(namespaces - {""}) for one in list_labelled(api, resource, selector, name).items]
            except Problem as inner:
                return _soft(inner)

    for (kind, *_), answer in zip(served, api.map(read, served), strict=True):
        if isinstance(answer, Problem):
            failed[kind] = answer.message
        else:
            found |= {identity(one): one for one in answer}
    return _Listed(found, failed)


def _soft(problem: Problem) -> Problem:
    """A problem of one kind only; one of the whole server ends the pass."""
    if problem.status == 401 or problem.status == 0:
        raise problem
    return problem


def _get_all(
    api: Api, kinds: Kinds, refs: Sequence[ObjectRef], failed: Mapping[Kind, str], live: dict[ObjectRef, Object], unreadable: dict[ObjectRef, str]
) -> None:
    def read(ref: ObjectRef) -> Object | Problem | None:
        resource = kinds.resource(ref.group, ref.kind)
        if resource is None:
            return None  # its kind is not served: there can be none
        try:
            return get(api, resource, ref.name, ref.namespace)
        except Problem as problem:
            return _soft(problem)

    broken = {name.rpartition("/")[0] for name in kinds.broken}
    for ref, answer in zip(refs, api.map(read, refs), strict=True):
        if isinstance(answer, Problem):
            unreadable[ref] = answer.message
        elif answer is not None:
            live[ref] = answer
        elif ref.group in broken and kinds.resource(ref.group, ref.kind) is None:
            unreadable[ref] = f"the API server cannot tell which kinds {ref.group} has"
    for ref in list(unreadable):
        if ref[:2] in failed:
            unreadable[ref] = failed[ref[:2]]


def _absent_by_lists(api: Api, kinds: Kinds, refs: Sequence[ObjectRef]) -> set[ObjectRef]:
    """Of new objects, those that a list of the names in their namespace does not have: many are told apart by few requests."""
    groups: dict[tuple[Kind, str], list[ObjectRef]] = {}
    for ref in refs:
        groups.setdefault((ref[:2], ref.namespace), []).append(ref)
    sizes: dict[Kind, int] = {}
    for (kind, _), members in groups.items():
        sizes[kind] = sizes.get(kind, 0) + len(members)
    asked: dict[tuple[Kind, str], list[ObjectRef]] = {}
    for (kind, namespace), members in groups.items():
        if sizes[kind] > _MANY_OF_KIND and len({n for k, n in groups if k == kind}) > 1:
            asked.setdefault((kind, ""), []).extend(members)
        elif len(members) > _FEW_IN_NAMESPACE:
            asked[kind, namespace] = members

    def names(item: tuple[Kind, str]) -> set[tuple[str, str]] | None:
        kind, namespace = item
        resource = kinds.resource(*kind)
        if resource is None:
            return set()
        try:
            return names_of(api, resource, namespace)
        except Problem as problem:
            _soft(problem)
            return None

    absent: set[ObjectRef] = set()
    for key, there in zip(asked, api.map(names, list(asked)), strict=True):
        if there is not None:
            absent |= {ref for ref in asked[key] if (ref.namespace, ref.name) not in there}
    return absent


_TABLE = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"


def names_of(api: Api, resource: Resource, namespace: str = "") -> set[tuple[str, str]]:
    """(namespace, name) of every object of a kind, without their contents."""
    found: set[tuple[str, str]] = set()
    query = {"limit": "1000"}
    while True:
        body = api.request("GET", resource.path(namespace), query=query, accept=_TABLE, expect=_is_list).body
        found |= {(str(one["metadata"].get("namespace") or ""), str(one["metadata"]["name"])) for one in body.get("items") or ()}
        token = (body.get("metadata") or {}).get("continue")
        if not token:
            return found
        query["continue"] = token


def _is_list(body: Mapping[str, Any]) -> str | None:
    """A list of metadata that has no item says ``null``; one that says nothing about its items is none."""
    good = str(body.get("kind", "")).endswith("List") and "items" in body and (body["items"] is None or isinstance(body["items"], list))
    return None if good else "no list"


def _everywhere(api: Api, kinds: Kinds, selectors: Sequence[str]) -> dict[ObjectRef, Object]:
    """Every object with our label, whatever its kind."""
    served = [(resource, selector) for resource in kinds.all() if {"list", "delete"} <= resource.verbs for selector in selectors]

    def read(item: tuple[Resource, str]) -> list[Object]:
        try:
            return list_labelled(api, *item).items
        except Problem as problem:
            _soft(problem)
            return []  # what cannot be listed is not taken for ours

    return {identity(one): one for found in api.map(read, served) for one in found}


_KUBERNETES_OWN: Mapping[Kind, frozenset[str] | None] = {
    ("", "ServiceAccount"): frozenset({"default"}),
    ("", "ConfigMap"): frozenset({"kube-root-ca.crt", "openshift-service-ca.crt"}),
    ("", "Event"): None,
    ("events.k8s.io", "Event"): None,
    ("", "Endpoints"): None,
    ("discovery.k8s.io", "EndpointSlice"): None,
}
"""What Kubernetes itself puts into a namespace, by name; None: whatever it is called."""


def occupant(api: Api, kinds: Kinds, namespace: str, ours: set[ObjectRef]) -> str | None:
    """Something in a namespace that is neither ours, nor made by something of ours, nor Kubernetes' own; None where there is nothing else.

    What cannot be listed counts as something.
    """

    def look(resource: Resource) -> str | None:
        try:
            items = list_labelled(api, resource, "", namespace).items
        except Problem as problem:
            if problem.status in (404, 405):
                return None
            return f"{resource.plural} that cannot be listed"
        for one in items:
            ref = identity(one)
            names = _KUBERNETES_OWN.get(ref[:2], frozenset())
            if ref in ours or one["metadata"].get("ownerReferences") or names is None or ref.name in names:
                continue
            return f"{ref.kind}/{ref.name}"
        return None

    served = [resource for resource in kinds.all() if resource.namespaced and {"list", "delete"} <= resource.verbs]
    return next((found for found in api.map(look, served) if found), None)
