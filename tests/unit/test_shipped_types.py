"""The golden cases of the types that gitopsc ships: rendered, compared byte for byte, and valid. ``make golden`` writes them anew."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gitopsc.diagnostics import Diagnostics, Invalid
from gitopsc.objects import Manifest
from gitopsc.render.emit import dump
from gitopsc.render.render import render
from gitopsc.spec.component_types import built_in_types
from gitopsc.spec.discover import SourceFile
from gitopsc.spec.layers import Layers
from gitopsc.spec.load import load_workspace
from gitopsc.spec.resolve import resolve
from gitopsc.validate.rules import Rules
from gitopsc.validate.validate import validate

TEMPLATES = Path(__file__).parents[2] / "templates"
UPDATE = os.environ.get("GITOPSC_GOLDEN") == "update"
CASES = [(one.name, test["input"], test["golden"]) for one in built_in_types().values() for test in one.tests]


class OneFile:
    """A workspace in one file."""

    def __init__(self, text: bytes) -> None:
        self.text = text

    def list(self) -> list[SourceFile]:
        return [SourceFile("gitopsc.yaml", ())]

    def read(self, path: str) -> bytes:
        if path != "gitopsc.yaml":
            raise Invalid(f"no {path}")
        return self.text


def rendered(text: bytes) -> tuple[list[Manifest], Diagnostics]:
    diagnostics = Diagnostics()
    workspace = load_workspace(OneFile(text), diagnostics)
    assert workspace, diagnostics
    [application], [environment] = workspace.applications.values(), workspace.environments.values()
    found = resolve(Layers(workspace, diagnostics), application, environment, lambda file, written: (written, b""))
    assert found, diagnostics
    manifests, told = render(found, workspace.types)
    diagnostics += told
    rules = Rules(environment.kubernetes, found.application, found.environment, found.namespace, environment.policy)
    diagnostics += validate(manifests, rules)
    return manifests, diagnostics


@pytest.mark.parametrize(("name", "written", "golden"), CASES, ids=[f"{name}: {written}" for name, written, _ in CASES])
def test_golden_cases(name: str, written: str, golden: str) -> None:
    manifests, diagnostics = rendered((TEMPLATES / name / written).read_bytes())
    assert [f"{d.place}: {d.message}" for d in diagnostics if d.severity == "error"] == []
    text, file = "---\n".join(dump(one.data) for one in manifests), TEMPLATES / name / golden
    assert manifests
    if UPDATE:
        file.write_text(text, encoding="utf-8")
    assert file.read_text(encoding="utf-8") == text


def test_every_type_has_a_case() -> None:
    assert {name for name, _, _ in CASES} == {name for name, one in built_in_types().items() if not one.abstract}
