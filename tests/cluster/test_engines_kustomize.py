"""The parts that Flux makes of an application, as kustomize makes them: every object is in exactly one."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from gitopsc.engines.flux import flux
from gitopsc.engines.source import Source
from gitopsc.engines.subject import Application
from tests.engines import Object, application, environment, thing
from tests.kube import assets

pytestmark = pytest.mark.cluster

SOURCE = Source("acme", "https://git.example.com/e.git", "main", "", "flux-system")


def objects(phases: tuple[str, ...], waves: tuple[int, ...]) -> list[Object]:
    """A ConfigMap without an order, and one of each phase and wave, and of both."""
    out = [thing("v1", "ConfigMap", "plain", "shop", data={"a": "b"})]
    out += [thing("batch/v1", "Job", f"job-{phase}", "shop", {"gitopsc.dev/phase": phase}, spec={"ttlSecondsAfterFinished": 5}) for phase in phases]
    out += [thing("apps/v1", "Deployment", f"wave-{wave}", "shop", {"gitopsc.dev/wave": str(wave)}, spec={"replicas": 2}) for wave in waves]
    out += [thing("v1", "ConfigMap", f"both-{phase}", "shop", {"gitopsc.dev/phase": phase, "gitopsc.dev/wave": "1"}) for phase in phases]
    return out


def built(folder: Path, spec: dict[str, Any]) -> dict[str, Object]:
    """``Kind/name`` → object, as Flux would apply a Kustomization: its patches over every file of the folder."""
    programs = assets()
    if programs is None:
        pytest.skip("KUBEBUILDER_ASSETS names no folder with kubectl")
    files = sorted(file.name for file in folder.glob("*.yaml") if file.name != "kustomization.yaml")
    (folder / "kustomization.yaml").write_text(json.dumps({"resources": files, "patches": spec.get("patches", [])}))
    done = subprocess.run([str(programs / "kubectl"), "kustomize", str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return {f"{one['kind']}/{one['metadata']['name']}": one for one in yaml.safe_load_all(done.stdout) if one}


def layered(tmp_path: Path, today: Application, there: list[Object]) -> dict[str, list[str]]:
    """Kustomization → what of ``there`` it would apply, exported when ``today`` was the application."""
    for number, one in enumerate(there):
        (tmp_path / f"{number}.yaml").write_text(json.dumps(one))
    listed = flux(environment(today), SOURCE)[0]
    return {one["metadata"]["name"]: sorted(built(tmp_path, one["spec"])) for one in listed if one["kind"] == "Kustomization"}


ORDERS = {
    "none": ((), ()),
    "waves": ((), (0, 1, 2)),
    "jobs before": (("pre-deploy",), ()),
    "both": (("pre-deploy", "post-deploy"), (0, 1, 3)),
}


@pytest.mark.parametrize(("phases", "waves"), ORDERS.values(), ids=ORDERS.keys())
def test_every_object_is_in_exactly_one_part(tmp_path: Path, phases: tuple[str, ...], waves: tuple[int, ...]) -> None:
    there = objects(phases, waves)
    found = layered(tmp_path, application("shop", *there), there)
    assert sorted(name for names in found.values() for name in names) == sorted(f"{one['kind']}/{one['metadata']['name']}" for one in there)


def test_each_is_in_the_right_one(tmp_path: Path) -> None:
    there = objects(("pre-deploy", "post-deploy"), (0, 1, 3))
    assert layered(tmp_path, application("shop", *there), there) == {
        "prod-shop-pre-deploy": ["ConfigMap/both-pre-deploy", "Job/job-pre-deploy"],
        "prod-shop": ["ConfigMap/plain", "Deployment/wave-0"],
        "prod-shop-wave-1": ["Deployment/wave-1"],
        "prod-shop-wave-3": ["Deployment/wave-3"],
        "prod-shop-post-deploy": ["ConfigMap/both-post-deploy", "Job/job-post-deploy"],
    }


def test_what_later_commits_bring_is_in_exactly_one_part_as_well(tmp_path: Path) -> None:
    today = application("shop", *objects(("pre-deploy",), (0, 1, 3)))
    there = objects(("pre-deploy", "post-deploy"), (0, 1, 2, 3, 4, 10))
    found = layered(tmp_path, today, there)
    assert sorted(name for names in found.values() for name in names) == sorted(f"{one['kind']}/{one['metadata']['name']}" for one in there)
    assert found["prod-shop-wave-3"] == ["Deployment/wave-10", "Deployment/wave-2", "Deployment/wave-3", "Deployment/wave-4"]


def test_a_job_loses_its_ttl_and_may_be_made_anew(tmp_path: Path) -> None:
    there = objects(("pre-deploy",), ())
    for number, one in enumerate(there):
        (tmp_path / f"{number}.yaml").write_text(json.dumps(one))
    spec = next(one["spec"] for one in flux(environment(application("shop", *there)), SOURCE)[0] if one["metadata"]["name"].endswith("pre-deploy"))
    job = built(tmp_path, spec)["Job/job-pre-deploy"]
    assert "ttlSecondsAfterFinished" not in job["spec"]
    assert job["metadata"]["annotations"]["kustomize.toolkit.fluxcd.io/force"] == "enabled"
    assert job["metadata"]["namespace"] == "shop"


def test_fields_that_are_left_to_others_are_not_sent(tmp_path: Path) -> None:
    there = [
        thing("apps/v1", "Deployment", "web", "shop", spec={"replicas": 2, "paused": True}),
        thing("apps/v1", "Deployment", "api", "shop", spec={"replicas": 2}),
        thing("v1", "ConfigMap", "web", "shop", data={"a": "b"}),
    ]
    for number, one in enumerate(there):
        (tmp_path / f"{number}.yaml").write_text(json.dumps(one))
    rules = {"ignore": [{"group": "apps", "kind": "Deployment", "name": "web", "paths": ["spec.replicas", "spec.absent.deeper"]}]}
    spec = flux(environment(application("shop", *there), reconcile=rules), SOURCE)[0][-1]["spec"]
    found = built(tmp_path, spec)
    assert found["Deployment/web"]["spec"] == {"paused": True} or found["Deployment/web"]["spec"] == {"paused": True, "absent": {}}
    assert found["Deployment/api"]["spec"] == {"replicas": 2}
    assert found["ConfigMap/web"]["data"] == {"a": "b"}
