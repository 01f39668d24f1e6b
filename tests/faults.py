"""A proxy in front of a real API server that does to requests what networks, load balancers and broken servers do to them.

Faults are rules, tried in order for each request: the first that matches and has turns left decides; without one the request goes through.
"""

from __future__ import annotations

import contextlib
import gzip
import http.client
import random
import re
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

SHOWN = ("content-type", "content-encoding", "retry-after", "location", "etag", "audit-id", "warning", "vary")


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came in."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    at: float
    """``time.monotonic()`` when it had come in whole."""


@dataclass(slots=True)
class Exchange:
    """A request, the way to the real server, and the client's socket."""

    request: Request
    client: socket.socket
    upstream: Callable[[Request], http.client.HTTPResponse]
    closing: threading.Event

    def forward(self) -> http.client.HTTPResponse:
        """The real server's answer (its body not read yet)."""
        return self.upstream(self.request)

    def head(self, status: int, headers: Mapping[str, str]) -> None:
        """Send a status line and headers."""
        lines = [f"HTTP/1.1 {status} {http.client.responses.get(status, 'Odd')}", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
        self.client.sendall("\r\n".join(lines).encode("latin-1"))

    def answer(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        """Send a whole answer."""
        self.head(status, {**headers, "Content-Length": str(len(body))})
        self.client.sendall(body)

    def reset(self) -> None:
        """Break the connection: the client sees ECONNRESET."""
        self.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        socket.socket.close(self.client)


Fault = Callable[[Exchange], bool]
"""Plays its part; whether the connection can be used for another request."""


def answering(status: int, body: bytes = b"", **headers: str) -> Fault:
    """Answer at once, the server sees nothing of it. Header names with ``_`` for ``-``."""

    def play(exchange: Exchange) -> bool:
        exchange.answer(status, body, {"Content-Type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}})
        return True

    return play


def resetting(*, carried_out: bool) -> Fault:
    """Break the connection after the request was sent: before the server has seen it, or after it was carried out."""

    def play(exchange: Exchange) -> bool:
        if carried_out:
            exchange.forward().read()
        exchange.reset()
        return False

    return play


def truncating(keep: float = 0.5, *, honest: bool = False) -> Fault:
    """Give the first part of the real body; ``honest``: with a length that says so (broken JSON), else the connection ends too soon."""

    def play(exchange: Exchange) -> bool:
        answer = exchange.forward()
        body = answer.read()
        part = body[: int(len(body) * keep)]
        exchange.head(answer.status, {**_shown(answer), "Content-Length": str(len(part) if honest else len(body))})
        exchange.client.sendall(part)
        return honest

    return play


def bombing(mebibytes: int) -> Fault:
    """A small gzip body that unpacks to much."""
    import zlib

    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    piece = b" " * (1 << 20)
    bomb = b"".join(packer.compress(piece) for _ in range(mebibytes)) + packer.flush()
    return answering(200, bomb, Content_Encoding="gzip")


def slowly(bytes_per_second: float, *, head: bool = False) -> Fault:
    """The real answer, byte by byte; ``head``: the status line and headers, too."""

    def play(exchange: Exchange) -> bool:
        answer = exchange.forward()
        body = answer.read()
        text = f"HTTP/1.1 {answer.status} OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        if not head:
            exchange.client.sendall(text)
        for byte in (text if head else b"") + body:
            exchange.client.sendall(bytes([byte]))
            if exchange.closing.wait(1 / bytes_per_second):
                return False
        return True

    return play


def silent(exchange: Exchange) -> bool:
    """Take the request and say nothing."""
    exchange.closing.wait()
    return False


def changing(change: Callable[[bytes], bytes]) -> Fault:
    """The real answer with another body."""

    def play(exchange: Exchange) -> bool:
        answer = exchange.forward()
        exchange.answer(answer.status, change(answer.read()), _shown(answer))
        return True

    return play


def streaming(change: Callable[[Iterator[bytes]], Iterator[bytes]]) -> Fault:
    """A watch whose lines go through ``change``; the stream ends when it does."""

    def play(exchange: Exchange) -> bool:
        answer = exchange.forward()
        exchange.head(answer.status, {**_shown(answer), "Transfer-Encoding": "chunked"})
        for line in change(iter(answer.readline, b"")):
            exchange.client.sendall(b"%x\r\n%b\r\n" % (len(line), line))
        answer.close()
        exchange.client.sendall(b"0\r\n\r\n")
        return False

    return play


@dataclass(slots=True)
class _Rule:
    method: str
    pattern: re.Pattern[str]
    fault: Fault
    times: int | None
    rate: float = 1.0


@dataclass(slots=True)
class FaultProxy:
    """Listens on the loopback address until ``close``. ``certificate``: PEM with its key; without one it speaks plain HTTP.
    ``clients``: the authority of client certificates.

    ``default`` plays for requests that no rule is for, instead of the real server.
    """

    upstream: str
    certificate: Path | None = None
    key: Path | None = None
    clients: Path | None = None
    default: Fault | None = None
    seen: list[Request] = field(default_factory=list)
    _rules: list[_Rule] = field(default_factory=list)
    _random: random.Random = field(default_factory=lambda: random.Random(1))
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _closing: threading.Event = field(default_factory=threading.Event)
    _clients: set[socket.socket] = field(default_factory=set)
    _listener: socket.socket = field(default_factory=socket.socket)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self, port: int = 0) -> Self:
        """Listen, on a free port or on one that is said (and that somebody may keep for this: with SO_REUSEPORT)."""
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT if port else socket.SO_REUSEADDR, 1)
        self._listener.bind(("127.0.0.1", port))
        self._listener.listen(128)
        threading.Thread(target=self._accept, name="fault-proxy", daemon=True).start()
        return self

    @property
    def url(self) -> str:
        """What a kubeconfig names."""
        return f"{'https' if self.certificate else 'http'}://127.0.0.1:{self._listener.getsockname()[1]}"

    def fault(self, method: str, pattern: str, fault: Fault, *, times: int | None = 1, rate: float = 1.0) -> None:
        """Play ``fault`` for the next ``times`` requests (null: for ever) of a method ("*": any) whose target matches, each with the probability ``rate``."""
        self._rules.append(_Rule(method, re.compile(pattern), fault, times, rate))

    def calm(self) -> None:
        """Forget all faults."""
        with self._lock:
            self._rules.clear()

    def drop(self) -> None:
        """Break every connection that is open."""
        for client in tuple(self._clients):
            with contextlib.suppress(OSError):
                socket.socket.shutdown(client, socket.SHUT_RDWR)

    def close(self) -> None:
        """Stop listening and break every connection."""
        self._closing.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.drop()

    def _accept(self) -> None:
        context = None
        if self.certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.certificate, self.key)
            if self.clients:
                context.load_verify_locations(self.clients)
                context.verify_mode = ssl.CERT_OPTIONAL
        while not self._closing.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(client, context), daemon=True).start()

    def _serve(self, client: socket.socket, context: ssl.SSLContext | None) -> None:
        upstream: http.client.HTTPConnection | None = None
        try:
            if context is not None:
                client = context.wrap_socket(client, server_side=True)
            self._clients.add(client)
            upstream = _connection(self.upstream)
            with client.makefile("rb") as reader:
                while not self._closing.is_set() and (request := _read(reader)) is not None:
                    self.seen.append(request)
                    exchange = Exchange(request, client, _sender(upstream), self._closing)
                    if not (self._chosen(request) or self.default or _through)(exchange):
                        return
        except (OSError, http.client.HTTPException, ValueError):
            pass
        finally:
            self._clients.discard(client)
            with contextlib.suppress(OSError):
                client.close()
            if upstream is not None:
                upstream.close()

    def _chosen(self, request: Request) -> Fault | None:
        with self._lock:
            for rule in self._rules:
                if rule.times == 0 or rule.method not in ("*", request.method) or not rule.pattern.search(request.target):
                    continue
                if self._random.random() >= rule.rate:
                    continue
                if rule.times is not None:
                    rule.times -= 1
                return rule.fault
        return None


def _through(exchange: Exchange) -> bool:
    answer = exchange.forward()
    if answer.headers.get("Transfer-Encoding") != "chunked":
        exchange.answer(answer.status, answer.read(), _shown(answer))
        return True
    exchange.head(answer.status, {**_shown(answer), "Transfer-Encoding": "chunked"})
    while piece := answer.read1(1 << 16):
        exchange.client.sendall(b"%x\r\n%b\r\n" % (len(piece), piece))
    exchange.client.sendall(b"0\r\n\r\n")
    return True


def _shown(answer: http.client.HTTPResponse) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name.lower() in SHOWN}


def _read(reader: Any) -> Request | None:
    first = reader.readline().decode("latin-1").split()
    if len(first) < 2:
        return None
    headers = http.client.parse_headers(reader)
    body = reader.read(int(headers.get("Content-Length") or 0))
    return Request(first[0], first[1], dict(headers.items()), body, time.monotonic())


def _connection(url: str) -> http.client.HTTPConnection:
    parts = urlsplit(url)
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(parts.hostname or "", parts.port, context=context)


def _sender(connection: http.client.HTTPConnection) -> Callable[[Request], http.client.HTTPResponse]:
    def send(request: Request) -> http.client.HTTPResponse:
        headers = {name: value for name, value in request.headers.items() if name.lower() not in ("host", "content-length", "connection")}
        connection.request(request.method, request.target, request.body or None, headers)
        return connection.getresponse()

    return send


def html(text: str = "<html><body>Sign in to the network</body></html>") -> Fault:
    """A captive portal's 200."""
    return answering(200, text.encode(), Content_Type="text/html")


def packed(body: bytes) -> Fault:
    """A gzip body that nobody asked for."""
    return answering(200, gzip.compress(body), Content_Encoding="gzip")
