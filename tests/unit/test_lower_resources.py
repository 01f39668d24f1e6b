from __future__ import annotations

import pytest

from gitopsc.render.lower.resources import resources
from tests.unit.workloads import plain_yaml, tree

CASES = {
    "the limit is the request": ("{requests: {cpu: 50m, memory: 64Mi}}", "{requests: {cpu: 50m, memory: 64Mi}, limits: {memory: 64Mi}}"),
    "one of its own": ("{requests: {memory: 1Gi}, limits: {memory: 2Gi}}", "{requests: {memory: 1Gi}, limits: {memory: 2Gi}}"),
    "beside a limit of cpu": ("{requests: {memory: 1Gi}, limits: {cpu: 1}}", "{requests: {memory: 1Gi}, limits: {cpu: '1', memory: 1Gi}}"),
    "no memory asked for": ("{requests: {cpu: 50m}}", "{requests: {cpu: 50m}}"),
    "limits are null": ("{requests: {memory: 1Gi}, limits: null}", "{requests: {memory: 1Gi}}"),
    "the limit is null": ("{requests: {memory: 1Gi}, limits: {cpu: 1, memory: null}}", "{requests: {memory: 1Gi}, limits: {cpu: '1'}}"),
    "numbers keep their text": ("{requests: {cpu: 1.10}}", "{requests: {cpu: '1.10'}}"),
    "claims": ("{claims: [{name: gpu}]}", "{claims: [{name: gpu}]}"),
}


@pytest.mark.parametrize(("written", "expected"), CASES.values(), ids=CASES.keys())
def test_resources(written: str, expected: str) -> None:
    container = tree(f"resources: {written}")
    assert resources(container, derive=True) == plain_yaml(expected)
    assert container == tree(f"resources: {written}")


def test_profile_none_derives_nothing() -> None:
    assert resources(tree("resources: {requests: {memory: 1Gi}}"), derive=False) == {"requests": {"memory": "1Gi"}}


def test_a_derived_limit_points_at_the_request() -> None:
    found = resources(tree("resources:\n  requests: {memory: 1Gi}"), derive=True)
    assert str(found["limits"].places["memory"]) == "app.yaml:2:22"
