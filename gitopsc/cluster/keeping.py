"""Inventories, written: by compare-and-swap, and only where they change."""

from __future__ import annotations

from dataclasses import replace

from gitopsc.cluster.discovery import Kinds
from gitopsc.cluster.inventory import Inventory, encode, is_same
from gitopsc.cluster.namespaces import NAMESPACES
from gitopsc.cluster.objects import create, delete
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
        return replace(inventory, parent=put(api, resource, body))
    try:
        parent = create(api, resource, body)
    except Problem as problem:
        if not problem.not_found or problem.details.get("kind") != "namespaces":
            raise
        _make_home(api, inventory.namespace)
        parent = create(api, resource, body)
    return replace(inventory, parent=parent)


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
