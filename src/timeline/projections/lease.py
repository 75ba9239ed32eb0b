"""The lease: which of several processes advances the live read models.

Owns taking, keeping and giving it back, by compare-and-set and by the database's clock, and what
those who have not got it watch. It saves work and is not what keeps rows right: a holder that
stalls beyond its time still cannot apply anything twice, since the progress is moved by
compare-and-set. Nor does it decide whose work counts: whoever comes to its end first. Must not know how events are applied.
"""

import time
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import Engine, Select, and_, exists, func, or_, select, update

from timeline.eventstore.database import brief_transaction, statement
from timeline.eventstore.dialects import dialect_of
from timeline.eventstore.errors import EventStoreError
from timeline.eventstore.tables import log_head
from timeline.projections.tables import (
    parked_policies,
    projection_lease,
    projection_progress,
    projections,
)

LEASE_MS: Final = 3_000
"""How long a holder that stalls or dies keeps others from going on: less than the five seconds
that a read waits."""

RENEW_S: Final = 1.0
"""How often a working holder writes to keep the lease: two renewals may fail before it is lost."""


class Reached(NamedTuple):
    """What the live read models are: what is read from them is the same for as long as these are.

    Without a position that moves, a rebuild is switched to, or a policy that was parked is taken in.
    `slots` are by projection, each with the run that filled it, as a slot is filled more than once.
    """

    position: int
    slots: frozenset[tuple[str, str]]
    parked: int


class Sight(msgspec.Struct, frozen=True):
    """What a follower sees at one moment: the log's head, the read models, and who is at work."""

    head: int
    reached: Reached
    holder: str | None
    """Who has the lease; None where nobody has, or where its time has run out."""
    retry_asked: bool
    """Whether a parked policy is to be tried again."""

    @property
    def behind(self) -> bool:
        """Tell whether there is something to do."""
        return self.reached.position < self.head or self.retry_asked


class Lease:
    """One process's way to the lease. Not safe for threads.

    A lease is taken when there is something to do, and simply runs out when there is not: a service
    without work writes nothing, and whoever has work next need not wait.
    """

    def __init__(self, engine: Engine, holder: str) -> None:
        self.holder: Final = holder
        self._engine = engine
        self._now = dialect_of(engine).clock_ms()
        self._sight = _sight_query(engine)
        self._kept_until_s = 0.0

    def look(self) -> Sight:
        """Look at the log, the read models and the lease, in one statement."""
        with statement(self._engine) as connection:
            row = connection.execute(self._sight).one()
        slots = frozenset(
            (name, slot) for name, _, slot in (each.partition(":") for each in row.slots.split(","))
        )
        reached = Reached(row.position, slots, row.parked)
        return Sight(row.head, reached, row.holder, bool(row.retry_asked))

    def hold(self) -> bool:
        """Take the lease, or keep it; False where another has it."""
        asked_s = time.monotonic()
        if asked_s < self._kept_until_s:
            return True
        row = projection_lease.c
        with brief_transaction(self._engine) as connection:
            taken = connection.execute(
                update(projection_lease)
                .where(or_(row.holder == self.holder, row.expires_ms <= self._now))
                .values(holder=self.holder, expires_ms=self._now + LEASE_MS)
            ).rowcount
        self._kept_until_s = asked_s + RENEW_S if taken else 0.0
        return taken == 1

    def keep(self) -> bool:
        """Keep the lease in the middle of long work; False where another has it.

        A database that stands in the way does not end the work, which can go wrong by nothing but
        being done twice.
        """
        try:
            return self.hold()
        except EventStoreError:
            self._kept_until_s = time.monotonic() + RENEW_S
            return True

    def release(self) -> None:
        """Let another take the lease at once; does nothing where it is another's."""
        self._kept_until_s = 0.0
        with brief_transaction(self._engine) as connection:
            connection.execute(
                update(projection_lease)
                .where(projection_lease.c.holder == self.holder)
                .values(expires_ms=0)
            )


def _sight_query(engine: Engine) -> Select[Any]:
    """Return the query of `look`, made once: it runs dozens of times a second."""
    live = projections.join(
        projection_progress,
        and_(
            projection_progress.c.name == projections.c.name,
            projection_progress.c.slot == projections.c.live,
        ),
    )
    run = ":" + func.coalesce(projection_progress.c.run, "")
    position = select(func.min(projection_progress.c.position)).select_from(live)
    holder = select(projection_lease.c.holder).where(
        projection_lease.c.expires_ms > dialect_of(engine).clock_ms()
    )
    return select(
        log_head.c.position.label("head"),
        position.scalar_subquery().label("position"),
        select(func.aggregate_strings(projections.c.name + ":" + projections.c.live + run, ","))
        .select_from(live)
        .scalar_subquery()
        .label("slots"),
        select(func.count()).select_from(parked_policies).scalar_subquery().label("parked"),
        holder.scalar_subquery().label("holder"),
        exists().where(parked_policies.c.retry).label("retry_asked"),
    )
