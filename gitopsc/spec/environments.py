"""Environments: chains of ``extends``, and what an environment says after its ancestors."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from gitopsc.diagnostics import Diagnostics
from gitopsc.spec.documents import Document
from gitopsc.spec.kinds import Environment, name_place
from gitopsc.spec.merge import Layer, merge
from gitopsc.spec.policy import tightened
from gitopsc.values import Map

MAX_DEPTH = 5
SETTINGS = ("reconcile", "alerts", "enforceGates", "requireSigned")


def load_environments(
    workspace: Document, documents: list[Document], kubernetes: tuple[int, int], broken: set[tuple[str, str]], diagnostics: Diagnostics
) -> dict[str, Environment]:
    """Every environment with its chain, by name. One whose chain is wrong is left out and added to ``broken``."""
    by_name = {document.name: document for document in documents}
    out: dict[str, Environment] = {}
    for name in sorted(by_name):
        chain = _chain(by_name[name], by_name, broken, diagnostics)
        if chain is None:
            broken.add(("Environment", name))
        else:
            out[name] = _environment(workspace, chain, kubernetes, diagnostics)
    return out


def check_alone(documents: Iterable[Document], names: Collection[str], diagnostics: Diagnostics) -> None:
    """What can be said of environments that are left out because of other mistakes: their version, and the name of their parent."""
    from gitopsc.spec.load import minor_of
    from gitopsc.spec.nearest import near

    for document in documents:
        parent, version = document.spec.get("extends"), document.spec.get("kubernetesVersion")
        if isinstance(parent, str) and parent not in names:
            place = document.spec.place("extends")
            diagnostics.error("unknown-environment", f"expected the name of an environment here, found '{parent}'", place, hint=near(parent, names))
        if isinstance(version, str):
            minor_of(version, document.spec.place("kubernetesVersion"), diagnostics)


def _chain(document: Document, by_name: dict[str, Document], broken: set[tuple[str, str]], diagnostics: Diagnostics) -> tuple[Document, ...] | None:
    """The ancestors root first, then the document; None where a name is unknown or a cycle closes (each told once)."""
    from gitopsc.spec.nearest import near

    chain = [document]
    while (parent := chain[-1].spec.get("extends")) is not None:
        place = chain[-1].spec.place("extends")
        if any(known.name == parent for known in chain):
            if chain[-1] is document or document.name == min(known.name for known in chain):
                names = " → ".join([*(known.name for known in chain), str(parent)])
                diagnostics.error("extends-cycle", f"expected 'extends' to end at a root, found the cycle {names}", place, hint="remove one 'extends'")
            return None
        if parent not in by_name:
            if ("Environment", parent) not in broken and len(chain) == 1:
                diagnostics.error("unknown-environment", f"expected the name of an environment here, found '{parent}'", place, hint=near(str(parent), by_name))
            return None
        chain.append(by_name[parent])
        if len(chain) > MAX_DEPTH:
            diagnostics.error(
                "extends-depth",
                f"expected at most {MAX_DEPTH} environments in a chain of 'extends', found more at '{document.name}'",
                name_place(document),
                hint="fold some of its ancestors into one",
            )
            return None
    return tuple(reversed(chain))


def _environment(workspace: Document, chain: tuple[Document, ...], kubernetes: tuple[int, int], diagnostics: Diagnostics) -> Environment:
    from gitopsc.spec.load import minor_of

    leaf = chain[-1]
    merged = {key: Map() for key in ("facts", "target", "settings")}
    for document in chain:
        layer = Layer(f"Environment {document.name}", diagnostics if document is leaf else Diagnostics())
        for key in ("facts", "target"):
            if isinstance(document.spec.get(key), Map):
                merged[key] = merge(merged[key], document.spec[key], layer, path=("spec", key))
        said = Map({key: document.spec[key] for key in SETTINGS if key in document.spec}, document.spec.at)
        merged["settings"] = merge(merged["settings"], said, layer, path=("spec",))
    policies: list[tuple[str, Map]] = [(f"Workspace {workspace.name}", workspace.spec.get("policy") or Map())]
    policies += [(f"Environment {d.name}", d.spec["policy"]) for d in chain if isinstance(d.spec.get("policy"), Map)]
    said_version = _last(chain, "kubernetesVersion")
    if said_version is not None:
        place = next(d.spec.place("kubernetesVersion") for d in reversed(chain) if d.spec.get("kubernetesVersion") is not None)
        kubernetes = minor_of(said_version, place, diagnostics)
    return Environment(
        name=leaf.name,
        chain=chain,
        abstract=leaf.spec.get("abstract") is True,
        stage=_text(_last(chain, "stage")),
        region=_text(_last(chain, "region")),
        kubernetes=kubernetes,
        target=merged["target"],
        facts=merged["facts"],
        policy=tightened(policies, diagnostics),
        engine=str(_last(chain, "engine") or "gitopsc"),
        settings=merged["settings"],
    )


def _last(chain: tuple[Document, ...], key: str) -> Any:
    return next((d.spec[key] for d in reversed(chain) if d.spec.get(key) is not None), None)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def bound(environment: Environment, names: tuple[str, ...]) -> int | None:
    """How deep in the environment's chain the deepest of ``names`` stands (0 = root), or None."""
    return max((index for index, name in enumerate(environment.names) if name in names), default=None)
