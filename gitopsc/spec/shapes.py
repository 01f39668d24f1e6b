"""The shape of a workload as far as merging must know it: which maps hold a one-of group, which are native Kubernetes fragments.

Everything that no shape speaks of merges by the plain rules of ``merge.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Group = tuple[frozenset[str], ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """``groups``: one-of groups of this map's keys; setting a key of one member drops those of the others.
    ``coupled``: keys that are only meaningful together, so that setting some drops the others (an image's tag and digest).
    ``fields``: shapes of named keys; ``each``: the shape of every other key's value.
    ``native``: where this is a Kubernetes fragment, the place it has in its kind (see ``strategic.py``).
    """

    groups: tuple[Group, ...] = ()
    coupled: frozenset[str] = frozenset()
    fields: Mapping[str, Shape] = field(default_factory=dict)
    each: Shape | None = None
    native: tuple[str, ...] | None = None

    def child(self, key: str) -> Shape | None:
        """The shape of the value under ``key``, or None where the plain rules hold."""
        return self.fields.get(key) or self.each


def one_of(*members: str) -> Group:
    """A group: each member is a key, or several that belong together, joined by ``+``."""
    return tuple(frozenset(member.split("+")) for member in members)


ENV = one_of("value", "secret", "config", "field", "resource")
PROBE = one_of("http", "tcp", "grpc", "exec")
VOLUME = one_of("emptyDir", "persistent", "claim", "config", "secret", "hostPath", "projected", "ephemeral", "csi")
SCALE = one_of("replicas", "min+max+cpu+memory+metrics+behavior")
FILE = one_of("content+expand", "source+expand", "binary", "config", "secret")
DISRUPTION = one_of("minAvailable", "maxUnavailable")

POD = ("spec", "template", "spec")

CONTAINER = Shape(
    fields={
        "image": Shape(coupled=frozenset({"tag", "digest"})),
        "env": Shape(each=Shape(groups=(ENV,))),
        "files": Shape(each=Shape(groups=(FILE,))),
        "probes": Shape(each=Shape(groups=(PROBE,))),
        "raw": Shape(native=(*POD, "containers")),
    }
)

WORKLOAD = Shape(
    fields={
        "containers": Shape(each=CONTAINER),
        "scale": Shape(groups=(SCALE,)),
        "disruption": Shape(groups=(DISRUPTION,)),
        "volumes": Shape(each=Shape(groups=(VOLUME,))),
        "podSpec": Shape(native=POD),
        "workloadSpec": Shape(native=("spec",)),
    }
)

PLAIN = Shape()
