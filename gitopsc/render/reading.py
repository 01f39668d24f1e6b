"""From the text of a template to its skeleton, read as Go reads YAML; a scalar that YAML 1.1 and 1.2 read differently is an error."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from gitopsc.diagnostics import Diagnostics, Place
from gitopsc.limits import DEFAULT
from gitopsc.render.emit import is_text
from gitopsc.render.skeleton import CONTAINERS, MARK, TOKEN, Bindings, Fields, Hole, Items, OpenFields, Text, mark_number, token_number
from gitopsc.render.template import OMIT, TemplateError
from gitopsc.spec.events import NotYaml, events
from gitopsc.spec.scalars import OutOfRange, ambiguous, resolve
from gitopsc.values import Map

MOST_NODES = 200_000  # of one text, aliases counted each time
Excerpt = Callable[[Place], str | None]


class Skeleton(NamedTuple):
    """The documents of a text."""

    documents: tuple[tuple[Any, Place], ...]

    def build(self, bound: Bindings) -> list[Map]:
        """New objects with the values in them; empty documents are left out. Raises ``TemplateError``."""
        out = []
        for node, place in self.documents:
            made = node.build(bound)
            if made is OMIT or made is None:
                continue
            if not isinstance(made, Map):
                hint = bound.hint(node.number) if type(node) is Hole else None
                raise TemplateError("template-value", "expected a mapping: a template makes Kubernetes objects", place, hint)
            out.append(made)
        return out


def read_skeleton(text: str, runs: Sequence[Place], excerpt: Excerpt) -> Skeleton:
    """The skeleton of ``text``, which begins with a mark. ``runs``: the place of each mark's run; ``excerpt``: some lines of the template around a place.

    Raises ``TemplateError`` with everything that is wrong.
    """
    reader = _Reader(text, runs)
    try:
        documents = tuple(reader.documents())
    except NotYaml as error:
        place = reader.place_of(error.finding.place)
        hint = "\n".join(part for part in (error.finding.hint, excerpt(place)) if part)
        raise TemplateError("template-yaml", f"the template does not give YAML: {error.finding.message}", place, hint) from None
    if reader.diagnostics:
        raise TemplateError.of(reader.diagnostics)
    return Skeleton(documents)


class _Reader:
    """One reading. ``text``: without marks; ``offsets``: where the runs of literal text begin in it."""

    def __init__(self, marked: str, runs: Sequence[Place]) -> None:
        self.diagnostics = Diagnostics()
        self.offsets: list[int] = []
        self.places: list[Place] = []
        pieces: list[str] = []
        end = length = 0
        for match in MARK.finditer(marked):
            pieces.append(marked[end : match.start()])
            length += match.start() - end
            end = match.end()
            self.offsets.append(length)
            self.places.append(runs[mark_number(match)])
        pieces.append(marked[end:])
        self.text = "".join(pieces)
        self.anchors: dict[str, tuple[Any, int]] = {}
        self.nodes = 0
        self.source: Iterator[Any] = iter(())

    def place(self, mark: Any) -> Place:
        """Where in the template a mark of libyaml points."""
        return self.at(mark.index)

    def at(self, index: int) -> Place:
        """Where in the template a character of the text was written."""
        found = bisect_right(self.offsets, index) - 1
        place = self.places[found]
        return Place(place.file, place.line, place.column + index - self.offsets[found])

    def place_of(self, rendered: Place | None) -> Place:
        """The template's place for a line and column of the text."""
        index = 0
        if rendered is not None:
            lines = self.text.split("\n")[: rendered.line - 1]
            index = sum(map(len, lines)) + len(lines) + rendered.column - 1
        return self.at(min(index, max(len(self.text) - 1, 0)))

    def wrong(self, message: str, place: Place, hint: str) -> None:
        """Take note of an error."""
        self.diagnostics.error("template-yaml", message, place, hint=hint)

    def documents(self) -> Iterator[tuple[Any, Place]]:
        """(root node, its place) of each document that is not empty."""
        self.source = events(self.text)
        for event in self.source:
            name = type(event).__name__
            if name == "DocumentStartEvent":
                self.anchors = {}
                if event.version or event.tags:
                    self.wrong("expected no directive, found a line that begins with '%'", self.place(event.start_mark), "remove it")
            elif name not in ("StreamStartEvent", "StreamEndEvent", "DocumentEndEvent"):
                place = self.place(event.start_mark)
                node = self.node(event, 1)
                if isinstance(node, (*CONTAINERS, Hole)):
                    yield node, place
                elif node is not None:
                    self.wrong("expected a mapping: a template makes Kubernetes objects", place, "check what stands outside of `key: value`")

    def node(self, event: Any, depth: int) -> Any:
        """A literal value or a node with holes."""
        name, before = type(event).__name__, self.nodes
        self.nodes += 1
        if name == "AliasEvent":
            return self.alias(event)
        if event.anchor is not None:
            self.anchors[event.anchor] = (None, MOST_NODES)
        if event.tag is not None:
            self.wrong(f"expected no tag, found {event.tag!r}", self.place(event.start_mark), "quote text that begins with '!'")
        if depth > DEFAULT.depth:
            raise TemplateError("template-yaml", f"nesting deeper than {DEFAULT.depth}", self.place(event.start_mark))
        if name == "ScalarEvent":
            node = self.scalar(event)
        elif name == "SequenceStartEvent":
            node = self.items(event, depth)
        else:
            node = self.fields(event, depth)
        if event.anchor is not None:
            self.anchors[event.anchor] = (node, self.nodes - before)
        return node

    def alias(self, event: Any) -> Any:
        """What an alias stands for, counted as if it were written out."""
        place = self.place(event.start_mark)
        if event.anchor not in self.anchors:
            self.wrong(f"expected an anchor '&{event.anchor}' above, found none", place, "quote text that begins with '*'")
            return None
        node, size = self.anchors[event.anchor]
        self.nodes += size
        if self.nodes > MOST_NODES:
            raise TemplateError("template-yaml", f"aliases that stand for more than {MOST_NODES} values, or for themselves", place)
        return node

    def scalar(self, event: Any) -> Any:
        """The value of a scalar, or its hole."""
        text: str = event.value
        found = TOKEN.search(text)
        if found is None:
            return text if event.style else self.plain(text, event)
        place = self.place(event.start_mark)
        if not event.style and found.end() - found.start() == len(text):
            return Hole(token_number(found), place)
        return Text(text, place, event.style in ("|", ">"))

    def plain(self, text: str, event: Any) -> Any:
        """What an unquoted scalar means to every reader alike."""
        if text and is_text(text):
            return text
        try:
            value = resolve(text)
            if not isinstance(value, str) and not ambiguous(text) and not text.startswith(("+.", "-.")):
                return value
            expected = "a scalar that every YAML reader reads the same"
        except OutOfRange as error:
            expected = str(error)
        hint = f"quote it ('{text}') if it is text"
        octal = text.lstrip("0")
        if text.startswith("0") and octal.isdecimal() and not set(octal) & {"8", "9"}:
            hint += f", write {int(octal, 8)} if it is the octal number"
        self.wrong(f"expected {expected}, found {text}", self.place(event.start_mark), hint)
        return text

    def items(self, event: Any, depth: int) -> Items:
        """A list."""
        items, places = [], []
        for child in self.source:
            if type(child).__name__ == "SequenceEndEvent":
                break
            places.append(self.place(child.start_mark))
            items.append(self.node(child, depth + 1))
        return Items(self.place(event.start_mark), items, places)

    def fields(self, event: Any, depth: int) -> Fields | OpenFields:
        """A mapping."""
        entries: list[tuple[Any, Place, Any, Place]] = []
        seen: dict[str, Place] = {}
        for child in self.source:
            if type(child).__name__ == "MappingEndEvent":
                break
            key_place = self.place(child.start_mark)
            key = self.key(child, key_place, depth)
            child = next(self.source)
            place = self.place(child.start_mark)
            value = self.node(child, depth + 1)
            if isinstance(key, str) and key in seen:
                self.wrong(f"expected each key once, found another '{key}'", key_place, f"the first is at {seen[key]}")
                continue
            if isinstance(key, str):
                seen[key] = key_place
            entries.append((key, key_place, value, place))
        make = Fields if len(seen) == len(entries) else OpenFields
        return make(self.place(event.start_mark), entries)

    def key(self, event: Any, place: Place, depth: int) -> Any:
        """A key: text, or a node for one."""
        if type(event).__name__ == "ScalarEvent" and not event.style and not TOKEN.search(event.value) and not (event.value and is_text(event.value)):
            self.nodes += 1
            what = "a merge key, which templates do not have" if event.value == "<<" else event.value or "nothing"
            self.wrong(f"expected a string as a key, found {what}", place, f"quote it: '{event.value}'" if event.value != "<<" else "write the keys out")
            return event.value
        key = self.node(event, depth + 1)
        if isinstance(key, CONTAINERS) or not isinstance(key, (str, Hole, Text)):
            self.wrong("expected a string as a key, found a list, a mapping or an alias of one", place, "write `key: value`")
            return ""
        return key
