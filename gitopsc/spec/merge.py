"""M(base, over): how one layer goes over another (the design's merge rules, language.md 3.2).

Both sides are normalised first. Nothing given is changed: results are new containers, sharing unchanged parts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from gitopsc.diagnostics import Diagnostics, Place
from gitopsc.spec.shapes import PLAIN, Shape
from gitopsc.values import Map, Path, Seq

LIST_OPERATORS = ("$append", "$prepend", "$remove")

Native = Callable[[Any, Any, tuple[str, ...], "Layer", Path], Any]


class Trace(Protocol):
    """Hears of every leaf that a layer sets, for ``explain``."""

    def set(self, path: Path, value: Any, place: Place | None, layer: str, operation: str) -> None:
        """``operation``: set, remove, replace, append, prepend, remove-items, or one-of (dropped by it)."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of a merge: its name for people, where its findings go, and whether deletions that hit nothing are worth a word.

    ``native`` merges Kubernetes fragments (``strategic.py``, bound to the target's Kubernetes version).
    """

    name: str
    diagnostics: Diagnostics
    warn_missing: bool = True
    trace: Trace | None = None
    native: Native | None = None
    quiet_paths: frozenset[str] = frozenset()

    def note(self, path: Path, value: Any, place: Place | None, operation: str = "set") -> None:
        """Tell the trace, where there is one, of every leaf of ``value``."""
        if self.trace is None:
            return
        if isinstance(value, dict) and value:
            for key, item in value.items():
                self.note((*path, key), item, value.place(key) if isinstance(value, Map) else place, operation)
        else:
            self.trace.set(path, value, place, self.name, operation)


def merge(base: Map, over: Map, layer: Layer, shape: Shape = PLAIN, path: Path = ()) -> Map:
    """``over`` merged onto ``base``, key by key; base order is kept, new keys are appended."""
    if over.get("$replace") is True:
        base = Map()
    out = Map(base, over.at or base.at)
    out.places.update(base.places)
    out.removed.update(base.removed)
    out.raw.update(base.raw)
    _drop_siblings(out, over, shape, layer, path)
    for key, value in over.items():
        if key == "$replace" and value is True:
            continue
        here = (*path, key)
        place = over.places.get(key) or over.at
        if value is None:
            _remove(out, key, place, over, layer, here)
            continue
        result = _value(out.get(key), key in out, value, place, layer, shape.child(key), here, out.places.get(key))
        out.removed.pop(key, None)
        out.raw.pop(key, None)
        if key in over.raw:
            out.raw[key] = over.raw[key]
        out[key] = result
        if place is not None:
            out.places[key] = place
    return out


def _value(base: Any, present: bool, over: Any, place: Place | None, layer: Layer, shape: Shape | None, path: Path, base_place: Place | None) -> Any:
    """What stands at one key after the layer."""
    if isinstance(over, Map):
        if "$replace" in over and over["$replace"] is not True:
            layer.note(path, over["$replace"], place, "replace")
            return over["$replace"]
        if any(operator in over for operator in LIST_OPERATORS):
            return _operate(base, present, over, place, layer, path)
        whole = over.get("$replace") is True
        if shape is not None and shape.native is not None and layer.native is not None:
            layer.note(path, over, place)
            return layer.native(base if isinstance(base, Map) else Map(), over, shape.native, layer, path)
        if present and not isinstance(base, dict) and not whole:
            return _type_change(base, over, place, layer, path, base_place)
        merged = merge(base if isinstance(base, Map) else Map(), over, layer, shape or PLAIN, path)
        if not over and layer.trace is not None:
            layer.note(path, over, place)
        return merged
    if present and not _same_shape(base, over):
        return _type_change(base, over, place, layer, path, base_place)
    layer.note(path, over, place)
    return over


def _same_shape(base: Any, over: Any) -> bool:
    """Whether a list meets a list, or a scalar a scalar."""
    return isinstance(base, list) == isinstance(over, list) and not isinstance(base, dict)


def _type_change(base: Any, over: Any, place: Place | None, layer: Layer, path: Path, base_place: Place | None) -> Any:
    was = f" (set at {base_place})" if base_place else ""
    layer.diagnostics.error(
        "type-change",
        f"expected {_word(base)} for '{dotted(path)}' as in the layer below{was}, found {_word(over)}",
        place,
        hint="write {$replace: <the new value>} to change its type on purpose",
        path=dotted(path),
    )
    return base


def _word(value: Any) -> str:
    if isinstance(value, dict):
        return "a map"
    return "a list" if isinstance(value, list) else "a scalar"


def _remove(out: Map, key: str, place: Place | None, over: Map, layer: Layer, path: Path) -> None:
    """A null: the key goes, and that it went is remembered."""
    if key in out:
        del out[key]
        out.places.pop(key, None)
    elif layer.warn_missing and ".".join(str(p) for p in path[-2:]) not in layer.quiet_paths and key not in layer.quiet_paths and key not in out.removed:
        layer.diagnostics.warning(
            "delete-hits-nothing",
            f"null deletes '{dotted(path)}', which no layer below sets",
            over.key_place(key),
            hint="remove the line, or correct the name",
            path=dotted(path),
        )
    out.removed[key] = place
    layer.note(path, None, place, "remove")


def _drop_siblings(out: Map, over: Map, shape: Shape, layer: Layer, path: Path) -> None:
    """One-of groups: a member set by this layer drops the members it did not set."""
    for group in shape.groups:
        chosen = next((member for member in group if not member.isdisjoint(over) and any(over.get(key) is not None for key in member)), None)
        if chosen is not None:
            dropped = [key for member in group if member is not chosen for key in member - chosen]
            _drop(out, dropped, over, layer, path)
    if shape.coupled and any(over.get(key) is not None for key in shape.coupled):
        _drop(out, sorted(shape.coupled - over.keys()), over, layer, path)


def _drop(out: Map, keys: list[str], over: Map, layer: Layer, path: Path) -> None:
    for key in sorted(keys):
        if key in out:
            layer.note((*path, key), None, over.at, "one-of")
            del out[key]
            out.places.pop(key, None)


def _operate(base: Any, present: bool, over: Map, place: Place | None, layer: Layer, path: Path) -> Any:
    """``$remove``, then ``$prepend``, then ``$append`` on the list below."""
    if any(key not in LIST_OPERATORS for key in over):
        layer.diagnostics.error(
            "list-operator",
            f"expected only $append, $prepend and $remove at '{dotted(path)}', found other keys beside them",
            place,
            hint="write either the operators or a whole value",
            path=dotted(path),
        )
        return base if present else Seq()
    if not isinstance(base, list):
        layer.diagnostics.error(
            "list-operator",
            f"expected a list below for {', '.join(over)} at '{dotted(path)}', found {_word(base) if present else 'nothing'}",
            place,
            hint="write the whole list",
            path=dotted(path),
        )
        return base if present else Seq()
    out = _copy(base)
    for item in over.get("$remove") or []:
        _remove_item(out, item, over, layer, path)
    before = over.get("$prepend") or []
    out[:0] = before
    out.places[:0] = [_item_place(before, i) for i in range(len(before))]
    after = over.get("$append") or []
    out.places.extend([None] * (len(out) - len(out.places)))
    out.extend(after)
    out.places.extend(_item_place(after, i) for i in range(len(after)))
    if layer.trace is not None:
        for operator in ("$remove", "$prepend", "$append"):
            if operator in over:
                layer.trace.set(path, over[operator], over.place(operator) if isinstance(over, Map) else place, layer.name, operator)
    return out


def _copy(base: Any) -> Seq:
    out = Seq(base, getattr(base, "at", None))
    out.places = list(getattr(base, "places", ()))
    out.places.extend([None] * (len(out) - len(out.places)))
    return out


def _item_place(items: Any, index: int) -> Place | None:
    return items.place(index) if isinstance(items, Seq) else None


def _remove_item(out: Seq, item: Any, over: Map, layer: Layer, path: Path) -> None:
    hits = [index for index, known in enumerate(out) if known == item and type(known) is type(item)]
    if not hits:
        layer.diagnostics.warning(
            "remove-hits-nothing",
            f"$remove at '{dotted(path)}' names an item that the list below does not have: {item!r}",
            over.places.get("$remove") or over.at,
            hint="remove it, or correct it to an item of the list",
            path=dotted(path),
        )
    for index in reversed(hits):
        del out[index]
        del out.places[index]


def dotted(path: Path) -> str:
    """``workloads.api.env.LEVEL``; keys with dots in ``["…"]``."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif "." in step or "/" in step or '"' in step:
            text += f'["{step}"]'
        else:
            text += f".{step}" if text else step
    return text
