"""Scenarios 52 and 53, and case F23: with the controllers that make pods, and a kubelet that is played."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.kubelet import Controllers, Kubelet
from tests.cluster.stage import Stage, config, deployment
from tests.kube import ApiServer

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def controllers(api_server: ApiServer) -> Iterator[Controllers]:
    if not (api_server.folder / "kube-controller-manager").is_file():
        pytest.skip("KUBEBUILDER_ASSETS has no kube-controller-manager")
    one = Controllers(api_server)
    one.start()
    yield one
    one.stop()


@pytest.fixture
def stage(api_server: ApiServer, tmp_path: Path, controllers: Controllers) -> Iterator[Stage]:
    stage = Stage(api_server, tmp_path)
    kubelet = Kubelet(api_server, stage.namespace)
    yield stage
    kubelet.stop()


def test_s52_a_failing_image_is_told_with_its_pod_and_reason(stage: Stage) -> None:
    good = deployment("web", stage.namespace, replicas=2)
    stage.publish(good)
    ran = stage.run(timeout="10m")
    assert (ran.status, ran.application()["verdict"]) == (0, "verified"), ran.said
    stage.publish(deployment("web", stage.namespace, image="example.com/bad:1", replicas=2))
    ran = stage.run(timeout="20s")
    assert (ran.status, ran.application()["verdict"]) == (1, "degraded")
    message = ran.message("Deployment/web")
    assert "pod web-" in message
    assert 'container web: ImagePullBackOff: Back-off pulling image "example.com/bad:1"' in message


def test_s52_a_deadline_of_the_deployment_is_not_waited_past(stage: Stage) -> None:
    stage.publish(deployment("web", stage.namespace, image="example.com/bad:1", replicas=1, progressDeadlineSeconds=2, minReadySeconds=0))
    ran = stage.run(timeout="1h")
    assert (ran.status, ran.application()["verdict"]) == (1, "degraded")
    assert "ProgressDeadlineExceeded" in ran.message("Deployment/web")
    assert "ImagePullBackOff" in ran.message("Deployment/web")
    stage.publish(deployment("web", stage.namespace, replicas=1))
    assert stage.run(timeout="10m").status == 0


def test_s53_pods_are_gone_before_a_prune_is_done(stage: Stage) -> None:
    rest = [config(name, stage.namespace, k="1") for name in "abc"]
    stage.publish(deployment("web", stage.namespace, replicas=2), *rest)
    assert stage.run(timeout="10m").status == 0
    stage.publish(*rest)
    ran = stage.run(timeout="10m")
    assert ran.status == 0, ran.said
    assert ran.actions()["Deployment/web"] == "pruned"
    for path in (f"/apis/apps/v1/namespaces/{stage.namespace}/replicasets", f"/api/v1/namespaces/{stage.namespace}/pods"):
        assert stage.server.ask("GET", path)[1]["items"] == []
