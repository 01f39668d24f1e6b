"""Reads the fields of a lock, strictly, and gathers all that is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gitopsc.diagnostics import Diagnostics, Place
from gitopsc.values import Map, plain

_MISSING = object()


class Fields:
    """The fields of one mapping. Each may be asked for once; ``end`` reports those that nobody asked for."""

    def __init__(self, data: Mapping[str, Any], file: str, diagnostics: Diagnostics, path: str = "") -> None:
        self._data = data
        self._left = dict(data)
        self._file = file
        self._diagnostics = diagnostics
        self._path = path

    @property
    def failed(self) -> bool:
        """Whether anything was wrong, here or in a field of a field."""
        return self._diagnostics.has_errors

    def has(self, key: str) -> bool:
        """Whether there is such a field."""
        return key in self._data

    def expect(self, key: str, value: str) -> None:
        """The field must be there and be exactly ``value``."""
        found = self._left.pop(key, None)
        if found != value:
            self.wrong(key, f"expected {key}: {value}, found {_shown(found)}")

    def text(self, key: str) -> str:
        """A string that is not empty."""
        value = self._take(key)
        if isinstance(value, str) and value:
            return value
        self._expected(key, "a string", value)
        return ""

    def optional_text(self, key: str) -> str | None:
        """A string, or null."""
        value = self._take(key)
        if value is None or isinstance(value, str):
            return value
        self._expected(key, "a string or null", value)
        return None

    def number(self, key: str) -> int:
        """A whole number from 1."""
        value = self._take(key)
        if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
            return value
        self._expected(key, "a whole number from 1", value)
        return 1

    def flag(self, key: str) -> bool:
        """A boolean."""
        value = self._take(key)
        if not isinstance(value, bool):
            self._expected(key, "true or false", value)
        return value is True

    def word(self, key: str, words: Sequence[str]) -> str:
        """One of ``words``."""
        value = self._take(key)
        if not isinstance(value, str) or value not in words:
            self._expected(key, f"one of {', '.join(words)}", value)
        return str(value)

    def words(self, key: str, words: Sequence[str]) -> tuple[str, ...]:
        """A list of some of ``words``."""
        value = self._take(key)
        if not isinstance(value, list) or not all(isinstance(item, str) and item in words for item in value):
            self._expected(key, f"a list of {', '.join(words)}", value)
            return ()
        return tuple(value)

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of strings."""
        value = self._take(key)
        if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
            self._expected(key, "a list of strings", value)
            return ()
        return tuple(value)

    def labels(self, key: str) -> dict[str, str]:
        """A mapping of strings to strings."""
        value = self._take(key)
        if not isinstance(value, dict) or not all(isinstance(item, str) for pair in value.items() for item in pair):
            self._expected(key, "a mapping of strings", value)
            return {}
        return dict(value)

    def map(self, key: str) -> Fields:
        """A mapping."""
        value = self._take(key)
        if not isinstance(value, dict):
            self._expected(key, "a mapping", value)
        return self._inner(key, value)

    def optional_map(self, key: str) -> Fields | None:
        """A mapping, or null."""
        value = self._take(key)
        if value is not None and not isinstance(value, dict):
            self._expected(key, "a mapping or null", value)
        return self._inner(key, value) if isinstance(value, dict) else None

    def maps(self, key: str) -> list[Fields]:
        """A list of mappings."""
        value = self._take(key)
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            self._expected(key, "a list of mappings", value)
            return []
        return [self._inner(f"{key}[{index}]", item) for index, item in enumerate(value)]

    def plain(self) -> dict[str, Any]:
        """All fields as they are, taken at once."""
        self._left.clear()
        return dict(plain(self._data))

    def end(self) -> None:
        """Report the fields that nobody asked for."""
        for key in self._left:
            self.wrong(key, f"unknown field {self._path}{key}")
        self.forget()

    def forget(self) -> None:
        """Ask no more about the fields that are left."""
        self._left.clear()

    def wrong(self, key: str, message: str, *, hint: str | None = None) -> None:
        """Report ``message`` at the place of a field."""
        place = self._data.place(key) if isinstance(self._data, Map) else None
        self._diagnostics.error("lock", message, place or Place(self._file, 1, 1), hint=hint, path=f"{self._path}{key}")

    def _take(self, key: str) -> Any:
        return self._left.pop(key, _MISSING)

    def _inner(self, key: str, value: Any) -> Fields:
        if not isinstance(value, dict):  # reported already; what its fields would miss is no news
            return Fields({}, self._file, Diagnostics())
        return Fields(value, self._file, self._diagnostics, f"{self._path}{key}.")

    def _expected(self, key: str, what: str, found: object) -> None:
        self.wrong(key, f"expected {self._path}{key} to be {what}, found {_shown(found)}")


def _shown(value: object) -> str:
    if value is _MISSING:
        return "nothing"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return repr(value)
