"""Where pods run: ``spread nodeSelector tolerations affinity priorityClass runtimeClass hostNetwork``."""

from __future__ import annotations

from gitopsc.diagnostics import Place
from gitopsc.render.lower.scale import SCALED, least_replicas
from gitopsc.render.lower.shape import add, copy_fields, put_map, scalar_map
from gitopsc.spec.resolved import Workload
from gitopsc.values import Map, Seq

_MATCH_KEYS_SINCE = (1, 27)
_TOPOLOGIES = ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
_FIELDS = {
    "hostNetwork": "hostNetwork",
    "runtimeClass": "runtimeClassName",
    "priorityClass": "priorityClassName",
    "nodeSelector": "nodeSelector",
    "tolerations": "tolerations",
    "affinity": "affinity",
}


def scheduling(workload: Workload, kubernetes: tuple[int, int]) -> Map:
    """The fields of a pod's spec that place it, in order."""
    out = Map()
    copy_fields(workload.spec, out, _FIELDS)
    put_map(out, "topologySpreadConstraints", spread(workload, kubernetes))
    return out


def spread(workload: Workload, kubernetes: tuple[int, int]) -> Seq:
    """``spread``, each constraint with the workload's own pods where it selects none; or the derived one over zones and nodes.

    It is derived for two replicas and more, never makes a pod unschedulable, and counts each revision of a Deployment by itself.
    """
    spec = workload.spec
    written = spec.get("spread")
    if written is not None:
        return _completed(workload, written)
    out = Seq((), spec.places.get("scale") or workload.place)
    if workload.profile == "none" or "spread" in spec.removed or workload.base not in SCALED or least_replicas(workload) < 2:
        return out
    revisions = workload.base != "stateful" and kubernetes >= _MATCH_KEYS_SINCE
    for topology in _TOPOLOGIES:
        add(out, _constraint(workload, topology, revisions, out.at), out.at)
    return out


def _constraint(workload: Workload, topology: str, revisions: bool, place: Place | None) -> Map:
    out = scalar_map([("maxSkew", 1), ("topologyKey", topology), ("whenUnsatisfiable", "ScheduleAnyway")], place)
    out.put("labelSelector", _own_pods(workload), place)
    if revisions:
        out.put("matchLabelKeys", Seq(["pod-template-hash"], place), place)
    return out


def _completed(workload: Workload, written: Seq) -> Seq:
    out = Seq((), written.at)
    for index, constraint in enumerate(written):
        entry = Map(constraint, constraint.at)
        entry.places.update(constraint.places)
        if workload.profile != "none" and "labelSelector" not in entry and "labelSelector" not in constraint.removed:
            entry.put("labelSelector", _own_pods(workload), constraint.at)
        add(out, entry, written.place(index))
    return out


def _own_pods(workload: Workload) -> Map:
    return Map({"matchLabels": workload.selector}, workload.selector.at)
