"""Where alerts go: the environment's routes, with the addresses that they name looked up."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from gitopsc.alerts.event import WORDS
from gitopsc.diagnostics import Diagnostic, Diagnostics

EVENTS = "events"

Kind = Literal["apprise", "alertmanager"]


@dataclass(frozen=True, slots=True)
class Sink:
    """``name`` is what may be shown: ``env:ALERT_URL``, ``secret:alerts/slack``. ``address`` is a secret. ``words``: empty for all."""

    name: str
    words: frozenset[str]
    kind: Kind
    address: str = field(repr=False)


def routes(alerts: Iterable[Mapping[str, Any]], look_up: Callable[[Mapping[str, Any]], str | None]) -> tuple[list[Sink], Diagnostics]:
    """The sinks of an environment's ``alerts``. ``look_up`` gives the address that ``{env: NAME}`` or ``{secret: {name, key}}`` holds.

    An address that is not there is a warning, not an end: reconciling goes on without that sink. Two routes to one address are one sink.
    """
    found: dict[str, Sink] = {}
    diagnostics = Diagnostics()
    for index, route in enumerate(alerts):
        words = frozenset(map(str, route.get("on") or ()))
        unknown = sorted(words - set(WORDS) - {"all"})
        if unknown:
            known = ", ".join(sorted(WORDS))
            diagnostics.append(
                Diagnostic("warning", "alerts", f"no event is called {', '.join(unknown)}", f"there are {known}, and all", path=f"alerts[{index}].on")
            )
        to = route.get("to")
        if not isinstance(to, Mapping):
            continue
        name = _name(to)
        address = (look_up(to) or "").strip()
        if not address:
            diagnostics.append(
                Diagnostic("warning", "alerts", f"the address of alerts, {name}, is not there", "set it for the reconciler", path=f"alerts[{index}].to")
            )
            continue
        known_sink = found.get(name)
        heard = frozenset() if "all" in words else words
        if known_sink is not None:
            heard = known_sink.words | heard if known_sink.words and heard else frozenset()
        found[name] = Sink(name, heard, _kind(address), address)
    return list(found.values()), diagnostics


def _name(to: Mapping[str, Any]) -> str:
    secret = to.get("secret")
    if isinstance(secret, Mapping):
        return f"secret:{secret.get('name')}/{secret.get('key')}"
    return f"env:{to.get('env')}"


def _kind(address: str) -> Kind:
    scheme = address.partition("://")[0].lower()
    return "alertmanager" if scheme in {"alertmanager", "alertmanagers"} else "apprise"
