"""One answer of HTTP/1.1, read from a socket. Written for speed: many thousands of small answers are read in a pass, and the standard
library's reader, made for mail, takes longer for the headers than the server for the object.
"""

from __future__ import annotations

import functools
import re
import zlib
from collections.abc import Iterator, Mapping
from http.client import BadStatusLine, IncompleteRead, RemoteDisconnected
from typing import NamedTuple, Protocol

from gitopsc.cluster.problems import Unanswered

MOST_HEAD = 1 << 16
PIECE = 1 << 14
"""As much as one record of TLS holds: more never comes at once."""
_EMPTY = frozenset({204, 304})
_LENGTH = b"\r\ncontent-length: "
_FRAMING = re.compile(rb"\r\n(?:transfer-encoding|content-encoding|connection|content-length):").findall


class Socket(Protocol):
    """What is read from."""

    def recv(self, size: int, /) -> bytes:
        """Some bytes, none at the end."""


class Headers(Mapping[str, str]):
    """The headers of an answer, as they came: most are never asked for. Any case of a name finds them; one that came several times is joined
    by commas.
    """

    __slots__ = ("_folded", "_text")

    def __init__(self, text: str) -> None:
        self._text = f"\r\n{text}\r\n"
        self._folded = self._text.lower()

    @classmethod
    def of(cls, head: bytes, folded: bytes) -> Headers:
        """Of what begins and ends with a line break, as it came and in small letters."""
        made = cls.__new__(cls)
        made._text, made._folded = head.decode("latin-1"), folded.decode("latin-1")
        return made

    def __getitem__(self, name: str) -> str:
        key, found, start = f"\r\n{name.lower()}:", [], 0
        while (start := self._folded.find(key, start)) >= 0:
            start += len(key)
            found.append(self._text[start : self._text.index("\r\n", start)].strip())
        if not found:
            raise KeyError(name)
        return ", ".join(found)

    def __contains__(self, name: object) -> bool:
        return f"\r\n{str(name).lower()}:" in self._folded

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(line.partition(":")[0] for line in self._folded.split("\r\n") if line))

    def __len__(self) -> int:
        return sum(1 for _ in self)


class Read(NamedTuple):
    """An answer: its body complete and unpacked. ``keep``: whether the connection is good for another request."""

    status: int
    headers: Headers
    data: bytes
    keep: bool


def request(method: str, target: str, host: str, headers: Mapping[str, str], body: bytes | None) -> bytes:
    """A request as it goes over the wire. Raises ``ValueError`` for what would not be one."""
    if " " in target or "\r" in target or "\n" in target or not method.isalpha():
        raise ValueError("a line of a request must not have a break in it")
    head = f"{method} {target} HTTP/1.1\r\n{_lines(host, *headers.items())}"
    if body is not None or method not in ("GET", "HEAD"):
        return f"{head}Content-Length: {len(body or b'')}\r\n\r\n".encode("latin-1") + (body or b"")
    return f"{head}\r\n".encode("latin-1")


@functools.lru_cache(maxsize=32)
def _lines(host: str, *headers: tuple[str, str]) -> str:
    """What most requests of a pass have in common."""
    lines = [f"Host: {host}", *(f"{name}: {value}" for name, value in headers)]
    if any("\r" in line or "\n" in line for line in lines):
        raise ValueError("a line of a request must not have a break in it")
    return "\r\n".join((*lines, ""))


def read(sock: Socket, limit: int) -> Read:
    """Read an answer whose body has at most ``limit`` bytes. Raises ``Unanswered`` for nonsense, ``OSError`` and ``http.client``'s errors for an end."""
    first = sock.recv(PIECE)
    usual = _usual(first, limit)
    if usual is not None:
        return usual
    incoming = _Incoming(sock, first)
    status, version, headers = _head(incoming)
    while 100 <= status < 200 and status != 101:
        status, version, headers = _head(incoming)
    asked = headers["Connection"].lower() if "Connection" in headers else ""
    keep = "close" not in asked and (version >= "1.1" or "keep-alive" in asked)
    if status in _EMPTY:
        return Read(status, headers, b"", keep)
    if "Transfer-Encoding" in headers and "chunked" in headers["Transfer-Encoding"].lower():
        pieces, ended = incoming.chunks(), True
    elif "Content-Length" in headers:
        pieces, ended = incoming.exactly(_number(headers["Content-Length"], 10)), True
    else:
        pieces, ended = incoming.rest(), False
    data = unpacked(pieces, headers.get("Content-Encoding"), limit)
    return Read(status, headers, data, keep and ended and not incoming.has_more)


def _usual(piece: bytes, limit: int) -> Read | None:
    """A small answer as nearly all are: it came in one piece, with a length and nothing special. None for any other, which is read with care."""
    end = piece.find(b"\r\n\r\n")
    if end < 0 or piece[:9] != b"HTTP/1.1 " or piece[12:13] not in b" \r" or not (code := piece[9:12]).isdigit() or code < b"200" or code in (b"204", b"304"):
        return None
    head = piece[piece.index(b"\r\n") : end + 2]
    folded = head.lower()
    at = folded.find(_LENGTH)
    if at < 0 or len(_FRAMING(folded)) != 1:
        return None
    length = folded[at + len(_LENGTH) : folded.index(b"\r\n", at + 2)]
    data = piece[end + 4 :]
    if not length.isdigit() or len(length) > 9 or int(length) != len(data) or len(data) > limit:
        return None
    return Read(int(code), Headers.of(head, folded), data, True)


def _head(incoming: _Incoming) -> tuple[int, str, Headers]:
    first, _, rest = incoming.head().partition("\r\n")
    protocol, _, code = first[:12].partition(" ")
    if not protocol.startswith("HTTP/1.") or len(code) != 3 or not (code.isascii() and code.isdigit()) or first[12:13].strip():
        raise BadStatusLine(first[:100])
    return int(code), protocol[5:], Headers(rest)


def _number(text: str, base: int) -> int:
    word = text.strip()
    if not word or not all(c in "0123456789abcdefABCDEF"[: 10 if base == 10 else None] for c in word):
        raise Unanswered("the server sent a body of no length", reason="Nonsense")
    return int(word, base)


class _Incoming:
    """Bytes from a socket, read ahead."""

    def __init__(self, sock: Socket, first: bytes) -> None:
        self._sock = sock
        self._ahead = first

    @property
    def has_more(self) -> bool:
        """Whether there is something that nobody asked for."""
        return bool(self._ahead)

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
