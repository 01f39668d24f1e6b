"""One object's change: what differs, and what follows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from gitopsc.changes.amounts import resourced, scaled
from gitopsc.changes.exposure import exposed
from gitopsc.changes.fields import Field, compare, parts
from gitopsc.changes.lists import Keys, Registered
from gitopsc.changes.match import pairs
from gitopsc.changes.permissions import permitted
from gitopsc.changes.rollout import deleted, recreated, restarted
from gitopsc.changes.subject import Consequence, Subject
from gitopsc.objects import Manifest, ObjectRef

MASK = "***"
RULES = (deleted, recreated, restarted, scaled, resourced, exposed, permitted)
_SECRET = ("data", "stringData")
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


@dataclass(frozen=True, slots=True)
class Change:
    """``renamed_from``: the former name of an object that is named by its content."""

    ref: ObjectRef
    change: Literal["created", "changed", "deleted"]
    fields: tuple[Field, ...]
    consequences: tuple[Consequence, ...]
    renamed_from: str | None = None


def changes(
    before: Sequence[Manifest],
    after: Sequence[Manifest],
    kubernetes: tuple[int, int],
    registered: Registered | None = None,
    *,
    across_namespaces: bool = False,
) -> list[Change]:
    """What differs between the manifests of one application on two sides, in the newer side's order, deleted objects last.

    ``kubernetes``: the minor whose merge keys hold; ``registered``: the workspace's own. What Secrets hold is masked.
    """
    out = []
    for old, new in pairs(before, after, across_namespaces=across_namespaces):
        found = _change(old, new, kubernetes, registered, across_namespaces)
        if found is not None:
            out.append(found)
    return out


def _change(old: Manifest | None, new: Manifest | None, kubernetes: tuple[int, int], registered: Registered | None, across: bool) -> Change | None:
    either = new or old
    assert either is not None
    renamed = old is not None and new is not None and old.ref.name != new.ref.name
    if old is None or new is None:
        fields = parts(either, is_new=old is None)
    else:
        ignored = ((("metadata", "name"),) if renamed else ()) + ((("metadata", "namespace"),) if across else ())
        fields = compare(old, new, Keys(kubernetes, new.api_version, new.ref.kind, registered), ignored)
        if not fields:
            return None
    subject = Subject(either.ref, old.data if old else None, new.data if new else None, tuple(fields), kubernetes, renamed)
    return Change(
        ref=either.ref,
        change="created" if old is None else "deleted" if new is None else "changed",
        fields=tuple(_masked(fields)) if _is_secret(either) else tuple(fields),
        consequences=tuple(consequence for rule in RULES for consequence in rule(subject)),
        renamed_from=old.ref.name if renamed and old is not None else None,
    )


def _is_secret(manifest: Manifest) -> bool:
    return manifest.ref.kind == "Secret" and manifest.ref.group == ""


def _masked(fields: Sequence[Field]) -> Iterator[Field]:
    """Fields of a Secret, whose values are nobody's business: only that they differ."""
    for field in fields:
        if field.path[0] in _SECRET:
            yield replace(field, before=_mask(field.before), after=_mask(field.after))
        elif field.below("metadata", "annotations"):
            yield replace(field, before=_without_last_applied(field, field.before), after=_without_last_applied(field, field.after))
        else:
            yield field


def _mask(value: Any) -> Any:
    if isinstance(value, dict):
        return dict.fromkeys(value, MASK)
    return None if value is None else MASK


def _without_last_applied(field: Field, value: Any) -> Any:
    """kubectl keeps the whole object, values and all, in this annotation."""
    if isinstance(value, dict):
        return {key: MASK if key == _LAST_APPLIED else item for key, item in value.items()}
    return MASK if value is not None and _LAST_APPLIED in field.path else value
