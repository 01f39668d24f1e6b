"""File modes, written with a leading zero, as the plain integers that manifests hold."""

from __future__ import annotations

from typing import Any

from gitopsc.values import LeadingZero, Map, Seq


def plain_integers(tree: Any) -> Any:
    """The tree with every ``LeadingZero`` as the integer that it means; parts without any are shared."""
    kind = type(tree)
    if kind is Map or kind is dict:
        return _in_map(tree)
    if kind is Seq or kind is list:
        return _in_list(tree)
    return int(tree) if kind is LeadingZero else tree


def _in_map(tree: dict[str, Any]) -> dict[str, Any]:
    out: Map | None = None
    for key, value in tree.items():
        if type(value) is str:
            continue
        new = plain_integers(value)
        if new is not value:
            if out is None:
                out = Map(tree, getattr(tree, "at", None))
                if isinstance(tree, Map):
                    out.places, out.keys_at, out.raw, out.removed = tree.places, tree.keys_at, tree.raw, tree.removed
            out[key] = new
    return tree if out is None else out


def _in_list(tree: list[Any]) -> list[Any]:
    new = [plain_integers(item) for item in tree]
    if all(a is b for a, b in zip(new, tree, strict=True)):
        return tree
    out = Seq(new, getattr(tree, "at", None))
    out.places = getattr(tree, "places", [])
    return out
