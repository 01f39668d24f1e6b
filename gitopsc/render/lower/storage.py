"""What the containers of a pod mount: volumes, files and writable folders, under names that do not meet."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from gitopsc.diagnostics import Diagnostics, Place
from gitopsc.render.lower.files import Files, files
from gitopsc.render.lower.shape import add, copy_fields, field, items, scalar_map
from gitopsc.render.lower.volumes import Volumes, volumes
from gitopsc.spec.resolved import Workload
from gitopsc.values import Map, Seq

_NAME_LENGTH = 63
_SCRATCH = "/tmp"  # noqa: S108
_NOT_A_LABEL = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Storage:
    """``pod``: volumes of the pod. ``mounts``: volumeMounts by container."""

    pod: Seq
    mounts: Mapping[str, Seq]
    volumes: Volumes
    config_map: Map | None


def storage(workload: Workload, diagnostics: Diagnostics) -> Storage:
    """Lowers ``volumes``, ``mounts``, ``files`` and ``writable`` of a workload together."""
    declared = volumes(workload, diagnostics)
    names = _Names({*declared.names.values()})
    own = files(workload, names.free)
    pod = Seq((), declared.pod.at)
    for source in (declared.pod, own.volumes):
        for index, volume in enumerate(source):
            add(pod, volume, source.place(index))
    mounts: dict[str, Seq] = {}
    for name in sorted(workload.spec["containers"], key=lambda name: name != workload.main):
        mounts[name] = _mounts(workload, name, declared, own, pod, names, diagnostics)
    return Storage(pod, mounts, declared, own.config_map)


class _Names:
    """Hands out names of volumes, each once."""

    def __init__(self, taken: set[str]) -> None:
        self._taken = taken

    def free(self, wish: str) -> str:
        """A DNS label like ``wish`` that no other volume has."""
        stem = _NOT_A_LABEL.sub("-", wish.lower()).strip("-") or "volume"
        name, number = stem[:_NAME_LENGTH].strip("-"), 1
        while name in self._taken:
            number += 1
            name = f"{stem[: _NAME_LENGTH - 4].strip('-')}-{number}"
        self._taken.add(name)
        return name


def _mounts(workload: Workload, name: str, declared: Volumes, own: Files, pod: Seq, names: _Names, diagnostics: Diagnostics) -> Seq:
    container = workload.spec["containers"][name]
    written = container.get("mounts") or Map()
    out = Seq((), getattr(written, "at", None))
    for path, mount in written.items():
        place = written.place(path)
        _known_volume(workload, name, path, mount, declared, diagnostics)
        volume = declared.names.get(mount["volume"], mount["volume"])
        entry = scalar_map([("name", volume), ("mountPath", path)], mount.place("volume"))
        copy_fields(mount, entry, {"subPath": "subPath", "readOnly": "readOnly", "mountPropagation": "mountPropagation"})
        add(out, entry, place)
    files_of = own.mounts.get(name) or Seq()
    for index, mount in enumerate(files_of):
        add(out, mount, files_of.place(index))
    for path, place in writable(workload, name):
        volume = names.free(path if name == workload.main else f"{name}-{path}")
        add(pod, scalar_map([("name", volume), ("emptyDir", Map((), place))], place), place)
        add(out, scalar_map([("name", volume), ("mountPath", path)], place), place)
    _each_path_once(workload, name, out, diagnostics)
    return out


def writable(workload: Workload, name: str) -> list[tuple[str, Place | None]]:
    """The folders of a container that get an ``emptyDir``: the written ones, and ``/tmp`` under ``recommended`` where the root is
    read-only and nothing else is mounted there. ``writable: null`` or ``[]`` suppresses it.
    """
    container = workload.spec["containers"][name]
    written = container.get("writable")
    out = [(path, written.place(index) if isinstance(written, Seq) else None) for index, path in enumerate(written or ())]
    security = field(container, "security")
    mounted = {*(container.get("mounts") or ()), *(path for path, _ in out), *(container.get("files") or ())}
    mounted |= {str(mount.get("mountPath")) for mount in items(field(container, "raw"), "volumeMounts")}
    suppressed = "writable" in container.removed or (written is not None and not written)
    derived = workload.profile == "recommended" and security.get("readOnlyRootFilesystem") is True and not suppressed
    if derived and _SCRATCH not in {path.rstrip("/") for path in mounted}:
        out.append((_SCRATCH, security.place("readOnlyRootFilesystem")))
    return out


def _known_volume(workload: Workload, name: str, path: str, mount: Map, declared: Volumes, diagnostics: Diagnostics) -> None:
    if mount["volume"] in declared.names or mount["volume"] in _volumes_of_fragment(workload):
        return
    close = get_close_matches(mount["volume"], declared.names, 1)
    diagnostics.error(
        "unknown-volume",
        f"expected a volume of '{workload.name}' ({', '.join(declared.names) or 'none'}), found '{mount['volume']}'",
        mount.place("volume"),
        hint=f"did you mean '{close[0]}'?" if close else "declare it under 'volumes' of the workload",
        path=f"workloads.{workload.name}.containers.{name}.mounts.{path}",
    )


def _volumes_of_fragment(workload: Workload) -> set[str]:
    """``podSpec`` may bring volumes of its own."""
    return {str(volume.get("name")) for volume in items(field(workload.spec, "podSpec"), "volumes")}


def _each_path_once(workload: Workload, name: str, mounts: Seq, diagnostics: Diagnostics) -> None:
    seen: dict[str, int] = {}
    for index, mount in enumerate(mounts):
        path = mount["mountPath"].rstrip("/") or "/"
        if path in seen:
            diagnostics.error(
                "mounted-twice",
                f"expected each path to be mounted once, found '{path}' with the volumes '{mounts[seen[path]]['name']}' and '{mount['name']}'",
                mounts.place(index),
                hint="keep one of 'mounts', 'files' and 'writable' for it",
                path=f"workloads.{workload.name}.containers.{name}",
            )
        seen.setdefault(path, index)
