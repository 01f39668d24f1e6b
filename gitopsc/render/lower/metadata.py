"""``metadata`` of an object of a workload."""

from __future__ import annotations

from gitopsc.diagnostics import Place
from gitopsc.render.lower.shape import copy_fields, put_map
from gitopsc.values import Map


def metadata(name: tuple[str, Place | None], namespace: tuple[str, Place | None], labels: Map, annotations: Map) -> Map:
    """``{name, namespace, labels, annotations}``; empty labels and annotations are left out. A namespace that nobody wrote stands where the name does."""
    out = Map((), name[1])
    out.put("name", name[0], name[1])
    out.put("namespace", namespace[0], namespace[1] or name[1])
    put_map(out, "labels", labels)
    put_map(out, "annotations", annotations)
    return out


def extended(source: Map, more: Map) -> Map:
    """A copy of labels or annotations with more of them."""
    if not more:
        return source
    out = Map((), source.at or more.at)
    for one in (source, more):
        copy_fields(one, out, dict(zip(one, one, strict=True)))
    return out
