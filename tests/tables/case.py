"""One validation case: a right object, a change that makes it wrong, and what must be said of it."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gitopsc.objects import Manifest, ref_of
from gitopsc.values import Map, Seq

Tree = dict[str, Any]
Changes = Mapping[str, Any]
GONE = object()
"""As a change's value: the field is taken away."""


@dataclass(frozen=True, slots=True)
class Case:
    """``wrong`` and ``right`` change the fields of ``base`` by their paths (``spec.ports[0].port``, a key with dots in ``["…"]``).

    ``server``: the API server refuses the wrong object too (False: it takes it and things go wrong later).
    """

    claim: str
    base: Tree
    wrong: Changes
    code: str
    path: str
    right: Changes = field(default_factory=dict)
    server: bool = True
    severity: str = "error"

    def __str__(self) -> str:
        return self.claim


_STEP = re.compile(r'\["([^"]+)"\]|\[(\d+)\]|([^.\[]+)')


def steps(path: str) -> list[str | int]:
    """The steps of a path."""
    return [key or (int(index) if index else name) for key, index, name in _STEP.findall(path)]


def changed(base: Tree, changes: Changes) -> Tree:
    """A copy of an object with some fields set or taken away."""
    tree = copy.deepcopy(base)
    for path, value in changes.items():
        *way, last = steps(path)
        node: Any = tree
        for step in way:
            if isinstance(node, dict) and step not in node:
                node[step] = {}
            node = node[step]
        if value is GONE:
            del node[last]
        elif isinstance(node, list) and last == len(node):
            node.append(copy.deepcopy(value))
        else:
            node[last] = copy.deepcopy(value)
    return tree


def placed(tree: Any) -> Any:
    """The same tree of ``Map`` and ``Seq``, as the renderer makes it."""
    if isinstance(tree, dict):
        return Map({key: placed(value) for key, value in tree.items()})
    if isinstance(tree, list):
        return Seq([placed(item) for item in tree])
    return tree


def manifest(tree: Tree, application: str = "shop", environment: str = "prod") -> Manifest:
    """A manifest of an object."""
    data = placed(tree)
    return Manifest(ref_of(data), data, application, environment)
