"""What came over the wire: an answer, the API's refusal, or nothing that counts."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from gitopsc.cluster.problems import Problem, Unanswered
from gitopsc.cluster.wire import Raw

MESSAGE_LIMIT = 4000
_DECODER = json.JSONDecoder()

Expect = Callable[[Mapping[str, Any]], str | None]
"""Looks at the body of a 2xx: null, or what is wrong with it."""


class Answer(NamedTuple):
    """A 2xx answer: its body is a JSON object."""

    status: int
    body: dict[str, Any]
    headers: Mapping[str, str]


def judged(raw: Raw, method: str, target: str, expect: Expect | None) -> Answer:
    """The answer where it is one, and what ``expect`` says of its body is nothing. Raises Problem, Unanswered."""
    path = target.partition("?")[0]
    if 300 <= raw.status < 400 and raw.headers.get("Location"):
        where = urlsplit(raw.headers["Location"]).netloc or "another address"
        message = f"the API server redirects to {where}, which is not followed: credentials go to no other host"
        raise Unanswered(message, reason="Redirect", method=method, path=path)
    body = _parsed(raw.data)
    damaged = not isinstance(body, dict) and raw.status not in (401, 429) and "json" in str(raw.headers.get("Content-Type"))
    if raw.status >= 500 or (raw.status >= 400 and not damaged):
        raise _problem(raw, body, method, path)
    told = None if isinstance(body, dict) else f"{len(raw.data)} bytes that are no JSON object"
    if told is None and expect is not None:
        told = expect(body)
    if told is None and 200 <= raw.status < 300:
        return Answer(raw.status, body, raw.headers)
    problem = Unanswered(f"expected the answer of an API server, found HTTP {raw.status} with {told}", reason="Nonsense", method=method, path=path)
    problem.uncertain = True
    raise problem


def _parsed(data: bytes) -> Any:
    try:
        text = data.decode().strip(" \t\r\n")
        found, end = _DECODER.raw_decode(text)
        return found if end == len(text) else None
    except (ValueError, RecursionError):
        return None


def _problem(raw: Raw, body: Any, method: str, path: str) -> Problem:
    answer = body if isinstance(body, dict) and body.get("kind") == "Status" else {}
    message = answer.get("message")
    if not isinstance(message, str) or not message:
        text = " ".join(raw.data[:300].decode("utf-8", "replace").split())
        message = f"{method} {path}: HTTP {raw.status}" + (f": {text[:200]}" if text else "")
    if raw.status == 401:
        message = f"the credentials have expired, or are not valid for this cluster: the API server says {message}"
    details = answer.get("details")
    seconds = details.get("retryAfterSeconds") if isinstance(details, dict) else None
    problem = Problem(
        message if len(message) <= MESSAGE_LIMIT else f"{message[:MESSAGE_LIMIT]}…",
        status=raw.status,
        reason=str(answer.get("reason") or ""),
        answer=answer,
        retry_after=_retry_after(raw.headers.get("Retry-After"), seconds),
        method=method,
        path=path,
        hint="renew the credentials and run again" if raw.status == 401 else None,
    )
    problem.uncertain = raw.status >= 500
    return problem


def _retry_after(header: str | None, seconds: Any) -> float | None:
    """The header (seconds, or a date) goes before the Status' own number."""
    if header and header.strip().isdecimal():
        return float(header.strip()[:9])
    if header:
        try:
            return max(0.0, parsedate_to_datetime(header).timestamp() - time.time())
        except (ValueError, OverflowError):
            pass
    return float(seconds) if isinstance(seconds, int) and 0 < seconds < 1 << 31 else None
