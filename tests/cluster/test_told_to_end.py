"""Case G3: a pass that is told to end ends at once, says what it did, and leaves nothing that the next one cannot go on from."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from gitopsc.cluster.settings import PREFIX
from tests.cluster import told
from tests.cluster.stage import Object, Stage, config, deployment, url
from tests.faults import FaultProxy, silent
from tests.kube import ApiServer
from tests.waiting import HANGS, until

pytestmark = pytest.mark.cluster
SIGNALS = 200
BESIDE = 4
CONVERGED_EVERY = 10
NAMES = ("a", "b", "c")


@pytest.fixture
def stage(api_server: ApiServer, tmp_path: Path) -> Stage:
    return Stage(api_server, tmp_path)


class Lane:
    """An environment of its own, whose passes are told to end."""

    def __init__(self, server: ApiServer, folder: Path, rng: random.Random) -> None:
        folder.mkdir()
        self.stage = Stage(server, folder)
        self.rng = rng
        self.said = folder / "said"
        self.context = multiprocessing.get_context("forkserver")
        self.process: BaseProcess | None = None
        self.number = signal.SIGTERM
        self.version = 0
        self.told_in_time = 0

    def release(self) -> None:
        """Another version: every object has it twice, so that half of one would be seen; one object comes and goes."""
        self.version += 1
        value = str(self.version)
        names = NAMES[: 2 + self.version % 2]
        self.stage.publish(*(config(name, self.stage.namespace, one=value, other=value) for name in names))

    def start(self) -> None:
        """Begin a pass, as the command line does."""
        stage = self.stage
        words = ["reconcile", stage.environment, "--repository", str(stage.repository), "-C", str(stage.folder), "--confirm-prune"]
        receiver, sender = self.context.Pipe(duplex=False)
        self.process = self.context.Process(target=told.run, args=(words, stage.variables(), str(self.said), sender))
        self.process.start()
        receiver.recv()

    def tell(self, number: signal.Signals) -> None:
        """Tell it to end."""
        assert self.process is not None
        self.number = number
        assert self.process.pid is not None
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.process.pid, number)

    def ended(self) -> None:
        """It has ended by itself, left whole objects, and said what it did."""
        process = self.process
        assert process is not None
        process.join(HANGS)
        hangs = process.is_alive()
        process.kill()
        process.join()
        assert not hangs, "it did not end"
        assert process.exitcode in (0, 128 + self.number), (process.exitcode, self.said.with_suffix(".err").read_text())
        out, err = self.said.read_text(), Path(f"{self.said}.err").read_text()
        assert "Traceback" not in err, err
        if "was told to end" in err:
            self.told_in_time += 1
            assert process.exitcode == 128 + self.number
            assert "shop: " in out, (out, err)
        live = self.live()
        for name, one in live.items():
            assert one["data"]["one"] == one["data"]["other"], (name, one["data"])
        parent = self.stage.parent()
        listed = set(json.loads(parent["data"]["inventory"])["objects"]) if parent is not None else set()
        assert {f"ConfigMap/{self.stage.namespace}/{name}" for name in live} <= listed, "what is there is known"

    def live(self) -> dict[str, Object]:
        """What is there of ours."""
        where = f"{url('ConfigMap', 'v1', self.stage.namespace)}?labelSelector=applyset.kubernetes.io/part-of={self.stage.id}"
        return {one["metadata"]["name"]: one for one in self.stage.server.ask("GET", where)[1]["items"]}

    def converges(self) -> None:
        """The next pass goes on."""
        ran = self.stage.run(timeout="10m", confirm_prune=True)
        assert ran.status == 0, ran.said
        value = str(self.version)
        assert {name: one["data"] for name, one in self.live().items()} == {name: {"one": value, "other": value} for name in NAMES[: 2 + self.version % 2]}


@pytest.mark.slow
def test_g3_two_hundred_passes_that_are_told_to_end(api_server: ApiServer, tmp_path: Path) -> None:
    rng = random.Random(3)
    multiprocessing.get_context("forkserver").set_forkserver_preload(
        ["tests.cluster.told", "gitopsc.cli.reconcile", "gitopsc.cli.serving", "gitopsc.reconcile", "gitopsc.screening", "gitopsc.validate.decoding"]
    )
    lanes = [Lane(api_server, tmp_path / str(number), rng) for number in range(BESIDE)]
    usual = 0.0
    for lane in lanes:
        lane.release()
        began = time.monotonic()
        lane.start()
        assert lane.process is not None
        lane.process.join(HANGS)
        usual = max(usual, time.monotonic() - began)
        lane.converges()
    for number in range(SIGNALS // BESIDE):
        for lane in lanes:
            lane.release()
            lane.start()
        moments = sorted((rng.uniform(0, usual), lane) for lane in lanes)
        began = time.monotonic()
        for moment, lane in moments:
            time.sleep(max(0.0, moment - (time.monotonic() - began)))
            lane.tell(rng.choice((signal.SIGTERM, signal.SIGINT)))
        for lane in lanes:
            lane.ended()
            if number % CONVERGED_EVERY == 0:
                lane.converges()
    for lane in lanes:
        lane.converges()


def _process(stage: Stage, *words: str, **variables: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "gitopsc", "reconcile", stage.environment, "--repository", str(stage.repository), "-C", str(stage.folder), *words]
    return subprocess.Popen(command, env={**stage.variables(), **variables}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_g3_what_was_done_is_told(stage: Stage, number: signal.Signals) -> None:
    web = deployment("web", stage.namespace)
    later = deployment("later", stage.namespace, annotations={f"{PREFIX}wave": "1", f"{PREFIX}health": "ignore"})
    stage.publish(config("a", stage.namespace, k="1"), web, later)
    process = _process(stage, "--timeout", "10m")
    until(lambda: stage.get("Deployment", "web", "apps/v1"))
    process.send_signal(number)
    out, err = process.communicate(timeout=HANGS)
    assert process.returncode == 128 + number, err
    assert "shop: ConfigMap/a in namespace" in out
    assert "created" in out
    assert "shop: unknown: " in out
    assert "the pass was told to end" in err
    assert stage.get("Deployment", "later", "apps/v1") is None
    stage.ready(web)
    assert stage.run().status == 0
    assert stage.get("Deployment", "later", "apps/v1")


def test_g3_a_server_that_says_nothing_keeps_no_pass_from_ending(stage: Stage, tmp_path: Path) -> None:
    stage.publish(config("a", stage.namespace, k="1"))
    with FaultProxy(stage.server.url) as proxy:
        proxy.fault("PATCH", rf"/namespaces/{stage.namespace}/configmaps/a", silent, times=None)
        kubeconfig = tmp_path / "silent"
        kubeconfig.write_text(stage.server.kubeconfig.read_text().replace(stage.server.url, proxy.url))
        process = _process(stage, "--timeout", "10m", KUBECONFIG=str(kubeconfig))
        until(lambda: any(request.method == "PATCH" for request in proxy.seen))
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=HANGS)
        assert process.returncode == 128 + signal.SIGTERM
    assert stage.run().status == 0
