"""Reads a log over HTTP as C2SP tlog-tiles has it: checkpoint, tiles and bundles of entries.

Owns connections, their bounds, and what an answer that is not the one asked for means. Must not know
what is right or wrong in a log: the server is not trusted to send little, or to send it soon.
"""

import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Final, Self, TypeVar
from urllib.parse import SplitResult, urlsplit

from timeline import __version__
from timeline.application.errors import LogUnreachable

SILENCE_S: Final = 10.0
"""How long a server may say nothing."""

ANSWER_S: Final = 60.0
"""How long one answer may take: a bundle of the largest entries at 2 Mbit/s."""

ATTEMPTS: Final = 3
PAUSE_S: Final = 1.0
"""Before another attempt, times the number of those before."""

CONNECTIONS: Final = 4
"""Answers waited for at once: so that a log far away is not read at the pace of its distance."""

AHEAD: Final = 4 * CONNECTIONS
"""Answers that may be asked for before they are used: 268 MB, if each were as large as can be."""

CHUNK_BYTES: Final = 65_536

_NOT_THERE: Final = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)
_LATER: Final = (
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.INTERNAL_SERVER_ERROR,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
)

Found = TypeVar("Found")
Asked = TypeVar("Asked")


class NotThere(Exception):
    """The server says that there is no such thing."""


class LogClient:
    """Fetches what a log publishes, until its context ends. Safe for threads."""

    def __init__(self, url: str) -> None:
        """Name the service, or the place of a mirror: what is below `…/log/` is asked for.

        Raises LogUnreachable for what is no address of HTTP.
        """
        self._place = _place(url)
        path = self._place.path.rstrip("/")
        self._path = path if path.endswith("/log") else f"{path}/log"
        self._idle: list[HTTPConnection] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        while self._idle:
            self._idle.pop().close()

    def get(self, path: str, limit_bytes: int) -> bytes:
        """Return what stands at a path below `/log/`.

        Args:
            path: such as "checkpoint".
            limit_bytes: more than that is not read.

        Raises:
            NotThere: the server has no such thing.
            LogUnreachable: it cannot be reached, or answers otherwise than it should.

        """
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._get(f"{self._path}/{path}", limit_bytes)
            except _AgainError as error:
                if attempt == ATTEMPTS:
                    raise self._unreachable(str(error)) from error
                time.sleep(PAUSE_S * attempt)
        raise AssertionError  # pragma: no cover - the last attempt returns or raises

    def _get(self, path: str, limit_bytes: int) -> bytes:
        status, raw = self._answer(path, limit_bytes)
        if status in _NOT_THERE:
            raise NotThere(path)
        if status in _LATER:
            raise _AgainError(f"it answers {status} to {path}")
        if status != HTTPStatus.OK:
            raise self._unreachable(f"it answers {status} to {path}")
        if len(raw) > limit_bytes:
            raise self._unreachable(f"it answers with more than {limit_bytes} bytes to {path}")
        return raw

    def _answer(self, path: str, limit_bytes: int) -> tuple[int, bytes]:
        """Ask on a connection that is idle, or a new one."""
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._connection()
        try:
            if connection.sock is None:
                connection.connect()
            with _ending(connection.sock):
                connection.request("GET", path, headers={"User-Agent": f"timeline/{__version__}"})
                answer = connection.getresponse()
                raw = _read(answer, limit_bytes)
        except (OSError, HTTPException) as error:
            connection.close()
            raise _AgainError(str(error) or type(error).__name__) from error
        answer.close()
        if len(raw) > limit_bytes:
            connection.close()  # The rest of the answer is still to come on it.
        self._idle.append(connection)
        return answer.status, raw

    def _connection(self) -> HTTPConnection:
        host, port = self._place.hostname or "", self._place.port
        if self._place.scheme == "https":
            context = ssl.create_default_context()
            return HTTPSConnection(host, port, timeout=SILENCE_S, context=context)
        return HTTPConnection(host, port, timeout=SILENCE_S)

    def _unreachable(self, reason: str) -> LogUnreachable:
        return LogUnreachable(url=self._place.geturl(), reason=reason)


class _AgainError(Exception):
    """It may go better another time."""


@contextmanager
def _ending(connected: socket.socket) -> Iterator[None]:
    """End whatever is waited for on a socket once ANSWER_S is over; raises TimeoutError then.

    A server can keep one waiting without ever sending an answer's end, or its beginning.
    """
    ended = threading.Event()

    def end() -> None:
        ended.set()
        with suppress(OSError):
            connected.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(ANSWER_S, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        if ended.is_set():
            msg = "it takes too long to answer"
            raise TimeoutError(msg)


def _read(answer: HTTPResponse, limit_bytes: int) -> bytes:
    """Read an answer, and one byte beyond the bound where it is longer."""
    parts: list[bytes] = []
    left = limit_bytes + 1
    while left and (part := answer.read1(min(left, CHUNK_BYTES))):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def _place(url: str) -> SplitResult:
    try:
        place = urlsplit(url)
        usable = place.scheme in {"http", "https"} and place.hostname and place.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise LogUnreachable(url=url[:200], reason="it is no address like https://timeline.example")
    return place


def ahead(
    fetch: Callable[[Asked], Found], asked: Iterable[Asked]
) -> Generator[tuple[Asked, Found], None, None]:
    """Yield what is fetched in the order in which it is asked for, some of it fetched ahead."""
    waiting: deque[tuple[Asked, Future[Found]]] = deque()
    pool = ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="log-client")
    try:
        for each in asked:
            waiting.append((each, pool.submit(fetch, each)))
            if len(waiting) >= AHEAD:
                first, found = waiting.popleft()
                yield first, found.result()
        while waiting:
            first, found = waiting.popleft()
            yield first, found.result()
    finally:
        pool.shutdown(cancel_futures=True)
