"""Long answers that clients do not read: what they hold is bounded, and others are answered."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar.types import HTTPReceiveMessage, Message, Receive, Scope, Send

from timeline.http import unread
from timeline.http.boundary import Boundary
from timeline.http.errors import Overloaded
from timeline.http.unread import PART_BYTES, WHOLE_BYTES, Unread, parts, patience_s

BOUND_S = 10
TIMEOUT_S = 0.05
LONG = b"x" * (WHOLE_BYTES + 1)


def scope(path: str = "/", method: str = "GET") -> Any:
    """Return a request."""
    return {"type": "http", "method": method, "path": path, "headers": [], "client": ("::1", 1)}


async def nothing() -> HTTPReceiveMessage:
    """Receive nothing, ever."""
    await anyio.sleep_forever()
    raise AssertionError


def answering(body: bytes) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    """Return what answers with these bytes, each time in a copy of its own."""

    async def answer(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 201, "headers": []})
        own = bytes(bytearray(body))
        await send({"type": "http.response.body", "body": own, "more_body": False})

    return answer


class Reader:
    """A client that takes so many parts of a body, and then no more."""

    def __init__(self, takes: int = 1_000) -> None:
        self.messages: list[Any] = []
        self._takes = takes

    async def __call__(self, message: Message) -> None:
        """Take a message, if any more are taken."""
        if len(self.messages) > self._takes:
            await anyio.sleep_forever()
        self.messages.append(message)

    @property
    def status(self) -> int:
        """The answer's status."""
        status: int = self.messages[0]["status"]
        return status

    @property
    def body(self) -> bytes:
        """What came of the body."""
        return b"".join(message["body"] for message in self.messages[1:])


def run(asking: Callable[[], Awaitable[None]]) -> None:
    """Run something to its end, which it has to come to."""

    async def bounded() -> None:
        with anyio.fail_after(BOUND_S):
            await asking()

    asyncio.run(bounded())


@given(st.integers(0, 5 * PART_BYTES))
def test_parts_are_the_whole_in_order(size_bytes: int) -> None:
    """No part passes the bound or is empty, but for that of nothing; the last one says that it is."""
    body = b"y" * size_bytes

    found = list(parts(body))

    assert b"".join(part for part, _ in found) == body
    assert [more for _, more in found] == [True] * (len(found) - 1) + [False]
    assert all(0 < len(part) <= PART_BYTES for part, _ in found) or found == [(b"", False)]


@pytest.mark.parametrize(("size_bytes", "in_parts"), [(WHOLE_BYTES, 1), (WHOLE_BYTES + 1, 5)])
def test_a_long_answer_is_handed_on_in_parts(size_bytes: int, in_parts: int) -> None:
    """All of it comes, and the headers once."""
    reader = Reader()

    run(lambda: Boundary(answering(LONG[:size_bytes]), 0)(scope(), nothing, reader))

    assert reader.status == 201
    assert reader.body == LONG[:size_bytes]
    assert len(reader.messages) == 1 + in_parts


def test_streams_are_handed_on_in_parts_however_short_their_messages() -> None:
    """What many live readers leave unread is bounded, though none of it is a long answer."""

    async def stream(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(2):
            body = b"z" * (PART_BYTES + 1)
            await send({"type": "http.response.body", "body": body, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    reader = Reader()

    run(lambda: Boundary(stream, 0)(scope(), nothing, reader))

    lengths = [len(message["body"]) for message in reader.messages[1:]]
    assert lengths == [PART_BYTES, 1, PART_BYTES, 1, 0]
    assert [message["more_body"] for message in reader.messages[1:]] == [True] * 4 + [False]


def test_no_more_is_handed_on_than_a_client_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that stops reading a long answer is given up, having had no more than it took."""
    monkeypatch.setattr(unread, "PATIENCE_S", TIMEOUT_S)
    monkeypatch.setattr(unread, "SLOWEST_BYTES_PER_S", len(LONG) / TIMEOUT_S)
    reader = Reader(2)

    run(lambda: Boundary(answering(LONG), 0)(scope(), nothing, reader))

    assert len(reader.body) == 2 * PART_BYTES


def test_who_reads_slowly_has_longer_for_more() -> None:
    """A client has a while, and for each byte as long as the slowest may take."""
    assert patience_s(0) == unread.PATIENCE_S
    assert patience_s(2**20) == unread.PATIENCE_S + 32


def test_unread_answers_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the bound long reads are refused as 503; short ones, and what was done, are answered."""
    monkeypatch.setattr(unread, "MAX_UNREAD_BYTES", 2 * len(LONG))
    bodies = {"/long": LONG, "/short": b"{}"}

    async def handler(asked: Scope, receive: Receive, send: Send) -> None:
        await answering(bodies[asked["path"]])(asked, receive, send)

    outer = Boundary(handler, 0)
    refused, written, later, short = Reader(), Reader(), Reader(), Reader()

    async def asking() -> None:
        async with anyio.create_task_group() as tasks:
            for _ in range(2):
                tasks.start_soon(outer, scope("/long"), nothing, Reader(1))
            await anyio.wait_all_tasks_blocked()
            await outer(scope("/long"), nothing, refused)
            await outer(scope("/long", "POST"), nothing, written)
            await outer(scope("/short"), nothing, short)
            tasks.cancel_scope.cancel()
        await outer(scope("/long"), nothing, later)

    run(asking)

    headers = dict(refused.messages[0]["headers"])
    assert headers[b"retry-after"] == b"1"
    assert json.loads(refused.body)["type"] == "/problems/overloaded"
    assert [each.status for each in (refused, written, short, later)] == [503, 201, 201, 201]
    assert later.body == LONG


def test_one_answer_to_many_counts_once() -> None:
    """What is kept and sent to all who ask takes its bytes once, until the last one has it."""
    kept = Unread()

    with kept.held(LONG):
        with kept.held(LONG):
            both = kept.size_bytes
        one = kept.size_bytes

    assert (both, one, kept.size_bytes) == (len(LONG), len(LONG), 0)


def test_one_alone_is_answered_however_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer longer than the bound can be read, by one client at a time."""
    monkeypatch.setattr(unread, "MAX_UNREAD_BYTES", 1)
    kept = Unread()
    other = LONG[:-1] + b"y"

    with kept.held(LONG), pytest.raises(Overloaded), kept.held(other):
        pass
    with kept.held(other):
        assert kept.size_bytes == len(other)
