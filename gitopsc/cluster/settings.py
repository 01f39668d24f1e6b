"""What an environment, an application's manifests and a person on the command line say about reconciling. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gitopsc.cluster.fields import pattern
from gitopsc.cluster.health import Expressions
from gitopsc.objects import ObjectRef

PREFIX = "gitopsc.dev/"
Patterns = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Ignored:
    """Fields that are left to others, in the objects that fit; None fits any."""

    group: str | None
    kind: str | None
    namespace: str | None
    name: str | None
    paths: Patterns

    def fits(self, ref: ObjectRef) -> bool:
        """Whether it is about this object."""
        said = (self.group, self.kind, self.namespace, self.name)
        return all(want is None or want == have for want, have in zip(said, ref, strict=True))


@dataclass(frozen=True, slots=True)
class Rules:
    """The words of ``reconcile`` in environment.lock, tightened or confirmed by flags. reconcile.md says what each means."""

    drift: str = "heal"
    unknown_fields: str = "keep"
    conflicts: str = "fail"
    adopt: str = "if-unowned"
    deletion_policy: str = "prune"
    suspend: bool = False
    service_account: str | None = None
    interval: float = 60.0
    timeout: float = 300.0
    ignore: tuple[Ignored, ...] = ()
    absorb: tuple[str, ...] = ("kubectl-client-side-apply", "before-first-apply")
    hand_edits: str = "refuse"
    health: Mapping[tuple[str, str], Expressions] = field(default_factory=dict)
    allow_empty: bool = False
    confirm_prune: bool = False

    def ignored(self, ref: ObjectRef, annotations: Mapping[str, Any]) -> Patterns:
        """The paths of an object that are left to others, by the environment and by its own annotation."""
        own = str(annotations.get(f"{PREFIX}ignore") or "")
        if not own and not self.ignore:
            return ()
        said = [pattern(text.strip()) for text in own.replace("\n", ",").split(",") if text.strip()]
        return tuple(path for rule in self.ignore if rule.fits(ref) for path in rule.paths) + tuple(said)

    def forces(self, annotations: Mapping[str, Any]) -> bool:
        """Whether fields that others apply are taken over."""
        return self.conflicts == "force" or annotations.get(f"{PREFIX}conflicts") == "force"

    def adopts(self, annotations: Mapping[str, Any]) -> str:
        """``if-unowned``, ``force`` or ``never``."""
        return "force" if annotations.get(f"{PREFIX}adopt") == "force" else self.adopt


def read_rules(block: Mapping[str, Any], **flags: Any) -> Rules:
    """The rules of an environment.lock's ``reconcile``; ``flags`` (fields of ``Rules``) that are not None go before it."""
    names = {
        "drift": "drift",
        "unknownFields": "unknown_fields",
        "conflicts": "conflicts",
        "adopt": "adopt",
        "deletionPolicy": "deletion_policy",
        "suspend": "suspend",
        "serviceAccount": "service_account",
        "handEdits": "hand_edits",
    }
    said: dict[str, Any] = {names[key]: value for key, value in block.items() if key in names and value is not None}
    for key in ("interval", "timeout"):
        if block.get(key) is not None:
            said[key] = seconds(str(block[key]))
    if block.get("absorb") is not None:
        said["absorb"] = tuple(str(name) for name in block["absorb"])
    said["ignore"] = tuple(_ignored(rule) for rule in block.get("ignore") or ())
    said |= {key: value for key, value in flags.items() if value is not None}
    return Rules(**said)


def _ignored(rule: Mapping[str, Any]) -> Ignored:
    paths = tuple(pattern(str(path)) for path in rule.get("paths") or ())
    return Ignored(rule.get("group"), rule.get("kind"), rule.get("namespace"), rule.get("name"), paths)


_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def seconds(text: str) -> float:
    """``90s``, ``1h30m``, ``300`` as seconds. Raises ValueError."""
    import re

    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|[smhd])", text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"expected a duration such as 90s or 5m, found {text!r}")
    return sum(float(number) * _UNITS[unit] for number, unit in parts)
