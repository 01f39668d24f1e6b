"""Component types of one's own, end to end: the example of the language, its golden cases, and templates that are wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.workbench import FIXTURES, answered, committed, copied, gitopsc, parsed

TEMPLATE = "types/dashboards.yaml.j2"
GOLDEN = "types/tests/minimal.golden.yaml"
CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ name }}-dashboard\n"


@pytest.fixture
def spring(tmp_path: Path) -> Path:
    """A workspace with the type `spring-service`."""
    return copied(FIXTURES / "spring", tmp_path / "spring")


def found(workspace: Path, *words: str) -> list[tuple[Any, ...]]:
    """File, line, column and code of every diagnostic of a command that ends with status 2."""
    said = answered(workspace, *words, status=2)
    return [(d["file"], d["line"], d["column"], d["code"]) for d in said["diagnostics"]]


def test_the_type_of_the_language_page_renders(spring: Path) -> None:
    assert answered(spring, "build")["diagnostics"] == []
    files = committed(spring)
    prod, dev = (parsed([text for path, text in files.items() if path.startswith(f"{name}/") and path.endswith(".yaml")]) for name in ("prod", "dev"))
    pay, batch = (prod[f"Deployment/{name}"]["spec"]["template"]["spec"]["containers"][0] for name in ("pay", "batch"))
    assert pay["env"] == [{"name": "JAVA_TOOL_OPTIONS", "value": "-XX:MaxRAMPercentage=55"}]
    assert batch["env"] == [{"name": "JAVA_TOOL_OPTIONS", "value": "-XX:MaxRAMPercentage=70"}]
    assert pay["startupProbe"] == {"httpGet": {"path": "/actuator/health/liveness", "port": "http"}, "periodSeconds": 5, "failureThreshold": 60}
    assert pay["readinessProbe"]["httpGet"]["path"] == "/actuator/health/readiness"
    assert prod["ConfigMap/pay-dashboard"]["metadata"]["labels"] == {"grafana_dashboard": "1", "app.kubernetes.io/managed-by": "gitopsc"}
    assert {key for key in prod if key not in dev} == {"ConfigMap/pay-dashboard", "ConfigMap/batch-dashboard"}  # `when` is a fact that dev lacks


def test_its_values_are_explained(spring: Path) -> None:
    places = answered(spring, "explain", "pay", "prod", "workloads.pay.heapPercent")["places"]
    assert [(p["file"], p["value"], p["effective"]) for p in places][:1] == [("apps/pay/app.yaml", 55, True)]


def test_a_field_of_the_type_is_checked_against_its_schema(spring: Path) -> None:
    app = spring / "apps/pay/app.yaml"
    app.write_text(app.read_text().replace("heapPercent: 55", "heapPercent: much").replace("    batch:\n", "    batch:\n      heapPerCent: 3\n"))
    assert found(spring, "check") == [("apps/pay/app.yaml", 8, 20, "wrong-type"), ("apps/pay/app.yaml", 12, 7, "unknown-field")]


def test_types_are_listed_with_what_is_their_own(spring: Path) -> None:
    said = answered(spring, "types")
    own = {one["name"]: one for one in said["types"]}["spring-service"]
    assert (own["extends"], own["file"]) == ("service", "types/spring.yaml")
    assert own["fields"] == [{"name": "heapPercent", "type": "integer", "default": 70, "description": ""}]
    assert {"ConfigMap", "Deployment.apps", "Service"} <= set(own["kinds"])
    assert "spring-service (extends service)" in gitopsc(spring, "types").stdout


def test_types_outside_of_a_workspace_are_those_that_are_shipped(tmp_path: Path) -> None:
    said = answered(tmp_path, "types")
    assert [one["name"] for one in said["types"]] == ["workload", "service", "worker", "stateful", "daemon", "job", "cronjob"]
    assert [field["name"] for field in said["types"][-1]["fields"]] == ["schedule", "timeZone", "concurrency", "job"]
    cases = answered(tmp_path, "types", "test")["types"]
    assert {test["result"] for one in cases for test in one["tests"]} == {"passed"}
    gitopsc(tmp_path, "types", "test", "--update", status=2)


def test_cases_pass_differ_and_are_written(spring: Path) -> None:
    assert gitopsc(spring, "types", "test").stdout == "spring-service: minimal: passed\n"
    before = (spring / GOLDEN).read_bytes()
    template = spring / TEMPLATE
    template.write_text(template.read_text().replace("dashboard.json", "board.json"))
    said = gitopsc(spring, "types", "test", status=1).stdout
    assert said.startswith("spring-service: minimal: different\n--- types/tests/minimal.golden.yaml\n+++ rendered\n@@ ")
    assert "\n-  dashboard.json: " in said
    assert "\n+  board.json: " in said
    assert (spring / GOLDEN).read_bytes() == before
    assert gitopsc(spring, "types", "test", "--update").stdout == "spring-service: minimal: written\n"
    assert (spring / GOLDEN).read_bytes() == before.replace(b"dashboard.json", b"board.json")
    assert answered(spring, "types", "test")["types"][0]["tests"][0]["result"] == "passed"


def test_a_golden_file_that_is_not_there_yet_is_a_difference(spring: Path) -> None:
    before = (spring / GOLDEN).read_bytes()
    (spring / GOLDEN).unlink()
    assert f"there is no {GOLDEN} yet" in gitopsc(spring, "types", "test", status=1).stdout
    gitopsc(spring, "types", "test", "--update")
    assert (spring / GOLDEN).read_bytes() == before


def test_one_byte_is_a_difference(spring: Path) -> None:
    golden = spring / GOLDEN
    golden.write_bytes(golden.read_bytes().replace(b"\n", b"\r\n", 1))
    gitopsc(spring, "types", "test", status=1)


def test_no_golden_file_is_written_while_anything_has_errors(spring: Path) -> None:
    kind = spring / "types/spring.yaml"
    kind.write_text(kind.read_text().replace("tests: [", "tests: [{name: other, input: tests/other.yaml, golden: tests/other.golden.yaml}, "))
    case = (spring / "types/tests/minimal.yaml").read_text()
    (spring / "types/tests/other.yaml").write_text(case.replace("image: ghcr.io/acme/pay:1.0.0", "image: ghcr.io/acme/pay"))
    before = (spring / GOLDEN).read_bytes()
    (spring / GOLDEN).write_bytes(b"old\n")
    assert found(spring, "types", "test", "--update") == [("types/tests/other.yaml", 20, 14, "image-untagged")]
    assert (spring / GOLDEN).read_bytes() == b"old\n"
    assert not (spring / "types/tests/other.golden.yaml").exists()
    (spring / "types/tests/other.yaml").write_text(case)
    gitopsc(spring, "types", "test", "--update")
    assert (spring / GOLDEN).read_bytes() == before == (spring / "types/tests/other.golden.yaml").read_bytes()


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        (lambda case: case.unlink(), [("types/spring.yaml", 12, 34, "missing-file")]),
        (lambda case: case.write_text(case.read_text().replace("target:", "targt:")), [("types/tests/minimal.yaml", 10, 3, "unknown-field")]),
        (lambda case: case.write_text(case.read_text().partition("---\n")[0]), [("types/tests/minimal.yaml", 1, 1, "bad-case")]),
        (lambda case: case.write_text(case.read_text().partition("---\n")[2]), [("types/tests/minimal.yaml", 1, 1, "no-workspace")]),
    ],
    ids=["no input", "a mistake in it", "nothing to render", "no workspace"],
)
def test_a_case_that_is_wrong_is_told_at_its_place(change: Callable[[Path], Any], wanted: list[tuple[Any, ...]], spring: Path) -> None:
    change(spring / "types/tests/minimal.yaml")
    assert found(spring, "types", "test") == wanted


def test_a_golden_file_is_never_written_through_a_link(spring: Path, tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("theirs\n")
    (spring / GOLDEN).unlink()
    (spring / GOLDEN).symlink_to(tmp_path / "victim")
    gitopsc(spring, "types", "test", "--update", status=2)
    assert (tmp_path / "victim").read_text() == "theirs\n"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (CONFIG_MAP + "data: {{ {a: }}\n", (5, 7, "template-syntax")),
        (CONFIG_MAP.replace("ConfigMap", "Secret"), (1, 1, "kind-not-declared")),
        (CONFIG_MAP + "data:\n  {% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}\n", (6, 3, "template-limit")),
        (CONFIG_MAP + "data:\n  a: {{ nam }}\n", (6, 6, "template-undefined")),
        ("{% include 'labels.j2' %}\n" + CONFIG_MAP, (1, 1, "template-include")),
        ("{% include '../../secrets.txt' %}\n" + CONFIG_MAP, (1, 1, "template-include")),
        (CONFIG_MAP.replace("{{ name }}-dashboard", "[a"), (4, 9, "template-yaml")),
        (CONFIG_MAP + "data: {a: {{ ''.__class__ }}}\n", (5, 11, "template-unsafe")),
    ],
    ids=["syntax", "a kind that it does not declare", "a loop without end", "an unknown name", "no such include", "an include outside", "no YAML", "python"],
)
def test_a_template_that_is_wrong_points_at_its_own_line(text: str, wanted: tuple[Any, ...], spring: Path) -> None:
    (spring / TEMPLATE).write_text(text)
    assert found(spring, "build", "--limit-render-seconds", "1") == [(TEMPLATE, *wanted)]
    assert not (spring / ".gitopsc").exists()


def test_a_kind_is_declared_by_its_type(spring: Path) -> None:
    (spring / TEMPLATE).write_text(CONFIG_MAP.replace("v1\nkind: ConfigMap", "batch/v1\nkind: Job"))
    [one] = answered(spring, "check", status=2)["diagnostics"]
    assert (one["code"], one["hint"]) == ("kind-not-declared", "add Job.batch to spec.kinds of the type")


def test_an_included_file_is_an_input(spring: Path) -> None:
    (spring / TEMPLATE).write_text(CONFIG_MAP + "data:\n{% include 'parts/data.j2' %}\n")
    (spring / "types/parts").mkdir()
    (spring / "types/parts/data.j2").write_text("  size: '{{ name }}: small'\n")
    assert answered(spring, "build")["changed"]
    assert answered(spring, "build")["changed"] is False
    (spring / "types/parts/data.j2").write_text("  size: '{{ name }}: large'\n")
    built = answered(spring, "build")
    assert [(e["name"], a["name"], [o["name"] for o in a["changed"]]) for e in built["environments"] for a in e["applications"] if a["action"]] == [
        ("prod", "pay", ["pay-dashboard", "batch-dashboard"])
    ]
    assert 'size: "pay: large"' in committed(spring)["prod/pay/configmap-pay-dashboard.yaml"]
    (spring / "types/parts/data.j2").unlink()
    assert found(spring, "build") == [(TEMPLATE, 6, 1, "template-include")]
