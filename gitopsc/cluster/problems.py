"""What an API server can answer instead of the object asked for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from gitopsc.diagnostics import Failure

MASK = "***"
SHORTEST = 3
"""Shorter values are not looked for: they stand in every text."""
_QUOTED = re.compile(r'Invalid value: ("(?:[^"\\]|\\.)*"|[^:]*)')


class Cause(NamedTuple):
    """One cause of a refusal: the field (``spec.replicas``), a reason (``FieldValueInvalid``) and a message."""

    field: str
    reason: str
    message: str


class Problem(Failure):
    """An API error. ``status`` is the HTTP status, ``reason`` the API's word (``NotFound``), ``answer`` the Status object as sent.

    ``uncertain``: an earlier try of this call may have been carried out although nobody said so.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 0,
        reason: str = "",
        answer: Mapping[str, Any] | None = None,
        retry_after: float | None = None,
        method: str = "",
        path: str = "",
        hint: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.reason = reason
        self.answer: Mapping[str, Any] = answer or {}
        self.retry_after = retry_after
        self.method = method
        self.path = path
        self.uncertain = False

    def mask(self, values: Iterable[str]) -> None:
        """Put ``***`` where the server repeats a secret: one of these values, or whatever it quotes as an invalid one."""
        secrets = sorted({text for value in values for text in (value, json.dumps(value)[1:-1]) if len(text) >= SHORTEST}, key=len, reverse=True)

        def clean(node: Any) -> Any:
            if isinstance(node, str):
                for secret in secrets:
                    node = node.replace(secret, MASK)
                return _QUOTED.sub(f"Invalid value: {MASK}", node)
            if isinstance(node, Mapping):
                return {key: clean(value) for key, value in node.items()}
            return [clean(value) for value in node] if isinstance(node, list) else node

        self.message = clean(self.message)
        self.answer = clean(self.answer)
        self.args = (self.message,)

    @property
    def details(self) -> Mapping[str, Any]:
        """The Status object's details, empty where there are none."""
        found = self.answer.get("details")
        return found if isinstance(found, Mapping) else {}

    @property
    def causes(self) -> tuple[Cause, ...]:
        """What is wrong, field by field, where the server says so (422, and 409 of server-side apply)."""
        causes = self.details.get("causes")
        if not isinstance(causes, list):
            return ()
        return tuple(Cause(str(c.get("field", "")), str(c.get("reason", "")), str(c.get("message", ""))) for c in causes if isinstance(c, Mapping))

    @property
    def not_found(self) -> bool:
        """404 in the API's own words."""
        return self.status == 404 and self.reason == "NotFound"

    @property
    def forbidden(self) -> bool:
        """403."""
        return self.status == 403

    @property
    def invalid(self) -> bool:
        """422, or 400 of a strict field validation: the object itself is refused."""
        return self.status in (400, 422)

    @property
    def conflict(self) -> bool:
        """409: a field of another manager, an object that is there already, or a precondition that does not hold."""
        return self.status == 409


class Unanswered(Problem):
    """No answer worth the name. ``reason`` says why: ``Refused DNS TLS Proxy Reset Deadline Redirect Nonsense Cancelled``."""
