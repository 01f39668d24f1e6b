"""Normal form: every shorthand expanded, so that two spellings of the same thing meet in a merge.

Works on one written document at a time, before any merging; nulls, ``$replace`` and list operators pass through.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from gitopsc.diagnostics import Diagnostics, Place
from gitopsc.spec.merge import LIST_OPERATORS
from gitopsc.values import Map, Seq

CONTAINER_FIELDS = frozenset(
    "image command args workingDir env envFrom files ports probes resources security writable mounts lifecycle imagePullPolicy raw".split()
)

IMAGE = re.compile(r"^(?P<repository>[^@]*?)(?::(?P<tag>[^:/@]+))?(?:@(?P<digest>[^@]+))?$", re.DOTALL)

Expand = Callable[[Any, Place | None, str | None], Any]


def image_map(text: str, place: Place | None) -> Map:
    """``repository[:tag][@digest]`` as a map that replaces the whole image of the layer below."""
    match = IMAGE.match(text)
    out = Map({"$replace": True}, place)
    parts = match.groupdict() if match else {"repository": text}
    for key in ("repository", "tag", "digest"):
        if parts.get(key):
            out.put(key, parts[key], place)
    return out


def _one(key: str) -> Expand:
    """A scalar becomes ``{key: scalar}``; a map stays."""

    def expand(value: Any, place: Place | None, raw: str | None) -> Any:
        if isinstance(value, dict):
            return value
        out = Map((), place)
        out.put(key, value, place)
        if raw is not None:
            out.raw[key] = raw
        return out

    return expand


def _env(value: Any, place: Place | None, raw: str | None) -> Any:
    if isinstance(value, Map):
        if "value" in value and value["value"] is not None and not isinstance(value["value"], (str, dict, list)):
            value = _copied(value)
            value["value"] = value.raw.get("value", str(value["value"]))
        return value
    text = value if isinstance(value, str) else raw if raw is not None else value
    out = Map((), place)
    out.put("value", text, place)
    return out


def _image(value: Any, place: Place | None, raw: str | None) -> Any:
    return image_map(value, place) if isinstance(value, str) else value


def _probe(value: Any, place: Place | None, raw: str | None) -> Any:
    if not isinstance(value, Map):
        return _wrap("http", _one("path")(value, place, raw), place)
    return fields(value, {"http": _one("path"), "tcp": _one("port"), "grpc": _one("port"), "exec": _exec})


def _exec(value: Any, place: Place | None, raw: str | None) -> Any:
    return _wrap("command", value, place) if isinstance(value, list) else value


def _wrap(key: str, value: Any, place: Place | None) -> Map:
    out = Map((), place)
    out.put(key, value, place)
    return out


def _volume(value: Any, place: Place | None, raw: str | None) -> Any:
    if not isinstance(value, Map):
        return value
    name = _one("name")
    return fields(value, {"claim": name, "config": name, "secret": name, "hostPath": _one("path"), "persistent": _one("size"), "ephemeral": _one("size")})


def _file(value: Any, place: Place | None, raw: str | None) -> Any:
    if not isinstance(value, Map):
        return _one("content")(value, place, raw)
    return fields(value, {"config": _one("name"), "secret": _one("name")})


def _false_is_null(value: Any, place: Place | None, raw: str | None) -> Any:
    return None if value is False else value


def _route(value: Any, place: Place | None, raw: str | None) -> Any:
    if not isinstance(value, Map) or "host" not in value:
        return value
    out = _copied(value)
    host, at = out.pop("host"), value.place("host")
    if host is None:
        out.put("hosts", None, at)
    else:
        hosts = Seq([host], at)
        hosts.places = [at]
        out.put("hosts", hosts, at)
    return out


def _service(value: Any, place: Place | None, raw: str | None) -> Any:
    return fields(value, {"ports": each(_one("port"))}) if isinstance(value, Map) else value


def fields(value: Map, rules: dict[str, Expand]) -> Map:
    """The map with the named fields expanded; unchanged maps are given back as they are."""
    out: Map | None = None
    for key, rule in rules.items():
        if key in value and value[key] is not None:
            new = _expanded(rule, value[key], value.place(key), value.raw.get(key))
            if new is not value[key]:
                out = out or _copied(value)
                out[key] = new
    return out or value


def _expanded(rule: Expand, value: Any, place: Place | None, raw: str | None) -> Any:
    """A rule applied to a value, also inside ``{$replace: value}``."""
    if isinstance(value, Map) and "$replace" in value and value["$replace"] is not True:
        out = _copied(value)
        out["$replace"] = rule(value["$replace"], value.place("$replace"), value.raw.get("$replace"))
        return out
    if isinstance(value, Map) and any(operator in value for operator in LIST_OPERATORS):
        return value
    return rule(value, place, raw)


def each(rule: Expand) -> Expand:
    """A rule for every value of a map of names."""

    def expand(value: Any, place: Place | None, raw: str | None) -> Any:
        if not isinstance(value, Map):
            return value
        return fields(value, {key: rule for key in value if key != "$replace"})

    return expand


CONTAINER: dict[str, Expand] = {
    "image": _image,
    "env": each(_env),
    "files": each(_file),
    "ports": each(_one("port")),
    "probes": each(_probe),
    "mounts": each(_one("volume")),
}

WORKLOAD: dict[str, Expand] = {
    "scale": _one("replicas"),
    "disruption": _false_is_null,
    "spread": _false_is_null,
    "services": each(_service),
    "routes": each(_route),
    "volumes": each(_volume),
    "serviceAccount": _one("name"),
}


def _copied(value: Map) -> Map:
    out = Map(value, value.at)
    out.places.update(value.places)
    out.keys_at.update(value.keys_at)
    out.raw.update(value.raw)
    return out


def container(value: Any, place: Place | None, raw: str | None) -> Any:
    """A container with every field expanded."""
    return fields(value, CONTAINER) if isinstance(value, Map) else value


def workload(written: Map, main: str, diagnostics: Diagnostics, *, every: tuple[str, ...] = ()) -> Map:
    """A workload in normal form: container fields moved to the container ``main`` (``security`` to each of ``every``, where given:
    the platform's layers speak of all containers), shorthands expanded. A field said twice in one document is an error.
    """
    value = fields(written, WORKLOAD)
    out = Map((), written.at)
    out.keys_at.update(value.keys_at)
    out.raw.update(value.raw)
    moved: list[str] = []
    for key, item in value.items():
        if key in CONTAINER_FIELDS:
            moved.append(key)
        elif key != "containers":
            out.put(key, item, value.places.get(key))
    containers = value.get("containers")
    if isinstance(containers, Map):
        containers = fields(containers, {key: container for key in containers if key != "$replace"})
    if moved:
        containers = _with_main(value, containers, main, moved, every, diagnostics)
    if containers is not None:
        out.put("containers", containers, value.places.get("containers") or written.at)
    return out


def _with_main(value: Map, containers: Any, main: str, moved: list[str], every: tuple[str, ...], diagnostics: Diagnostics) -> Map:
    """The containers with the workload's own container fields put where they belong."""
    target = _copied(containers) if isinstance(containers, Map) else Map((), value.at)
    shorthand = Map((), value.at)
    for key in moved:
        shorthand.put(key, value[key], value.places.get(key))
        if key in value.keys_at:
            shorthand.keys_at[key] = value.keys_at[key]
        if key in value.raw:
            shorthand.raw[key] = value.raw[key]
    shorthand = fields(shorthand, CONTAINER)
    names = [main, *(n for n in every if n != main)] if every and "security" in shorthand else [main]
    for name in names:
        known = target.get(name)
        one = _copied(known) if isinstance(known, Map) else Map((), value.at)
        for key in shorthand:
            if name != main and key != "security":
                continue
            if key in one and name == main:
                diagnostics.error(
                    "set-twice",
                    f"'{key}' is set for container '{name}' here and at {one.place(key)}",
                    value.key_place(key),
                    hint=f"keep one of them: a container field on a workload is for its main container '{name}'",
                )
            elif key not in one:
                one.put(key, shorthand[key], shorthand.places.get(key))
                if key in shorthand.keys_at:
                    one.keys_at[key] = shorthand.keys_at[key]
        target.put(name, one, target.places.get(name) or value.at)
    return target
