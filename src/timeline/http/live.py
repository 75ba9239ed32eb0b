"""Readers that stay: what the log has since a position, then what comes, as server-sent events.

Owns the one task of a process that reads what is new, once for all readers, and how a reader gets
from what was to what comes. Must not know what events mean.

A reader is a position, and no more: it goes on with the part that begins there, kept in memory or
read from the log, to where that part ends. So it can neither skip nor repeat.
"""

import asyncio
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final, NamedTuple

import anyio
import structlog
from anyio import CancelScope, CapacityLimiter

from timeline.application.served import served_events
from timeline.eventstore.model import STRETCH_BYTES, EventFilter
from timeline.eventstore.protocol import EventStore
from timeline.formats import sse
from timeline.http.dealing import Dealer, Dealt
from timeline.http.replies import encode
from timeline.http.slots import Slots
from timeline.http.threads import Threads

MAX_READERS: Final = 2_048
"""Readers at once: 50 KB each, beside the requests that there may be."""

HEARTBEAT_S: Final = 15.0
"""How often a reader hears something: proxies give up what is silent for half a minute or more."""

KEPT_BYTES: Final = 16 * 1024 * 1024
"""What is kept in memory of all that is new, for readers a little behind; others read the log."""

BEHIND_BYTES: Final = 64 * 1024
"""What a reader that is behind gets at once. It is its own, and waits for it in memory: a thousand
readers that come back together and read slowly hold 64 MB of it."""

CATCHING_UP: Final = 4
"""Readers that read the log at once: half of the threads, so that other reads go on."""

WOKEN_AT_ONCE: Final = 32
"""Readers woken in a row before other requests have their turn: some 2 ms."""

PAUSE_PER_READER_S: Final = 0.001
"""A pause for each reader that was woken, ten times what sending to it takes: however many there
are, they take a tenth of the process while much is appended, and hear of it in larger parts."""

PAUSE_PER_LOOK: Final = 4
"""A pause of so many times what a look at the log took: looking takes a fifth of the process's time at
most, also where much else keeps it waiting."""

MIN_PAUSE_S: Final = 0.02
"""The shortest pause between two looks at the log: what comes after a silence is told at once, and
what comes in a stream of appends fifty times a second."""

MAX_PAUSE_S: Final = 1.0
"""The longest pause, whoever was woken and whatever went wrong."""

_log = structlog.get_logger(__name__)


class Part(NamedTuple):
    """What matches in (after, until], for a reader at any position from `after` to `silent`."""

    after: int
    silent: int
    until: int
    body: bytes


def read_part(
    store: EventStore,
    filter: EventFilter,
    after: int,
    until: int,
    size_bytes: int = STRETCH_BYTES,
) -> Part:
    """Read and encode the next stretch of the log."""
    stretch = store.stretch(after, until=until, filter=filter, size_bytes=size_bytes)
    events = served_events(store, stretch.events)
    body = b"".join([sse.event(event.position, encode(event)) for event in events])
    return Part(after, after, stretch.until, body)


class Feed:
    """What the readers of one filter share: up to where it was read, and its newest parts."""

    def __init__(self, filter: EventFilter, position: int) -> None:
        self.filter = filter
        self.position = position
        self.matched = position
        self.readers = 0
        self.waiting: list[anyio.Event] = []
        self._parts: deque[Part] = deque()
        self._kept_bytes = 0

    def add(self, part: Part, limit_bytes: int) -> None:
        """Take in what comes after the position; what matches nothing only moves that on."""
        if part.body:
            self._parts.append(part._replace(after=self.matched, silent=self.position))
            self._kept_bytes += len(part.body)
            self.matched = part.until
            while self._kept_bytes > limit_bytes:
                self._kept_bytes -= len(self._parts.popleft().body)
        self.position = part.until

    def forget(self) -> None:
        """Keep no parts: something in them was erased. Readers find it in the log, as it is now."""
        self._parts.clear()
        self._kept_bytes = 0

    def after(self, position: int) -> Part | None:
        """Return the part for a reader at a position, where it is kept."""
        return next((each for each in self._parts if each.after <= position <= each.silent), None)


class Live:
    """The live readers of one process. All but `wake` is called on its event loop."""

    def __init__(self, store: EventStore, threads: Threads) -> None:
        self.slots = Slots(MAX_READERS)
        self.ends_with_process = False
        self._store = store
        self._threads = threads
        self._feeds: dict[EventFilter, Feed] = {}
        self._dealer: Dealer | None = None
        self._scopes: set[CancelScope] = set()
        self._catching_up = CapacityLimiter(CATCHING_UP)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tailing: asyncio.Task[None] | None = None
        self._grown = asyncio.Event()
        self._told = 0

    @property
    def running(self) -> bool:
        """Whether there are readers, and a task that reads for them."""
        return bool(self._feeds) or self._tailing is not None

    def wake(self, position: int = 0) -> None:
        """Say that the log has grown to a position; from any thread."""
        self._told = max(self._told, position)
        loop = self._loop
        if loop is not None:
            with suppress(RuntimeError):  # The loop is closed: nobody reads any more.
                loop.call_soon_threadsafe(self._grown.set)

    def close(self) -> None:
        """End all readers, who come back to another process."""
        for scope in tuple(self._scopes):
            scope.cancel()

    @contextmanager
    def joined(self, filter: EventFilter, head: int) -> Iterator[Feed]:
        """Read with others; `head` is where the log was seen to end."""
        feed = self._feeds.get(filter)
        if feed is None:
            feed = self._feeds[filter] = Feed(filter, head)
            self._dealer = None
        feed.readers += 1
        if self._tailing is None:
            self._loop = asyncio.get_running_loop()
            self._tailing = self._loop.create_task(self._tail())
        self._grown.set()
        try:
            yield feed
        finally:
            feed.readers -= 1
            if not feed.readers:
                del self._feeds[filter]
                self._dealer = None
            if not self._feeds:
                self._loop = None
                self._tailing.cancel()
                self._tailing = None

    @contextmanager
    def ended_with(self, scope: CancelScope) -> Iterator[None]:
        """Have a scope cancelled when the process stops."""
        self._scopes.add(scope)
        try:
            yield
        finally:
            self._scopes.discard(scope)

    async def part(self, feed: Feed, position: int) -> Part:
        """Return what a reader that is behind has next."""
        kept = feed.after(position)
        if kept is not None:
            return kept
        async with self._catching_up:
            return await self._threads.run(
                read_part, self._store, feed.filter, position, feed.position, BEHIND_BYTES
            )

    async def _tail(self) -> None:
        while True:
            await self._grown.wait()
            self._grown.clear()
            began_s = time.monotonic()
            try:
                woken = await self._advance()
            except Exception:  # noqa: BLE001 - whatever it was, the log is looked at again
                _log.exception("log.tail.failed")
                self._grown.set()
                await asyncio.sleep(MAX_PAUSE_S)
                continue
            took_s = time.monotonic() - began_s
            pause_s = max(woken * PAUSE_PER_READER_S, took_s * PAUSE_PER_LOOK, MIN_PAUSE_S)
            await asyncio.sleep(min(pause_s, MAX_PAUSE_S))

    async def _advance(self) -> int:
        """Bring all feeds to the head; return how many readers have something to read."""
        start = min((feed.position for feed in self._feeds.values()), default=0)
        head = self._told
        if head <= start:
            # Whoever joined may have missed what was told before.
            head = (await self._threads.run(self._store.head)).position
        woken = 0
        while start < head:
            dealer = self._dealer = self._dealer or Dealer(self._feeds)
            dealt = await self._threads.run(dealer.deal, self._store, start, head)
            if dealt.erases:
                for feed in self._feeds.values():
                    feed.forget()
            # Whoever joined meanwhile was not dealt to, or may be further back than what was, as the
            # head that it has seen is an older one. It has asked for another look, which is from there.
            for feed in tuple(self._feeds.values()):
                if feed.filter in dealer.filters and feed.position >= start:
                    woken += await self._take_in(feed, dealt)
            start = dealt.until
        return woken

    async def _take_in(self, feed: Feed, dealt: Dealt) -> int:
        """Give a feed what was dealt to it; return how many readers have something to read."""
        if dealt.until <= feed.position:
            return 0
        found = dealt.found.get(feed.filter, ())
        body = b"".join([each.body for each in found if each.position > feed.position])
        part = Part(feed.position, feed.position, dealt.until, body)
        feed.add(part, KEPT_BYTES // max(len(self._feeds), 1))
        if not body:
            return 0
        waiting, feed.waiting = feed.waiting, []
        for number, event in enumerate(waiting, start=1):
            event.set()
            if number % WOKEN_AT_ONCE == 0:
                await asyncio.sleep(0)
        return len(waiting)


async def wait_for_match(feed: Feed, position: int, timeout_s: float) -> bool:
    """Wait until the feed has something after a position; False where the time ran out."""
    with anyio.move_on_after(timeout_s):
        while feed.matched <= position:
            event = anyio.Event()
            feed.waiting.append(event)
            try:
                await event.wait()
            finally:
                with suppress(ValueError):
                    feed.waiting.remove(event)
    return feed.matched > position
