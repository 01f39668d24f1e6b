"""Case G4: hundreds of passes of one process, with faults and drift, leave nothing behind."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.stage import Stage, config
from tests.faults import FaultProxy, answering, resetting, truncating
from tests.kube import TOKEN, ApiServer

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
PASSES, WARM = 400, 80
DRIVER = """
import json, os, re, sys, threading
from pathlib import Path
from gitopsc.agent.loop import Attempt
from gitopsc.options import Options
from gitopsc.ground import Wish
from gitopsc.watch import Standing, watcher
from tests.waiting import children, descriptors, resident

environment, repository, folder, kubeconfig, passes, warm = sys.argv[1:]
options = Options(directory=Path(folder), repository=repository, environ=dict(os.environ))
lines = []
agent = watcher(options, environment, (), Wish(kubeconfig=kubeconfig, timeout="10m"), Standing(listen="127.0.0.1:0", interval="1h", log=lines.append))
stop = threading.Event()
assert agent.lease.acquire(stop)
agent.lease.keep()
agent.alerting.open()

def state():
    return {"mib": resident(), "fds": descriptors(), "threads": threading.active_count(), "children": len(children())}

healed = 0
for number in range(1, int(passes) + 1):
    if not agent.lease.held:
        assert agent.lease.acquire(stop)
        agent.lease.lost.clear()
        agent.lease.keep()
    agent._pass(Attempt("test"))
    healed += sum(int(count) for line in lines for count in re.findall("([0-9]+) configured", line))
    lines.clear()
    if number in (int(warm), int(passes)) or number % 20 == 0:
        print(json.dumps({"pass": number, **state(), "healed": healed}), flush=True)
        sys.stdin.readline()
agent.lease.release()
os._exit(0)
"""


def test_g4_four_hundred_passes_grow_nothing(api_server: ApiServer, tmp_path: Path) -> None:
    stage = Stage(api_server, tmp_path)
    manifests = [config(f"c{number}", stage.namespace, k="1") for number in range(20)]
    stage.applied(*manifests)
    with FaultProxy(api_server.url) as proxy:
        for fault in (answering(500), answering(429, b"", **{"Retry-After": "0"}), resetting(carried_out=False), resetting(carried_out=True), truncating()):
            proxy.fault("*", ".", fault, times=None, rate=0.01)
        file = tmp_path / "proxied"
        cluster = {"name": "c", "cluster": {"server": proxy.url}}
        user = {"name": "u", "user": {"token": TOKEN}}
        context = {"name": "x", "context": {"cluster": "c", "user": "u"}}
        file.write_text(json.dumps({"apiVersion": "v1", "kind": "Config", "clusters": [cluster], "users": [user], "contexts": [context]}))
        words = [stage.environment, str(stage.repository), str(stage.folder), str(file), str(PASSES), str(WARM)]
        states: list[dict[str, Any]] = []
        with (
            (tmp_path / "errors").open("wb") as log,
            subprocess.Popen(
                [sys.executable, "-c", DRIVER, *words],
                env={**stage.variables(), "PYTHONPATH": str(ROOT)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            ) as driver,
        ):
            assert driver.stdin is not None
            assert driver.stdout is not None
            for line in driver.stdout:
                states.append(json.loads(line))
                stage.patch(manifests[len(states) % 20], {"data": {"k": str(len(states))}})
                proxy.seen.clear()
                print("changed", file=driver.stdin, flush=True)
        assert driver.returncode == 0, (tmp_path / "errors").read_text()
    by_pass = {state["pass"]: state for state in states}
    before, after = by_pass[WARM], by_pass[PASSES]
    assert after["mib"] < before["mib"] * 1.1, states
    assert after["fds"] <= before["fds"] + 4, states  # connections that wait to be used again, as many as calls were in flight
    assert after["threads"] <= before["threads"] + 2, states
    assert after["children"] == 0, states
    assert after["healed"] >= PASSES // 20 - 2, states
    assert stage.run().status == 0
