"""One policy out of several: the workspace's, then each environment's of a chain, which can tighten only."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
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

    Lists: ``registries`` and ``grants`` of a later layer replace, and each item must lie within one of the layer before;
    ``provided`` add up.
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
                _narrowed(out, key, value, lambda one, known: str(one).startswith(str(known)), diagnostics)
            elif key == "grants":
                _narrowed(out, key, value, _covered, diagnostics)
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


def _narrowed(out: Map, key: str, value: Any, within: Callable[[Any, Any], bool], diagnostics: Diagnostics) -> None:
    """A list of what is allowed: the first layer that has one says it, later ones may only pick from it."""
    before = out.get(key)
    items = value if isinstance(value, Seq) else Seq(value if isinstance(value, list) else ())
    wide = [index for index, item in enumerate(items) if before and not any(within(item, known) for known in before)]
    for index in wide:
        diagnostics.error(
            "policy-loosened",
            f"expected '{key}' to lie within what the layers before allow, found more",
            items.place(index),
            hint="an environment can only tighten what the workspace and its ancestors say",
            path=f"spec.policy.{key}[{index}]",
        )
    if not wide:
        out.put(key, items, items.at)


def _covered(grant: Any, known: Any) -> bool:
    """Whether one grant allows nothing that another does not. A list that is left out allows any application, any kind."""
    if not isinstance(grant, Map) or not isinstance(known, Map):
        return False
    for key in ("applications", "kinds", "namespaces"):
        if key in known and (key not in grant or not all(any(fnmatchcase(str(one), str(wide)) for wide in known[key]) for one in grant[key])):
            return False
    return "namespaces" not in grant or "namespaces" in known


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
