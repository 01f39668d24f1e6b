"""Online Boutique twice: as its authors release it, and as gitopsc renders our specs of it; and what may differ between the two."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.workbench import EXAMPLES, FIXTURES, ROOT, Manifest, committed, copied, gitopsc, manifests, parsed

REAL = ROOT.parent / "shared" / "real" / "online-boutique"
EXAMPLE = EXAMPLES / "online-boutique"

REASONS = {
    r"^ServiceAccount/[a-z]+ metadata\.labels\.app$": (
        "labels of a workload are on all objects that come of it; the release leaves its ServiceAccounts bare, and nothing selects them"
    ),
}
"""Every difference that may be, by a pattern of ``Kind/name path``, with its reason. One that is not here fails the test; so does a reason too many."""


def released() -> dict[str, Manifest]:
    """``Kind/name`` → object of the release. Skips the test where the manifests are not there."""
    file = REAL / "release" / "kubernetes-manifests.yaml"
    if not file.is_file():
        pytest.skip("the release manifests of Online Boutique are not there: ../shared/real/online-boutique beside this repository")
    return parsed([file.read_text(encoding="utf-8")])


def compiled(folder: Path) -> dict[str, Manifest]:
    """``Kind/name`` → object of the example with the profile ``none``, laid out as the release has it."""
    workspace = copied(EXAMPLE, folder / "online-boutique", FIXTURES / "online-boutique-parity")
    gitopsc(workspace, "build", "parity")
    return parsed([text for path, text in manifests(committed(workspace)).items() if path.startswith("parity/")])


def recommended(environment: str) -> dict[str, Manifest]:
    """``Kind/name`` → object of the example as it is committed."""
    return parsed([file.read_text(encoding="utf-8") for file in sorted((EXAMPLE / "expected" / environment).rglob("*.yaml"))])


def differences(theirs: Mapping[str, Manifest], ours: Mapping[str, Manifest]) -> dict[str, tuple[Any, Any]]:
    """``Kind/name path`` → (theirs, ours) of every leaf that differs; the order of lists counts."""
    left, right = ({f"{key} {path}": value for key, item in side.items() for path, value in _leaves(item)} for side in (theirs, ours))
    absent = object()
    paths = [path for path in sorted({*left, *right}) if left.get(path, absent) != right.get(path, absent)]
    return {path: (left.get(path), right.get(path)) for path in paths}


def unexplained(found: Mapping[str, tuple[Any, Any]]) -> tuple[dict[str, tuple[Any, Any]], set[str]]:
    """(differences without a reason, reasons without a difference)."""
    used = {pattern for pattern in REASONS for path in found if re.search(pattern, path)}
    return {path: pair for path, pair in found.items() if not any(re.search(pattern, path) for pattern in REASONS)}, set(REASONS) - used


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """(path, value) of every scalar, and of every empty map and list; list items by position."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _leaves(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from _leaves(item, f"{path}[{index}]")
    else:
        yield path, value


def with_defaults(manifest: Manifest) -> Manifest:
    """An object as the API server keeps it, as far as Online Boutique needs that: a small table, for where there is no server to ask."""
    out = copy.deepcopy(manifest)
    out["metadata"].setdefault("namespace", "default")
    if out["kind"] == "Service":
        out["spec"].setdefault("type", "ClusterIP")
        for port in out["spec"]["ports"]:
            port.setdefault("protocol", "TCP")
            port.setdefault("targetPort", port["port"])
    if out["kind"] == "Deployment":
        out["spec"].setdefault("replicas", 1)
        _default_pod(out["spec"]["template"]["spec"])
    return out


def _default_pod(pod: Manifest) -> None:
    pod.setdefault("restartPolicy", "Always")
    pod.setdefault("terminationGracePeriodSeconds", 30)
    for container in (*pod["containers"], *pod.get("initContainers", ())):
        for port in container.get("ports", ()):
            port.setdefault("protocol", "TCP")
        for name in ("readinessProbe", "livenessProbe"):
            probe = container.get(name, {})
            for key, value in (("periodSeconds", 10), ("timeoutSeconds", 1), ("successThreshold", 1), ("failureThreshold", 3)):
                if probe:
                    probe.setdefault(key, value)
