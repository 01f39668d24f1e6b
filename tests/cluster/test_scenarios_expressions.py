"""Scenario 41, the environment's own rules: health of a custom kind by expressions in CEL."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest

from gitopsc.diagnostics import Invalid
from tests.cluster.stage import Stage
from tests.kube import ApiServer

pytestmark = pytest.mark.cluster


@pytest.fixture
def stage(api_server: ApiServer, tmp_path: Path) -> Stage:
    return Stage(api_server, tmp_path)


def test_s41_expressions_of_the_environment_decide(stage: Stage) -> None:
    group = f"g{uuid.uuid4().hex[:8]}.example.com"
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}, "subresources": {"status": {}}}
    names = {"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList"}
    definition: dict[str, Any] = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"widgets.{group}"},
        "spec": {"group": group, "scope": "Namespaced", "names": names, "versions": [version]},
    }
    widget = {"apiVersion": f"{group}/v1", "kind": "Widget", "metadata": {"name": "w", "namespace": stage.namespace}, "spec": {"size": 1}}
    stage.lock["health"] = [
        {"group": group, "kind": "Widget", "failed": "object.status.phase == 'Bad'", "current": "object.status.phase == 'Good'"},
    ]
    stage.applied(definition)
    stage.publish(definition, widget)
    ran = stage.run(timeout="12s")
    assert (ran.status, ran.application()["verdict"]) == (1, "degraded"), ran.said
    stage.patch(widget, {"status": {"phase": "Good"}}, subresource="status")
    ran = stage.run()
    assert (ran.status, ran.application()["verdict"]) == (0, "verified"), ran.said
    stage.patch(widget, {"status": {"phase": "Bad"}}, subresource="status")
    ran = stage.run(timeout="1h")
    assert ran.status == 1
    assert "expression 'failed' holds" in ran.message("Widget/w")
    stage.lock["health"] = [{"group": group, "kind": "Widget", "current": "object.status."}]
    stage.publish(definition, widget)
    with pytest.raises(Invalid, match="as current of kind Widget"):
        stage.run()
