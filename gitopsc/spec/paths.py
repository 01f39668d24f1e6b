"""Paths as people write them: ``workloads.api.env.LEVEL``, ``spec.template.spec.containers[api].resources``, ``labels["a.b/c"]``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from gitopsc.diagnostics import Diagnostics, Invalid, Place
from gitopsc.values import Map, Path

STEP = re.compile(r'\[\"((?:[^"\\]|\\.)*)\"\]|\[([^\]]+)\]|\.?([^.\[\]]+)')


def parse_path(text: str) -> Path:
    """The steps of a path. ``[api]`` names a list's item by its merge key, ``[0]`` by its number. Raises ``Invalid``."""
    steps: list[str | int] = []
    at = 0
    while at < len(text):
        match = STEP.match(text, at)
        if match is None:
            raise Invalid(f"expected a path such as workloads.api.env.LEVEL, found '{text}'", hint='write keys with dots as ["a.b/c"]', code="bad-path")
        quoted, item, word = match.groups()
        steps.append(quoted if quoted is not None else item if item is not None else word)
        at = match.end()
    if not steps:
        raise Invalid("expected a path such as workloads.api.env.LEVEL, found none", code="bad-path")
    return tuple(steps)


def parse_sets(sets: Iterable[str]) -> Map | None:
    """``PATH=VALUE`` words as a partial application (layer 10); values are read as YAML. None where there is none. Raises ``Invalid``."""
    out = Map((), Place("--set", 1, 1))
    given = False
    for text in sets:
        given = True
        path, equals, value = text.partition("=")
        if not equals:
            raise Invalid(f"expected PATH=VALUE after --set, found '{text}'", hint="for example --set workloads.api.scale.replicas=3", code="bad-set")
        node = out
        *parents, last = (str(step) for step in parse_path(path))
        for step in parents:
            child = node.get(step)
            if not isinstance(child, Map):
                child = Map((), Place("--set", 1, 1))
                node.put(step, child, Place("--set", 1, 1))
            node = child
        parsed, raw = _scalar(value, text)
        node.put(last, parsed, Place("--set", 1, 1))
        if raw is not None:
            node.raw[last] = raw
    return out if given else None


def _scalar(value: str, text: str) -> tuple[Any, str | None]:
    from gitopsc.spec.documents import read_documents

    diagnostics = Diagnostics()
    documents = read_documents("--set", f"apiVersion: x\nvalue: {value}\n".encode(), diagnostics)
    if diagnostics.has_errors or len(documents) != 1:
        raise Invalid(f"expected a YAML value after '=', found '{text}'", hint="quote it", code="bad-set")
    return documents[0].data.get("value"), documents[0].data.raw.get("value")


def find(tree: Any, path: Path) -> tuple[Any, Path]:
    """The value at ``path`` and the exact steps to it (list items by number). A list's item is named by its merge key or number.
    Raises ``KeyError`` with the steps that were found.
    """
    done: list[str | int] = []
    node = tree
    for step in path:
        if isinstance(node, dict) and step in node:
            done.append(step)
            node = node[step]
        elif isinstance(node, list) and (index := _index(node, str(step))) is not None:
            done.append(index)
            node = node[index]
        else:
            raise KeyError(tuple(done))
    return node, tuple(done)


def _index(items: list[Any], step: str) -> int | None:
    if step.isdigit() and int(step) < len(items):
        return int(step)
    for index, item in enumerate(items):
        if isinstance(item, dict) and any(str(item.get(key)) == step for key in ("name", "mountPath", "key", "containerPort", "port", "topologyKey", "ip")):
            return index
    return None
