"""What is still being sent when the answer is known is taken in, within bounds."""

import asyncio
from collections.abc import Awaitable
from typing import Any

import anyio
import pytest
from litestar.types import Receive, Scope, Send

from timeline.http import draining
from timeline.http.boundary import Boundary
from timeline.http.draining import brings_body, drain

BOUND_S = 10
PART: Any = {"type": "http.request", "body": b"x" * 1_000, "more_body": True}
LAST: Any = {"type": "http.request", "body": b"", "more_body": False}


class Body:
    """A body that arrives in these parts, and then stalls; counts those taken."""

    def __init__(self, *parts: Any) -> None:
        self.parts = list(parts)
        self.taken = 0

    async def __call__(self) -> Any:
        """Receive a part."""
        if self.taken == len(self.parts):
            await anyio.sleep_forever()
        self.taken += 1
        return self.parts[self.taken - 1]


def run(waiting: Awaitable[None]) -> None:
    """Run something to its end, which it has to come to."""

    async def bounded() -> None:
        with anyio.fail_after(BOUND_S):
            await waiting

    asyncio.run(bounded())


def asked(method: str, **headers: str) -> Any:
    """Return a request."""
    return {
        "type": "http",
        "method": method,
        "path": "/v1/events",
        "headers": [(name.replace("_", "-").encode(), headers[name].encode()) for name in headers],
    }


def answering(status: int) -> Any:
    """Return what answers without reading the body."""

    async def answer(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b"{}", "more_body": False})

    return answer


async def sent(_message: Any) -> None:
    """Take what is sent."""


def test_a_body_is_taken_in_to_its_end() -> None:
    """Once its last part has come, nothing more is waited for."""
    body = Body(PART, PART, LAST)

    run(drain(body))

    assert body.taken == 3


def test_a_client_that_goes_is_not_waited_for() -> None:
    """Who has read the answer and closes the connection ends it."""
    body = Body(PART, {"type": "http.disconnect"}, PART)

    run(drain(body))

    assert body.taken == 2


def test_no_more_is_taken_in_than_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that goes on and on is left to itself."""
    monkeypatch.setattr(draining, "DRAIN_BYTES", 2_500)
    body = Body(*[PART] * 9)

    run(drain(body))

    assert body.taken == 3


def test_a_client_that_stalls_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The wait for the rest comes to an end."""
    monkeypatch.setattr(draining, "DRAIN_TIMEOUT_S", 0.05)
    body = Body(PART)

    run(drain(body))

    assert body.taken == 1


@pytest.mark.parametrize(("status", "taken"), [(401, 2), (413, 2), (503, 2), (201, 0)])
def test_a_refusal_is_followed_by_the_rest(status: int, taken: int) -> None:
    """After a refusal what is still being sent is taken in; whoever was answered has sent it all."""
    body = Body(PART, LAST)

    run(Boundary(answering(status), 0)(asked("POST", content_length="1000"), body, sent))

    assert body.taken == taken


def test_slots_are_free_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client whose rest is awaited takes no request's place."""
    monkeypatch.setattr("timeline.http.boundary.MAX_REQUESTS", 1)
    outer = Boundary(answering(401), 0)
    statuses: list[int] = []

    async def noting(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    async def both() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(outer, asked("POST", content_length="9"), Body(), noting)
            await anyio.wait_all_tasks_blocked()
            await outer(asked("GET"), Body(), noting)
            tasks.cancel_scope.cancel()

    run(both())

    assert statuses == [401, 401]


def test_a_request_brings_a_body_where_its_headers_say_so() -> None:
    """A length that is not 0, or chunks."""
    assert brings_body(asked("POST", content_length="7"))
    assert brings_body(asked("POST", transfer_encoding="chunked"))
    assert not brings_body(asked("POST", content_length="0"))
    assert not brings_body(asked("GET"))
