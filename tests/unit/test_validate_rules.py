"""Every rule: a wrong object is reported at its path, its right twin is not."""

from __future__ import annotations

import pytest

from gitopsc.validate.rules import Rules
from gitopsc.validate.validate import validate
from tests.tables import CASES
from tests.tables.case import Case, Tree, changed, manifest
from tests.tables.objects import ALL

RULES = Rules((1, 36), "shop", "prod", "shop", {"plainSecrets": "allow", "grants": [{"kinds": ["*"]}]})


@pytest.mark.parametrize("tree", ALL, ids=lambda tree: str(tree["kind"]))
def test_right_objects_pass(tree: Tree) -> None:
    assert validate([manifest(tree)], RULES) == []


@pytest.mark.parametrize("case", CASES, ids=str)
def test_wrong_is_said(case: Case) -> None:
    found = validate([manifest(changed(case.base, case.wrong))], RULES)
    assert [(item.severity, item.code, item.path) for item in found] == [(case.severity, case.code, case.path)], [item.message for item in found]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_right_twin_passes(case: Case) -> None:
    found = validate([manifest(changed(case.base, case.right))], RULES)
    assert [(item.code, item.path, item.message) for item in found if item.severity == "error"] == []
