"""``volumes``: what a pod can mount, and the claims behind what it keeps."""

from __future__ import annotations

from dataclasses import dataclass

from gitopsc.diagnostics import Diagnostics, Place
from gitopsc.render.lower.shape import add, as_text, copy_fields, scalar_map
from gitopsc.spec.resolved import Workload
from gitopsc.values import Map, Seq


@dataclass(frozen=True, slots=True)
class Volumes:
    """``pod``: the pod's volumes. ``claims``: ``{name, spec}`` of PersistentVolumeClaims. ``templates``: volumeClaimTemplates and
    ``retention`` of a stateful set. ``names``: the name in the pod of each volume of the spec.
    """

    pod: Seq
    claims: Seq
    templates: Seq
    retention: Map
    names: dict[str, str]


def volumes(workload: Workload, diagnostics: Diagnostics) -> Volumes:
    """``{n: one of emptyDir persistent claim config secret hostPath projected ephemeral csi}`` → volumes and claims."""
    written = workload.spec.get("volumes") or Map()
    out = Volumes(Seq((), getattr(written, "at", None)), Seq(), Seq(), Map(), {})
    for name, volume in written.items():
        place = written.place(name)
        out.names[name] = name
        if "persistent" in volume:
            _persistent(workload, name, volume, out, diagnostics, place)
            continue
        entry = scalar_map([("name", name)], written.key_place(name))
        for member, key in _SOURCES.items():
            if member in volume:
                entry.put(key, _source(member, volume), volume.place(member))
        add(out.pod, entry, place)
    return out


_SOURCES = {
    "emptyDir": "emptyDir",
    "claim": "persistentVolumeClaim",
    "config": "configMap",
    "secret": "secret",
    "hostPath": "hostPath",
    "projected": "projected",
    "ephemeral": "ephemeral",
    "csi": "csi",
}
_FIELDS = {
    "claim": {"name": "claimName", "readOnly": "readOnly"},
    "config": {"name": "name", "items": "items", "optional": "optional", "defaultMode": "defaultMode"},
    "secret": {"name": "secretName", "items": "items", "optional": "optional", "defaultMode": "defaultMode"},
}


def _source(member: str, volume: Map) -> Map:
    value, place = volume[member], volume.place(member)
    if member == "emptyDir":
        return _empty_dir(value, place)
    if member == "ephemeral":
        return scalar_map([("volumeClaimTemplate", scalar_map([("spec", claim_spec(value, place))], place))], place)
    if member not in _FIELDS:
        return value if isinstance(value, Map) else Map(value or (), place)
    out = Map((), place)
    if isinstance(value, str):
        value = scalar_map([("name", value)], place)
    copy_fields(value, out, _FIELDS[member])
    if "items" in out:
        out.put("items", key_paths(value), value.place("items"))
    return out


def _empty_dir(value: Map, place: Place | None) -> Map:
    out = Map((), place)
    copy_fields(value, out, {"medium": "medium"})
    if "sizeLimit" in value:
        out.put("sizeLimit", as_text(value, "sizeLimit"), value.place("sizeLimit"))
    return out


def key_paths(source: Map) -> Seq:
    """``items``: ``{key: path}`` or ``[{key, path, mode}]`` → ``[{key, path, mode}]``."""
    items, place = source["items"], source.place("items")
    if not isinstance(items, dict):
        return items if isinstance(items, Seq) else Seq(items, place)
    out = Seq((), place)
    for key, path in items.items():
        where = items.place(key) if isinstance(items, Map) else place
        add(out, scalar_map([("key", key), ("path", path)], where), where)
    return out


def claim_spec(source: Map, place: Place | None) -> Map:
    """``{size, class, modes}`` → the spec of a PersistentVolumeClaim; one pod's node may write where ``modes`` says nothing."""
    out = Map((), place)
    out.put("accessModes", source.get("modes") or Seq(["ReadWriteOnce"], place), source.place("modes"))
    copy_fields(source, out, {"class": "storageClassName"})
    if "size" in source:
        size = source.place("size")
        out.put("resources", scalar_map([("requests", scalar_map([("storage", as_text(source, "size"))], size))], size), size)
    return out


def _persistent(workload: Workload, name: str, volume: Map, out: Volumes, diagnostics: Diagnostics, place: Place | None) -> None:
    source, where = volume["persistent"], volume.place("persistent")
    spec = claim_spec(source, where)
    path = f"workloads.{workload.name}.volumes.{name}.persistent"
    if workload.base == "stateful":
        template = source.get("name", name)
        out.names[name] = template
        add(out.templates, scalar_map([("metadata", scalar_map([("name", template)], source.place("name"))), ("spec", spec)], where), place)
        _retain(source, out, diagnostics, f"{path}.retain")
        return
    claim = source.get("name", f"{workload.name}-{name}")
    add(out.claims, scalar_map([("name", claim), ("spec", spec)], where), place)
    add(out.pod, scalar_map([("name", name), ("persistentVolumeClaim", scalar_map([("claimName", claim)], source.place("name")))], where), place)


def _retain(source: Map, out: Volumes, diagnostics: Diagnostics, path: str) -> None:
    """A stateful set has one policy for all its claims: two volumes may not ask for different ones."""
    for key, value in (source.get("retain") or {}).items():
        place = source["retain"].place(key)
        if out.retention.get(key, value) != value:
            diagnostics.error(
                "retain-differs",
                f"expected one '{key}' for all claims of a stateful set, found {value} here and {out.retention[key]} in another volume",
                place,
                hint="write the same 'retain' on every persistent volume",
                path=f"{path}.{key}",
            )
        out.retention.put(key, value, place)
