"""``gitopsc types``: the component types with their fields, and their golden cases."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import unified_diff
from pathlib import Path
from typing import Any

from gitopsc.diagnostics import Diagnostics, Invalid
from gitopsc.golden import Case, Outcome, Shipped, cases, own_documents, run, shipped_types
from gitopsc.options import Options
from gitopsc.report.result import Result, empty
from gitopsc.spec.component_types import ROOT_TYPE, built_in_types
from gitopsc.spec.discover import Files, Folder, find_root
from gitopsc.spec.documents import Document
from gitopsc.spec.files import write_file
from gitopsc.spec.kinds import API_VERSION, BUILT_IN, ComponentType
from gitopsc.spec.load import ROOT, exclude_of, read_all
from gitopsc.spec.schema import check_document
from gitopsc.workspace import finished, open_folder

KIND = "TypesResult"


def list_types(options: Options) -> Result:
    """Every type with what it extends, the kinds it may make and the fields that are its own; outside of a workspace those that gitopsc ships."""
    if not _in_a_workspace(options):
        return _listed(built_in_types(), Result(KIND, {}))
    opened = open_folder(options)
    found, _ = finished(opened.diagnostics, options)
    stopped = empty(KIND, found, opened.sources(found))
    return stopped if opened.workspace is None else _listed(opened.workspace.types, stopped)


def _in_a_workspace(options: Options) -> bool:
    try:
        find_root(options.directory)
    except Invalid:
        return False
    return True


def _listed(types: Mapping[str, ComponentType], found: Result) -> Result:
    rows = [_row(kind) for kind in types.values()]
    lines = []
    for row in rows:
        base = types.get(str(row["extends"]))
        added = [kind.partition(".")[0] for kind in row["kinds"] if base is None or kind not in base.kinds]
        lines += [f"{row['name']}{f' (extends {base.name})' if base else ''}: {row['description'] or row['file']}"]
        lines += [f"  makes: {', '.join(added)}"] if added else []
        lines += [f"  fields of its own: {', '.join(field['name'] for field in row['fields'])}"] if row["fields"] else []
    return Result(KIND, {"types": rows}, found.diagnostics, text="".join(f"{line}\n" for line in lines), sources=found.sources)


def _row(kind: ComponentType) -> dict[str, Any]:
    return {
        "name": kind.name,
        "extends": kind.extends,
        "abstract": kind.abstract,
        "kinds": list(kind.kinds),
        "fields": _own_fields(kind),
        "description": kind.description,
        "file": kind.document.file,
    }


def _own_fields(kind: ComponentType) -> list[dict[str, Any]]:
    """The fields that workloads of the type have and those of others may not: of a built-in type what not all have, else what its schema adds."""
    if kind.built_in:
        from gitopsc.spec.fields import fields_of
        from gitopsc.spec.published import rows

        if kind.name not in BUILT_IN:
            return []
        every = frozenset.intersection(*(fields_of(base) for base in BUILT_IN))
        own = fields_of(kind.name) - every
        return [{"name": row.path, "type": row.type, "description": row.description} for row in rows("workload") if row.path in own]
    properties = kind.schema.get("properties")
    return [
        {"name": name, "type": schema.get("type"), "default": schema.get("default"), "description": schema.get("description") or ""}
        for name, schema in (properties.items() if isinstance(properties, dict) else ())
        if isinstance(schema, dict)
    ]


def test_types(options: Options, update: bool) -> Result:
    """Render the golden cases of the workspace's types (outside of a workspace of those that gitopsc ships) and compare byte for byte.

    A difference is status 1. With ``update`` the golden files become what was rendered, unless anything has errors: then none is touched.
    Raises ``Invalid`` for paths that leave the workspace, ``Failure`` where a file cannot be written.
    """
    diagnostics = Diagnostics()
    root = find_root(options.directory) if _in_a_workspace(options) else None
    if root is None and update:
        raise Invalid("expected a workspace whose golden files can be written, found none", hint="-C names its folder")
    files: Files = Shipped()
    shared: list[Document] = []
    if root is not None:
        plain = Folder(root, (), Diagnostics(), options.limits)
        files = Folder(root, exclude_of(plain.read(ROOT), options.limits), diagnostics, options.limits)
        shared = own_documents(read_all(files, diagnostics, options.limits))
    types = [d for d in shared if d.api_version == API_VERSION] if root is not None else shipped_types()
    fine = [document for document in types if root is None or check_document(document, diagnostics)]
    outcomes = run(files, shared, [case for document in fine for case in cases(document)], options)
    found, stop = finished([*diagnostics, *(item for outcome in outcomes for item in outcome.diagnostics)], options)
    written = _write(root, outcomes) if update and root is not None and not stop else frozenset()
    result = _tested([document.name for document in types], outcomes, written)
    return Result(KIND, result.data, found, text=result.text, status=result.status, sources=_sources(files, found))


def _sources(files: Files, found: Iterable[Any]) -> dict[str, str]:
    out = {}
    for file in {item.place.file for item in found if item.place is not None}:
        try:
            out[file] = files.read(file).decode("utf-8", "replace")
        except Invalid:
            continue
    return out


def _write(root: Path, outcomes: Sequence[Outcome]) -> frozenset[Case]:
    changed = [(outcome.case, outcome.text) for outcome in outcomes if outcome.text is not None and outcome.text != outcome.expected]
    for case, text in changed:
        write_file(root, case.golden, text)
    return frozenset(case for case, _ in changed)


def _tested(types: Sequence[str], outcomes: Sequence[Outcome], written: frozenset[Case]) -> Result:
    """What the cases came to, as data and as text."""
    data, lines = [], []
    different = 0
    for name in types:
        tests = []
        for outcome in (one for one in outcomes if one.case.type == name):
            case = outcome.case
            what = "failed" if outcome.text is None else "written" if case in written else "passed" if outcome.text == outcome.expected else "different"
            difference = _difference(outcome) if what == "different" else ""
            different += what == "different"
            tests.append({"name": case.name, "input": case.input, "golden": case.golden, "result": what, "difference": difference})
            lines += [f"{name}: {case.name}: {what}", *difference.splitlines()]
        data.append({"name": name, "tests": tests})
        lines += [] if tests or name == ROOT_TYPE else [f"{name}: no cases"]
    if different:
        lines.append("`gitopsc types test --update` writes what is rendered as what is expected")
    text = "".join(f"{line}\n" for line in lines or ["no component types in this workspace"])
    return Result(KIND, {"types": data}, text=text, status=1 if different else 0)


def _difference(outcome: Outcome) -> str:
    """A unified diff from what is expected to what was rendered."""
    if outcome.expected is None or outcome.text is None:
        return f"there is no {outcome.case.golden} yet"
    before, after = outcome.expected.decode("utf-8", "backslashreplace").split("\n"), outcome.text.decode("utf-8").split("\n")
    return "\n".join(unified_diff(before, after, outcome.case.golden, "rendered", lineterm=""))
