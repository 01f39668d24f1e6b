"""What to do about a finding, where the place that found it had nothing better to say than what it expected."""

from __future__ import annotations

import re
from dataclasses import replace

from gitopsc.diagnostics import Diagnostic

_WORKLOAD = re.compile(r"spec\.(?:workloads\.|defaults|enforced|profiles)")
_OBJECT = re.compile(r"[A-Z][A-Za-z]*(?:/[^ ]+)?: ")
_BY_CODE = {
    "duplicate": "rename one of them, or remove it",
    "image-registry": "take the image from one of those, or let the policy name its registry",
    "limit-below-request": "raise the limit, or lower the request",
    "missing-field": "add it",
    "missing-value": "add it",
    "one-of": "write exactly one of them",
    "out-of-range": "choose a value within the range",
    "root-user": "name another user, or run it where the policy allows root",
    "selector-mismatch": "give both the same labels, or leave them to be derived",
    "template-name": "rename the file",
    "template-recursion": "let it end: with a condition, or without calling itself",
    "template-syntax": "correct the template here: the rest of it is not read before",
    "template-yaml": "correct the template here: what it says must be YAML without its values, too",
    "too-big": "split it",
    "yaml-syntax": "correct it here: the rest of the file is not read before",
}
_SHAPE = frozenset({"bad-value", "wrong-type", "bad-name", "unknown-field", "bad-operator", "missing-field"})
_REFUSED = "correct it where it was written: the API server would refuse the object"


def advised(item: Diagnostic) -> Diagnostic:
    """The diagnostic with a hint, if it needs one: errors and warnings say what to do, notices say what is."""
    if item.hint is not None or item.severity == "info":
        return item
    return replace(item, hint=_hint(item))


def _hint(item: Diagnostic) -> str:
    if item.code in _SHAPE and not _OBJECT.match(item.message):
        if _WORKLOAD.match(item.path):
            return "`gitopsc schema workload` and `gitopsc schema container` say what may stand here"
        return "`gitopsc schema KIND` says what may stand here"
    return _BY_CODE.get(item.code, _REFUSED)
