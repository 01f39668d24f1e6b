"""Names that documents give each other: overlays and what they are bound to, applications and those they depend on."""

from __future__ import annotations

from collections.abc import Mapping

from gitopsc.diagnostics import Diagnostics, Place
from gitopsc.spec.documents import Document
from gitopsc.spec.kinds import Overlay, as_names, name_place
from gitopsc.spec.nearest import unknown
from gitopsc.values import Map, Seq

Key = tuple[str, int]
"""A document's file and place in it."""


def tie_overlays(
    documents: list[Document],
    faulty: set[Key],
    applications: Mapping[str, Document],
    names: set[str],
    environments: set[str],
    broken: set[tuple[str, str]],
    diagnostics: Diagnostics,
) -> dict[str, tuple[Overlay, ...]]:
    """Overlays by application. One that is wrong takes its application with it: without it, the rest would not be what was meant."""
    out: dict[str, list[Overlay]] = {}
    known = environments | {name for kind, name in broken if kind == "Environment"}
    for document in documents:
        metadata = document.data.get("metadata")
        application = str(metadata.get("application")) if isinstance(metadata, Map) else ""
        overlay = Overlay(document, application, as_names(document.data.get("environments")), as_names(document.data.get("features")))
        is_faulty = (document.file, document.index) in faulty
        if not is_faulty and application not in applications and ("Application", application) not in broken:
            unknown("application", application, names, name_place(document) if metadata is None else metadata.place("application"), diagnostics)
        told = len(diagnostics)
        for name in overlay.environments:
            if name not in known:
                unknown("environment", name, known, _item_place(document, "environments", name), diagnostics)
        declared = (applications[application].spec.get("features") or {}) if application in applications else overlay.features
        for name in overlay.features:
            if isinstance(declared, (dict, tuple)) and name not in declared:
                unknown("feature", name, declared, _item_place(document, "features", name), diagnostics, " of the application")
        if is_faulty or application not in applications or len(diagnostics) > told:
            broken.add(("Application", application))
        else:
            out.setdefault(application, []).append(overlay)
    return {name: tuple(sorted(found, key=lambda o: o.order)) for name, found in out.items()}


def _item_place(document: Document, key: str, item: str) -> Place | None:
    items = document.data.get(key)
    if isinstance(items, list) and item in items and hasattr(items, "place"):
        place: Place | None = items.place(items.index(item))
        return place
    return document.data.place(key)


def check_order(document: Document, names: set[str], broken: set[tuple[str, str]], diagnostics: Diagnostics) -> None:
    """``dependsOn`` of an application names others."""
    said = document.spec.get("dependsOn")
    written = said if isinstance(said, Seq) else Seq()
    for index, name in enumerate(written):
        if isinstance(name, str) and name not in names and ("Application", name) not in broken:
            unknown("application", name, names - {document.name}, written.place(index), diagnostics)


def check_order_cycle(applications: Mapping[str, Document], diagnostics: Diagnostics) -> None:
    """``dependsOn`` of applications comes to an end. A cycle is told once, at the first of its names."""
    edges = {name: [other for other in as_names(document.spec.get("dependsOn")) if other in applications] for name, document in sorted(applications.items())}
    done: set[str] = set()
    for start in edges:
        path = [start]
        while path and start not in done:
            following = next((other for other in edges[path[-1]] if other not in done), None)
            if following is None:
                done.add(path.pop())
            elif following in path:
                ring = path[path.index(following) :]
                chain = " → ".join([*ring, following])
                place = applications[ring[0]].spec.place("dependsOn")
                diagnostics.error("depends-cycle", f"expected 'dependsOn' to have no cycle, found {chain}", place, hint="remove one of them")
                done.update(ring)
                path = []
            else:
                path.append(following)
