"""Component types: those that gitopsc ships and those of the workspace, with everything they inherit. No privilege for either."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

from gitopsc.diagnostics import Diagnostics, Invalid, Place
from gitopsc.spec.discover import Files
from gitopsc.spec.documents import Document, read_documents
from gitopsc.spec.kinds import BUILT_IN, ComponentType, TypeTemplate, as_names, name_place
from gitopsc.values import Map

ROOT_TYPE = "workload"

Read = Callable[[str, str, Place | None], tuple[str, str]]
"""(file that names it, path as written, where) → (path from the root, text)."""


@cache
def built_in_types() -> Mapping[str, ComponentType]:
    """The types under ``templates/``, by name."""
    diagnostics = Diagnostics()
    folder = Path(__file__).parent.parent / "_templates"  # importlib.resources would cost a build some 10 ms
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
        out[name] = _flatten(documents[name], out, lambda file, written, _: (path := f"{file.rpartition('/')[0]}/{written}", texts[path]))
    if diagnostics:
        raise AssertionError(f"a type that gitopsc ships is wrong: {diagnostics}")
    return out


def load_types(documents: list[Document], files: Files, broken: set[tuple[str, str]], diagnostics: Diagnostics) -> dict[str, ComponentType]:
    """The workspace's types over the built-in ones, bases first. Unknown bases and cycles are errors."""
    from gitopsc.spec.nearest import near

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
                document, mine, progress = waiting.pop(name), Diagnostics(), True
                kind = _flatten(document, out, partial(_read, files, mine))
                diagnostics += mine
                if mine:
                    broken.add(("ComponentType", name))
                else:
                    out[name] = kind
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


def _read(files: Files, diagnostics: Diagnostics, file: str, written: str, place: Place | None) -> tuple[str, str]:
    """(path, text) of a file of the workspace that ``file`` names at ``place``; what is wrong with it is told."""
    from gitopsc.spec.discover import beside

    try:
        path = beside(file, written)
        return path, files.read(path).decode("utf-8")
    except (Invalid, UnicodeDecodeError) as error:
        found = error.diagnostics[0] if isinstance(error, Invalid) else None
        message = found.message if found else "expected text in UTF-8"
        diagnostics.error("unreadable-template", f"template '{written}': {message}", place, hint=found.hint if found else "save the file as UTF-8")
        return "", ""


def _flatten(document: Document, known: Mapping[str, ComponentType], read: Read) -> ComponentType:
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


def _own_templates(document: Document, read: Read) -> list[TypeTemplate]:
    spec = document.spec
    out = []
    if isinstance(spec.get("template"), str):
        line, indent = _where(spec, "template", document.file, read)
        out.append(TypeTemplate("template", spec["template"], document.file, line, None, indent))
    for item in spec.get("templates") or ():
        if not isinstance(item, Map):
            continue
        when, name = item.get("when"), item.get("name")
        if isinstance(item.get("file"), str):
            path, text = read(document.file, item["file"], item.place("file"))
            out.append(TypeTemplate(str(name or item["file"]), text, path, 1, when))
        elif isinstance(item.get("inline"), str):
            line, indent = _where(item, "inline", document.file, read)
            out.append(TypeTemplate(str(name or f"inline-{len(out)}"), item["inline"], document.file, line, when, indent))
    return out


def _where(holder: Map, key: str, file: str, read: Read) -> tuple[int, int]:
    """(first line, indent) of a template that stands in the type's own document."""
    place, text = holder.place(key), holder[key]
    if place is None:
        return 1, 0
    lines = read(file, file.rpartition("/")[2], place)[1].split("\n")[place.line - 1 :]
    if not lines or lines[0][place.column - 1 : place.column] not in ("|", ">"):
        return place.line, 0
    written, said = (next((line for line in found if line.strip()), "") for found in (lines[1:], text.split("\n")))
    return place.line + 1, _margin(written) - _margin(said)


def _margin(line: str) -> int:
    return len(line) - len(line.lstrip(" "))
