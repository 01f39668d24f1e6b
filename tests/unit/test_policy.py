"""One policy out of several: later layers may only tighten."""

from __future__ import annotations

from typing import Any

import pytest

from gitopsc.diagnostics import Diagnostics
from gitopsc.spec.policy import tightened
from gitopsc.values import Map, Seq, plain


def tree(value: Any) -> Any:
    if isinstance(value, dict):
        return Map({key: tree(item) for key, item in value.items()})
    return Seq([tree(item) for item in value]) if isinstance(value, list) else value


ROWS: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any] | None]] = [
    ({"podSecurity": "baseline"}, {"podSecurity": "restricted"}, {"podSecurity": "restricted"}),
    ({"podSecurity": "baseline"}, {"podSecurity": "privileged"}, None),
    ({"requireDigest": True}, {"requireDigest": False}, None),
    ({"allowUntagged": True}, {"allowUntagged": False}, {"allowUntagged": False}),
    ({}, {"allowUntagged": True}, None),
    ({"latest": "allow"}, {"latest": "deny"}, {"latest": "deny"}),
    ({}, {"plainSecrets": "allow"}, None),
    ({}, {"registries": ["ghcr.io/"]}, {"registries": ["ghcr.io/"]}),
    ({"registries": ["ghcr.io/"]}, {"registries": ["ghcr.io/acme/"]}, {"registries": ["ghcr.io/acme/"]}),
    ({"registries": ["ghcr.io/"]}, {"registries": ["docker.io/"]}, None),
    ({"registries": ["ghcr.io/"]}, {"registries": ["ghcr.io/acme/", "docker.io/"]}, None),
    ({}, {"grants": [{"kinds": ["ClusterRole"]}]}, {"grants": [{"kinds": ["ClusterRole"]}]}),
    (
        {"grants": [{"kinds": ["*"], "namespaces": ["*"]}]},
        {"grants": [{"kinds": ["Role"], "namespaces": ["a"]}]},
        {"grants": [{"kinds": ["Role"], "namespaces": ["a"]}]},
    ),
    ({"grants": [{"kinds": ["Role"], "namespaces": ["a"]}]}, {"grants": [{"kinds": ["Role"], "namespaces": ["kube-system"]}]}, None),
    ({"grants": [{"kinds": ["Role"]}]}, {"grants": [{"kinds": ["*"]}]}, None),
    ({"grants": [{"applications": ["a"], "kinds": ["*"]}]}, {"grants": [{"kinds": ["*"]}]}, None),
    ({"grants": [{"kinds": ["*"]}]}, {"grants": [{"kinds": ["*"], "namespaces": ["x"]}]}, None),
    ({"provided": ["Secret/a"]}, {"provided": ["Secret/b"]}, {"provided": ["Secret/a", "Secret/b"]}),
]


@pytest.mark.parametrize(("workspace", "environment", "result"), ROWS)
def test_an_environment_can_only_tighten(workspace: dict[str, Any], environment: dict[str, Any], result: dict[str, Any] | None) -> None:
    diagnostics = Diagnostics()
    policy = tightened([("Workspace", tree(workspace)), ("Environment", tree(environment))], diagnostics)
    if result is None:
        assert {d.code for d in diagnostics} == {"policy-loosened"}
        assert all(plain(policy).get(key, value) == value for key, value in workspace.items())
    else:
        assert diagnostics == []
        assert result.items() <= plain(policy).items()
