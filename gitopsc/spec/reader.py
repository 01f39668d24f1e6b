"""YAML text to trees of ``Map``, ``Seq`` and scalars that know their places: libyaml's events, our own construction.

Stricter than libraries are: duplicate keys, keys that are not text, foreign tags, numbers out of range, self-references, alias bombs
and bottomless nesting are errors with a place. All but the last, and errors of syntax, are gathered, and reading goes on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gitopsc.diagnostics import Diagnostics, Place
from gitopsc.limits import Limits
from gitopsc.spec.characters import FORBIDDEN, refuse
from gitopsc.spec.scalars import MAYBE, OLD_WORDS, OutOfRange, ambiguous, resolve
from gitopsc.spec.syntax import directive, syntax_error, too_deep
from gitopsc.values import Map, Seq

REFUSED: Any = object()
"""Stands for a value with an error of its own: it is left out of its map or list, so that nothing more is said about it."""


class _MergeKey(str):
    """The unquoted key ``<<``, which no other key is."""

    __slots__ = ()


_MERGE = _MergeKey("<<")
_OPEN: Any = object()
_TAGS = {f"tag:yaml.org,2002:{name}": name for name in ("str", "int", "float", "bool", "null", "map", "seq")}
_TYPES: dict[str, tuple[type, ...]] = {"int": (int,), "float": (float, int), "bool": (bool,), "null": (type(None),)}
_TEMPLATE_MAYBE = MAYBE | frozenset("yYoO=<")
_new_place = tuple.__new__


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


def read_roots(file: str, text: str, limits: Limits, *, template: bool = False) -> Iterator[Root]:
    """Every document of ``text``, each with what is wrong in it; never raises for what the text says.

    ``template``: refuse the plain scalars that YAML 1.1, YAML 1.2 and Go's reader understand differently.
    """
    return _Reader(file, text, limits, template).roots()


class _Stop(Exception):
    """Reading cannot go on; the reason is reported."""


class _Reader:
    """The open containers are a stack, not recursion: depth costs no stack of Python's."""

    __slots__ = (
        "aliased", "anchors", "bang", "container", "count", "diagnostics", "drop", "file", "first", "height", "key",
        "limits", "merge_at", "merged", "root", "stack", "template", "text",
    )  # fmt: skip

    def __init__(self, file: str, text: str, limits: Limits, template: bool) -> None:
        self.file, self.text, self.limits, self.template = file, text, limits, template
        self.first = _TEMPLATE_MAYBE if template else MAYBE
        self.bang = "! " in text
        self.aliased = 0
        self._begin(Place(file, 1, 1))

    def _begin(self, place: Place) -> None:
        self.diagnostics = Diagnostics()
        self.root = Root(None, place, self.diagnostics, empty=True)
        self.stack: list[Any] = []
        self.anchors: dict[str, Any] = {}
        self.container: Map | Seq | None = None
        self.key: str | None = None
        self.drop = False
        self.merge_at: Place | None = None
        self.merged: set[str] = set()
        self.count = self.height = 0

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
            syntax_error(self.file, self.text, error, self.limits, self.diagnostics)
            yield self._partial()
        except _Stop:
            yield self._partial()

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

    def _error(self, code: str, message: str, place: Place, hint: str) -> None:
        self.diagnostics.error(code, message, place, hint=hint, path=self._path())

    def _path(self) -> str:
        steps = ""
        for container, key in [*((frame[0], frame[1]) for frame in self.stack), (self.container, self.key)]:
            if isinstance(container, Seq):
                steps += f"[{len(container)}]"
            elif key is not None:
                steps += f".{key}"
        return steps.removeprefix(".")

    # --- values --------------------------------------------------------------------------------------------------------------

    def _scalar(self, event: Any) -> None:
        mark = event.start_mark
        place = _new_place(Place, (self.file, mark.line + 1, mark.column + 1))
        text, style = event.value, event.style
        container = self.container
        if self.key is None and type(container) is Map:
            self._scalar_key(event, text, style, place)
            return
        value: Any = text
        raw = None
        if not style:
            if event.tag is not None or (self.bang and self.text[mark.index : mark.index + 2] == "! "):
                value = self._tagged(event, place)
                raw = text if value is not text else None
            elif not text or text[0] in self.first:
                value = self._plain(text, place)
                raw = text if value is not text else None
            if container is None and not text and event.tag is None:
                return
        elif event.tag is not None or event.implicit[0]:
            value = self._tagged(event, place)
            raw = text if value is not text else None
        elif style == '"' and (found := FORBIDDEN.search(text)):
            refuse(found[0], place, self.diagnostics)
        if event.anchor is not None:
            self.anchors[event.anchor] = (value, raw, place, 1, 0)
        self.count += 1
        self._put(value, place, raw)

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

    def _plain(self, text: str, place: Place) -> Any:
        if self.template and ambiguous(text):
            message = f"expected a value that every reader of YAML understands alike, found {text}"
            self._error("ambiguous-scalar", message, place, f'quote it if it is text: "{text}"; else write a plain decimal number, true or false')
            return REFUSED
        try:
            return resolve(text)
        except OutOfRange as error:
            shown = text if len(text) <= 40 else f"{text[:20]}… ({len(text)} characters)"
            self._error("number-out-of-range", f"expected {error}, found {shown}", place, "quote it if it is text")
            return REFUSED

    def _tagged(self, event: Any, place: Place) -> Any:
        tag = _TAGS.get(event.tag or "!")
        text = event.value
        if tag is None or tag in ("map", "seq"):
            return self._refuse_tag(event.tag or "!", place)
        if tag == "str":
            return text
        value = self._plain(text, place)
        if value is not REFUSED and (not isinstance(value, _TYPES[tag]) or (isinstance(value, bool) and tag != "bool")):
            self._error("bad-tag", f"expected a value that fits the tag !!{tag}, found {text!r}", place, "remove the tag")
            return REFUSED
        return float(value) if tag == "float" and value is not REFUSED else value

    def _refuse_tag(self, tag: str, place: Place) -> Any:
        shown = tag.replace("tag:yaml.org,2002:", "!!")
        hint = 'quote text that begins with "!"; only the tags of YAML\'s core may stand here: !!str !!int !!float !!bool !!null !!map !!seq'
        self._error("unknown-tag", f"tag not allowed: expected a plain value, found {shown}", place, hint)
        return REFUSED

    # --- keys ----------------------------------------------------------------------------------------------------------------

    def _scalar_key(self, event: Any, text: str, style: str, place: Place) -> None:
        container = self.container
        assert type(container) is Map
        if event.anchor is not None:
            self.anchors[event.anchor] = (text, None, place, 1, 0)
        if event.tag is not None and event.tag != "tag:yaml.org,2002:str":
            self._refuse_tag(event.tag, place)
        elif not style and event.tag is None:
            if text == _MERGE:
                self._merge_key(place)
                return
            if not text or text[0] in MAYBE or text in OLD_WORDS:
                self._check_plain_key(text, place)
        elif style == '"' and (found := FORBIDDEN.search(text)):
            refuse(found[0], place, self.diagnostics)
        self._take_key(container, text, place)

    def _take_key(self, container: Map, text: str, place: Place) -> None:
        if text in container.keys_at:
            if text not in self.merged:
                self._duplicate(text, place, container.keys_at[text])
                return
            self.merged.discard(text)
        container.keys_at[text] = place
        self.key = text

    def _merge_key(self, place: Place) -> None:
        if self.merge_at is not None:
            self._duplicate(_MERGE, place, self.merge_at)
            return
        self.merge_at, self.key = place, _MERGE

    def _duplicate(self, text: str, place: Place, first: Place) -> None:
        self._error("duplicate-key", f"expected each key once, found {text!r} again: first at {first}", place, "remove one of the two")
        self.key, self.drop = text, True

    def _check_plain_key(self, text: str, place: Place) -> None:
        shown = text if len(text) <= 40 else f"{text[:20]}…"
        if text in OLD_WORDS:
            self._error("bare-key", f"expected a key that is text to every reader of YAML, found {text}, a boolean to some", place, f'quote it: "{text}"')
            return
        try:
            value = resolve(text)
        except OutOfRange:
            value = 0
        if not isinstance(value, str):
            kind = "nothing" if not text else {bool: "the boolean", type(None): "the null"}.get(type(value), "the number") + f" {shown}"
            hint = f'quote it: "{shown}"' if text else "write the key before the ':'"
            self._error("key-not-text", f"expected a key that is text, found {kind}", place, hint)

    def _complex_key(self, place: Place, *, flow_map: bool, found: str) -> None:
        hint = 'quote text that begins with "{{"; a spec is not a template' if flow_map else "write the key as one word, or quote it"
        self._error("key-not-text", f"expected a key that is text, found {found}", place, hint)

    # --- containers ----------------------------------------------------------------------------------------------------------

    def _open(self, event: Any) -> None:
        place = self._place(event.start_mark)
        new: Map | Seq = Map(at=place) if "Mapping" in type(event).__name__ else Seq(at=place)
        is_key = self.key is None and type(self.container) is Map
        if is_key:
            inside_braces = type(new) is Map and bool(event.flow_style)
            self._complex_key(place, flow_map=inside_braces, found="a mapping" if type(new) is Map else "a list")
        refused = False
        if event.tag is not None and _TAGS.get(event.tag) != ("map" if type(new) is Map else "seq"):
            self._refuse_tag(event.tag, place)
            refused = True
        if len(self.stack) >= self.limits.depth:
            too_deep(place, self.limits, self.diagnostics)
            raise _Stop
        if event.anchor is not None:
            self.anchors[event.anchor] = _OPEN
        self.stack.append((self.container, self.key, self.drop, self.count, self.height, self.merge_at, self.merged, event.anchor, is_key, refused))
        self.container, self.key, self.drop, self.height, self.merge_at, self.merged = new, None, False, 0, None, set()

    def _close(self, _event: Any) -> None:
        closed, height = self.container, self.height + 1
        self.container, self.key, self.drop, count, siblings, self.merge_at, self.merged, anchor, is_key, refused = self.stack.pop()
        self.count += 1
        self.height = max(siblings, height)
        assert closed is not None
        place = closed.at
        assert place is not None
        if anchor is not None:
            self.anchors[anchor] = (REFUSED if refused else closed, None, place, self.count - count, height)
        if is_key:
            self.key, self.drop = "?", True
            return
        self._put(REFUSED if refused else closed, place)

    # --- aliases and merges --------------------------------------------------------------------------------------------------

    def _alias(self, event: Any) -> None:
        place = self._place(event.start_mark)
        known = self.anchors.get(event.anchor)
        value, raw, at, size, height = (REFUSED, None, place, 1, 0) if known is None or known is _OPEN else known
        if known is _OPEN:
            self._error("self-reference", f"expected an anchor that ended before, found *{event.anchor}, which is inside itself", place, "write it out")
        elif known is None:
            hint = f"write &{event.anchor} at the value that is meant, earlier in this document; or quote text that begins with '*'"
            self._error("unknown-anchor", f"expected an anchor of this document, found *{event.anchor}", place, hint)
        self.aliased += size
        self.count += size
        if self.aliased > self.limits.aliases:
            message = f"more than {self.limits.aliases} alias expansions: *{event.anchor} stands for {size} values"
            self._error("alias-bomb", message, place, "write less of it by aliases; what workloads share belongs in `defaults`")
            raise _Stop
        if len(self.stack) + height > self.limits.depth:
            too_deep(place, self.limits, self.diagnostics)
            raise _Stop
        self.height = max(self.height, height)
        container = self.container
        if self.key is None and type(container) is Map:
            if isinstance(value, str):
                self._take_key(container, value, place)
            else:
                if value is not REFUSED:
                    self._complex_key(place, flow_map=False, found=f"*{event.anchor}, which is none")
                self.key, self.drop = "?", True
            return
        # A scalar's place is where it is written, so that edits and findings point there; a container's own is where it is used.
        self._put(value, place if isinstance(value, (Map, Seq)) else at, raw)

    def _merge(self, container: Map, value: Any, place: Place) -> None:
        sources = value if isinstance(value, Seq) else [value]
        if not all(isinstance(source, Map) for source in sources):
            hint = 'write `<<: *anchor`; quote it if it is a key: "<<"'
            self._error("bad-merge", "expected a mapping, or a list of mappings, to merge", place, hint)
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
