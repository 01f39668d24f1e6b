"""Calls of a forge's API: bounded in time and size, to one host alone, and nothing that is not safe to repeat is repeated."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode, urljoin, urlsplit

import urllib3

from gitopsc import __version__
from gitopsc.diagnostics import Failure
from gitopsc.forges.site import TOKENS, Site, is_loopback

SECONDS = 120.0
"""For one command's calls together."""
_TROUBLES = 3
"""After so many calls without an answer nobody waits for another one."""
_CALL_SECONDS = 10.0
_MOST = 8 << 20
_CHUNK = 1 << 16
_REDIRECTS = 3
_WORDS = 300
_BUSY = frozenset({429, 502, 503, 504})


class Answer(NamedTuple):
    """``body``: the JSON of a good answer, null where there is none. ``headers`` by their names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: Any


class Refused(Failure):
    """The forge answered, and said no. ``status`` is that of HTTP."""

    def __init__(self, message: str, status: int, *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.status = status


class Api:
    """The API of one forge. ``headers``: those that it wants, with the token; ``secret``: what must never be shown."""

    def __init__(self, site: Site, headers: Mapping[str, str], secret: str, environ: Mapping[str, str], *, seconds: float = SECONDS) -> None:
        self.site = site
        self._headers = {"Accept": "application/json", "User-Agent": f"gitopsc/{__version__}", **headers}
        self._secret = secret
        self._end = time.monotonic() + seconds
        self._pool = _pool(site, environ)
        self._troubles = 0

    def get(self, path: str, **query: str | int) -> Answer:
        """What is there. A busy forge is asked a second time. Raises ``Failure``, ``Refused``."""
        target = f"{self.site.api}{path}" + (f"?{urlencode(query)}" if query else "")
        for attempt in range(_REDIRECTS + 1):
            answer = self._call("GET", target, None, again=attempt == 0)
            if answer.status not in (301, 302, 303, 307, 308):
                return self._good("GET", answer)
            target = self._elsewhere(target, answer)
        raise Failure(f"{self.site.host} sends its callers round in a circle")

    def send(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Answer:
        """A call that changes something: sent once. Raises ``Failure``, ``Refused``."""
        answer = self._call(method, f"{self.site.api}{path}", body, again=False)
        if 300 <= answer.status < 400:
            raise Failure(f"{self.site.host} answers {method} with a redirect, which is not followed", hint="name the project and URL that it has now")
        return self._good(method, answer)

    def pages(self, path: str, size: str, **query: str | int) -> list[dict[str, Any]]:
        """Every item of a list, whatever the number of its pages. ``size``: what the forge calls the length of a page. Raises ``Failure``."""
        out: list[dict[str, Any]] = []
        for page in range(1, 1001):
            answer = self.get(path, **query, **{size: 100 if size == "per_page" else 50, "page": page})
            if not isinstance(answer.body, list) or not all(isinstance(one, dict) for one in answer.body):
                raise self.nonsense("a list")
            out += answer.body
            if not answer.body or not _more(answer.headers, len(out)):
                return out
        raise Failure(f"{self.site.host} has no end of pages")

    def nonsense(self, wanted: str) -> Failure:
        """The error for an answer that is none."""
        return Failure(f"expected {wanted} of {self.site.host}, found something else", hint="is the forge's URL that of its API?")

    def _elsewhere(self, target: str, answer: Answer) -> str:
        new = urljoin(target, answer.headers.get("location", ""))
        if _origin(new) != _origin(target):
            host = urlsplit(new).netloc.rpartition("@")[2] or "nowhere"
            raise Failure(self.masked(f"{self.site.host} sends its callers on to {host}, another host"), hint="name that one if it is the right one")
        return new

    def _call(self, method: str, target: str, body: Mapping[str, Any] | None, *, again: bool) -> Answer:
        answer = self._once(method, target, body)
        if again and answer.status in _BUSY and time.monotonic() < self._end:
            answer = self._once(method, target, body)
        return answer

    def _once(self, method: str, target: str, body: Mapping[str, Any] | None) -> Answer:
        """One exchange, in a thread that is left behind when time is over: neither names nor slow servers know deadlines."""
        left = min(_CALL_SECONDS, self._end - time.monotonic())
        if self._troubles >= _TROUBLES:
            raise Failure(f"{self.site.host} did not answer {_TROUBLES} calls, and is not asked again", hint="run the command again when it does")
        if left <= 0:
            raise Failure(f"{self.site.host} took too long", hint="run the command again: what was done is found then")
        said: list[Answer | Exception] = []

        def work() -> None:
            try:
                said.append(self._exchange(method, target, body, left))
            except Exception as error:  # noqa: BLE001 (whatever it is, the caller is told)
                said.append(error)

        thread = threading.Thread(target=work, name="gitopsc-forge", daemon=True)
        thread.start()
        thread.join(left)
        if not said or isinstance(said[0], Exception):
            self._troubles += 1
        if not said:
            raise Failure(f"{self.site.host} did not answer {method} in time", hint="run the command again: what was done is found then")
        if isinstance(said[0], Failure):
            raise said[0]
        if isinstance(said[0], Exception):
            raise Failure(self.masked(f"{self.site.host} cannot be reached: {_reason(said[0])}"), hint="check the forge's URL, and the network") from None
        return said[0]

    def _exchange(self, method: str, target: str, body: Mapping[str, Any] | None, seconds: float) -> Answer:
        data = None if body is None else json.dumps(body).encode()
        headers = self._headers if data is None else {**self._headers, "Content-Type": "application/json"}
        timeout = urllib3.Timeout(connect=seconds, read=seconds)
        response = self._pool.request(
            method, target, body=data, headers=headers, timeout=timeout, retries=False, redirect=False, preload_content=False, decode_content=False
        )
        try:
            if response.headers.get("Content-Encoding", "identity") != "identity":
                raise Failure(f"{self.site.host} answers in an encoding that was not asked for")
            content = bytearray()
            for piece in response.stream(_CHUNK, decode_content=False):
                content += piece
                if len(content) > _MOST:
                    raise Failure(f"{self.site.host} answers with more than {_MOST >> 20} MiB")
        finally:
            response.close()
        return Answer(response.status, {name.lower(): value for name, value in response.headers.items()}, bytes(content))

    def _good(self, method: str, answer: Answer) -> Answer:
        try:
            body = json.loads(answer.body) if answer.body.strip() else None
        except (ValueError, RecursionError):
            body = None
            if answer.status < 300:
                raise self.nonsense("JSON") from None
        if answer.status < 300:
            return Answer(answer.status, answer.headers, body)
        words = self.masked(_words(body))
        raise Refused(f"{self.site.host} answers {method} with {answer.status}{f': {words}' if words else ''}", answer.status, hint=_hint(self.site, answer))

    def masked(self, words: str) -> str:
        """Words from outside in one line, without the token."""
        line = " ".join(words.replace(self._secret, "***").split())
        return "".join(char if char.isprintable() else "?" for char in line)[:_WORDS]


def _more(headers: Mapping[str, str], seen: int) -> bool:
    """Whether another page follows. Where it is, is never taken from the forge's words."""
    if 'rel="next"' in headers.get("link", "") or headers.get("x-next-page", "").strip():
        return True
    total = headers.get("x-total-count", "")
    return total.isdigit() and seen < int(total)


def _words(body: Any) -> str:
    """What a forge says of an error: ``message``, which GitHub and GitLab explain in ``errors``, or an ``error``."""
    if not isinstance(body, dict):
        return ""
    found = [body.get("message"), body.get("error"), body.get("errors")]
    return "; ".join(one if isinstance(one, str) else json.dumps(one) for one in found if one)


def _hint(site: Site, answer: Answer) -> str:
    names = " or ".join(TOKENS[site.kind][:2])
    if answer.status == 401:
        return f"the token of {names} is not valid, or not any more"
    if answer.status in (403, 404):
        return f"may the token of {names} write to {site.project}, and is that the project's name?"
    if answer.status == 429 or answer.status >= 500:
        return "try again later: what was done is found then"
    return "nothing was lost: run the command again when that is mended"


def _reason(error: Exception) -> str:
    inner = getattr(error, "reason", None) or error
    return str(inner).rpartition(": ")[2] or type(inner).__name__


def _origin(url: str) -> tuple[str, str | None, int | None]:
    try:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    except ValueError:
        return "", None, None


def _pool(site: Site, environ: Mapping[str, str]) -> urllib3.PoolManager:
    import ssl

    parts = urlsplit(site.api)
    options: dict[str, Any] = {"maxsize": 1}
    if parts.scheme == "https":
        authorities = environ.get("SSL_CERT_FILE") or environ.get("GIT_SSL_CAINFO")
        try:
            options["ssl_context"] = ssl.create_default_context(cafile=authorities or None)
        except (OSError, ssl.SSLError):
            raise Failure(f"cannot read the certificates in {authorities}", hint="SSL_CERT_FILE and GIT_SSL_CAINFO name a file of PEM certificates") from None
    proxy = _proxy(parts.hostname or "", environ)
    if proxy is None:
        return urllib3.PoolManager(**options)
    address = urlsplit(proxy)
    user = f"{address.username}:{address.password or ''}" if address.username else None
    plain = address._replace(netloc=address.netloc.rpartition("@")[2]).geturl()
    return urllib3.ProxyManager(plain, proxy_headers=urllib3.make_headers(proxy_basic_auth=user) if user else None, **options)


def _proxy(host: str, environ: Mapping[str, str]) -> str | None:
    found = environ.get("HTTPS_PROXY") or environ.get("https_proxy")
    spared = (environ.get("NO_PROXY") or environ.get("no_proxy") or "").split(",")
    if not found or is_loopback(host) or any(one == "*" or (one and f".{host}".endswith(f".{one}")) for one in (word.strip(" .") for word in spared)):
        return None
    return found if "://" in found else f"http://{found}"
