"""What can be wrong, said once: places, diagnostics and the three ways a command ends early.

The lowest floor: everything imports this, it imports nothing of gitopsc.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

Severity = Literal["error", "warning", "info"]


class Place(NamedTuple):
    """Where something was written: a file relative to the workspace, line and column from 1.

    Built-in places read ``gitopsc:templates/service/type.yaml``.
    """

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding. ``code`` is a word (``unknown-field``); ``message`` says what was expected and what was found,
    ``hint`` what to do next; ``path`` is the field's path in the document or manifest it is about.
    """

    severity: Severity
    code: str
    message: str
    hint: str | None = None
    place: Place | None = None
    path: str = ""
    environment: str | None = None
    application: str | None = None

    def sort_key(self) -> tuple[str, int, int, str, str, str, str]:
        """The one order of diagnostics: by place, then by what they say."""
        file, line, column = self.place or ("", 0, 0)
        return (file, line, column, self.code, self.message, self.environment or "", self.application or "")


class Diagnostics(list[Diagnostic]):
    """A list that diagnostics are gathered in; phases append and go on."""

    def error(self, code: str, message: str, place: Place | None = None, *, hint: str | None = None, path: str = "") -> None:
        """Append an error."""
        self.append(Diagnostic("error", code, message, hint, place, path))

    def warning(self, code: str, message: str, place: Place | None = None, *, hint: str | None = None, path: str = "") -> None:
        """Append a warning."""
        self.append(Diagnostic("warning", code, message, hint, place, path))

    @property
    def has_errors(self) -> bool:
        """Whether any of them is an error."""
        return any(d.severity == "error" for d in self)


def tidy(diagnostics: Iterable[Diagnostic], *, strict: bool = False) -> list[Diagnostic]:
    """Sorted by place, each once; under ``strict`` warnings become errors.

    The same finding in several environments is kept once, without an environment.
    """
    seen: dict[tuple[object, ...], Diagnostic] = {}
    for item in diagnostics:
        if strict and item.severity == "warning":
            item = replace(item, severity="error")
        key = (item.severity, item.code, item.message, item.hint, item.place, item.path)
        known = seen.get(key)
        if known is None:
            seen[key] = item
        elif known.environment != item.environment or known.application != item.application:
            seen[key] = replace(
                known,
                environment=known.environment if known.environment == item.environment else None,
                application=known.application if known.application == item.application else None,
            )
    return sorted(seen.values(), key=Diagnostic.sort_key)


class Invalid(Exception):
    """The user's input is wrong (exit status 2). Carries every diagnostic found."""

    def __init__(self, diagnostics: Iterable[Diagnostic] | str, *, hint: str | None = None, code: str = "usage") -> None:
        if isinstance(diagnostics, str):
            diagnostics = [Diagnostic("error", code, diagnostics, hint)]
        self.diagnostics = tuple(diagnostics)
        super().__init__("; ".join(d.message for d in self.diagnostics))


class Failure(Exception):
    """An outside system failed (exit status 3): Git, disk, network. Trying again may help."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        self.message = message
        self.hint = hint
        super().__init__(message)


class Conflict(Exception):
    """Somebody else was first, or holds a lock (exit status 4)."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        self.message = message
        self.hint = hint
        super().__init__(message)
