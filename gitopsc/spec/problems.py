"""What a scalar, a key or a tag of YAML is worth: its value, or what is wrong with it and what to write instead."""

from __future__ import annotations

from typing import NamedTuple

from gitopsc.diagnostics import Place
from gitopsc.spec.scalars import OLD_WORDS, OutOfRange, Scalar, resolve

_PREFIX = "tag:yaml.org,2002:"
_STR, _MAP, _SEQ = f"{_PREFIX}str", f"{_PREFIX}map", f"{_PREFIX}seq"
_TYPES: dict[str, tuple[type, ...]] = {"int": (int,), "float": (float, int), "bool": (bool,), "null": (type(None),)}
_SHOWN = 40


class Problem(NamedTuple):
    """A diagnostic without its place."""

    code: str
    message: str
    hint: str


def plain_value(text: str) -> Scalar | Problem:
    """The value of an unquoted scalar."""
    try:
        return resolve(text)
    except OutOfRange as error:
        return Problem("number-out-of-range", f"expected {error}, found {_short(text)}", "quote it if it is text")


def tagged_value(tag: str | None, text: str) -> Scalar | Problem:
    """The value of a scalar with a tag (null: ``!``): only those of YAML's core schema are known."""
    if tag == _STR:
        return text
    name = (tag or "").removeprefix(_PREFIX)
    if tag is None or name not in _TYPES or not tag.startswith(_PREFIX):
        return foreign_tag(tag)
    value = plain_value(text)
    if isinstance(value, Problem):
        return value
    if not isinstance(value, _TYPES[name]) or (isinstance(value, bool) and name != "bool"):
        return Problem("bad-tag", f"expected a value that fits the tag !!{name}, found {_short(text)!r}", "remove the tag")
    return float(value) if name == "float" and value is not None else value


def container_tag(tag: str | None, *, is_map: bool) -> Problem | None:
    """What is wrong with the tag of a mapping or list."""
    return None if tag is None or tag == (_MAP if is_map else _SEQ) else foreign_tag(tag)


def key_tag(tag: str | None) -> Problem | None:
    """What is wrong with the tag of a key."""
    return None if tag is None or tag == _STR else foreign_tag(tag)


def foreign_tag(tag: str | None) -> Problem:
    """A tag that is not allowed, or not here."""
    shown = _short((tag or "!").replace(_PREFIX, "!!"))
    return Problem("unknown-tag", f"tag not allowed: expected a plain value, found {shown}", 'remove the tag; quote text that begins with "!"')


def plain_key(text: str) -> Problem | None:
    """What is wrong with an unquoted key: some reader of YAML takes it for something else than text."""
    if text in OLD_WORDS:
        message = f"expected a key that is text to every reader of YAML, found {text}, a boolean to some"
        return Problem("bare-key", message, f'quote it: "{text}"')
    try:
        value = resolve(text)
    except OutOfRange:
        value = 0
    if isinstance(value, str):
        return None
    if not text:
        return Problem("key-not-text", "expected a key that is text, found nothing", "write the key before the ':'")
    kind = {bool: "the boolean", type(None): "null,"}.get(type(value), "the number")
    return Problem("key-not-text", f"expected a key that is text, found {kind} {_short(text)}", f'quote it: "{_short(text)}"')


def complex_key(found: str, *, braces: bool) -> Problem:
    """A mapping or list as a key; ``braces``: ``{{ x }}``, which was meant for a template."""
    hint = 'quote text that begins with "{{"; a spec is not a template' if braces else "write the key as one word, or quote it"
    return Problem("key-not-text", f"expected a key that is text, found {found}", hint)


def duplicate_key(text: str, first: Place) -> Problem:
    """A key that was there before."""
    return Problem("duplicate-key", f"expected each key once, found {_short(text)!r} again: first at {first}", "remove one of the two")


def self_reference(anchor: str) -> Problem:
    """An alias inside what it stands for."""
    return Problem("self-reference", f"expected an anchor that ended before, found *{anchor}, which is inside itself", "write it out")


def unknown_anchor(anchor: str) -> Problem:
    """An alias of nothing."""
    hint = f"write &{anchor} at the value that is meant, earlier in this document; or quote text that begins with '*'"
    return Problem("unknown-anchor", f"expected an anchor of this document, found *{anchor}", hint)


def alias_bomb(anchor: str, size: int, limit: int) -> Problem:
    """Aliases that stand for too much."""
    message = f"more than {limit} alias expansions: *{anchor} stands for {size} values"
    return Problem("alias-bomb", message, "use fewer aliases; what workloads share belongs in `defaults`")


GLUED_QUESTION = Problem("yaml-syntax", "expected a space after '?', found text that begins with it", "quote the text")
BAD_MERGE = Problem("bad-merge", "expected a mapping, or a list of mappings, to merge", 'write `<<: *anchor`; quote it if it is a key: "<<"')


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN // 2]}… ({len(text)} characters)"
