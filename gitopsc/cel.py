"""Expressions in CEL, Kubernetes' own language for rules. The library is imported with the first one that is compiled."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

LONGEST = 4096
_ROOTS = ("metadata", "spec", "status", "data")


class Unsaid(Exception):
    """A field that the expression asks for is not there (yet)."""


def compiled(text: str) -> Callable[[Mapping[str, Any]], Any]:
    """An expression over a Kubernetes object, which it sees as ``object`` or ``self``, and by its fields (``status.phase``).

    Raises ``ValueError``, in one line, for what is no expression. Calling it raises ``Unsaid`` where a field is missing, and whatever
    exception the evaluation ends with.
    """
    import cel

    if len(text) > LONGEST:
        raise ValueError(f"it is longer than {LONGEST} characters")
    try:
        program = cel.compile(text)
    except ValueError as error:
        raise ValueError(_reason(str(error), text)) from None

    def evaluate(obj: Mapping[str, Any]) -> Any:
        fields = {name: obj.get(name, {}) for name in (*_ROOTS, *obj)}
        try:
            return program.execute({**fields, "object": dict(obj), "self": dict(obj)})
        except KeyError as error:
            raise Unsaid(str(error.args[0]) if error.args else "a field") from None

    return evaluate


def _reason(said: str, text: str) -> str:
    """The place and the reason, without the expression itself."""
    rest = said.replace(f"'{text}'", "").partition("ERROR:")[2] or said
    line = re.sub(r"^<input>:(\d+):(\d+)", r"line \1, column \2", " ".join(rest.split("|")[0].split()))
    return line[:200] or "it cannot be read"
