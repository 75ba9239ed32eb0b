"""Live readers that join, leave and come back while what is new is being dealt out to others."""

import asyncio
from collections.abc import Callable
from itertools import pairwise
from random import Random
from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import acted, batch, registered
from eventstore.recording import Recorder
from timeline.eventstore.memory import MemoryStore
from timeline.eventstore.model import EventFilter, Head
from timeline.eventstore.writer import utc_now
from timeline.http import live as live_module
from timeline.http.following import Following
from timeline.http.live import Live, wait_for_match

BOUND_S = 10
EVENTS = 40
POLICIES = "abc"
FILTERS = [EventFilter(), *(EventFilter(policies=(policy,)) for policy in POLICIES)]


class Growing:
    """A log of which readers have been told so much, read an event at a time."""

    def __init__(self) -> None:
        store = MemoryStore()
        drafts = [registered(policy) for policy in POLICIES]
        drafts += [acted(POLICIES[number % 3]) for number in range(EVENTS - 3)]
        Recorder(store, utc_now).append(batch(*drafts))
        self._store = store
        self.position = 0

    def head(self) -> Head:
        """Return the end of what has been told."""
        return Head(position=self.position)

    def stretch(self, after: int, *, until: int, filter: EventFilter = FILTERS[0], **_: int) -> Any:
        """Return the first match alone."""
        return self._store.stretch(after, until=until, filter=filter, size_bytes=1)

    def matching(self, filter: EventFilter, after: int) -> list[int]:
        """Return the positions that a reader by itself would find."""
        return [each.position for each in self._store.read(after, until=EVENTS, filter=filter)]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


class Turns:
    """Threads that do what they are asked for after some turns of the loop, without being any."""

    def __init__(self, turns: Callable[[], int]) -> None:
        self._turns = turns

    async def run(self, function: Callable[..., Any], *args: Any) -> Any:
        """Wait, and do it."""
        for _ in range(self._turns()):
            await asyncio.sleep(0)
        return function(*args)


def positions(sent: bytes) -> list[int]:
    """Return the positions of the events that a reader was sent."""
    lines = sent.split(b"\n")
    return [
        int(line[4:])
        for line, name in pairwise(lines)
        if line.startswith(b"id: ") and name == b"event: message"
    ]


async def read(live: Live, filter: EventFilter, after: int, head: int, last: int) -> list[int]:
    """Follow the log until an event is sent, and go; return what was sent."""
    sent = bytearray()
    enough = anyio.Event()

    async def send(message: Any) -> None:
        sent.extend(message.get("body", b""))
        if last in positions(bytes(sent)):
            enough.set()

    async def receive() -> Any:
        await enough.wait()
        return {"type": "http.disconnect"}

    scope: Any = {}
    with anyio.move_on_after(BOUND_S):
        await Following(live, filter, after, head)(scope, receive, send)
    return positions(bytes(sent))


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let looks at the log follow one another at once."""
    for name in ("MIN_PAUSE_S", "PAUSE_PER_READER_S", "PAUSE_PER_LOOK"):
        monkeypatch.setattr(live_module, name, 0)


def test_a_reader_that_joins_between_two_stretches_misses_neither() -> None:
    """It has read the head before an append, and joins while the append is dealt out to others."""
    log: Any = Growing()
    threads: Any = Turns(lambda: 10)
    live = Live(log, threads)
    live.ends_with_process = True
    early, late = FILTERS[1], FILTERS[2]

    async def run() -> list[int]:
        with live.joined(early, 0) as feed:
            log.position = EVENTS
            live.wake(EVENTS)
            assert await wait_for_match(feed, 0, BOUND_S)
            return await read(live, late, 0, 0, log.matching(late, 0)[-1])

    found = asyncio.run(run())

    assert found == log.matching(late, 0)


@settings(deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_whenever_readers_come_they_miss_and_repeat_nothing(seed: int) -> None:
    """Each is sent what it would find by itself, from where it was, whoever joins beside it."""
    draw = Random(seed)  # noqa: S311 - the same turns for the same seed
    log: Any = Growing()
    threads: Any = Turns(lambda: draw.randrange(6))
    live = Live(log, threads)
    live.ends_with_process = True

    async def one() -> tuple[list[int], list[int]]:
        for _ in range(draw.randrange(100)):
            await asyncio.sleep(0)
        filter, head = draw.choice(FILTERS), log.position
        after = draw.randint(0, min(head, EVENTS - len(POLICIES)))
        whole = log.matching(filter, after)
        wanted = whole if draw.random() < 0.5 else whole[: draw.randint(1, len(whole))]
        for _ in range(draw.randrange(10)):
            await asyncio.sleep(0)
        found = await read(live, filter, after, head, wanted[-1])
        return found[: len(wanted)], wanted

    async def grow() -> None:
        while log.position < EVENTS:
            log.position = min(log.position + draw.randint(1, 10), EVENTS)
            for _ in range(draw.randrange(30)):
                await asyncio.sleep(0)
            if draw.random() < 0.5:  # Else another process told of it, which is heard of later.
                live.wake(log.position)
        live.wake(EVENTS)

    async def run() -> list[tuple[list[int], list[int]]]:
        async with asyncio.TaskGroup() as tasks:
            readers = [tasks.create_task(one()) for _ in range(8)]
            tasks.create_task(grow())
        return [each.result() for each in readers]

    for found, wanted in asyncio.run(run()):
        assert found == wanted
