"""What a template is, the value that leaves a field out, and the error of a template. Light: imports no template library."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from gitopsc.diagnostics import Diagnostic, Invalid, Place


@dataclass(frozen=True, slots=True)
class Template:
    """The text of one template. ``file`` is where it was written, from the root of the workspace (``gitopsc:templates/…`` for those
    that gitopsc ships), ``first_line`` the line of that file on which the text begins, ``indent`` how far it is indented there.
    """

    name: str
    text: str
    file: str
    first_line: int = 1
    indent: int = 0

    def place(self, line: int, column: int = 1) -> Place:
        """The place of a line of the text, counted from 1."""
        return Place(self.file, self.first_line + line - 1, self.indent + column)


class Omit:
    """The value of a field that is not there: binding it removes the key or the list item. There is one, ``OMIT``; it is false and empty."""

    __slots__ = ()

    def __bool__(self) -> bool:
        return False

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __repr__(self) -> str:
        return "omit"

    def __reduce__(self) -> str:
        return "OMIT"


OMIT: Final = Omit()


class TemplateError(Invalid):
    """A template, or a value where the template puts it, is wrong. ``diagnostics`` point at lines of the template, never at rendered text."""

    def __init__(self, code: str, message: str, place: Place | None, hint: str | None = None) -> None:
        super().__init__([Diagnostic("error", code, message, hint, place)])

    @classmethod
    def of(cls, diagnostics: Iterable[Diagnostic]) -> TemplateError:
        """One error out of several findings."""
        error = cls.__new__(cls)
        Invalid.__init__(error, diagnostics)
        return error

    def __reduce__(self) -> tuple[Any, ...]:
        return TemplateError.of, (self.diagnostics,)
