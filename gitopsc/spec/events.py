"""A YAML text as the events that Go's reader sees: libyaml and Go's reader are one design. Nothing is resolved here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gitopsc.diagnostics import Diagnostic, Diagnostics
from gitopsc.limits import DEFAULT, Limits
from gitopsc.spec.syntax import syntax_error


class NotYaml(Exception):
    """The text is no YAML: ``finding`` says why, its place counts lines and columns of the text from 1."""

    def __init__(self, finding: Diagnostic) -> None:
        super().__init__(finding.message)
        self.finding = finding


def events(text: str, limits: Limits = DEFAULT) -> Iterator[Any]:
    """PyYAML's events of ``text``, marks with their ``index`` into it. Raises ``NotYaml`` where it ends to be YAML."""
    import yaml

    try:
        yield from yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.reader.ReaderError as error:
        raise NotYaml(Diagnostic("error", "yaml-syntax", f"expected text without control characters, found U+{error.character:04X}")) from None
    except yaml.MarkedYAMLError as error:
        found = Diagnostics()
        syntax_error("", text, error, limits, found)
        raise NotYaml(found[0]) from None
