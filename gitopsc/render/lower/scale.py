"""``scale``: a number of replicas, or an autoscaler that chooses it."""

from __future__ import annotations

from gitopsc.diagnostics import Diagnostics
from gitopsc.render.lower.labels import object_name
from gitopsc.render.lower.shape import add, copy_fields, field, put_map, scalar_map
from gitopsc.spec.resolved import Workload
from gitopsc.values import Map, Seq

CONTROLLERS = {"service": "Deployment", "worker": "Deployment", "stateful": "StatefulSet", "daemon": "DaemonSet", "job": "Job", "cronjob": "CronJob"}
SCALED = ("service", "worker", "stateful")


def scale(workload: Workload) -> Map:
    """``{replicas}``, or an empty map where the autoscaler chooses, nobody said a number, or the kind has none."""
    written, out = field(workload.spec, "scale"), Map((), workload.spec.place("scale"))
    if workload.base not in SCALED or autoscaled(workload):
        return out
    if written.get("singleton"):
        out.put("replicas", min(1, _said(written)), written.place("singleton"))
    else:
        copy_fields(written, out, {"replicas": "replicas"})
    return out


def _said(written: Map) -> int:
    replicas = written.get("replicas")
    return 1 if replicas is None else int(replicas)


def check_scale(workload: Workload, diagnostics: Diagnostics) -> None:
    """A singleton never runs twice: a number above one that somebody wrote (a type's default gives way) is an error."""
    written = field(workload.spec, "scale")
    if not written.get("singleton"):
        return
    place = written.place("max" if "max" in written else "replicas")
    default = place is None or place.file.startswith("gitopsc:")
    if autoscaled(workload) or (_said(written) > 1 and not default):
        diagnostics.error(
            "singleton-scaled",
            f"expected one replica of the singleton '{workload.name}', found {'an autoscaler' if autoscaled(workload) else _said(written)}",
            place,
            hint="take 'singleton' out, or the number",
            path=f"workloads.{workload.name}.scale",
        )


def autoscaled(workload: Workload) -> bool:
    """Whether an autoscaler chooses the number of replicas."""
    written = field(workload.spec, "scale")
    return workload.base in SCALED and ("max" in written or "min" in written)


def least_replicas(workload: Workload) -> int:
    """How many pods run at least, as far as the spec says."""
    written = field(workload.spec, "scale")
    if autoscaled(workload):
        return int(written.get("min", 1))
    replicas = scale(workload).get("replicas")
    return 1 if replicas is None else int(replicas)


def autoscaler(workload: Workload) -> Map:
    """The spec of a HorizontalPodAutoscaler (``autoscaling/v2``); empty where ``scale`` has no ``min`` and ``max``."""
    if not autoscaled(workload):
        return Map()
    written = field(workload.spec, "scale")
    kind = CONTROLLERS[workload.base]
    name, place = object_name(workload, kind)
    out = Map((), written.at)
    out.put("scaleTargetRef", scalar_map([("apiVersion", "apps/v1"), ("kind", kind), ("name", name)], place), place)
    copy_fields(written, out, {"min": "minReplicas", "max": "maxReplicas"})
    metrics = Seq((), written.at)
    for resource in ("cpu", "memory"):
        if resource in written:
            add(metrics, _metric(resource, written), written.place(resource))
    more = written.get("metrics") or ()
    for index, metric in enumerate(more):
        add(metrics, metric, more.place(index) if isinstance(more, Seq) else None)
    put_map(out, "metrics", metrics)
    copy_fields(written, out, {"behavior": "behavior"})
    return out


def _metric(resource: str, written: Map) -> Map:
    """The use to aim at, in percent of the request."""
    place = written.place(resource)
    target = scalar_map([("type", "Utilization"), ("averageUtilization", written[resource])], place)
    return scalar_map([("type", "Resource"), ("resource", scalar_map([("name", resource), ("target", target)], place))], place)
