from __future__ import annotations

from typing import Any

import pytest

from gitopsc.diagnostics import Diagnostics, Place
from gitopsc.render.lower.disruption import disruption
from gitopsc.render.lower.rollout import revisions, rollout
from gitopsc.render.lower.scale import autoscaler, check_scale, scale
from gitopsc.render.lower.scheduling import spread
from gitopsc.values import plain
from tests.unit.workloads import codes, plain_yaml, tree, workload

SCALES: dict[str, tuple[str, dict[str, Any], Any]] = {
    "a number": ("scale: {replicas: 3}", {}, {"replicas": 3}),
    "zero": ("scale: {replicas: 0}", {}, {"replicas": 0}),
    "nothing said": ("", {}, {}),
    "autoscaled": ("scale: {min: 2, max: 4}", {}, {}),
    "a singleton": ("scale: {singleton: true}", {}, {"replicas": 1}),
    "a singleton that is off": ("scale: {singleton: true, replicas: 0}", {}, {"replicas": 0}),
    "a daemon has none": ("scale: {replicas: 3}", {"base": "daemon"}, {}),
}


@pytest.mark.parametrize(("spec", "fields", "expected"), SCALES.values(), ids=SCALES.keys())
def test_scale(spec: str, fields: dict[str, Any], expected: Any) -> None:
    assert scale(workload(spec, **fields)) == expected


def test_autoscaler() -> None:
    spec = "scale: {min: 2, max: 9, cpu: 70, memory: 80, metrics: [{type: Pods}], behavior: {scaleDown: {}}}"
    assert autoscaler(workload(spec)) == plain_yaml("""
        scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
        minReplicas: 2
        maxReplicas: 9
        metrics:
        - {type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 70}}}
        - {type: Resource, resource: {name: memory, target: {type: Utilization, averageUtilization: 80}}}
        - {type: Pods}
        behavior: {scaleDown: {}}
    """)
    assert autoscaler(workload("scale: {replicas: 2}")) == {}
    named = workload("scale: {min: 1, max: 2}\nnames: {StatefulSet: old}", base="stateful")
    assert autoscaler(named)["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "old"}


@pytest.mark.parametrize("spec", ["scale: {singleton: true, replicas: 2}", "scale: {singleton: true, min: 1, max: 2}"])
def test_a_singleton_is_one(spec: str) -> None:
    diagnostics = Diagnostics()
    check_scale(workload(spec), diagnostics)
    assert codes(diagnostics) == ["singleton-scaled"]


def test_a_types_default_gives_way_to_a_singleton() -> None:
    one = workload("scale: {replicas: 2, singleton: true}")
    one.spec["scale"].places["replicas"] = Place("gitopsc:templates/service/type.yaml", 1, 1)
    diagnostics = Diagnostics()
    check_scale(one, diagnostics)
    assert not diagnostics
    assert scale(one) == {"replicas": 1}


ROLLOUTS: dict[str, tuple[str, dict[str, Any], Any]] = {
    "rolling": ("{strategy: RollingUpdate, maxSurge: 25%, maxUnavailable: 0}", {}, "{type: RollingUpdate, rollingUpdate: {maxSurge: 25%, maxUnavailable: 0}}"),
    "numbers alone": ("{maxSurge: 1}", {}, "{type: RollingUpdate, rollingUpdate: {maxSurge: 1}}"),
    "recreate has no numbers": ("{strategy: Recreate, maxSurge: 25%}", {}, "{type: Recreate}"),
    "stateful": ("{strategy: RollingUpdate, partition: 2}", {"base": "stateful"}, "{type: RollingUpdate, rollingUpdate: {partition: 2}}"),
    "on delete": ("{strategy: OnDelete, partition: 2}", {"base": "stateful"}, "{type: OnDelete}"),
    "daemon": ("{strategy: RollingUpdate, maxUnavailable: 10%}", {"base": "daemon"}, "{type: RollingUpdate, rollingUpdate: {maxUnavailable: 10%}}"),
    "a job has none": ("{strategy: RollingUpdate}", {"base": "job"}, "{}"),
    "nothing said": ("{}", {}, "{}"),
}


@pytest.mark.parametrize(("written", "fields", "expected"), ROLLOUTS.values(), ids=ROLLOUTS.keys())
def test_rollout(written: str, fields: dict[str, Any], expected: str) -> None:
    assert rollout(workload(f"rollout: {written}", **fields)) == plain_yaml(expected)


def test_a_singleton_is_stopped_first() -> None:
    assert rollout(workload("scale: {singleton: true}\nrollout: {strategy: RollingUpdate, maxSurge: 1}")) == {"type": "Recreate"}
    assert rollout(workload("scale: {singleton: true}\nrollout: {strategy: RollingUpdate}", base="stateful")) == {"type": "RollingUpdate"}


def test_revisions() -> None:
    spec = "rollout: {minReadySeconds: 1, revisionHistoryLimit: 0, progressDeadlineSeconds: 3, parallel: true}"
    assert revisions(workload(spec)) == plain_yaml("{revisionHistoryLimit: 0, progressDeadlineSeconds: 3, minReadySeconds: 1, podManagementPolicy: Parallel}")
    assert revisions(workload("rollout: {parallel: false}")) == {"podManagementPolicy": "OrderedReady"}


SELECTOR = {"matchLabels": {"app.kubernetes.io/name": "web", "app.kubernetes.io/instance": "shop"}}
DERIVED = {"maxUnavailable": 1, "selector": SELECTOR, "unhealthyPodEvictionPolicy": "AlwaysAllow"}
DISRUPTIONS: dict[str, tuple[str, dict[str, Any], Any]] = {
    "two replicas": ("scale: {replicas: 2}", {}, DERIVED),
    "an autoscaler from two": ("scale: {min: 2, max: 4}", {}, DERIVED),
    "stateful": ("scale: {replicas: 3}", {"base": "stateful"}, DERIVED),
    "one replica": ("scale: {replicas: 1}", {}, {}),
    "an autoscaler from one": ("scale: {min: 1, max: 4}", {}, {}),
    "nothing said": ("", {}, {}),
    "null": ("scale: {replicas: 2}\ndisruption: null", {}, {}),
    "profile none": ("scale: {replicas: 2}", {"profile": "none"}, {}),
    "said": (
        "scale: {replicas: 2}\ndisruption: {minAvailable: 50%}",
        {},
        {"minAvailable": "50%", "selector": SELECTOR, "unhealthyPodEvictionPolicy": "AlwaysAllow"},
    ),
    "said under none": ("disruption: {maxUnavailable: 2}", {"profile": "none"}, {"maxUnavailable": 2, "selector": SELECTOR}),
    "a singleton has none": ("scale: {singleton: true}\ndisruption: {maxUnavailable: 1}", {}, {}),
    "a daemon": ("scale: {replicas: 2}", {"base": "daemon"}, {}),
}


@pytest.mark.parametrize(("spec", "fields", "expected"), DISRUPTIONS.values(), ids=DISRUPTIONS.keys())
def test_disruption(spec: str, fields: dict[str, Any], expected: Any) -> None:
    assert disruption(workload(spec, **fields), (1, 33)) == expected


def test_old_kubernetes_has_no_eviction_policy() -> None:
    assert "unhealthyPodEvictionPolicy" not in disruption(workload("scale: {replicas: 2}"), (1, 26))


def test_spread_is_over_zones_and_nodes() -> None:
    found = spread(workload("scale: {replicas: 2}"), (1, 33))
    assert plain(found) == [
        {"maxSkew": 1, "topologyKey": key, "whenUnsatisfiable": "ScheduleAnyway", "labelSelector": SELECTOR, "matchLabelKeys": ["pod-template-hash"]}
        for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
    ]


NO_SPREAD: dict[str, tuple[str, dict[str, Any]]] = {
    "one replica": ("scale: {replicas: 1}", {}),
    "null": ("scale: {replicas: 2}\nspread: null", {}),
    "empty": ("scale: {replicas: 2}\nspread: []", {}),
    "profile none": ("scale: {replicas: 2}", {"profile": "none"}),
    "a daemon": ("", {"base": "daemon"}),
}


@pytest.mark.parametrize(("spec", "fields"), NO_SPREAD.values(), ids=NO_SPREAD.keys())
def test_no_spread(spec: str, fields: dict[str, Any]) -> None:
    assert spread(workload(spec, **fields), (1, 33)) == []


def test_pod_template_hash_is_of_deployments() -> None:
    assert all("matchLabelKeys" not in one for one in spread(workload("scale: {replicas: 2}", base="stateful"), (1, 33)))
    assert all("matchLabelKeys" not in one for one in spread(workload("scale: {replicas: 2}"), (1, 26)))


def test_a_written_constraint_selects_the_workloads_own_pods() -> None:
    one = workload("spread: [{maxSkew: 2, topologyKey: zone, whenUnsatisfiable: DoNotSchedule}]")
    assert spread(one, (1, 33))[0]["labelSelector"] == SELECTOR
    assert "labelSelector" not in one.spec["spread"][0]
    own = workload("spread: [{topologyKey: zone, labelSelector: {matchLabels: {a: b}}}]")
    assert spread(own, (1, 33))[0]["labelSelector"] == tree("matchLabels: {a: b}")
