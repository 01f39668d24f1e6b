"""``gitopsc explain``, black box: where a value came from, forwards and backwards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.unit.shops import document, scene
from tests.workbench import answered, gitopsc

WORKSPACE = 'kubernetesVersion: "1.33"\ndefaults: {type: {service: {resources: {requests: {cpu: 50m, memory: 64Mi}}}}}\n'
APPLICATION = """values: {level: info}
workloads:
  api:
    image: r/a:1.0.0
    ports: {http: 80}
    args: [one]
    env: {LEVEL: "${values.level}", PLAIN: x}
    probes: {readiness: /ready}
"""
OVERLAY = """workloads:
  api:
    args: {$append: [two]}
    env: {PLAIN: {secret: {name: s, key: k}}}
    resources: {requests: {cpu: 500m}}
    probes: {readiness: {tcp: {port: 80}}}
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    root = tmp_path / "shop"
    files = {
        "gitopsc.yaml": document("Workspace", "w", WORKSPACE),
        "env.yaml": document("Environment", "prod", "values: {level: warn}"),
        "app.yaml": document("Application", "a", APPLICATION),
        "over.yaml": document("Overlay", "o", OVERLAY, application="a", bound="environments: [prod]\n"),
    }
    scene(root, files)
    return root


def explained(shop: Path, *words: str) -> dict[str, Any]:
    answer: dict[str, Any] = answered(shop, "explain", "a", "prod", *words)
    assert sum(place["effective"] for place in answer["places"]) == 1
    assert answer["places"][0]["effective"]
    return answer


def where(answer: dict[str, Any]) -> list[tuple[str, int, Any, str]]:
    return [(p["file"], p["line"], p["value"], p["operation"]) for p in answer["places"]]


def test_a_value_with_everything_that_it_replaced(shop: Path) -> None:
    answer = explained(shop, "workloads.api.resources.requests.cpu")
    assert answer["value"] == "500m"
    assert where(answer) == [("over.yaml", 10, "500m", "set"), ("gitopsc.yaml", 6, "50m", "set")]
    assert [p["layer"] for p in answer["places"]] == ["Overlay o, environment prod", "Workspace w default, type service"]


def test_an_environment_variable_and_its_value_are_one_question(shop: Path) -> None:
    one, other = explained(shop, "workloads.api.env.LEVEL"), explained(shop, "workloads.api.env.LEVEL.value")
    assert one["value"] == other["value"] == "warn"
    assert where(one)[0][:2] == where(other)[0][:2] == ("app.yaml", 11)


def test_what_one_of_dropped_is_shown(shop: Path) -> None:
    answer = explained(shop, "workloads.api.env.PLAIN")
    assert [operation for _, _, _, operation in where(answer)] == ["set", "one-of", "set"]
    assert explained(shop, "workloads.api.probes.readiness.http.path")["value"] is None


def test_operations_on_a_list_are_all_listed(shop: Path) -> None:
    answer = explained(shop, "workloads.api.args")
    assert (answer["value"], where(answer)) == (["one", "two"], [("over.yaml", 8, ["two"], "$append"), ("app.yaml", 10, ["one"], "set")])


def test_an_image_is_told_as_it_is_written(shop: Path) -> None:
    answer = explained(shop, "workloads.api.image")
    assert answer["value"] == "r/a:1.0.0"


@pytest.mark.parametrize("path", ["workloads.api.resources.limits.memory", "workloads.api.disruption", "workloads.api.spread"])
def test_what_a_type_derives_is_told_as_derived(shop: Path, path: str) -> None:
    assert explained(shop, path)["places"][0]["operation"] == "derived"


def test_values_and_facts(shop: Path) -> None:
    assert where(explained(shop, "values.level")) == [("env.yaml", 5, "warn", "set"), ("app.yaml", 5, "info", "set")]


def test_backwards_from_a_manifest(shop: Path) -> None:
    words = ("--object", "Deployment/api", "--path", "spec.template.spec.containers[api].resources.requests.cpu")
    answer = explained(shop, *words)
    assert (answer["value"], where(answer)[0]) == ("500m", ("over.yaml", 10, "500m", "set"))
    built_in = explained(shop, "--object", "Service/api", "--path", "kind")
    assert built_in["places"][0]["file"].startswith("gitopsc:templates/")


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("workloads.ap.image",), "did you mean 'api'?"),
        (("workloads.api.resources.requests.cpus",), "has: cpu, memory"),
        (("values.levl",), "did you mean 'level'?"),
        (("--object", "Deployment/apx"), "did you mean 'Deployment/api'?"),
    ],
)
def test_a_path_that_leads_nowhere(shop: Path, words: tuple[str, ...], hint: str) -> None:
    assert hint in gitopsc(shop, "explain", "a", "prod", *words, status=2).stderr
