"""A server is asked within bounds of time and bytes, whatever it sends, and however."""

import contextlib
import gzip
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from timeline.application.http_client import CHUNK_BYTES, HttpClient, HttpFailed

ANSWER_S = 0.2
JOIN_S = 10.0


@contextmanager
def server(serve: Callable[[socket.socket], None]) -> Iterator[str]:
    """Serve one connection; gives the place, as `host:port`."""

    def accept() -> None:
        connection, _ = listening.accept()
        with connection, contextlib.suppress(OSError):
            serve(connection)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"127.0.0.1:{listening.getsockname()[1]}"
        thread.join(JOIN_S)


def answered(head: str, body: bytes, limit_bytes: int) -> tuple[bytes, bool]:
    """Return what is read of an answer with these lines in its head."""

    def serve(connection: socket.socket) -> None:
        connection.recv(CHUNK_BYTES)
        connection.sendall(f"HTTP/1.1 200 OK\r\n{head}\r\n\r\n".encode() + body)

    with server(serve) as place, HttpClient(f"http://{place}", answer_s=JOIN_S) as client:
        answer = client.get("/", limit_bytes)
    return answer.body, answer.whole


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize(
    ("scheme", "beginning", "again"),
    [
        ("http", b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        ("http", b"HTTP/1.1 200 OK\r\n", b"X"),
        ("http", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"x"),
        ("http", b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
        ("https", b"\x16\x03\x03\x3f\xff", b"\x02"),
    ],
    ids=["interim answers", "a header", "a chunk's extension", "a body", "a handshake"],
)
def test_no_answer_takes_for_ever(scheme: str, beginning: bytes, again: bytes, method: str) -> None:
    """A server that goes on and on, whatever it sends, is left after a while."""
    stopping = threading.Event()

    def drip(connection: socket.socket) -> None:
        connection.sendall(beginning)
        while not stopping.wait(0.02):
            connection.sendall(again)

    with server(drip) as place, HttpClient(f"{scheme}://{place}", answer_s=ANSWER_S) as client:
        started = time.monotonic()
        try:
            with pytest.raises(HttpFailed, match="too long"):
                client.get("/", 10**6) if method == "get" else client.post("/", b"x", 10**6)
        finally:
            stopping.set()

    assert time.monotonic() - started < JOIN_S


@pytest.mark.parametrize("coding", ["gzip", "X-Gzip"])
def test_an_answer_may_be_zipped(coding: str) -> None:
    """As mirrors of a log serve it, asked or not (C2SP tlog-tiles); what is in it is bounded."""
    body = bytes(range(256)) * 4096
    head = f"Content-Encoding: {coding}"

    assert answered(head, gzip.compress(body), len(body)) == (body, True)
    assert answered(head, gzip.compress(body), len(body) - 1) == (body[:-1], False)


def test_what_unzips_to_much_is_left() -> None:
    """A hundred megabytes of zeros come in a hundred kilobytes."""
    bomb = gzip.compress(bytes(100_000_000), 1)

    body, whole = answered("Content-Encoding: gzip", bomb, 1000)

    assert (body, whole) == (bytes(1000), False)


@pytest.mark.parametrize(
    ("head", "body"),
    [
        ("Content-Length: 9", b"12345678"),
        ("Content-Encoding: gzip", gzip.compress(b"12345678", mtime=0)[:-1]),
        ("Content-Encoding: gzip", gzip.compress(b"12345678", mtime=0) + b"9"),
        ("Content-Encoding: gzip", b""),
        ("Content-Encoding: gzip", b"12345678"),
        ("Content-Encoding: br", b"12345678"),
    ],
)
def test_an_answer_that_is_not_whole_is_none(head: str, body: bytes) -> None:
    """A log is not accused of what a connection, or another coding, did to its answer."""
    with pytest.raises(HttpFailed):
        answered(head, body, 100)
