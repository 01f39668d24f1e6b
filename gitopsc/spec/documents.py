"""Files of the workspace to documents: bytes, characters, YAML, and what every document begins with."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from gitopsc.diagnostics import Diagnostic, Diagnostics, Place
from gitopsc.limits import DEFAULT, Limits
from gitopsc.spec.characters import check_characters, decode
from gitopsc.spec.emitted import emitted
from gitopsc.spec.reader import MOST_FINDINGS, REFUSED, Root, read_roots
from gitopsc.values import Map, Seq, plain

GROUP = "gitopsc.dev"
API_VERSION = f"{GROUP}/v1alpha1"
EXCLUDE = "name the file in `exclude` of gitopsc.yaml if it is not for gitopsc"
FORGIVEN = frozenset({"key-not-text", "bare-key", "number-out-of-range"})
"""What documents of another apiVersion may do: they are left alone."""


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a file. ``index``: its place among the file's documents, from 0. ``faulty``: something in it was refused and
    is left out of ``data``. ``partial``: reading stopped inside it, so ``data`` is what came before; its name is worth something, its shape is not.
    """

    file: str
    index: int
    data: Map
    faulty: bool = False
    partial: bool = False

    @property
    def api_version(self) -> str:
        """``gitopsc.dev/v1alpha1``; "" where absent or not text."""
        return _text(self.data, "apiVersion")

    @property
    def kind(self) -> str:
        """``Application``; "" where absent or not text."""
        return _text(self.data, "kind")

    @property
    def name(self) -> str:
        """``metadata.name``; "" where absent or not text."""
        return _text(self.data.get("metadata"), "name")

    @property
    def spec(self) -> Map:
        """The mapping under ``spec``, an empty one where it is absent or something else."""
        spec = self.data.get("spec")
        return spec if isinstance(spec, Map) else Map(at=self.data.place("spec"))


def _text(data: object, key: str) -> str:
    value = data.get(key) if isinstance(data, dict) else None
    return value if isinstance(value, str) else ""


def read_documents(file: str, data: bytes, diagnostics: Diagnostics, limits: Limits = DEFAULT) -> list[Document]:
    """The documents of one file, those of other programs included; [] for an empty file.

    Everything wrong goes to ``diagnostics`` with its place; a document with errors is still returned, marked, as far as it was read.
    Loaded trees share what aliases share: nobody may change them.
    """
    text = _decoded(file, data, diagnostics, limits)
    if text is None:
        return []
    found = Diagnostics()
    clean = check_characters(file, text, found)
    documents = []
    for index, root in enumerate(read_roots(file, clean, limits)):
        if (document := _document(file, index, root, found)) is not None:
            documents.append(document)
        if len(found) >= MOST_FINDINGS:
            break
    if clean is not text:
        documents = [replace(document, faulty=True) for document in documents]
    if found and GROUP not in text:
        found = Diagnostics(
            replace(item, hint=f"{item.hint}; or {EXCLUDE}" if item.hint and EXCLUDE not in item.hint else item.hint or EXCLUDE) for item in found
        )
    diagnostics.extend(found)
    return documents


def read_plain(file: str, data: bytes, diagnostics: Diagnostics, limits: Limits = DEFAULT) -> list[dict[str, Any]]:
    """What ``read_documents`` gives for a file of manifests, in plain dicts and lists without places: quick for what our own emitter wrote."""
    if len(data) <= limits.spec_bytes:
        found = emitted(data, limits.depth)
        version = found.get("apiVersion") if found else None
        if found and isinstance(version, str) and not _near_ours(version):
            return [found]
    return [plain(document.data) for document in read_documents(file, data, diagnostics, limits)]


def _decoded(file: str, data: bytes, diagnostics: Diagnostics, limits: Limits) -> str | None:
    if len(data) > limits.spec_bytes:
        too_large(file, len(data), limits, diagnostics)
        return None
    found = Diagnostics()
    text = decode(file, data, found)
    diagnostics.extend(replace(item, hint=f"{item.hint}; or {EXCLUDE}") for item in found)
    return text


def too_large(file: str, size: int, limits: Limits, diagnostics: Diagnostics) -> None:
    """Report a file beyond the limit."""
    message = f"expected a file of at most {_size(limits.spec_bytes)}, found {_size(size)}"
    diagnostics.error("file-too-large", message, Place(file, 1, 1), hint=f"split it; or {EXCLUDE}")


def _size(count: int) -> str:
    if count >= 1 << 20:
        return f"{count / (1 << 20):.4g} MiB"
    return f"{count / 1024:.4g} KiB" if count >= 1024 else f"{count} bytes"


def _document(file: str, index: int, root: Root, diagnostics: Diagnostics) -> Document | None:
    data = root.value
    foreign = isinstance(data, Map) and isinstance(data.get("apiVersion"), str) and not _near_ours(data["apiVersion"])
    mine = Diagnostics(item for item in root.diagnostics if not (item.code in FORGIVEN and (foreign or _is_field(data, item))))
    if not foreign and not root.empty and data is not REFUSED and not (root.partial and mine):
        _check_beginning(root, mine)
    diagnostics.extend(mine)
    if not isinstance(data, Map) or (root.partial and "kind" not in data):
        return None
    return Document(file, index, data, faulty=bool(mine), partial=root.partial)


def _is_field(data: object, found: Diagnostic) -> bool:
    """Whether a key that some readers take for a boolean is a field's name (``on`` of an alert): here it can be nothing else."""
    if found.code != "bare-key":
        return False
    from gitopsc.spec.fields import names_field

    return names_field(_text(data, "kind"), found.path)


def _check_beginning(root: Root, diagnostics: Diagnostics) -> None:
    data = root.value
    hint = f"begin it with `apiVersion: {API_VERSION}`, or {EXCLUDE}"
    if not isinstance(data, Map):
        found = "a list" if isinstance(data, Seq) else "null" if data is None else f"the text '{data[:40]}'" if isinstance(data, str) else f"{data}"
        diagnostics.error("not-a-document", f"expected a mapping with an apiVersion, found {found}", root.at, hint=hint)
    elif "apiVersion" not in data:
        diagnostics.error("not-a-document", "expected a document with an apiVersion, found a mapping without it", root.at, hint=hint)
    elif not isinstance(data["apiVersion"], str):
        message = f"expected the text {API_VERSION}, found {_what(data, 'apiVersion')}"
        diagnostics.error("not-a-document", message, data.place("apiVersion"), hint=hint, path="apiVersion")
    elif data["apiVersion"] != API_VERSION:
        message = f"expected {API_VERSION}, found '{data['apiVersion']}'"
        diagnostics.error("unknown-version", message, data.place("apiVersion"), hint=f"write `apiVersion: {API_VERSION}`, or {EXCLUDE}", path="apiVersion")
    else:
        _check_name(data, diagnostics)


def _check_name(data: Map, diagnostics: Diagnostics) -> None:
    """A name that is a number or a boolean is reported, and taken as the text that was meant: nothing else complains of it."""
    metadata = data.get("metadata")
    if not isinstance(metadata, Map) or metadata.get("name") is None or isinstance(metadata["name"], (str, Map, Seq)):
        return
    text = metadata.raw.get("name", "")
    message = f"expected a name that is text, found {_what(metadata, 'name')}"
    diagnostics.error("not-text", message, metadata.place("name"), hint=f'quote it: "{text}"', path="metadata.name")
    metadata["name"] = text
    metadata.raw.pop("name", None)


def _what(data: Map, key: str) -> str:
    value = data[key]
    if isinstance(value, (Map, Seq)):
        return "a mapping" if isinstance(value, Map) else "a list"
    kind = {bool: "the boolean ", type(None): ""}.get(type(value), "the number ")
    return f"{kind}{data.raw.get(key) or 'nothing'}"


@cache
def _near_ours(api_version: str) -> bool:
    """Whether it is ours, or was meant to be: ``gitopsc.dev/v1``, ``gitops.dev/v1alpha1``."""
    group = api_version.partition("/")[0].lower()
    if group.startswith("gitopsc"):
        return True
    if not group.startswith("gito"):
        return False
    from difflib import SequenceMatcher

    return SequenceMatcher(None, group, GROUP).ratio() > 0.85
