"""Case F16 and what belongs to it: what is being deleted is waited for, and made again when it is gone."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.stage import Ran, Stage, config, url, url_of
from tests.kube import ApiServer

pytestmark = pytest.mark.cluster


@pytest.fixture
def stage(api_server: ApiServer, tmp_path: Path) -> Stage:
    return Stage(api_server, tmp_path)


def meanwhile(stage: Stage, act: Callable[[], Any], seconds: float = 0.7) -> Ran:
    """A pass, during which something happens."""
    timer = threading.Timer(seconds, act)
    timer.start()
    try:
        return stage.run()
    finally:
        timer.join()


def test_an_object_that_is_going_away_is_made_again_when_it_is_gone(stage: Stage) -> None:
    one = config("a", stage.namespace, k="1")
    stage.applied(one, config("b", stage.namespace, k="1"))
    before = stage.patch(one, {"metadata": {"finalizers": ["example.com/hold"]}})["metadata"]["uid"]
    stage.delete(one)

    def let_go() -> None:
        with own_connection(stage.server) as server:
            assert server.ask("PATCH", url_of(one), {"metadata": {"finalizers": None}}, "application/merge-patch+json")[0] == 200

    ran = meanwhile(stage, let_go)
    assert ran.status == 0, ran.said
    assert ran.actions() == {"ConfigMap/a": "created", "ConfigMap/b": "unchanged"}
    assert stage.live("ConfigMap", "a")["metadata"]["uid"] != before


@contextmanager
def own_connection(server: ApiServer) -> Iterator[ApiServer]:
    """The same server, for another thread."""
    other = ApiServer.__new__(ApiServer)
    other.__dict__.update(server.__dict__, _connection=None)
    yield other
    if other._connection is not None:
        other._connection.close()


def test_what_does_not_go_in_time_is_told_with_what_keeps_it(stage: Stage) -> None:
    one = config("a", stage.namespace, k="1")
    stage.applied(one)
    stage.patch(one, {"metadata": {"finalizers": ["example.com/hold"]}})
    stage.delete(one)
    stage.publish(config("a", stage.namespace, k="2"))
    ran = stage.run(timeout="12s")
    assert ran.status == 1
    outcome = ran.application()["outcomes"][0]
    assert (outcome["action"], outcome["health"], "example.com/hold" in outcome["message"]) == ("blocked", "terminating", True)
    assert stage.live("ConfigMap", "a")["data"] == {"k": "1"}


def test_a_namespace_that_is_going_away_is_waited_for_and_made_again(stage: Stage) -> None:
    stage.publish(config("a", stage.namespace, k="1"))
    path = url("Namespace", "v1", "", stage.namespace)
    assert stage.server.ask("DELETE", path)[0] == 200

    def finalize() -> None:
        """What the namespace controller does, which is not here."""
        with own_connection(stage.server) as server:
            live = server.ask("GET", path)[1]
            assert server.ask("PUT", f"{path}/finalize", {**live, "spec": {"finalizers": []}})[0] == 200

    ran = meanwhile(stage, finalize)
    assert ran.status == 0, ran.said
    assert ran.actions() == {f"Namespace/{stage.namespace}": "created", "ConfigMap/a": "created"}
