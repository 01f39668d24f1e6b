"""One exchange on the wire: keep-alive connections of urllib3, bounded bodies, and deadlines that hold.

What is asked thousands of times in a pass is written to and read from the connection itself; urllib3 opens it. Through a proxy, and for
streams, urllib3 does all of it.

A timeout of a socket counts from its last byte, so that a server which sends one byte a second is never late. Therefore one thread looks at the
exchanges under way and cuts the connection of each whose time is over.
"""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from http.client import HTTPException
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

import urllib3
from urllib3 import exceptions as wrong
from urllib3.connection import HTTPConnection, HTTPSConnection

from gitopsc.cluster.connection import Connection
from gitopsc.cluster.deadline import Deadline
from gitopsc.cluster.problems import Unanswered
from gitopsc.cluster.reading import read, request, unpacked

CONNECT_SECONDS = 4.0
CHUNK = 1 << 18
_TICK = 0.1
_FRESH = 1.0  # seconds for which a connection that was just used is taken to be open still
_ALIVE = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)] + [
    (socket.IPPROTO_TCP, getattr(socket, name), value)
    for name, value in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3))
    if hasattr(socket, name)
]
"""So that a watch learns of a network that has gone away."""
_under_way = threading.local()


class Raw(NamedTuple):
    """An answer as it came: the body is complete and unpacked."""

    status: int
    headers: Mapping[str, str]
    data: bytes


class _Exchange:
    """An exchange under way, known to the watchman."""

    __slots__ = ("at", "connection", "cut", "sent", "stop")

    def __init__(self, at: float, stop: threading.Event | None) -> None:
        self.at = at
        self.stop = stop
        self.connection: Any = None
        self.cut = False
        self.sent = False

    def over(self, now: float) -> bool:
        """Whether its time has come, or somebody does not want it any more."""
        return self.at <= now or (self.stop is not None and self.stop.is_set())

    def use(self, connection: Any) -> None:
        """Go by this connection; raises TimeoutError where it was ended before it had one. (``end`` asks in the other order.)"""
        self.connection = connection
        if self.cut:
            raise TimeoutError

    def end(self) -> None:
        """Cut the connection below TLS (whose own shutdown is not for two threads): who reads from it sees its end."""
        self.cut = True
        sock = getattr(self.connection, "sock", None)
        if isinstance(sock, socket.socket):
            with contextlib.suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)


class _Known:
    """A connection that tells the exchange under way that it is used for it."""

    def connect(self) -> None:
        """Open it."""
        self._tell()
        super().connect()  # type: ignore[misc]
        self.is_verified = True  # an unverified one was warned of when the kubeconfig was read; urllib3 would warn at each connection

    def request(self, *arguments: Any, **options: Any) -> None:
        """Send a request."""
        self._tell().sent = True
        super().request(*arguments, **options)  # type: ignore[misc]

    def _tell(self) -> _Exchange:
        exchange: _Exchange = _under_way.exchange
        exchange.use(self)
        return exchange


class _Plain(_Known, HTTPConnection):
    pass


class _Secure(_Known, HTTPSConnection):
    pass


class Wire:
    """The connections to one server. ``exchange`` is for threads, at most ``width`` connections are kept alive."""

    def __init__(self, connection: Connection, width: int) -> None:
        self._pool = _pool(connection, width)
        self._straight = connection.proxy is None
        self._width = width
        self._idle: deque[tuple[float, Any]] = deque()
        parts = urlsplit(connection.host)
        self._name = parts.netloc.rpartition("@")[2]
        self._prefix = (urlsplit(connection.host).path or "").rstrip("/")
        self._exchanges: set[_Exchange] = set()
        self._changed = threading.Condition()
        self._watchman: threading.Thread | None = None
        self._waiting = False
        self._closed = False
        self._severed = False
        self._host = urlsplit(connection.proxy or connection.host).hostname or ""
        self._resolved = False

    def exchange(self, method: str, target: str, body: bytes | None, headers: Mapping[str, str], deadline: Deadline, limit: int) -> Raw:
        """Send a request and read its whole answer of at most ``limit`` bytes; raises Unanswered."""
        if self._straight:
            return self._exchange(method, target, body, headers, deadline, limit)
        with self._open(method, target, body, headers, deadline) as response:
            return Raw(response.status, response.headers, _body(response, limit))

    def _exchange(self, method: str, target: str, body: bytes | None, headers: Mapping[str, str], deadline: Deadline, limit: int) -> Raw:
        data = request(method, self._prefix + target, self._name, headers, body)
        if not self._resolved:
            self._resolve(deadline)
        exchange = _Exchange(deadline.at, None)
        self._add(exchange)
        line = None
        try:
            line = self._line(deadline, exchange)
            exchange.use(line)
            exchange.sent = True
            sock = line.sock
            sent = sock.send(data)
            if sent < len(data):
                sock.sendall(data[sent:])
            answer = read(sock, limit)
            if exchange.cut:  # what was read may end where the connection was cut
                raise TimeoutError
            if answer.keep:
                self._keep(line)
                line = None
            return Raw(answer.status, answer.headers, answer.data)
        except Unanswered:
            raise
        except (wrong.HTTPError, HTTPException, OSError, ValueError, AttributeError) as error:
            if not exchange.cut and isinstance(error, ValueError | AttributeError) and not isinstance(error, wrong.HTTPError | HTTPException | OSError):
                raise
            raise _unanswered(error, exchange, method, target) from error
        finally:
            if line is not None:
                line.close()
            self._exchanges.discard(exchange)

    def _line(self, deadline: Deadline, exchange: _Exchange) -> Any:
        """A connection that is open: one that was used before, where the server still holds it."""
        while True:
            try:
                since, used = self._idle.pop()
            except IndexError:
                break
            if time.monotonic() - since < _FRESH or used.is_connected:
                return used
            used.close()
        line: Any = self._pool._new_conn()
        line.timeout = max(0.01, min(deadline.left(), CONNECT_SECONDS))
        _under_way.exchange = exchange
        try:
            line.connect()
            line.sock.settimeout(None)  # the watchman is who ends it; a timeout would cost two more system calls an answer
        except ssl.SSLError as error:
            line.close()
            raise wrong.SSLError(error) from error
        except BaseException:
            line.close()
            raise
        finally:
            _under_way.exchange = None
        return line

    def _keep(self, line: Any) -> None:
        if self._closed or len(self._idle) >= self._width:
            line.close()
        else:
            self._idle.append((time.monotonic(), line))

    @contextlib.contextmanager
    def stream(self, target: str, headers: Mapping[str, str], deadline: Deadline, stop: threading.Event) -> Iterator[Raw | Iterator[bytes]]:
        """Send a GET and give a 200's body piece by piece as it arrives, any other answer whole; raises Unanswered, from inside, too."""
        with self._open("GET", target, None, headers, deadline, stop) as response:
            if response.status == 200:
                yield iter(lambda: response.read1(CHUNK), b"")
            else:
                yield Raw(response.status, response.headers, _body(response, CHUNK))
            response.close()

    @contextlib.contextmanager
    def _open(
        self, method: str, target: str, body: bytes | None, headers: Mapping[str, str], deadline: Deadline, stop: threading.Event | None = None
    ) -> Iterator[Any]:
        self._resolve(deadline)
        exchange = _Exchange(deadline.at, stop)
        self._add(exchange)
        _under_way.exchange = exchange
        response = None
        try:
            left = deadline.left()
            timeout = urllib3.Timeout(connect=max(0.01, min(left, CONNECT_SECONDS)), read=max(0.01, left + 1))
            response = self._pool.urlopen(
                method, self._prefix + target, body, headers, retries=False, redirect=False, timeout=timeout, preload_content=False, decode_content=False
            )
            yield response
            if exchange.cut:  # what was read may end where the connection was cut
                raise _unanswered(TimeoutError(), exchange, method, target)
        except Unanswered:
            _close(response)
            raise
        except (wrong.HTTPError, OSError, ValueError, AttributeError) as error:
            _close(response)
            if not exchange.cut and isinstance(error, ValueError | AttributeError) and not isinstance(error, wrong.HTTPError):
                raise
            raise _unanswered(error, exchange, method, target) from error
        except BaseException:
            _close(response)
            raise
        finally:
            _under_way.exchange = None
            self._exchanges.discard(exchange)

    def _add(self, exchange: _Exchange) -> None:
        self._exchanges.add(exchange)  # before the question whether the watchman waits: he asks in the other order, and so does ``cut``
        if self._severed:
            exchange.end()
        if self._watchman is None or self._waiting:
            with self._changed:
                if self._watchman is None:
                    self._watchman = threading.Thread(target=self._watch, name="gitopsc-deadlines", daemon=True)
                    self._watchman.start()
                self._changed.notify()

    def _watch(self) -> None:
        while True:
            with self._changed:
                self._waiting = True
                while not self._exchanges:
                    if self._closed:
                        self._watchman = None
                        return
                    self._changed.wait()
                self._waiting = False
            time.sleep(_TICK)
            now = time.monotonic()
            for exchange in tuple(self._exchanges):
                if exchange.over(now):
                    exchange.end()

    def _resolve(self, deadline: Deadline) -> None:
        """Look the name up once, in a thread that may be left behind: the system's resolver knows no deadline."""
        if self._resolved:
            return
        errors: list[OSError] = []
        found: list[object] = []

        def look() -> None:
            try:
                found.extend(socket.getaddrinfo(self._host, None))
            except (OSError, UnicodeError) as error:
                errors.append(error if isinstance(error, OSError) else OSError(0, "no name of a host"))

        thread = threading.Thread(target=look, daemon=True)
        thread.start()
        thread.join(min(CONNECT_SECONDS, deadline.left()))
        if not found:
            why = errors[0].strerror if errors else "no answer in time"
            raise Unanswered(f"the name {self._host} cannot be resolved: {why}", reason="DNS")
        self._resolved = True

    def cut(self) -> None:
        """End every exchange under way at once, and those that are about to begin. For good."""
        self._severed = True
        for exchange in tuple(self._exchanges):
            exchange.end()

    def close(self) -> None:
        """Close the connections that are kept, and let the watchman go when nothing is under way any more."""
        self._pool.close()
        while self._idle:
            self._idle.pop()[1].close()
        with self._changed:
            self._closed = True
            self._changed.notify()


def _pool(connection: Connection, width: int) -> urllib3.HTTPConnectionPool:
    parts = urlsplit(connection.host)
    secure = parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    options: dict[str, Any] = {"maxsize": width, "block": False, "socket_options": [*HTTPConnection.default_socket_options, *_ALIVE]}
    if secure:
        options["ssl_context"] = connection.tls
        if connection.server_name:
            options["server_hostname"] = connection.server_name
    pool: urllib3.HTTPConnectionPool
    if connection.proxy:
        pool = _proxied(connection.proxy, options).connection_from_host(parts.hostname, port, parts.scheme)
    elif secure:
        pool = urllib3.HTTPSConnectionPool(parts.hostname or "", port, **options)
    else:
        pool = urllib3.HTTPConnectionPool(parts.hostname or "", port, **options)
    pool.ConnectionCls = _Secure if secure else _Plain
    return pool


def _proxied(url: str, options: dict[str, Any]) -> urllib3.ProxyManager:
    parts = urlsplit(url)
    headers = urllib3.make_headers(proxy_basic_auth=f"{unquote(parts.username)}:{unquote(parts.password or '')}") if parts.username else {}
    address = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    return urllib3.ProxyManager(address, proxy_headers=headers, **options)


def _body(response: Any, limit: int) -> bytes:
    """The whole body, unpacked; never more than ``limit`` bytes of memory for it."""
    return unpacked(iter(lambda: response.read(CHUNK), b""), response.headers.get("Content-Encoding"), limit)


def _close(response: Any) -> None:
    if response is not None:
        response.close()


def _unanswered(error: Exception, exchange: _Exchange, method: str, target: str) -> Unanswered:
    reason, message = _why(error, exchange)
    made = Unanswered(message, reason=reason, method=method, path=target.partition("?")[0])
    made.uncertain = exchange.sent and reason in ("Reset", "Deadline")
    return made


def _why(error: Exception, exchange: _Exchange) -> tuple[str, str]:
    if isinstance(error, wrong.ProxyError):
        return "Proxy", f"the proxy does not let the connection through: {_root(error)}"
    if exchange.cut or isinstance(error, wrong.ReadTimeoutError) or (exchange.sent and isinstance(error, TimeoutError)):
        return "Deadline", "the API server did not answer in time"
    if isinstance(error, wrong.NewConnectionError | wrong.ConnectTimeoutError):
        return "Refused", f"the API server cannot be reached: {_root(error)}"
    root = _innermost(error)
    if isinstance(error, wrong.SSLError) and not exchange.sent and not isinstance(root, ssl.SSLEOFError | ssl.SSLZeroReturnError | ConnectionError):
        return "TLS", f"no trusted TLS connection with the API server: {_root(error)}"
    return "Reset", f"the connection with the API server broke: {_root(error)}"


def _root(error: BaseException) -> str:
    """What the innermost error says, without Python's names and addresses."""
    seen = _innermost(error)
    verified = getattr(seen, "verify_message", None)
    words = verified or (seen.strerror if isinstance(seen, OSError) and seen.strerror else str(seen)) or type(seen).__name__
    return re.sub(r" \(_ssl\.c:\d+\)$", "", str(words))


def _innermost(error: BaseException) -> BaseException:
    seen = error
    while True:
        inner = seen.__cause__ or seen.__context__ or next((a for a in seen.args if isinstance(a, BaseException)), None)
        if inner is None or inner is seen:
            return seen
        seen = inner
