"""The order of workloads: how deep each stands along ``dependsOn``."""

from __future__ import annotations

from collections.abc import Mapping

from gitopsc.diagnostics import Diagnostics
from gitopsc.spec.layers import MergedWorkload
from gitopsc.spec.nearest import near
from gitopsc.values import Seq


def waves_of(kept: Mapping[str, MergedWorkload], every: Mapping[str, MergedWorkload], diagnostics: Diagnostics) -> dict[str, int]:
    """Depth of each workload along ``dependsOn``; a workload that ``when`` dropped is skipped, a cycle is an error."""
    edges: dict[str, list[str]] = {}
    for name, one in kept.items():
        written = one.spec.get("dependsOn")
        edges[name] = []
        for index, other in enumerate(written if isinstance(written, list) else ()):
            if other in kept:
                edges[name].append(other)
            elif other not in every:
                place = written.place(index) if isinstance(written, Seq) else one.place
                diagnostics.error("unknown-workload", f"expected the name of a workload in 'dependsOn', found '{other}'", place, hint=near(str(other), kept))
    waves: dict[str, int] = {}
    for name in edges:
        _wave(name, edges, waves, [], kept, diagnostics)
    return waves


def _wave(name: str, edges: dict[str, list[str]], waves: dict[str, int], path: list[str], kept: Mapping[str, MergedWorkload], diagnostics: Diagnostics) -> int:
    if name in waves:
        return waves[name]
    if name in path:
        chain = " → ".join([*path[path.index(name) :], name])
        place = kept[name].spec.place("dependsOn")
        diagnostics.error("depends-cycle", f"expected 'dependsOn' to have no cycle, found {chain}", place, hint="remove one of them")
        return 0
    wave = max((_wave(other, edges, waves, [*path, name], kept, diagnostics) + 1 for other in edges[name]), default=0)
    waves[name] = wave
    return wave
