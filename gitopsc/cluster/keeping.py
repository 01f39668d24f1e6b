"""Inventories, written: by compare-and-swap, and only where they change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gitopsc.cluster.discovery import Kinds, Resource
from gitopsc.cluster.inventory import Inventory, encode, is_same
from gitopsc.cluster.namespaces import NAMESPACES
from gitopsc.cluster.objects import create, delete, get
from gitopsc.cluster.objects import replace as put
from gitopsc.cluster.problems import Problem
from gitopsc.cluster.transport import Api


def write_inventory(api: Api, kinds: Kinds, inventory: Inventory) -> Inventory:
    """The inventory as it is kept now. Raises Problem: 409 where somebody else wrote it since it was read."""
    body = encode(inventory)
    if is_same(body, inventory.parent):
        return inventory
    resource = kinds.resource("v1", "ConfigMap")
    assert resource is not None
    if inventory.parent is not None:
        return replace(inventory, parent=_swapped(api, resource, inventory, body))
    try:
        parent = create(api, resource, body)
    except Problem as problem:
        if not problem.not_found or problem.details.get("kind") != "namespaces":
            raise
        _make_home(api, inventory.namespace)
        parent = create(api, resource, body)
    return replace(inventory, parent=parent)


def _swapped(api: Api, resource: Resource, inventory: Inventory, body: Mapping[str, Any]) -> Mapping[str, Any]:
    """By compare-and-swap. One that was carried out though nobody said so meets itself when it is tried again: then what is there says all of it."""
    try:
        return put(api, resource, body)
    except Problem as problem:
        if not (problem.conflict and problem.uncertain):
            raise
        found = get(api, resource, inventory.name, inventory.namespace)
        if found is None or not is_same(body, found):
            raise
        return found


def remove_inventory(api: Api, kinds: Kinds, inventory: Inventory) -> None:
    """Delete the parent of an application that is gone: the last thing of it. Raises Problem."""
    resource = kinds.resource("v1", "ConfigMap")
    if inventory.parent is None or resource is None:
        return
    metadata = inventory.parent["metadata"]
    delete(api, resource, inventory.name, inventory.namespace, uid=metadata["uid"], resource_version=metadata["resourceVersion"])


def _make_home(api: Api, name: str) -> None:
    try:
        create(api, NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {"app.kubernetes.io/managed-by": "gitopsc"}}})
    except Problem as problem:
        if problem.reason != "AlreadyExists":
            raise
