"""Group commit: any number of callers append, one thread writes.

Owns the thread, and who is told what. Must not know how a group is recorded (`committing`), nor
judge an append (`sequencing`).

While one group is being committed the next one gathers, so that under load many appends share one
commit, and without load none waits for company.
"""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from datetime import UTC, datetime
from threading import Thread
from types import TracebackType
from typing import Final, Self

import structlog

from timeline.eventstore.assembly import RandomBytes
from timeline.eventstore.committing import RETRY_AFTER_S, Committer
from timeline.eventstore.errors import (
    OutcomeUnknown,
    StoreBusy,
    StoreUnavailable,
)
from timeline.eventstore.instants import Clock
from timeline.eventstore.model import Append, Outcome
from timeline.eventstore.protocol import EventStore
from timeline.eventstore.randomness import Randomness
from timeline.eventstore.tally import Tally
from timeline.eventstore.waiting import (
    FEW,
    MAX_GROUP_EVENTS,
    MAX_QUEUED,
    Pending,
    Result,
    WaitingRoom,
    answer,
)

APPEND_TIMEOUT_S: Final = 30.0
"""How long a caller waits: longer than a group is tried for."""

CLOSE_TIMEOUT_S: Final = 10.0
"""How long closing waits for the queue to drain: what a supervisor grants before it kills."""

COMMIT_EVENTS: Final = (1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000)
"""Bounds of the events in a commit, by which commits are counted: from one to a full group."""

COMMIT_S: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30)
"""Bounds of the seconds that a group takes: from a disk that writes at once to giving up."""

CROWDED_S: Final = 0.1
"""For how long a group of many says that the next one will be of many, too."""

_STOPPED: Final = "its writer has stopped"

_log = structlog.stdlib.get_logger("timeline.eventstore.writer")


def utc_now() -> datetime:
    """Return the system's time."""
    return datetime.now(UTC)


class Writer:
    """Appends to a store from any number of threads.

    Several writers, in this process or in others, may share one database: its head decides.
    """

    def __init__(
        self,
        store: EventStore,
        *,
        clock: Clock = utc_now,
        random_bytes: RandomBytes | None = None,
        max_queued: int = MAX_QUEUED,
        max_group_events: int = MAX_GROUP_EVENTS,
    ) -> None:
        """Start the thread.

        Args:
            store: where to append.
            clock: tells the time of recording.
            random_bytes: gives that many unguessable bytes, for the salts; the system's by default.
            max_queued: appends that may wait.
            max_group_events: events that are committed together, beyond the first append's.

        """
        self._room = WaitingRoom(max_queued, max_group_events)
        self._serving = 0
        self._served_s = 0.0
        self.commit_sizes: Final = Tally(COMMIT_EVENTS)
        self.commit_durations: Final = Tally(COMMIT_S)
        self._callbacks: list[Callable[[int], None]] = []
        self._committer = Committer(
            store,
            clock=clock,
            random_bytes=random_bytes or Randomness(),
            announce=self._announce,
        )
        self._thread = Thread(target=self._run, name="timeline-writer", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def queued(self) -> int:
        """How many appends wait."""
        return len(self._room)

    @property
    def crowded(self) -> bool:
        """Whether many appends come at once: are waiting, being recorded, or were just now."""
        recently = time.monotonic() - self._served_s < CROWDED_S
        return len(self._room) > FEW or (self._serving > FEW and recently)

    def on_committed(self, callback: Callable[[int], None]) -> None:
        """Have a function called with the head's position after each commit of this writer.

        It is called on the writer's thread, before any append of the group is answered: it must
        return at once.
        """
        self._callbacks.append(callback)

    def append(self, append: Append, timeout_s: float = APPEND_TIMEOUT_S) -> Outcome:
        """Record events, or return the outcome they had when they were recorded before.

        Raises:
            DomainError: the record refuses an event.
            AppendRefused: an id, an expected version or the condition stands against it.
            StoreBusy: nothing was recorded; try again after `retry_after_s`.
            StoreUnavailable: nothing was recorded.
            OutcomeUnknown: it may have been recorded; the same ids can be sent again.

        """
        future = self.submit(append)
        try:
            return future.result(timeout_s)
        except FutureTimeout:
            # Still waiting in the queue: nothing will come of it. Else it is under way.
            if future.cancel():
                raise StoreBusy(retry_after_s=RETRY_AFTER_S) from None
            raise OutcomeUnknown(ids=append.ids) from None

    async def appended(self, append: Append, timeout_s: float = APPEND_TIMEOUT_S) -> Outcome:
        """Record events as `append` does, for a task of an event loop, without a thread."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Outcome] = loop.create_future()
        pending = Pending(append, future, loop)
        self._enter(pending)
        timer = loop.call_later(timeout_s, pending.expire)
        try:
            return await future
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if not pending.expired or (task is not None and task.cancelling()):
                raise
        finally:
            timer.cancel()
        if pending.taken:
            raise OutcomeUnknown(ids=append.ids)
        raise StoreBusy(retry_after_s=RETRY_AFTER_S)

    def submit(self, append: Append) -> "Future[Outcome]":
        """Queue an append and return the promise of its outcome, which raises as `append` does.

        Raises:
            StoreBusy: too many are waiting already.
            StoreUnavailable: the writer is closed.

        """
        future: Future[Outcome] = Future()
        self._enter(Pending(append, future))
        return future

    def close(self, timeout_s: float = CLOSE_TIMEOUT_S) -> None:
        """Take no more appends, record those that wait, and stop the thread."""
        self._room.close("it is shutting down")
        self._thread.join(timeout_s)
        self._room.clear("it is shutting down")

    def _enter(self, pending: Pending) -> None:
        if not self._thread.is_alive():
            # A fork copies the queue but not the thread.
            self._room.clear(_STOPPED)
        self._room.enter(pending)

    def _run(self) -> None:
        try:
            while (group := self._room.take()) is not None:
                self._serve(group)
        finally:
            self._room.clear(_STOPPED)

    def _serve(self, group: list[Pending]) -> None:
        """Answer everyone in a group, whatever happens."""
        results: list[Result] = []
        self._serving, self._served_s = len(group), time.monotonic()
        try:
            results = self._committer.record([pending.append for pending in group])
        finally:
            self.commit_durations.add(time.monotonic() - self._served_s)
            # There are none where the thread ends in the midst of it.
            results = results or [StoreUnavailable(reason=_STOPPED) for _ in group]
            answer(zip(group, results, strict=True))

    def _announce(self, position: int, events: int) -> None:
        self.commit_sizes.add(events)
        for callback in self._callbacks:
            try:
                callback(position)
            except Exception:  # noqa: BLE001 - the events are recorded, whatever a listener does
                _log.exception("event.append.listener_failed", position=position)
