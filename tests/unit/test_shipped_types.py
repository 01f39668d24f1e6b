"""The golden cases of the types that gitopsc ships: rendered, compared byte for byte, and valid. ``make golden`` writes them anew."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gitopsc.golden import SHIPPED, Case, Shipped, cases, run, shipped_types
from gitopsc.options import Options
from gitopsc.spec.component_types import built_in_types

TOP = Path(__file__).parents[2]
UPDATE = os.environ.get("GITOPSC_GOLDEN") == "update"
CASES = [case for document in shipped_types() for case in cases(document)]


@pytest.mark.parametrize("case", CASES, ids=[f"{case.type}: {case.name}" for case in CASES])
def test_golden_cases(case: Case) -> None:
    [outcome] = run(Shipped(), [], [case], Options(TOP))
    assert [f"{d.place}: {d.message}" for d in outcome.diagnostics if d.severity == "error"] == []
    assert outcome.text
    file = TOP / case.golden.removeprefix(SHIPPED)
    if UPDATE:
        file.write_bytes(outcome.text)
    assert file.read_bytes().decode() == outcome.text.decode()


def test_every_type_has_a_case() -> None:
    assert {case.type for case in CASES} == {name for name, one in built_in_types().items() if not one.abstract}
