"""The parsed text of a template, with holes for the values: read once per distinct text, filled once per object.

A text holds what the template's author wrote and two kinds of characters for private use: *marks*, a pair in front of each run of
literal text that says where in a template it stands, and *tokens*, a pair that stands for the n-th value. No value is ever in it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from gitopsc.diagnostics import Place
from gitopsc.render.template import OMIT, TemplateError
from gitopsc.values import Map, Seq

PRIVATE = re.compile("[\ue000-\uf8ff]")
MARK = re.compile("([\ue000-\ue7ff])([\ue800-\uefff])")
TOKEN = re.compile("([\uf000-\uf3ff])([\uf400-\uf7ff])")
MOST_TOKENS = 1 << 20
MOST_MARKS = 1 << 22


def mark(number: int) -> str:
    """The mark of the n-th run of literal text, below ``MOST_MARKS``."""
    return chr(0xE000 + (number >> 11)) + chr(0xE800 + (number & 0x7FF))


def mark_number(match: re.Match[str]) -> int:
    """Which run a mark stands for."""
    return (ord(match[1]) - 0xE000 << 11) + ord(match[2]) - 0xE800


def token(number: int) -> str:
    """The token of the n-th value, below ``MOST_TOKENS``."""
    return chr(0xF000 + (number >> 10)) + chr(0xF400 + (number & 0x3FF))


def token_number(match: re.Match[str]) -> int:
    """Which value a token stands for."""
    return (ord(match[1]) - 0xF000 << 10) + ord(match[2]) - 0xF400


class Bindings(NamedTuple):
    """The values of one rendering and where in the specs each was written, by token."""

    values: list[Any]
    places: list[Place | None]

    def hint(self, number: int) -> str | None:
        """Where a value at fault comes from."""
        place = self.places[number] or getattr(self.values[number], "at", None)
        return f"the value comes from {place}" if place else None


class Hole:
    """A scalar that is exactly one token: the value itself, with its type."""

    __slots__ = ("number", "place")

    def __init__(self, number: int, place: Place) -> None:
        self.number, self.place = number, place

    def build(self, bound: Bindings) -> Any:
        """The value."""
        return bound.values[self.number]

    def spec_place(self, bound: Bindings) -> Place | None:
        """Where the value was written in the specs."""
        return bound.places[self.number]


class Text:
    """A scalar with tokens in it: always a string. ``whole``: the one token of a quoted scalar that is nothing else; ``omit`` may be bound to it."""

    __slots__ = ("block", "parts", "place", "whole")

    def __init__(self, text: str, place: Place, block: bool) -> None:
        self.parts: list[str | int] = []
        self.whole: int | None = None
        self.place, self.block = place, block
        end = 0
        for match in TOKEN.finditer(text):
            self.parts += [text[end : match.start()], token_number(match)]
            end = match.end()
            self.whole = token_number(match)
        self.parts.append(text[end:])
        if len(self.parts) > 3 or (text[:-2] and not (block and text[2:] == "\n")):
            self.whole = None

    def build(self, bound: Bindings) -> Any:
        """The text, or ``OMIT``."""
        if self.whole is not None and bound.values[self.whole] is OMIT:
            return OMIT
        made = [part if isinstance(part, str) else self._spliced(part, bound) for part in self.parts]
        if self.block and made[-1] == "\n" and made[-2].endswith("\n"):
            made.pop()  # the block's own end of line, where the value has its own
        return "".join(made)

    def _spliced(self, number: int, bound: Bindings) -> str:
        value = bound.values[number]
        if type(value) is str:
            return value
        text = as_text(value)
        if text is None:
            message = f"expected a string, a number or a boolean inside a text, found {kind_of(value)}"
            hint = bound.hint(number)
            if self.whole is not None:
                hint = f"without quotes or '|' it is inserted as it is{f'; {hint}' if hint else ''}"
            raise TemplateError("template-value", message, self.place, hint)
        return text

    def spec_place(self, bound: Bindings) -> Place | None:
        """Where the first of its values that knows it was written."""
        for part in self.parts:
            if isinstance(part, int) and bound.places[part] is not None:
                return bound.places[part]
        return None


class Items:
    """A list with holes somewhere below it."""

    __slots__ = ("items", "place", "places")

    def __init__(self, place: Place, items: list[Any], places: list[Place]) -> None:
        self.place, self.items, self.places = place, items, places

    def build(self, bound: Bindings) -> Seq:
        """A new list."""
        made = Seq((), self.place)
        places = made.places
        for item, place in zip(self.items, self.places, strict=True):
            if isinstance(item, HOLES):
                value = item.build(bound)
                if value is OMIT:
                    continue
                made.append(value)
                places.append(item.spec_place(bound) or place)
            else:
                made.append(item.build(bound) if isinstance(item, CONTAINERS) else item)
                places.append(place)
        return made


class Fields:
    """A mapping whose keys are all literal. ``proto`` has every key in its order, ``steps`` what has to be made anew for each."""

    __slots__ = ("keys_at", "place", "places", "proto", "steps")

    def __init__(self, place: Place, entries: Sequence[tuple[str, Place, Any, Place]]) -> None:
        self.place = place
        self.proto = {key: value for key, _, value, _ in entries}
        self.keys_at = {key: at for key, at, _, _ in entries}
        self.places = {key: at for key, _, _, at in entries}
        self.steps: list[tuple[str, Any, bool]] = [(key, value, type(value) is Hole) for key, _, value, _ in entries if isinstance(value, NODES)]

    def build(self, bound: Bindings) -> Map:
        """A new map."""
        made = Map(self.proto, self.place)
        made.places = places = self.places.copy()
        made.keys_at = self.keys_at.copy()
        for key, node, is_hole in self.steps:
            if is_hole:
                value, place = bound.values[node.number], bound.places[node.number]
            else:
                value, place = node.build(bound), node.spec_place(bound) if type(node) is Text else None
            if value is OMIT:
                del made[key], places[key], made.keys_at[key]
                continue
            made[key] = value
            if place is not None:
                places[key] = place
        return made


class OpenFields:
    """A mapping with a token in some key."""

    __slots__ = ("entries", "place")

    def __init__(self, place: Place, entries: Sequence[tuple[Any, Place, Any, Place]]) -> None:
        self.place, self.entries = place, entries

    def build(self, bound: Bindings) -> Map:
        """A new map. A key that is no text, or is there already, is an error."""
        made = Map((), self.place)
        for key, key_place, node, place in self.entries:
            if isinstance(key, HOLES):
                key = self._key(key, key_place, bound)
            value = node.build(bound) if isinstance(node, NODES) else node
            if value is OMIT or key is OMIT:
                continue
            if key in made:
                message = f"expected each key once, found another {key!r}"
                raise TemplateError("template-value", message, key_place, f"the first is at {made.keys_at[key]}")
            made.put(key, value, (node.spec_place(bound) if isinstance(node, HOLES) else None) or place)
            made.keys_at[key] = key_place
        return made

    def _key(self, node: Hole | Text, place: Place, bound: Bindings) -> Any:
        key = node.build(bound)
        if type(key) is not str and key is not OMIT:
            hint = bound.hint(node.number) if isinstance(node, Hole) else None
            raise TemplateError("template-value", f"expected a string as a key, found {kind_of(key)}", place, hint)
        return key


HOLES = (Hole, Text)
CONTAINERS = (Items, Fields, OpenFields)
NODES = (*HOLES, *CONTAINERS)


def as_text(value: Any) -> str | None:
    """A scalar as it stands inside a text, None where it cannot."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return int.__repr__(value)
    return repr(value) if isinstance(value, float) else None


def kind_of(value: Any) -> str:
    """A value's kind in a person's words."""
    if value is None:
        return "null"
    if value is OMIT:
        return "nothing (the field is absent)"
    names = {bool: "a boolean", int: "an integer", float: "a number", str: "a string", dict: "a mapping", list: "a list", tuple: "a list"}
    for kind, name in names.items():
        if isinstance(value, kind):
            return name
    return f"a {type(value).__name__}"
