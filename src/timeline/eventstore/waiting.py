"""The queue in front of the writer.

Owns how many appends may wait, which of them are taken together, and that whoever waits is
answered in the end. Must not know what is done with a group.
"""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from threading import Condition
from typing import Final, NamedTuple

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


class Pending(NamedTuple):
    """An append and the promise of its outcome."""

    append: Append
    future: "Future[Outcome]"


class WaitingRoom:
    """A bounded queue that is left in groups."""

    def __init__(self, max_queued: int, max_group_events: int) -> None:
        self._max_queued = max_queued
        self._max_group_events = max_group_events
        self._queue: deque[Pending] = deque()
        self._changed = Condition()
        self._closed: Callable[[], EventStoreError] | None = None

    def enter(self, append: Append) -> "Future[Outcome]":
        """Wait to be taken; raises StoreBusy where it is full, or why it is closed."""
        with self._changed:
            if self._closed is not None:
                raise self._closed()
            if len(self._queue) >= self._max_queued:
                raise StoreBusy(retry_after_s=RETRY_AFTER_S)
            pending = Pending(append, Future())
            self._queue.append(pending)
            self._changed.notify()
            return pending.future

    def take(self) -> list[Pending] | None:
        """Wait for appends and return the next group; None once closed and empty."""
        with self._changed:
            while True:
                group = self._next_group()
                if group:
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
        for pending in left:
            if pending.future.set_running_or_notify_cancel():
                pending.future.set_exception(StoreUnavailable(reason=reason))

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
            if pending.future.set_running_or_notify_cancel():
                group.append(pending)
        return group
