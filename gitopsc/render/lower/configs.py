"""``configs`` of an application: ConfigMaps named by their content, and the references to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gitopsc.diagnostics import Place
from gitopsc.render.lower.files import content_hash
from gitopsc.render.lower.labels import application_labels
from gitopsc.render.lower.metadata import metadata
from gitopsc.spec.resolved import Resolved
from gitopsc.values import Map, Seq

_REFERENCES = ("configMapKeyRef", "configMapRef", "configMap")


def config_names(configs: Map) -> dict[str, str]:
    """Each config's name as the specs write it → the name of its ConfigMap."""
    return {name: f"{name}-{content_hash(data, {})}" for name, data in configs.items()}


def config_map(resolved: Resolved, name: str, hashed: str, namespace: str) -> Map:
    """The ConfigMap of a config, complete."""
    place = resolved.configs.place(name)
    labels = application_labels(resolved.application, place) if resolved.profile != "none" else Map()
    out = Map((), place)
    for key, value in (
        ("apiVersion", "v1"),
        ("kind", "ConfigMap"),
        ("metadata", metadata((hashed, place), (namespace, None), labels, Map())),
        ("immutable", True),
        ("data", resolved.configs[name]),
    ):
        out.put(key, value, place)
    return out


def bind_configs(tree: Any, hashed: Mapping[str, str]) -> Any:
    """The tree with each reference to a config turned to its ConfigMap; parts without any are shared."""
    if not hashed:
        return tree
    if isinstance(tree, dict):
        return _bound_map(tree, hashed)
    if isinstance(tree, list):
        items = [bind_configs(item, hashed) for item in tree]
        if all(new is old for new, old in zip(items, tree, strict=True)):
            return tree
        out = Seq(items, getattr(tree, "at", None))
        out.places = list(getattr(tree, "places", []))
        return out
    return tree


def _bound_map(tree: dict[str, Any], hashed: Mapping[str, str]) -> dict[str, Any]:
    changed: dict[str, Any] = {}
    for key, value in tree.items():
        if key in _REFERENCES and isinstance(value, dict) and value.get("name") in hashed:
            changed[key] = replaced(value, {"name": hashed[value["name"]]})
        elif isinstance(value, (dict, list)):
            new = bind_configs(value, hashed)
            if new is not value:
                changed[key] = new
    return replaced(tree, changed) if changed else tree


def replaced(source: Mapping[str, Any], changed: Mapping[str, Any]) -> Map:
    """A copy with other values at the same places; new keys come last."""
    out = Map(source, getattr(source, "at", None))
    if isinstance(source, Map):
        out.places.update(source.places)
        out.keys_at.update(source.keys_at)
    out.update(changed)
    return out


def referenced(tree: Any) -> Iterator[tuple[str, Place | None]]:
    """(name, place) of every ConfigMap that a pod's spec refers to."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            if key in _REFERENCES and isinstance(value, dict) and isinstance(value.get("name"), str):
                yield value["name"], value.place("name") if isinstance(value, Map) else None
            elif isinstance(value, (dict, list)):
                yield from referenced(value)
    elif isinstance(tree, list):
        for item in tree:
            yield from referenced(item)
