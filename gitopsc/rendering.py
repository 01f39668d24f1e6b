"""``gitopsc render``: the manifests of one application in one environment, to standard output."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gitopsc.compile import Compiler
from gitopsc.diagnostics import Diagnostic, Diagnostics, Failure, Invalid, Place
from gitopsc.objects import Manifest
from gitopsc.options import Options
from gitopsc.report.result import Result, empty
from gitopsc.spec.leaves import leaves
from gitopsc.spec.paths import parse_sets
from gitopsc.values import plain
from gitopsc.workspace import finished, open_folder, selected_applications, selected_environments

KIND = "RenderResult"


def render_one(options: Options, application: str, environment: str, sets: tuple[str, ...], provenance: Path | None) -> Result:
    """Validated manifests as YAML documents; ``provenance`` names a file to write where each value came from to. Raises ``Invalid``."""
    opened = open_folder(options)
    diagnostics = Diagnostics(opened.diagnostics)
    manifests: list[Manifest] = []
    chosen = None
    if opened.workspace is not None:
        chosen = selected_environments(opened.workspace, [environment])
        names = selected_applications(opened.workspace, [application])
        if chosen and names:
            compiler = Compiler(opened.workspace, opened.files, options.limits, options.allow_missing_schema)
            _, manifests = compiler.manifests(application, chosen[0], diagnostics, parse_sets(sets))
    found, stop = finished(_of(diagnostics, application), options)
    if stop or not chosen:
        return empty(KIND, found, opened.sources(found))
    if provenance is not None:
        _write(provenance, manifests)
    return Result(KIND, {"objects": [plain(m.data) for m in manifests]}, found, text=as_text(manifests), sources=opened.sources(found))


def _of(diagnostics: Diagnostics, application: str) -> list[Diagnostic]:
    """What concerns this application: findings of others are not this command's business, errors of the workspace are."""
    return [d for d in diagnostics if d.application in (None, application)]


def as_text(manifests: list[Manifest]) -> str:
    """YAML documents, one an object."""
    from gitopsc.render.emit import dump

    return "---\n".join(dump(m.data) for m in manifests)


def _write(path: Path, manifests: list[Manifest]) -> None:
    """``provenance.json``: for each object, path → place of every leaf."""
    table: dict[str, Any] = {str(m.ref): {".".join(map(str, where)): _place(place) for where, _, place in leaves(m.data)} for m in manifests}
    try:
        path.write_text(json.dumps(table, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        if isinstance(error, (IsADirectoryError, FileNotFoundError)):
            raise Invalid(f"expected a file that can be written, found '{path.name}': {error.strerror}", hint="name another file") from error
        raise Failure(f"writing '{path.name}' failed: {error.strerror}", hint="free some space, or name another file") from error


def _place(place: Place | None) -> str | None:
    return str(place) if place else None
