"""A stage for the scenarios of reconciling: an environment repository of its own before the real API server."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from gitopsc.cluster.inventory import applyset_id, parent_name
from gitopsc.ground import Wish
from gitopsc.objects import ref_of
from gitopsc.options import Options
from gitopsc.reconcile import reconcile
from gitopsc.report.result import Result
from gitopsc.repository.layout import REPOSITORY_LOCK, file_names
from gitopsc.repository.location import named
from gitopsc.repository.locks import EnvironmentLock, EnvironmentSource, Release, ReleaseLock, RepositoryLock, Source
from gitopsc.repository.message import commit_message
from gitopsc.repository.objects import EMPTY_TREE, folder
from gitopsc.repository.publish import Changes, next_generations, publish
from gitopsc.repository.snapshot import Snapshot
from gitopsc.repository.store import open_repository
from tests.kube import ApiServer
from tests.repository.scene import bare, environ

Object = dict[str, Any]
HOME = "gitopsc-system"
PLURALS = {
    "ConfigMap": "configmaps",
    "Secret": "secrets",
    "Namespace": "namespaces",
    "Service": "services",
    "ServiceAccount": "serviceaccounts",
    "PersistentVolumeClaim": "persistentvolumeclaims",
    "Deployment": "deployments",
    "Job": "jobs",
    "HorizontalPodAutoscaler": "horizontalpodautoscalers",
    "CustomResourceDefinition": "customresourcedefinitions",
    "ClusterRole": "clusterroles",
    "Role": "roles",
    "RoleBinding": "rolebindings",
    "Widget": "widgets",
}
CLUSTER_SCOPED = ("Namespace", "CustomResourceDefinition", "ClusterRole")


def config(name: str, namespace: str, /, annotations: Mapping[str, str] | None = None, **data: str) -> Object:
    """A ConfigMap."""
    metadata: Object = {"name": name, "namespace": namespace}
    if annotations:
        metadata["annotations"] = dict(annotations)
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def deployment(name: str, namespace: str, /, image: str = "example.com/web:1", annotations: Mapping[str, str] | None = None, **spec: Any) -> Object:
    """A Deployment of one container. ``replicas`` only where given."""
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "web", "image": image}]}}
    metadata: Object = {"name": name, "namespace": namespace}
    if annotations:
        metadata["annotations"] = dict(annotations)
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata,
        "spec": {"selector": {"matchLabels": {"app": name}}, "template": template, **spec},
    }


def url(kind: str, version: str, namespace: str = "", name: str = "", subresource: str = "") -> str:
    """Where objects of a kind are."""
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    inside = f"/namespaces/{namespace}" if namespace else ""
    return f"{root}{inside}/{PLURALS[kind]}" + (f"/{quote(name, safe='')}" if name else "") + (f"/{subresource}" if subresource else "")


def url_of(data: Object, subresource: str = "") -> str:
    """Where an object is."""
    metadata = data["metadata"]
    return url(data["kind"], data["apiVersion"], metadata.get("namespace", ""), metadata["name"], subresource)


@dataclass(frozen=True, slots=True)
class Ran:
    """One pass, as a caller sees it."""

    status: int
    result: Result

    def application(self, name: str = "shop") -> Object:
        """An application of the result."""
        found: Object = next(row for row in self.result.data["applications"] if row["name"] == name)
        return found

    def actions(self, name: str = "shop") -> dict[str, str]:
        """``Kind/name`` → action."""
        return {f"{one['object']['kind']}/{one['object']['name']}": one["action"] for one in self.application(name)["outcomes"]}

    def message(self, key: str, name: str = "shop") -> str:
        """The message of one object."""
        return next(str(o["message"]) for o in self.application(name)["outcomes"] if f"{o['object']['kind']}/{o['object']['name']}" == key)

    def drift(self, name: str = "shop") -> list[tuple[str, str, str | None, str | None]]:
        """Object's name, kind of drift, path, manager."""
        return [(one["object"]["name"], one["kind"], one["path"], one["manager"]) for one in self.application(name)["drift"]]

    @property
    def said(self) -> str:
        """Every diagnostic's message, hints too, but for the test server's certificate."""
        return "\n".join(f"{d.code}: {d.message} {d.hint or ''}" for d in self.result.diagnostics if d.code != "insecure-connection")


class Stage:
    """One environment. ``namespace`` exists; ``publish`` is a build, ``run`` a pass."""

    def __init__(self, server: ApiServer, folder_: Path, *, namespace: bool = True) -> None:
        self.server = server
        self.folder = folder_
        unique = uuid.uuid4().hex[:8]
        self.environment = f"e{unique}"
        self.namespace = f"n{unique}"
        self.repository = bare(folder_ / "environments.git")
        self.lock: Object = {"reconcile": {}, "policy": {"plainSecrets": "allow"}, "target": {"namespace": self.namespace}, "engine": "gitopsc"}
        self.settings: dict[str, Any] = {}
        self.written: Callable[[Object], str] = lambda data: f"{json.dumps(data, indent=1)}\n"
        self.revision = ""
        server.ask("POST", "/api/v1/namespaces", {"metadata": {"name": HOME}})
        if namespace:
            self.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}})

    # The environment repository

    def publish(
        self,
        *manifests: Object,
        depends_on: Mapping[str, Iterable[str]] | None = None,
        labels: Mapping[str, Mapping[str, str]] | None = None,
        **applications: Iterable[Object] | None,
    ) -> str:
        """Commit applications: ``shop`` has the positional ones; None makes a tombstone. The others stay as they were."""
        if manifests or not applications:
            applications = {"shop": manifests, **applications}
        edges = {name: tuple(others) for name, others in (depends_on or {}).items()}
        with open_repository(named(str(self.repository)), root=self.folder, workspace="shop", environ=self.variables(), create=True) as repository:

            def changes(snapshot: Snapshot) -> Changes:
                pairs = {name: (self.environment, name) for name in applications}
                generations = next_generations(snapshot, pairs.values())
                folders = {}
                for name, listed in applications.items():
                    objects = [] if listed is None else list(listed)
                    refs = file_names([ref_of(data) for data in objects])
                    made = folder({refs[ref_of(data)]: self.written(data).encode() for data in objects}, repository.algorithm)
                    lock = self._lock(name, generations[pairs[name]], made.tree if listed is not None else EMPTY_TREE[repository.algorithm], listed is not None)
                    folders[pairs[name]] = (made, replace(lock, depends_on=edges.get(name, ()), labels=(labels or {}).get(name, {})))
                files: dict[str, bytes | None] = {
                    f"{self.environment}/environment.lock": EnvironmentLock(self.environment, self.lock).dump(),
                    REPOSITORY_LOCK: RepositoryLock("shop").dump(),
                }
                return Changes(commit_message("build", ()), folders, files)

            published = publish(repository, changes)
            self.revision = published.revision or self.revision
        return self.revision

    def revert_to(self, revision: str, *, without: str) -> None:
        """A commit by hand in which an application's folder is gone."""
        from tests.repository.scene import git

        tree = [line for line in git(self.repository, "ls-tree", f"{revision}:{self.environment}").splitlines() if not line.endswith(f"\t{without}")]
        inner = git(self.repository, "mktree", data="".join(f"{line}\n" for line in tree).encode())
        top = [line for line in git(self.repository, "ls-tree", revision).splitlines() if not line.endswith(f"\t{self.environment}")]
        whole = git(self.repository, "mktree", data="".join(f"{line}\n" for line in [*top, f"040000 tree {inner}\t{self.environment}"]).encode())
        self.revision = git(self.repository, "commit-tree", "-p", revision, "-m", "by hand", whole)
        git(self.repository, "update-ref", "refs/heads/main", self.revision)

    def _lock(self, name: str, generation: int, tree: str, present: bool) -> ReleaseLock:
        return ReleaseLock(
            application=name,
            environment=self.environment,
            generation=generation,
            action="build" if present else "remove",
            release=Release(f"r-{tree[:12]}", "1.0.0" if present else None, "present" if present else "absent"),
            images=(),
            source=Source("https://example.com/config", "6cb95152" * 5),
            environment_source=EnvironmentSource("91aa" * 10, "e-91c2aabbccdd"),
            rendered=tree,
            renderer="gitopsc 0.1.0",
        )

    def variables(self) -> dict[str, str]:
        """What a process sees."""
        return {**environ(self.folder), "KUBECONFIG": str(self.server.kubeconfig)}

    # Passes

    def run(self, *applications: str, **wish: Any) -> Ran:
        """One pass. What it raises is the caller's."""
        options = Options(directory=self.folder, repository=str(self.repository), environ=self.variables())
        wished = {"timeout": "10m", **wish}
        result = reconcile(options, self.environment, applications, Wish(**wished))
        errors = [d for d in result.diagnostics if d.severity == "error"]
        return Ran(2 if errors and result.status < 2 else result.status, result)

    def applied(self, *manifests: Object, **wish: Any) -> Ran:
        """Publish and run, which must converge."""
        self.publish(*manifests)
        ran = self.run(**wish)
        assert ran.status == 0, (ran.result.data, ran.said)
        return ran

    # The cluster

    def get(self, kind: str, name: str, version: str = "v1", namespace: str | None = None) -> Object | None:
        """A live object, None where it is not there."""
        inside = "" if kind in CLUSTER_SCOPED else self.namespace if namespace is None else namespace
        status, body = self.server.ask("GET", url(kind, version, inside, name))
        assert status in (200, 404), body
        return body if status == 200 else None

    def live(self, kind: str, name: str, version: str = "v1", namespace: str | None = None) -> Object:
        """A live object that is there."""
        found = self.get(kind, name, version, namespace)
        assert found is not None, f"{kind}/{name}"
        return found

    def put(self, data: Object, manager: str = "tests") -> Object:
        """Create an object as somebody else."""
        metadata = data["metadata"]
        where = url(data["kind"], data["apiVersion"], metadata.get("namespace", ""))
        status, body = self.server.ask("POST", f"{where}?fieldManager={manager}", data)
        assert status == 201, body
        return dict(body)

    def patch(self, data: Object, changes: Object, manager: str = "kubectl-patch", subresource: str = "") -> Object:
        """A merge patch, as ``kubectl patch`` sends it."""
        status, body = self.server.ask("PATCH", f"{url_of(data, subresource)}?fieldManager={manager}", changes, "application/merge-patch+json")
        assert status == 200, body
        return dict(body)

    def apply(self, data: Object, manager: str, *, force: bool = False) -> Object:
        """A server-side apply of somebody else."""
        query = f"fieldManager={manager}&force={'true' if force else 'false'}"
        status, body = self.server.ask("PATCH", f"{url_of(data)}?{query}", data, "application/apply-patch+yaml")
        assert status in (200, 201), body
        return dict(body)

    def delete(self, data: Object) -> None:
        """Delete an object."""
        status, body = self.server.ask("DELETE", f"{url_of(data)}?propagationPolicy=Background")
        assert status in (200, 202), body

    def ready(self, data: Object, replicas: int = 1) -> Object:
        """The status that a Deployment's controller would write."""
        live = self.live(data["kind"], data["metadata"]["name"], data["apiVersion"])
        stamp = "2026-01-01T00:00:00Z"
        reasons = (("Available", "MinimumReplicasAvailable"), ("Progressing", "NewReplicaSetAvailable"))
        conditions = [
            {"type": kind, "status": "True", "reason": reason, "message": "", "lastUpdateTime": stamp, "lastTransitionTime": stamp} for kind, reason in reasons
        ]
        counts = dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), replicas)
        status = {"observedGeneration": live["metadata"]["generation"], **counts, "conditions": conditions}
        return self.patch(data, {"status": status}, "deployment-controller", "status")

    @property
    def id(self) -> str:
        """The ApplySet of the application ``shop``."""
        return applyset_id(self.environment, "shop")

    def parent(self, application: str = "shop") -> Object | None:
        """The inventory's ConfigMap."""
        return self.get("ConfigMap", parent_name(self.environment, application), namespace=HOME)

    def inventory(self, application: str = "shop") -> set[str]:
        """What the inventory names, as ``Kind/namespace/name``."""
        parent = self.parent(application)
        assert parent is not None
        return set(json.loads(parent["data"]["inventory"])["objects"])

    # The audit log

    def mark(self) -> int:
        """A place in the audit log."""
        return self.server.mark()

    def writes(self, since: int, *, own: bool = False) -> list[str]:
        """Requests since then that wrote something, as ``verb URI``; those to inventories only with ``own``."""
        out = []
        for event in self.server.audited(since):
            if event["verb"] in ("get", "list", "watch") or "dryRun=All" in event["requestURI"]:
                continue
            agent = str(event.get("userAgent", ""))
            if not agent.startswith("gitopsc/") or (not own and f"/namespaces/{HOME}/configmaps" in event["requestURI"]):
                continue
            out.append(f"{event['verb']} {event['requestURI'].partition('?')[0]}")
        return out

    def requests(self, since: int) -> list[str]:
        """All requests of gitopsc since then."""
        events = [event for event in self.server.audited(since) if str(event.get("userAgent", "")).startswith("gitopsc/")]
        return [f"{event['verb']} {event['requestURI']}" for event in events]
