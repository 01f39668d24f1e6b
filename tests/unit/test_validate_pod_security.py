"""Pod Security levels: each control at its field, and nothing of a right pod."""

from __future__ import annotations

import pytest

from gitopsc.validate.rules import Rules
from gitopsc.validate.validate import validate
from tests.tables.case import changed, manifest
from tests.tables.objects import DEPLOYMENT, POD
from tests.tables.pod_security import CASES, PodCase


def paths(tree: dict, level: str, version: tuple[int, int] = (1, 36)) -> list[str]:
    found = validate([manifest(tree)], Rules(version, "shop", "prod", "shop", {"podSecurity": level}))
    return [item.path for item in found if item.code == "pod-security"]


@pytest.mark.parametrize("level", ["baseline", "restricted"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_level(case: PodCase, level: str) -> None:
    assert paths(changed(POD, case.changes), level) == list(getattr(case, level))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_privileged_asks_nothing(case: PodCase) -> None:
    assert paths(changed(POD, case.changes), "privileged") == []


def test_a_template_is_held_to_it_too() -> None:
    tree = changed(DEPLOYMENT, {"spec.template.spec.hostPID": True})
    found = validate([manifest(tree)], Rules((1, 34), "shop", "prod", "shop", {"podSecurity": "baseline"}))
    assert [item.message for item in found] == ["Deployment/api: spec.template.spec.hostPID: expected false, found true, as Pod Security baseline asks"]


def test_older_minors_know_fewer_controls() -> None:
    tree = changed(POD, {"spec.containers[0].readinessProbe.httpGet.host": "a"})
    assert paths(tree, "baseline", (1, 33)) == []
    assert paths(tree, "baseline", (1, 34)) == ["spec.containers[api].readinessProbe.httpGet.host"]
