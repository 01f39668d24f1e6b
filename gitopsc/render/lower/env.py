"""``env`` and ``envFrom``: five sources of a variable, and whole ConfigMaps and Secrets."""

from __future__ import annotations

import re

from gitopsc.diagnostics import Diagnostics
from gitopsc.render.lower.shape import add, as_text, copy_fields, in_order, scalar_map
from gitopsc.values import Map, Seq

_EXPANSION = re.compile(r"\$\$|\$\(([^()]*)\)")
_REF_FIELDS = {"name": "name", "key": "key", "optional": "optional"}


def env(container: Map, diagnostics: Diagnostics, path: str) -> Seq:
    """``{N: {value | secret | config | field | resource}}`` → ``[{name, value | valueFrom}]``.

    Kubernetes expands ``$(X)`` only where X stands before it: an entry that uses a later one moves behind it, all others keep the
    document's order. Entries that use each other are an error.
    """
    entries = container.get("env") or Map()
    out = Seq((), getattr(entries, "at", None))
    names, circle = in_order(entries, lambda name: used(entries[name].get("value")))
    for name in circle:
        diagnostics.error(
            "env-cycle",
            f"expected variables that do not need each other by $(…), found the circle {', '.join(circle)}",
            entries.place(name),
            hint="write one of them without $(…)",
            path=f"{path}.env.{name}",
        )
    for name in names:
        add(out, _entry(name, entries[name], entries), entries.place(name))
    return out


def used(value: object) -> list[str]:
    """The variables that a value names with ``$(X)``; ``$$(X)`` is text."""
    return [found for found in _EXPANSION.findall(value) if found] if isinstance(value, str) else []


def _entry(name: str, source: Map, entries: Map) -> Map:
    out = Map((), entries.place(name))
    out.put("name", name, entries.key_place(name))
    if "value" in source:
        out.put("value", source["value"], source.place("value"))
        return out
    for member, lower in (("secret", _secret), ("config", _config), ("field", _field), ("resource", _resource)):
        if member in source:
            out.put("valueFrom", lower(source, member), source.place(member))
    return out


def _secret(source: Map, member: str) -> Map:
    return _wrapped("secretKeyRef", _fields(source[member], _REF_FIELDS, source, member))


def _config(source: Map, member: str) -> Map:
    return _wrapped("configMapKeyRef", _fields(source[member], _REF_FIELDS, source, member))


def _field(source: Map, member: str) -> Map:
    if isinstance(source[member], str):
        return _wrapped("fieldRef", scalar_map([("fieldPath", source[member])], source.place(member)))
    return _wrapped("fieldRef", _fields(source[member], {"apiVersion": "apiVersion", "path": "fieldPath"}, source, member))


def _resource(source: Map, member: str) -> Map:
    if isinstance(source[member], str):
        return _wrapped("resourceFieldRef", scalar_map([("resource", source[member])], source.place(member)))
    out = _fields(source[member], {"container": "containerName", "name": "resource"}, source, member)
    if "divisor" in source[member]:
        out.put("divisor", as_text(source[member], "divisor"), source[member].place("divisor"))
    return _wrapped("resourceFieldRef", out)


def _fields(value: Map, names: dict[str, str], source: Map, member: str) -> Map:
    out = Map((), source.place(member))
    copy_fields(value, out, names)
    return out


def _wrapped(key: str, value: Map) -> Map:
    return scalar_map([(key, value)], value.at)


def env_from(container: Map) -> Seq:
    """``[{config | secret: name | {name, optional}, prefix}]`` → ``[{prefix, configMapRef | secretRef}]``."""
    sources = container.get("envFrom") or Seq()
    out = Seq((), getattr(sources, "at", None))
    for index, source in enumerate(sources):
        place = sources.place(index)
        entry = Map((), place)
        copy_fields(source, entry, {"prefix": "prefix"})
        for member, key in (("config", "configMapRef"), ("secret", "secretRef")):
            if member in source:
                entry.put(key, _reference(source, member), source.place(member))
        add(out, entry, place)
    return out


def _reference(source: Map, member: str) -> Map:
    value = source[member]
    if isinstance(value, str):
        return scalar_map([("name", value)], source.place(member))
    return _fields(value, {"name": "name", "optional": "optional"}, source, member)
