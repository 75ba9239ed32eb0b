"""The outermost layer: what holds for every request, whichever route it meets or misses.

Owns the request's id, the rate limit, the bound on requests at once and on a client's patience with its
answer, the headers of every answer, HEAD's missing body, the counting, and the one log line a request. Lies
around Litestar, as its middleware sees only requests that found a route.
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from functools import partial
from typing import Any, Final
from urllib.parse import quote

import structlog
from litestar.types import HTTPResponseStartEvent, Message, Receive, Scope, Send

from timeline.http.draining import brings_body, drain
from timeline.http.errors import HttpError, Overloaded, TooManyRequests
from timeline.http.limits import RateLimit
from timeline.http.metrics import PATH as METRICS
from timeline.http.metrics import Requests
from timeline.http.problems import PROBLEM_JSON, problem
from timeline.http.requests import RequestIds, header, hold
from timeline.http.slots import Slots
from timeline.http.sockets import limit_unread
from timeline.http.unread import PATIENCE_S, WHOLE_BYTES, Unread, parts, patience_s
from timeline.observability import FrequentLine

Handler = Callable[[Scope, Receive, Send], Awaitable[None]]
Again = Callable[[Scope], Awaitable[Handler | None]]
Direct = Callable[[Scope], Handler | None]

MAX_REQUESTS: Final = 1_024
"""Requests that a process answers at once, streams included: some 20 MB where they only wait."""

_EXPOSED: Final = (
    "Timeline-Position, Timeline-As-Of, Timeline-Known-At, ETag, Link, Location, X-Request-ID, "
    "Retry-After"
)
_TAKEN: Final = (
    "Authorization, Accept, If-None-Match, Timeline-Min-Position, Last-Event-ID, X-Request-ID"
)

_HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    # Nothing to other sites. To this one it has to be said: a form that says no referrer says no
    # origin either, by which a form of another site is told from one of ours.
    (b"referrer-policy", b"same-origin"),
    # The record is public and needs no cookie, so any page may read it.
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", _EXPOSED.encode()),
)
_NO_CONTENT_POLICY: Final = (
    b"content-security-policy",
    b"default-src 'none'; frame-ancestors 'none'",
)
_CACHED: Final = b"cache-control"
_VARY: Final = b"vary"
_BY_READER: Final = (b"Authorization", b"Cookie")
"""What an answer depends on besides where it was given to someone in person."""

_PREFLIGHT: Final = (
    (b"access-control-allow-methods", b"GET, HEAD"),
    (b"access-control-allow-headers", _TAKEN.encode()),
    (b"access-control-max-age", b"86400"),
)
_CLIENT_GONE: Final = 499
_REFUSED: Final = 400

_LONGEST_PATH: Final = 1_000
"""Characters of a path in the log, where it is percent-encoded, so that it stays on its line."""


_PLAIN: Final = re.compile(r"[A-Za-z0-9/._~-]*", re.ASCII)
"""Paths that look the same percent-encoded."""


class _Answer:
    """What goes out: completed with what every answer has, and counted.

    The server takes a part of a long one when the client has room for it: where that takes too long,
    the task that answers is given up. Short ones it takes at once, and its sockets bound the
    client's patience.
    """

    def __init__(self, scope: Scope, send: Send, request_id: str, unread: Unread) -> None:
        self._scope = scope
        self._send = send
        self._unread = unread
        self._given_up = False
        self._task: asyncio.Task[Any] | None = None
        self._start: HTTPResponseStartEvent | None = None
        self.streams = False
        self._request_id = request_id.encode()
        self._method = scope["method"]  # type: ignore[typeddict-item]
        self.status = _CLIENT_GONE
        self.began_s: float | None = None
        self.size_bytes = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            # Kept until its body comes: too long a one is refused.
            self._start = message
        elif message["type"] == "http.response.body":
            body = b"" if self._method == "HEAD" else message["body"]
            await self._hand_on(body, more=message["more_body"])
        else:
            await self._send(message)

    async def _hand_on(self, body: bytes, *, more: bool) -> None:
        self.streams = self.streams or more
        long = len(body) > WHOLE_BYTES
        if self._start is not None:
            start, self._start = self._start, None
            # What a request did has to be told, however much is unread.
            if long and self._method == "GET" and not self.streams:
                try:
                    hold(self._scope, self._unread.held(body))
                except Overloaded as error:
                    start, body = _refusal(error, self._scope)
                    long = False
            self.status = start["status"]
            self.began_s = time.perf_counter()
            start["headers"] = self._completed(list(start["headers"]))
            await self._send(start)
        self.size_bytes += len(body)
        if self._task is None or not (self.streams or long):
            await self._send({"type": "http.response.body", "body": body, "more_body": more})
            return
        patience = patience_s(len(body))
        timer = asyncio.get_running_loop().call_later(patience, self._give_up, self._task)
        try:
            for part, comes_more in parts(body):
                await self._send(
                    {"type": "http.response.body", "body": part, "more_body": more or comes_more}
                )
        finally:
            timer.cancel()

    async def by(self, answering: Awaitable[None]) -> None:
        """Let it be made; whoever makes one for a client that stalls is given up."""
        self._task = asyncio.current_task()
        try:
            await answering
        except asyncio.CancelledError:
            if not self._given_up or self._task is None or self._task.uncancel():
                raise

    def _give_up(self, task: asyncio.Task[Any]) -> None:
        self._given_up = True
        task.cancel()

    def _completed(self, headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        if "principal" in self._scope["state"] and self._method in {"GET", "HEAD"}:
            headers = in_person(headers)
        names = [name for name, _ in headers]
        headers += _HEADERS
        headers.append((b"x-request-id", self._request_id))
        if _NO_CONTENT_POLICY[0] not in names:
            headers.append(_NO_CONTENT_POLICY)
        if self._method == "OPTIONS":
            headers += _PREFLIGHT
        return headers


def in_person(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return the headers of an answer that took a token: no cache gives it to anyone else.

    What may be kept is kept by the reader's own cache, and for this token, as whoever signs out
    leaves that cache behind.
    """
    cached, varies = _parts(headers, _CACHED), _parts(headers, _VARY)
    if b"no-store" in cached:
        return headers
    kept = [each for each in headers if each[0] not in {_CACHED, _VARY}]
    parts = [b"private", *(part for part in cached if part != b"public")]
    return [
        *kept,
        (_CACHED, b", ".join(parts)),
        (_VARY, b", ".join([*varies, *_BY_READER])),
    ]


def _parts(headers: list[tuple[bytes, bytes]], name: bytes) -> list[bytes]:
    """Return what the headers of a name list, of which there may be several."""
    values = b",".join(value for each, value in headers if each == name)
    return [part for part in map(bytes.strip, values.split(b",")) if part]


class Boundary:
    """Wraps the application."""

    def __init__(
        self,
        handler: Handler,
        rate_limit: int,
        again: Again | None = None,
        direct: Direct | None = None,
    ) -> None:
        """Bind what answers.

        Args:
            handler: answers any request, and its own errors.
            rate_limit: requests a minute and client; 0 for any number.
            again: finds what answers a request with what it was answered before.
            direct: finds what answers a request past the routes, whose errors are answered here.

        """
        self._handler = handler
        self._again = again
        self._direct = direct
        self._request_id = RequestIds()
        self._limit = RateLimit(rate_limit)
        self._slots = Slots(MAX_REQUESTS)
        self._unread = Unread()
        self.requests = Requests(self._slots)
        self._served = FrequentLine("timeline.http.request", "http.request.served")
        self._listening = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request, and log it."""
        started_s = time.perf_counter()
        state: dict[str, Any] = scope.setdefault("state", {})
        request_id = self._request_id(header(scope, b"x-request-id"))
        # A copy: servers hand the same dictionary to every request of a connection.
        scope["state"] = state = {**state, "request_id": request_id, "path": scope["path"]}
        answer = _Answer(scope, send, request_id, self._unread)
        try:
            with ExitStack() as state["held"]:
                await self._answer(scope, receive, answer)
        finally:
            ended_s = time.perf_counter()
            self.requests.count(scope, answer.status, (answer.began_s or ended_s) - started_s)
            principal = state.get("principal")
            self._served.info(
                request_id=request_id,
                method=scope["method"],  # type: ignore[typeddict-item]
                path=_logged(state["path"]),
                status=answer.status,
                duration_ms=round((ended_s - started_s) * 1_000, 2),
                bytes=answer.size_bytes,
                **({} if principal is None else {"principal": principal}),
            )
        if (answer.status >= _REFUSED or answer.streams) and brings_body(scope):
            await drain(receive)

    async def _answer(self, scope: Scope, receive: Receive, answer: _Answer) -> None:
        """Answer, or refuse what is too much; probes and scrapes are always answered."""
        if not self._listening:
            # Only now, as the server listens after the application has started.
            self._listening = True
            limit_unread(PATIENCE_S)
        handler: Callable[[Scope, Receive, _Answer], Awaitable[None]] = self._handler
        if not scope["path"].startswith("/health/") and scope["path"] != METRICS:
            try:
                self._admit(scope)
            except HttpError as error:
                handler = partial(_refuse, error)
            else:
                again = await self._again(scope) if self._again else None
                if again is not None:
                    await answer.by(again(scope, receive, answer))
                    return
                direct = self._direct(scope) if self._direct else None
                if direct is not None:
                    handler = partial(_refusing, direct)
        # Each request has a context of its own, which ends with it.
        structlog.contextvars.bind_contextvars(request_id=scope["state"]["request_id"])
        await answer.by(handler(scope, receive, answer))

    def _admit(self, scope: Scope) -> None:
        """Count a request and give it a slot until it ends.

        Raises:
            TooManyRequests: the client has used up its minute.
            Overloaded: as many as can be are being answered.

        """
        wait_s = self._limit.wait_s((scope.get("client") or ("", 0))[0], time.monotonic())
        if wait_s:
            raise TooManyRequests(limit=self._limit.per_minute, retry_after_s=wait_s)
        hold(scope, self._slots.taken())


def _logged(path: str) -> str:
    """Return a path as it is logged; most need no encoding, which is dear."""
    if _PLAIN.fullmatch(path) is None:
        path = quote(path, errors="replace")
    return path[:_LONGEST_PATH]


async def _refusing(handler: Handler, scope: Scope, receive: Receive, answer: _Answer) -> None:
    """Answer what goes wrong before an answer has begun, as the routes do."""
    try:
        await handler(scope, receive, answer)
    except Exception as error:
        if answer.began_s is not None:
            raise
        await _refuse(error, scope, receive, answer)


async def _refuse(error: Exception, scope: Scope, _receive: Receive, send: Send) -> None:
    start, body = _refusal(error, scope)
    await send(start)
    await send({"type": "http.response.body", "body": body, "more_body": False})


def _refusal(error: Exception, scope: Scope) -> tuple[HTTPResponseStartEvent, bytes]:
    served = problem(error, path=scope["path"], request_id=scope["state"]["request_id"])
    body = served.body()
    headers = {
        **served.headers,
        "Content-Type": PROBLEM_JSON,
        "Content-Length": str(len(body)),
        "Cache-Control": "no-store",
    }
    encoded = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http.response.start", "status": served.status, "headers": encoded}, body
