from __future__ import annotations

from typing import Any

import pytest

from gitopsc.diagnostics import Diagnostics
from gitopsc.render.lower.containers import containers, image
from gitopsc.render.lower.storage import storage
from gitopsc.values import Map, plain
from tests.unit.workloads import codes, plain_yaml, workload

IMAGES = [
    ({"repository": "r"}, "r"),
    ({"repository": "r", "tag": "1"}, "r:1"),
    ({"repository": "r", "digest": "sha256:0"}, "r@sha256:0"),
    ({"repository": "r", "tag": "1", "digest": "sha256:0"}, "r:1@sha256:0"),
]


@pytest.mark.parametrize(("written", "expected"), IMAGES)
def test_images(written: dict[str, str], expected: str) -> None:
    assert image(Map(written)) == expected


def built(spec: str = "", main: str = "", **fields: Any) -> tuple[Any, Any, Diagnostics]:
    diagnostics = Diagnostics()
    one = workload(spec, main, **{"profile": "none", **fields})
    last, first = containers(one, (1, 33), storage(one, diagnostics), diagnostics)
    return last, first, diagnostics


def test_every_field_in_its_order() -> None:
    main = """
        security: {runAsUser: 1}
        lifecycle: {postStart: {exec: {command: [x]}}}
        probes: {liveness: {tcp: {}}}
        writable: [/w]
        resources: {requests: {cpu: 1}}
        env: {A: {value: a}}
        envFrom: [{config: c}]
        ports: {http: {port: 80}}
        workingDir: /d
        args: [b]
        command: [a]
        imagePullPolicy: Always
    """
    last, first, diagnostics = built("", main)
    assert first == []
    assert list(last[0]) == (
        "name image imagePullPolicy command args workingDir ports envFrom env resources volumeMounts livenessProbe lifecycle securityContext".split()
    )
    assert not diagnostics


def test_raw_goes_over_all() -> None:
    last, _, _ = built("", "args: [a]\nenv: {A: {value: a}}\nraw: {tty: true, args: null, env: [{name: A, value: b}, {name: B, value: c}]}")
    assert plain(last) == plain_yaml("[{name: web, image: 'ghcr.io/acme/web:1.4.2', env: [{name: A, value: b}, {name: B, value: c}], tty: true}]")


def test_roles() -> None:
    spec = "containers: {proxy: {role: sidecar, image: {repository: p}}, migrate: {role: init, image: {repository: m}}, two: {image: {repository: t}}}"
    last, first, _ = built(spec)
    assert [one["name"] for one in last] == ["web", "two"]
    assert plain(first) == [{"name": "proxy", "image": "p", "restartPolicy": "Always"}, {"name": "migrate", "image": "m"}]


def role(name: str, after: str = "") -> str:
    return f"{name}: {{role: init, image: {{repository: x}}, after: [{after}]}}"


ORDERS = {
    "as written": ([role("b"), role("a")], ["b", "a"]),
    "after": ([role("b", "a"), role("a")], ["a", "b"]),
    "ties go by place": ([role("d", "a"), role("c"), role("b"), role("a")], ["c", "b", "a", "d"]),
    "a diamond": ([role("d", "b, c"), role("c", "a"), role("b", "a"), role("a")], ["a", "c", "b", "d"]),
}


@pytest.mark.parametrize(("written", "expected"), ORDERS.values(), ids=ORDERS.keys())
def test_the_order_of_after(written: list[str], expected: list[str]) -> None:
    _, first, diagnostics = built(f"containers: {{{', '.join(written)}}}")
    assert [one["name"] for one in first] == expected
    assert not diagnostics


WRONG = {
    "unknown": ([role("migrate"), role("b", "migrte")], ["unknown-container"], "did you mean 'migrate'?"),
    "a main container": ([role("a", "web")], ["unknown-container"], "'after' names init containers and sidecars: a"),
    "itself": ([role("a", "a")], ["unknown-container"], "'after' names init containers and sidecars: a"),
    "a circle": ([role("a", "b"), role("b", "a")], ["after-cycle", "after-cycle"], "take one 'after' out"),
}


@pytest.mark.parametrize(("written", "expected", "hint"), WRONG.values(), ids=WRONG.keys())
def test_wrong_afters(written: list[str], expected: list[str], hint: str) -> None:
    _, _, diagnostics = built(f"containers: {{{', '.join(written)}}}")
    assert codes(diagnostics) == expected
    assert diagnostics[0].hint == hint
    assert diagnostics[0].place
