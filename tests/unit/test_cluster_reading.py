"""Answers of HTTP/1.1, read from whatever pieces they come in."""

from __future__ import annotations

import gzip
from http.client import HTTPException

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitopsc.cluster.problems import Unanswered
from gitopsc.cluster.reading import Headers, read, request

LIMIT = 1 << 16


class Pieces:
    """A socket that gives these bytes, some at a time."""

    def __init__(self, data: bytes, size: int = 1 << 16) -> None:
        self.data, self.size = data, size

    def recv(self, size: int, /) -> bytes:
        piece, self.data = self.data[: min(size, self.size)], self.data[min(size, self.size) :]
        return piece


BODY = b'{"kind":"ConfigMap"}'
FINE = {
    "by length": (b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n" + BODY, True),
    "by chunks": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\n" + BODY[:5] + b"\r\nF\r\n" + BODY[5:] + b"\r\n0\r\nTrailer: x\r\n\r\n",
        True,
    ),
    "to the end": (b"HTTP/1.1 200 OK\r\n\r\n" + BODY, False),
    "closing": (b"HTTP/1.1 200 OK\r\nconnection: Close\r\ncontent-length: 20\r\n\r\n" + BODY, False),
    "an old version": (b"HTTP/1.0 200 OK\r\nContent-Length: 20\r\n\r\n" + BODY, False),
    "after a word in between": (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200\r\nContent-Length: 20\r\n\r\n" + BODY, True),
}


@pytest.mark.parametrize("name", FINE)
@pytest.mark.parametrize("size", [1, 7, 1 << 16])
def test_answers(name: str, size: int) -> None:
    data, keep = FINE[name]
    found = read(Pieces(data, size), LIMIT)
    assert (found.status, found.data, found.keep) == (200, BODY, keep)


@pytest.mark.parametrize("size", [7, 1 << 14])
def test_a_connection_with_something_left_in_it_is_not_used_again(size: int) -> None:
    data = b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n" + BODY
    assert not read(Pieces(data + b"HTTP", size), LIMIT).keep


ODD = {
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\nContent-Length: 7\r\n\r\n",
    "a length that is none": b"HTTP/1.1 200 OK\r\nContent-Length: 2_0\r\n\r\n",
    "length and chunks": b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\nTransfer-Encoding: chunked\r\n\r\n",
    "a status of two digits": b"HTTP/1.1 20 OK\r\nContent-Length: 20\r\n\r\n",
}


@pytest.mark.parametrize("name", ODD)
def test_the_quick_way_takes_nothing_odd(name: str) -> None:
    with pytest.raises((Unanswered, HTTPException)):
        read(Pieces(ODD[name] + BODY), LIMIT)


def test_a_body_beyond_the_limit_in_one_piece() -> None:
    with pytest.raises(Unanswered, match="more than"):
        read(Pieces(b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n" + BODY), 19)


def test_a_packed_body() -> None:
    packed = gzip.compress(BODY)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n".encode()
    assert read(Pieces(head + packed, 3), LIMIT).data == BODY


def test_no_body_where_none_may_be() -> None:
    assert read(Pieces(b'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\n\r\n'), LIMIT).headers["etag"] == '"x"'


BROKEN = {
    "nothing": b"",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "no status": b"<html>no</html>\r\n\r\n",
    "an odd status": b"HTTP/1.1 2000 OK\r\n\r\n",
    "too short a body": b"HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\n" + BODY,
    "half a chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nx",
    "no length": b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
    "no chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "a chunk that goes on": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n0\r\n\r\n",
    "a coding that nobody asked for": b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 1\r\n\r\nx",
    "no gzip": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd",
    "half a gzip": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 15\r\n\r\n" + gzip.compress(BODY)[:15],
    "a gzip that never ends": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(b"x" * (LIMIT + 1)),
    "too large a body": b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (LIMIT + 1),
    "headers without end": b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20_000,
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_answer(name: str) -> None:
    with pytest.raises((Unanswered, HTTPException, OSError)):
        read(Pieces(BROKEN[name]), LIMIT)


@given(st.binary(max_size=200), st.integers(1, 50))
def test_nonsense_ends(data: bytes, size: int) -> None:
    for start in (b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"):
        try:
            read(Pieces(start + data, size), LIMIT)
        except (Unanswered, HTTPException, OSError):
            continue


def test_headers_by_any_case_and_joined() -> None:
    headers = Headers("Warning: 299 - a\r\nContent-Type:application/json\r\nwarning: 299 - b")
    assert headers["WARNING"] == "299 - a, 299 - b"
    assert headers.get("content-type") == "application/json"
    assert headers.get("Retry-After") is None
    assert "Content-type" in headers
    assert "Type" not in headers
    assert list(headers) == ["warning", "content-type"]
    assert len(headers) == 2


def test_requests() -> None:
    assert request("GET", "/a?b=c", "host:1", {"Accept": "x"}, None) == b"GET /a?b=c HTTP/1.1\r\nHost: host:1\r\nAccept: x\r\n\r\n"
    assert request("POST", "/a", "h", {}, b"{}").endswith(b"Content-Length: 2\r\n\r\n{}")
    assert request("DELETE", "/a", "h", {}, None).endswith(b"Content-Length: 0\r\n\r\n")


@pytest.mark.parametrize(("target", "headers"), [("/a b", {}), ("/a\r\nX: y", {}), ("/a", {"X": "y\r\nZ: z"}), ("/a", {"X\n": "y"})])
def test_nothing_can_be_smuggled_into_a_request(target: str, headers: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="break"):
        request("GET", target, "h", headers, None)
