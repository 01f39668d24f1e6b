"""What the platform's layers say of workloads in general, and how one workload takes it."""

from __future__ import annotations

from typing import Any

from gitopsc.spec import normalise
from gitopsc.spec.kinds import ComponentType
from gitopsc.values import Map

MAIN, EVERY = "\0main", "\0every"
"""Stand-ins for the main and for every other container, in the layers that speak of workloads in general."""

NATIVE_KINDS = {
    "service": ("apps/v1", "Deployment"),
    "worker": ("apps/v1", "Deployment"),
    "stateful": ("apps/v1", "StatefulSet"),
    "daemon": ("apps/v1", "DaemonSet"),
    "job": ("batch/v1", "Job"),
    "cronjob": ("batch/v1", "CronJob"),
}


def general_layers(label: str, defaults: Any, kind: ComponentType) -> list[tuple[Map, str]]:
    """What a ``{workload, type}`` block says of a type: ``workload`` first, then each type of its lineage."""
    if not isinstance(defaults, Map):
        return []
    out = []
    if isinstance(defaults.get("workload"), Map):
        out.append((defaults["workload"], label))
    by_type = defaults.get("type")
    if isinstance(by_type, Map):
        out += [(by_type[name], f"{label}, type {name}") for name in kind.lineage if isinstance(by_type.get(name), Map)]
    return out


def main_container(name: str, specs: list[Map]) -> str:
    """The container that a workload's own container fields are for: the namesake, else the only main one, else a new namesake."""
    containers: dict[str, Any] = {}
    for spec in specs:
        found = spec.get("containers")
        if isinstance(found, Map):
            containers.update({key: value for key, value in found.items() if isinstance(value, Map) and key not in containers})
    mains = [key for key, value in containers.items() if value.get("role", "main") == "main"]
    if name in containers or len(mains) != 1:
        return name
    shorthand = any(key in normalise.CONTAINER_FIELDS for key in specs[0])
    return name if shorthand and "image" in specs[0] else mains[0]


def instantiate(general: Map, main: str, names: list[str]) -> Map:
    """A workload's copy of layers that speak of ``MAIN`` and ``EVERY`` container."""
    containers = general.get("containers")
    if not isinstance(containers, Map) or not (MAIN in containers or EVERY in containers):
        return general
    own = Map((), containers.at)
    for name in dict.fromkeys([*names, *(key for key in containers if key not in (MAIN, EVERY))]):
        base = containers.get(MAIN if name == main else EVERY)
        named = containers.get(name)
        merged = _joined(base, named)
        if merged is not None:
            own.put(name, merged, merged.at or containers.at)
    out = Map(general, general.at)
    out.places.update(general.places)
    out.removed.update(general.removed)
    out["containers"] = own
    return out


def _joined(base: Any, named: Any) -> Map | None:
    """What is said of a container by name over what is said of containers in general."""
    if not isinstance(named, Map):
        return base if isinstance(base, Map) else None
    if not isinstance(base, Map):
        return named
    merged = Map({**base, **named}, named.at)
    merged.places.update({**base.places, **named.places})
    merged.removed.update(named.removed)
    return merged
