"""500 random changes of live objects by others: none is missed, none is invented, the right manager is named, and each is healed."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gitopsc.cluster.fields import own, project
from gitopsc.cluster.inventory import PART_OF
from tests.boutique import recommended
from tests.cluster.controllers import Rollouts
from tests.cluster.stage import PLURALS, Stage, url_of
from tests.kube import ApiServer

pytestmark = pytest.mark.cluster
MUTATIONS, AT_ONCE = 500, 25
MANAGERS = ("kubectl-edit", "kubectl-patch", "a-script", "another-operator")
PLURALS |= {"PodDisruptionBudget": "poddisruptionbudgets", "HorizontalPodAutoscaler": "horizontalpodautoscalers", "NetworkPolicy": "networkpolicies"}
NAMES_OF_ITEMS = ("name", "port", "containerPort", "protocol", "mountPath", "topologyKey", "whenUnsatisfiable")
Steps = tuple[str | int, ...]


@pytest.fixture
def stage(api_server: ApiServer, tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(api_server, tmp_path)
    rollouts = Rollouts(api_server, stage.namespace)
    yield stage
    rollouts.stop()


def leaves(value: Any, path: Steps = ()) -> list[Steps]:
    """Every scalar of a manifest, by where it is."""
    if isinstance(value, dict):
        return [found for key, item in value.items() for found in leaves(item, (*path, key))]
    if isinstance(value, list):
        return [found for number, item in enumerate(value) for found in leaves(item, (*path, number))]
    return [path]


def at(value: Any, path: Steps) -> Any:
    for step in path:
        value = value[step]
    return value


def pointer(path: Steps) -> str:
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in path)


class Somebody:
    """Whoever changes live objects, and knows what a reconciler should say of it."""

    def __init__(self, stage: Stage, manifests: list[dict[str, Any]], seed: int) -> None:
        self.stage, self.manifests, self.rng = stage, manifests, random.Random(seed)
        self.expected: dict[tuple[str, str], set[tuple[str, str | None]]] = {}

    def live(self, one: dict[str, Any]) -> dict[str, Any]:
        status, body = self.stage.server.ask("GET", url_of(one))
        assert status == 200, body
        return dict(body)

    def patched(self, one: dict[str, Any], changes: list[dict[str, Any]], manager: str) -> bool:
        """A JSON patch; whether the server took it."""
        status, _ = self.stage.server.ask("PATCH", f"{url_of(one)}?fieldManager={manager}", changes, "application/json-patch+json")  # type: ignore[arg-type]
        return status == 200

    def act(self, one: dict[str, Any]) -> None:
        """One change of an object, whatever the server takes."""
        key = (one["kind"], one["metadata"]["name"])
        for _ in range(50):
            before = self.live(one)
            kind = self.rng.choice(["change", "change", "change", "remove", "add", "delete", "label", "two"])
            found = getattr(self, kind)(one, before)
            if found is not None:
                self.expected[key] = found
                return
        raise AssertionError(f"nothing of {key} can be changed")

    def effective(self, one: dict[str, Any], before: dict[str, Any]) -> bool:
        """Whether something that we applied is other than before."""
        after, fields = self.live(one), own(before, "gitopsc")
        assert fields is not None
        return bool(project(before, fields) != project(after, fields))

    def change(self, one: dict[str, Any], before: dict[str, Any], manager: str | None = None) -> set[tuple[str, str | None]] | None:
        manager = manager or self.rng.choice(MANAGERS)
        path = self.rng.choice([p for p in leaves(one) if p[0] not in ("apiVersion", "kind") and p[1:2] not in (("name",), ("namespace",))])
        try:
            value = at(before, path)
        except (KeyError, IndexError):
            return None
        if len(path) > 1 and isinstance(path[-2], int) and path[-1] in NAMES_OF_ITEMS:
            return None  # another name makes another item: ours is missing, which ``remove`` covers
        other: Any = not value if isinstance(value, bool) else value + 1 if isinstance(value, int) else f"{value}x"
        if not self.patched(one, [{"op": "replace", "path": pointer(path), "value": other}], manager) or not self.effective(one, before):
            return None
        return {("changed", manager)}

    def remove(self, one: dict[str, Any], before: dict[str, Any]) -> set[tuple[str, str | None]] | None:
        path = self.rng.choice([p for p in leaves(one) if p[0] not in ("apiVersion", "kind") and p[1:2] not in (("name",), ("namespace",))])
        fields = own(before, "gitopsc")
        assert fields is not None
        if any(isinstance(step, int) for step in path) or not self.patched(one, [{"op": "remove", "path": pointer(path)}], "kubectl-edit"):
            return None
        after = self.live(one)
        try:
            return {("changed", "kubectl-edit")} if at(after, path) != at(before, path) else set()  # the server has a default for it
        except (KeyError, IndexError):
            return {("missing", None)}

    def add(self, one: dict[str, Any], before: dict[str, Any]) -> set[tuple[str, str | None]] | None:
        annotations = before["metadata"].get("annotations")
        value: Any = {"example.com/theirs": "1"} if annotations is None else "1"
        path = "/metadata/annotations" + ("" if annotations is None else "/example.com~1theirs")
        return set() if self.patched(one, [{"op": "add", "path": path, "value": value}], "a-script") else None

    def delete(self, one: dict[str, Any], before: dict[str, Any]) -> set[tuple[str, str | None]] | None:
        self.stage.delete(one)
        return {("missing", None)}

    def label(self, one: dict[str, Any], before: dict[str, Any]) -> set[tuple[str, str | None]] | None:
        path = f"/metadata/labels/{PART_OF.replace('/', '~1')}"
        if self.rng.random() < 0.5:
            return {("missing", None)} if self.patched(one, [{"op": "remove", "path": path}], "kubectl-label") else None
        return {("changed", "kubectl-label")} if self.patched(one, [{"op": "replace", "path": path, "value": "nonsense"}], "kubectl-label") else None

    def two(self, one: dict[str, Any], before: dict[str, Any]) -> set[tuple[str, str | None]] | None:
        if self.change(one, before, "first-manager") is None:
            return None
        between = self.live(one)
        for _ in range(20):
            second = self.change(one, between, "second-manager")
            if second is not None:
                break
        else:
            return {("changed", "first-manager")}
        # Both may have changed the same field: then it is the second's.
        owners = {e["manager"] for e in self.live(one)["metadata"]["managedFields"]}
        return {("changed", manager) for manager in ("first-manager", "second-manager") if manager in owners}


def test_five_hundred_changes(stage: Stage) -> None:
    manifests = copy.deepcopy(list(recommended("dev").values()))
    for one in manifests:
        one["metadata"]["namespace"] = stage.namespace
    stage.publish(*manifests)
    assert stage.run(timeout="10m").status == 0
    good = {(one["kind"], one["metadata"]["name"]): one for one in manifests}
    fields = {key: own(Somebody(stage, manifests, 0).live(one), "gitopsc") or {} for key, one in good.items()}
    for seed in range(MUTATIONS // AT_ONCE):
        somebody = Somebody(stage, manifests, seed)
        before = {key: project(somebody.live(one), fields[key]) for key, one in good.items()}
        for one in somebody.rng.sample(manifests, AT_ONCE):
            somebody.act(one)
        ran = stage.run(timeout="10m")
        assert ran.status == 0, (seed, ran.said)
        found: dict[tuple[str, str], set[tuple[str, str | None]]] = {}
        for entry in ran.application()["drift"]:
            found.setdefault((entry["object"]["kind"], entry["object"]["name"]), set()).add((entry["kind"], entry["manager"]))
        assert found == {key: what for key, what in somebody.expected.items() if what}, seed
        assert {key: project(somebody.live(one), fields[key]) for key, one in good.items()} == before, seed
        ran = stage.run(timeout="10m")
        assert (ran.status, ran.drift()) == (0, []), (seed, ran.said)
