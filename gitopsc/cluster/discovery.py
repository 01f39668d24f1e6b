"""Which kinds a server knows, and under which path: two requests of aggregated discovery."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from gitopsc.cluster.problems import Problem
from gitopsc.cluster.remembered import Memory, Said
from gitopsc.cluster.transport import LIST_LIMIT, Api
from gitopsc.diagnostics import Diagnostic

_PLAIN = re.compile(r"[a-z0-9.:-]+").fullmatch
_AGGREGATED = ",".join(f"application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList" for version in ("v2", "v2beta1")) + ",application/json"


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind in one version as the server serves it. ``group`` is "" for the core group."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool
    verbs: frozenset[str]

    @property
    def api_version(self) -> str:
        """``apps/v1``, ``v1``."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str = "", name: str | None = None, subresource: str | None = None) -> str:
        """Where its objects are: all of them, those of a namespace, one of them."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        inside = f"/namespaces/{_quoted(namespace)}" if self.namespaced and namespace else ""
        one = "" if name is None else f"/{_quoted(name)}"
        return f"{root}{inside}/{self.plural}{one}/{subresource}" if subresource else f"{root}{inside}/{self.plural}{one}"


def _quoted(name: str) -> str:
    return name if _PLAIN(name) else quote(name, safe=":")


class Kinds:
    """What a server serves. ``broken``: group/versions it could not tell of; ``warnings`` says so to people."""

    def __init__(self, resources: Iterable[Resource], broken: Iterable[str] = ()) -> None:
        self._found: dict[tuple[str, str], Resource] = {}
        for resource in resources:
            self._found.setdefault((resource.api_version, resource.kind), resource)
            if resource.group:
                self._found.setdefault((resource.group, resource.kind), resource)
            else:
                self._found.setdefault(("", resource.kind), resource)
        self.broken = tuple(sorted(set(broken)))
        self.warnings = tuple(
            Diagnostic("warning", "discovery-incomplete", f"the API server cannot tell which kinds {name} has (an aggregated API that does not answer)")
            for name in self.broken
        )

    def resource(self, version: str, kind: str) -> Resource | None:
        """The kind in an apiVersion (``apps/v1``, ``v1``), or in a group's preferred version (``apps``, "" for core); None where it is not served."""
        return self._found.get((version, kind))

    def all(self) -> Iterator[Resource]:
        """Every kind once, in its group's preferred version."""
        for (version, _), resource in self._found.items():
            if version == resource.group:
                yield resource


def discover(api: Api, cache: Path | None = None) -> Kinds:
    """Ask the server for its kinds: two requests; raises Problem.

    ``cache``: the user's own folder. What is kept there is used only where the server says that nothing has changed since.
    """
    memory = Memory(cache, api.connection.host)
    resources: list[Resource] = []
    broken: list[str] = []
    for found, lost in api.map(lambda path: _read(api, path, memory), ("/api", "/apis")):
        resources += found
        broken += lost
    return Kinds(resources, broken)


def minor_of(api: Api) -> tuple[int, int] | None:
    """The server's own minor, (1, 36); None where it does not say, or not to us. One request; raises Problem."""
    try:
        body = api.request("GET", "/version").body
    except Problem as problem:
        if problem.status in (403, 404):
            return None
        raise
    major, minor = (re.match(r"\d+", str(body.get(key, ""))) for key in ("major", "minor"))  # "30+" is what some vendors say
    return (int(major[0]), int(minor[0])) if major and minor else None


def _read(api: Api, path: str, memory: Memory) -> tuple[list[Resource], list[str]]:
    known = memory.recall(path)
    answer = api.request("GET", path, accept=_AGGREGATED, limit=LIST_LIMIT, expect=_is_discovery, known=known.tag if known else None)
    if known is not None and answer.status == 304:
        body = known.body
    else:
        body = answer.body
        if answer.headers.get("ETag"):
            memory.keep(path, Said(answer.headers["ETag"], body))
    if body.get("kind") == "APIGroupDiscoveryList":
        return _aggregated(body)
    return _one_by_one(api, body)


def _is_discovery(body: Mapping[str, Any]) -> str | None:
    kind = body.get("kind")
    return None if kind in ("APIGroupDiscoveryList", "APIGroupList", "APIVersions") else f"the kind {kind!r} where its discovery should be"


def _aggregated(body: Mapping[str, Any]) -> tuple[list[Resource], list[str]]:
    resources, broken = [], []
    for item in body.get("items") or ():
        group = str((item.get("metadata") or {}).get("name") or "")
        for version in item.get("versions") or ():
            name = str(version.get("version"))
            if version.get("freshness") == "Stale":
                broken.append(f"{group}/{name}" if group else name)
            for entry in version.get("resources") or ():
                kind = (entry.get("responseKind") or {}).get("kind")
                if kind:
                    verbs = frozenset(entry.get("verbs") or ())
                    resources.append(Resource(group, name, str(entry["resource"]), str(kind), entry.get("scope") == "Namespaced", verbs))
    return resources, broken


def _one_by_one(api: Api, body: Mapping[str, Any]) -> tuple[list[Resource], list[str]]:
    """Servers before 1.26: a request for each group and version."""
    names: list[str] = [str(name) for name in body.get("versions") or ()]
    for group in body.get("groups") or ():
        first = (group.get("preferredVersion") or {}).get("groupVersion")
        listed = [str(version["groupVersion"]) for version in group.get("versions") or ()]
        names += sorted(listed, key=lambda name: name != first)
    resources: list[Resource] = []
    broken: list[str] = []

    def read(name: str) -> Mapping[str, Any] | None:
        try:
            return api.request("GET", f"/apis/{name}" if "/" in name else f"/api/{name}").body
        except Problem:
            return None

    for name, found in zip(names, api.map(read, names), strict=True):
        if found is None:
            broken.append(name)
            continue
        group, _, version = name.rpartition("/")
        for entry in found.get("resources") or ():
            if "/" not in str(entry["name"]):
                verbs = frozenset(entry.get("verbs") or ())
                resources.append(Resource(group, version, str(entry["name"]), str(entry["kind"]), bool(entry.get("namespaced")), verbs))
    return resources, broken
