from __future__ import annotations

from typing import Any

import pytest

from gitopsc.diagnostics import Diagnostics
from gitopsc.render.lower.lifecycle import lifecycle
from tests.unit.workloads import codes, workload

PORT = "ports: {http: {port: 8080}}"
SLEEP = {"preStop": {"sleep": {"seconds": 5}}}
CASES: dict[str, tuple[str, str, dict[str, Any], Any]] = {
    "a service with ports": ("", PORT, {}, SLEEP),
    "a service without": ("", "", {}, {}),
    "a worker": ("", PORT, {"base": "worker"}, {}),
    "a worker that asks": ("drainSeconds: 7", PORT, {"base": "worker"}, {"preStop": {"sleep": {"seconds": 7}}}),
    "another length": ("drainSeconds: 20", PORT, {}, {"preStop": {"sleep": {"seconds": 20}}}),
    "zero": ("drainSeconds: 0", PORT, {}, {}),
    "null": ("drainSeconds: null", PORT, {}, {}),
    "its own": ("", f"{PORT}\nlifecycle: {{preStop: {{exec: {{command: [x]}}}}}}", {}, {"preStop": {"exec": {"command": ["x"]}}}),
    "beside a start of its own": (
        "",
        f"{PORT}\nlifecycle: {{postStart: {{exec: {{command: [x]}}}}}}",
        {},
        {"postStart": {"exec": {"command": ["x"]}}, **SLEEP},
    ),
    "removed": ("", f"{PORT}\nlifecycle: null", {}, {}),
    "preStop removed": ("", f"{PORT}\nlifecycle: {{preStop: null}}", {}, {}),
    "profile none": ("", PORT, {"profile": "none"}, {}),
    "profile none that asks": ("drainSeconds: 5", PORT, {"profile": "none"}, SLEEP),
    "baseline": ("", PORT, {"profile": "baseline"}, SLEEP),
    "a sidecar": ("", f"{PORT}\nrole: sidecar", {}, {}),
}


@pytest.mark.parametrize(("spec", "main", "fields", "expected"), CASES.values(), ids=CASES.keys())
def test_lifecycle(spec: str, main: str, fields: dict[str, Any], expected: Any) -> None:
    diagnostics = Diagnostics()
    assert lifecycle(workload(spec, main, **fields), "web", (1, 30), diagnostics) == expected
    assert not diagnostics


def test_before_kubernetes_1_30_there_is_no_sleep() -> None:
    diagnostics = Diagnostics()
    assert lifecycle(workload("", PORT), "web", (1, 29), diagnostics) == {}
    assert not diagnostics
    assert lifecycle(workload("drainSeconds: 5", PORT), "web", (1, 29), diagnostics) == {}
    assert codes(diagnostics) == ["needs-kubernetes"]
