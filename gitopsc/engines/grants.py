"""The rights that it takes to write some objects, and no others, as rules of RBAC."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from gitopsc.engines.plurals import Plurals
from gitopsc.engines.subject import Object, group_of, name_of, namespace_of

RBAC = "rbac.authorization.k8s.io"
READING = ("get", "list", "watch")
WRITING = ("create", "patch", "delete")
CLUSTER = ""
"""Where cluster-scoped objects are: the namespace that is none."""

_ORDER = ("get", "list", "watch", "create", "update", "patch", "delete", "bind", "impersonate")

Rule = dict[str, Any]


class Grant(NamedTuple):
    """Verbs on a resource; on objects of these names alone, if there are any."""

    group: str
    resource: str
    verbs: tuple[str, ...]
    names: tuple[str, ...] = ()


@dataclass(slots=True)
class Rights:
    """What somebody may do in one place. ``rules``: others' rules, held so that they may be handed on."""

    grants: list[Grant] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)

    def written(self) -> list[Rule]:
        """As rules, in one order."""
        merged: dict[tuple[str, str, tuple[str, ...]], set[str]] = {}
        for grant in self.grants:
            merged.setdefault((grant.group, grant.resource, grant.names), set()).update(grant.verbs)
        alike: dict[tuple[str, tuple[str, ...], tuple[str, ...]], set[str]] = {}
        for (group, resource, names), verbs in merged.items():
            alike.setdefault((group, tuple(sorted(verbs, key=_ORDER.index)), names), set()).add(resource)
        own = [
            {"apiGroups": [group], "resources": sorted(resources), **({"resourceNames": list(names)} if names else {}), "verbs": list(verbs)}
            for (group, verbs, names), resources in sorted(alike.items())
        ]
        others = {json.dumps(rule, sort_keys=True): rule for rule in self.rules}
        return [*own, *(others[key] for key in sorted(others))]


def writing(objects: Iterable[Object], plurals: Plurals, *, reads: bool = False) -> dict[str, Rights]:
    """By namespace, what it takes to apply and prune these objects; with ``reads``, to get each of them as well.

    Of cluster-scoped kinds only the objects that are named may be changed. Who writes a Role must hold its rules, and who binds a role must be
    allowed to bind that one: so a commit alone hands nobody a right that ``install`` did not.
    """
    out: dict[str, Rights] = {}
    for one in objects:
        where = namespace_of(one)
        rights = out.setdefault(where, Rights())
        group, resource = group_of(one), plurals.of(one)
        also = ("get",) if reads else ()
        if where == CLUSTER:
            rights.grants.append(Grant(group, resource, ("create",)))
            rights.grants.append(Grant(group, resource, (*also, "patch", "delete"), (name_of(one),)))
        else:
            rights.grants.append(Grant(group, resource, (*also, *WRITING)))
        if group == RBAC:
            _hand_on(one, rights)
    for rights in out.values():
        rights.grants = _named_together(rights.grants)
    return out


def _hand_on(one: Object, rights: Rights) -> None:
    kind = one.get("kind")
    if kind in ("Role", "ClusterRole"):
        rights.rules += [_plain(rule) for rule in one.get("rules") or () if isinstance(rule, Mapping)]
    elif kind in ("RoleBinding", "ClusterRoleBinding"):
        ref = one.get("roleRef")
        if isinstance(ref, Mapping):
            resource = "roles" if ref.get("kind") == "Role" else "clusterroles"
            rights.grants.append(Grant(RBAC, resource, ("bind",), (str(ref.get("name")),)))


def _plain(rule: Mapping[str, Any]) -> Rule:
    return {key: list(rule[key]) for key in ("apiGroups", "resources", "resourceNames", "nonResourceURLs", "verbs") if rule.get(key) is not None}


def _named_together(grants: Iterable[Grant]) -> list[Grant]:
    """Grants that differ in names alone, as one."""
    names: dict[tuple[str, str, tuple[str, ...], bool], set[str]] = {}
    for one in grants:
        names.setdefault((one.group, one.resource, one.verbs, bool(one.names)), set()).update(one.names)
    return [Grant(group, resource, verbs, tuple(sorted(found))) for (group, resource, verbs, _), found in names.items()]


def reading(objects: Iterable[Object], plurals: Plurals) -> list[Grant]:
    """What it takes to see these kinds anywhere, and what their health is judged beside."""
    kinds = {(group_of(one), str(one.get("kind"))): plurals.of(one) for one in objects}
    grants = [Grant(group, resource, READING) for (group, _), resource in kinds.items()]
    grants.append(Grant("", "namespaces", ("get", "list")))
    if any(group in ("apps", "batch") for group, _ in kinds):
        grants += [Grant("", "pods", ("get", "list")), Grant("autoscaling", "horizontalpodautoscalers", ("list",))]
    if ("", "PersistentVolumeClaim") in kinds:
        grants += [Grant("", "pods", ("get", "list")), Grant("storage.k8s.io", "storageclasses", ("list",))]
    return grants
