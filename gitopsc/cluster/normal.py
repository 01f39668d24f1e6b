"""Objects in the one form in which they are hashed and compared. Pure."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from gitopsc.cluster.fields import Fields, Path, matches, own, project, step

MANAGER = "gitopsc"
BOOKKEEPING = frozenset(
    {"uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink", "deletionTimestamp", "deletionGracePeriodSeconds"}
)
"""Fields of ``metadata`` that the server keeps for itself."""
_DIGITS = 16
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(value: Any) -> str:
    """A short hash (64 bits) of a plain value, whatever the order of its keys."""
    return hashlib.sha256(_CANONICAL.encode(value).encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]


def folded(data: Mapping[str, Any]) -> dict[str, Any]:
    """A manifest as it is applied: a Secret's ``stringData`` stands in ``data``, so that a key that is dropped goes; ``status`` stays out."""
    out = {key: value for key, value in data.items() if key != "status"}
    said = out.get("stringData")
    if data.get("kind") != "Secret" or data.get("apiVersion") != "v1" or not isinstance(said, Mapping):
        return out
    del out["stringData"]
    encoded = {key: base64.b64encode(str(value).encode()).decode() for key, value in said.items()}
    out["data"] = {**(out.get("data") or {}), **encoded}
    return out


def normal(live: Mapping[str, Any]) -> dict[str, Any]:
    """A live object without status and the server's bookkeeping."""
    out = {key: value for key, value in live.items() if key not in ("status", "metadata")}
    out["metadata"] = {key: value for key, value in (live.get("metadata") or {}).items() if key not in BOOKKEEPING}
    return out


def live_digest(live: Mapping[str, Any], ignored: Iterable[tuple[str, ...]] = (), *, whole: bool = False) -> str:
    """What of a live object must stay as it is for an apply to change nothing: the fields we own, and that we own them.

    ``ignored`` paths don't count. ``whole``: every field counts, whoever owns it. "" where we own nothing: it is equal to no digest.
    """
    fields = own(live, MANAGER)
    if fields is None:
        return ""
    fields = without(fields, tuple(ignored)) if ignored else fields
    return digest([fields, normal(live) if whole else project(live, fields)])


def without(fields: Fields, ignored: tuple[tuple[str, ...], ...], prefix: Path = ()) -> dict[str, Any]:
    """A tree of fields without those at or below the ``ignored`` paths."""
    out: dict[str, Any] = {}
    for key, inner in fields.items():
        found = step(key)
        path = prefix if found is None else (*prefix, found)
        if found is not None and matches(ignored, path):
            continue
        kept = without(inner, ignored, path) if inner else inner
        if kept or not inner:  # a tree of which nothing is left would read as one that is owned as a whole
            out[key] = kept
    return out
