"""Whether documents and workloads have the shape that ``schemas/`` says, and what to tell where they have not.

Valid input costs one call of a compiled validator. Only what is wrong is looked at in Python, to say it well (``mistakes.py``).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from gitopsc.diagnostics import Diagnostics, Place
from gitopsc.spec import written
from gitopsc.spec.documents import API_VERSION, Document
from gitopsc.spec.fields import FILES, container_fields, fields, fields_of, foreign_fields, own_fields, types_with
from gitopsc.spec.merge import dotted
from gitopsc.spec.nearest import nearest
from gitopsc.spec.type_schema import check_type_schema, own_words
from gitopsc.spec.written import Bundle, Schema
from gitopsc.values import Map, Path

__all__ = [
    "Fragment",
    "check_defaults",
    "check_document",
    "check_workload",
    "container_fields",
    "fields",
    "fields_of",
    "foreign_fields",
    "fragments",
    "own_fields",
]

CRONJOB_NAME = 52
WORKLOAD = frozenset({"workload.json"})


class _Check(NamedTuple):
    schema: Schema
    validator: Any


class Fragment(NamedTuple):
    """A part of a document that has a workload's shape: ``path`` to it; ``name`` of the workload, or null for defaults; ``type`` as
    written there, or as ``defaults.type.<type>`` says it; ``place`` of its key.
    """

    path: Path
    name: str | None
    type: str | None
    spec: Map
    place: Place | None = None


def check_document(document: Document, diagnostics: Diagnostics) -> bool:
    """Whether one of our documents has its kind's shape. What is inside workloads and defaults of workloads is not looked at: that is
    for ``check_workload`` and ``check_defaults``, which know the types. Every mistake goes to ``diagnostics``.
    """
    if document.partial:
        return False
    before = len(diagnostics)
    if document.api_version.startswith("score.dev/"):
        _not_supported("score.dev documents", document, "apiVersion", diagnostics)
    elif document.api_version == API_VERSION and document.kind not in FILES:
        _unknown_kind(document, diagnostics)
    elif document.api_version == API_VERSION:
        _report(_document_check(document.kind), document.data, "", diagnostics, incomplete=document.faulty)
        if document.kind == "ComponentType":
            _check_type(document, diagnostics)
    return not document.faulty and not any(item.severity == "error" for item in diagnostics[before:])


def check_workload(
    spec: Map,
    *,
    base: str | None,
    extra: Mapping[str, Any] | None = None,
    path: str = "",
    diagnostics: Diagnostics,
    resolved: bool = False,
    strict_fields: bool = True,
    name: str | None = None,
    place: Place | None = None,
) -> bool:
    """Whether a workload has the shape of its type.

    ``base`` is the built-in type it descends from, null where any type may be meant; ``extra`` the JSON Schema of the fields that its
    type adds. As written, fields may be missing, and operators and references stand for values; ``resolved``: as it will be rendered.
    ``strict_fields``: a field that the type does not have is an error (in defaults it is skipped). ``name`` and ``place``: the
    workload's key, whose length depends on the type.
    """
    before = len(diagnostics)
    fields = json.dumps(extra, sort_keys=True) if extra and extra.get("properties") else ""
    foreign = foreign_fields(base, spec) if strict_fields and base is not None else []
    _report(_workload_check("" if resolved else "written", fields), spec, path, diagnostics, skipped=foreign)
    for where in foreign:
        from gitopsc.spec.mistakes import not_of_this_type

        not_of_this_type(where, str(base), types_with(where), spec, path, diagnostics)
    if base == "cronjob" and name is not None and len(name) > CRONJOB_NAME:
        message = f"expected a name of at most {CRONJOB_NAME} characters for a cronjob, found one of {len(name)}"
        diagnostics.error("bad-name", message, place or spec.at, hint="Kubernetes adds to it to name the jobs: shorten it", path=path)
    return not any(item.severity == "error" for item in diagnostics[before:])


def check_defaults(document: Document, extra: Mapping[str, Any], diagnostics: Diagnostics) -> bool:
    """Whether the workload defaults in a Workspace, Environment or ComponentType have a workload's shape, with the fields that ``extra``
    (a JSON Schema with the fields of all types of the workspace) adds.
    """
    results = [
        check_workload(fragment.spec, base=None, extra=extra, path=dotted(fragment.path), diagnostics=diagnostics)
        for fragment in fragments(document)
        if fragment.name is None
    ]
    return all(results)


def fragments(document: Document) -> Iterator[Fragment]:
    """Every part of a document that has a workload's shape, as far as it is a map."""
    spec = document.spec
    if document.kind in ("Application", "Overlay"):
        workloads = spec.get("workloads") or Map()
        for name, value in _maps(workloads):
            kind = value.get("type")
            yield Fragment(("spec", "workloads", name), name, kind if isinstance(kind, str) else None, value, workloads.key_place(name))
    elif document.kind == "ComponentType":
        if "provides" not in spec and isinstance(spec.get("defaults"), Map):
            yield Fragment(("spec", "defaults"), None, document.name, spec["defaults"])
        for profile, value in _maps(spec.get("profiles")):
            yield Fragment(("spec", "profiles", profile), None, document.name, value)
    for key in ("defaults", "enforced") if document.kind in ("Workspace", "Environment") else ():
        said = spec.get(key)
        if isinstance(said, Map):
            if isinstance(said.get("workload"), Map):
                yield Fragment(("spec", key, "workload"), None, None, said["workload"])
            for name, value in _maps(said.get("type")):
                yield Fragment(("spec", key, "type", name), None, name, value)


def _maps(value: Any) -> Iterator[tuple[str, Map]]:
    if isinstance(value, Map):
        for key, item in value.items():
            if isinstance(item, Map):
                yield key, item


@cache
def _document_check(kind: str) -> _Check:
    return _compiled(Bundle(opaque=WORKLOAD).root(FILES[kind]))


@cache
def _workload_check(layer: str, extra: str) -> _Check:
    own = {"type": own_words(json.loads(extra))} if extra else {}
    bundle = Bundle(own=own)
    schema = bundle.root("workload.json", written.LAYERS.get(layer, written.PLAIN))
    for name, field in (own["type"]["properties"] if own else {}).items():
        layered = written.LAYERS.get(layer, written.PLAIN)
        schema["properties"].setdefault(name, bundle.node(field, "type", layered, f"#/properties/{name}"))
    if own and not layer:
        schema["required"] = list(own["type"].get("required", ()))
    return _compiled(schema)


def _compiled(schema: Schema) -> _Check:
    import jsonschema_rs

    return _Check(schema, jsonschema_rs.Draft7Validator(schema, offline=True, pattern_options=jsonschema_rs.RegexOptions()))


def _report(check: _Check, data: Map, prefix: str, diagnostics: Diagnostics, *, incomplete: bool = False, skipped: Sequence[Path] = ()) -> None:
    """Tell what is wrong with ``data`` (see ``Report``)."""
    try:
        if check.validator.is_valid(data):
            return
    except ValueError:
        pass  # the validator takes plain scalars only, and there is an integer with a leading zero
    from gitopsc.spec.mistakes import Report, without_leading_zeros

    before, zeros = len(diagnostics), Diagnostics()
    checked = without_leading_zeros(data, prefix, zeros, skipped)
    Report(check.schema, data, prefix, incomplete, skipped).tell(check.validator.iter_errors(checked), diagnostics)
    told = {item.place for item in diagnostics[before:]}
    diagnostics += (item for item in zeros if item.place not in told)  # where no number may stand, its zeros are no matter


def _not_supported(what: str, document: Document, key: str, diagnostics: Diagnostics) -> None:
    message = f"'{document.data.get(key)}' is not supported by this version of gitopsc"
    hint = f"remove the document, or name its file in `exclude` of gitopsc.yaml: {what} come later"
    diagnostics.error("not-supported", message, document.data.place(key), hint=hint, path=key)


def _unknown_kind(document: Document, diagnostics: Diagnostics) -> None:
    data = document.data
    if "kind" not in data:
        diagnostics.error("missing-field", "expected 'kind' here, found nothing", data.at, hint=f"write `kind:` and one of {', '.join(FILES)}", path="kind")
    else:
        from gitopsc.spec.wording import found

        near = nearest(document.kind, FILES)
        hint = f"did you mean '{near}'?" if near else None
        message = f"expected one of {', '.join(FILES)}, found {found(data['kind'], data.raw.get('kind'))}"
        diagnostics.error("unknown-kind", message, data.place("kind"), hint=hint, path="kind")


def _check_type(document: Document, diagnostics: Diagnostics) -> None:
    """Whether the JSON Schema of a component type is one that can be used."""
    schema = document.spec.get("schema")
    if isinstance(schema, Map):
        check_type_schema(schema, document.spec.place("schema"), _refusal, diagnostics)


def _refusal(schema: Schema) -> tuple[Path, str] | None:
    """(place in the schema, reason) where the validator does not take it."""
    import jsonschema_rs

    try:
        _compiled(schema)
        _workload_check("written", json.dumps(schema, sort_keys=True) if schema.get("properties") else "")
    except jsonschema_rs.ValidationError as error:
        return tuple(error.instance_path), str(error.message).partition("\n")[0]
    return None
