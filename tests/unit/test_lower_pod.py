from __future__ import annotations

from typing import Any

import pytest

from gitopsc.diagnostics import Diagnostics
from gitopsc.render.lower.configs import bind_configs, config_names, referenced
from gitopsc.render.lower.jobs import cron, job
from gitopsc.render.lower.pod import pod, service_account
from gitopsc.render.lower.storage import storage
from gitopsc.values import Map, plain
from tests.unit.workloads import plain_yaml, tree, workload


def pods(spec: str = "", main: str = "", **fields: Any) -> Any:
    diagnostics = Diagnostics()
    one = workload(spec, main, **fields)
    found = pod(one, (1, 33), storage(one, diagnostics), diagnostics)
    assert not diagnostics
    return found


def test_every_field_in_its_order() -> None:
    spec = """
        restartPolicy: Always
        terminationGracePeriod: 60
        affinity: {nodeAffinity: {}}
        tolerations: [{operator: Exists}]
        nodeSelector: {a: b}
        priorityClass: high
        runtimeClass: gvisor
        hostNetwork: true
        scale: {replicas: 2}
        podSecurity: {fsGroup: 1}
        imagePullSecrets: [registry]
        serviceAccount: {create: true, automount: false}
        volumes: {data: {emptyDir: {}}}
        containers: {migrate: {role: init, image: {repository: m}}}
    """
    found = pods(spec)["spec"]
    assert (
        list(found)
        == (
            "serviceAccountName automountServiceAccountToken enableServiceLinks imagePullSecrets securityContext hostNetwork runtimeClassName priorityClassName"
            " nodeSelector tolerations affinity topologySpreadConstraints terminationGracePeriodSeconds restartPolicy initContainers containers volumes"
        ).split()
    )
    assert found["imagePullSecrets"] == [{"name": "registry"}]


def test_profile_none_says_only_what_was_said() -> None:
    found = pods(profile="none", selector=Map({"app": "web"}))
    assert plain(found) == {"labels": {"app": "web"}, "annotations": {}, "spec": {"containers": [{"name": "web", "image": "ghcr.io/acme/web:1.4.2"}]}}


def test_the_fragment_goes_over_all() -> None:
    spec = "podSpec: {dnsPolicy: Default, enableServiceLinks: null, containers: [{name: web, tty: true}, {name: more, image: m}]}"
    found = pods(spec, profile="baseline")["spec"]
    assert "enableServiceLinks" not in found
    assert plain(found["containers"]) == [{"name": "web", "image": "ghcr.io/acme/web:1.4.2", "tty": True}, {"name": "more", "image": "m"}]
    assert found["dnsPolicy"] == "Default"


@pytest.mark.parametrize("base", ["job", "cronjob"])
def test_jobs_end(base: str) -> None:
    assert pods(base=base)["spec"]["restartPolicy"] == "Never"
    assert pods("restartPolicy: OnFailure", base=base)["spec"]["restartPolicy"] == "OnFailure"


def test_annotations_of_pods() -> None:
    assert pods("podAnnotations: {a: b}\nannotations: {c: d}")["annotations"] == {"a": "b"}


ACCOUNTS: dict[str, tuple[str, Any]] = {
    "its own": ("{create: true, automount: false}", {"name": "web", "automount": False, "create": True}),
    "its own by another name": ("{create: true, name: x}", {"name": "x", "create": True}),
    "one that is there": ("{name: x, create: false}", {"name": "x", "create": False}),
    "the default one": ("{automount: false}", {"automount": False}),
    "nothing": ("{}", {}),
}


@pytest.mark.parametrize(("written", "expected"), ACCOUNTS.values(), ids=ACCOUNTS.keys())
def test_service_accounts(written: str, expected: Any) -> None:
    assert service_account(workload(f"serviceAccount: {written}")) == expected


def test_a_renamed_account() -> None:
    assert service_account(workload("serviceAccount: {create: true}\nnames: {ServiceAccount: x}"))["name"] == "x"


def test_jobs() -> None:
    one = workload(
        "job: {retries: 0, timeout: 2, ttl: 3, parallelism: 4, completions: 5, phase: pre-deploy}\nschedule: '* * * * *'\ntimeZone: UTC\nconcurrency: Forbid"
    )
    assert job(one) == {"parallelism": 4, "completions": 5, "backoffLimit": 0, "activeDeadlineSeconds": 2, "ttlSecondsAfterFinished": 3}
    assert cron(one) == {"schedule": "* * * * *", "timeZone": "UTC", "concurrencyPolicy": "Forbid"}


def test_references_to_configs() -> None:
    spec = tree("""
        containers:
        - env: [{name: A, valueFrom: {configMapKeyRef: {name: settings, key: a}}}, {name: B, valueFrom: {secretKeyRef: {name: settings, key: a}}}]
          envFrom: [{configMapRef: {name: settings}}, {configMapRef: {name: foreign}}]
        volumes:
        - {name: x, configMap: {name: settings}}
        - {name: settings, projected: {sources: [{configMap: {name: settings}}]}}
    """)
    before = plain(spec)
    found = bind_configs(spec, {"settings": "settings-1"})
    assert plain(found) == plain_yaml("""
        containers:
        - env: [{name: A, valueFrom: {configMapKeyRef: {name: settings-1, key: a}}}, {name: B, valueFrom: {secretKeyRef: {name: settings, key: a}}}]
          envFrom: [{configMapRef: {name: settings-1}}, {configMapRef: {name: foreign}}]
        volumes:
        - {name: x, configMap: {name: settings-1}}
        - {name: settings, projected: {sources: [{configMap: {name: settings-1}}]}}
    """)
    assert spec == before
    assert sorted({name for name, _ in referenced(found)}) == ["foreign", "settings-1"]
    assert found["volumes"] is not spec["volumes"]
    assert found["volumes"].places == spec["volumes"].places


def test_names_of_configs_are_those_of_their_content() -> None:
    one, other = config_names(tree("c: {a: '1'}")), config_names(tree("c: {a: '2'}"))
    assert one["c"].startswith("c-")
    assert len(one["c"]) == len("c-") + 10
    assert one != other
