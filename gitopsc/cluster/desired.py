"""What Git wants of one application, in the form in which it is applied. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gitopsc.cluster.inventory import PART_OF
from gitopsc.cluster.layers import PHASE, Layer, layer_of
from gitopsc.cluster.normal import digest, folded
from gitopsc.cluster.settings import PREFIX
from gitopsc.objects import ObjectRef, ref_of

NEVER_RECREATED = frozenset({("", "PersistentVolumeClaim"), ("", "PersistentVolume"), ("", "Namespace"), ("apiextensions.k8s.io", "CustomResourceDefinition")})


@dataclass(frozen=True, slots=True)
class Wanted:
    """One object: ``data`` as it is sent (with the ApplySet's label, a Secret's ``stringData`` folded), its hash, and the ``file`` that it stands in."""

    ref: ObjectRef
    data: Mapping[str, Any]
    digest: str
    layer: Layer
    file: str = ""

    @property
    def annotations(self) -> Mapping[str, Any]:
        """The manifest's annotations."""
        return (self.data.get("metadata") or {}).get("annotations") or {}

    @property
    def api_version(self) -> str:
        """``apps/v1``."""
        return str(self.data.get("apiVersion", ""))

    @property
    def is_hook(self) -> bool:
        """Whether it is a Job that runs before or after a deployment."""
        return self.ref[:2] == ("batch", "Job") and self.annotations.get(PHASE) is not None

    @property
    def runs_once(self) -> bool:
        """Whether it is a Job that must not run again only because its TTL removed it."""
        return self.ref[:2] == ("batch", "Job") and (self.is_hook or (self.data.get("spec") or {}).get("ttlSecondsAfterFinished") is not None)

    @property
    def recreatable(self) -> bool:
        """Whether its manifest allows to delete and create it anew where a field cannot be changed."""
        return self.is_hook or self.annotations.get(f"{PREFIX}recreate") == "allowed"

    @property
    def holds_data(self) -> bool:
        """Whether deleting it may delete what cannot be made again."""
        return self.ref[:2] in NEVER_RECREATED or (self.ref[:2] == ("apps", "StatefulSet") and bool((self.data.get("spec") or {}).get("volumeClaimTemplates")))


@dataclass(frozen=True, slots=True)
class Target:
    """One application in one environment at one revision. ``present`` is false for a tombstone. ``refs``: the identities of its objects."""

    environment: str
    application: str
    present: bool
    release: str
    version: str | None
    generation: int
    rendered: str
    objects: tuple[Wanted, ...]
    depends_on: tuple[str, ...] = ()
    refs: frozenset[ObjectRef] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "refs", frozenset(one.ref for one in self.objects))


def wanted(data: Mapping[str, Any], applyset: str, file: str = "") -> Wanted:
    """A manifest as it is applied for the application with this ApplySet id. ``file``: its path in the environment repository."""
    whole = folded(data)
    metadata = dict(whole.get("metadata") or {})
    metadata["labels"] = {**(metadata.get("labels") or {}), PART_OF: applyset}
    whole["metadata"] = metadata
    return Wanted(ref_of(data), whole, digest(whole), layer_of(data), file)


def in_order(objects: Iterable[Wanted]) -> tuple[Wanted, ...]:
    """By layer, then by kind and name: the order in which outcomes are told."""
    return tuple(sorted(objects, key=lambda one: (one.layer.stage, one.layer.wave, one.ref.kind, one.ref.group, one.ref.namespace, one.ref.name)))
