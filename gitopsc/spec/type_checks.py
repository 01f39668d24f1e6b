"""Workloads and defaults held against the component types they are of."""

from __future__ import annotations

from collections.abc import Mapping

from gitopsc.diagnostics import Diagnostics, Place
from gitopsc.spec.documents import Document
from gitopsc.spec.kinds import ComponentType
from gitopsc.spec.nearest import near, unknown
from gitopsc.values import Map


def check_defaults_of(document: Document, types: Mapping[str, ComponentType], broken: set[tuple[str, str]], diagnostics: Diagnostics) -> bool:
    """Whether defaults have a workload's shape, with the fields of any type, and speak of types that exist."""
    from gitopsc.spec.schema import check_defaults

    told = len(diagnostics)
    properties = {name: schema for kind in types.values() for name, schema in (kind.schema.get("properties") or {}).items()}
    check_defaults(document, {"properties": properties} if properties else {}, diagnostics)
    for key in ("defaults", "enforced"):
        said = document.spec.get(key) if document.kind != "ComponentType" else None
        by_type = said.get("type") if isinstance(said, Map) else None
        if not isinstance(by_type, Map):
            continue
        for name in by_type:
            if name not in types and ("ComponentType", name) not in broken:
                unknown("component type", name, types, by_type.key_place(name), diagnostics)
    return len(diagnostics) == told


def check_workloads(
    document: Document, applications: Mapping[str, Document], types: Mapping[str, ComponentType], broken: set[tuple[str, str]], diagnostics: Diagnostics
) -> None:
    """Each workload of an application or overlay against the fields of its type, which must be one."""
    from gitopsc.spec.schema import check_workload, fragments

    metadata = document.data.get("metadata")
    owner = document.name if document.kind == "Application" else str(metadata.get("application")) if isinstance(metadata, Map) else ""
    declared = applications[owner].spec.get("workloads") if owner in applications else None
    for fragment in fragments(document):
        known = declared.get(str(fragment.name)) if isinstance(declared, Map) else None
        said = fragment.type or (known.get("type") if isinstance(known, Map) else None) or "service"
        kind = types.get(str(said))
        if kind is None and fragment.type is not None:
            _unknown_type(fragment.type, fragment.spec.place("type"), types, broken, diagnostics)
            broken.add(("Application", owner))
        fine = check_workload(
            fragment.spec,
            base=kind.base if kind else None,
            extra=kind.schema if kind else None,
            path=f"spec.workloads.{fragment.name}",
            diagnostics=diagnostics,
            strict_fields=kind is not None,
            name=fragment.name,
            place=fragment.place,
        )
        if not fine:
            broken.add(("Application", owner))


def _unknown_type(written: str, place: Place | None, types: Mapping[str, ComponentType], broken: set[tuple[str, str]], diagnostics: Diagnostics) -> None:
    if ("ComponentType", written) not in broken:
        known = [kind.name for kind in types.values() if not kind.abstract]
        code = "not-supported" if written == "helm" else "unknown-type"
        diagnostics.error(code, f"expected a component type, found '{written}'", place, hint=near(written, known))
