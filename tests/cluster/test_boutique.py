"""Online Boutique on a real API server: from nothing, again with nothing to do, and after every kill."""

from __future__ import annotations

import copy
import multiprocessing
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.boutique import recommended
from tests.cluster import killed
from tests.cluster.controllers import Rollouts
from tests.cluster.stage import Stage
from tests.kube import ApiServer

pytestmark = pytest.mark.cluster
KILLS = 40


def boutique(environment: str, namespace: str) -> list[dict[str, Any]]:
    """The manifests of the example, in another namespace."""
    out = copy.deepcopy(list(recommended(environment).values()))
    for one in out:
        one["metadata"]["namespace"] = namespace
    return out


@pytest.fixture
def stage(api_server: ApiServer, tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(api_server, tmp_path)
    rollouts = Rollouts(api_server, stage.namespace)
    yield stage
    rollouts.stop()


def ours(stage: Stage) -> set[str]:
    """``Kind/name`` of everything with our label."""
    found = set()
    for root, plurals in (
        ("/api/v1", ("configmaps", "services", "serviceaccounts", "secrets", "persistentvolumeclaims")),
        ("/apis/apps/v1", ("deployments", "statefulsets", "daemonsets")),
        ("/apis/policy/v1", ("poddisruptionbudgets",)),
        ("/apis/autoscaling/v2", ("horizontalpodautoscalers",)),
        ("/apis/networking.k8s.io/v1", ("networkpolicies", "ingresses")),
    ):
        for plural in plurals:
            body = stage.server.ask("GET", f"{root}/namespaces/{stage.namespace}/{plural}?labelSelector=applyset.kubernetes.io/part-of")[1]
            found |= {f"{body['kind'].removesuffix('List')}/{one['metadata']['name']}" for one in body["items"]}
    return found


def wanted(manifests: list[dict[str, Any]]) -> set[str]:
    return {f"{one['kind']}/{one['metadata']['name']}" for one in manifests}


@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
def test_it_converges_from_nothing_and_then_writes_nothing(stage: Stage, environment: str) -> None:
    manifests = boutique(environment, stage.namespace)
    stage.publish(*manifests)
    ran = stage.run(timeout="10m")
    assert ran.status == 0, ran.said
    assert ran.application()["verdict"] == "verified"
    assert ours(stage) == wanted(manifests)
    since = stage.mark()
    ran = stage.run(timeout="10m")
    assert (ran.status, set(ran.actions().values()), ran.drift()) == (0, {"unchanged"}, [])
    assert stage.writes(since, own=True) == []


def changed(manifests: list[dict[str, Any]], rng: random.Random) -> list[dict[str, Any]]:
    """The next release: some objects are gone, some are other than before."""
    out = []
    for one in copy.deepcopy(manifests):
        lot = rng.random()
        if lot < 0.2 and one["kind"] != "Deployment":
            continue
        if lot < 0.6:
            one["metadata"].setdefault("annotations", {})["example.com/release"] = str(rng.random())
        out.append(one)
    return out


def test_no_kill_leaves_anything_behind(stage: Stage) -> None:
    rng = random.Random(7)
    base = boutique("dev", stage.namespace)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.cluster.killed", "gitopsc.passing", "gitopsc.spec.documents"])
    stage.publish(*base)
    began = time.monotonic()
    assert stage.run(timeout="10m").status == 0
    usual = time.monotonic() - began
    for number in range(KILLS):
        manifests = changed(base, rng)
        stage.publish(*manifests)
        process = context.Process(target=killed.run, args=(str(stage.folder), str(stage.repository), stage.environment, stage.variables()))
        process.start()
        process.join(rng.uniform(0.02, usual))
        process.kill()
        process.join()
        ran = stage.run(timeout="10m", confirm_prune=True)
        assert ran.status == 0, (number, ran.said)
        assert ours(stage) == wanted(manifests), number
        assert len(stage.inventory()) == len(manifests), number
