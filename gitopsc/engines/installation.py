"""What an agent is installed with: for which environment, from which repository, and which part of the applications."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gitopsc.engines.subject import Environment, shortened

HOME = "gitopsc-system"
PORT = 8080


@dataclass(frozen=True, slots=True)
class Part:
    """A shard: its name, the argument that makes an agent of it, and the annotations that say which it is."""

    name: str
    word: str
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Agent:
    """``url``: where it reads the environment repository. ``shard``: which part of the applications it has. ``version``: gitopsc's."""

    environment: Environment
    url: str
    image: str
    version: str
    shard: Part | None = None

    @property
    def name(self) -> str:
        """Of everything that is its own."""
        part = f"-{self.shard.name}" if self.shard is not None else ""
        return shortened(f"gitopsc-{self.environment.name}{part}", 57)

    @property
    def labels(self) -> dict[str, str]:
        """Of its objects."""
        return {"app.kubernetes.io/name": "gitopsc", "app.kubernetes.io/instance": self.name, "app.kubernetes.io/part-of": "gitopsc"}

    @property
    def selector(self) -> dict[str, str]:
        """Of its pods."""
        return {key: self.labels[key] for key in ("app.kubernetes.io/name", "app.kubernetes.io/instance")}

    @property
    def environment_variables(self) -> list[str]:
        """Those in which the environment's alerts look for an address."""
        return sorted({str(to["env"]) for to in self._sinks() if to.get("env")})

    @property
    def alert_secrets(self) -> list[str]:
        """The Secrets in which the environment's alerts look for an address."""
        return sorted({str(to["secret"].get("name")) for to in self._sinks() if isinstance(to.get("secret"), Mapping)})

    def _sinks(self) -> list[Mapping[str, Any]]:
        alerts = self.environment.lock.get("alerts")
        routes = [route for route in alerts if isinstance(route, Mapping)] if isinstance(alerts, list) else []
        return [route["to"] for route in routes if isinstance(route.get("to"), Mapping)]

    @property
    def words(self) -> list[str]:
        """Its command line."""
        shard = [self.shard.word] if self.shard is not None else []
        signed = ["--allowed-signers=/etc/gitopsc/signers/allowed_signers"] if self.environment.lock.get("requireSigned") is True else []
        return ["reconcile", self.environment.name, "--watch", f"--repository={self.url}", f"--listen=:{PORT}", *shard, *signed]
