"""The name of a kind's resource. RBAC speaks of resources, manifests of kinds; which belongs to which only a server knows for certain."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gitopsc.engines.subject import Object, group_of
from gitopsc.kubernetes import is_namespaced

_IRREGULAR = {"endpoints": "endpoints"}
_SIBILANTS = ("s", "x", "z", "ch", "sh")


class Plurals:
    """``definitions``: manifests, of which CustomResourceDefinitions say what their kinds are called."""

    def __init__(self, definitions: Iterable[Object]) -> None:
        self._said: dict[tuple[str, str], str] = {}
        for one in definitions:
            spec = one.get("spec")
            if one.get("kind") == "CustomResourceDefinition" and isinstance(spec, Mapping) and isinstance(spec.get("names"), Mapping):
                names = spec["names"]
                self._said[str(spec.get("group")), str(names.get("kind"))] = str(names.get("plural"))

    def of(self, data: Object) -> str:
        """The resource of a manifest's kind: ``networkpolicies``."""
        kind = str(data.get("kind") or "")
        return self._said.get((group_of(data), kind)) or plural(kind)

    def guessed(self, data: Object) -> bool:
        """Whether nobody said it, so that a generator with other English would be right."""
        return (group_of(data), str(data.get("kind") or "")) not in self._said and is_namespaced(str(data.get("apiVersion")), str(data.get("kind"))) is None


def plural(kind: str) -> str:
    """English as Kubernetes and the generators of custom kinds have it."""
    word = kind.lower()
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if word.endswith(_SIBILANTS):
        return f"{word}es"
    if word.endswith("y") and word[-2:-1] not in "aeiou":
        return f"{word[:-1]}ies"
    return f"{word}s"
