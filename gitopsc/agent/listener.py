"""What others may ask of a running reconciler, over HTTP: its numbers, whether it lives, whether it is of use, and to look now."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from gitopsc.agent.metrics import CONTENT_TYPE
from gitopsc.diagnostics import Failure, Invalid

_SECONDS = 5.0
_MOST_CONNECTIONS = 32
_LARGEST_BODY = 25 << 20  # GitHub's largest; it is read only so that the sender can finish


@dataclass(frozen=True, slots=True)
class Answers:
    """What is behind each path. ``healthy`` and ``ready`` give None, or why not."""

    metrics: Callable[[], str]
    healthy: Callable[[], str | None]
    ready: Callable[[], str | None]
    hook: Callable[[], None]


def parse_address(text: str) -> tuple[str, int]:
    """``:8080``, ``127.0.0.1:8080``, ``[::1]:0``. Raises ``Invalid``."""
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if ":" not in text or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise Invalid(f"expected an address and a port to listen at, found {text!r}", hint="such as --listen :8080 or --listen 127.0.0.1:8080")
    return host, int(port)


class Listener:
    """Listens from the beginning to ``close``. ``port`` is the real one where 0 was asked for. Raises ``Failure`` where the address is taken."""

    def __init__(self, address: tuple[str, int], answers: Answers) -> None:
        try:
            self._server = _server(address, answers)
        except OSError as error:
            raise Failure(f"cannot listen at {address[0]}:{address[1]}: {error.strerror or error}", hint="name another address with --listen") from None
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="gitopsc-listener", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening; who is being answered is not waited for."""
        self._server.shutdown()
        self._server.server_close()


def _server(address: tuple[str, int], answers: Answers) -> ThreadingHTTPServer:
    places = threading.BoundedSemaphore(_MOST_CONNECTIONS)
    host = address[0] or ("::" if socket.has_dualstack_ipv6() else "0.0.0.0")  # noqa: S104 (all interfaces of the pod, as asked)

    class Server(ThreadingHTTPServer):
        address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        daemon_threads = True
        block_on_close = False
        request_queue_size = 64

        def server_bind(self) -> None:
            if self.address_family == socket.AF_INET6 and not address[0]:
                self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            # Not HTTPServer's: that one asks the resolver for our name, which may take long.
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.socket.bind(self.server_address)
            self.server_address = self.socket.getsockname()
            self.server_name, self.server_port = host, self.server_address[1]

        def process_request(self, request: Any, client_address: Any) -> None:
            if not places.acquire(blocking=False):
                self.shutdown_request(request)  # so many at once is nobody with a good reason
                return
            super().process_request(request, client_address)

        def process_request_thread(self, request: Any, client_address: Any) -> None:
            try:
                super().process_request_thread(request, client_address)
            finally:
                places.release()

        def handle_error(self, request: Any, client_address: Any) -> None:
            """A client that went away is no news."""

    return Server((host, address[1]), type("Handler", (_Handler,), {"answers": answers}))


class _Handler(BaseHTTPRequestHandler):
    answers: Answers
    timeout = _SECONDS
    server_version, sys_version = "gitopsc", ""

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path == "/metrics":
            self._answer(200, self.answers.metrics(), CONTENT_TYPE)
        elif path in {"/healthz", "/readyz"}:
            why = self.answers.healthy() if path == "/healthz" else self.answers.ready()
            self._answer(200 if why is None else 503, f"{why or 'ok'}\n")
        elif path == "/hook":
            self._answer(405, "POST here\n", Allow="POST")
        else:
            self._answer(404, "there are /metrics, /healthz, /readyz and /hook\n")

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        if urlsplit(self.path).path != "/hook":
            self._answer(404, "POST /hook\n")
            return
        length = self.headers.get("Content-Length") or "0"
        if not length.isascii() or not length.isdigit() or int(length) > _LARGEST_BODY:
            self._answer(413, "a hook needs no body\n")
            return
        left = int(length)
        while left > 0 and (piece := self.rfile.read(min(left, 65536))):
            left -= len(piece)
        self.answers.hook()
        self._answer(202, json.dumps({"accepted": True}) + "\n", "application/json")

    def _answer(self, status: int, text: str, kind: str = "text/plain; charset=utf-8", **headers: str) -> None:
        data = text.encode()
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(data)), "X-Content-Type-Options": "nosniff", **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        """Nothing: who scrapes every few seconds is not worth a line each."""
