"""The one deadline of a pass: it counts from when the process began, and holds the programs of a kubeconfig, too."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from gitopsc.cluster import plugins
from gitopsc.diagnostics import Failure
from tests.cluster.stage import Stage, config, deployment
from tests.kube import ApiServer
from tests.waiting import HANGS, in_time

pytestmark = pytest.mark.cluster


@pytest.fixture
def stage(api_server: ApiServer, tmp_path: Path) -> Stage:
    return Stage(api_server, tmp_path)


LONG, LEFT = 10 * HANGS, 15.0
LATE = f"import sys; from gitopsc.cli import main; main.STARTED -= {LONG - LEFT}; main.main()"


def test_what_the_process_has_spent_counts(stage: Stage) -> None:
    stage.publish(deployment("web", stage.namespace))  # never ready: nobody is there to make it so
    words = ["reconcile", stage.environment, "--repository", str(stage.repository), "-C", str(stage.folder), "--timeout", f"{LONG:.0f}s"]
    done = subprocess.run([sys.executable, "-c", LATE, *words], env=stage.variables(), capture_output=True, text=True, timeout=HANGS, check=False)
    assert done.returncode == 1, done.stderr
    assert "shop: degraded: 1 created" in done.stdout


def test_a_kubeconfigs_program_ends_with_the_pass(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.publish(config("a", stage.namespace, k="1"))
    monkeypatch.setattr(plugins, "SECONDS", LONG)
    kubeconfig = yaml.safe_load(stage.server.kubeconfig.read_text())
    user = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": sys.executable, "args": ["-c", f"import time; time.sleep({LONG})"]}}
    kubeconfig["users"] = [{"name": "tests", "user": user}]
    file = stage.folder / "slow"
    file.write_text(yaml.safe_dump(kubeconfig))

    def run() -> None:
        stage.run(kubeconfig=str(file), allow_exec=True, timeout="3s")

    with pytest.raises(Failure, match="gave no credentials within"):
        in_time(run)
