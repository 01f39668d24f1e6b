"""YAML text to trees of ``Map``, ``Seq`` and scalars that know their places: libyaml's events, our own construction.

Stricter than libraries are: duplicate keys, keys that are not text, foreign tags, numbers out of range, self-references, alias bombs
and bottomless nesting are errors with a place. They are gathered and reading goes on, but for the last two and errors of syntax.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gitopsc.diagnostics import Diagnostics, Place
from gitopsc.limits import Limits
from gitopsc.spec import problems
from gitopsc.spec.characters import FORBIDDEN, refuse
from gitopsc.spec.problems import Problem
from gitopsc.spec.scalars import MAYBE, OLD_WORDS
from gitopsc.spec.syntax import directive, syntax_error, too_deep
from gitopsc.values import Map, Seq

REFUSED: Any = object()
"""Stands for a value with an error of its own: it is left out of its map or list, so that nothing more is said about it."""

MOST_FINDINGS = 100
"""A file with more mistakes is none of ours, or has one that repeats: reading ends."""

_OPEN: Any = object()
_new_place = tuple.__new__


class _MergeKey(str):
    """The unquoted key ``<<``, which no other key is."""

    __slots__ = ()


_MERGE = _MergeKey("<<")


@dataclass(slots=True)
class Root:
    """One document as read. ``value`` is ``REFUSED`` where it is an error itself; ``empty``: nothing is written in it;
    ``partial``: an error ended the reading inside it, ``value`` is what came before.
    """

    value: Any
    at: Place
    diagnostics: Diagnostics
    empty: bool = False
    partial: bool = False


def read_roots(file: str, text: str, limits: Limits) -> Iterator[Root]:
    """Every document of ``text``, each with what is wrong in it; never raises for what the text says."""
    return _Reader(file, text, limits).roots()


class _Stop(Exception):
    """Reading cannot go on; the reason is reported."""


class _Reader:
    """The open containers are a stack, not recursion: depth costs no stack of Python's."""

    __slots__ = (
        "aliased", "anchors", "bang", "container", "count", "diagnostics", "drop", "file", "height", "key",
        "limits", "merge_at", "merged", "question", "refused", "reported", "root", "stack", "text",
    )  # fmt: skip

    def __init__(self, file: str, text: str, limits: Limits) -> None:
        self.file, self.text, self.limits = file, text, limits
        self.bang, self.question = "! " in text, "?" in text
        self.aliased = self.reported = 0
        self._begin(Place(file, 1, 1))

    def _begin(self, place: Place) -> None:
        self.diagnostics = Diagnostics()
        self.root = Root(None, place, self.diagnostics, empty=True)
        self.anchors: dict[str, Any] = {}  # name: (value, source text, place, nodes, height), or _OPEN inside itself
        self.stack: list[Any] = []
        self.count = 0  # nodes so far, those behind aliases included
        # The open container: its next key, whether that key's value is dropped, its height so far, its `<<`, and whether it is refused.
        self.container: Map | Seq | None = None
        self.key: str | None = None
        self.drop = False
        self.height = 0
        self.merge_at: Place | None = None
        self.merged: set[str] = set()
        self.refused = False

    def roots(self) -> Iterator[Root]:
        import yaml
        from yaml._yaml import CParser

        handlers = {
            yaml.ScalarEvent: self._scalar,
            yaml.MappingStartEvent: self._open,
            yaml.SequenceStartEvent: self._open,
            yaml.MappingEndEvent: self._close,
            yaml.SequenceEndEvent: self._close,
            yaml.AliasEvent: self._alias,
            yaml.DocumentStartEvent: self._document,
        }
        try:
            next_event = CParser(self.text).get_event
            while (event := next_event()) is not None:
                kind = type(event)
                if kind in handlers:
                    handlers[kind](event)
                elif kind is yaml.DocumentEndEvent:
                    yield self.root
        except yaml.MarkedYAMLError as error:
            self._syntax_error(error)
            yield self._partial()
        except _Stop:
            yield self._partial()

    def _syntax_error(self, error: Any) -> None:
        found = Diagnostics()
        syntax_error(self.file, self.text, error, self.limits, found)
        # What libyaml made of the beginning of a broken line (``{{ x }}/y``: a mapping as a key) is no mistake of its own.
        lines = {item.place.line for item in found if item.place}
        self.diagnostics[:] = [item for item in self.diagnostics if item.code != "key-not-text" or item.place is None or item.place.line not in lines]
        self.diagnostics.extend(found)

    def _partial(self) -> Root:
        self.root.partial = True
        while self.stack:
            self._close(None)
        return self.root

    def _document(self, event: Any) -> None:
        place = self._place(event.start_mark)
        self._begin(place)
        if event.version or event.tags:
            directive(place, self.diagnostics)

    def _place(self, mark: Any) -> Place:
        return _new_place(Place, (self.file, mark.line + 1, mark.column + 1))

    def _report(self, problem: Problem, place: Place) -> None:
        self.diagnostics.error(problem.code, problem.message, place, hint=problem.hint, path=self._path())
        self._reported()

    def _refuse(self, character: str, place: Place) -> None:
        refuse(character, place, self.diagnostics, self._path())
        self._reported()

    def _reported(self) -> None:
        self.reported += 1
        if self.reported >= MOST_FINDINGS:
            raise _Stop

    def _path(self) -> str:
        steps = ""
        for container, key in [*((frame[0], frame[1]) for frame in self.stack), (self.container, self.key)]:
            if isinstance(container, Seq):
                steps += f"[{len(container)}]"
            elif key is not None:
                steps += f".{key}"
        return steps.removeprefix(".")

    def _scalar(self, event: Any) -> None:
        mark = event.start_mark
        place = _new_place(Place, (self.file, mark.line + 1, mark.column + 1))
        text, style, tag = event.value, event.style, event.tag
        container = self.container
        if self.key is None and type(container) is Map:
            self._scalar_key(event, text, style, place)
            return
        value: Any = text
        if tag is not None or (event.implicit[0] and (style or (self.bang and self.text[mark.index : mark.index + 2] == "! "))):
            value = self._judged(problems.tagged_value(tag, text), place)
        elif not style:
            if not text or text[0] in MAYBE:
                value = self._judged(problems.plain_value(text), place)
            if container is None and not text:
                return
        elif style == '"' and (found := FORBIDDEN.search(text)):
            self._refuse(found[0], place)
        raw = None if value is text else text
        if event.anchor is not None:
            self.anchors[event.anchor] = (value, raw, place, 1, 0)
        self.count += 1
        self._put(value, place, raw)

    def _judged(self, value: Any, place: Place) -> Any:
        if type(value) is Problem:
            self._report(value, place)
            return REFUSED
        return value

    def _put(self, value: Any, place: Place, raw: str | None = None) -> None:
        container, key = self.container, self.key
        if type(container) is Map:
            self.key = None
            if self.drop or value is REFUSED:
                self.drop = False
            elif key is _MERGE:
                self._merge(container, value, place)
            else:
                assert key is not None
                container[key] = value
                container.places[key] = place
                if raw is not None:
                    container.raw[key] = raw
        elif type(container) is Seq:
            if value is not REFUSED:
                if raw is not None:
                    container.raw[len(container)] = raw
                container.append(value)
                container.places.append(place)
        else:
            self.root.value, self.root.at, self.root.empty = value, place, False

    def _scalar_key(self, event: Any, text: str, style: str, place: Place) -> None:
        container, problem = self.container, None
        assert type(container) is Map
        if event.anchor is not None:
            self.anchors[event.anchor] = (text, None, place, 1, 0)
        if event.tag is not None:
            problem = problems.key_tag(event.tag)
        elif not style:
            if text == _MERGE:
                self._merge_key(place)
                return
            if not text or text[0] in MAYBE or text in OLD_WORDS:
                problem = problems.plain_key(text)
        elif style == '"' and (found := FORBIDDEN.search(text)):
            self._refuse(found[0], place)
        if self.question and self.text[event.start_mark.index - 1 : event.start_mark.index] == "?":
            # libyaml reads [?x] as YAML 1.1 does: a mapping with the key x.
            problem = problems.GLUED_QUESTION
        self.key = text
        if problem is not None:
            self._report(problem, place)
        self._take_key(container, text, place)

    def _take_key(self, container: Map, text: str, place: Place) -> None:
        self.key = text
        if text in container.keys_at:
            if text not in self.merged:
                self._report(problems.duplicate_key(text, container.keys_at[text]), place)
                self.drop = True
                return
            self.merged.discard(text)
            container.raw.pop(text, None)
        container.keys_at[text] = place

    def _merge_key(self, place: Place) -> None:
        self.key = _MERGE
        if self.merge_at is None:
            self.merge_at = place
        else:
            self._report(problems.duplicate_key(_MERGE, self.merge_at), place)
            self.drop = True

    def _open(self, event: Any) -> None:
        place = self._place(event.start_mark)
        is_map = event.__class__.__name__ == "MappingStartEvent"
        new: Map | Seq = Map(at=place) if is_map else Seq(at=place)
        is_key = self.key is None and type(self.container) is Map
        if is_key:
            # `{{ x }}` is a mapping as the key of a mapping: it is one mistake, so what it is the value of is refused with it.
            braces = self.text[event.start_mark.index - 1 : event.start_mark.index + 1] == "{{"
            self.refused = self.refused or braces
            if not any(frame[-1] for frame in self.stack):
                self._report(problems.complex_key("a mapping" if is_map else "a list", braces=braces), place)
        problem = problems.container_tag(event.tag, is_map=is_map)
        if problem is not None:
            self._report(problem, place)
        if len(self.stack) >= self.limits.depth:
            too_deep(place, self.limits, self.diagnostics)
            raise _Stop
        if event.anchor is not None:
            self.anchors[event.anchor] = _OPEN
        outer = (self.drop, self.height, self.merge_at, self.merged, self.refused)
        self.stack.append((self.container, self.key, outer, self.count, event.anchor, is_key))
        self.container, self.key, self.drop, self.height, self.merge_at, self.merged = new, None, False, 0, None, set()
        self.refused = problem is not None

    def _close(self, _event: Any) -> None:
        closed, height, refused = self.container, self.height + 1, self.refused
        self.container, self.key, outer, count, anchor, is_key = self.stack.pop()
        self.drop, siblings, self.merge_at, self.merged, self.refused = outer
        self.count += 1
        self.height = max(siblings, height)
        assert closed is not None
        assert closed.at is not None
        value = REFUSED if refused else closed
        if anchor is not None:
            self.anchors[anchor] = (value, None, closed.at, self.count - count, height)
        if is_key:
            self.key, self.drop = "?", True
            return
        self._put(value, closed.at)

    def _alias(self, event: Any) -> None:
        place, anchor = self._place(event.start_mark), event.anchor
        known = self.anchors.get(anchor)
        value, raw, at, size, height = (REFUSED, None, place, 1, 0) if known is None or known is _OPEN else known
        if known is None or known is _OPEN:
            self._report(problems.unknown_anchor(anchor) if known is None else problems.self_reference(anchor), place)
        self._expand(anchor, size, height, place)
        if self.key is not None or type(self.container) is not Map:
            # A scalar's place is where it is written, so that edits and findings point there; a container's is where it is used.
            self._put(value, place if isinstance(value, (Map, Seq)) else at, raw)
        elif isinstance(value, str) and raw is None:
            self._take_key(self.container, value, place)
        else:
            if value is not REFUSED:
                self._report(problems.complex_key(f"*{anchor}, which is none", braces=False), place)
            self.key, self.drop = "?", True

    def _expand(self, anchor: str, size: int, height: int, place: Place) -> None:
        """Count what an alias stands for; stop where it is too much, or nested too deeply."""
        self.aliased += size
        self.count += size
        self.height = max(self.height, height)
        if self.aliased > self.limits.aliases:
            self._report(problems.alias_bomb(anchor, size, self.limits.aliases), place)
            raise _Stop
        if len(self.stack) + height > self.limits.depth:
            too_deep(place, self.limits, self.diagnostics)
            raise _Stop

    def _merge(self, container: Map, value: Any, place: Place) -> None:
        """Put the keys of ``<<`` where it stands; keys written in the map itself win, before and behind it."""
        sources = value if isinstance(value, Seq) else [value]
        if not all(isinstance(source, Map) for source in sources):
            self._report(problems.BAD_MERGE, place)
            return
        for source in sources:
            for key, item in source.items():
                if key in container.keys_at:
                    continue
                self.merged.add(key)
                container[key] = item
                container.keys_at[key] = source.keys_at[key]
                container.places[key] = source.places[key]
                if key in source.raw:
                    container.raw[key] = source.raw[key]
