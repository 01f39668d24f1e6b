"""The whole story of delivery, from a commit to a rollback in production, on a real API server and over real Git."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.controllers import STAMP, Rollouts
from tests.cluster.watcher import Sink, Start
from tests.delivery.scene import WORKSPACE, Shop, application, shop
from tests.forges import TOKEN, ForgeServer
from tests.kube import ApiServer
from tests.repository.scene import git
from tests.waiting import until

pytestmark = pytest.mark.cluster

DEPLOYMENT = "web"
BY_REQUEST = """
- {name: dev, environments: [dev-ID]}
- {name: staging, environments: [staging-ID], promote: auto}
- name: prod
  environments: [prod-ID]
  promote: pull-request
  gates: {verified: {in: staging, for: 30m}, approvals: {count: 1, from: [sre]}}
"""
BY_ITSELF = """
- {name: dev, environments: [dev-ID]}
- {name: staging, environments: [staging-ID], promote: auto}
- {name: prod, environments: [prod-ID], promote: auto}
"""
CHAT = "alerts: [{on: [degraded, failed], to: {env: CHAT}}]"


class Cluster(Rollouts):
    """Controllers of one namespace. An image that is named in ``bad`` never becomes ready, and its time is up at once."""

    def __init__(self, server: ApiServer, namespace: str) -> None:
        self.bad: set[str] = set()
        server.ask("POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
        super().__init__(server, namespace)

    def _finish(self, one: Mapping[str, Any]) -> None:
        image = one["spec"]["template"]["spec"]["containers"][0]["image"]
        if not any(image.endswith(f":{version}") for version in self.bad):
            super()._finish(one)
            return
        message = f'ReplicaSet "{one["metadata"]["name"]}-5d4f" has timed out progressing.'
        late = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": message}
        status = {"observedGeneration": one["metadata"]["generation"], "conditions": [{**late, "lastUpdateTime": STAMP, "lastTransitionTime": STAMP}]}
        url = f"{self.path}/{one['metadata']['name']}/status?fieldManager=kube-controller-manager"
        self.server.ask("PATCH", url, {"status": status}, "application/merge-patch+json")


@dataclass
class World:
    """A shop, the three clusters that its environments are in (namespaces of one server, in which their names are unique), and people.

    Also a stage for watchers, of prod.
    """

    server: ApiServer
    folder: Path
    shop: Shop
    dev: str
    staging: str
    prod: str
    clusters: dict[str, Cluster] = field(default_factory=dict)

    @property
    def environment(self) -> str:
        return self.prod

    @property
    def repository(self) -> Path:
        return self.shop.remote

    @property
    def branch(self) -> str:
        """Of the promotion to prod."""
        return f"gitopsc/promote/{self.prod}/shop"

    @property
    def every(self) -> tuple[str, str, str]:
        return self.dev, self.staging, self.prod

    def variables(self) -> dict[str, str]:
        return self.shop.environ("robot")

    def release(self, version: str) -> str:
        """A commit of somebody, and its build; gives the release."""
        self.shop.write({"shop.yaml": application("shop", version)})
        self.shop.told("build")
        return self.runs(self.dev)

    def runs(self, where: str) -> str:
        """The release that the lock names."""
        return self.shop.lock(where).release.id

    def reconciled(self, where: str, *words: str, status: int = 0) -> str:
        """One pass; the verdict."""
        return str(self.shop.told("reconcile", where, *words, by="robot", status=status)["applications"][0]["verdict"])

    def image(self, where: str) -> str | None:
        """The version that the live Deployment runs."""
        items = self.server.ask("GET", self.clusters[where].path)[1]["items"]
        return items[0]["spec"]["template"]["spec"]["containers"][0]["image"].rpartition(":")[2] if items else None

    def merged(self) -> None:
        """A person merges the open promotion, with nothing but Git."""
        clone = self.folder / f"clone-{uuid.uuid4().hex[:6]}"
        git(self.folder, "clone", "-q", str(self.shop.remote), str(clone))
        git(clone, "merge", "-q", "--no-ff", "-m", "Merge the promotion", f"origin/{self.branch}")
        git(clone, "push", "-q", "origin", "HEAD:main")


def world(server: ApiServer, folder: Path, stages: str, prod: str) -> World:
    unique = uuid.uuid4().hex[:8]
    names = [f"{name}-{unique}" for name in ("dev", "staging", "prod")]
    environments = {name: f"{{target: {{namespace: {name}}}{prod if name.startswith('prod') else ''}}}" for name in names}
    made = World(server, folder, shop(folder, stages.replace("ID", unique), environments=environments), names[0], names[1], names[2])
    made.shop.variables["KUBECONFIG"] = str(server.kubeconfig)
    made.clusters = {name: Cluster(server, name) for name in names}
    return made


@pytest.fixture
def stage(api_server: ApiServer, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[World]:
    stages, prod = request.param
    made = world(api_server, tmp_path, stages, prod)
    yield made
    for cluster in made.clusters.values():
        cluster.stop()


def to_the_door_of_prod(stage: World, version: str) -> str:
    """Commit → dev → verified → staging → verified → soak → pull request; gives the release."""
    release = stage.release(version)
    assert stage.reconciled(stage.dev) == "verified"
    assert stage.shop.told("promote", "--auto")["changed"]
    assert stage.runs(stage.staging) == release
    assert stage.shop.branches() == []
    assert stage.reconciled(stage.staging) == "verified"
    waiting = stage.shop.told("promote", "--auto")
    assert [one["blockedBy"] for one in waiting["blocked"]] == [["soak", "approvals"]]
    stage.shop.verify(stage.staging, minutes=31)
    assert stage.shop.told("promote", "--auto")["pullRequest"]["branch"] == stage.branch
    assert stage.shop.branches() == [stage.branch]
    return release


def approved_and_merged(stage: World, release: str) -> None:
    assert not stage.shop.told("gate", "--head", stage.branch, status=2)["allowed"]
    stage.shop.told("approve", "shop", "--to", stage.prod, "--release", release, by="Sue")
    assert stage.shop.told("gate", "--head", stage.branch)["allowed"]
    stage.merged()
    assert stage.runs(stage.prod) == release


@pytest.mark.parametrize("stage", [(BY_REQUEST, f", enforceGates: true, {CHAT}")], indirect=True)
def test_from_a_commit_to_production_and_back(stage: World, start: Start, sink: Sink) -> None:
    first = to_the_door_of_prod(stage, "1.1.0")
    approved_and_merged(stage, first)
    assert stage.reconciled(stage.prod) == "verified"
    assert stage.image(stage.prod) == "1.1.0"
    good = stage.shop.tree(stage.prod)

    stage.clusters[stage.prod].bad.add("1.2.0")
    second = to_the_door_of_prod(stage, "1.2.0")
    approved_and_merged(stage, second)
    start("--interval", "1s", CHAT=f"json://{sink.host}/chat")
    until(lambda: sink.titles == [f"{stage.prod}: shop is not healthy"])
    assert stage.image(stage.prod) == "1.2.0"
    assert stage.shop.kinds(stage.prod)[:2] == ["degraded", "applied"]

    told = stage.shop.told("rollback", stage.prod, "shop", "--reason", "orders fail", by="Sue")
    assert told["environments"][0]["name"] == stage.prod
    assert stage.shop.tree(stage.prod) == good
    until(lambda: sink.titles[1:] == [f"resolved: {stage.prod}: shop is not healthy"])
    assert stage.image(stage.prod) == "1.1.0"
    assert stage.shop.kinds(stage.prod)[0] == "verified"

    assert stage.shop.told("promote", "--auto")["environments"] == []  # what a person took back stays back; the merged branch goes
    assert (stage.runs(stage.prod), stage.shop.branches()) == (first, [])


@pytest.mark.parametrize("stage", [(BY_REQUEST, f", enforceGates: true, {CHAT}")], indirect=True)
def test_what_was_merged_past_the_gate_is_not_applied(stage: World, start: Start, sink: Sink) -> None:
    first = to_the_door_of_prod(stage, "1.1.0")
    approved_and_merged(stage, first)
    assert stage.reconciled(stage.prod) == "verified"
    second = to_the_door_of_prod(stage, "1.2.0")
    stage.merged()  # nobody approved it

    told = stage.shop.told("reconcile", stage.prod, by="robot", status=2)
    assert [(one["code"], one["hint"]) for one in told["diagnostics"] if one["severity"] == "error"] == [
        ("gate", f"gitopsc approve shop --to {stage.prod} --release {second}")
    ]
    assert stage.image(stage.prod) == "1.1.0"
    account = f"/api/v1/namespaces/{stage.prod}/serviceaccounts/web"
    labels = stage.server.ask("GET", account)[1]["metadata"]["labels"]
    stage.server.ask("PATCH", account, {"metadata": {"labels": dict.fromkeys(labels, "other")}}, "application/merge-patch+json")
    told = stage.shop.told("reconcile", stage.prod, by="robot", status=2)  # meanwhile what runs is kept as it was applied
    assert {one["object"]["kind"] for one in told["applications"][0]["drift"]} == {"ServiceAccount"}
    assert stage.server.ask("GET", account)[1]["metadata"]["labels"] == labels
    watcher = start("--interval", "1s", CHAT=f"json://{sink.host}/chat")
    until(lambda: watcher.passes >= 3 and sink.titles)
    assert sink.titles == [f"{stage.prod}: shop could not be applied"]
    stage.shop.told("approve", "shop", "--to", stage.prod, "--release", second, by="Sue")
    until(lambda: stage.image(stage.prod) == "1.2.0" and len(sink.titles) == 2)


@pytest.mark.parametrize("stage", [(BY_ITSELF, "")], indirect=True)
def test_by_itself_a_failing_release_stops_at_the_stage_that_found_it(stage: World) -> None:
    onward = ("--promote", "--source", str(stage.shop.work))
    first = stage.release("1.1.0")
    for name in stage.every:
        assert stage.reconciled(name, *onward) == "verified"
    assert [stage.image(name) for name in stage.every] == ["1.1.0"] * 3

    stage.clusters[stage.staging].bad.add("1.2.0")
    stage.release("1.2.0")
    assert stage.reconciled(stage.dev, *onward) == "verified"
    assert stage.reconciled(stage.staging, *onward, status=1) == "degraded"
    assert stage.reconciled(stage.prod, *onward) == "verified"
    assert [stage.image(name) for name in stage.every] == ["1.2.0", "1.2.0", "1.1.0"]
    assert stage.runs(stage.prod) == first

    third = stage.release("1.3.0")
    for name in stage.every:
        assert stage.reconciled(name, *onward) == "verified"
    assert [stage.runs(name) for name in stage.every] == [third] * 3


@pytest.mark.parametrize("stage", [(BY_ITSELF, "")], indirect=True)
def test_without_a_clone_of_the_workspace_nothing_is_promoted_and_that_is_said(stage: World) -> None:
    stage.release("1.1.0")
    empty = stage.folder / "empty"
    empty.mkdir()
    told = stage.shop.told("reconcile", stage.dev, "--promote", "--source", str(empty), by="robot")
    assert [one["code"] for one in told["diagnostics"] if one["code"] != "insecure-connection"] == ["no-workspace"]
    assert not stage.shop.has(stage.staging)


@pytest.mark.parametrize("stage", [(BY_ITSELF, ", reconcile: {rollback: true}")], indirect=True)
def test_s52_a_failed_release_is_rolled_back_where_the_environment_says_so(stage: World) -> None:
    onward = ("--promote", "--source", str(stage.shop.work))
    first = stage.release("1.1.0")
    for name in stage.every:
        assert stage.reconciled(name, *onward) == "verified"
    good = stage.shop.tree(stage.prod)
    stage.clusters[stage.prod].bad.add("1.2.0")
    stage.release("1.2.0")
    for name in (stage.dev, stage.staging):
        assert stage.reconciled(name, *onward) == "verified"
    assert stage.reconciled(stage.prod, *onward, status=1) == "degraded"
    assert (stage.runs(stage.prod), stage.shop.tree(stage.prod)) == (first, good)
    assert stage.shop.lock(stage.prod).hold is not None
    assert stage.shop.kinds(stage.prod)[:3] == ["rejected", "degraded", "applied"]
    assert stage.reconciled(stage.prod, *onward) == "verified"
    assert stage.image(stage.prod) == "1.1.0"

    stage.clusters[stage.prod].bad.add("1.1.0")  # what was well once is not the release's fault
    tip = stage.shop.tip()
    path = f"{stage.clusters[stage.prod].path}/{DEPLOYMENT}"
    stage.server.ask("PATCH", path, {"spec": {"replicas": 5}}, "application/merge-patch+json")
    assert stage.reconciled(stage.prod, status=1) == "degraded"
    assert stage.shop.tip() == tip


@pytest.mark.parametrize("stage", [(BY_ITSELF, "")], indirect=True)
def test_how_an_environment_stands_is_said_of_its_commit_on_the_forge(stage: World) -> None:
    forge = ForgeServer("github")
    words = ", ".join(f"{key}: '{value}'" for key, value in forge.said.items())
    stage.shop.write({"gitopsc.yaml": f"{WORKSPACE}  environmentRepository: {{forge: {{{words}}}}}\n"})
    stage.shop.variables["GITOPSC_FORGE_TOKEN"] = TOKEN
    stage.release("1.1.0")
    assert stage.reconciled(stage.dev) == "verified"
    stage.clusters[stage.dev].bad.add("1.2.0")
    stage.release("1.2.0")
    assert stage.reconciled(stage.dev, status=1) == "degraded"
    said = [(commit, body["context"], body["state"], body["description"]) for commit, body in forge.statuses]
    assert [one[1:] for one in said] == [
        (f"gitopsc/{stage.dev}", "success", "1 of 1 application verified"),
        (f"gitopsc/{stage.dev}", "failure", "0 of 1 application verified"),
    ]
    assert said[-1][0] == stage.shop.tip()
    assert forge.wrong == []
    forge.close()
    assert stage.reconciled(stage.dev, status=1) == "degraded"  # a forge that is gone changes nothing


@pytest.mark.parametrize("stage", [(BY_ITSELF, "")], indirect=True)
def test_a_watcher_lets_releases_go_on(stage: World, start: Start) -> None:
    stage.release("1.1.0")
    assert stage.reconciled(stage.dev) == "verified"
    watcher = start("--interval", "1s", "--promote", "--source", str(stage.shop.work))
    until(lambda: stage.shop.has(stage.staging))
    assert not stage.shop.has(stage.prod)
    assert stage.reconciled(stage.staging) == "verified"
    until(lambda: stage.image(stage.prod) == "1.1.0" and stage.shop.kinds(stage.prod)[:1] == ["verified"])
    tip, passes = stage.shop.tip(), watcher.passes
    until(lambda: watcher.passes >= passes + 2)
    assert stage.shop.tip() == tip


@pytest.mark.parametrize("stage", [(BY_ITSELF, ", reconcile: {rollback: true}")], indirect=True)
def test_a_watcher_takes_back_what_fails(stage: World, start: Start) -> None:
    onward = ("--promote", "--source", str(stage.shop.work))
    first = stage.release("1.1.0")
    for name in stage.every:
        assert stage.reconciled(name, *onward) == "verified"
    good = stage.shop.tree(stage.prod)
    stage.clusters[stage.prod].bad.add("1.2.0")
    watcher = start("--interval", "1s")
    stage.release("1.2.0")
    for name in (stage.dev, stage.staging):
        assert stage.reconciled(name, *onward) == "verified"
    until(lambda: stage.shop.lock(stage.prod).hold is not None)
    assert (stage.runs(stage.prod), stage.shop.tree(stage.prod)) == (first, good)
    until(lambda: stage.image(stage.prod) == "1.1.0" and stage.shop.kinds(stage.prod)[0] == "verified")
    assert "shop was rolled back, since 1.2.0 failed" in watcher.said
    tip, passes = stage.shop.tip(), watcher.passes
    until(lambda: watcher.passes >= passes + 2)
    assert stage.shop.tip() == tip


@pytest.mark.parametrize("stage", [(BY_ITSELF, "")], indirect=True)
def test_a_watcher_says_on_the_forge_how_its_environment_stands_once(stage: World, start: Start) -> None:
    forge = ForgeServer("github")
    words = ", ".join(f"{key}: '{value}'" for key, value in forge.said.items())
    stage.shop.write({"gitopsc.yaml": f"{WORKSPACE}  environmentRepository: {{forge: {{{words}}}}}\n"})
    onward = ("--promote", "--source", str(stage.shop.work))
    stage.release("1.1.0")
    for name in (stage.dev, stage.staging):
        assert stage.reconciled(name, *onward) == "verified"
    stage.shop.variables["GITOPSC_FORGE_TOKEN"] = TOKEN
    watcher = start("--interval", "1s", "-C", str(stage.shop.work))
    until(lambda: forge.statuses)
    passes = watcher.passes
    until(lambda: watcher.passes >= passes + 2)
    context = f"gitopsc/{stage.prod}"
    assert [(body["context"], body["state"]) for _, body in forge.statuses if body["state"] != "pending"] == [(context, "success")]
    stage.clusters[stage.prod].bad.add("1.2.0")
    del stage.shop.variables["GITOPSC_FORGE_TOKEN"]
    stage.release("1.2.0")
    for name in (stage.dev, stage.staging):
        assert stage.reconciled(name, *onward) == "verified"
    until(lambda: forge.statuses[-1][1]["state"] == "failure")
    passes = watcher.passes
    until(lambda: watcher.passes >= passes + 2)
    said = [(commit, body["state"], body["description"]) for commit, body in forge.statuses]
    assert len(said) == len(set(said)), "of each commit once"
    assert forge.statuses[-1][0] == stage.shop.tip()
    assert forge.wrong == []
    assert TOKEN not in watcher.said
    forge.close()
