"""One real API server for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gitopsc.cluster import converge
from tests.cluster.watcher import sink, start
from tests.kube import ApiServer, assets

__all__ = ["sink", "start"]


@pytest.fixture(autouse=True)
def _time_to_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of a pass's time is for what comes after a wait that was in vain: with a tenth of so little a busy machine would not come to say what it found."""
    monkeypatch.setattr(converge, "_RESERVE", 60.0)
    monkeypatch.setattr(converge, "_RESERVE_PART", 0.5)


@pytest.fixture(scope="session")
def api_server() -> Iterator[ApiServer]:
    """A running kube-apiserver; the test is skipped where ``KUBEBUILDER_ASSETS`` names none."""
    folder = assets()
    if folder is None:
        pytest.skip("KUBEBUILDER_ASSETS names no folder with etcd, kube-apiserver and kubectl")
    server = ApiServer(folder)
    server.start()
    yield server
    server.stop()
