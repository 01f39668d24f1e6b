"""The workspace's files as kinds: read, checked each on its own, tied to each other by name.

Every document is taken as far as it goes; one with errors stops here, named in ``Workspace.broken``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from gitopsc.diagnostics import Diagnostics, Invalid, Place
from gitopsc.limits import DEFAULT, Limits
from gitopsc.spec.component_types import load_types
from gitopsc.spec.discover import Files
from gitopsc.spec.documents import Document, read_documents
from gitopsc.spec.environments import load_environments
from gitopsc.spec.kinds import API_VERSION, ComponentType, Overlay, Workspace, as_names, name_place
from gitopsc.values import Map, Seq

ROOT = "gitopsc.yaml"
KINDS = ("Workspace", "Environment", "Application", "Overlay", "ComponentType")

KUBERNETES = re.compile(r"^1\.(\d{1,3})$")


def load_workspace(files: Files, diagnostics: Diagnostics, limits: Limits = DEFAULT) -> Workspace | None:
    """All kinds of the workspace, or None where there is no usable Workspace document. ``files`` honours ``exclude``
    (see ``exclude_of``). Never raises for what a person wrote: every finding goes to ``diagnostics``.
    """
    return assemble(read_all(files, diagnostics, limits), files, diagnostics)


def read_all(files: Files, diagnostics: Diagnostics, limits: Limits = DEFAULT) -> list[Document]:
    """Every document below the root, but the files that a component type's tests name."""
    found: list[tuple[str, list[Document], Diagnostics]] = []
    for source in files.list():
        mine = Diagnostics()
        try:
            data = files.read(source.path)
        except Invalid as error:
            diagnostics.extend(error.diagnostics)
            continue
        found.append((source.path, read_documents(source.path, data, mine, limits), mine))
    skipped = test_files(document for _, documents, _ in found for document in documents)
    out: list[Document] = []
    for path, documents, mine in found:
        if path not in skipped:
            out += documents
            diagnostics += mine
    return out


def test_files(documents: Iterable[Document]) -> set[str]:
    """What ``tests: [{input, golden}]`` of the component types name: files that are no documents of the workspace."""
    out: set[str] = set()
    for document in documents:
        if document.kind == "ComponentType" and document.api_version == API_VERSION:
            folder = document.file.rpartition("/")[0]
            for test in document.spec.get("tests") or ():
                if isinstance(test, dict):
                    out |= {f"{folder}/{test[key]}".lstrip("/") for key in ("input", "golden") if isinstance(test.get(key), str)}
    return out


def assemble(documents: Iterable[Document], files: Files, diagnostics: Diagnostics, *, root: str = ROOT) -> Workspace | None:
    """The kinds out of documents that were read, the Workspace in the file ``root``. See ``load_workspace``."""
    from gitopsc import kubernetes
    from gitopsc.spec.schema import check_document

    ours: dict[str, list[Document]] = {kind: [] for kind in KINDS}
    broken: set[tuple[str, str]] = set()
    crds: dict[kubernetes.CustomKey, kubernetes.CustomKind] = {}
    for document in documents:
        if document.kind == "CustomResourceDefinition":
            crds.update(kubernetes.custom_kinds(document.data))
        if not document.api_version.startswith(("gitopsc.dev/", "score.dev/")):
            continue
        if check_document(document, diagnostics) and document.kind in ours:
            ours[document.kind].append(document)
        else:
            broken.add((document.kind, document.name))
    for kind in KINDS:
        ours[kind] = _unique(ours[kind], diagnostics)
    workspace = _workspace_document(ours["Workspace"], root, broken, diagnostics)
    if workspace is None:
        return None
    return _tie(workspace, ours, crds, broken, files, diagnostics)


def _tie(
    workspace: Document,
    ours: Mapping[str, list[Document]],
    crds: Mapping[tuple[str, str, str], Any],
    broken: set[tuple[str, str]],
    files: Files,
    diagnostics: Diagnostics,
) -> Workspace | None:
    kubernetes = minor_of(workspace.spec.get("kubernetesVersion"), workspace.spec.place("kubernetesVersion"), diagnostics)
    types = load_types(ours["ComponentType"], files, broken, diagnostics)
    for kind in ("Workspace", "Environment", "ComponentType"):
        for document in ours[kind]:
            _check_defaults(document, types, broken, diagnostics)
    environments = load_environments(workspace, ours["Environment"], kubernetes, broken, diagnostics)
    applications = {document.name: document for document in ours["Application"]}
    overlays = _overlays(ours["Overlay"], applications, set(environments), broken, diagnostics)
    for document in ours["Application"] + ours["Overlay"]:
        _check_workloads(document, applications, types, broken, diagnostics)
    return Workspace(
        workspace, workspace.name, kubernetes, workspace.spec, environments, applications, overlays, types, crds, _merge_keys(workspace.spec), frozenset(broken)
    )


def minor_of(value: Any, place: Place | None, diagnostics: Diagnostics) -> tuple[int, int]:
    """``"1.33"`` as (1, 33); a version whose schemas gitopsc does not carry is an error."""
    from gitopsc import kubernetes

    known = kubernetes.minors()
    match = KUBERNETES.match(value) if isinstance(value, str) else None
    minor = (1, int(match[1])) if match else None
    if minor is None or minor not in known:
        first, last = known[0], known[-1]
        diagnostics.error(
            "bad-value",
            f'expected a Kubernetes version from "{first[0]}.{first[1]}" to "{last[0]}.{last[1]}", found \'{value}\'',
            place,
            hint="write the minor version of the cluster, in quotes",
            path="spec.kubernetesVersion",
        )
        return known[-1]
    return minor


def _workspace_document(found: list[Document], root: str, broken: set[tuple[str, str]], diagnostics: Diagnostics) -> Document | None:
    """The one Workspace document, in the file where it must stand: gitopsc.yaml of the root."""
    for document in found:
        if document.file != root:
            diagnostics.error(
                "workspace-elsewhere",
                f"expected the Workspace document in {root}, found one here",
                name_place(document),
                hint="move it, or give it a folder of its own with its own gitopsc.yaml",
            )
    here = [document for document in found if document.file == root]
    if not here and not any(kind == "Workspace" for kind, _ in broken) and not diagnostics.has_errors:
        diagnostics.error("no-workspace", f"expected a Workspace document in {root}, found none", Place(root, 1, 1), hint="see `gitopsc schema workspace`")
    return here[0] if here else None


def _unique(documents: list[Document], diagnostics: Diagnostics) -> list[Document]:
    """By kind and name, the first of each; another is an error that names both. Overlays may share names across applications."""
    seen: dict[tuple[str, str], Document] = {}
    folded: dict[str, Document] = {}
    out = []
    for document in sorted(documents, key=lambda d: (d.file, d.index)):
        scope = str(document.data.get("metadata", {}).get("application", "")) if document.kind == "Overlay" else ""
        first = seen.setdefault((scope, document.name), document)
        if first is not document:
            diagnostics.error(
                "duplicate-name",
                f"expected one {document.kind} named '{document.name}', found another at {name_place(first)}",
                name_place(document),
                hint="rename or remove one of them",
            )
            continue
        folded.setdefault(f"{scope}/{document.name}".lower(), document)
        out.append(document)
    return out


def _overlays(
    documents: list[Document], applications: Mapping[str, Document], environments: set[str], broken: set[tuple[str, str]], diagnostics: Diagnostics
) -> dict[str, tuple[Overlay, ...]]:
    out: dict[str, list[Overlay]] = {}
    known = environments | {name for kind, name in broken if kind == "Environment"}
    for document in documents:
        metadata = document.data["metadata"]
        application = str(metadata.get("application"))
        overlay = Overlay(document, application, as_names(document.data.get("environments")), as_names(document.data.get("features")))
        fine = True
        if application not in applications:
            if ("Application", application) not in broken:
                _unknown("application", application, applications, metadata.place("application"), diagnostics)
            fine = False
        for name in overlay.environments:
            if name not in known:
                _unknown("environment", name, known, _item_place(document, "environments", name), diagnostics)
                fine = False
        if fine and application in applications:
            declared = applications[application].spec.get("features") or {}
            for name in overlay.features:
                if name not in declared:
                    _unknown("feature", name, declared, _item_place(document, "features", name), diagnostics, " of the application")
                    fine = False
        if fine:
            out.setdefault(application, []).append(overlay)
        else:
            broken.add(("Application", application))
    return {name: tuple(sorted(found, key=lambda o: o.order)) for name, found in out.items()}


def _check_defaults(document: Document, types: Mapping[str, ComponentType], broken: set[tuple[str, str]], diagnostics: Diagnostics) -> None:
    """Defaults have a workload's shape, with the fields of any type; they speak of types that exist."""
    from gitopsc.spec.schema import check_defaults

    properties = {name: schema for kind in types.values() for name, schema in (kind.schema.get("properties") or {}).items()}
    check_defaults(document, {"properties": properties} if properties else {}, diagnostics)
    for key in ("defaults", "enforced"):
        by_type = (document.spec.get(key) or Map()).get("type") if document.kind != "ComponentType" else None
        if not isinstance(by_type, Map):
            continue
        for name in by_type:
            if name not in types and ("ComponentType", name) not in broken:
                _unknown("component type", name, types, by_type.key_place(name), diagnostics)


def _check_workloads(
    document: Document, applications: Mapping[str, Document], types: Mapping[str, ComponentType], broken: set[tuple[str, str]], diagnostics: Diagnostics
) -> None:
    """Each workload of an application or overlay against the fields of its type, which must be one."""
    from gitopsc.spec.schema import check_workload, fragments

    owner = document.name if document.kind == "Application" else str(document.data["metadata"].get("application"))
    base = applications.get(owner)
    for fragment in fragments(document):
        known = (base.spec.get("workloads") or {}).get(fragment.name) if base is not None else None
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


def _item_place(document: Document, key: str, item: str) -> Place | None:
    items = document.data.get(key)
    if isinstance(items, list) and item in items and hasattr(items, "place"):
        place: Place | None = items.place(items.index(item))
        return place
    return document.data.place(key)


def _unknown(what: str, name: str, known: Iterable[str], place: Place | None, diagnostics: Diagnostics, of: str = "") -> None:
    article = "an" if what[0] in "ae" else "a"
    diagnostics.error(
        f"unknown-{what.rsplit(maxsplit=1)[-1]}", f"expected the name of {article} {what}{of} here, found '{name}'", place, hint=near(name, known)
    )


def near(name: str, known: Iterable[str]) -> str:
    """``did you mean 'x'?``, or what there is."""
    names = sorted(str(item) for item in known)
    close = get_close_matches(name, names, 1, 0.6)
    if close:
        return f"did you mean '{close[0]}'?"
    return f"there is: {', '.join(names[:12])}{', …' if len(names) > 12 else ''}" if names else "there is none yet"


def _merge_keys(spec: Map) -> dict[tuple[str, str, tuple[str, ...]], str]:
    out = {}
    for item in spec.get("mergeKeys") or ():
        if isinstance(item, dict):
            out[(str(item.get("group", "")), str(item.get("kind")), tuple(str(item.get("path")).split(".")))] = str(item.get("key"))
    return out


def exclude_of(root_file: bytes, limits: Limits = DEFAULT) -> Sequence[str]:
    """``Workspace.spec.exclude`` of gitopsc.yaml with its places, read before anything else; () where it cannot be read (the reading proper will tell)."""
    for document in read_documents(ROOT, root_file, Diagnostics(), limits):
        if document.kind == "Workspace":
            exclude = document.spec.get("exclude")
            return exclude if isinstance(exclude, Seq) and all(isinstance(item, str) for item in exclude) else as_names(exclude)
    return ()
