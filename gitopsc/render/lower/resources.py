"""``resources``: as Kubernetes has them, and the memory limit that is derived."""

from __future__ import annotations

from gitopsc.render.lower.shape import field
from gitopsc.values import Map


def resources(container: Map, derive: bool) -> Map:
    """The native ``resources``. ``derive``: a memory request without a limit gets one of the same size, because running out of
    memory is then predictable; ``limits: null`` or ``limits: {memory: null}`` suppresses it.
    """
    written = field(container, "resources")
    requests, limits = field(written, "requests"), field(written, "limits")
    suppressed = "limits" in written.removed or "memory" in limits.removed or "resources" in container.removed
    if not derive or suppressed or "memory" in limits or "memory" not in requests:
        return written
    bounded = Map(limits, limits.at)
    bounded.places.update(limits.places)
    bounded.put("memory", requests["memory"], requests.place("memory"))
    out = Map(written, written.at)
    out.places.update(written.places)
    out.put("limits", bounded, written.places.get("limits") or requests.place("memory"))
    return out
