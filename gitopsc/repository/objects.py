"""Git's object ids and objects, made without Git: hashing a tree of files costs no process and no disk."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

Algorithm = Literal["sha1", "sha256"]

EMPTY_TREE: Mapping[Algorithm, str] = {
    "sha1": "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    "sha256": "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
}
_PIECE = 256  # parts of a pack that are handed on together
FILE, DIRECTORY, SYMLINK, EXECUTABLE, SUBMODULE = "100644", "40000", "120000", "100755", "160000"


class Entry(NamedTuple):
    """One name in a tree: its mode as Git writes it (``100644``, ``40000`` …) and its object id in hex."""

    mode: str
    oid: str


@dataclass(frozen=True, slots=True)
class Folder:
    """The rendered files of one application in one environment, hashed once. ``tree`` is the lock's ``rendered``."""

    files: Mapping[str, bytes]
    oids: Mapping[str, str]
    tree: str


def folder(files: Mapping[str, bytes], algorithm: Algorithm = "sha1") -> Folder:
    """Hash ``files`` (name in the folder → content). No file at all is the empty tree."""
    oids = {name: blob_id(content, algorithm) for name, content in files.items()}
    return Folder(files, oids, object_id("tree", tree_bytes({name: Entry(FILE, oid) for name, oid in oids.items()}), algorithm))


def object_id(kind: str, content: bytes, algorithm: Algorithm = "sha1") -> str:
    """The id Git gives to ``content`` as a ``blob``, ``tree`` or ``commit``."""
    header = b"%s %d\0" % (kind.encode(), len(content))
    if algorithm == "sha1":
        return hashlib.sha1(header + content, usedforsecurity=False).hexdigest()
    return hashlib.sha256(header + content).hexdigest()


def blob_id(content: bytes, algorithm: Algorithm = "sha1") -> str:
    """The id of a file's content."""
    return object_id("blob", content, algorithm)


def tree_bytes(entries: Mapping[str, Entry]) -> bytes:
    """A tree object: entries in Git's order, in which a folder sorts as if its name ended in ``/``."""
    named = [(name.encode(errors="surrogateescape"), entry) for name, entry in entries.items()]
    named.sort(key=lambda item: item[0] + b"/" if item[1].mode == DIRECTORY else item[0])
    return b"".join([b"%s %s\0%s" % (entry.mode.encode(), name, bytes.fromhex(entry.oid)) for name, entry in named])


def parse_tree(content: bytes, algorithm: Algorithm = "sha1") -> dict[str, Entry]:
    """The entries of a tree object, in Git's order."""
    size = 20 if algorithm == "sha1" else 32
    entries: dict[str, Entry] = {}
    start, end = 0, len(content)
    while start < end:
        space = content.index(b" ", start)
        zero = content.index(b"\0", space)
        name = content[space + 1 : zero].decode(errors="surrogateescape")
        entries[name] = Entry(content[start:space].decode().lstrip("0"), content[zero + 1 : zero + 1 + size].hex())
        start = zero + 1 + size
    return entries


def pack(objects: Collection[tuple[str, bytes]], algorithm: Algorithm = "sha1") -> Iterator[bytes]:
    """A pack file of ``(kind, content)`` objects, whole (no deltas), piece by piece: what ``index-pack`` and ``unpack-objects`` read."""
    import zlib

    kinds = {"commit": 1, "tree": 2, "blob": 3}
    digest = hashlib.sha1(usedforsecurity=False) if algorithm == "sha1" else hashlib.sha256()
    piece = [b"PACK" + (2).to_bytes(4, "big") + len(objects).to_bytes(4, "big")]
    for kind, content in objects:
        piece += (_pack_header(kinds[kind], len(content)), zlib.compress(content, 1))
        if len(piece) > _PIECE:
            made = b"".join(piece)
            digest.update(made)
            yield made
            piece = []
    made = b"".join(piece)
    digest.update(made)
    yield made + digest.digest()


def _pack_header(kind: int, size: int) -> bytes:
    first = kind << 4 | size & 15
    size >>= 4
    header = bytearray()
    while size:
        header.append(first | 0x80)
        first = size & 0x7F
        size >>= 7
    header.append(first)
    return bytes(header)
