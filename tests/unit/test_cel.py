"""Expressions in CEL: over which names, with which answers, and what is said of those that are none."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from gitopsc.cel import LONGEST, Unsaid, compiled
from gitopsc.cluster.expressions import read_expressions
from gitopsc.cluster.health import health
from gitopsc.diagnostics import Invalid

WIDGET: dict[str, Any] = {
    "apiVersion": "example.com/v1",
    "kind": "Widget",
    "metadata": {"name": "w", "generation": 2},
    "spec": {"size": 3},
    "status": {"phase": "Good", "size": 3, "conditions": [{"type": "Ready", "status": "True"}]},
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("object.status.phase == 'Good'", True),
        ("self.status.phase == 'Good'", True),
        ("status.phase == 'Bad'", False),
        ("status.size == spec.size && metadata.generation > 1", True),
        ("status.conditions.exists(c, c.type == 'Ready' && c.status == 'True')", True),
        ("status.conditions.filter(c, c.type == 'Gone').all(c, c.status == 'True')", True),
        ("has(status.nothing)", False),
        ("has(data.nothing)", False),
        ("kind == 'Widget'", True),
        ("size(status.conditions)", 1),
    ],
)
def test_expressions(text: str, value: Any) -> None:
    assert compiled(text)(WIDGET) == value


def test_a_field_that_is_not_there_is_told_apart() -> None:
    for text in ("object.status.nothing == 1", "status.nothing.more == 1", "object.nothing == 1"):
        with pytest.raises(Unsaid):
            compiled(text)(WIDGET)


@pytest.mark.parametrize("text", ["", "status.phase ==", "a b", "(" * 5000, "'" + "x" * LONGEST + "'", "status.?x", "\x00"])
def test_what_is_no_expression_is_told_in_a_line(text: str) -> None:
    with pytest.raises(ValueError, match=r"^.{1,250}$"):
        compiled(text)


def test_nothing_of_python_is_in_reach() -> None:
    for text in ("__import__('os')", "object.__class__", "open('/etc/passwd')", "status.phase.__class__"):
        with pytest.raises(Exception, match=r"."):
            compiled(text)(WIDGET)


def rules(**said: str) -> list[dict[str, str]]:
    return [{"group": "example.com", "kind": "Widget", **said}]


@pytest.mark.parametrize(
    ("said", "phase", "status"),
    [
        ({"current": "object.status.phase == 'Good'"}, "Good", "current"),
        ({"current": "object.status.phase == 'Good'"}, "Busy", "in-progress"),
        ({"current": "object.status.phase == 'Good'"}, None, "in-progress"),
        ({"failed": "object.status.phase == 'Bad'", "current": "object.status.phase == 'Good'"}, "Bad", "failed"),
        ({"failed": "object.status.phase == 'Bad'"}, None, "current"),
        ({"inProgress": "object.status.phase == 'Busy'"}, "Busy", "in-progress"),
        ({"inProgress": "object.status.phase == 'Busy'"}, None, "in-progress"),
        ({"inProgress": "object.status.phase == 'Busy'"}, "Good", "current"),
        ({"current": "object.status.phase"}, "Good", "unknown"),
        ({"current": "nobody.knows"}, "Good", "unknown"),
    ],
)
def test_health_by_expressions(said: dict[str, str], phase: str | None, status: str) -> None:
    status_ = {"conditions": []} if phase is None else {"phase": phase, "conditions": []}
    assert health({**WIDGET, "status": status_}, expressions=read_expressions(rules(**said))).status == status


def test_all_that_cannot_be_read_is_told_at_once() -> None:
    with pytest.raises(Invalid) as caught:
        read_expressions(rules(current="status.", failed="&&"))
    assert [(d.code, d.path) for d in caught.value.diagnostics] == [("health-expression", "health[0].failed"), ("health-expression", "health[0].current")]
    assert read_expressions(None) == {}


def test_the_library_is_imported_for_an_expression_alone() -> None:
    program = "import gitopsc.cluster.expressions, gitopsc.reconcile, sys; print('cel' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "False\n"
