"""``gitopsc diff --live``: what a pass would change, in the words of a diff, with nothing written and nothing of a Secret told."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from gitopsc.ground import Wish
from gitopsc.live import diff_live
from gitopsc.options import Options
from gitopsc.report.formats import formatted
from gitopsc.report.result import Result
from gitopsc.report.text import text
from tests.cluster.stage import Stage, config, deployment
from tests.kube import ApiServer

pytestmark = pytest.mark.cluster


@pytest.fixture
def stage(api_server: ApiServer, tmp_path: Path) -> Stage:
    return Stage(api_server, tmp_path)


def looked(stage: Stage) -> Result:
    """The diff, which must not write."""
    since = stage.mark()
    options = Options(directory=stage.folder, repository=str(stage.repository), environ=stage.variables())
    result = diff_live(options, stage.environment, Wish(dry_run=True))
    assert stage.writes(since, own=True) == []
    return result


def found(result: Result) -> dict[str, tuple[str, list[tuple[str, Any, Any]]]]:
    """Name → (change, fields)."""
    return {
        one["object"]["name"]: (one["change"], [(field["path"], field["before"], field["after"]) for field in one["fields"]]) for one in result.data["changes"]
    }


def test_nothing_differs_after_a_pass(stage: Stage) -> None:
    stage.applied(config("a", stage.namespace, k="1"))
    result = looked(stage)
    assert (result.status, result.data["changes"]) == (0, [])


def test_each_change_is_told_with_its_fields(stage: Stage) -> None:
    quiet = {"gitopsc.dev/health": "ignore"}
    stage.applied(config("a", stage.namespace, k="1", gone="x"), config("b", stage.namespace, k="1"), deployment("web", stage.namespace, annotations=quiet))
    stage.patch(config("a", stage.namespace), {"data": {"k": "edited"}})
    stage.publish(config("a", stage.namespace, k="1"), config("c", stage.namespace, k="1"), deployment("web", stage.namespace, "example.com/web:2", quiet))
    result = looked(stage)
    assert result.status == 1
    changes = found(result)
    assert changes["a"] == ("changed", [("data.gone", "x", None), ("data.k", "edited", "1")])
    assert changes["b"][0] == "deleted"
    assert changes["c"][0] == "created"
    assert changes["web"] == ("changed", [("spec.template.spec.containers[web].image", "example.com/web:1", "example.com/web:2")])
    assert "restart" in str([one["consequences"] for one in result.data["changes"]])
    assert "data.k" in text(result)


def test_secrets_are_masked_in_every_form(stage: Stage) -> None:
    def secret(value: str) -> dict[str, Any]:
        return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "key", "namespace": stage.namespace}, "stringData": {"password": value}}

    stage.applied(secret("first-canary"))
    stage.publish(secret("second-canary"))
    result = looked(stage)
    everything = text(result) + "".join(formatted(result, form) for form in ("json", "yaml", "markdown"))
    assert "data.password" in everything
    for value in (b"first-canary", b"second-canary"):
        assert value.decode() not in everything
        assert base64.b64encode(value).decode() not in everything
