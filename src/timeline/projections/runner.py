"""Keeps the live read models current.

Owns the batches, the transaction that moves rows and progress together, and the compare-and-set
that lets a stalled or second runner apply nothing twice. Must not know how rows come about.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final, NamedTuple, TypeVar

import structlog
from sqlalchemy import Connection, Engine, delete, select, update

from timeline.domain.belief import PastEvent
from timeline.eventstore.database import brief_transaction
from timeline.projections.changes import Changes
from timeline.projections.log import Log
from timeline.projections.model import ReadModel
from timeline.projections.models import MODELS
from timeline.projections.projector import Projector
from timeline.projections.reading import view
from timeline.projections.tables import SLOTS, projection_progress, projections
from timeline.projections.writing import apply

BATCH: Final = 500
"""Events in one transaction: large enough to share its cost, small enough to be current soon."""

PART: Final = 100
"""Events after which a transaction may be full."""

MAX_CHANGES: Final = 20_000
"""Rows after which a transaction is full: a second's work, and some tens of MB in memory."""

Item = TypeVar("Item")

_log = structlog.get_logger(__name__)


class LostRaceError(Exception):
    """Another runner has moved the progress; the transaction is to be rolled back."""


class Reached(NamedTuple):
    """What the live read models are: how far they have read, and which slots they are."""

    position: int
    slots: dict[str, str]


class Runner:
    """Brings the live slots up to the head of the log, batch by batch.

    Not safe for threads: each has a runner of its own. Any number of runners may work at once; the
    first to move the progress wins, the others start over from there.
    """

    def __init__(self, engine: Engine, log: Log, models: Sequence[ReadModel] = MODELS) -> None:
        self._engine = engine
        self._log = log
        self._models = models
        self._projector = Projector(models, log)
        self._reached: Reached | None = None

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

    @property
    def reached(self) -> Reached | None:
        """What the last step found or left behind, None where another runner came first."""
        return self._reached

    def position(self) -> int:
        """Return the position that the live read models reflect."""
        with view(self._engine) as live:
            return live.position

    def step(self, until: int | None = None) -> int:
        """Apply one batch; returns the position reached."""
        with view(self._engine) as live:
            position, slots = live.position, live.slots
        if self._reached != Reached(position, slots):
            self._projector.forget()
        self._reached = None
        events = self._log.after(position, until=until, limit=BATCH)
        if events:
            changes, last = self._changes(events)
            try:
                with brief_transaction(self._engine) as connection:
                    move(connection, slots, position, last)
                    apply(connection, self._models, slots, changes)
                    forget_elsewhere(connection, self._models, slots, changes)
            except LostRaceError:
                _log.debug("projection.race.lost", position=position)
                self._projector.forget()
                return self.position()
            position = last
        self._reached = Reached(position, slots)
        return position

    def _changes(self, events: Sequence[PastEvent]) -> tuple[Changes, int]:
        """Take in events until they change many rows; return the changes, and up to where."""
        changes = Changes()
        last = events[0].position
        for part in batched(events, PART):
            self._projector.advance(part, changes)
            last = part[-1].position
            if len(changes) >= MAX_CHANGES:
                break
        return changes, last


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


def forget_elsewhere(
    connection: Connection,
    models: Sequence[ReadModel],
    slots: dict[str, str],
    changes: Changes,
) -> None:
    """Take what was erased out of the slots that are not live, too.

    A rebuild that has not come to the erasure writes the policy's rows anew when it does; one that
    has, did so already.
    """
    for policy, position in sorted(changes.rewritten.items()):
        for model in models:
            other = SLOTS[1 - SLOTS.index(slots[model.name])]
            behind = connection.execute(
                update(projection_progress)
                .where(
                    projection_progress.c.name == model.name,
                    projection_progress.c.slot == other,
                    projection_progress.c.position < position,
                )
                .values(position=projection_progress.c.position)
            )
            if behind.rowcount:
                for spec in model.specs:
                    table = model.table(spec.name, other)
                    connection.execute(delete(table).where(table.c.policy == policy))


def batched(rows: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Yield lists of at most `size` items."""
    rest = iter(rows)
    while batch := list(islice(rest, size)):
        yield batch
