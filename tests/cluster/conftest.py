"""One real API server for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cluster.watcher import sink, start
from tests.kube import ApiServer, assets

__all__ = ["sink", "start"]


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
