"""Who owns which field of a live object: ``metadata.managedFields``, read as trees of paths. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

APPLY, UPDATE = "Apply", "Update"
_PLAIN = re.compile(r"[^.\[\]/\"\\\s]+\Z")
_LABEL = re.compile(r"[^\[\]\"\\\s]+\Z")
_STEP = re.compile(r'\.?([^.\[\]"\s]+)|\[("(?:[^"\\]|\\.)*")\]|\[([^\[\]"]*)\]')


class Item(NamedTuple):
    """An item of an associative list: the values of its keys (``name``; ``containerPort`` and ``protocol``), or of a set: its value."""

    keys: tuple[tuple[str, Any], ...]
    value: Any = None

    @property
    def label(self) -> str:
        """How a path names it."""
        return "/".join(str(value) for _, value in self.keys) if self.keys else str(self.value)

    def fits(self, item: Any) -> bool:
        """Whether an item of the list is this one."""
        if not self.keys:
            return bool(item == self.value)
        return isinstance(item, Mapping) and all(key in item and item[key] == value for key, value in self.keys)


Step = str | int | Item
Path = tuple[Step, ...]
Fields = Mapping[str, Any]
"""A ``fieldsV1``: ``{"f:spec": {"f:replicas": {}}}``."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of ``managedFields``."""

    manager: str
    operation: str
    subresource: str
    time: str | None
    fields: Fields

    @property
    def applies(self) -> bool:
        """Whether the manager applies server-side: it means to keep what it set."""
        return self.operation == APPLY


def entries(live: Mapping[str, Any]) -> list[Entry]:
    """The entries of an object, in the server's order."""
    listed = (live.get("metadata") or {}).get("managedFields") or ()
    return [
        Entry(str(e.get("manager", "")), str(e.get("operation", "")), str(e.get("subresource") or ""), e.get("time"), e.get("fieldsV1") or {})
        for e in listed
        if isinstance(e, Mapping)
    ]


def own(live: Mapping[str, Any], manager: str) -> Fields | None:
    """What ``manager`` applied server-side; None where it never did."""
    return next((e.fields for e in entries(live) if e.manager == manager and e.applies and not e.subresource), None)


@lru_cache(maxsize=4096)
def step(text: str) -> Step | None:
    """The step that a key of ``fieldsV1`` stands for; None for ``.``, the value itself."""
    kind, _, rest = text.partition(":")
    if kind == "f":
        return rest
    if kind == "k":
        return Item(tuple(sorted(json.loads(rest).items())))
    if kind == "v":
        return Item((), json.loads(rest))
    return int(rest) if kind == "i" else None


def leaves(fields: Fields, prefix: Path = ()) -> Iterator[Path]:
    """Every path that is owned as a whole: a scalar, an atomic list or map, an item of a set."""
    for key, inner in fields.items():
        found = step(key)
        if found is None:
            continue
        path = (*prefix, found)
        if not inner or (len(inner) == 1 and "." in inner):
            yield path
        else:
            yield from leaves(inner, path)


def owns(fields: Fields, path: Path) -> bool:
    """Whether the field at ``path``, or something it is a part of as a whole, or something in it, is among ``fields``."""
    node: Fields = fields
    for position, wanted in enumerate(path):
        inner = next((value for key, value in node.items() if step(key) == wanted), None)
        if inner is None:
            return position > 0 and not node
        node = inner
    return True


def owners(listed: Iterable[Entry], path: Path) -> list[Entry]:
    """The entries that own a field, newest first."""
    return sorted((e for e in listed if owns(e.fields, path)), key=lambda e: e.time or "", reverse=True)


def merged(trees: Iterable[Fields]) -> dict[str, Any]:
    """The union of several trees."""
    out: dict[str, Any] = {}
    for tree in trees:
        for key, inner in tree.items():
            out[key] = merged((out[key], inner)) if key in out else inner
    return out


def keys_at(fields: Fields) -> tuple[str, ...] | None:
    """By which keys the items of the list at this node are told apart: () for a set, None for a list that is replaced as a whole."""
    for key in fields:
        found = step(key)
        if isinstance(found, Item):
            return tuple(name for name, _ in found.keys)
    return None


def child(fields: Fields, wanted: Step) -> Fields:
    """The part of a tree below a step, {} where it has none."""
    if isinstance(wanted, str):
        found: Fields = fields.get(f"f:{wanted}", {})
        return found
    return next((value for key, value in fields.items() if step(key) == wanted), {})


def project(value: Any, fields: Fields) -> Any:
    """The parts of ``value`` that are among ``fields``: maps by field, lists as ``[[label, part], …]``, whole values where they are owned whole."""
    if not fields or (len(fields) == 1 and "." in fields):
        return value if not isinstance(value, dict | list) or "." not in fields else type(value)()
    if type(value) is dict or isinstance(value, Mapping):
        out = {}
        for key, inner in fields.items():
            name = step(key)
            if isinstance(name, str) and name in value:
                out[name] = project(value[name], inner)
        return out
    if isinstance(value, list):
        parts = []
        for key, inner in fields.items():
            found = step(key)
            if isinstance(found, Item):
                parts += [[found.label, project(item, inner)] for item in value if found.fits(item)]
        return parts
    return value


def written(path: Sequence[Step]) -> str:
    """The path as text: ``spec.template.spec.containers[api].image``; keys with dots in ``["…"]``."""
    text = ""
    for one in path:
        if isinstance(one, Item):
            label = one.label
            text += f"[{label if _LABEL.match(label) else json.dumps(label, ensure_ascii=False)}]"
        elif isinstance(one, int):
            text += f"[{one}]"
        elif _PLAIN.match(one):
            text += f".{one}" if text else one
        else:
            text += f"[{json.dumps(one, ensure_ascii=False)}]"
    return text


@lru_cache(maxsize=1024)
def pattern(text: str) -> tuple[str, ...]:
    """The words of a path as a person writes it; ``*`` stands for any one step. A path that cannot be read has no words."""
    words: list[str] = []
    position = 0
    text = text.removeprefix("$").removeprefix(".")
    while position < len(text):
        found = _STEP.match(text, position)
        if found is None:
            return ()
        words.append(found[1] or (json.loads(found[2]) if found[2] else found[3] or ""))
        position = found.end()
    return tuple(words)


def word(one: Step) -> str:
    """A step as a pattern names it."""
    return one.label if isinstance(one, Item) else str(one)


def matches(patterns: Iterable[tuple[str, ...]], path: Sequence[Step]) -> bool:
    """Whether the path is at or below one of the patterns."""
    return any(p and len(p) <= len(path) and all(w in ("*", word(s)) for w, s in zip(p, path, strict=False)) for p in patterns)
