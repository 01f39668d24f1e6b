"""Whose an object is that is there already, and whether we may touch it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from gitopsc.cluster.desired import Wanted
from gitopsc.cluster.fields import entries, owners
from gitopsc.cluster.inventory import PART_OF, Inventory
from gitopsc.objects import ObjectRef

_LABEL_PATH = ("metadata", "labels", PART_OF)
_ENGINES = (
    ("labels", "kustomize.toolkit.fluxcd.io/name", "the Flux Kustomization"),
    ("labels", "helm.toolkit.fluxcd.io/name", "the Flux HelmRelease"),
    ("annotations", "argocd.argoproj.io/tracking-id", "the Argo CD application"),
    ("labels", "argocd.argoproj.io/instance", "the Argo CD application"),
    ("annotations", "meta.helm.sh/release-name", "the Helm release"),
)


@dataclass(frozen=True, slots=True)
class Claim:
    """``ours``; ``adopted``: nobody's so far, or taken over on purpose; ``moved``: from another application of the environment, which
    no longer wants it; ``foreign``: not to be touched, ``message`` says whose it is.
    """

    state: Literal["ours", "adopted", "moved", "foreign"]
    message: str = ""


def label_of(live: Mapping[str, Any]) -> str | None:
    """The id of the ApplySet that a live object says it is part of."""
    found = ((live.get("metadata") or {}).get("labels") or {}).get(PART_OF)
    return None if found is None else str(found)


def claim(
    one: Wanted,
    live: Mapping[str, Any],
    inventory: Inventory,
    parents: Mapping[str, Inventory],
    wants: Callable[[str, ObjectRef], bool],
    adopt: str,
) -> Claim:
    """Whether an application may apply an object that is there. ``parents``: every inventory of the cluster by its ApplySet id;
    ``wants(application, ref)``: whether another application of the environment wants it now.
    """
    label = label_of(live)
    if label == inventory.id:
        return Claim("ours")
    if adopt == "force":
        return Claim("adopted")
    if label:
        return _labelled(one, live, label, inventory, parents, wants)
    if one.ref in inventory.objects:
        return Claim("ours")
    owner = _engine(live) or _controller(live)
    if owner:
        return Claim("foreign", f"it belongs to {owner}")
    if adopt == "never":
        return Claim("foreign", "it is there already, and was not applied by gitopsc")
    return Claim("adopted")


def _labelled(
    one: Wanted, live: Mapping[str, Any], label: str, inventory: Inventory, parents: Mapping[str, Inventory], wants: Callable[[str, ObjectRef], bool]
) -> Claim:
    parent = parents.get(label)
    if parent is None:
        edited = not any(entry.applies for entry in owners(entries(live), _LABEL_PATH))
        if one.ref in inventory.objects and edited:
            return Claim("ours")  # somebody edited the label: drift
        return Claim("foreign", f"it is part of the ApplySet {label}, which is not gitopsc's")
    if parent.environment == inventory.environment and parent.repository == inventory.repository and not wants(parent.application, one.ref):
        return Claim("moved", f"it was part of {parent.application}")
    return Claim("foreign", f"it belongs to the application {parent.application} of the environment {parent.environment}")


def _engine(live: Mapping[str, Any]) -> str | None:
    metadata = live.get("metadata") or {}
    return next((f"{words} {found}" for part, key, words in _ENGINES if (found := (metadata.get(part) or {}).get(key))), None)


def _controller(live: Mapping[str, Any]) -> str | None:
    listed = (live.get("metadata") or {}).get("ownerReferences") or ()
    return next((f"{owner.get('kind')}/{owner.get('name')}, which controls it" for owner in listed if owner.get("controller")), None)
