"""Which object of one side is which of the other."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from gitopsc.objects import Manifest, ObjectRef

Pair = tuple[Manifest | None, Manifest | None]
Key = tuple[str, ...]

_HASHED = re.compile(r"(.+)-[0-9a-f]{10}\Z")


def stem_of(manifest: Manifest) -> str | None:
    """The name of a ConfigMap without the hash of its content; None for objects that are not named by it."""
    if manifest.ref.kind != "ConfigMap" or manifest.ref.group or manifest.data.get("immutable") is not True:
        return None
    return stem(manifest.ref.name)


def stem(name: str) -> str | None:
    """``api-files`` of ``api-files-0123456789``; None for a name without a hash."""
    found = _HASHED.match(name)
    return found[1] if found else None


def pairs(before: Sequence[Manifest], after: Sequence[Manifest], *, across_namespaces: bool = False) -> list[Pair]:
    """Every object once, in the newer side's order, those that are gone after them.

    Objects are the same where kind and name are, and the namespace unless ``across_namespaces``; a ConfigMap that is named by its
    content is matched by the rest of its name.
    """

    def identity(manifest: Manifest) -> Key:
        return _key(manifest.ref, across_namespaces)

    def stems(manifest: Manifest) -> Key | None:
        found = stem_of(manifest)
        return None if found is None else _key(manifest.ref._replace(name=found), across_namespaces)

    partner: dict[int, Manifest] = {}
    for key in (identity, stems):
        _match(before, after, key, partner)
    out: list[Pair] = [(partner.get(id(new)), new) for new in after]
    return out + [(old, None) for old in before if id(old) not in partner]


def _key(ref: ObjectRef, across_namespaces: bool) -> Key:
    return (ref.group, ref.kind, "" if across_namespaces else ref.namespace, ref.name)


def _match(before: Sequence[Manifest], after: Sequence[Manifest], key: Callable[[Manifest], Key | None], partner: dict[int, Manifest]) -> None:
    """Give each other those of one key, in their order, that have no partner yet."""
    waiting: dict[Key, list[Manifest]] = {}
    for old in before:
        if id(old) not in partner and (found := key(old)) is not None:
            waiting.setdefault(found, []).append(old)
    for new in after:
        if id(new) not in partner and (found := key(new)) is not None and waiting.get(found):
            old = waiting[found].pop(0)
            partner[id(old)], partner[id(new)] = new, old
