"""Component types: those that gitopsc ships and those of the workspace, with everything they inherit. No privilege for either."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from gitopsc.diagnostics import Diagnostics, Invalid
from gitopsc.spec.discover import Files
from gitopsc.spec.documents import Document, read_documents
from gitopsc.spec.kinds import BUILT_IN, ComponentType, TypeTemplate, as_names, name_place
from gitopsc.values import Map

ROOT_TYPE = "workload"


@cache
def built_in_types() -> Mapping[str, ComponentType]:
    """The types under ``templates/``, by name."""
    diagnostics = Diagnostics()
    folder = resources.files("gitopsc").joinpath("_templates")
    documents: dict[str, Document] = {}
    texts: dict[str, str] = {}
    for entry in sorted(folder.iterdir(), key=lambda item: item.name):
        if not entry.is_dir() or not entry.joinpath("type.yaml").is_file():
            continue
        file = f"gitopsc:templates/{entry.name}/type.yaml"
        document = read_documents(file, entry.joinpath("type.yaml").read_bytes(), diagnostics)[0]
        documents[document.name] = document
        for template in document.spec.get("templates") or ():
            texts[f"gitopsc:templates/{entry.name}/{template['file']}"] = entry.joinpath(template["file"]).read_text(encoding="utf-8")
    out: dict[str, ComponentType] = {}
    for name in (ROOT_TYPE, *BUILT_IN):
        out[name] = _flatten(documents[name], out, lambda file, written: texts[f"{file.rpartition('/')[0]}/{written}"], diagnostics)
    if diagnostics:
        raise AssertionError(f"a type that gitopsc ships is wrong: {diagnostics}")
    return out


def load_types(documents: list[Document], files: Files, broken: set[tuple[str, str]], diagnostics: Diagnostics) -> dict[str, ComponentType]:
    """The workspace's types over the built-in ones, bases first. Unknown bases and cycles are errors."""
    from gitopsc.spec.load import near

    out = dict(built_in_types())
    waiting = {d.name: d for d in documents}
    for name in sorted(set(waiting) & set(out)):
        diagnostics.error(
            "duplicate-name", f"expected a name of its own, found the name of the built-in type '{name}'", name_place(waiting[name]), hint="rename the type"
        )
        del waiting[name]
    progress = True
    while waiting and progress:
        progress = False
        for name in sorted(waiting):
            base = waiting[name].spec.get("extends")
            if base is None or base in out:
                document = waiting.pop(name)
                progress = True
                out[name] = _flatten(document, out, lambda file, written, d=document: _read(files, d, written, diagnostics), diagnostics)
    for name, document in sorted(waiting.items()):
        base = str(document.spec.get("extends"))
        broken.add(("ComponentType", name))
        if ("ComponentType", base) in broken and base not in waiting:
            continue
        what = "found a cycle" if base in waiting else f"found '{base}'"
        diagnostics.error(
            "unknown-type", f"expected 'extends' to name a type that ends at a built-in one, {what}", document.spec.place("extends"), hint=near(base, out)
        )
    return out


def _read(files: Files, document: Document, written: str, diagnostics: Diagnostics) -> str:
    """A template file of the workspace, beside the type's document."""
    from gitopsc.spec.discover import beside

    place = document.spec.place("templates")
    try:
        path = beside(document.file, written)
        return files.read(path).decode("utf-8")
    except (Invalid, UnicodeDecodeError) as error:
        found = error.diagnostics[0] if isinstance(error, Invalid) else None
        message = found.message if found else "expected text in UTF-8"
        diagnostics.error("unreadable-template", f"template '{written}': {message}", place, hint=found.hint if found else "save the file as UTF-8")
        return ""


def _flatten(document: Document, known: Mapping[str, ComponentType], read: Any, diagnostics: Diagnostics) -> ComponentType:
    spec = document.spec
    base = known.get(str(spec.get("extends"))) if spec.get("extends") is not None else None
    templates = {t.name: t for t in base.templates} if base else {}
    for template in _own_templates(document, read):
        templates[template.name] = template
    schema = Map(base.schema) if base else Map()
    own = spec.get("schema")
    if isinstance(own, Map):
        schema = Map({**schema, **own, "properties": {**(schema.get("properties") or {}), **(own.get("properties") or {})}})
    profiles = spec.get("profiles")
    defaults = spec.get("defaults")
    name = document.name
    return ComponentType(
        name=name,
        extends=base.name if base else None,
        base=name if name in BUILT_IN or base is None else base.base if base.base in BUILT_IN else name,
        lineage=(*(base.lineage if base else ()), name),
        abstract=spec.get("abstract") is True,
        kinds=tuple(dict.fromkeys((*(base.kinds if base else ()), *as_names(spec.get("kinds"))))),
        templates=tuple(templates.values()),
        profiles=(*(base.profiles if base else ()), *([profiles] if isinstance(profiles, Map) else [])),
        defaults=(
            *(base.defaults if base else ()),
            *_schema_defaults(name, own),
            *([(f"ComponentType {name}", defaults)] if isinstance(defaults, Map) else []),
        ),
        schema=schema,
        document=document,
        description=str(spec.get("description") or ""),
        tests=tuple(spec.get("tests") or ()),
    )


def _schema_defaults(name: str, schema: Any) -> list[tuple[str, Map]]:
    """What ``default`` says of the fields that a type adds: a layer like its ``defaults``, below them."""
    properties = schema.get("properties") if isinstance(schema, Map) else None
    out = Map((), schema.at if isinstance(schema, Map) else None)
    for field, one in properties.items() if isinstance(properties, Map) else ():
        if isinstance(one, Map) and "default" in one:
            out.put(field, one["default"], one.place("default"))
    return [(f"ComponentType {name} schema", out)] if out else []


def _own_templates(document: Document, read: Any) -> list[TypeTemplate]:
    spec = document.spec
    out = []
    if isinstance(spec.get("template"), str):
        place = spec.place("template")
        out.append(TypeTemplate("template", spec["template"], document.file, (place.line + 1) if place else 1))
    folder = document.file.rpartition("/")[0]
    for item in spec.get("templates") or ():
        if not isinstance(item, dict):
            continue
        if isinstance(item.get("file"), str):
            file = f"{folder}/{item['file']}" if folder else item["file"]
            out.append(TypeTemplate(str(item.get("name") or item["file"]), read(document.file, item["file"]), file, 1, item.get("when")))
        elif isinstance(item.get("inline"), str):
            place = item.place("inline") if isinstance(item, Map) else None
            out.append(
                TypeTemplate(str(item.get("name") or f"inline-{len(out)}"), item["inline"], document.file, (place.line + 1) if place else 1, item.get("when"))
            )
    return out
