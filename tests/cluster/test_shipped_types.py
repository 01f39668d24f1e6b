"""What the shipped types render in their golden cases, held against a real API server: strictly, and with the admission of its namespace's level."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from gitopsc.spec.component_types import built_in_types
from tests.kube import ApiServer

pytestmark = pytest.mark.cluster
TEMPLATES = Path(__file__).parents[2] / "templates"
CASES = [(one.name, test["input"], test["golden"]) for one in built_in_types().values() for test in one.tests]
PLURALS = {"Ingress": "ingresses"}
UNKNOWN = {"HTTPRoute"}
"""Kinds that the server has no CustomResourceDefinition of."""


@pytest.mark.parametrize(("name", "written", "golden"), CASES, ids=[f"{name}: {written}" for name, written, _ in CASES])
def test_the_server_takes_every_object(api_server: ApiServer, name: str, written: str, golden: str) -> None:
    documents = list(yaml.safe_load_all((TEMPLATES / name / written).read_text(encoding="utf-8")))
    level = next(one["spec"]["policy"]["podSecurity"] for one in documents if one["kind"] == "Environment")
    namespace = f"{name}-{Path(written).stem}"
    labels = {"pod-security.kubernetes.io/enforce": level, "pod-security.kubernetes.io/enforce-version": "latest"}
    status, answer = api_server.ask("POST", "/api/v1/namespaces", {"metadata": {"name": namespace, "labels": labels}})
    assert status in (201, 409), answer
    priority = {"metadata": {"name": "high"}, "value": 1000}
    assert api_server.ask("POST", "/apis/scheduling.k8s.io/v1/priorityclasses", priority)[0] in (201, 409)
    for data in yaml.safe_load_all((TEMPLATES / name / golden).read_text(encoding="utf-8")):
        if data["kind"] in UNKNOWN:
            continue
        data["metadata"]["namespace"] = namespace
        status, answer = api_server.apply(data, PLURALS.get(data["kind"], f"{data['kind'].lower()}s"))
        assert status in (200, 201), answer
        pod = _pod(data)
        if pod is not None:
            status, answer = api_server.ask("POST", f"/api/v1/namespaces/{namespace}/pods?dryRun=All", pod)
            assert status == 201, answer


def _pod(data: dict[str, Any]) -> dict[str, Any] | None:
    """A pod of the object, as its controller would make it: Pod Security refuses pods only."""
    spec = data.get("spec", {})
    template = spec.get("jobTemplate", {}).get("spec", spec).get("template")
    if not isinstance(template, dict):
        return None
    claims = [{"name": one["metadata"]["name"], "persistentVolumeClaim": {"claimName": "x"}} for one in spec.get("volumeClaimTemplates", ())]
    pod = {**template["spec"], "volumes": [*template["spec"].get("volumes", ()), *claims]}
    return {"metadata": {**template["metadata"], "generateName": "pod-"}, "spec": pod}
