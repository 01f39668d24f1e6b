"""Editing a spec: the characters of one scalar are replaced and nothing else, and three readers are asked whether that is so."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from gitopsc.diagnostics import Diagnostic, Invalid, Place
from gitopsc.limits import DEFAULT
from gitopsc.spec.characters import FORBIDDEN, describe
from gitopsc.spec.events import NotYaml, events
from gitopsc.spec.reader import read_roots
from gitopsc.spec.scalars import OutOfRange, ambiguous, resolve
from gitopsc.values import Map, Seq

_PROPERTIES = re.compile(r"(?:[&!]\S*\s+)*")
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"})


def replace_scalar(text: str, place: Place, old: str, new: str) -> str:
    """``text`` with the scalar at ``place``, which must say ``old``, saying ``new``: in its old quotes, or in quotes where plain text would not
    say it. Raises ``Invalid`` where no such scalar is there, it is a block scalar, or the result does not read back as meant.
    """
    if found := FORBIDDEN.search(new):
        raise _refused(place, f"expected text without control and bidirectional characters, found {describe(found[0])}", "remove it")
    body = text.removeprefix("\ufeff")
    mark = text[: len(text) - len(body)]
    number, event = _find(body, place)
    if event.value != old:
        raise _refused(place, f"expected {old!r} here, found {event.value!r}", "the file has changed: run it again")
    if event.style in ("|", ">"):
        raise _refused(place, "expected text in one line, found a block of lines", "write it as one plain or quoted text")
    properties = _PROPERTIES.match(body, event.start_mark.index)
    start, end = properties.end() if properties else event.start_mark.index, event.end_mark.index
    before = _Reading(body, place.file)
    for spelling in _spellings(event.style, new):
        changed = f"{body[:start]}{spelling}{body[end:]}"
        if before.differs_only(number, place, new, changed):
            return mark + changed
    raise _refused(place, f"expected to write {new!r} here and read it back, found that it would read as something else", "edit this line by hand")


def _refused(place: Place, message: str, hint: str) -> Invalid:
    return Invalid([Diagnostic("error", "edit-refused", message, hint, place)])


def _find(body: str, place: Place) -> tuple[int, Any]:
    """The number of the event, and the event, of the scalar at a place."""
    try:
        for number, event in enumerate(events(body)):
            at = event.start_mark
            if (at.line + 1, at.column + 1) == place[1:] and type(event).__name__ == "ScalarEvent" and event.end_mark.index > at.index:
                return number, event
    except NotYaml as error:
        raise _refused(place, error.finding.message, error.finding.hint or "correct the file") from None
    raise _refused(place, "expected text here, found none that could be replaced", "an alias or a mapping is changed by hand")


def _spellings(style: str, new: str) -> Iterator[str]:
    """How ``new`` may be written, best first."""
    single_line = not re.search(r"[\n\r]", new)
    if not style and single_line and _is_text(new):
        yield new
    if style != '"' and single_line:
        yield "'" + new.replace("'", "''") + "'"
    yield f'"{new.translate(_ESCAPES)}"'


def _is_text(new: str) -> bool:
    try:
        return isinstance(resolve(new), str) and not ambiguous(new)
    except OutOfRange:
        return False


class _Reading:
    """What three readers say of a text: libyaml's events, our own trees, ruamel.yaml's nodes (YAML 1.2)."""

    def __init__(self, body: str, file: str) -> None:
        self.file = file
        self.events = [_event(event) for event in events(body)]
        roots = list(read_roots(file, body, DEFAULT))
        self.findings = [item.code for root in roots for item in root.diagnostics]
        self.leaves = [leaf for root in roots for leaf in _leaves(root.value, root.at)]
        self.nodes = _nodes(body)

    def differs_only(self, number: int, place: Place, new: str, changed: str) -> bool:
        """Whether the changed text says the same, but ``new`` in event ``number``, which stood at ``place``."""
        try:
            after = _Reading(changed, self.file)
        except NotYaml:
            return False
        kind, anchor, tag, *_ = self.events[number]
        others_agree = after.events[:number] == self.events[:number] and after.events[number + 1 :] == self.events[number + 1 :]
        events_agree = others_agree and after.events[number][:3] == (kind, anchor, tag) and after.events[number][4] == new
        leaves_agree = _agree(self.leaves, after.leaves, place, (new, str))
        nodes_agree = self.nodes is None or (after.nodes is not None and _agree(self.nodes, after.nodes, place[1:], (_STR, new)))
        return events_agree and leaves_agree and nodes_agree and after.findings == self.findings


def _agree(before: Sequence[tuple[Any, ...]], after: Sequence[tuple[Any, ...]], place: object, new: tuple[Any, ...]) -> bool:
    """Whether two lists of (place, what is there) are the same but ``new`` at ``place``; places behind it on its line may move."""
    return len(before) == len(after) and all(now[1:] == (new if then[0] == place else then[1:]) for then, now in zip(before, after, strict=True))


_STR = "tag:yaml.org,2002:str"


def _event(event: Any) -> tuple[Any, ...]:
    name = type(event).__name__
    return (name, getattr(event, "anchor", None), getattr(event, "tag", None), getattr(event, "style", None), getattr(event, "value", None))


def _leaves(value: Any, at: Place | None) -> Iterator[tuple[Any, ...]]:
    """(place, value, type) of everything in a tree, keys included."""
    if isinstance(value, Map):
        for key, item in value.items():
            yield value.key_place(key), f"{key}:", Map
            yield from _leaves(item, value.place(key))
    elif isinstance(value, Seq):
        for index, item in enumerate(value):
            yield None, index, Seq
            yield from _leaves(item, value.place(index))
    else:
        yield at, value, type(value)


def _nodes(body: str) -> list[tuple[tuple[int, int], str, str]] | None:
    """(line and column, tag, text) of every scalar as ruamel.yaml reads it. Null where it cannot read what libyaml can (a tab before a comment)."""
    import warnings

    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an anchor may be used again
            documents = list(YAML(typ="rt", pure=True).compose_all(body))
    except YAMLError:
        return None
    out, seen, waiting = [], set(), documents[::-1]
    while waiting:
        node = waiting.pop()
        if node is None or id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node.value, list):
            waiting += reversed([child for item in node.value for child in (item if isinstance(item, tuple) else (item,))])
        else:
            out.append(((node.start_mark.line + 1, node.start_mark.column + 1), str(node.tag), str(node.value)))
    return out
