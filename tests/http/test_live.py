"""Live readers within one process: how they share, what they hear in silence, and their bounds."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import anyio
import pytest
from litestar.types import HTTPReceiveMessage, Message

from http_client import Client, action, problem, registration
from timeline.eventstore.model import EventFilter
from timeline.http.following import Following
from timeline.http.live import Feed, Live, Part, wait_for_match
from timeline.http.replies import EVENT_STREAM
from timeline.http.slots import Slots
from timeline.http.threads import Threads

BOUND_S = 10
ALL = EventFilter()
RARE = EventFilter(topics=("nothing has it",))


def live_of(client: Client) -> Live:
    """Return live readers of a log that grows by itself."""
    live = Live(client.application.store, Threads(2))
    client.application.watcher.on_grown(live.wake)
    return live


def read(
    live: Live,
    filter: EventFilter = ALL,
    *,
    after: int = 0,
    until: Callable[[bytes], bool],
    meanwhile: Callable[[], object] = lambda: None,
) -> bytes:
    """Return what a reader is sent until that is enough; then it goes."""
    sent = bytearray()

    async def run() -> None:
        enough = anyio.Event()
        asked = False

        async def send(message: Any) -> None:
            nonlocal asked
            sent.extend(message.get("body", b""))
            if not asked:
                asked = True
                await anyio.to_thread.run_sync(meanwhile)
            if until(bytes(sent)):
                enough.set()

        async def receive() -> Any:
            await enough.wait()
            return {"type": "http.disconnect"}

        scope: Any = {}
        with anyio.fail_after(BOUND_S):
            await Following(live, filter, after, 0)(scope, receive, send)

    asyncio.run(run())
    return bytes(sent)


def test_silence_is_broken_by_how_far_the_log_was_read(
    empty: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A heartbeat's id is the scanned position, though nothing there matches the filter."""
    monkeypatch.setattr("timeline.http.following.HEARTBEAT_S", 0.2)
    events = {"events": [registration(), action(), action()]}

    sent = read(
        live_of(empty),
        RARE,
        until=lambda sent: b"id: 3\n" in sent,
        meanwhile=lambda: empty.record(events),
    )

    assert b"event: message" not in sent
    assert sent.endswith(b'id: 3\nevent: heartbeat\ndata: {"position":3}\n\n')


def test_a_reader_ahead_of_the_log_waits_for_what_comes_after(
    empty: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What lies at or before its position is never sent, and no heartbeat leads it back."""
    monkeypatch.setattr("timeline.http.following.HEARTBEAT_S", 0.05)
    events = {"events": [registration(), action(), action()]}

    sent = read(
        live_of(empty),
        after=2,
        until=lambda sent: b"event: message" in sent,
        meanwhile=lambda: empty.record(events),
    )

    ids = {line for line in sent.splitlines() if line.startswith(b"id: ")}
    assert ids <= {b"id: 2", b"id: 3"}
    assert sent.count(b"event: message") == 1


def test_the_last_reader_leaves_nothing_running(empty: Client) -> None:
    """With no one left nothing is kept, and a growing log costs nothing."""
    live = live_of(empty)

    read(live, until=bool)

    assert not live.running
    live.wake()


def test_a_reader_that_takes_nothing_is_given_up(
    empty: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it left unread is bounded in time; its slot is free afterwards."""
    monkeypatch.setattr("timeline.http.unread.PATIENCE_S", 0.1)
    app: Any = empty.http.app
    app.state.service.live = live = Live(empty.application.store, Threads(2))
    live.slots = Slots(1)

    statuses: list[int] = []

    async def stuck(message: Message) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])
        if message["type"] == "http.response.body":
            await anyio.sleep_forever()

    async def never() -> HTTPReceiveMessage:
        await anyio.sleep_forever()
        raise AssertionError

    async def run() -> None:
        for _ in range(2):
            scope: Any = {
                "type": "http",
                "method": "GET",
                "path": "/v1/events",
                "raw_path": b"/v1/events",
                "query_string": b"",
                "root_path": "",
                "scheme": "http",
                "headers": [(b"accept", EVENT_STREAM.encode())],
                "client": ("::1", 1),
                "server": ("::1", 80),
            }
            with anyio.fail_after(BOUND_S):
                await app(scope, never, stuck)

    asyncio.run(run())

    assert statuses == [200, 200]


def test_live_readers_have_a_bound_of_their_own(told: Client) -> None:
    """One too many is refused as 503 with Retry-After; other requests are answered."""
    service = told.http.app.state.service
    service.live.slots = Slots(0)

    refused = told.get("/v1/events", Accept=EVENT_STREAM)

    assert problem(refused) == (503, "overloaded", None)
    assert told.get("/v1/events").status_code == 200


def test_head_and_refusals_come_before_a_stream_begins(told: Client) -> None:
    """HEAD has the headers alone; a validator is of no use; what is malformed is named."""
    head = told.ask("HEAD", "/v1/events", headers={"Accept": EVENT_STREAM, "If-None-Match": "*"})

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"] == EVENT_STREAM
    assert head.headers["timeline-position"] == "74"
    assert "etag" not in head.headers
    for value in ("x", "-1", "1.5", str(2**53)):
        refused = told.get("/v1/events", Accept=EVENT_STREAM, Last_Event_ID=value)
        assert problem(refused) == (400, "invalid-request", "Last-Event-ID")
    refused = told.get("/v1/events?limit=1", Accept=EVENT_STREAM)
    assert problem(refused) == (400, "invalid-request", "limit")


def test_parts_join_over_what_did_not_match() -> None:
    """A part is for every reader that has what came before, whatever it read since in vain."""
    feed = Feed(ALL, 10)
    for part in (
        Part(10, 10, 12, b"a"),
        Part(12, 12, 15, b""),
        Part(15, 15, 16, b"b"),
    ):
        feed.add(part, 100)

    assert (feed.position, feed.matched) == (16, 16)
    assert feed.after(9) is None
    assert feed.after(10) == Part(10, 10, 12, b"a")
    assert feed.after(11) is None
    assert [feed.after(each) for each in (12, 13, 15)] == [Part(12, 15, 16, b"b")] * 3


def test_what_is_kept_is_bounded_and_gone_once_something_is_erased() -> None:
    """The oldest parts go first; a reader behind them reads the log."""
    feed = Feed(ALL, 0)
    for until in (1, 2, 3):
        feed.add(Part(until - 1, until - 1, until, b"xx"), 4)

    assert feed.after(0) is None
    assert feed.after(1) is not None
    feed.forget()
    assert feed.after(2) is None
    assert feed.matched == 3


def test_a_reader_that_is_behind_gets_little_at_once(
    empty: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it may keep waiting in memory is bounded, and joins without gap or repeat."""
    monkeypatch.setattr("timeline.http.live.BEHIND_BYTES", 1)
    empty.record({"events": [registration(), *(action() for _ in range(5))]})
    live = live_of(empty)
    feed = Feed(ALL, 6)

    async def parts() -> list[Part]:
        found = [await live.part(feed, 0)]
        while found[-1].until < feed.position:
            found.append(await live.part(feed, found[-1].until))
        return found

    found = asyncio.run(parts())

    assert [part.until for part in found] == [1, 2, 3, 4, 5, 6]
    assert [part.body.count(b"event: message") for part in found] == [1] * 6


def test_however_long_the_pauses_nothing_is_missed(
    empty: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What comes while the log is not looked at is told with what comes then, once and in order."""
    monkeypatch.setattr("timeline.http.live.PAUSE_PER_READER_S", 60)
    monkeypatch.setattr("timeline.http.live.MAX_PAUSE_S", 0.2)

    def record() -> None:
        for event in (registration(), *(action() for _ in range(10))):
            empty.record(event)

    thread = threading.Thread(target=record)
    sent = read(live_of(empty), until=lambda sent: b"id: 11\n" in sent, meanwhile=thread.start)
    thread.join()

    ids = [int(line[4:]) for line in sent.splitlines() if line.startswith(b"id: ")]
    assert ids == list(range(1, 12))


def test_the_log_is_looked_at_once_for_all_filters(empty: Client) -> None:
    """A hundred filters wait: what comes is read once, and each reader is woken by its own."""
    live = live_of(empty)
    store: Any = empty.application.store
    stretches: list[int] = []
    live._store = Counting(store, stretches)  # noqa: SLF001 - what it asks is what is measured
    filters = [EventFilter(policies=(f"order-{number}",)) for number in range(100)]

    async def run() -> dict[EventFilter, int]:
        with ExitStack() as stack:
            feeds = [stack.enter_context(live.joined(each, 0)) for each in filters]
            await anyio.to_thread.run_sync(
                empty.record, {"events": [registration("order-7"), registration("order-8")]}
            )
            for feed in (feeds[7], feeds[8]):
                assert await wait_for_match(feed, 0, BOUND_S)
            return {feed.filter: feed.matched for feed in feeds}

    matched = asyncio.run(run())

    assert len(stretches) == 1
    assert {each for each, position in matched.items() if position} == {filters[7], filters[8]}


class Counting:
    """A store that counts its stretches."""

    def __init__(self, store: Any, stretches: list[int]) -> None:
        self._store = store
        self._stretches = stretches

    def stretch(self, after: int, **asked: Any) -> Any:
        """Count and return one."""
        self._stretches.append(after)
        return self._store.stretch(after, **asked)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)
