"""The names of everything in an environment repository."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache
from urllib.parse import quote

from gitopsc.objects import ObjectRef

RELEASE_LOCK = "release.lock"
ENVIRONMENT_LOCK = "environment.lock"
REPOSITORY_LOCK = "gitopsc.lock"
GITATTRIBUTES = ".gitattributes"
GITATTRIBUTES_CONTENT = b"*.yaml linguist-generated\n"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_DEVICE = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|com[0-9]|lpt[0-9])(?:\..*)?", re.IGNORECASE)
_RESERVED = frozenset({RELEASE_LOCK, ENVIRONMENT_LOCK, REPOSITORY_LOCK})
_LONGEST_NAME = 253
_LONGEST_FILE = 240  # bytes; file systems end at 255


def check_name(name: str) -> str | None:
    """Why ``name`` cannot be the folder of an environment or application, in words that follow "found …"; None where it can."""
    if name in {"", ".", ".."} or "/" in name or "\\" in name:
        return "it must be one folder's name"
    if len(name) > _LONGEST_NAME:
        return f"it is longer than {_LONGEST_NAME} characters"
    if name.startswith((".", "-")) or re.fullmatch(r"git~[0-9]+", name, re.IGNORECASE):
        return "it would be a name that Git, a forge or a command line gives a meaning to"
    if not _NAME.fullmatch(name) or name.endswith("."):
        return "only letters, digits, '-', '_' and '.' can be in it, and it must begin and end with a letter or digit"
    if _DEVICE.fullmatch(name):
        return "Windows reserves it for a device"
    return "gitopsc keeps a file of that name there" if name.casefold() in _RESERVED else None


def folder_path(environment: str, application: str) -> str:
    """The folder of an application in an environment."""
    return f"{environment}/{application}"


def lock_path(environment: str, application: str) -> str:
    """The release lock of an application in an environment."""
    return f"{environment}/{application}/{RELEASE_LOCK}"


def file_names(refs: Iterable[ObjectRef]) -> dict[ObjectRef, str]:
    """A file name for each object of one application, in the order given, no two equal with letter case ignored.

    Where names would be equal, all of them get the namespace or the group, whichever tells them apart; both, and at
    last a hash, where that is not enough.
    """
    plain = dict.fromkeys(refs)
    names = {ref: _file_name(ref, ()) for ref in plain}
    rank = dict.fromkeys(names, 0)
    while True:
        count = Counter([name.casefold() for name in names.values()])
        if len(count) == len(names):
            return names
        clashes: dict[str, list[ObjectRef]] = {}
        for ref, name in names.items():
            if count[name.casefold()] > 1:
                clashes.setdefault(name.casefold(), []).append(ref)
        for clashing in clashes.values():
            for ref in clashing:
                rank[ref] += 1
                names[ref] = _file_name(ref, _suffixes(ref, rank[ref], clashing))


def _suffixes(ref: ObjectRef, rank: int, clashing: list[ObjectRef]) -> tuple[str, ...]:
    group = ref.group or "core"
    if rank == 1:
        namespaces = {other.namespace.casefold() for other in clashing}
        return (ref.namespace,) if len(namespaces) == len(clashing) else (group,)
    return (ref.namespace, group) if rank == 2 else (ref.namespace, group, _hash(ref))


@lru_cache(maxsize=1024)
def _file_name(ref: ObjectRef, suffixes: tuple[str, ...]) -> str:
    stem = "-".join(_encode(part) for part in (ref.kind.lower(), ref.name, *suffixes) if part)
    if len(stem) > _LONGEST_FILE:
        stem = f"{stem[: _LONGEST_FILE - 13].rstrip('%')}-{_hash(ref)}"
    return f"{stem}.yaml"


def _encode(text: str) -> str:
    return quote(text, safe="", errors="surrogatepass").replace("~", "%7E")


def _hash(ref: ObjectRef) -> str:
    import hashlib

    return hashlib.sha256("\0".join(ref).encode(errors="surrogatepass")).hexdigest()[:12]


def gitattributes(current: bytes | None) -> bytes | None:
    """What ``.gitattributes`` should hold, or None where nothing is to be written: a file that is there is its owner's."""
    return GITATTRIBUTES_CONTENT if current is None else None


def case_clashes(names: Iterable[str]) -> Mapping[str, list[str]]:
    """Names of folders beside each other that a file system which ignores letter case takes for one, by their folded form."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(name.casefold(), []).append(name)
    return {folded: found for folded, found in groups.items() if len(found) > 1}
