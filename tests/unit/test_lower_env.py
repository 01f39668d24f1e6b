from __future__ import annotations

import pytest

from gitopsc.diagnostics import Diagnostics
from gitopsc.render.lower.env import env, env_from, used
from tests.unit.workloads import codes, plain_yaml, tree

SOURCES = {
    "a value": ("A: {value: x}", "[{name: A, value: x}]"),
    "an empty value": ("A: {value: ''}", "[{name: A, value: ''}]"),
    "a secret": ("A: {secret: {name: db, key: password}}", "[{name: A, valueFrom: {secretKeyRef: {name: db, key: password}}}]"),
    "an optional config": (
        "A: {config: {name: c, key: k, optional: true}}",
        "[{name: A, valueFrom: {configMapKeyRef: {name: c, key: k, optional: true}}}]",
    ),
    "a field": ("A: {field: status.podIP}", "[{name: A, valueFrom: {fieldRef: {fieldPath: status.podIP}}}]"),
    "a field with its version": (
        "A: {field: {path: metadata.name, apiVersion: v1}}",
        "[{name: A, valueFrom: {fieldRef: {apiVersion: v1, fieldPath: metadata.name}}}]",
    ),
    "a resource": (
        "A: {resource: {name: limits.memory, container: web, divisor: 1}}",
        "[{name: A, valueFrom: {resourceFieldRef: {containerName: web, resource: limits.memory, divisor: '1'}}}]",
    ),
}


@pytest.mark.parametrize(("written", "expected"), SOURCES.values(), ids=SOURCES.keys())
def test_each_source(written: str, expected: str) -> None:
    diagnostics = Diagnostics()
    assert env(tree(f"env: {{{written}}}"), diagnostics, "p") == plain_yaml(expected)
    assert not diagnostics


ORDERS = {
    "as written": ({"B": "1", "A": "2"}, ["B", "A"]),
    "helpers first": ({"URL": "$(USER):$(PASSWORD)", "Z": "1", "USER": "u", "PASSWORD": "p"}, ["Z", "USER", "PASSWORD", "URL"]),
    "already in order": ({"USER": "u", "URL": "$(USER)", "Z": "1"}, ["USER", "URL", "Z"]),
    "escaped is text": ({"URL": "$$(USER)", "USER": "u"}, ["URL", "USER"]),
    "three dollars expand": ({"URL": "$$$(USER)", "USER": "u"}, ["USER", "URL"]),
    "itself": ({"PATH": "/x:$(PATH)", "A": "1"}, ["PATH", "A"]),
    "one that is elsewhere": ({"URL": "$(FROM_SECRET)", "A": "1"}, ["URL", "A"]),
    "a chain": ({"A": "$(B)", "B": "$(C)", "C": "c"}, ["C", "B", "A"]),
}


@pytest.mark.parametrize(("written", "expected"), ORDERS.values(), ids=ORDERS.keys())
def test_the_order_lets_kubernetes_expand(written: dict[str, str], expected: list[str]) -> None:
    container = tree("env: {" + ", ".join(f"{name}: {{value: '{value}'}}" for name, value in written.items()) + "}")
    diagnostics = Diagnostics()
    assert [entry["name"] for entry in env(container, diagnostics, "p")] == expected
    assert not diagnostics


def test_a_circle_is_an_error_at_each_of_its_entries() -> None:
    diagnostics = Diagnostics()
    found = env(tree("env:\n  A: {value: $(B)}\n  B: {value: $(A)}\n  C: {value: c}"), diagnostics, "p")
    assert [entry["name"] for entry in found] == ["C"]
    assert codes(diagnostics) == ["env-cycle", "env-cycle"]
    assert [d.place.line for d in diagnostics if d.place] == [2, 3]


def test_a_long_chain_is_no_problem() -> None:
    size = 3000
    container = tree("env: {" + ", ".join(f"V{n}: {{value: $(V{n + 1})}}" for n in range(size)) + "}")
    assert len(env(container, Diagnostics(), "p")) == size


def test_used() -> None:
    assert used("$(A)/$$(B)/$(C)$(") == ["A", "C"]


def test_values_keep_their_place() -> None:
    found = env(tree("env:\n  A: {value: x}"), Diagnostics(), "p")
    assert str(found.places[0]) == "app.yaml:2:6"
    assert str(found[0].places["value"]) == "app.yaml:2:14"


def test_env_from() -> None:
    written = tree("envFrom: [{config: c}, {secret: s, prefix: S_}]")
    assert env_from(written) == plain_yaml("[{configMapRef: {name: c}}, {prefix: S_, secretRef: {name: s}}]")
    assert env_from(tree("image: x")) == []
