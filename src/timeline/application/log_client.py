"""Reads a log over HTTP as C2SP tlog-tiles has it: checkpoint, tiles and bundles of entries.

Owns what an answer that is not the one asked for means, and how much is fetched ahead. Must not know
what is right or wrong in a log, nor how a server is kept within bounds.
"""

import time
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from http import HTTPStatus
from typing import Final, Self, TypeVar

from timeline.application.errors import LogUnreachable
from timeline.application.http_client import HttpClient, HttpFailed

ANSWER_S: Final = 60.0
"""How long one answer may take: a bundle of the largest entries at 2 Mbit/s."""

ATTEMPTS: Final = 3
PAUSE_S: Final = 1.0
"""Before another attempt, times the number of those before."""

CONNECTIONS: Final = 4
"""Answers waited for at once: so that a log far away is not read at the pace of its distance."""

AHEAD: Final = 2 * CONNECTIONS
"""Answers that may be asked for before they are used: 134 MB, if each were a bundle of 16.8 MB, which
is as large as can be."""

_NEEDS_TOKEN: Final = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
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

    def __init__(self, url: str, token: str | None = None) -> None:
        """Name the service, or the place of a mirror: what is below `…/log/` is asked for.

        Args:
            url: its address.
            token: one that may read, where reading needs one.

        Raises:
            LogUnreachable: it is no address of HTTP, or one that is not to be told a token.

        """
        self._url = url[:200]
        try:
            self._http = HttpClient(url, answer_s=ANSWER_S, token=token)
        except ValueError as error:
            raise self._unreachable(str(error)) from error
        path = self._http.path
        self._path = path if path.endswith("/log") else f"{path}/log"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

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
        try:
            answer = self._http.get(path, limit_bytes)
        except HttpFailed as error:
            raise _AgainError(str(error)) from error
        said = f"it answers {answer.status} to {path}"
        if answer.status in _NOT_THERE:
            raise NotThere(path)
        if answer.status in _LATER:
            raise _AgainError(said)
        if answer.status in _NEEDS_TOKEN:
            raise self._unreachable(f"{said}: it takes a token that may read")
        if answer.status != HTTPStatus.OK:
            raise self._unreachable(said)
        if not answer.whole:
            raise self._unreachable(f"it answers with more than {limit_bytes} bytes to {path}")
        return answer.body

    def _unreachable(self, reason: str) -> LogUnreachable:
        return LogUnreachable(url=self._url, reason=reason)


class _AgainError(Exception):
    """It may go better another time."""


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
