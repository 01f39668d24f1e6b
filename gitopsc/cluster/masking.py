"""What Secrets hold stays inside: an API server's words are told without the values that they may repeat. Pure."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from gitopsc.objects import ObjectRef

MASK = "***"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_VALUE = re.compile(r"(Invalid value|Duplicate value|Unsupported value|Too long|Required value|Forbidden)(: )(.*)", re.DOTALL)
_SHORTEST = 4
_AFTER_VALUE = re.compile(r": (?=(?:field is immutable|must |may |should |a valid|illegal|not |cannot |data |Too |exceeds ))")


def told(ref: ObjectRef, message: str, objects: Iterable[Mapping[str, Any] | None] = ()) -> str:
    """A server's message about an object. Of a Secret: without what its fields hold, neither as it is nor encoded."""
    if ref[:2] != ("", "Secret"):
        return message
    for value in sorted({v for one in objects if one for v in values(one)}, key=len, reverse=True):
        message = message.replace(value, MASK)
    found = _VALUE.search(message)
    if found is None or found[1] in ("Required value", "Forbidden"):
        return message
    rest = _AFTER_VALUE.search(found[3])
    return f"{message[: found.start()]}{found[1]}: {MASK}" + (f": {found[3][rest.end() :]}" if rest else "")


def values(secret: Mapping[str, Any]) -> Iterator[str]:
    """Every spelling in which what a Secret holds may turn up."""
    for part in ("data", "stringData"):
        for value in (secret.get(part) or {}).values():
            yield from _spellings(str(value), encoded=part == "data")
    kept = ((secret.get("metadata") or {}).get("annotations") or {}).get(LAST_APPLIED)
    if isinstance(kept, str):
        try:
            before = json.loads(kept)
        except ValueError:
            return
        if isinstance(before, dict):
            yield from values({key: before.get(key) for key in ("data", "stringData")})


def _spellings(value: str, *, encoded: bool) -> Iterator[str]:
    plain = value
    if encoded:
        try:
            plain = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError, ValueError):
            plain = ""
    both = {value, plain, base64.b64encode(plain.encode()).decode() if plain else "", json.dumps(plain)[1:-1], plain.strip()}
    yield from (one for one in both if len(one) >= _SHORTEST)


def masked(obj: Mapping[str, Any]) -> dict[str, Any]:
    """A Secret whose keys are seen and whose values are not; any other object as it is."""
    out = dict(obj)
    if obj.get("kind") != "Secret" or obj.get("apiVersion") != "v1":
        return out
    for part in ("data", "stringData"):
        if isinstance(obj.get(part), Mapping):
            out[part] = dict.fromkeys(obj[part], MASK)
    annotations = (obj.get("metadata") or {}).get("annotations") or {}
    if LAST_APPLIED in annotations:
        out["metadata"] = {**obj["metadata"], "annotations": {**annotations, LAST_APPLIED: MASK}}
    return out
