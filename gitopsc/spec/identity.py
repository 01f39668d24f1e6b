"""What makes a release the release it is, and an environment's own inputs theirs: content hashes, no commit, tag or time in them.

The base of a release is layers 1, 2, 3, 5 and 6; 4, 7 and 9 belong to the environment (language.md 3.1, delivery.md).
Built-in types, policies and the workspace's Kubernetes version are left out of the release.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterator
from typing import Any

from gitopsc.diagnostics import Invalid
from gitopsc.spec.completing import ReadSource
from gitopsc.spec.documents import Document
from gitopsc.spec.environments import bound
from gitopsc.spec.kinds import ComponentType, Environment, Overlay, Workspace, labels_of
from gitopsc.values import Map

NOT_INPUTS = ("policy", "reconcile", "alerts", "enforceGates", "requireSigned", "abstract", "extends")


def digest(value: Any) -> str:
    """The first 12 hex digits of sha256 over the canonical form: JSON, keys sorted, no spaces.

    The order of a map's keys is part of what was written (environment variables, containers), so it is hashed as pairs.
    """
    return hashlib.sha256(json.dumps(_canonical(value), ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()[:12]


def _canonical(value: Any) -> Any:
    if isinstance(value, dict):
        raw = value.raw if isinstance(value, Map) else {}
        return [[key, _canonical(item), raw[key]] if key in raw else [key, _canonical(item)] for key, item in value.items()] or {}
    if isinstance(value, list):
        return [_canonical(item) for item in value]
    return value


def release_id(workspace: Workspace, application: Document, read_source: ReadSource) -> str:
    """``r-`` and 12 hex digits over the application, its feature overlays, the component types it uses, and the workspace's defaults."""
    features = [o for o in workspace.overlays.get(application.name, ()) if not o.environments]
    documents = [application, *(overlay.document for overlay in features)]
    labels = labels_of(application)  # only where there are any: an application without has the id that it always had
    return "r-" + digest(
        {
            "name": application.name,
            "application": application.spec,
            **({"labels": labels} if labels else {}),
            "overlays": [[list(o.features), o.document.spec] for o in features],
            "types": {t.name: _type(t) for t in _types(workspace, documents)},
            "defaults": workspace.spec.get("defaults"),
            "mergeKeys": workspace.spec.get("mergeKeys"),
            "sources": _sources(documents, read_source),
        }
    )


def absence_id(application: str) -> str:
    """The release of an application that is gone."""
    return "r-" + digest({"name": application, "absent": True})


def inputs_id(workspace: Workspace, application: Document, environment: Environment, read_source: ReadSource) -> str:
    """``e-`` and 12 hex digits over what the environment itself brings to this application's rendering."""
    overlays = [o for o in workspace.overlays.get(application.name, ()) if _binds(o, environment)]
    chain = [{k: v for k, v in document.spec.items() if k not in NOT_INPUTS} for document in environment.chain]
    return "e-" + digest(
        {
            "name": environment.name,
            "chain": chain,
            "kubernetes": list(environment.kubernetes),
            "overlays": [[list(o.environments), list(o.features), o.document.spec] for o in overlays],
            "sources": _sources([o.document for o in overlays], read_source),
        }
    )


def _binds(overlay: Overlay, environment: Environment) -> bool:
    return bool(overlay.environments) and bound(environment, overlay.environments) is not None


def _types(workspace: Workspace, documents: list[Document]) -> list[ComponentType]:
    """Component types of the workspace that these documents' workloads use, with their bases."""
    names: set[str] = set()
    for document in documents:
        for spec in (document.spec.get("workloads") or {}).values():
            kind = workspace.types.get(str(spec.get("type"))) if isinstance(spec, dict) else None
            names.update(kind.lineage if kind else ())
    return [workspace.types[name] for name in sorted(names) if not workspace.types[name].built_in]


def _type(kind: ComponentType) -> Any:
    return [kind.document.spec, [[t.name, t.text, str(t.when)] for t in kind.templates if not t.file.startswith("gitopsc:")]]


def _sources(documents: list[Document], read_source: ReadSource) -> list[list[str]]:
    """(path, content hash) of every file that the documents name as a ``source``, where the name holds no reference."""
    out = []
    for document in documents:
        for written in sorted(set(_named(document.spec))):
            if "${" in written:
                continue
            # A file that cannot be read has no say here: resolve tells of it, with its place.
            with contextlib.suppress(Invalid, OSError):
                path, data = read_source(document.file, written)
                out.append([path, hashlib.sha256(data).hexdigest()])
    return out


def _named(spec: Map) -> Iterator[str]:
    for workload in (spec.get("workloads") or {}).values():
        if not isinstance(workload, dict):
            continue
        containers = workload.get("containers")
        for holder in (workload, *(containers.values() if isinstance(containers, dict) else ())):
            files = holder.get("files") if isinstance(holder, dict) else None
            for entry in files.values() if isinstance(files, dict) else ():
                if isinstance(entry, dict) and isinstance(entry.get("source"), str):
                    yield entry["source"]
