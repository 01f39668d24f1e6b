"""JSON Patch (RFC 6902) on trees that know their places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gitopsc.values import Map, Seq

_NEEDS_VALUE = ("add", "replace", "test")
_NEEDS_FROM = ("move", "copy")
_SHOWN = 80


class PatchFailed(Exception):
    """An operation that cannot be applied. ``index``: which one."""

    def __init__(self, index: int, message: str) -> None:
        self.index, self.message = index, message
        super().__init__(message)


def apply_json_patch(tree: Map, operations: Sequence[Any]) -> Map:
    """A patched copy; the tree itself is left alone. Raises ``PatchFailed`` at the first operation that does not fit."""
    out: Any = copied(tree)
    for index, operation in enumerate(operations):
        try:
            out = _operate(out, operation)
        except _Misfit as misfit:
            raise PatchFailed(index, str(misfit)) from None
    if not isinstance(out, Map):
        raise PatchFailed(len(operations) - 1, "expected an object to remain, the patch replaces all of it by something else")
    return out


class _Misfit(Exception):
    """Why an operation does not fit."""


def copied(tree: Any) -> Any:
    """A deep copy that keeps the places."""
    if isinstance(tree, dict):
        out = Map({key: copied(value) for key, value in tree.items()}, getattr(tree, "at", None))
        if isinstance(tree, Map):
            out.places.update(tree.places)
            out.keys_at.update(tree.keys_at)
        return out
    if isinstance(tree, list):
        seq = Seq([copied(item) for item in tree], getattr(tree, "at", None))
        seq.places = [*getattr(tree, "places", [])]
        return seq
    return tree


def _operate(tree: Any, operation: Any) -> Any:
    if not isinstance(operation, Mapping):
        raise _Misfit("expected an operation {op, path, …}")
    name = operation.get("op")
    path = _pointer(operation.get("path"), "path")
    if name in _NEEDS_VALUE and "value" not in operation:
        raise _Misfit(f"expected a 'value' for the operation '{name}', found none")
    place = operation.place("value") if isinstance(operation, Map) else None
    if name == "add":
        return _add(tree, path, copied(operation["value"]), place)
    if name == "remove":
        return _remove(tree, path)
    if name == "replace":
        return _replace(tree, path, copied(operation["value"]), place)
    if name == "test":
        return _test(tree, path, operation["value"])
    if name in _NEEDS_FROM:
        source = _pointer(operation.get("from"), "from")
        if name == "copy":
            return _add(tree, path, copied(_get(tree, source)), place)
        if path[: len(source)] == source and path != source:
            raise _Misfit(f"cannot move '{_text(source)}' into itself")
        value = _get(tree, source)
        return _add(_remove(tree, source), path, value, place) if path != source else tree
    raise _Misfit(f"expected the operation to be add, remove, replace, move, copy or test, found '{name}'")


def _pointer(text: Any, key: str) -> list[str]:
    """A JSON Pointer (RFC 6901) as steps."""
    if not isinstance(text, str) or (text and not text.startswith("/")):
        raise _Misfit(f"expected '{key}' to be a JSON Pointer such as /spec/replicas, found {text!r}")
    return [step.replace("~1", "/").replace("~0", "~") for step in text.split("/")[1:]]


def _text(path: Sequence[str]) -> str:
    return "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in path)


def _get(tree: Any, path: Sequence[str]) -> Any:
    for depth, step in enumerate(path):
        where = path[: depth + 1]
        if isinstance(tree, dict) and step in tree:
            tree = tree[step]
        elif isinstance(tree, list):
            tree = tree[_index(step, len(tree) - 1, where)]
        else:
            raise _Misfit(f"expected '{_text(where)}' to exist, found nothing there")
    return tree


def _index(step: str, last: int, where: Sequence[str]) -> int:
    if not (step.isascii() and step.isdigit()) or (len(step) > 1 and step.startswith("0")):
        raise _Misfit(f"expected an index of the list at '{_text(where[:-1])}', found '{step}'")
    if len(step) > len(str(last + 1)) or int(step) > last:
        raise _Misfit(f"expected '{_text(where)}' to exist, it is beyond the end of the list")
    return int(step)


def _add(tree: Any, path: Sequence[str], value: Any, place: Any) -> Any:
    if not path:
        return value
    parent = _get(tree, path[:-1])
    step = path[-1]
    if isinstance(parent, Map):
        parent.places.pop(step, None)
        parent.put(step, value, place)
    elif isinstance(parent, Seq):
        index = len(parent) if step == "-" else _index(step, len(parent), path)
        parent.places.extend([None] * (len(parent) - len(parent.places)))
        parent.insert(index, value)
        parent.places.insert(index, place)
    else:
        raise _Misfit(f"expected '{_text(path[:-1])}' to be a map or a list, found a value")
    return tree


def _remove(tree: Any, path: Sequence[str]) -> Any:
    _get(tree, path)
    if not path:
        raise _Misfit("cannot remove the whole object")
    parent = _get(tree, path[:-1])
    if isinstance(parent, Map):
        del parent[path[-1]]
        parent.places.pop(path[-1], None)
    else:
        index = int(path[-1])
        del parent[index]
        del parent.places[index : index + 1]
    return tree


def _replace(tree: Any, path: Sequence[str], value: Any, place: Any) -> Any:
    _get(tree, path)
    if not path:
        return value
    parent = _get(tree, path[:-1])
    if isinstance(parent, Map):
        parent.put(path[-1], value, place)
    else:
        index = int(path[-1])
        parent.places.extend([None] * (len(parent) - len(parent.places)))
        parent[index], parent.places[index] = value, place
    return tree


def _test(tree: Any, path: Sequence[str], value: Any) -> Any:
    found = _get(tree, path)
    if not _same(found, value):
        raise _Misfit(f"expected '{_text(path)}' to be {_shown(value)}, found {_shown(found)}")
    return tree


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _same(one: Any, other: Any) -> bool:
    """Equality of JSON: true is not 1, 1 is 1.0."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other)
