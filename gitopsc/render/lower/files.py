"""``files``: text and bytes as one immutable ConfigMap a workload, named by its content; files out of other ConfigMaps and Secrets."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gitopsc.diagnostics import Place
from gitopsc.render.lower.shape import add, copy_fields, put_map, scalar_map
from gitopsc.render.lower.volumes import key_paths
from gitopsc.spec.resolved import Workload
from gitopsc.values import Map, Seq

_ILLEGAL = re.compile(r"[^-._a-zA-Z0-9]+")
_KEY_LENGTH = 200
_HASH_LENGTH = 10


@dataclass(frozen=True, slots=True)
class Files:
    """``config_map``: ``{name, data, binaryData}``, or None. ``volumes`` of the pod; ``mounts`` by container."""

    config_map: Map | None
    volumes: Seq
    mounts: Mapping[str, Seq]


def content_hash(data: Mapping[str, str], binary: Mapping[str, str]) -> str:
    """Ten hexadecimal digits that change with the content alone."""
    text = json.dumps([dict(data), dict(binary)], sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:_HASH_LENGTH]


def files(workload: Workload, volume_name: Callable[[str], str]) -> Files:
    """``{path: {content | binary | config | secret, mode}}`` of every container, each mounted at its path alone (``subPath``), so
    that nothing of the image is hidden. ``config`` and ``secret`` give the file of that name, that of ``key``, or with ``items`` a folder.

    ``volume_name`` turns a wished name into one that is still free.
    """
    volumes = Seq()
    config_map, mounts = _own(workload, volumes, volume_name)
    for name, container in workload.spec["containers"].items():
        for path, file in (container.get("files") or {}).items():
            for member in ("config", "secret"):
                if member in file:
                    place = container["files"].place(path)
                    volume, mount = _foreign(path, file, member, volume_name, place)
                    add(volumes, volume, place)
                    add(mounts.setdefault(name, Seq()), mount, place)
    return Files(config_map, volumes, mounts)


def _own(workload: Workload, volumes: Seq, volume_name: Callable[[str], str]) -> tuple[Map | None, dict[str, Seq]]:
    """The ConfigMap of all texts and bytes, its volume, and where they are mounted."""
    data, binary, modes = Map(), Map(), Map()
    mounts: dict[str, Seq] = {}
    found: list[tuple[str, str, str, Place | None]] = []
    for name, container in workload.spec["containers"].items():
        written = container.get("files") or Map()
        for path, file in written.items():
            member = "content" if "content" in file else "binary" if "binary" in file else None
            if member is None:
                continue
            key = _key(path, name, file, data, binary, modes)
            (data if member == "content" else binary).put(key, file[member], file.place(member))
            if "mode" in file:
                modes.put(key, file["mode"], file.place("mode"))
            found.append((name, path, key, written.place(path)))
    if not found:
        return None, mounts
    place = found[0][3]
    data.at = binary.at = place
    volume = volume_name("files")
    for name, path, key, where in found:
        mount = scalar_map([("name", volume), ("mountPath", path), ("subPath", key), ("readOnly", True)], where)
        add(mounts.setdefault(name, Seq((), where)), mount, where)
    config_map = Map((), place)
    config_map.put("name", f"{workload.name}-files-{content_hash(data, binary)}", place)
    put_map(config_map, "data", data)
    put_map(config_map, "binaryData", binary)
    add(volumes, _volume(volume, config_map, [*data, *binary], modes, place), place)
    return config_map, mounts


def _volume(name: str, config_map: Map, keys: list[str], modes: Map, place: Place | None) -> Map:
    source = scalar_map([("name", config_map["name"])], place)
    if modes:
        items = Seq((), place)
        for key in keys:
            item = scalar_map([("key", key), ("path", key)], place)
            copy_fields(modes, item, {key: "mode"} if key in modes else {})
            add(items, item, place)
        source.put("items", items, place)
    return scalar_map([("name", name), ("configMap", source)], place)


def _key(path: str, container: str, file: Map, data: Map, binary: Map, modes: Map) -> str:
    """A legal key made of the path; the same for the same file, another for another."""
    key = _ILLEGAL.sub("_", path.strip("/").replace("/", "-"))[-_KEY_LENGTH:].lstrip(".") or "file"
    if path.rpartition("/")[2].startswith(".") and "/" not in path.strip("/"):
        key = f".{key}"
    if key not in data and key not in binary:
        return key
    same = data.get(key) == file.get("content") and binary.get(key) == file.get("binary") and modes.get(key) == file.get("mode")
    if same:
        return key
    return f"{key}-{hashlib.sha256(json.dumps([container, path]).encode()).hexdigest()[:_HASH_LENGTH]}"


def _foreign(path: str, file: Map, member: str, volume_name: Callable[[str], str], place: Place | None) -> tuple[Map, Map]:
    """(volume, mount) of a file, or a directory, out of a ConfigMap or Secret that stands on its own."""
    written = file[member]
    reference = written if isinstance(written, Map) else scalar_map([("name", written)], file.place(member))
    volume = volume_name(f"{member}-{reference['name']}")
    source = Map((), file.place(member))
    copy_fields(reference, source, {"name": "name" if member == "config" else "secretName"})
    key = None if "items" in reference else reference.get("key", path.rstrip("/").rpartition("/")[2])
    if key is not None:
        where = reference.places.get("key") or place
        item = scalar_map([("key", key), ("path", key)], where)
        copy_fields(file, item, {"mode": "mode"})
        source.put("items", Seq([item], where), where)
    else:
        source.put("items", key_paths(reference), reference.place("items"))
        copy_fields(file, source, {"mode": "defaultMode"})
    copy_fields(reference, source, {"optional": "optional"})
    mount = scalar_map([("name", volume), ("mountPath", path)], place)
    if key is not None:
        mount.put("subPath", key, reference.places.get("key") or place)
    mount.put("readOnly", True, place)
    return scalar_map([("name", volume), ("configMap" if member == "config" else "secret", source)], place), mount
