"""``lifecycle`` of a container, and the pause before it stops."""

from __future__ import annotations

from gitopsc.diagnostics import Diagnostics
from gitopsc.render.lower.shape import field, scalar_map
from gitopsc.spec.resolved import Workload
from gitopsc.values import Map

_SLEEP_SINCE = (1, 30)
_DRAIN_SECONDS = 5


def lifecycle(workload: Workload, name: str, kubernetes: tuple[int, int], diagnostics: Diagnostics) -> Map:
    """The native ``lifecycle``, with a ``preStop`` sleep where traffic needs time to move away.

    It is derived for main containers with ports of services (5 s), from Kubernetes 1.30; ``drainSeconds`` gives another length
    and asks for it on any workload. ``drainSeconds: 0`` or null, ``lifecycle: null`` and a ``preStop`` of one's own suppress it.
    """
    container = workload.spec["containers"][name]
    written = field(container, "lifecycle")
    spec = workload.spec
    seconds = spec.get("drainSeconds")
    suppressed = "lifecycle" in container.removed or "preStop" in written or "preStop" in written.removed or "drainSeconds" in spec.removed
    if suppressed or seconds == 0 or container.get("role", "main") != "main" or not container.get("ports"):
        return written
    if seconds is None and (workload.base != "service" or workload.profile == "none" or kubernetes < _SLEEP_SINCE):
        return written
    place = spec.places.get("drainSeconds") or container.place("ports")
    if kubernetes < _SLEEP_SINCE:
        version = ".".join(map(str, kubernetes))
        diagnostics.error(
            "needs-kubernetes",
            f"expected Kubernetes 1.30 or later for 'drainSeconds' (a container that sleeps without a shell), found {version}",
            place,
            hint="write lifecycle.preStop.exec with a command of the image",
            path=f"workloads.{workload.name}.drainSeconds",
        )
        return written
    sleep = scalar_map([("seconds", _DRAIN_SECONDS if seconds is None else seconds)], place)
    out = Map(written, written.at or place)
    out.places.update(written.places)
    out.put("preStop", scalar_map([("sleep", sleep)], place), place)
    return out
