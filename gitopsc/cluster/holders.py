"""Who holds which Lease of a namespace now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gitopsc.cluster.lease import LEASES, TOLERATED_SKEW, age_of
from gitopsc.cluster.objects import list_of
from gitopsc.cluster.transport import LIST_LIMIT, Api
from gitopsc.cluster.verdict import at, number, text


@dataclass(frozen=True, slots=True)
class Held:
    """A Lease that somebody holds. ``created``: when the Lease itself was made, by the server's clock, in RFC 3339; it outlives its holders."""

    name: str
    holder: str
    annotations: Mapping[str, str] = field(default_factory=dict)
    created: str = ""


def holders(api: Api, namespace: str) -> list[Held]:
    """The live Leases of a namespace, by name: held, and, by the server's own clock, renewed not long ago (``TOLERATED_SKEW`` is added to what
    they are good for). None where there is no such namespace. Raises ``Problem``.
    """
    answer = api.request("GET", LEASES.path(namespace), limit=LIST_LIMIT, expect=list_of(LEASES))
    out = []
    for item in answer.body["items"]:
        holder, age = text(item, "spec", "holderIdentity"), age_of(item, answer.headers)
        if holder and (age is None or age <= number(item, "spec", "leaseDurationSeconds", default=1) + TOLERATED_SKEW):
            said = at(item, "metadata", "annotations")
            marks = dict(said) if isinstance(said, dict) else {}
            out.append(Held(text(item, "metadata", "name"), holder, marks, text(item, "metadata", "creationTimestamp")))
    return sorted(out, key=lambda one: one.name)
