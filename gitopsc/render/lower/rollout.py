"""``rollout``: how a new revision replaces the old one, in the words of each kind."""

from __future__ import annotations

from gitopsc.render.lower.shape import copy_fields, field, put_map
from gitopsc.spec.resolved import Workload
from gitopsc.values import Map

_IN_PLACE = {
    "service": {"maxSurge": "maxSurge", "maxUnavailable": "maxUnavailable"},
    "worker": {"maxSurge": "maxSurge", "maxUnavailable": "maxUnavailable"},
    "stateful": {"partition": "partition", "maxUnavailable": "maxUnavailable"},
    "daemon": {"maxSurge": "maxSurge", "maxUnavailable": "maxUnavailable"},
}


def rollout(workload: Workload) -> Map:
    """The ``strategy`` of a Deployment or the ``updateStrategy`` of the others; empty where nothing was said.

    Only RollingUpdate has numbers. A singleton is stopped before its successor starts.
    """
    written, names = field(workload.spec, "rollout"), _IN_PLACE.get(workload.base)
    out = Map((), workload.spec.place("rollout"))
    if names is None:
        return out
    scale = field(workload.spec, "scale")
    if scale.get("singleton") and workload.base in ("service", "worker"):
        out.put("type", "Recreate", scale.place("singleton"))
        return out
    numbers = Map((), written.at)
    copy_fields(written, numbers, names)
    if "strategy" in written:
        copy_fields(written, out, {"strategy": "type"})
    elif numbers:
        out.put("type", "RollingUpdate", written.at)
    if out.get("type") == "RollingUpdate":
        put_map(out, "rollingUpdate", numbers)
    return out


def revisions(workload: Workload) -> Map:
    """The other fields of a controller: ``revisionHistoryLimit, progressDeadlineSeconds, minReadySeconds, podManagementPolicy``."""
    written, out = field(workload.spec, "rollout"), Map((), workload.spec.place("rollout"))
    names = ("revisionHistoryLimit", "progressDeadlineSeconds", "minReadySeconds")
    copy_fields(written, out, dict(zip(names, names, strict=True)))
    if "parallel" in written:
        out.put("podManagementPolicy", "Parallel" if written["parallel"] else "OrderedReady", written.place("parallel"))
    return out
