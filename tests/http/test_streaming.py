"""NDJSON in: any number of lines, recorded in chunks, reported chunk by chunk."""

import asyncio
import json
import time
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from litestar.types import HTTPReceiveMessage

from http_client import NDJSON, Client, Json, action, event_id, problem, registration, story
from timeline.application.access import Principal, Role
from timeline.application.bulk import CHUNK_EVENTS, Line, Lines, Refusal, read_chunks
from timeline.application.record import Turns
from timeline.eventstore.errors import StoreBusy
from timeline.eventstore.model import Append, Outcome
from timeline.http.errors import BodyIncomplete
from timeline.http.lines import read_lines
from timeline.http.patience import Patience
from timeline.http.reading import made_ahead
from timeline.http.service import Service


def numbered(*events: Json) -> list[Json]:
    """Return events with ids by their place."""
    return [{**event, "id": event_id(number)} for number, event in enumerate(events, start=1)]


def many(count: int) -> list[Json]:
    """Return a registration, up to eight actions, and registrations of other policies, with ids."""
    actions = [action(summary=f"{number}") for number in range(min(count - 1, 8))]
    others = [registration(f"order-{number}") for number in range(10, count + 1)]
    return numbered(registration(), *actions, *others)


def test_lines_are_recorded_in_chunks(empty: Client) -> None:
    """Each chunk is reported once it is recorded, with its lines and the position it reached."""
    reports = empty.stream(many(1_200))

    assert reports == [
        {"events": 500, "created": 500, "first": 1, "last": 500, "position": 500},
        {"events": 500, "created": 500, "first": 501, "last": 1_000, "position": 1_000},
        {"events": 200, "created": 200, "first": 1_001, "last": 1_200, "position": 1_200},
    ]
    assert empty.get("/v1/policies/order-1200").json()["position"] == 1_200


def test_the_same_lines_again_record_nothing(told: Client) -> None:
    """A file that was recorded can be sent again: everything is known, nothing is created."""
    events = story()

    (report,) = told.stream(events)

    assert report == {
        "events": len(events),
        "created": 0,
        "first": 1,
        "last": len(events),
        "position": len(events),
    }


def test_a_file_that_grew_can_be_sent_again(empty: Client) -> None:
    """Known lines before, between and after new ones are no obstacle."""
    lines = many(9)
    empty.stream(lines[:3])
    empty.stream([lines[5]])

    reports = empty.stream(lines)

    assert [(each["first"], each["last"], each["created"]) for each in reports] == [(1, 9, 5)]
    assert len(empty.get("/v1/events").json()["items"]) == 9


REFUSED: dict[str, tuple[Any, int, str, str]] = {
    "a malformed line": (b"{", 400, "invalid-request", "body"),
    "a line without an id": (action(), 400, "invalid-request", "id"),
    "malformed data": (
        {**action(occurred="soon"), "id": event_id(9)},
        400,
        "invalid-data",
        "data.occurred",
    ),
    "an unregistered policy": (
        {**action("order-2"), "id": event_id(9)},
        409,
        "policy-not-registered",
        "policy",
    ),
    "another event's id": (
        {**action(summary="other"), "id": event_id(1)},
        409,
        "id-conflict",
        "id",
    ),
    "a passed version": (
        {**action(), "id": event_id(9), "expected_version": 1},
        409,
        "wrong-expected-version",
        "expected_version",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_names_its_line(empty: Client, name: str) -> None:
    """Lines before the refused one are recorded, it and those after it are not."""
    refused, status, kind, field = REFUSED[name]
    lines = [json.dumps(line).encode() for line in many(5)]
    lines[3:3] = [b"", refused if isinstance(refused, bytes) else json.dumps(refused).encode()]

    *reports, last = empty.stream(b"\n".join(lines))

    assert last["line"] == 5
    assert last["problem"]["status"] == status
    assert last["problem"]["type"] == f"/problems/{kind}"
    assert last["problem"]["errors"][0]["field"] == field
    assert sum(report["events"] for report in reports) == 3
    assert len(empty.get("/v1/events").json()["items"]) == 3


def test_a_refusal_leaves_earlier_chunks(empty: Client) -> None:
    """A refusal far into a stream leaves all before it, whichever chunk it falls into."""
    lines = many(1_300)
    lines[1_200] = action("order-2") | {"id": event_id(1_201)}

    reports = empty.stream(lines)

    assert [report.get("last", report.get("line")) for report in reports] == [500, 1000, 1200, 1201]
    assert empty.get("/v1/events?after=1199").json()["items"][-1]["position"] == 1_200


def test_each_line_needs_its_role(empty: Client) -> None:
    """A line that the token may not record is refused as 403."""
    retraction = {
        "id": event_id(2),
        "policy": "order-1",
        "type": "EventRetracted",
        "data": {"event": event_id(1), "reason": "in error"},
    }

    reports = empty.stream([*many(1), retraction], role=Role.RECORDER)

    assert reports[0]["events"] == 1
    assert (reports[1]["line"], reports[1]["problem"]["status"]) == (2, 403)


def test_the_body_limit_holds_for_each_line(empty: Client) -> None:
    """A stream may be as long as it likes; a line beyond the limit is refused as 413."""
    limit = empty.application.settings.max_body_bytes
    lines = [json.dumps(line).encode() + b"\n" for line in many(3)]

    def parts() -> Iterator[bytes]:
        yield from lines
        for _ in range(limit // 500_000 + 2):
            yield b" " * 500_000

    chunk, refusal = empty.stream(parts())

    assert chunk["events"] == 3
    assert (refusal["line"], refusal["problem"]["status"]) == (4, 413)


def test_where_lines_are_cut_does_not_matter(empty: Client) -> None:
    """An id twice, or an expected version after another event, is fine within one stream."""
    lines = many(4)
    lines[3]["expected_version"] = 3
    again = [*lines, lines[1], {**action(summary="last"), "id": event_id(5), "expected_version": 4}]

    reports = empty.stream(again)

    assert sum(report["created"] for report in reports) == 5
    assert reports[-1]["last"] == 6


def test_windows_line_ends_and_blank_lines_are_no_lines(empty: Client) -> None:
    """Blank lines count, so that numbers are an editor's, and are otherwise ignored."""
    first, second = (json.dumps(line).encode() for line in many(2))

    (report,) = empty.stream(b"\r\n" + first + b"\r\n  \r\n" + second)

    assert (report["events"], report["first"], report["last"]) == (2, 2, 4)


def test_blank_lines_do_not_keep_a_refusal_waiting(empty: Client) -> None:
    """A refusal is reported after some blank lines at most, not at the end of all of them."""

    def parts() -> Iterator[bytes]:
        yield b"{\n"
        for _ in range(20):
            yield b"\n" * 500_000

    (refusal,) = empty.stream(parts())

    assert (refusal["line"], refusal["problem"]["status"]) == (1, 400)


def test_no_lines_are_no_error(refusing: Client) -> None:
    """An refusing stream is recorded at once."""
    assert refusing.stream(b"") == []


def test_a_stream_needs_a_token(refusing: Client) -> None:
    """Without a token a stream is refused as any request is, with a status of its own."""
    refused = refusing.ask("POST", "/v1/events", headers={"Content-Type": NDJSON}, content=b"{}")

    assert problem(refused)[:2] == (401, "token-missing")


def test_what_nobody_foresaw_ends_a_stream_with_a_line(
    empty: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault in the middle is reported as the line that it stopped at, as 500 without details."""
    append = empty.application.recorder.append
    calls = 0

    def failing(request: Append) -> Outcome:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise RuntimeError("secret")
        return append(request)

    monkeypatch.setattr(type(empty.application.recorder), "append", lambda _, each: failing(each))

    reports = empty.stream(many(CHUNK_EVENTS + 1))

    assert reports[0]["last"] == CHUNK_EVENTS
    assert reports[1]["line"] == CHUNK_EVENTS + 1
    assert reports[1]["problem"]["type"] == "/problems/internal-error"
    assert "secret" not in json.dumps(reports)


class Refusing(Turns):
    """Refuses every append with one error."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def start(self, _append: Append) -> None:
        """Refuse."""
        raise self._error


def test_an_outage_names_the_first_line_that_is_not_recorded(refusing: Client) -> None:
    """An error that is about no event in particular stops at the first line of its chunk."""
    principal = Principal("admin", Role.ADMIN)
    text = [Line(number, json.dumps(line).encode()) for number, line in enumerate(many(3), start=7)]
    (chunk,), _ = read_chunks(refusing.application.recorder, text, principal)
    busy = StoreBusy(retry_after_s=1.0)

    lines = Lines(Refusing(busy), "admin", whole=False)
    reports = [*lines.start(chunk), *lines.settle()]

    assert reports == [Refusal(7, busy)]


def test_lines_before_a_refusal_are_told_of_where_all_were_known(empty: Client) -> None:
    """A report has the position where its lines stand, though nothing was recorded just now."""
    lines = many(3)
    empty.stream(lines)
    lines.append(action("order-2") | {"id": event_id(9)})

    recorded, refused = empty.stream(lines)

    assert recorded == {"events": 3, "created": 0, "first": 1, "last": 3, "position": 3}
    assert (refused["line"], refused["problem"]["status"]) == (4, 409)


def test_the_next_lines_are_read_while_some_are_recorded(
    empty: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A chunk that is being recorded keeps nobody from reading the next, and no more than that."""
    recorder = empty.application.recorder
    append, read_line = recorder.append, recorder.read_line
    read: list[bytes] = []
    read_by_then: list[int] = []

    def reading(_: Any, line: bytes, principal: Principal) -> Any:
        read.append(line)
        return read_line(line, principal)

    def appending(_: Any, request: Append) -> Outcome:
        if not read_by_then:
            deadline = time.monotonic() + 10
            while len(read) < 2 * CHUNK_EVENTS and time.monotonic() < deadline:
                time.sleep(0.01)
            time.sleep(0.1)
        read_by_then.append(len(read))
        return append(request)

    monkeypatch.setattr(type(recorder), "read_line", reading)
    monkeypatch.setattr(type(recorder), "append", appending)

    reports = empty.stream(many(4 * CHUNK_EVENTS))

    assert read_by_then[0] == 2 * CHUNK_EVENTS
    assert sum(report["created"] for report in reports) == 4 * CHUNK_EVENTS


def gather(parts: list[bytes], limit: int = 1_000) -> list[Line | Refusal]:
    """Return the lines that a body's parts hold, and the one that is refused."""
    messages = [
        {"type": "http.request", "body": part, "more_body": index < len(parts)}
        for index, part in enumerate(parts, start=1)
    ]

    async def receive() -> HTTPReceiveMessage:
        return messages.pop(0)  # type: ignore[return-value]

    async def run() -> list[Line | Refusal]:
        found: list[Line | Refusal] = []
        async for part in read_lines(receive, Patience(), limit):
            found.extend(part.lines)
            found.extend([] if part.refusal is None else [part.refusal])
        return found

    return asyncio.run(run())


@pytest.mark.parametrize("parts", [[b"1\n2\n" + b"3" * 9 + b"\n4"], [b"1\n2\n333", b"333", b"333"]])
def test_a_line_that_is_too_long_ends_its_body(parts: list[bytes]) -> None:
    """Lines before it are read; nothing after it is, however it arrives."""
    *lines, refusal = gather(parts, limit=8)

    assert lines == [Line(1, b"1"), Line(2, b"2")]
    assert isinstance(refusal, Refusal)
    assert refusal.line == 3


@settings(deadline=None)
@given(
    lines=st.lists(st.binary(max_size=8).map(lambda raw: raw.replace(b"\n", b"")), max_size=8),
    cuts=st.lists(st.integers(0, 80), max_size=8),
)
def test_a_body_has_the_same_lines_however_it_arrives(lines: list[bytes], cuts: list[int]) -> None:
    """Where the parts of a body are cut changes nothing about its lines."""
    body = b"\n".join(lines)
    edges = sorted({0, len(body), *(cut for cut in cuts if cut < len(body))})
    parts = [body[start:end] for start, end in pairwise(edges)] or [b""]

    found = gather(parts)

    wanted = [(n, line.strip(b" \t\r")) for n, line in enumerate(body.split(b"\n"), start=1)]
    assert found == [Line(number, text) for number, text in wanted if text]


def test_a_client_that_goes_ends_its_lines() -> None:
    """A body that breaks off is no body: its last, unfinished line is not recorded."""
    messages = [
        {"type": "http.request", "body": b"one\ntw", "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> HTTPReceiveMessage:
        return messages.pop(0)  # type: ignore[return-value]

    async def run() -> list[Line]:
        return [line async for part in read_lines(receive, Patience(), 100) for line in part.lines]

    with pytest.raises(BodyIncomplete):
        asyncio.run(run())


@pytest.mark.parametrize("taken", [0, 1, 2])
def test_an_export_that_is_left_early_leaves_nothing_behind(empty: Client, taken: int) -> None:
    """The part that was made ahead goes with its reader, also where making it failed."""
    made: list[int] = []

    def parts() -> Iterator[bytes]:
        for number in range(2):
            made.append(number)
            yield b"%d" % number
        raise StoreBusy(retry_after_s=1.0)

    async def run() -> list[bytes]:
        coming = made_ahead(Service(empty.application), parts())
        found = [await anext(coming) for _ in range(taken)]
        await asyncio.sleep(0.05)
        await coming.aclose()
        return found

    assert asyncio.run(run(), debug=True) == [b"0", b"1"][:taken]
    assert len(made) <= taken + 1
