"""Incremental builds: what an earlier build found out is used again where nothing that it read has changed.

One file in the user's own cache folder, content-addressed: a target's key is a hash over everything it was made of (gitopsc itself,
the platform's documents, its environment's chain, the application's documents, the limits), and an entry holds for as long as the
files it read beside the specs are the same, too. Nothing is taken from the workspace's own folder: a pull request could put it there.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, overload

from gitopsc.cache import is_racy, read_checked, write_checked
from gitopsc.compile import Made, Target
from gitopsc.diagnostics import Diagnostic, Diagnostics, Place
from gitopsc.objects import ObjectRef
from gitopsc.options import Options
from gitopsc.repository.locks import Image
from gitopsc.repository.objects import blob_id
from gitopsc.spec.discover import Files
from gitopsc.spec.documents import Document, read_documents
from gitopsc.spec.kinds import API_VERSION

FileRecord = tuple[tuple[Any, ...], str, list[list[str]], str]
"""signature, sha256, what its documents are (below), its id in Git (sha1).

A document is ["app", name], ["overlay", application], ["environment", name], ["pipeline", name] or ["platform", ""]; ["needs", name] is another
application that one of them names.
"""


_KEY = 40
"""Hex digits of a half of a target's key."""


def _sha(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()


@dataclass(slots=True)
class Index:
    """What is remembered: files by path, targets by key, and what folders of the environment repository hold (see ``presence``)."""

    fingerprint: str
    files: dict[str, FileRecord] = field(default_factory=dict)
    targets: dict[str, Any] = field(default_factory=dict)
    locks: dict[str, Any] = field(default_factory=dict)


def load(folder: Path | None, current: str) -> Index:
    """The index in ``folder``; an empty one where there is none, it is damaged, or another gitopsc wrote it."""
    data = read_checked(folder / "index") if folder is not None else None
    if data is None or data[0] != current:
        return Index(current)
    return Index(current, data[1], data[2], data[3])


def save(folder: Path | None, index: Index) -> None:
    """Write the index whole, or not at all: a cache that cannot be written is no error."""
    if folder is not None:
        write_checked(folder / "index", (index.fingerprint, index.files, index.targets, index.locks))


@dataclass(slots=True)
class Sources:
    """The workspace's files of this run: their records, and the documents of those that had to be parsed."""

    records: dict[str, FileRecord]
    documents: dict[str, list[Document]]
    diagnostics: Diagnostics
    skipped: frozenset[str] = frozenset()
    listed: list[tuple[str, tuple[Any, ...]]] = field(default_factory=list)
    looked: int = 0

    def paths(self, *kinds: str, name: str | None = None) -> list[str]:
        """Files that have a document of one of these kinds (and name), sorted; test files of types left out."""
        return [
            path for path, record in self.records.items() if path not in self.skipped and any(k in kinds and (name is None or n == name) for k, n in record[2])
        ]

    def names(self, kind: str) -> list[str]:
        """The names of all documents of a kind, sorted."""
        return sorted({n for path, record in self.records.items() if path not in self.skipped for k, n in record[2] if k == kind})

    def in_order(self) -> frozenset[str]:
        """The applications whose ``dependsOn`` names others that are there and comes to an end; the rest must be looked at."""
        waiting: dict[str, set[str]] = {}
        for path, record in self.records.items():
            application = ""
            for kind, name in record[2] if path not in self.skipped else ():
                if kind == "app":
                    application = name
                    waiting.setdefault(name, set())
                elif kind == "needs":
                    waiting[application].add(name)
        done: set[str] = set()
        while ready := [name for name, needs in waiting.items() if needs <= done]:
            done.update(ready)
            for name in ready:
                del waiting[name]
        return frozenset(done)


def look(files: Files, index: Index, options: Options) -> Sources:
    """Look at every file: those whose signature is known are not read, those whose content is known are not parsed."""
    now = time.time_ns()
    records: dict[str, FileRecord] = {}
    sources = Sources(records, {}, Diagnostics(), looked=now)
    for source in files.list():
        sources.listed.append((source.path, source.signature))
        known = index.files.get(source.path)
        if known is not None and known[0] == source.signature:
            records[source.path] = known
            continue
        data = files.read(source.path)
        sha = hashlib.sha256(data).hexdigest()
        signature = ("racy",) if is_racy(source.signature, now) else source.signature
        if known is not None and known[1] == sha:
            records[source.path] = (signature, sha, known[2], known[3])
        else:
            parse(sources, source.path, data, options, signature, sha)
    return sources


def parse(sources: Sources, path: str, data: bytes, options: Options, signature: tuple[Any, ...], sha: str) -> None:
    """Read the documents of one file and note what they are. A file with findings is never taken as known."""
    mine = Diagnostics()
    documents = read_documents(path, data, mine, options.limits)
    sources.documents[path] = documents
    sources.diagnostics += mine
    sources.records[path] = (signature, f"!{sha}" if mine else sha, _tags(documents) + ([["platform", ""]] if mine else []), blob_id(data))


def _tags(documents: Iterable[Document]) -> list[list[str]]:
    out = []
    for document in documents:
        ours = document.api_version == API_VERSION
        if ours and document.kind == "Application":
            out.append(["app", document.name])
            others = document.spec.get("dependsOn")
            out += [["needs", other] for other in others if isinstance(other, str)] if isinstance(others, list) else []
        elif ours and document.kind == "Overlay":
            metadata = document.data.get("metadata")
            out.append(["overlay", str(metadata.get("application")) if isinstance(metadata, dict) else ""])
        elif ours and document.kind == "Environment":
            out.append(["environment", document.name])
        elif ours and document.kind == "Pipeline":
            out.append(["pipeline", document.name])
        else:
            out.append(["platform", ""])
    return out


class Keys:
    """The keys of targets: hashes over everything that compiling one reads, but the files beside the specs (see ``holds``)."""

    def __init__(self, index: Index, sources: Sources, environments: Mapping[str, tuple[str, ...]], algorithm: str, options: Options) -> None:
        self.sources = sources
        general = [self._file(path) for path in sources.paths("platform")]
        names = [*sorted(environments), *sources.names("environment")]
        self.general = _sha(index.fingerprint, algorithm, repr(options.limits), str(options.allow_missing_schema), *names, *general)
        self.chains = {name: _sha(*(self._file(p) for n in chain for p in sources.paths("environment", name=n))) for name, chain in environments.items()}
        self._whole = {name: _sha(self.general, chain, name)[:_KEY] for name, chain in self.chains.items()}
        self._own: dict[str, str] = {}
        self.applications: dict[str, list[str]] = {}
        for path, record in sources.records.items():
            if path not in sources.skipped:
                for kind, name in record[2]:
                    if kind in ("app", "overlay"):
                        self.applications.setdefault(name, []).append(path)

    def _file(self, path: str) -> str:
        return f"{path} {self.sources.records[path][1]}"

    def files_of(self, application: str) -> list[str]:
        """The files that hold the application and its overlays."""
        return list(dict.fromkeys(self.applications.get(application, ())))

    def key(self, application: str, environment: str) -> str:
        """The key of one target: what every target of its environment depends on, and what every target of its application does."""
        own = self._own.get(application)
        if own is None:
            own = self._own[application] = _sha(application, *(self._file(p) for p in self.files_of(application)))[:_KEY]
        return self._whole[environment] + own


def remember(target: Target, shas: Mapping[str, str]) -> Any:
    """A target as plain values; ``shas`` are the content hashes of the files it read beside the specs."""
    return (
        target.release,
        target.inputs,
        target.version,
        [(i.name, i.tag, i.digest) for i in target.images],
        target.tree,
        [(tuple(ref), name, tuple(place) if place else None) for ref, name, place in target.objects],
        [(path, shas[path]) for path in target.sources],
        [(d.severity, d.code, d.message, d.hint, tuple(d.place) if d.place else None, d.path) for d in target.diagnostics],
        [(*r[:6], tuple(r.path), r.field, tuple(r.place) if r.place else None) for r in target.references],
    )


class Kept(Sequence[Made]):
    """The objects of a remembered target, made when somebody looks at them: of thousands of targets few are looked at."""

    __slots__ = ("plain",)

    def __init__(self, plain: Sequence[Any]) -> None:
        self.plain = plain

    def __len__(self) -> int:
        return len(self.plain)

    @overload
    def __getitem__(self, index: int) -> Made: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Made]: ...
    def __getitem__(self, index: int | slice) -> Made | Sequence[Made]:
        if isinstance(index, slice):
            return Kept(self.plain[index])
        ref, name, place = self.plain[index]
        return ObjectRef(*ref), name, Place(*place) if place else None


def refs_of(target: Target) -> Iterable[tuple[str, str, str, str]]:
    """Group, kind, namespace and name of each of its objects."""
    objects = target.objects
    return [ref for ref, _, _ in (objects.plain if isinstance(objects, Kept) else objects)]


def recall(kept: Any, application: str, environment: str) -> Target:
    """A remembered target: everything but the bytes of its manifests."""
    release, inputs, version, images, tree, objects, sources, diagnostics, references = kept
    return Target(
        environment=environment,
        application=application,
        release=release,
        inputs=inputs,
        version=version,
        images=tuple(Image(*item) for item in images),
        folder=None,
        tree=tree,
        objects=Kept(objects),
        sources=tuple(path for path, _ in sources),
        diagnostics=tuple(
            Diagnostic(severity, code, message, hint, Place(*place) if place else None, path, environment, application)
            for severity, code, message, hint, place, path in diagnostics
        ),
        references=_references(references),
    )


def _references(kept: Any) -> tuple[Any, ...]:
    if not kept:
        return ()
    from gitopsc.validate.references import Reference

    return tuple(Reference._make((*item[:8], Place(*item[8]) if item[8] else None)) for item in kept)


def holds(kept: Any, read: Files, shas: dict[str, str]) -> bool:
    """Whether the files that a remembered target read beside the specs are as they were."""
    return are_as_they_were(kept[6], read, shas)


def are_as_they_were(files: Iterable[tuple[str, str]], read: Files, shas: dict[str, str]) -> bool:
    """Whether files have the content hashes that they had. ``shas`` is used and added to."""
    for path, sha in files:
        if path not in shas:
            try:
                shas[path] = hashlib.sha256(read.read(path)).hexdigest()
            except Exception:  # noqa: BLE001 - unreadable now: compile again, and say so there
                shas[path] = ""
        if shas[path] != sha:
            return False
    return True
