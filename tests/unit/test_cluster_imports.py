"""Who needs no cluster pays nothing for it."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROBE = """
import sys
from gitopsc.cli.run import run
status = run({words!r})
loaded = sorted(name for name in sys.modules if name.partition(".")[0] in ("kubernetes", "urllib3", "requests") or name.startswith("gitopsc.cluster"))
sys.stderr.write("loaded: " + " ".join(loaded))
"""


@pytest.mark.parametrize("words", [["build"], ["check"], ["build", "--check"], ["diff", "HEAD"], ["render"], ["--help"]])
def test_commands_without_a_cluster_do_not_import_its_room(words: list[str]) -> None:
    arguments = ["-C", "tests/fixtures/shop", *words]
    done = subprocess.run([sys.executable, "-c", PROBE.format(words=arguments)], capture_output=True, text=True, timeout=600, check=False)
    assert done.stderr.endswith("loaded: "), done.stderr
