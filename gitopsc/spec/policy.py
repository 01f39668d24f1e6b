"""One policy out of several: the workspace's, then each environment's of a chain, which can tighten only."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gitopsc.diagnostics import Diagnostics, Place
from gitopsc.values import Map, Seq

LEVELS = {
    "podSecurity": ("privileged", "baseline", "restricted"),
    "latest": ("allow", "warn", "deny"),
    "secretLiterals": ("allow", "warn", "deny"),
    "deprecatedAPIs": ("allow", "warn", "deny"),
    "plainSecrets": ("allow", "warn", "deny"),
    "requireDigest": (False, True),
    "complete": (False, True),
    "allowUntagged": (True, False),
    "allowMissingSchema": (True, False),
}
"""From loose to tight."""

DEFAULTS: dict[str, Any] = {
    "podSecurity": "privileged",
    "requireDigest": False,
    "allowUntagged": False,
    "latest": "warn",
    "allowMissingSchema": False,
    "plainSecrets": "deny",
    "secretLiterals": "warn",
    "deprecatedAPIs": "warn",
    "complete": False,
}


def tightened(layers: Iterable[tuple[str, Map]], diagnostics: Diagnostics) -> Map:
    """The policies, loosest layer first, as one. The first layer may say anything, each later one only what is tighter.

    Lists: ``registries`` keep what all allow, ``grants`` of a later layer replace (fewer), ``provided`` add up.
    """
    out = Map(DEFAULTS)
    for number, (label, layer) in enumerate(layers):
        for key, value in layer.items():
            place = layer.places.get(key)
            if value is None:
                continue
            if key in LEVELS:
                _level(out, key, value, place, number, label, diagnostics)
            elif key == "registries":
                _registries(out, value, place)
            elif key == "provided":
                out.put(key, Seq([*out.get(key, ()), *(item for item in value if item not in out.get(key, ()))]), place)
            else:
                out.put(key, value, place)
    return out


def _level(out: Map, key: str, value: Any, place: Place | None, number: int, label: str, diagnostics: Diagnostics) -> None:
    order = LEVELS[key]
    if value not in order:
        return
    if number and order.index(value) < order.index(out[key]):
        diagnostics.error(
            "policy-loosened",
            f"expected a policy at least as tight as '{key}: {_text(out[key])}', found '{_text(value)}' in {label}",
            place,
            hint="an environment can only tighten what the workspace and its ancestors say",
            path=f"spec.policy.{key}",
        )
        return
    out.put(key, value, place)


def _registries(out: Map, value: Any, place: Place | None) -> None:
    before = out.get("registries")
    kept = [item for item in value if not before or any(str(item).startswith(str(known)) for known in before)]
    out.put("registries", Seq(kept if before else value), place)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
