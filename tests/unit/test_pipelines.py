"""Pipelines of a workspace: what they resolve to, and every mistake at its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitopsc.values import plain
from tests.unit.shops import HEAD, Scene, document, scene

GROUPS = HEAD + 'Workspace\nmetadata: {name: test}\nspec:\n  kubernetesVersion: "1.33"\n  groups: {sre: [ann@example.com, bob@example.com], none: []}\n'
APP = document("Application", "shop", "workloads: {w: {type: worker, image: 'ghcr.io/acme/w:1'}}")
ENVIRONMENTS = "---\n".join(
    [HEAD + "Environment\nmetadata: {name: base}\nspec: {abstract: true}\n"]
    + [HEAD + f"Environment\nmetadata: {{name: {name}}}\nspec: {{extends: base}}\n" for name in ("dev", "staging", "prod-eu", "prod-us")]
)
STAGES = """
applications: [shop]
stages:
- {name: dev, environments: [dev]}
- {name: staging, environments: [staging], promote: auto}
- name: prod
  environments: [prod-eu, prod-us]
"""


def shop(root: Path, *pipelines: str) -> Scene:
    every = "---\n".join(document("Pipeline", f"p{index}", spec) for index, spec in enumerate(pipelines))
    return scene(root, {"gitopsc.yaml": GROUPS, "env.yaml": ENVIRONMENTS, "app.yaml": APP, "pipelines/shop.yaml": every})


def told(found: Scene) -> list[str]:
    return [f"{d.severity} {d.code} {d.place.line if d.place else 0}: {d.message}" for d in found.diagnostics]


def test_a_pipeline_is_resolved(tmp_path: Path) -> None:
    gates = """
  promote: pull-request
  gates:
    verified: {in: staging, for: 30m}
    approvals: {from: [sre, cal@example.com, ann@example.com]}
    freeze: [{name: weekend, from: "Fri 16:00", to: "Mon 08:00", timeZone: Europe/Oslo}, {name: year-end, from: 2026-12-20 00:00, to: 2027-01-04 00:00}]
    checks: [load-test]
"""
    found = shop(tmp_path, STAGES.rstrip() + gates)
    assert told(found) == []
    assert found.workspace is not None
    assert plain(list(found.workspace.pipelines)) == [
        {
            "name": "p0",
            "spec": {
                "applications": ["shop"],
                "stages": [
                    {"name": "dev", "environments": ["dev"], "order": "sequential", "promote": "manual"},
                    {"name": "staging", "environments": ["staging"], "order": "sequential", "promote": "auto"},
                    {
                        "name": "prod",
                        "environments": ["prod-eu", "prod-us"],
                        "order": "sequential",
                        "promote": "pull-request",
                        "gates": {
                            "verified": {"in": "staging", "for": "30m"},
                            "approvals": {"count": 1, "from": ["ann@example.com", "bob@example.com", "cal@example.com"], "signed": False},
                            "freeze": [
                                {"name": "weekend", "from": "Fri 16:00", "to": "Mon 08:00", "timeZone": "Europe/Oslo"},
                                {"name": "year-end", "from": "2026-12-20 00:00", "to": "2027-01-04 00:00", "timeZone": "UTC"},
                            ],
                            "checks": ["load-test"],
                        },
                    },
                ],
            },
        }
    ]


def test_without_a_pipeline_there_is_none(tmp_path: Path) -> None:
    found = scene(tmp_path, {"app.yaml": APP})
    assert found.workspace is not None
    assert found.workspace.pipelines == ()


def test_an_environment_in_no_stage_is_a_warning(tmp_path: Path) -> None:
    assert told(shop(tmp_path, STAGES.replace(", prod-us]", "]"))) == [
        "warning no-stage 6: expected each environment in a stage of pipeline 'p0', found 'prod-us' in none: there its applications follow the default branch"
    ]


def test_an_application_in_two_pipelines_is_an_error(tmp_path: Path) -> None:
    assert told(shop(tmp_path, STAGES, STAGES)) == [
        "error two-pipelines 16: expected application 'shop' in one pipeline, found it in another at pipelines/shop.yaml:5:18"
    ]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("[shop]", "[shop, shpo]", "error unknown-application 5: expected the name of an application here, found 'shpo'"),
        ("[dev]", "[dve]", "error unknown-environment 7: expected the name of an environment here, found 'dve'"),
        ("[dev]", "[dev, base]", "error abstract-environment 7: expected an environment that can be compiled, found the abstract 'base'"),
        ("prod-us]", "prod-us, dev]", "error two-stages 10: expected environment 'dev' in one stage, found it in stage 'dev', too"),
        ("name: prod", "name: dev", "error duplicate-name 9: expected one stage named 'dev', found another"),
        ("[dev]}", "[dev], gates: {checks: [a]}}", "warning gates-without-effect 7: expected no gates on the first stage"),
        ("auto", "auto, gates: {verified: {in: prod}}", "error unknown-stage 8: expected the name of an earlier stage, found 'prod'"),
        ("auto", "auto, gates: {verified: {in: staging}}", "error unknown-stage 8: expected the name of an earlier stage, found 'staging'"),
        ("auto", "auto, gates: {verified: {for: 3661d}}", "error bad-value 8: expected a duration of at most ten years, found '3661d'"),
        ("auto", "auto, gates: {verified: {for: soon}}", "error bad-value 8: expected a duration such as 30m, 1h30m or 2d, found 'soon'"),
        ("auto", "auto, gates: {approvals: {from: [dba]}}", "error unknown-group 8: expected a group of the Workspace or a mail address, found 'dba'"),
        ("auto", "auto, gates: {approvals: {count: 3, from: [sre]}}", "error too-few-approvers 8: expected at least 3 people who can approve, found 2"),
        ("auto", "auto, gates: {approvals: {from: [none]}}", "error too-few-approvers 8: expected at least 1 person who can approve, found 0"),
        ("auto", "auto, gates: {freeze: [{name: x, from: 'Fri 16:00', to: 2026-12-20 00:00}]}", "error bad-value 8: expected both ends of a freeze as times"),
        ("auto", "auto, gates: {freeze: [{name: x, from: 'Fri 16:00', to: 'Fri 16:00'}]}", "error bad-value 8: expected the end of a freeze after 'Fri 16:00'"),
        ("auto", "auto, gates: {freeze: [{name: x, from: 2026-12-20 00:00, to: 2026-12-19 00:00}]}", "error bad-value 8: expected the end of a freeze after"),
        (
            "auto",
            "auto, gates: {freeze: [{name: x, from: 2026-02-30 00:00, to: 2026-03-01 00:00}]}",
            "error bad-value 8: expected a date that the calendar has",
        ),
        ("auto", "auto, gates: {freeze: [{name: x, from: 'Fri 24:00', to: 'Mon 08:00'}]}", "error bad-value 8: expected a time of the week such as"),
        (
            "auto",
            "auto, gates: {freeze: [{name: x, from: 'Fri 16:00', to: 'Mon 08:00', timeZone: Mars/Base}]}",
            "error bad-value 8: expected the name of a time zone",
        ),
        ("auto", "never", "error bad-value 8: expected 'manual', 'pull-request' or 'auto', found 'never'"),
        ("environments: [staging], ", "", "error missing-field 8: expected 'environments' here, found nothing"),
        ("order", "order", None),
    ],
)
def test_mistakes(tmp_path: Path, old: str, new: str, expected: str | None) -> None:
    found = [line for line in told(shop(tmp_path, STAGES.replace(old, new))) if not line.startswith("warning no-stage")]
    assert [line[: len(expected)] for line in found] == [expected] if expected else found == []


def test_what_is_broken_elsewhere_is_not_told_again(tmp_path: Path) -> None:
    broken = {"gitopsc.yaml": GROUPS, "env.yaml": ENVIRONMENTS.replace("name: staging}\nspec: {", "name: staging}\nspec: {nonsense: 1, ")}
    found = scene(tmp_path, {**broken, "app.yaml": APP.replace("image", "imgae"), "p.yaml": document("Pipeline", "p", STAGES)})
    assert [line.split()[1] for line in told(found) if "error" in line] == ["unknown-field", "unknown-field"]
