"""``resources``: as Kubernetes has them, and the memory limit that is derived."""

from __future__ import annotations

from gitopsc.render.lower.shape import as_text, copy_fields, field, put_map
from gitopsc.values import Map


def resources(container: Map, derive: bool) -> Map:
    """The native ``resources``. ``derive``: a memory request without a limit gets one of the same size, because running out of
    memory is then predictable; ``limits: null`` or ``limits: {memory: null}`` suppresses it.
    """
    written = field(container, "resources")
    requests, limits = _quantities(written, "requests"), _quantities(written, "limits")
    suppressed = "limits" in written.removed or "memory" in field(written, "limits").removed
    if derive and not suppressed and "memory" in requests and "memory" not in limits:
        limits.put("memory", requests["memory"], requests.place("memory"))
        limits.at = limits.at or requests.at
    out = Map((), written.at)
    put_map(out, "requests", requests, written.places.get("requests"))
    put_map(out, "limits", limits, written.places.get("limits"))
    copy_fields(written, out, {"claims": "claims"})
    return out


def _quantities(written: Map, key: str) -> Map:
    """Quantities as text: a bare number is one too."""
    source = field(written, key)
    out = Map((), written.places.get(key))
    for name in source:
        out.put(name, as_text(source, name), source.place(name))
    return out
