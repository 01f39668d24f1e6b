"""Label selectors as Kubernetes writes them: ``tier=web,team in (a,b),!legacy``. Pure.

Equality (``= == !=``), sets (``in``, ``notin``) and existence (``key``, ``!key``), joined by commas, all of which must hold. What is said of a
key that is not there holds for ``!=``, ``notin`` and ``!`` alone, as the API server has it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from gitopsc.diagnostics import Invalid

_KEY = re.compile(r"(?:[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_VALUE = re.compile(r"(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
_REQUIREMENT = re.compile(r"\s*(?:(?P<not>!)\s*(?P<absent>[^\s!=<>(),]+)|(?P<key>[^\s!=<>(),]+)\s*(?P<rest>.*?))\s*", re.DOTALL)
_SET = re.compile(r"(?P<word>in|notin)\s*\((?P<values>[^()]*)\)", re.DOTALL)
_EQUAL = re.compile(r"(?P<sign>==|=|!=)\s*(?P<value>[^\s!=<>(),]*)")
_HINT = "such as tier=web, 'tier in (web,api)', team!=data, shard or '!shard', joined by commas"

Operator = Literal["in", "notin", "exists", "absent"]


@dataclass(frozen=True, slots=True, order=True)
class Requirement:
    """One condition; ``values`` only for ``in`` and ``notin``, sorted."""

    key: str
    operator: Operator
    values: tuple[str, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether labels meet it."""
        if self.operator in ("exists", "absent"):
            return (self.key in labels) == (self.operator == "exists")
        return (labels.get(self.key) in self.values) == (self.operator == "in")

    def __str__(self) -> str:
        """As it is written, one way for one meaning."""
        if self.operator in ("exists", "absent"):
            return self.key if self.operator == "exists" else f"!{self.key}"
        if len(self.values) == 1:
            return f"{self.key}{'=' if self.operator == 'in' else '!='}{self.values[0]}"
        return f"{self.key} {self.operator} ({','.join(self.values)})"


@dataclass(frozen=True, slots=True)
class Selector:
    """All of its requirements, sorted: two that are written differently and say the same are equal."""

    requirements: tuple[Requirement, ...]

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether labels meet all of them."""
        return all(one.matches(labels) for one in self.requirements)

    def __str__(self) -> str:
        """Its one text, which ``parse_selector`` reads."""
        return ",".join(map(str, self.requirements))


def parse_selector(text: str) -> Selector:
    """A selector from its text. Raises ``Invalid``, also for one that selects everything by saying nothing."""
    return Selector(tuple(sorted({_requirement(part, text) for part in _parts(text)})))


def _parts(text: str) -> list[str]:
    """Split at commas that are in no brackets."""
    return re.split(r",(?![^(]*\))", text)


def _requirement(part: str, whole: str) -> Requirement:
    found = _REQUIREMENT.fullmatch(part)
    if found is None:
        raise _wrong(whole, f"a key in {part.strip()!r}" if part.strip() else "a condition, found none")
    if found["not"]:
        return Requirement(_checked(found["absent"], _KEY, whole, "a label's key"), "absent")
    key, rest = _checked(found["key"], _KEY, whole, "a label's key"), found["rest"]
    if not rest:
        return Requirement(key, "exists")
    equal, several = _EQUAL.fullmatch(rest), _SET.fullmatch(rest)
    if equal is not None:
        values, operator = [equal["value"]], "notin" if equal["sign"] == "!=" else "in"
    elif several is not None:
        values, operator = [value.strip() for value in several["values"].split(",")], several["word"]
    else:
        raise _wrong(whole, f"one of = == != in notin after {key}, found {rest!r}")
    checked = sorted({_checked(value, _VALUE, whole, "a label's value") for value in values})
    return Requirement(key, "in" if operator == "in" else "notin", tuple(checked))


def _checked(text: str, pattern: re.Pattern[str], whole: str, what: str) -> str:
    name = text.rpartition("/")[2]
    if pattern.fullmatch(text) is None or len(name) > 63 or len(text) > 317:
        raise _wrong(whole, f"{what}, found {text!r}")
    return text


def _wrong(whole: str, what: str) -> Invalid:
    return Invalid(f"expected a label selector, found {whole!r}: expected {what}", hint=_HINT, code="selector")
