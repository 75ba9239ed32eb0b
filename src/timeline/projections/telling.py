"""What a rebuild tells of itself, for those who do not see its terminal.

Owns the row in which it stands how far the last rebuild is. It is told beside the work, at most once
a second, and never stands in its way. Must not know how read models are built.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeAlias

import structlog
from sqlalchemy import Connection, Engine, select, update

from timeline.eventstore.database import write_transaction
from timeline.eventstore.dialects import dialect_of
from timeline.eventstore.errors import EventStoreError
from timeline.projections.tables import last_rebuild

TELL_S: Final = 1.0
"""How often it is told how far a rebuild is: as often as anybody looks."""

UNDER_WAY: Final = ("emptying", "filling", "comparing", "switching")
ENDED: Final = ("switched", "different", "failed")

Report: TypeAlias = Callable[[int, int], None]

_log = structlog.get_logger(__name__)


class Telling:
    """One rebuild's way to the row. Not safe for threads."""

    def __init__(self, engine: Engine, on_progress: Report) -> None:
        self._engine = engine
        self._on_progress = on_progress
        self._told_s = 0.0

    def state(self, state: str) -> None:
        """Tell what is being done from now on, or how it ended."""
        self._tell(state=state)

    def progress(self, done: int, total: int) -> None:
        """Tell how many events are worked out, and of how many."""
        self._on_progress(done, total)
        if time.monotonic() - self._told_s >= TELL_S or done >= total:
            self._tell(events_done=done, events_total=total)

    def begin(self) -> None:
        """Tell that a rebuild begins."""
        now = dialect_of(self._engine).clock_ms()
        self._tell(state=UNDER_WAY[0], events_done=0, events_total=0, began_ms=now)

    def _tell(self, **values: Any) -> None:
        self._told_s = time.monotonic()
        now = dialect_of(self._engine).clock_ms()
        try:
            with write_transaction(self._engine) as connection:
                connection.execute(update(last_rebuild).values(**values, told_ms=now))
        except EventStoreError as error:
            _log.debug("projection.rebuild.not_told", error=str(error))


@contextmanager
def telling(engine: Engine, on_progress: Report) -> Iterator[Telling]:
    """Tell of a rebuild from its begin on; where it breaks off, that it failed."""
    told = Telling(engine, on_progress)
    told.begin()
    try:
        yield told
    except BaseException:
        told.state("failed")
        raise


def last_told(connection: Connection) -> tuple[str, int, int, float] | None:
    """Return the last rebuild's state, events done and in all, and for how long it is silent.

    The last is in seconds, by the database's clock. None where there never was a rebuild.
    """
    row = last_rebuild.c
    silent_ms = dialect_of(connection).clock_ms() - row.told_ms
    found = connection.execute(
        select(row.state, row.events_done, row.events_total, silent_ms.label("silent_ms"))
    ).one()
    if found.state is None:
        return None
    return found.state, found.events_done, found.events_total, max(0, found.silent_ms) / 1000
