"""``gitopsc bump``: a new image into the spec, exactly those characters and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gitopsc.diagnostics import Invalid, Place
from gitopsc.options import Options
from gitopsc.report.result import Result, empty
from gitopsc.spec.documents import Document
from gitopsc.spec.edit import replace_scalar
from gitopsc.spec.files import write_file
from gitopsc.spec.normalise import image_map
from gitopsc.values import Map
from gitopsc.workspace import finished, open_folder, selected_applications

KIND = "BumpResult"


def bump(options: Options, application: str, image: str) -> Result:
    """Every use of the image's repository in the application and its overlays gets the new tag and digest.

    Raises ``Invalid`` where the reference is wrong or nothing uses the repository; writes each file whole or not at all.
    """
    new = image_map(image, None)
    if "${" in image or not new.get("repository") or not (new.get("tag") or new.get("digest")):
        raise Invalid(f"expected an image with a tag or a digest, found '{image}'", hint="for example ghcr.io/acme/api:1.4.3", code="bad-image")
    opened = open_folder(options)
    diagnostics, stop = finished(opened.diagnostics, options)
    if stop or opened.workspace is None:
        return empty(KIND, diagnostics, opened.sources(diagnostics))
    selected_applications(opened.workspace, [application])
    documents = [opened.workspace.applications[application], *(o.document for o in opened.workspace.overlays.get(application, ()))]
    edits = [edit for document in documents for edit in _edits(document, new, image)]
    if not edits:
        used = sorted({name for document in documents for name in _repositories(document)})
        raise Invalid(
            f"expected '{application}' to use an image of the repository '{new['repository']}', found none",
            hint=f"it uses {', '.join(used)}" if used else "it names no image yet",
            code="unknown-image",
        )
    changed = _write(opened.root, {file: _edited(opened.files.read(file), file, edits) for file in sorted({place.file for place, _, _ in edits})}, opened)
    places = [{"file": p.file, "line": p.line, "column": p.column, "before": old, "after": text} for p, old, text in sorted(edits)]
    lines = [f"{p.file}:{p.line}:{p.column}: {old} → {text}" for p, old, text in sorted(edits) if old != text]
    return Result(KIND, {"changed": changed, "places": places}, diagnostics, text="\n".join(lines or ["already there"]) + "\n")


Edit = tuple[Place, str, str]
"""Where a scalar stands, what it says, what it will say."""


def _images(node: Any) -> Iterator[tuple[Map, str]]:
    """(the map that holds it, its key) of every ``image`` in a specification."""
    if isinstance(node, Map):
        for key, value in node.items():
            if key == "image" and isinstance(value, (str, Map)):
                yield node, key
            else:
                yield from _images(value)


def _repositories(document: Document) -> Iterator[str]:
    for holder, key in _images(document.spec.get("workloads")):
        value = holder[key]
        yield str((image_map(value, None) if isinstance(value, str) else value).get("repository") or "?")


def _edits(document: Document, new: Map, image: str) -> Iterator[Edit]:
    """The edits of one document: a string is replaced, of a map the tag and the digest it has."""
    seen: set[Place] = set()
    for holder, key in _images(document.spec.get("workloads")):
        value, place = holder[key], holder.place(key)
        if isinstance(value, str):
            if place is not None and place not in seen and image_map(value, None).get("repository") == new["repository"]:
                seen.add(place)
                yield place, value, image
        elif isinstance(value, Map) and value.get("repository") == new["repository"]:
            yield from _map_edits(value, new, seen)


def _map_edits(value: Map, new: Map, seen: set[Place]) -> Iterator[Edit]:
    for key in ("tag", "digest"):
        place = value.places.get(key)
        if (key in value and new.get(key) is None) or (key in new and key not in value):
            raise Invalid(
                f"expected tag and digest as they are written at {value.at}, found {'no ' if key not in new else 'a '}{key} in the new image",
                hint="change that image by hand: only existing characters are replaced",
                code="bad-image",
            )
        if key in value and place is not None and place not in seen:
            seen.add(place)
            yield place, str(value[key]), str(new[key])


def _edited(data: bytes, file: str, edits: list[Edit]) -> bytes:
    text = data.decode("utf-8")
    for place, old, new in sorted((e for e in edits if e[0].file == file), reverse=True):
        if old != new:
            text = replace_scalar(text, place, old, new)
    return text.encode("utf-8")


def _write(root: Path, texts: dict[str, bytes], opened: Any) -> bool:
    """Each file replaced by rename, so that it is never half written. Whether any changed."""
    changed = False
    for file, data in texts.items():
        if opened.files.read(file) == data:
            continue
        changed = True
        write_file(root, file, data)
    return changed
