"""Findings about a manifest: named by object and field path, placed where the specification says so."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gitopsc.diagnostics import Diagnostic, Severity
from gitopsc.objects import Manifest
from gitopsc.validate.rules import Rules
from gitopsc.values import Path, place_of

SHOWN = 80
ITEM_NAMES = ("name", "mountPath", "devicePath", "containerPort", "port", "key", "ip", "topologyKey", "type", "uid")
_PLAIN_STEP = re.compile(r"[A-Za-z0-9_-]+\Z")


class Subject:
    """One manifest under examination, and the list that findings about it go to."""

    __slots__ = ("data", "found", "kind", "manifest", "name", "rules")

    def __init__(self, manifest: Manifest, rules: Rules, found: list[Diagnostic]) -> None:
        self.manifest = manifest
        self.data: dict[str, Any] = manifest.data
        self.kind = manifest.ref.kind
        self.name = manifest.ref.name
        self.rules = rules
        self.found = found

    def error(self, code: str, path: Path, message: str, hint: str | None = None) -> None:
        """Report an error at ``path``. The message goes on after the field: ``expected …, found …``."""
        self._add("error", code, path, message, hint)

    def warning(self, code: str, path: Path, message: str, hint: str | None = None) -> None:
        """Report a warning at ``path``."""
        self._add("warning", code, path, message, hint)

    def say(self, verdict: str, code: str, path: Path, message: str, hint: str | None = None) -> None:
        """Report as a policy says: ``deny`` an error, ``warn`` a warning, ``allow`` nothing."""
        if verdict != "allow":
            self._add("error" if verdict == "deny" else "warning", code, path, message, hint)

    def _add(self, severity: Severity, code: str, path: Path, message: str, hint: str | None) -> None:
        field = path_text(self.data, path)
        where = f"{self.kind or 'object'}/{self.name}" if self.name else self.kind or "object"
        text = f"{where}: {field}: {message}" if field else f"{where}: {message}"
        place = place_of(self.data, path) or self.manifest.origin
        self.found.append(Diagnostic(severity, code, text, hint, place, field, self.rules.environment or None, self.rules.application or None))


def path_text(data: Any, path: Path) -> str:
    """A field path for people: ``spec.template.spec.containers[api].env[LEVEL].value``.

    List items go by the field that names them, else by their number; keys that are no plain words stand in ``["…"]``.
    """
    text = ""
    for step in path:
        if isinstance(step, int):
            item = data[step] if isinstance(data, list) and step < len(data) else None
            text += f"[{_item_name(item, step)}]"
            data = item
        else:
            if _PLAIN_STEP.match(step):
                text += f".{step}" if text else step
            else:
                text += f'["{step}"]'
            data = data.get(step) if isinstance(data, Mapping) else None
    return text


def _item_name(item: Any, index: int) -> str:
    if isinstance(item, Mapping):
        for key in ITEM_NAMES:
            value = item.get(key)
            if isinstance(value, (str, int)) and not isinstance(value, bool) and value != "":
                return str(value)
    return str(index)


def shown(value: Any) -> str:
    """A value as a message shows it: short, on one line, with its type where that may be the mistake."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, str):
        text = "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in value[: SHOWN + 1])
        return f"'{text[:SHOWN]}…'" if len(value) > SHOWN else f"'{text}'"
    if isinstance(value, list):
        return "an empty list" if not value else "a list"
    if isinstance(value, Mapping):
        return "an empty map" if not value else "a map"
    return f"a {type(value).__name__}"


def listed(names: Any, last: str = "or") -> str:
    """``a, b or c``."""
    words = [str(name) for name in names]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}" if words else "nothing"
