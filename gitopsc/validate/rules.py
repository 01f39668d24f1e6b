"""What one target's manifests are held to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from gitopsc.kubernetes import CustomKey, CustomKind, Minor
from gitopsc.limits import DEFAULT, Limits

Verdict = Literal["allow", "warn", "deny"]
PODSECURITY = ("privileged", "baseline", "restricted")


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of one application in one environment.

    ``policy`` holds the fields of ``Workspace.spec.policy``, the environment's tightening applied; a field that is absent has
    the default of the reference. ``crds`` are the kinds of the workspace's CustomResourceDefinitions
    (``kubernetes.custom_kinds``); they win over those that gitopsc ships.
    """

    kubernetes: Minor
    application: str = ""
    environment: str = ""
    namespace: str = ""
    policy: Mapping[str, Any] = field(default_factory=dict)
    crds: Mapping[CustomKey, CustomKind] = field(default_factory=dict)
    limits: Limits = DEFAULT

    def verdict(self, name: str, default: Verdict) -> Verdict:
        """A policy of three answers: ``allow``, ``warn`` or ``deny``."""
        value = self.policy.get(name)
        return value if value in ("allow", "warn", "deny") else default

    def flag(self, name: str) -> bool:
        """A policy that is on or off, off by default."""
        return self.policy.get(name) is True

    @property
    def pod_security(self) -> str:
        """The Pod Security level: ``privileged``, ``baseline`` or ``restricted``."""
        value = self.policy.get("podSecurity")
        return value if value in PODSECURITY else "privileged"
