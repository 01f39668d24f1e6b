"""Row 6: passes over a real API server, started for this and thrown away, beside ``kubectl apply --server-side`` of the same objects."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gitopsc.render.emit import dump
from tests.bench.rows import Row
from tests.bench.timing import timed
from tests.cluster.stage import Stage, config
from tests.kube import ApiServer

OBJECTS = 4  # of an application
ROUNDS = 3
FEW = 1000  # objects of the pass that has nothing to do


def passes(root: Path, assets: Path, applications: int) -> list[Row]:
    """From empty, and with nothing changed."""
    ours, theirs = zip(*(_from_empty(root / str(number), assets, applications) for number in range(ROUNDS)), strict=True)
    what = f"reconcile {applications} applications of {OBJECTS} ConfigMaps from empty: dry run, verification and inventory included"
    peer = "kubectl apply --server-side of the same objects"
    seconds, requests = _nothing_changed(root / "same", assets)
    return [
        Row(6, what, statistics.median(ours), peer, statistics.median(theirs), "≤ 0.67"),
        Row(6, f"reconcile {FEW} ConfigMaps with nothing changed: {requests} requests", seconds, "", None, "≤ 2 s, 30 requests"),
    ]


def _from_empty(root: Path, assets: Path, applications: int) -> tuple[float, float]:
    """Our seconds and kubectl's, each into an empty namespace."""
    with _stage(root, assets) as stage:
        _publish(stage, applications)
        ours = timed(_reconcile(stage), root, stage.variables(), runs=1).seconds
        other = Stage(stage.server, root / "other")
        file = root / "all.yaml"
        file.write_text("---\n".join(dump(one) for listed in _objects(other, applications).values() for one in listed))
        command = [str(assets / "kubectl"), "--kubeconfig", str(stage.server.kubeconfig), "apply", "--server-side", "-f", str(file)]
        return ours, timed(command, root, stage.variables(), runs=1).seconds


def _nothing_changed(root: Path, assets: Path) -> tuple[float, int]:
    """Seconds and requests of a pass that finds everything as it left it."""
    with _stage(root, assets) as stage:
        _publish(stage, FEW // OBJECTS)
        timed(_reconcile(stage), root, stage.variables(), runs=1)
        since = stage.mark()
        timed(_reconcile(stage), root, stage.variables(), runs=1)
        requests = len(stage.requests(since))
        return timed(_reconcile(stage), root, stage.variables(), runs=5).seconds, requests


@contextmanager
def _stage(root: Path, assets: Path) -> Iterator[Stage]:
    root.mkdir(parents=True)
    server = ApiServer(assets)
    server.start()
    try:
        yield Stage(server, root)
    finally:
        server.stop()


def _reconcile(stage: Stage) -> list[str]:
    return [sys.executable, "-m", "gitopsc", "reconcile", stage.environment, "--repository", str(stage.repository), "--timeout", "10m"]


def _objects(stage: Stage, applications: int) -> dict[str, list[dict[str, Any]]]:
    return {
        f"app-{number:04d}": [config(f"app-{number:04d}-{one}", stage.namespace, index=str(number), text="x" * 50) for one in range(OBJECTS)]
        for number in range(applications)
    }


def _publish(stage: Stage, applications: int) -> None:
    stage.written = dump
    named: Any = _objects(stage, applications)
    stage.publish(**named)
