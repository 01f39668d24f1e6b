"""One engine an environment: two that apply the same objects undo each other's work for ever."""

from __future__ import annotations

from gitopsc.diagnostics import Diagnostic, Place

NAMES = {"gitopsc": "gitopsc reconcile", "flux": "Flux", "argocd": "Argo CD"}


def warned(environment: str, engine: str, exported: str) -> list[Diagnostic]:
    """For whoever writes objects for another engine than the one that the environment's lock names."""
    if engine == exported:
        return []
    message = f"'{environment}' is reconciled by {NAMES.get(engine, engine)} (engine: {engine}): {NAMES[exported]} beside it would undo its work"
    hint = f"set engine: {exported} in the environment and build, then apply this"
    return [Diagnostic("warning", "other-engine", message, hint, Place(f"{environment}/environment.lock", 1, 1), "engine", environment)]
