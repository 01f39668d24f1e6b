"""A diff as lines: which objects change alike in which environments, and each field as what goes and what comes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from typing import Any, NamedTuple

from gitopsc.report.document import scalar
from gitopsc.report.redact import line as safe
from gitopsc.report.words import object_name, place_name, value_name

Change = Mapping[str, Any]
_SHORT = 100
"""Characters that the two values of a field may have together to stand on one line."""
_CONTEXT = 2
_LONGEST = 400


class Line(NamedTuple):
    """``mark``: ``-`` goes, ``+`` comes, ``~`` both, ``@`` a place in a text, ``!`` a consequence, `` `` around it. ``place``: what caused it."""

    mark: str
    text: str
    place: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """One object's change and the environments that it is the same in."""

    application: str
    environments: tuple[str, ...]
    change: Change

    @property
    def name(self) -> str:
        """``Deployment/api``; a ConfigMap that is named by its content with its former name."""
        return described(self.change)


def described(change: Change) -> str:
    """The object's name, and what it was called before."""
    former = change.get("renamedFrom")
    return f"{object_name(change['object'])}{f' (was {former})' if former else ''}"


def groups(changes: Iterable[Change]) -> list[Group]:
    """Changes that say the same of the same object, once, in their order."""
    found: dict[Any, tuple[Change, list[str]]] = {}
    for change in changes:
        key = _frozen({**change, "environment": None, "object": {**change["object"], "namespace": None}})
        found.setdefault(key, (change, []))[1].append(str(change["environment"]))
    return [Group(str(change["application"]), tuple(dict.fromkeys(environments)), change) for change, environments in found.values()]


def sections(found: Sequence[Group]) -> list[tuple[str, tuple[str, ...], list[Group]]]:
    """(application, environments, their groups), in the order of the first group of each."""
    out: dict[tuple[str, tuple[str, ...]], list[Group]] = {}
    for group in found:
        out.setdefault((group.application, group.environments), []).append(group)
    return [(application, environments, items) for (application, environments), items in out.items()]


def _frozen(value: Any) -> Any:
    if isinstance(value, Mapping):
        return tuple((key, _frozen(item)) for key, item in value.items())
    if isinstance(value, list | tuple):
        return tuple(map(_frozen, value))
    return (type(value).__name__, value)


def field_lines(field: Mapping[str, Any], *, whole: bool) -> list[Line]:
    """One field. ``whole``: structures are written out in lines of their own, else on one line, cut where it is long."""
    path, before, after = safe(str(field["path"])), field.get("before"), field.get("after")
    place = safe(place_name(field.get("origin")))
    texts = [value for value in (before, after) if isinstance(value, str) and "\n" in value]
    if isinstance(before, str) and isinstance(after, str) and texts:
        return [Line("~", f"{path}:", place), *_text_lines(before, after)]
    if before is None or after is None:
        mark, value = ("+", after) if before is None else ("-", before)
        return _one_side(mark, path, value, f"was {place}" if after is None and place else place, field, whole)
    if whole and (_is_long(before) or _is_long(after)):
        return [*_one_side("-", path, before, "", {}, whole), *_one_side("+", path, after, place, field, whole)]
    old, new = value_name(before), value_name(after)
    if len(old) + len(new) <= _SHORT and not whole:
        return [Line("~", f"{path}: {old} → {new}", place)]
    return [Line("-", f"{path}: {old}"), Line("+", f"{path}: {new}", place)]


def _one_side(mark: str, path: str, value: Any, place: str, field: Mapping[str, Any], whole: bool) -> list[Line]:
    if not whole or not _is_long(value):
        return [Line(mark, f"{path}: {value_name(value)}", place)]
    return [Line(mark, f"{path}:", place), *(Line(mark, f"  {text}", at) for text, at in written_out(value, field.get("origins") or {}))]


def _is_long(value: Any) -> bool:
    return (isinstance(value, str) and "\n" in value) or (isinstance(value, dict | list) and len(value_name(value)) > _SHORT)


def _text_lines(before: str, after: str) -> Iterator[Line]:
    """What differs of two texts, line by line."""
    if before.endswith("\n") and after.endswith("\n"):
        before, after = before[:-1], after[:-1]
    old, new = before.split("\n"), after.split("\n")
    for number, text in enumerate(unified_diff(old, new, lineterm="", n=_CONTEXT)):
        if number >= 2:  # after the two lines that name files
            mark = "@" if text.startswith("@@") else text[0]
            yield Line(mark, _cut(safe(text if mark == "@" else text[1:])))


def written_out(value: Any, origins: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The lines of a value in YAML's block style, texts as they are, each with its place where that is another than what is around it."""
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            inner = origins.get(key) or {}
            yield from _entry(f"{scalar(str(key))}:", item, inner)
    elif isinstance(value, list | tuple) and value:
        for number, item in enumerate(value):
            inner = origins.get(str(number)) or {}
            for count, (text, place) in enumerate(written_out(item, inner)):
                yield f"{'  ' if count else '- '}{text}", place or ("" if count else _own(inner))
    elif isinstance(value, str) and "\n" in value:
        yield "|", ""
        yield from ((f"  {_cut(safe(text))}", "") for text in value.split("\n"))
    else:
        yield _cut(scalar(value) if value not in ({}, []) else str(value)), ""


def _entry(key: str, item: Any, origins: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    lines = list(written_out(item, origins))
    if isinstance(item, Mapping | list | tuple) and item:
        yield key, _own(origins)
        yield from ((f"  {text}", place) for text, place in lines)
    else:
        yield f"{key} {lines[0][0]}", _own(origins)
        yield from lines[1:]


def _own(origins: Mapping[str, Any]) -> str:
    return safe(str(origins.get("") or ""))


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text)} characters)"


def consequence_lines(change: Change) -> list[Line]:
    """What follows from a change."""
    return [Line("!", f"{item['kind']}: {safe(str(item['message']))}") for item in change.get("consequences", ())]


def title(data: Mapping[str, Any], name: Callable[[str], str] = str) -> str:
    """``prod compared with dev``, where two environments are; else nothing."""
    base, head = ((data.get(side) or {}).get("environment") for side in ("base", "head"))
    return f"{name(head)} compared with {name(base)}" if base and head else ""
