"""Keeps the live read models current.

Owns the batches, the transaction that moves rows and progress together, and the compare-and-set
that lets a stalled or second runner apply nothing twice. Must not know how rows come about.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Final, NamedTuple, TypeVar

import structlog
from sqlalchemy import Connection, Engine, select, update

from timeline.domain.belief import PastEvent
from timeline.domain.vocabulary import EventType
from timeline.eventstore.database import brief_transaction
from timeline.projections.changes import Changes
from timeline.projections.forgetting import erased_for, forget_elsewhere
from timeline.projections.log import Log
from timeline.projections.model import ReadModel
from timeline.projections.models import MODELS
from timeline.projections.parking import (
    Parked,
    forget_errors,
    hidden,
    is_of_event,
    keep_parked,
    park,
    parked,
    unpark,
)
from timeline.projections.projector import Projector
from timeline.projections.reading import view
from timeline.projections.tables import projection_progress, projections
from timeline.projections.writing import apply

BATCH: Final = 500
"""Events in one transaction: large enough to share its cost, small enough to be current soon."""

PART: Final = 100
"""Events for which what they look up is read together."""

MAX_CHANGES: Final = 20_000
"""Rows after which a transaction is full: a second's work, and some tens of MB in memory."""

MAX_BATCH_S: Final = 1.0
"""Time after which a transaction is full, however dear its events were: what took so long is not to
be lost to a restart, and readers wait for five seconds at most."""

LOST_LOOK_S: Final = 0.2
"""How often a runner without the lease looks whether another has done its work."""

Item = TypeVar("Item")

_log = structlog.get_logger(__name__)


class LostRaceError(Exception):
    """Another runner has done the work that is at hand."""


class Stand(NamedTuple):
    """Where the live read models are; what is worked out counts for as long as that is so."""

    position: int
    slots: dict[str, str]
    waiting: tuple[Parked, ...]


class Runner:
    """Brings the live slots up to the head of the log, batch by batch.

    Not safe for threads: each has a runner of its own. Any number of runners may work at once; the
    first to move the progress wins, the others start over from there.

    An event that breaks the read models is found by halving the batch, and its policy is parked.
    """

    def __init__(
        self,
        engine: Engine,
        log: Log,
        models: Sequence[ReadModel] = MODELS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Bind what is advanced.

        Args:
            engine: the database.
            log: what to take in.
            models: all read models.
            clock: tells a moment in seconds.

        """
        self._engine = engine
        self._clock = clock
        self._keep: Callable[[], bool] = lambda: True
        self._log = log.hiding({})
        self._hidden: dict[str, int] = {}
        self._models = models
        self._projector = self._projecting(self._log)
        self._reached: tuple[int, dict[str, str]] | None = None
        self._batch = BATCH
        self._tried = Stand(0, {}, ())
        self._looks_s = 0.0

    def catch_up(self, until: int | None = None) -> int:
        """Apply all events of the log so far, or up to a position.

        Returns:
            The position that the live read models reflect.

        """
        position = self.position()
        while until is None or position < until:
            reached = self.step(until)
            if reached == position:
                return reached
            position = reached
        return position

    def position(self) -> int:
        """Return the position that the live read models reflect."""
        with view(self._engine) as live:
            return live.position

    def step(self, until: int | None = None, keep: Callable[[], bool] = lambda: True) -> int:
        """Apply one batch, or try a parked policy again.

        Args:
            until: a position that is not to be passed.
            keep: called every few milliseconds of the work; where it returns False, another has
                begun the same, and this goes on only until that is done.

        Returns:
            The position reached.

        """
        self._keep, self._looks_s = keep, 0.0
        while True:
            try:
                return self._step_or_park(until)
            except LostRaceError:
                _log.debug("projection.race.lost")
                self._forget()
                return self.position()
            except Exception as error:
                self._forget()
                if not is_of_event(error) or self._batch == 1:
                    raise
                self._batch //= 2

    def _step_or_park(self, until: int | None) -> int:
        """Apply one batch; where it is of one event that breaks, park that one's policy."""
        try:
            return self._step(until)
        except LostRaceError:
            raise
        except Exception as error:
            if not is_of_event(error) or self._batch > 1:
                raise
            self._forget()
            return self._park(error)

    def _step(self, until: int | None) -> int:
        self._tried = position, slots, waiting = self._stand()
        self._hide(hidden(waiting))
        if self._reached != (position, slots):
            self._projector.forget()
        self._reached = None
        asked = next((each for each in waiting if each.retry), None)
        if asked is not None:
            self._retry(asked, position, slots)
            return position
        events = self._log.after(position, until=until, limit=self._batch)
        if events:
            changes, taken = self._changes(events)
            last = taken[-1].position
            erased = erased_for(self._log, taken)
            with brief_transaction(self._engine) as connection:
                move(connection, slots, position, last)
                apply(connection, self._models, slots, changes)
                forget_elsewhere(connection, self._models, slots, erased)
                forget_errors(connection, erased)
            position = last
            self._batch = min(BATCH, self._batch * 2)
        self._reached = (position, slots)
        return position

    def _forget(self) -> None:
        self._reached = None
        self._projector.forget()

    def _hide(self, hidden: dict[str, int]) -> None:
        """Read the log without what waits."""
        if hidden != self._hidden:
            self._hidden = hidden
            self._log = self._log.hiding(hidden)
            self._projector = self._projecting(self._log)
            self._reached = None

    def _park(self, error: Exception) -> int:
        """Have the next event's policy wait; return the position behind the event.

        An erasure cannot wait. Where it breaks the read models, its policy goes out of sight.
        """
        stand = self._stand()
        if stand != self._tried:
            # Another runner has met the event, and this error is not of the next one.
            raise LostRaceError
        position, slots, waiting = stand
        event = self._log.next(position)
        if event is None:
            raise error
        hidden_from, changes, log = event.position, Changes(), self._log
        if event.type == EventType.PAYLOAD_ERASED:
            hidden_from = self._log.first_of(event.policy)
            log = self._log.hiding(hidden(waiting) | {event.policy: hidden_from})
            projector = self._projecting(log)
            projector.rewrite([event.policy], event.position, changes)
        erased = erased_for(log, [event])
        with brief_transaction(self._engine) as connection:
            move(connection, slots, position, event.position)
            apply(connection, self._models, slots, changes)
            forget_elsewhere(connection, self._models, slots, erased)
            forget_errors(connection, erased)
            park(connection, event, hidden_from, error)
        _log.error(
            "projection.policy.parked",
            policy=event.policy,
            position=event.position,
            event_id=event.id,
            exc_info=error,
        )
        return event.position

    def _retry(self, asked: Parked, position: int, slots: dict[str, str]) -> None:
        """Take in what a parked policy was waiting with, or keep why that cannot be done."""
        others = {policy: at for policy, at in self._hidden.items() if policy != asked.policy}
        changes = Changes()
        try:
            projector = self._projecting(self._log.hiding(others))
            projector.rewrite([asked.policy], position, changes)
            with brief_transaction(self._engine) as connection:
                move(connection, slots, position, position)
                apply(connection, self._models, slots, changes)
                unpark(connection, asked.policy)
        except LostRaceError:
            raise
        except Exception as error:
            if not is_of_event(error):
                raise
            with brief_transaction(self._engine) as connection:
                keep_parked(connection, asked.policy, error)
            _log.exception("projection.policy.still_parked", policy=asked.policy)
        else:
            _log.info("projection.policy.unparked", policy=asked.policy, position=position)

    def _changes(self, events: Sequence[PastEvent]) -> tuple[Changes, list[PastEvent]]:
        """Take in events until a transaction is full; return the changes, and what was taken in."""
        began_s, changes = self._clock(), Changes()
        taken: list[PastEvent] = []

        def full() -> bool:
            return len(changes) >= MAX_CHANGES or self._clock() - began_s >= MAX_BATCH_S

        for part in batched(events, PART):
            taken += self._projector.advance(part, changes, full)
            if full():
                break
        return changes, taken

    def _projecting(self, log: Log) -> Projector:
        return Projector(self._models, log, on_worked=self._on_worked)

    def _stand(self) -> Stand:
        with view(self._engine) as live:
            return Stand(live.position, live.slots, parked(live.connection))

    def _on_worked(self) -> None:
        """Give up where another runner was faster.

        One that only has the lease may never be: where work takes longer than the lease, each of
        two would drop its own whenever the other begins.
        """
        if (self._looks_s and self._clock() < self._looks_s) or self._keep():
            return
        if self._stand() != self._tried:
            raise LostRaceError
        self._looks_s = self._clock() + LOST_LOOK_S


def move(connection: Connection, slots: dict[str, str], position: int, to: int) -> None:
    """Move the live slots' progress; raises LostRaceError where one is not live any more."""
    move_slots(connection, slots, position, to)
    rows = connection.execute(select(projections.c.name, projections.c.live))
    if {row.name: row.live for row in rows} != slots:
        raise LostRaceError


def move_slots(connection: Connection, slots: dict[str, str], position: int, to: int) -> None:
    """Move the progress of slots by compare-and-set; raises LostRaceError on a miss.

    The rows stay locked until the transaction ends, also where they move to where they stand.
    """
    for name, slot in sorted(slots.items()):
        moved = connection.execute(
            update(projection_progress)
            .where(
                projection_progress.c.name == name,
                projection_progress.c.slot == slot,
                projection_progress.c.position == position,
            )
            .values(position=to)
        )
        if moved.rowcount != 1:
            raise LostRaceError


def batched(rows: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Yield lists of at most `size` items."""
    rest = iter(rows)
    while batch := list(islice(rest, size)):
        yield batch
