"""One live reader: from a position to the head, and on from there until it or the process goes.

Owns the answer's form and its heartbeats. Must not know how readers share what is new (`live`).
"""

import asyncio
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, Final

import anyio
from anyio import CancelScope
from litestar.types import Receive, Scope, Send

from timeline.eventstore.errors import EventStoreError
from timeline.eventstore.model import EventFilter
from timeline.formats import sse
from timeline.http.errors import Overloaded
from timeline.http.live import HEARTBEAT_S, Feed, Live, wait_for_match
from timeline.http.replies import EVENT_STREAM

END_TIMEOUT_S: Final = 1.0
"""How long a client has to take the end of its stream."""


class Following:
    """An ASGI application that tells one reader what comes, as server-sent events."""

    def __init__(self, live: Live, filter: EventFilter, after: int, head: int) -> None:
        self._live = live
        self._filter = filter
        self._after = after
        self._head = head

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the client goes, the process stops, or the log cannot be read."""
        end_with_process(self._live)
        headers = [(name.encode(), value.encode()) for name, value in headers_at(self._head)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        gone = False

        async def watch(scope: CancelScope) -> None:
            nonlocal gone
            while (await receive())["type"] != "http.disconnect":
                pass
            gone = True
            scope.cancel()

        async with anyio.create_task_group() as tasks:
            with (
                self._live.ended_with(tasks.cancel_scope),
                self._live.joined(self._filter, self._head) as feed,
            ):
                tasks.start_soon(watch, tasks.cancel_scope)
                try:
                    await self._follow(feed, send)
                except (EventStoreError, Overloaded):
                    # The status is sent: the client comes back where it was.
                    tasks.cancel_scope.cancel()
        if not gone:
            with anyio.move_on_after(END_TIMEOUT_S):
                await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _follow(self, feed: Feed, send: Send) -> None:
        position = self._after
        body = sse.OPENING
        while True:
            if body:
                await send({"type": "http.response.body", "body": body, "more_body": True})
            if position < feed.matched:
                part = await self._live.part(feed, position)
                position, body = part.until, part.body
            elif await wait_for_match(feed, position, HEARTBEAT_S):
                body = b""
            else:
                # Nothing matched since: the next time, the log is read from here.
                position = max(position, feed.position)
                body = sse.heartbeat(position)


def headers_at(head: int) -> list[tuple[str, str]]:
    """Return the headers of a stream that begins when the log ends there."""
    return [
        ("Content-Type", EVENT_STREAM),
        ("Cache-Control", "no-store"),
        ("X-Accel-Buffering", "no"),  # A proxy that gathers would keep events back.
        ("Timeline-Position", str(head)),
        ("Vary", "Accept"),
    ]


def end_with_process(live: Live) -> None:
    """Have streams end when the server is told to stop, which waits for answers to end.

    The server's own handler stands since before the first request, and goes on as it was.
    """
    if live.ends_with_process or threading.current_thread() is not threading.main_thread():
        return
    live.ends_with_process = True
    loop = asyncio.get_running_loop()

    def handler(former: Any) -> Callable[[int, FrameType | None], None]:
        def handle(number: int, frame: FrameType | None) -> None:
            loop.call_soon_threadsafe(live.close)
            if callable(former):
                former(number, frame)

        return handle

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, handler(signal.getsignal(number)))
