"""Strategic merge of native Kubernetes fragments, by the merge keys of the pinned OpenAPI (``x-kubernetes-patch-merge-key``).

Source: the Kubernetes strategic merge patch (sig-api-machinery, strategic-merge-patch.md). Custom kinds have no merge keys
but those that ``Workspace.spec.mergeKeys`` registers: their lists replace.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gitopsc.diagnostics import Diagnostics, Place
from gitopsc.spec.merge import LIST_OPERATORS, dotted
from gitopsc.values import Map, Seq

KeyOf = Callable[[tuple[str, ...]], str | None]
"""Field names from the object's root to a list → its merge key, "" for a set of scalars, None where lists replace."""


@dataclass(frozen=True, slots=True)
class Native:
    """How to merge into one kind. ``compose``: both sides are fragments that will meet an object later, so nulls and
    ``$patch`` markers stay; otherwise they take effect. ``warn``: tell of a non-empty list that a custom kind's list replaces.
    """

    key_of: KeyOf
    compose: bool = False
    diagnostics: Diagnostics | None = None
    custom: bool = False


def kind_keys(version: tuple[int, int], api_version: str, kind: str, registered: Mapping[tuple[str, str, tuple[str, ...]], str] | None = None) -> KeyOf:
    """The merge keys of a kind in a Kubernetes minor, after those registered by the workspace ((group, kind, path) → key)."""
    from gitopsc import kubernetes

    group = api_version.rpartition("/")[0]
    known = registered or {}

    def key_of(path: tuple[str, ...]) -> str | None:
        found = known.get((group, kind, path))
        return found if found is not None else kubernetes.merge_key(version, api_version, kind, path)

    return key_of


def merge_native(
    base: Map,
    over: Map,
    api_version: str,
    kind: str,
    path: tuple[str, ...],
    version: tuple[int, int],
    *,
    registered: Mapping[tuple[str, str, tuple[str, ...]], str] | None = None,
    compose: bool = False,
    diagnostics: Diagnostics | None = None,
) -> Map:
    """``over`` merged strategically onto ``base``, a fragment that stands at ``path`` of ``kind``."""
    from gitopsc import kubernetes

    custom = kubernetes.kind_schema(version, api_version, kind) is None
    return merge_map(base, over, path, Native(kind_keys(version, api_version, kind, registered), compose, diagnostics, custom))


def merge_map(base: Map, over: Map, path: tuple[str, ...], native: Native) -> Map:
    """One map over another. ``$patch: replace`` (and our ``$replace: true``) drops the base."""
    if over.get("$patch") == "replace" or over.get("$replace") is True:
        base = Map()
    out = Map(base, over.at or base.at)
    out.places.update(getattr(base, "places", {}))
    for key, value in over.items():
        place = over.places.get(key) if isinstance(over, Map) else None
        if key in ("$patch", "$replace"):
            if native.compose and key == "$patch":
                out.put(key, value, place)
            continue
        if key.startswith("$deleteFromPrimitiveList/"):
            _delete_scalars(out, key, value, place, native)
        elif key.startswith(("$setElementOrder/", "$retainKeys")):
            continue
        elif value is None:
            _delete(out, key, place, native)
        elif isinstance(value, dict) and value.get("$patch") == "delete" and not native.compose:
            _delete(out, key, place, native)
        else:
            out.put(key, _value(out.get(key), value, (*path, key), place, native), place)
    return out


def _delete(out: Map, key: str, place: Place | None, native: Native) -> None:
    if native.compose:
        out.put(key, None, place)
    else:
        out.pop(key, None)
        out.places.pop(key, None)


def _delete_scalars(out: Map, key: str, value: Any, place: Place | None, native: Native) -> None:
    """``$deleteFromPrimitiveList/finalizers: [a]`` takes items out of a list of scalars."""
    name = key.partition("/")[2]
    if native.compose and name not in out:
        out.put(key, value, place)
    elif isinstance(out.get(name), list):
        gone = set(map(str, value or ()))
        out.put(name, Seq([item for item in out[name] if str(item) not in gone]), out.place(name))


def _value(base: Any, over: Any, path: tuple[str, ...], place: Place | None, native: Native) -> Any:
    if isinstance(over, dict):
        if "$replace" in over and over["$replace"] is not True:
            return over["$replace"]
        if any(operator in over for operator in LIST_OPERATORS):
            return _operate(base, over)
        start = base if isinstance(base, Map) else Map(base) if isinstance(base, dict) else Map()
        return merge_map(start, over if isinstance(over, Map) else Map(over), path, native)
    if isinstance(over, list):
        return _list(base if isinstance(base, list) else Seq(), over, path, place, native)
    return over


def _operate(base: Any, over: Any) -> Seq:
    """Our own list operators work in native fragments, too: ``$remove``, ``$prepend``, ``$append``."""
    gone = over.get("$remove") or []
    return Seq([*(over.get("$prepend") or []), *(item for item in base or [] if item not in gone), *(over.get("$append") or [])])


def _list(base: Any, over: Any, path: tuple[str, ...], place: Place | None, native: Native) -> Any:
    key = native.key_of(path)
    if key is None or any(isinstance(item, dict) and item.get("$patch") == "replace" and len(item) == 1 for item in over):
        if base and native.custom and native.diagnostics is not None and key is None:
            native.diagnostics.warning(
                "list-replaced",
                f"the list '{dotted(path)}' of a custom kind replaces {len(base)} item{'s' if len(base) > 1 else ''} below it",
                place,
                hint="register a key for it in Workspace.spec.mergeKeys to merge item by item",
                path=dotted(path),
            )
        return Seq([item for item in over if not (isinstance(item, dict) and item.get("$patch") == "replace" and len(item) == 1)], getattr(over, "at", None))
    if key == "":
        return Seq([*base, *(item for item in over if item not in base)], getattr(over, "at", None))
    return _merge_items(base, over, key, path, native)


def _merge_items(base: Any, over: Any, key: str, path: tuple[str, ...], native: Native) -> Seq:
    out = Seq(base, getattr(base, "at", None))
    out.places = [base.place(i) if isinstance(base, Seq) else None for i in range(len(base))]
    for number, item in enumerate(over):
        where = over.place(number) if isinstance(over, Seq) else None
        if not isinstance(item, dict) or key not in item:
            out.append(item)
            out.places.append(where)
            continue
        index = next((i for i, known in enumerate(out) if isinstance(known, dict) and known.get(key) == item[key]), None)
        if item.get("$patch") == "delete" and not native.compose:
            if index is not None:
                del out[index]
                del out.places[index]
        elif index is None:
            out.append(item if native.compose else _value(Map(), item, path, where, native))
            out.places.append(where)
        else:
            out[index] = _value(out[index], item, path, where, native)
            out.places[index] = where
    return out
