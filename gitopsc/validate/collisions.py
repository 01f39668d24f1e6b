"""Two makers of one object: the API server sees one, and the last to apply would win."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from gitopsc.diagnostics import Diagnostic, Place
from gitopsc.objects import ObjectRef


class Maker(NamedTuple):
    """Who makes an object: an application in an environment, and the place that says so."""

    application: str
    environment: str
    place: Place | None = None


def collisions(made: Mapping[str, Iterable[tuple[ObjectRef, Maker]]]) -> list[Diagnostic]:
    """Every object that more than one maker makes in one cluster, as an error at each later maker that names the first.

    ``made`` holds by cluster (environments of one cluster belong together; an environment without a cluster is one of its own)
    what its applications make. Names that differ in case only count as equal: they would be one file on some disks.
    """
    found = []
    for cluster in sorted(made):
        first: dict[tuple[str, ...], tuple[ObjectRef, Maker]] = {}
        for ref, maker in sorted(made[cluster], key=lambda item: (item[1].environment, item[1].application, item[1].place or ("", 0, 0))):
            key = (ref.group, ref.kind, ref.namespace, ref.name.lower())
            known = first.setdefault(key, (ref, maker))
            if known[1] is not maker:
                found.append(_collision(ref, maker, *known))
    return found


def _collision(ref: ObjectRef, maker: Maker, other_ref: ObjectRef, other: Maker) -> Diagnostic:
    where = f" at {other.place}" if other.place else ""
    if maker.application == other.application and maker.environment == other.environment:
        who = f"the application {other.application} itself"
    elif maker.environment == other.environment:
        who = f"the application {other.application}"
    else:
        who = f"the application {other.application} in the environment {other.environment}, on the same cluster,"
    name = str(ref) if ref == other_ref else f"{ref} (there {other_ref.name})"
    message = f"expected {name} once, found that {who} makes it too{where}"
    hint = "give one of them another name or namespace"
    return Diagnostic("error", "collision", message, hint, maker.place, "", maker.environment, maker.application)
