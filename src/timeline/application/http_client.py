"""Asks a server over HTTP that is not trusted to send little, to send it soon, or to send it plainly.

Owns connections, what an exchange may take in time and bytes, and content codings. Must not know what
is asked for, or what an answer means. No redirect is followed: a server speaks for itself alone, and
what was meant for it goes nowhere else.
"""

import ipaddress
import re
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Final, NamedTuple, Self
from urllib.parse import SplitResult, urlsplit

from timeline import __version__

SILENCE_S: Final = 10.0
"""How long a server may say nothing."""

CHUNK_BYTES: Final = 65_536

SLACK_BYTES: Final = 65_536
"""By how much what is zipped may be longer than what it holds: gzip adds 5 bytes to each 64 KB."""

_GZIP: Final = frozenset({"gzip", "x-gzip"})
_GZIP_WINDOW: Final = 16 + zlib.MAX_WBITS
_TOKEN: Final = re.compile(r"[\x21-\x7e]{1,4096}")
_SHOWN_CHARACTERS: Final = 200


class HttpFailed(Exception):
    """There is no answer: the server cannot be reached, or does not answer whole and in time."""


class HttpAnswer(NamedTuple):
    """What a server answered; `whole` tells whether its body ends within what was read of it."""

    status: int
    media_type: str
    body: bytes
    whole: bool


class HttpClient:
    """Asks one server, until its context ends. Safe for threads."""

    def __init__(self, url: str, *, answer_s: float, token: str | None = None) -> None:
        """Name the server.

        Args:
            url: any address on it.
            answer_s: how long an exchange may take, from connecting to the answer's last byte. What
                the system's resolver takes for a name comes on top.
            token: sent with each request.

        Raises:
            ValueError: it is no address of HTTP, or the token is none, or would go over a network for
                everyone to read.

        """
        self._place = _usable(url)
        self._host = self._place.hostname or ""
        self._context = ssl.create_default_context() if self._place.scheme == "https" else None
        self._answer_s = answer_s
        self._headers = {
            "User-Agent": f"timeline/{__version__}",
            "Accept-Encoding": "gzip, identity",
        }
        if token is not None:
            _require_secret(token, self._place)
            self._headers["Authorization"] = f"Bearer {token}"
        self._idle: list[HTTPConnection] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        while self._idle:
            self._idle.pop().close()

    @property
    def path(self) -> str:
        """The path of the address, without a slash at its end."""
        return self._place.path.rstrip("/")

    def get(self, path: str, limit_bytes: int) -> HttpAnswer:
        """Return what stands at a path, or the first `limit_bytes` of it; raises HttpFailed."""
        return self._ask("GET", path, limit_bytes, None)

    def post(self, path: str, body: bytes, limit_bytes: int) -> HttpAnswer:
        """Send bytes; return the answer, or the first `limit_bytes` of it; raises HttpFailed."""
        return self._ask("POST", path, limit_bytes, body)

    def _ask(self, method: str, path: str, limit_bytes: int, body: bytes | None) -> HttpAnswer:
        """Ask on a connection that is idle, or a new one."""
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._connection()
        deadline = time.monotonic() + self._answer_s
        try:
            if connection.sock is None:
                connection.sock = self._socket(deadline)
            with _ending(connection.sock, deadline):
                if isinstance(connection.sock, ssl.SSLSocket):
                    connection.sock.do_handshake()  # On one that is used again, nothing.
                connection.request(method, path, body, self._headers)
                answer = connection.getresponse()
                read, whole = _read(answer, limit_bytes)
        except (OSError, HTTPException, ValueError, zlib.error) as error:
            connection.close()
            reason = str(error) or type(error).__name__
            raise HttpFailed(reason[:_SHOWN_CHARACTERS]) from error
        answer.close()
        if not whole:
            connection.close()  # The rest of the answer is still to come on it.
        self._idle.append(connection)
        return HttpAnswer(answer.status, answer.headers.get_content_type(), read, whole)

    def _connection(self) -> HTTPConnection:
        """Return what speaks HTTP over a socket that is still to be had."""
        if self._context is None:
            return HTTPConnection(self._host, self._place.port)
        return HTTPSConnection(self._host, self._place.port, context=self._context)

    def _socket(self, deadline: float) -> socket.socket:
        """Connect, by TLS where the address says so, without a word from the server yet."""
        plain = _connected(self._host, self._place.port or self._place.scheme, deadline)
        if self._context is None:
            return plain
        # The handshake has to end at the deadline, too.
        return self._context.wrap_socket(
            plain, server_hostname=self._host, do_handshake_on_connect=False
        )


def _usable(url: str) -> SplitResult:
    try:
        place = urlsplit(url)
        usable = place.scheme in {"http", "https"} and place.hostname and place.port != 0
    except ValueError:
        usable = False
    if not usable:
        msg = "it is no address like https://timeline.example"
        raise ValueError(msg)
    return place


def _require_secret(token: str, place: SplitResult) -> None:
    """Refuse a token that cannot stay one."""
    if not _TOKEN.fullmatch(token):
        msg = "the token for it is none"
        raise ValueError(msg)
    if place.scheme != "https" and not _is_here(place.hostname or ""):
        msg = "a token goes over https alone, or stays on this machine"
        raise ValueError(msg)


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _connected(host: str, port: int | str, deadline: float) -> socket.socket:
    """Connect to the first address of a host that answers; raises OSError where none does in time."""
    failed: OSError = TimeoutError("it takes too long to connect")
    for family, kind, protocol, _, address in socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM
    ):
        left_s = deadline - time.monotonic()
        if left_s <= 0:
            break
        found = socket.socket(family, kind, protocol)
        try:
            found.settimeout(min(SILENCE_S, left_s))
            found.connect(address)
            found.settimeout(SILENCE_S)
            # Else a request's body waits until its head is acknowledged.
            found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            found.close()
            failed = error
        else:
            return found
    raise failed


@contextmanager
def _ending(connected: socket.socket, deadline: float) -> Iterator[None]:
    """End whatever is waited for on a socket at a deadline; raises TimeoutError then.

    A server can keep one waiting without ever sending an answer's end, or its beginning, and never
    be silent for long.
    """
    ended = threading.Event()

    def end() -> None:
        ended.set()
        with suppress(OSError):
            # Not that of TLS, which drops its state under whoever reads.
            socket.socket.shutdown(connected, socket.SHUT_RDWR)

    timer = threading.Timer(max(0.0, deadline - time.monotonic()), end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        if ended.is_set():
            msg = "it takes too long to answer"
            raise TimeoutError(msg)


def _read(answer: HTTPResponse, limit_bytes: int) -> tuple[bytes, bool]:
    """Return the beginning of a body, and whether that is all of it."""
    coding = answer.headers.get("Content-Encoding", "identity").strip().lower()
    parts = _parts(answer, limit_bytes + SLACK_BYTES)
    if coding in _GZIP:
        parts = _unzipped(parts)
    elif coding != "identity":
        msg = f"it answers in the coding {coding}, which was not asked for"
        raise ValueError(msg)
    body = bytearray()
    for part in parts:
        body += part
        if len(body) > limit_bytes:
            return bytes(body[:limit_bytes]), False
    return bytes(body), True


def _parts(answer: HTTPResponse, limit_bytes: int) -> Iterator[bytes]:
    """Yield a body as it comes, up to a bound."""
    left = limit_bytes
    while left > 0 and (part := answer.read1(min(left, CHUNK_BYTES))):
        left -= len(part)
        yield part
    if left > 0 and answer.length:
        msg = "its answer is cut off"
        raise ValueError(msg)


def _unzipped(parts: Iterator[bytes]) -> Iterator[bytes]:
    """Yield what is zipped in some bytes, however much it is, in pieces of a bounded size."""
    unzipping = zlib.decompressobj(_GZIP_WINDOW)
    for part in parts:
        left, full = part, False
        while left or full:
            piece = unzipping.decompress(left, CHUNK_BYTES)
            yield piece
            left, full = unzipping.unconsumed_tail, len(piece) == CHUNK_BYTES
    if not unzipping.eof or unzipping.unused_data:
        msg = "what it zipped does not end where its answer does"
        raise ValueError(msg)
