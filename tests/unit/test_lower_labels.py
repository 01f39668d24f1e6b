from __future__ import annotations

from typing import Any

import pytest

from gitopsc.diagnostics import Diagnostics
from gitopsc.render.lower.labels import check_order, needed_annotations, object_annotations, object_labels, object_name, pod_labels, version_label, with_version
from gitopsc.values import Map
from tests.unit.workloads import codes, resolved, workload

STANDARD = {
    "app.kubernetes.io/name": "web",
    "app.kubernetes.io/instance": "shop",
    "app.kubernetes.io/part-of": "shop",
    "app.kubernetes.io/managed-by": "gitopsc",
}
VERSION = {"app.kubernetes.io/version": "1.4.2"}
TAGS = [
    ("1.4.2", "1.4.2"),
    ("1.0.0+build.7", "1.0.0_build.7"),
    ("_x_", "x"),
    ("v1-", "v1"),
    ("a" * 62 + ".b", "a" * 62),
    ("1234e56", "1234e56"),
    ("+", None),
    ("", None),
    (None, None),
]


@pytest.mark.parametrize(("tag", "expected"), TAGS)
def test_version_labels(tag: str | None, expected: str | None) -> None:
    assert version_label(tag) == expected


def test_labels_of_objects() -> None:
    assert list(object_labels(workload("labels: {team: x}")).items()) == [*STANDARD.items(), ("team", "x")]
    assert object_labels(workload("labels: {team: x}", profile="none")) == {"team": "x"}
    assert "app.kubernetes.io/part-of" not in object_labels(workload("labels: {app.kubernetes.io/part-of: null}"))


def test_labels_of_pods() -> None:
    assert list(pod_labels(workload("labels: {team: x}\npodLabels: {a: b}")).items()) == [*STANDARD.items(), *VERSION.items(), ("a", "b")]
    assert list(pod_labels(workload(selector=Map({"app": "web"}))).items()) == [("app", "web"), *STANDARD.items(), *VERSION.items()]
    assert pod_labels(workload("podLabels: {a: b}", selector=Map({"app": "web"}), profile="none")) == {"app": "web", "a": "b"}


def test_the_version_comes_after_the_standard_labels() -> None:
    one = workload("labels: {team: x}")
    assert list(with_version(object_labels(one), one)) == [*STANDARD, *VERSION, "team"]
    own = workload("labels: {app.kubernetes.io/version: mine}")
    assert with_version(object_labels(own), own)["app.kubernetes.io/version"] == "mine"
    removed = workload("labels: {app.kubernetes.io/version: null}")
    assert with_version(object_labels(removed), removed) == STANDARD
    none = workload(profile="none")
    assert with_version(object_labels(none), none) == {}


def test_names() -> None:
    one = workload("names: {PodDisruptionBudget: zk-pdb, Rollout.argoproj.io: r}")
    assert [object_name(one, kind)[0] for kind in ("PodDisruptionBudget", "Rollout", "Deployment")] == ["zk-pdb", "r", "web"]


ORDER: dict[str, tuple[str, int | None, str, Any]] = {
    "nothing": ("", None, "gitopsc", {}),
    "a wave": ("", 2, "gitopsc", {"gitopsc.dev/wave": "2"}),
    "a phase": ("job: {phase: pre-deploy}", None, "gitopsc", {"gitopsc.dev/phase": "pre-deploy"}),
    "argocd wave": ("", 2, "argocd", {"argocd.argoproj.io/sync-wave": "2"}),
    "argocd phase": (
        "job: {phase: post-deploy}",
        None,
        "argocd",
        {"argocd.argoproj.io/hook": "PostSync", "argocd.argoproj.io/hook-delete-policy": "BeforeHookCreation"},
    ),
    "flux": ("job: {phase: pre-deploy}", 1, "flux", {"gitopsc.dev/wave": "1", "gitopsc.dev/phase": "pre-deploy"}),
    "beside annotations": ("annotations: {a: b}", 1, "gitopsc", {"a": "b", "gitopsc.dev/wave": "1"}),
}


@pytest.mark.parametrize(("spec", "wave", "engine", "expected"), ORDER.values(), ids=ORDER.keys())
def test_order_in_the_words_of_the_engine(spec: str, wave: int | None, engine: str, expected: Any) -> None:
    diagnostics = Diagnostics()
    assert object_annotations(resolved(engine=engine), workload(spec, waves=wave)) == expected
    check_order(resolved(engine=engine), workload(spec, waves=wave), diagnostics)
    assert not diagnostics


@pytest.mark.parametrize(("phase", "hooks"), [("pre-deploy", True), ("post-deploy", False)])
def test_what_a_hook_needs(phase: str, hooks: bool) -> None:
    given, one = resolved(engine="argocd"), workload(f"job: {{phase: {phase}}}", base="job", waves=1)
    found = needed_annotations(given, one, object_annotations(given, one))
    assert ("argocd.argoproj.io/hook" in found) == hooks
    assert found["argocd.argoproj.io/sync-wave"] == "1"


def test_a_hook_may_not_own_a_claim() -> None:
    diagnostics = Diagnostics()
    one = workload("job: {phase: pre-deploy}\nvolumes: {data: {persistent: {size: 1Gi}}}", base="job")
    check_order(resolved(engine="argocd"), one, diagnostics)
    check_order(resolved(), one, diagnostics)
    assert codes(diagnostics) == ["claim-of-a-hook"]
    assert str(diagnostics[0].place) == "app.yaml:2:17"
