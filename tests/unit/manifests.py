"""Manifests for tests of comparisons: out of YAML, with places, and with something changed."""

from __future__ import annotations

import copy
from typing import Any

from gitopsc.changes.change import Change, changes
from gitopsc.diagnostics import Diagnostics, Place
from gitopsc.objects import Manifest, ref_of
from gitopsc.spec.documents import read_documents
from gitopsc.values import Map

VERSION = (1, 34)


def manifests(text: str, file: str = "apps/shop/app.yaml") -> list[Manifest]:
    """Every document of the text, its values placed where they stand."""
    found = Diagnostics()
    documents = read_documents(file, text.encode(), found)
    assert not found, found
    return [Manifest(ref_of(d.data), d.data, "shop", "prod", "api", Place(file, 1, 1)) for d in documents]


def manifest(data: dict[str, Any]) -> Manifest:
    """An object without places."""
    return Manifest(ref_of(data), Map(data), "shop", "prod", "api", None)


def edited(data: dict[str, Any], edits: dict[str, Any]) -> dict[str, Any]:
    """A copy with other values at dotted paths (list items by number); None removes."""
    out = copy.deepcopy(data)
    for path, value in edits.items():
        *parents, last = path.split("/")
        node: Any = out
        for step in parents:
            if isinstance(node, list):
                node = node[int(step)]
            else:
                node = node.setdefault(step, {})
        if value is None and isinstance(node, list):
            del node[int(last)]
        elif value is None:
            node.pop(last, None)
        elif isinstance(node, list):
            node[int(last) : int(last) + 1] = [value]
        else:
            node[last] = value
    return out


def changed(before: dict[str, Any] | None, after: dict[str, Any] | None, version: tuple[int, int] = VERSION) -> Change | None:
    """What differs of one object."""
    found = changes([manifest(before)] if before else [], [manifest(after)] if after else [], version)
    assert len(found) <= 1
    return found[0] if found else None


def fields(before: dict[str, Any], after: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    """(path, before, after) of every field that differs."""
    found = changed(before, after)
    return [(field.text, field.before, field.after) for field in found.fields] if found else []


DEPLOYMENT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "api", "namespace": "shop"},
    "spec": {
        "replicas": 2,
        "selector": {"matchLabels": {"app": "api"}},
        "template": {
            "metadata": {"labels": {"app": "api"}},
            "spec": {
                "initContainers": [{"name": "migrate", "image": "a/migrate:1"}, {"name": "warm", "image": "a/warm:1"}],
                "containers": [
                    {
                        "name": "api",
                        "image": "a/api:1",
                        "args": ["--fast"],
                        "env": [{"name": "LEVEL", "value": "info"}, {"name": "PORT", "value": "80"}],
                        "ports": [{"containerPort": 8080, "name": "http"}],
                        "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}},
                        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
                        "securityContext": {
                            "allowPrivilegeEscalation": False,
                            "readOnlyRootFilesystem": True,
                            "runAsNonRoot": True,
                            "capabilities": {"drop": ["ALL"]},
                            "seccompProfile": {"type": "RuntimeDefault"},
                        },
                    }
                ],
                "volumes": [{"name": "tmp", "emptyDir": {}}],
            },
        },
    },
}
