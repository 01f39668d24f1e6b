"""Alerts of a gate that waits too long, from an agent of production and from single passes, over real Git and before the real API server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.test_story import World, world
from tests.cluster.watcher import Sink, Start
from tests.kube import ApiServer
from tests.waiting import until

pytestmark = pytest.mark.cluster
STAGES = """
- {name: dev, environments: [dev-ID]}
- {name: staging, environments: [staging-ID]}
- name: prod
  environments: [prod-ID]
  promote: pull-request
  gates: {approvals: {count: 1, from: [sre]}}
"""
PROD = ", enforceGates: true, reconcile: {waiting: 1s}, alerts: [{'on': [waiting, failed], to: {env: CHAT}}]"


@pytest.fixture
def stage(api_server: ApiServer, tmp_path: Path) -> Iterator[World]:
    made = world(api_server, tmp_path, STAGES, PROD)
    yield made
    for cluster in made.clusters.values():
        cluster.stop()


def at_the_door(stage: World, version: str) -> str:
    """A release that is verified everywhere before prod, and what it is called."""
    release = stage.release(version)
    stage.shop.verify(stage.dev)
    stage.shop.told("promote", "shop", "--to", stage.staging)
    stage.shop.verify(stage.staging)
    return release


def approved(stage: World, release: str) -> None:
    """A person approves it; the pull request is opened again for exactly what was approved, and merged."""
    stage.shop.told("approve", "shop", "--to", stage.prod, "--release", release, by="Sue")
    stage.shop.told("promote", "--auto")
    stage.merged()


def test_it_is_told_once_and_once_when_it_is_over(stage: World, start: Start, sink: Sink) -> None:
    release = at_the_door(stage, "1.1.0")
    approved(stage, release)
    assert stage.reconciled(stage.prod) == "verified"
    title = f"{stage.prod}: shop waits too long at a gate"
    watcher = start("--interval", "1s", CHAT=f"json://{sink.host}/chat")
    until(lambda: watcher.passes >= 1)
    assert sink.titles == []
    waits = at_the_door(stage, "1.2.0")
    until(lambda: sink.titles == [title])
    body = str(sink.heard[0])
    assert "1.2.0 waits since" in body
    assert f"gitopsc approve shop --to {stage.prod} --release {waits}" in body
    seen = watcher.passes
    until(lambda: watcher.passes > seen + 1)
    assert sink.titles == [title]
    approved(stage, waits)
    until(lambda: len(sink.titles) > 1)
    assert sink.titles == [title, f"resolved: {title}"]
    until(lambda: stage.image(stage.prod) == "1.2.0")


def test_what_was_merged_unapproved_waits_as_well_for_single_passes(stage: World, sink: Sink) -> None:
    first = at_the_door(stage, "1.1.0")
    approved(stage, first)
    stage.shop.variables["CHAT"] = f"json://{sink.host}/chat"
    assert stage.reconciled(stage.prod) == "verified"
    second = at_the_door(stage, "1.2.0")
    stage.shop.told("promote", "--auto")
    stage.merged()
    expected = {f"{stage.prod}: shop could not be applied", f"{stage.prod}: shop waits too long at a gate"}

    def told() -> bool:
        stage.reconciled(stage.prod, status=2)
        return set(sink.titles) == expected

    until(told)
    stage.reconciled(stage.prod, status=2)
    assert len(sink.titles) == len(expected)
    stage.shop.told("approve", "shop", "--to", stage.prod, "--release", second, by="Sue")
    until(lambda: stage.reconciled(stage.prod) == "verified" and len(sink.titles) >= 2 * len(expected))
    assert sorted(sink.titles[2:]) == sorted(f"resolved: {title}" for title in expected)
