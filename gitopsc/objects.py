"""Kubernetes objects as gitopsc names, orders and carries them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from gitopsc.diagnostics import Place
from gitopsc.values import Map

Tree = Mapping[str, bytes]
"""File path (with ``/``) to content: what a commit holds below some folder."""


class ObjectRef(NamedTuple):
    """The identity of an object: no version, because the API server sees one object. ``namespace`` is "" for cluster-scoped kinds."""

    group: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        kind = f"{self.kind}.{self.group}" if self.group and "." in self.group else self.kind
        where = f" in namespace {self.namespace}" if self.namespace else ""
        return f"{kind}/{self.name}{where}"


@dataclass(frozen=True, slots=True)
class Manifest:
    """One rendered object. ``data`` carries the places of its leaves; ``origin`` is the place that made the object
    (its workload, or its template); ``workload`` is null for raw manifests and configs.
    """

    ref: ObjectRef
    data: Map
    application: str
    environment: str
    workload: str | None = None
    origin: Place | None = None

    @property
    def api_version(self) -> str:
        """``apps/v1``."""
        return str(self.data.get("apiVersion", ""))


def ref_of(data: Mapping[str, object]) -> ObjectRef:
    """The identity that a manifest's own fields give it. Missing fields count as empty."""
    version = str(data.get("apiVersion") or "")
    metadata = data.get("metadata")
    meta = metadata if isinstance(metadata, dict) else {}
    group = version.rpartition("/")[0]
    return ObjectRef(group, str(data.get("kind") or ""), str(meta.get("namespace") or ""), str(meta.get("name") or ""))
