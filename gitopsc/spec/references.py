"""``${…}``: references from one value to another, expanded after the merge, each checked.

``$$`` gives ``$``; any other ``$`` stays. A string that is one reference keeps the type of what it names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gitopsc.diagnostics import Diagnostics, Place
from gitopsc.values import Map, Seq

TOKEN = re.compile(r"\$\$|\$\{([^}]*)\}?")
WHOLE = re.compile(r"\$\{([^${}]*)\}")
WORD = re.compile(r"^[A-Za-z0-9_][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_][A-Za-z0-9_-]*)*$")


class Unresolved(Exception):
    """A reference that cannot be followed: what was expected and found, and what to do."""

    def __init__(self, message: str, hint: str | None = None, code: str = "unknown-reference", cycle: frozenset[str] = frozenset()) -> None:
        self.message, self.hint, self.code, self.cycle = message, hint, code, cycle
        super().__init__(message)


@dataclass(slots=True)
class Found:
    """What a reference names: the value, and its source text where it was a plain scalar that is no string."""

    value: Any
    raw: str | None = None


Root = Callable[[tuple[str, ...], "Expander"], Found]
"""The steps after the root's name → what they name. Raises ``Unresolved``."""


@dataclass(slots=True)
class Expander:
    """Expands trees in one scope. ``roots`` maps the first word of a reference to who answers for it; ``active`` finds cycles."""

    roots: Mapping[str, Root]
    diagnostics: Diagnostics
    active: list[str] = field(default_factory=list)
    cycles: set[frozenset[str]] = field(default_factory=set)

    def within(self, roots: Mapping[str, Root]) -> Expander:
        """The same expansion with other roots (another workload's ``self``); cycles are found across both."""
        return Expander({**self.roots, **roots}, self.diagnostics, self.active, self.cycles)

    def tree(self, value: Any, place: Place | None = None) -> Any:
        """The tree with every reference expanded; parts without any are shared. Keys are left alone."""
        if isinstance(value, str):
            return self.text(value, place) if "$" in value else value
        if isinstance(value, Map):
            return self._map(value)
        if isinstance(value, dict):
            return {key: self.tree(item, place) for key, item in value.items()}
        if isinstance(value, list):
            return self._list(value, place)
        return value

    def _map(self, value: Map) -> Map:
        out: Map | None = None
        for key, item in value.items():
            kind = type(item)
            if kind is bool or kind is int or item is None:
                continue
            new = self.tree(item, value.places.get(key) or value.at)
            if new is not item:
                if out is None:
                    out = Map(value, value.at)
                    out.places, out.removed, out.raw, out.keys_at = value.places, value.removed, dict(value.raw), value.keys_at
                out[key] = new
        return value if out is None else out

    def _list(self, value: list[Any], place: Place | None) -> list[Any]:
        new = [self.tree(item, (value.place(i) if isinstance(value, Seq) else None) or place) for i, item in enumerate(value)]
        if all(a is b for a, b in zip(new, value, strict=True)):
            return value
        out = Seq(new, getattr(value, "at", place))
        out.places = getattr(value, "places", [])
        return out

    def text(self, text: str, place: Place | None) -> Any:
        """One string. A failed reference is told and stays as written."""
        whole = WHOLE.fullmatch(text)
        if whole is not None:
            found = self._try(whole[1], place)
            return text if found is None else found.value
        return TOKEN.sub(lambda match: self._splice(match, place), text)

    def spliced(self, text: str, place: Place | None) -> str:
        """One string where only text can stand (an environment variable): numbers keep their source text."""
        if "$" not in text:
            return text
        return TOKEN.sub(lambda match: self._splice(match, place), text)

    def _splice(self, match: re.Match[str], place: Place | None) -> str:
        if match[0] == "$$":
            return "$"
        if not match[0].endswith("}"):
            self._tell(Unresolved("expected '}' to end the reference that '${' begins, found the end of the text", "write $${ for a literal ${"), place)
            return match[0]
        found = self._try(match[1], place)
        if found is None:
            return match[0]
        if isinstance(found.value, (dict, list)):
            self._tell(
                Unresolved(
                    f"expected ${{{match[1]}}} to be text here, found a {'map' if isinstance(found.value, dict) else 'list'}",
                    "a map or list can only be a whole value",
                ),
                place,
            )
            return match[0]
        return as_text(found)

    def _try(self, written: str, place: Place | None) -> Found | None:
        try:
            return self.find(written)
        except Unresolved as problem:
            self._tell(problem, place)
            return None

    def _tell(self, problem: Unresolved, place: Place | None) -> None:
        if problem.cycle:
            if problem.cycle in self.cycles:
                return  # told where it was met first
            self.cycles.add(problem.cycle)
        self.diagnostics.error(problem.code, problem.message, place, hint=problem.hint)

    def find(self, written: str) -> Found:
        """What ``${written}`` names. Raises ``Unresolved``, also for a cycle and for a value that is null."""
        name = written.strip()
        steps = tuple(name.split("."))
        root = self.roots.get(steps[0])
        if not WORD.match(name) or root is None:
            known = ", ".join(sorted(self.roots))
            raise Unresolved(
                f"expected a reference that begins with one of {known}, found '${{{written}}}'", f"write $${{{written}}} for a literal ${{{written}}}"
            )
        key = f"{id(root)}:{name}"
        if key in self.active:
            loop = self.active[self.active.index(key) :]
            chain = " → ".join(item.partition(":")[2] for item in [*loop, key])
            raise Unresolved(f"expected references to end, found the cycle {chain}", "make one of them a plain value", "reference-cycle", frozenset(loop))
        self.active.append(key)
        try:
            found = root(steps[1:], self)
        finally:
            self.active.pop()
        if found.value is None:
            raise Unresolved(f"expected '${{{name}}}' to have a value, found null", "set it, or remove the reference", "null-reference")
        return found


def as_text(found: Found) -> str:
    """A scalar as a person wrote it: the source text of a number, true and false in lower case."""
    if isinstance(found.value, str):
        return found.value
    if found.raw is not None:
        return found.raw
    return str(found.value).lower() if isinstance(found.value, bool) else str(found.value)


def walk(tree: Any, steps: tuple[str, ...], what: str, expander: Expander) -> Found:
    """``tree`` followed by name, each value on the way expanded. ``what`` names the root for messages. Raises ``Unresolved``."""
    from gitopsc.spec.nearest import near

    value, raw = tree, None
    for depth, step in enumerate(steps):
        if isinstance(value, str) and "$" in value:
            value = expander.tree(value)
        if not isinstance(value, dict) or step not in value:
            where = ".".join((what, *steps[:depth]))
            known = list(value) if isinstance(value, dict) else []
            raise Unresolved(f"expected '{where}' to have '{step}', found no such name", near(step, known) if known else f"'{where}' holds no names")
        raw = value.raw.get(step) if isinstance(value, Map) else None
        value = value[step]
    if isinstance(value, str) and "$" in value:
        alone = WHOLE.fullmatch(value)
        return expander.find(alone[1]) if alone is not None else Found(expander.text(value, None))
    if isinstance(value, (dict, list)):
        return Found(expander.tree(value))
    return Found(value, raw)
