"""``disruption``: how many pods may be away while nodes are drained."""

from __future__ import annotations

from gitopsc.render.lower.scale import SCALED, least_replicas
from gitopsc.render.lower.shape import copy_fields, field
from gitopsc.spec.resolved import Workload
from gitopsc.values import Map

_POLICY_SINCE = (1, 27)


def disruption(workload: Workload, kubernetes: tuple[int, int]) -> Map:
    """The spec of a PodDisruptionBudget; empty where there is none.

    One is derived for two replicas and more: below, it would block every drain, so a singleton has none at all. ``AlwaysAllow`` so that a pod that crashes
    anyway does not block one either.
    """
    spec = workload.spec
    written, out = field(spec, "disruption"), Map((), spec.places.get("disruption") or spec.places.get("scale") or workload.place)
    opinion = workload.profile != "none"
    if field(spec, "scale").get("singleton"):
        return out
    if written:
        copy_fields(written, out, {"minAvailable": "minAvailable", "maxUnavailable": "maxUnavailable"})
    elif "disruption" not in spec.removed and opinion and workload.base in SCALED and least_replicas(workload) > 1:
        out.put("maxUnavailable", 1, out.at)
    else:
        return out
    out.put("selector", Map({"matchLabels": workload.selector}, workload.selector.at), workload.selector.at)
    if opinion and kubernetes >= _POLICY_SINCE:
        out.put("unhealthyPodEvictionPolicy", "AlwaysAllow", out.at)
    return out
