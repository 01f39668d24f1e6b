"""One answer of HTTP/1.1, read from a socket. Written for speed: many thousands of small answers are read in a pass, and the standard
library's reader, made for mail, takes longer for the headers than the server for the object.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from http.client import BadStatusLine, IncompleteRead, RemoteDisconnected
from typing import NamedTuple, Protocol

from gitopsc.cluster.problems import Unanswered

MOST_HEAD = 1 << 16
PIECE = 1 << 16
_EMPTY = frozenset({204, 304})


class Socket(Protocol):
    """What is read from."""

    def recv(self, size: int, /) -> bytes:
        """Some bytes, none at the end."""


class Headers(dict[str, str]):
    """Headers by name in lower case; any case finds them. One that came several times is joined by commas."""

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.lower())

    def __contains__(self, name: object) -> bool:
        return super().__contains__(str(name).lower())

    def get(self, name: str, default: str | None = None) -> str | None:  # type: ignore[override]
        """The header, or ``default``."""
        return super().get(name.lower(), default)


class Read(NamedTuple):
    """An answer: its body complete and unpacked. ``keep``: whether the connection is good for another request."""

    status: int
    headers: Headers
    data: bytes
    keep: bool


def request(method: str, target: str, host: str, headers: Mapping[str, str], body: bytes | None) -> bytes:
    """A request as it goes over the wire. Raises ``ValueError`` for what would not be one."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", *(f"{name}: {value}" for name, value in headers.items())]
    if body is not None or method not in ("GET", "HEAD"):
        lines.append(f"Content-Length: {len(body or b'')}")
    if any("\r" in line or "\n" in line for line in lines) or " " in target:
        raise ValueError("a line of a request must not have a break in it")
    return "\r\n".join((*lines, "", "")).encode("latin-1") + (body or b"")


def read(sock: Socket, limit: int) -> Read:
    """Read an answer whose body has at most ``limit`` bytes. Raises ``Unanswered`` for nonsense, ``OSError`` and ``http.client``'s errors for an end."""
    incoming = _Incoming(sock)
    status, version, headers = _head(incoming)
    while 100 <= status < 200 and status != 101:
        status, version, headers = _head(incoming)
    asked = (headers.get("Connection") or "").lower()
    keep = "close" not in asked and (version >= "1.1" or "keep-alive" in asked)
    if status in _EMPTY:
        return Read(status, headers, b"", keep)
    if "chunked" in (headers.get("Transfer-Encoding") or "").lower():
        pieces, ended = incoming.chunks(), True
    elif "Content-Length" in headers:
        pieces, ended = incoming.exactly(_number(headers["Content-Length"], 10)), True
    else:
        pieces, ended = incoming.rest(), False
    return Read(status, headers, unpacked(pieces, headers.get("Content-Encoding"), limit), keep and ended)


def _head(incoming: _Incoming) -> tuple[int, str, Headers]:
    first, *lines = incoming.head().split("\r\n")
    protocol, _, rest = first.partition(" ")
    code = rest[:3]
    if not protocol.startswith("HTTP/1.") or not (code.isascii() and code.isdigit()) or len(code) != 3:
        raise BadStatusLine(first[:100])
    headers = Headers()
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name or name[0] in " \t":
            raise Unanswered("the server sent headers that are none", reason="Nonsense")
        key = name.lower()
        value = value.strip()
        dict.__setitem__(headers, key, f"{dict.__getitem__(headers, key)}, {value}" if dict.__contains__(headers, key) else value)
    return int(code), protocol[5:], headers


def _number(text: str, base: int) -> int:
    word = text.strip()
    if not word or not all(c in "0123456789abcdefABCDEF"[: 10 if base == 10 else None] for c in word):
        raise Unanswered("the server sent a body of no length", reason="Nonsense")
    return int(word, base)


class _Incoming:
    """Bytes from a socket, read ahead."""

    def __init__(self, sock: Socket) -> None:
        self._sock = sock
        self._ahead = b""

    def head(self) -> str:
        """Everything up to the empty line."""
        while (end := self._ahead.find(b"\r\n\r\n")) < 0:
            if len(self._ahead) > MOST_HEAD:
                raise Unanswered("the server sent headers without end", reason="Nonsense")
            piece = self._sock.recv(PIECE)
            if not piece:
                raise RemoteDisconnected("the server closed the connection without an answer") if not self._ahead else IncompleteRead(self._ahead)
            self._ahead += piece
        text, self._ahead = self._ahead[:end], self._ahead[end + 4 :]
        return text.decode("latin-1")

    def exactly(self, length: int) -> Iterator[bytes]:
        """So many bytes."""
        while length > 0:
            piece = self._some()
            if not piece:
                raise IncompleteRead(b"", length)
            taken, self._ahead = piece[:length], piece[length:]
            length -= len(taken)
            yield taken

    def chunks(self) -> Iterator[bytes]:
        """Chunks, up to the empty one and what follows it."""
        while size := _number(self._line().partition(b";")[0].decode("latin-1"), 16):
            yield from self.exactly(size)
            if self._line():
                raise Unanswered("the server sent a chunk that does not end", reason="Nonsense")
        while self._line():
            pass

    def rest(self) -> Iterator[bytes]:
        """Everything until the server closes."""
        while piece := self._some():
            yield piece

    def _some(self) -> bytes:
        ahead, self._ahead = self._ahead, b""
        return ahead or self._sock.recv(PIECE)

    def _line(self) -> bytes:
        while (end := self._ahead.find(b"\r\n")) < 0:
            if len(self._ahead) > MOST_HEAD:
                raise Unanswered("the server sent a line without end", reason="Nonsense")
            piece = self._sock.recv(PIECE)
            if not piece:
                raise IncompleteRead(self._ahead)
            self._ahead += piece
        line, self._ahead = self._ahead[:end], self._ahead[end + 2 :]
        return line


def unpacked(pieces: Iterator[bytes], coding: str | None, limit: int) -> bytes:
    """A whole body; never more than ``limit`` bytes of memory for it. Raises ``Unanswered``."""
    word = (coding or "identity").lower()
    if word not in ("identity", "gzip"):
        raise Unanswered(f"the server sent a body with the encoding {word}, which was not asked for", reason="Nonsense")
    unpack = zlib.decompressobj(31) if word == "gzip" else None
    parts, size = [], 0
    for piece in pieces:
        if unpack is not None:
            try:
                piece = unpack.decompress(piece, limit + 1 - size)
            except zlib.error as error:
                raise Unanswered(f"the server sent a damaged body: {error}", reason="Nonsense") from error
        size += len(piece)
        if size > limit:
            raise Unanswered(f"the server sent more than {limit >> 20} MiB", reason="TooLarge")
        parts.append(piece)
    if unpack is not None and not unpack.eof:
        raise Unanswered("the server sent a body that breaks off", reason="Nonsense")
    return b"".join(parts)
