"""The order of applying."""

from __future__ import annotations

from typing import Any

import pytest

from gitopsc.cluster.layers import cycle, in_layers, kind_layer, layer_of
from gitopsc.objects import ObjectRef


def manifest(version: str, kind: str, name: str = "x", **annotations: str) -> dict[str, Any]:
    """A manifest of which only kind and annotations matter."""
    metadata = {"name": name, "annotations": {f"gitopsc.dev/{key}": value for key, value in annotations.items()}}
    return {"apiVersion": version, "kind": kind, "metadata": metadata}


ORDER = [
    {("apiextensions.k8s.io/v1", "CustomResourceDefinition"), ("v1", "Namespace"), ("scheduling.k8s.io/v1", "PriorityClass")},
    {("v1", "ServiceAccount"), ("rbac.authorization.k8s.io/v1", "Role"), ("rbac.authorization.k8s.io/v1", "ClusterRole")},
    {("rbac.authorization.k8s.io/v1", "RoleBinding"), ("v1", "ConfigMap"), ("v1", "Secret"), ("v1", "PersistentVolumeClaim")},
    {("apps/v1", "Deployment"), ("v1", "Service"), ("example.com/v1", "Widget"), ("autoscaling/v2", "HorizontalPodAutoscaler"), ("batch/v1", "Job")},
    {("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration"), ("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration")},
]


def test_kinds_come_in_their_order() -> None:
    listed = [manifest(*kind) for kinds in reversed(ORDER) for kind in sorted(kinds)]
    assert [{(one["apiVersion"], one["kind"]) for one in layer} for _, layer in in_layers(listed)] == ORDER


def test_waves_and_phases_order_workloads() -> None:
    listed = [
        manifest("batch/v1", "Job", "after", phase="post-deploy"),
        manifest("apps/v1", "Deployment", "second", wave="1"),
        manifest("apps/v1", "Deployment", "first"),
        manifest("apps/v1", "Deployment", "odd", wave="x"),
        manifest("batch/v1", "Job", "before", phase="pre-deploy"),
        manifest("v1", "ConfigMap", "config", wave="5"),
    ]
    assert [[one["metadata"]["name"] for one in layer] for _, layer in in_layers(listed)] == [["config"], ["before"], ["first", "odd"], ["second"], ["after"]]


def test_an_identity_has_the_layer_of_its_kind() -> None:
    assert (
        kind_layer(ObjectRef("", "Namespace", "", "x"))
        < kind_layer(ObjectRef("", "ConfigMap", "x", "y"))
        < kind_layer(ObjectRef("apps", "Deployment", "x", "y"))
    )
    assert layer_of(manifest("rbac.authorization.k8s.io/v1", "Role")) == kind_layer(ObjectRef("rbac.authorization.k8s.io", "Role", "x", "y"))


@pytest.mark.parametrize(
    ("edges", "expected"),
    [
        ({}, None),
        ({"a": ["b"], "b": []}, None),
        ({"a": ["b", "c"], "b": ["d"], "c": ["d"], "d": []}, None),
        ({"a": ["a"]}, ["a", "a"]),
        ({"a": ["b"], "b": ["c"], "c": ["b"]}, ["b", "c", "b"]),
        ({"a": ["gone"]}, None),
    ],
)
def test_cycles(edges: dict[str, list[str]], expected: list[str] | None) -> None:
    assert cycle(edges) == expected
