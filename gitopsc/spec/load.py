"""The workspace's files as kinds: read, checked each on its own, tied to each other by name.

Every document is taken as far as it goes; one with errors stops here, named in ``Workspace.broken``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from gitopsc.diagnostics import Diagnostics, Invalid, Place
from gitopsc.limits import DEFAULT, Limits
from gitopsc.spec.component_types import load_types
from gitopsc.spec.discover import Files
from gitopsc.spec.documents import Document, read_documents
from gitopsc.spec.environments import check_alone, load_environments
from gitopsc.spec.health import check_health
from gitopsc.spec.kinds import API_VERSION, Workspace, as_names, name_place
from gitopsc.spec.ties import Key, check_order, check_order_cycle, tie_overlays
from gitopsc.spec.type_checks import check_defaults_of, check_workloads
from gitopsc.values import Map, Seq

ROOT = "gitopsc.yaml"
KINDS = ("Workspace", "Environment", "Application", "Overlay", "ComponentType", "Pipeline")

LENIENT = Map(
    {
        "allowUntagged": True, "allowMissingSchema": True, "latest": "allow", "plainSecrets": "allow", "secretLiterals": "allow", "deprecatedAPIs": "allow",
        "grants": Seq([Map({"kinds": Seq(["*"])}), Map({"kinds": Seq(["*"]), "namespaces": Seq(["*"])})]),
    }
)  # fmt: skip
"""A policy that allows everything."""

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


def assemble(documents: Iterable[Document], files: Files, diagnostics: Diagnostics, *, root: str = ROOT, applications: Iterable[str] = ()) -> Workspace | None:
    """The kinds out of documents that were read, the Workspace in the file ``root``. See ``load_workspace``.

    ``applications``: names of those that exist, too, and whose documents were not needed.
    """
    from gitopsc import kubernetes
    from gitopsc.spec.schema import check_document

    ours: dict[str, list[Document]] = {kind: [] for kind in KINDS}
    broken: set[tuple[str, str]] = set()
    faults: dict[Key, Diagnostics] = {}
    crds: dict[kubernetes.CustomKey, kubernetes.CustomKind] = {}
    for document in documents:
        if document.kind == "CustomResourceDefinition":
            crds.update(kubernetes.custom_kinds(document.data))
        if not document.api_version.startswith(("gitopsc.dev/", "score.dev/")):
            continue
        mine = Diagnostics()
        fine = check_document(document, mine)
        diagnostics += mine
        if document.kind in ours and not document.partial:
            ours[document.kind].append(document)
        if not fine:
            faults[document.file, document.index] = mine
            broken.add((document.kind, document.name))
    for kind in KINDS:
        ours[kind] = _unique(ours[kind], diagnostics)
    workspace = _workspace_document(ours["Workspace"], root, faults, broken, diagnostics)
    if workspace is None:
        return None
    names = {*applications, *(document.name for document in ours["Application"])}
    tied = _tie(workspace, ours, names, set(faults), crds, broken, files, diagnostics)
    return _with_pipelines(tied, [d for d in ours["Pipeline"] if (d.file, d.index) not in faults], applications, diagnostics)


def _tie(
    workspace: Document,
    ours: Mapping[str, list[Document]],
    names: set[str],
    faulty: set[Key],
    crds: Mapping[tuple[str, str, str], Any],
    broken: set[tuple[str, str]],
    files: Files,
    diagnostics: Diagnostics,
) -> Workspace:
    """Everything by name. Documents with faults in their shape are looked at for what else is wrong in them, and then left out.

    ``names``: those of all applications.
    """
    fine = {kind: [document for document in found if (document.file, document.index) not in faulty] for kind, found in ours.items()}
    version = workspace.spec.get("kubernetesVersion")
    kubernetes = minor_of(version, workspace.spec.place("kubernetesVersion"), Diagnostics() if version is None else diagnostics)
    check_health(workspace, diagnostics)
    types = load_types(fine["ComponentType"], files, broken, diagnostics)
    for document in [workspace, *ours["Environment"], *ours["ComponentType"]]:
        if not check_defaults_of(document, types, broken, diagnostics):
            broken.add((document.kind, document.name))
            types.pop(document.name if document.kind == "ComponentType" else "", None)
    check_alone([d for d in ours["Environment"] if d not in fine["Environment"]], [d.name for d in ours["Environment"]], diagnostics)
    environments = load_environments(workspace, fine["Environment"], kubernetes, broken, diagnostics)
    environments = {name: one for name, one in environments.items() if not any(("Environment", above) in broken for above in one.names)}
    applications = {document.name: document for document in ours["Application"]}
    for document in ours["Application"]:
        check_order(document, names, broken, diagnostics)
    check_order_cycle(applications, diagnostics)
    overlays = tie_overlays(ours["Overlay"], faulty, applications, names, set(environments), broken, diagnostics)
    for document in ours["Application"] + ours["Overlay"]:
        check_workloads(document, applications, types, broken, diagnostics)
    return Workspace(
        workspace, workspace.name, kubernetes, workspace.spec, environments, applications, overlays, types, crds, _merge_keys(workspace.spec), frozenset(broken)
    )


def _with_pipelines(workspace: Workspace, documents: list[Document], applications: Iterable[str], diagnostics: Diagnostics) -> Workspace:
    if not documents:
        return workspace
    from gitopsc.spec.pipelines import load_pipelines

    groups = workspace.spec.get("groups")
    names = {*workspace.applications, *applications}
    found = load_pipelines(documents, workspace.environments, names, groups if isinstance(groups, Map) else Map(), workspace.broken, diagnostics)
    return replace(workspace, pipelines=found)


def _usable(document: Document, faults: Diagnostics) -> Document:
    """A Workspace document without the parts that are wrong. Nothing is built from it, but the rest of the workspace is still looked at.

    Of a policy that is partly wrong nobody knows what it would allow: nothing is held against it.
    """
    wrong = {fault.place for fault in faults}
    spec = _without(document.spec, wrong)
    if "policy" in document.spec and _without(Map({"policy": document.spec["policy"]}), wrong) != {"policy": document.spec["policy"]}:
        spec["policy"] = LENIENT
    return replace(document, data=Map({**document.data, "spec": spec}, document.data.at))


def _without(value: Any, wrong: set[Place | None]) -> Any:
    """A tree without what was written at one of these places."""
    if not isinstance(value, Map):
        return value
    out = Map((), value.at)
    for key, item in value.items():
        inside = isinstance(item, Seq) and any(place in wrong for place in item.places)
        if value.places.get(key) not in wrong and value.keys_at.get(key) not in wrong and not inside:
            out.put(key, _without(item, wrong), value.places.get(key))
    out.keys_at, out.raw = value.keys_at, value.raw
    return out


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


def _workspace_document(
    found: list[Document], root: str, faults: Mapping[Key, Diagnostics], broken: set[tuple[str, str]], diagnostics: Diagnostics
) -> Document | None:
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
    if not here:
        return None
    found_wrong = faults.get((here[0].file, here[0].index))
    return here[0] if found_wrong is None else _usable(here[0], found_wrong)


def _unique(documents: list[Document], diagnostics: Diagnostics) -> list[Document]:
    """By kind and name, the first of each; another is an error that names both. Overlays may share names across applications."""
    seen: dict[tuple[str, str], Document] = {}
    out = []
    for document in sorted(documents, key=lambda d: (d.file, d.index)):
        metadata = document.data.get("metadata")
        scope = str(metadata.get("application")) if document.kind == "Overlay" and isinstance(metadata, Map) else ""
        first = seen.setdefault((scope, document.name), document) if document.name else document
        if first is not document:
            diagnostics.error(
                "duplicate-name",
                f"expected one {document.kind} named '{document.name}', found another at {name_place(first)}",
                name_place(document),
                hint="rename or remove one of them",
            )
            continue
        out.append(document)
    return out


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
