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

VARIANTS = {
    "release": "release/kubernetes-manifests.yaml",
    "non-public-frontend": "golden/component-non-public-frontend.yaml",
    "without-loadgenerator": "golden/component-without-loadgenerator.yaml",
    "memorystore": "golden/component-memorystore.yaml",
}
"""Environment of ours → manifests of theirs: the release, and the release with one of its kustomize components, which are features of ours."""

REASONS = {
    "release": {
        r"^ServiceAccount/[a-z]+ metadata\.labels\.app$": (
            "labels of a workload are on all objects that come of it; the release leaves its ServiceAccounts bare, and nothing selects them"
        ),
    },
    "without-loadgenerator": {
        r"^ServiceAccount/loadgenerator ": "the component deletes the Deployment and leaves its ServiceAccount behind; a workload that is off leaves nothing",
    },
}
"""Every difference that may be, by a pattern of ``Kind/name path``, with its reason; those of the release hold for all variants."""


def theirs(variant: str) -> dict[str, Manifest]:
    """``Kind/name`` → object of a variant of the release. Skips the test where the manifests are not there."""
    file = REAL / VARIANTS[variant]
    if not file.is_file():
        pytest.skip("the manifests of Online Boutique's release are not there: ../shared/real/online-boutique beside this repository")
    return parsed([file.read_text(encoding="utf-8")])


def ours(folder: Path) -> dict[str, dict[str, Manifest]]:
    """Variant → ``Kind/name`` → object of the example with the profile ``none``, laid out as the release has it."""
    workspace = copied(EXAMPLE, folder / "online-boutique", FIXTURES / "online-boutique-parity")
    gitopsc(workspace, "build", *VARIANTS)
    files = manifests(committed(workspace))
    return {variant: parsed([text for path, text in files.items() if path.startswith(f"{variant}/")]) for variant in VARIANTS}


def recommended(environment: str) -> dict[str, Manifest]:
    """``Kind/name`` → object of the example as it is committed."""
    return parsed([file.read_text(encoding="utf-8") for file in sorted((EXAMPLE / "expected" / environment).rglob("*.yaml"))])


def differences(left: Mapping[str, Manifest], right: Mapping[str, Manifest]) -> dict[str, tuple[Any, Any]]:
    """``Kind/name path`` → (left, right) of every leaf that differs; the order of lists counts."""
    a, b = ({f"{key} {path}": value for key, item in side.items() for path, value in _leaves(item)} for side in (left, right))
    absent = object()
    return {path: (a.get(path), b.get(path)) for path in sorted({*a, *b}) if a.get(path, absent) != b.get(path, absent)}


def unexplained(variant: str, found: Mapping[str, tuple[Any, Any]]) -> tuple[dict[str, tuple[Any, Any]], set[str]]:
    """(differences without a reason, reasons without a difference): both must be empty."""
    reasons = {**REASONS["release"], **REASONS.get(variant, {})}
    used = {pattern for pattern in reasons for path in found if re.search(pattern, path)}
    return {path: pair for path, pair in found.items() if not any(re.search(pattern, path) for pattern in reasons)}, set(reasons) - used


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
