"""``manifests`` of an application: objects written as Kubernetes has them."""

from __future__ import annotations

from gitopsc.diagnostics import Diagnostics
from gitopsc.render.finish import owned
from gitopsc.render.lower.shape import field
from gitopsc.spec.resolved import Resolved
from gitopsc.values import Map


def raw_manifests(resolved: Resolved, diagnostics: Diagnostics) -> list[tuple[str, Map]]:
    """(key, object) of each ``manifests.<Kind/name>`` that is the object its key says, in its namespace and marked as managed."""
    out = []
    for key, data in resolved.manifests.items():
        if _agrees(key, data, resolved, diagnostics):
            out.append((key, owned(data, resolved.namespace, resolved.profile != "none", resolved.cluster_kinds)))
    return out


def _agrees(key: str, data: Map, resolved: Resolved, diagnostics: Diagnostics) -> bool:
    full, _, name = key.partition("/")
    kind, _, group = full.partition(".")
    place, path = resolved.manifests.key_place(key), f"manifests.{key}"
    metadata = field(data, "metadata") if isinstance(data, dict) else Map()
    for where, found in (("apiVersion", data.get("apiVersion")), ("kind", data.get("kind")), ("metadata.name", metadata.get("name"))):
        if not isinstance(found, str) or not found:
            diagnostics.error(
                "not-an-object", f"expected a whole object under '{key}', found one without '{where}'", place, hint="write the whole object", path=path
            )
            return False
    for where, wanted, found, at in (
        ("kind", kind, data["kind"], data.place("kind")),
        ("metadata.name", name, metadata["name"], metadata.place("name")),
        ("apiVersion's group", group, group and str(data["apiVersion"]).rpartition("/")[0], data.place("apiVersion")),
    ):
        if wanted != found:
            diagnostics.error(
                "manifest-key", f"expected {where} to be '{wanted}', as the key says, found '{found}'", at or place, hint="correct one of them", path=path
            )
            return False
    return True
