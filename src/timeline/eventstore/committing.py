"""From a group of appends to their outcomes: view, plan, commit, and again where that is right.

Owns what is tried again, how often, and what is told where the outcome stays unknown. Must not know
who waits for it.
"""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Final

import structlog

from timeline.eventstore.assembly import RandomBytes
from timeline.eventstore.errors import (
    EventStoreError,
    OutcomeUnknown,
    StoreBusy,
    StoreUnavailable,
)
from timeline.eventstore.instants import Clock
from timeline.eventstore.model import Append, Outcome
from timeline.eventstore.protocol import EventStore, HeldHead
from timeline.eventstore.sequencing import plan, request_for
from timeline.eventstore.waiting import Result

MAX_RACES: Final = 100
"""Races lost per group. Each was won by another writer, so the log as a whole gets on."""

RACES_BEFORE_HOLDING: Final = 3
"""Races lost before the head is held for a try: a large group loses each to writers of small ones,
which are judged and written while it is still being judged."""

MAX_OUTAGES: Final = 6
"""Failures per group while nothing is in doubt: with the waits between them some 2 s."""

MAX_OUTAGES_IN_DOUBT: Final = 20
"""Failures per group once a commit is in doubt: some 12 s, in which a server restarts."""

MAX_GROUP_S: Final = 30.0
"""No group is tried again after that long: its callers have given up."""

RACE_WAIT_S: Final = 0.002
FIRST_OUTAGE_WAIT_S: Final = 0.05
MAX_OUTAGE_WAIT_S: Final = 1.0
RETRY_AFTER_S: Final = 1.0

_log = structlog.stdlib.get_logger("timeline.eventstore.committing")


class Committer:
    """Records groups of appends, one group at a time."""

    def __init__(
        self,
        store: EventStore,
        *,
        clock: Clock,
        random_bytes: RandomBytes,
        announce: Callable[[int, int], None],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Bind a store.

        Args:
            store: where to record.
            clock: tells the time of recording.
            random_bytes: gives that many unguessable bytes, for the salts.
            announce: is told, after each commit, the head's position and how many events it added.
            sleep: waits, in seconds.

        """
        self._store = store
        self._clock = clock
        self._random_bytes = random_bytes
        self._announce = announce
        self._sleep = sleep

    def record(self, appends: Sequence[Append], *, doubtful: bool = False) -> list[Result]:
        """Return the outcome of each append, or why it has none.

        What fails for a reason that no retry mends is taken apart: each append is tried alone, so
        that one that breaks the store takes no other with it. Where the store stays busy, all fail.

        Args:
            appends: to record, in order.
            doubtful: whether a commit of them was lost already, so that they may be recorded.

        """
        try:
            return self._record_together(
                appends, dict.fromkeys(range(len(appends)), True) if doubtful else {}
            )
        except Exception as error:  # noqa: BLE001 - returned, or met again by one append alone
            if len(appends) == 1:
                return [error]
            _log.warning("event.append.taken_apart", appends=len(appends), exc_info=True)
        return [result for append in appends for result in self.record([append], doubtful=doubtful)]

    def _record_together(
        self, appends: Sequence[Append], doubtful: dict[int, bool]
    ) -> list[Result]:
        races = outages = 0
        failure: EventStoreError = StoreBusy(retry_after_s=RETRY_AFTER_S)
        deadline = time.monotonic() + MAX_GROUP_S
        while (
            races < MAX_RACES
            and outages < (MAX_OUTAGES_IN_DOUBT if doubtful else MAX_OUTAGES)
            and time.monotonic() < deadline
        ):
            try:
                results = self._try(appends, doubtful, holding=races >= RACES_BEFORE_HOLDING)
                if results is not None:
                    return _resolved(results, doubtful)
            except (StoreBusy, StoreUnavailable) as error:
                _log.warning("event.append.failed", error=str(error), attempt=outages + 1)
                failure = error
                outages += 1
                self._sleep(_outage_wait_s(outages))
            else:
                races += 1
                self._sleep(random.uniform(0, RACE_WAIT_S))  # noqa: S311 - jitter, no secret
        return [_failed(index, append, doubtful, failure) for index, append in enumerate(appends)]

    def _try(
        self, appends: Sequence[Append], doubtful: dict[int, bool], *, holding: bool
    ) -> Sequence[Result] | None:
        """Return the results once they are recorded, or None where a race was lost.

        `doubtful` takes in whose outcome a lost commit leaves open, and whether that created it.
        """
        planned: Sequence[Result] = ()
        head = 0
        try:
            with self._head(holding=holding) as store:
                view = store.view(request_for(appends))
                head = view.head.position
                planned, batch, *_ = plan(
                    view, appends, clock=self._clock, random_bytes=self._random_bytes
                )
                if batch is not None and not store.commit(head, batch):
                    return None
        except StoreUnavailable as error:
            if error.interrupted:
                # The connection broke before the commit or after it: the ids will tell.
                for index, result in enumerate(planned):
                    if isinstance(result, Outcome) and _beyond(result, head):
                        doubtful[index] = doubtful.get(index, False) or result.created
            raise
        if batch is not None:
            self._announce(batch.head.position, batch.head.position - head)
        return planned

    def _head(self, *, holding: bool) -> AbstractContextManager[HeldHead]:
        return self._store.exclusively() if holding else nullcontext(self._store)


def _beyond(outcome: Outcome, head: int) -> bool:
    """Tell whether an outcome rests on the batch: as its events, or as a repetition of them."""
    return any(receipt.position > head for receipt in outcome.events)


def _resolved(results: Sequence[Result], doubtful: Mapping[int, bool]) -> list[Result]:
    """Return the results, with what a lost commit had recorded after all as created."""
    return [
        Outcome(result.events, created=True)
        if isinstance(result, Outcome) and doubtful.get(index)
        else result
        for index, result in enumerate(results)
    ]


def _failed(
    index: int, append: Append, doubtful: Mapping[int, bool], failure: EventStoreError
) -> EventStoreError:
    if index in doubtful:
        return OutcomeUnknown(ids=append.ids)
    if isinstance(failure, StoreBusy):
        return StoreBusy(retry_after_s=failure.retry_after_s)
    return StoreUnavailable(reason=str(failure.facts.get("reason", "")))


def _outage_wait_s(outages: int) -> float:
    wait_s: float = min(FIRST_OUTAGE_WAIT_S * 2 ** (outages - 1), MAX_OUTAGE_WAIT_S)
    return wait_s * random.uniform(0.5, 1)  # noqa: S311 - jitter, no secret
