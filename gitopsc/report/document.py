"""A result as one JSON or YAML document."""

from __future__ import annotations

import json
import re
from typing import Any

from gitopsc.diagnostics import Diagnostic
from gitopsc.report.result import API_VERSION, Result

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*\Z")
_WORDS = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})
_ESCAPED = re.compile("[\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff\ufffe\uffff]")


def document(result: Result) -> dict[str, Any]:
    """``apiVersion``, ``kind``, the kind's fields, ``diagnostics``."""
    return {"apiVersion": API_VERSION, "kind": result.kind, **result.data, "diagnostics": [_diagnostic(item) for item in result.diagnostics]}


def _diagnostic(item: Diagnostic) -> dict[str, Any]:
    place = item.place
    return {
        "severity": item.severity,
        "code": item.code,
        "message": item.message,
        "hint": item.hint,
        "file": place.file if place else None,
        "line": place.line if place else None,
        "column": place.column if place else None,
        "path": item.path,
        "environment": item.environment,
        "application": item.application,
    }


def as_json(result: Result) -> str:
    """In ASCII, so that no terminal and no locale can read it otherwise."""
    return json.dumps(document(result), indent=2, default=list) + "\n"


def as_yaml(result: Result) -> str:
    """The same document in block style."""
    return "".join(f"{text}\n" for text in block(document(result)))


def block(value: Any) -> list[str]:
    """The lines of a plain value in YAML's block style."""
    if isinstance(value, dict) and value:
        out = []
        for key, item in value.items():
            lines = block(item)
            if isinstance(item, dict | list | tuple) and item:
                out += [f"{scalar(key)}:", *(f"  {text}" for text in lines)]
            else:
                out.append(f"{scalar(key)}: {lines[0]}")
        return out
    if isinstance(value, list | tuple) and value:
        out = []
        for item in value:
            first, *rest = block(item)
            out += [f"- {first}", *(f"  {text}" for text in rest)]
        return out
    return ["{}" if isinstance(value, dict) else "[]" if isinstance(value, list | tuple) else scalar(value)]


def scalar(value: Any) -> str:
    """A scalar as YAML and JSON alike read it back, in printable characters."""
    if not isinstance(value, str):
        return json.dumps(value)
    if _PLAIN.match(value) and value.lower() not in _WORDS:
        return value
    return _ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(value, ensure_ascii=False))
