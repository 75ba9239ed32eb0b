"""Clients that stall: each is given up in time, and the others are answered meanwhile."""

import asyncio
import fcntl
import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest
from litestar.types import HTTPReceiveMessage, Message, Receive, Scope, Send

from http_client import NDJSON, Client, action, problem, registration
from timeline.application.access import Principal, Role
from timeline.http import boundary
from timeline.http.bodies import body_parts
from timeline.http.boundary import Boundary
from timeline.http.errors import BodyIncomplete
from timeline.http.lines import LineUpload
from timeline.http.patience import Patience
from timeline.http.service import Service
from timeline.http.slots import Slots
from timeline.http.sockets import limit_unread

TIMEOUT_S = 0.05
BOUND_S = 10


def scope(path: str = "/v1/events") -> Any:
    """Return a request to GET."""
    return {"type": "http", "method": "GET", "path": path, "headers": [], "client": ("::1", 1)}


async def nothing() -> HTTPReceiveMessage:
    """Receive nothing, ever."""
    await anyio.sleep_forever()
    raise AssertionError


async def answer(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Answer something."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"{}", "more_body": False})


class Sent:
    """Takes what is sent, as a client that reads."""

    def __init__(self) -> None:
        self.messages: list[Any] = []

    async def __call__(self, message: Message) -> None:
        """Take it."""
        self.messages.append(message)

    @property
    def status(self) -> int:
        """The answer's status."""
        status: int = self.messages[0]["status"]
        return status


async def stream(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Answer something in parts."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"{", "more_body": True})
    await send({"type": "http.response.body", "body": b"}", "more_body": False})


async def unread(_message: Message) -> None:
    """Send to a client that reads nothing."""
    await anyio.sleep_forever()


def test_a_body_that_stalls_is_incomplete(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that sends nothing for a while is refused, however much it had sent."""
    monkeypatch.setattr("timeline.http.bodies.PART_TIMEOUT_S", TIMEOUT_S)
    parts: list[Any] = [{"type": "http.request", "body": b"{", "more_body": True}]

    async def receive() -> HTTPReceiveMessage:
        return parts.pop() if parts else await nothing()

    async def run() -> None:
        with anyio.fail_after(BOUND_S):
            async for _ in body_parts(receive, Patience()):
                pass

    with pytest.raises(BodyIncomplete):
        asyncio.run(run())


def test_lines_that_stall_name_the_first_that_is_not_recorded(
    empty: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The upload ends with a report, and what had come of its chunk is not recorded."""
    monkeypatch.setattr("timeline.http.bodies.PART_TIMEOUT_S", TIMEOUT_S)
    monkeypatch.setattr("timeline.http.lines.CHUNK_EVENTS", 1)
    lines = [
        {**event, "id": f"00000000-0000-7000-8000-{number:012}"}
        for number, event in enumerate((registration(), action()))
    ]
    first, second = (json.dumps(line).encode() + b"\n" for line in lines)
    parts: list[Any] = [
        {"type": "http.request", "body": part, "more_body": True} for part in (second[:9], first)
    ]
    sent = Sent()

    async def receive() -> HTTPReceiveMessage:
        return parts.pop() if parts else await nothing()

    async def run() -> None:
        asked: Any = {**scope(), "state": {}}
        upload = LineUpload(asked, Service(empty.application), Principal("desk", Role.RECORDER))
        with anyio.fail_after(BOUND_S):
            await upload(asked, receive, sent)

    asyncio.run(run())

    reports = [json.loads(each["body"]) for each in sent.messages[1:-1]]
    assert reports[0]["created"] == 1
    assert (reports[1]["line"], reports[1]["problem"]["type"]) == (2, "/problems/body-incomplete")
    assert len(reports) == 2


@pytest.mark.parametrize("parts", [0, 1])
def test_a_stream_that_is_not_read_is_given_up(monkeypatch: pytest.MonkeyPatch, parts: int) -> None:
    """The request ends, and its slot is free for another; the task that answers goes on."""
    monkeypatch.setattr("timeline.http.unread.PATIENCE_S", TIMEOUT_S)
    monkeypatch.setattr(boundary, "MAX_REQUESTS", 1)
    outer = Boundary(stream, 0)
    sent, begun = Sent(), Sent()

    async def stalling(message: Message) -> None:
        await (begun(message) if len(begun.messages) <= parts else unread(message))

    async def run() -> None:
        with anyio.fail_after(BOUND_S):
            await outer(scope(), nothing, stalling)
            await outer(scope(), nothing, sent)

    asyncio.run(run())

    assert len(begun.messages) == 1 + parts
    assert sent.status == 200


def test_a_stream_whose_reader_goes_ends_as_it_is_told() -> None:
    """A cancellation from outside is no stalled client: it goes through."""
    outer = Boundary(stream, 0)

    async def run() -> None:
        task = asyncio.create_task(outer(scope(), nothing, unread))
        await anyio.wait_all_tasks_blocked()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())


def test_requests_at_once_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the bound 503 says when to come back; probes are answered all the same."""
    monkeypatch.setattr(boundary, "MAX_REQUESTS", 2)
    outer = Boundary(answer, 0)
    refused, probe, later = Sent(), Sent(), Sent()

    async def run() -> None:
        with anyio.fail_after(BOUND_S):
            async with anyio.create_task_group() as tasks:
                for _ in range(2):
                    tasks.start_soon(outer, scope(), nothing, unread)
                await anyio.wait_all_tasks_blocked()
                await outer(scope(), nothing, refused)
                await outer(scope("/health/live"), nothing, probe)
                tasks.cancel_scope.cancel()
            await outer(scope(), nothing, later)

    asyncio.run(run())

    headers = dict(refused.messages[0]["headers"])
    assert (refused.status, probe.status, later.status) == (503, 200, 200)
    assert headers[b"retry-after"] == b"1"
    assert json.loads(refused.messages[1]["body"])["type"] == "/problems/overloaded"


def test_streams_at_once_are_bounded(told: Client) -> None:
    """A stream that finds no slot is refused as 503; pages of the log are not, and slots return."""
    service = told.http.app.state.service
    service.streams = Slots(1)

    for _ in range(2):
        assert told.get("/v1/events", Accept=NDJSON).status_code == 200
    with service.streams.taken():
        refused = told.get("/v1/events", Accept=NDJSON)
        page = told.get("/v1/events")

    assert problem(refused) == (503, "overloaded", None)
    assert refused.headers["retry-after"] == "1"
    assert page.status_code == 200


@pytest.mark.parametrize("kind", ["application/json", NDJSON])
def test_bodies_at_once_are_bounded(empty: Client, kind: str) -> None:
    """A body that finds no slot is refused as 503, and slots return."""
    service = empty.http.app.state.service
    service.bodies = Slots(1)

    def record() -> int:
        return empty.ask(
            "POST", "/v1/events", role=Role.ADMIN, headers={"Content-Type": kind}, content=b"{}"
        ).status_code

    before = [record() for _ in range(2)]
    with service.bodies.taken():
        refused = record()

    assert 503 not in before
    assert refused == 503


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="Linux alone has the option")
def test_the_kernel_ends_what_is_not_read() -> None:
    """Connections that were accepted and that will be are limited; those to others are not."""

    def timeout_ms(of: socket.socket) -> int:
        return of.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)

    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as client,
        server.accept()[0] as accepted,
    ):
        limit_unread(7.5)
        with socket.create_connection(server.getsockname()), server.accept()[0] as later:
            limits = [timeout_ms(each) for each in (server, accepted, later, client)]

    assert limits == [7_500, 7_500, 7_500, 0]


def test_looking_for_sockets_keeps_the_locks_on_files(tmp_path: Path) -> None:
    """Another process still meets a lock on a file: SQLite's would be gone with any closing."""
    path = tmp_path / "locked"
    with path.open("wb") as locked:
        fcntl.lockf(locked, fcntl.LOCK_EX | fcntl.LOCK_NB)

        limit_unread(7.5)

        asked = (
            "import fcntl, sys; fcntl.lockf(open(sys.argv[1], 'wb'), fcntl.LOCK_EX | fcntl.LOCK_NB)"
        )
        tried = subprocess.run(
            [sys.executable, "-c", asked, str(path)], capture_output=True, check=False, timeout=30
        )
    assert b"BlockingIOError" in tried.stderr
