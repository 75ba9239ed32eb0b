"""NDJSON in, where something goes wrong beside the lines: a client is never told less than that."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import anyio
import pytest

from http_client import NDJSON, Client, Json, event_id, problem, registration
from timeline.application.access import Principal, Role
from timeline.http.errors import Overloaded
from timeline.http.lines import LineUpload
from timeline.http.service import MAX_UPLOADS, WRITE_THREADS, Service
from timeline.http.slots import Slots
from timeline.http.threads import MAX_WAITING, Threads

BOUND_S = 10
LINES = [
    {**registration(f"order-{number}"), "id": event_id(number)} for number in (1, 2, 3, 4, 5, 6)
]


class FailingOnce:
    """Threads of which none is to be had for one piece of work."""

    def __init__(self, threads: Threads, failing: int) -> None:
        self._threads = threads
        self._left = failing

    async def run(self, function: Callable[..., Any], *args: Any) -> Any:
        """Run a function, or refuse to."""
        self._left -= 1
        if not self._left:
            raise Overloaded
        return await self._threads.run(function, *args)


class Sent(list[Any]):
    """What was sent."""

    def __init__(self) -> None:
        super().__init__()
        self.report = anyio.Event()

    async def __call__(self, message: Any) -> None:
        """Take it."""
        self.append(message)
        if message.get("body"):
            self.report.set()


def upload(service: Service, receive: Callable[[], Any], sent: Sent) -> None:
    """Record lines."""

    async def run() -> None:
        scope: Any = {"path": "/v1/events", "state": {}}
        lines = LineUpload(scope, service, Principal("desk", Role.RECORDER))
        with anyio.fail_after(BOUND_S):
            await lines(scope, receive, sent)

    asyncio.run(run())


def reported(sent: Sent) -> list[Json]:
    """Return the reports among what was sent."""
    bodies = (each.get("body") for each in sent)
    return [json.loads(body) for body in bodies if body]


@pytest.mark.parametrize("failing", range(1, 8))
def test_each_line_is_recorded_and_told_of_or_refused(
    empty: Client, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    """Whichever piece of the work finds no thread: an answer that is complete leaves no line out."""
    monkeypatch.setattr("timeline.http.lines.CHUNK_EVENTS", 2)
    service: Any = Service(empty.application)
    service.writes = FailingOnce(service.writes, failing)
    body = b"".join(json.dumps(line).encode() + b"\n" for line in LINES)
    sent = Sent()

    async def receive() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    upload(service, receive, sent)

    *recorded, last = reported(sent)
    if "line" not in last:
        recorded.append(last)
    events = sum(each["events"] for each in recorded)
    assert events == empty.get("/v1/events").json()["position"]
    assert last.get("line", len(LINES) + 1) == events + 1
    assert ("line" in last) == (failing <= len(LINES))
    assert not sent[-1]["more_body"]


def test_a_fault_before_a_report_is_answered_as_any_is(
    empty: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No 200 without a line, which says that there was nothing to record."""

    def faulty(*_: object) -> AsyncIterator[bytes]:
        raise RuntimeError

    monkeypatch.setattr("timeline.http.lines.body_parts", faulty)

    answer = empty.ask(
        "POST",
        "/v1/events",
        role=Role.ADMIN,
        headers={"Content-Type": NDJSON},
        content=json.dumps(LINES[0]).encode(),
    )

    assert problem(answer) == (500, "internal-error", None)


def test_a_fault_after_a_report_leaves_the_answer_without_an_end(
    empty: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What comes later is not known, so the answer breaks off, and does not look complete."""
    monkeypatch.setattr("timeline.http.lines.CHUNK_EVENTS", 1)
    line = json.dumps(LINES[0]).encode() + b"\n"
    parts = [{"type": "http.request", "body": line, "more_body": True}]
    sent = Sent()

    async def receive() -> Any:
        if parts:
            return parts.pop()
        await sent.report.wait()
        raise RuntimeError

    with pytest.raises(RuntimeError):
        upload(Service(empty.application), receive, sent)

    assert [each["events"] for each in reported(sent)] == [1]
    assert sent[-1]["more_body"]


def test_uploads_have_a_bound_of_their_own(told: Client) -> None:
    """One too many is refused before it begins; events by themselves are recorded beside it."""
    service = told.http.app.state.service
    service.uploads = Slots(0)

    refused = told.ask(
        "POST",
        "/v1/events",
        role=Role.ADMIN,
        headers={"Content-Type": NDJSON},
        content=json.dumps(LINES[0]).encode(),
    )

    assert problem(refused) == (503, "overloaded", None)
    assert told.record(LINES[0]).status_code == 201


def test_an_upload_that_has_begun_finds_a_thread() -> None:
    """Each has two pieces of work at once: all of theirs are half of those that may wait."""
    assert 2 * 2 * MAX_UPLOADS <= WRITE_THREADS + MAX_WAITING
