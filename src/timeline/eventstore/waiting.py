"""The queue in front of the writer.

Owns how many appends may wait, which of them are taken together, and that whoever waits is
answered in the end. Must not know what is done with a group.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextlib import suppress
from threading import Condition
from typing import Final, TypeAlias

from timeline.eventstore.errors import EventStoreError, StoreBusy, StoreUnavailable
from timeline.eventstore.model import Append, Outcome

MAX_QUEUED: Final = 2_000
"""Appends that wait: about a second's work. Whoever comes then is told to come back."""

MAX_GROUP_EVENTS: Final = 1_000
"""Events committed together: as many as one append may have, some 100 ms of planning."""

MAX_GROUP_BYTES: Final = 16 * 1024 * 1024
"""Data committed together: a statement of that size is far from every driver's limit."""

MAX_GROUP_CONDITIONS: Final = 64
"""Conditions looked up together: each is a subquery of one statement."""

RETRY_AFTER_S: Final = 1.0
"""When a full queue has drained."""

WAKE_S: Final = 1.0
"""A waiting thread looks around at least that often."""

GATHER_S: Final = 0.01
"""How long a group is waited for: those who have just been answered come back within that time, and
one commit for all of them takes less of the machine than two."""

FEW: Final = 4
"""Appends that are not waited for, nor given way to."""


Result: TypeAlias = Outcome | Exception


class Pending:
    """An append, and who is promised its outcome: a thread, or a task of an event loop."""

    __slots__ = ("append", "expired", "future", "loop", "taken")

    def __init__(
        self,
        append: Append,
        future: "Future[Outcome] | asyncio.Future[Outcome]",
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self.append = append
        self.future = future
        self.loop = loop
        self.taken = False
        self.expired = False

    def take(self) -> bool:
        """Take it out of the queue; False where nobody waits for it any more."""
        # This first, then the look: whoever gives up cancels first and looks then, so that one of
        # the two sees the other.
        self.taken = True
        if isinstance(self.future, Future):
            return self.future.set_running_or_notify_cancel()
        return not self.future.cancelled()

    def expire(self) -> None:
        """Let a task wait no longer; on its event loop."""
        self.expired = self.future.cancel()


def answer(answers: Iterable[tuple[Pending, Result]]) -> None:
    """Keep the promises of appends that were taken; an event loop is woken once for all its own."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[Pending, Result]]] = {}
    for pending, result in answers:
        if pending.loop is None:
            _keep(pending, result)
        else:
            by_loop.setdefault(pending.loop, []).append((pending, result))
    for loop, some in by_loop.items():
        # Of a loop that was closed, no task waits any more.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(_keep_all, some)


def _keep_all(answers: Iterable[tuple[Pending, Result]]) -> None:
    for pending, result in answers:
        if not pending.future.done():
            _keep(pending, result)


def _keep(pending: Pending, result: Result) -> None:
    if isinstance(result, Outcome):
        pending.future.set_result(result)
    else:
        pending.future.set_exception(result)


class WaitingRoom:
    """A bounded queue that is left in groups."""

    def __init__(self, max_queued: int, max_group_events: int) -> None:
        self._max_queued = max_queued
        self._max_group_events = max_group_events
        self._queue: deque[Pending] = deque()
        self._taken = 0
        self._enough = 1
        self._changed = Condition()
        self._closed: Callable[[], EventStoreError] | None = None

    def __len__(self) -> int:
        """Count the appends that wait."""
        return len(self._queue)

    def enter(self, pending: Pending) -> None:
        """Wait to be taken; raises StoreBusy where it is full, or why it is closed."""
        with self._changed:
            if self._closed is not None:
                raise self._closed()
            if len(self._queue) >= self._max_queued:
                raise StoreBusy(retry_after_s=RETRY_AFTER_S)
            self._queue.append(pending)
            if len(self._queue) >= self._enough:
                self._changed.notify()

    def take(self) -> list[Pending] | None:
        """Wait for appends and return the next group; None once closed and empty."""
        with self._changed:
            self._gather()
            while True:
                group = self._next_group()
                if group:
                    self._taken = len(group)
                    return group
                if self._closed is not None:
                    return None
                self._changed.wait(WAKE_S)

    def close(self, reason: str) -> None:
        """Let no one in any more; who waits already will still be taken."""
        with self._changed:
            if self._closed is None:
                self._closed = lambda: StoreUnavailable(reason=reason)
            self._changed.notify_all()

    def clear(self, reason: str) -> None:
        """Close, and turn away all who still wait."""
        self.close(reason)
        with self._changed:
            left = list(self._queue)
            self._queue.clear()
        answer([(each, StoreUnavailable(reason=reason)) for each in left if each.take()])

    def _gather(self) -> None:
        """Wait a little until as many are here as were taken last, where those were not few."""
        if self._taken > FEW:
            self._enough = self._taken
            self._changed.wait_for(
                lambda: len(self._queue) >= self._enough or self._closed is not None, GATHER_S
            )
            self._enough = 1

    def _next_group(self) -> list[Pending]:
        group: list[Pending] = []
        events = size_bytes = conditions = 0
        while self._queue:
            append = self._queue[0].append
            events += len(append.drafts)
            size_bytes += append.size_bytes
            conditions += append.condition is not None
            if group and (
                events > self._max_group_events
                or size_bytes > MAX_GROUP_BYTES
                or conditions > MAX_GROUP_CONDITIONS
            ):
                break
            pending = self._queue.popleft()
            if pending.take():
                group.append(pending)
        return group
