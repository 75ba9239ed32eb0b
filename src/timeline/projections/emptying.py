"""Empties the slots that are not live, so that a rebuild can fill them.

Owns the steps in which that is done: a million rows deleted at once would keep everyone else from
writing to SQLite for as long as it takes. Must not know what the slots are filled with.

Whoever locks progress locks that of the live slots first, and of either sort by name, as a runner
with an erasure does: nobody waits for one who waits for him.

A slot that is being emptied has no progress. So a rebuild that was filling it gives up at its next
batch, and one that is killed here leaves a slot that is taken for nothing but what it is.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, Engine, Table, delete, insert, select

from timeline.eventstore.database import write_transaction
from timeline.eventstore.dialects import dialect_of
from timeline.projections.errors import RebuildInterruptedError
from timeline.projections.model import ReadModel
from timeline.projections.tables import SLOTS, projection_progress, projections


def empty_slots(engine: Engine, models: Sequence[ReadModel]) -> dict[str, str]:
    """Empty the slots that are not live for a run to take them; return them by model.

    Args:
        engine: the database.
        models: whose slots.

    Raises:
        RebuildInterruptedError: another rebuild got in between.

    """
    with write_transaction(engine) as connection:
        live = locked_pointers(connection)
        slots = {model.name: other_slot(live[model.name]) for model in models}
        for name, slot in sorted(slots.items()):
            connection.execute(
                delete(projection_progress).where(
                    projection_progress.c.name == name, projection_progress.c.slot == slot
                )
            )
    tables = [model.table(spec.name, slots[model.name]) for model in models for spec in model.specs]
    for table in tables:
        _empty(engine, table, slots)
    return slots


def take_slots(engine: Engine, slots: dict[str, str], run: str, begun_at: int) -> None:
    """Make emptied slots a run's, to fill them.

    Args:
        engine: the database.
        slots: by model.
        run: a name that no other rebuild has.
        begun_at: where the log ends; the run has read nothing of it yet.

    Raises:
        RebuildInterruptedError: another rebuild got in between.

    """
    with write_transaction(engine) as connection:
        _require_no_other(connection, slots)
        # Whoever is about to forget what was erased is done with it before anything is filled.
        connection.execute(
            select(projection_progress)
            .join(projections, projections.c.name == projection_progress.c.name)
            .order_by(projections.c.live != projection_progress.c.slot, projection_progress.c.name)
            .with_for_update(of=projection_progress)
        )
        for name, slot in sorted(slots.items()):
            connection.execute(
                insert(projection_progress).values(
                    name=name, slot=slot, position=0, run=run, begun_at=begun_at
                )
            )


def require_run(connection: Connection, slots: dict[str, str], run: str) -> None:
    """Raise where slots are not a run's to fill any more; they stay its own for the transaction.

    Several processes of a run may write at once, so the rows are locked for sharing.

    Raises:
        RebuildInterruptedError: another rebuild has them.

    """
    rows = connection.execute(
        select(projection_progress)
        .where(projection_progress.c.run == run)
        .order_by(projection_progress.c.name)
        .with_for_update(read=True)
    )
    if not slots.items() <= {(row.name, row.slot) for row in rows}:
        raise RebuildInterruptedError


def _require_no_other(connection: Connection, slots: dict[str, str]) -> None:
    """Raise where another rebuild has begun to fill a slot, or has switched to it."""
    live = locked_pointers(connection)
    filled = connection.execute(select(projection_progress.c.name, projection_progress.c.slot))
    if set(slots.items()) & {(row.name, row.slot) for row in filled}:
        raise RebuildInterruptedError
    if any(live[name] == slot for name, slot in slots.items()):
        raise RebuildInterruptedError


def _empty(engine: Engine, table: Table, slots: dict[str, str]) -> None:
    """Delete a table's rows part by part, as long as no other rebuild has the slots."""
    more, part = True, 0
    while more:
        with write_transaction(engine) as connection:
            _require_no_other(connection, slots)
            more = dialect_of(engine).delete_part(connection, table, part)
        part += 1


def locked_pointers(connection: Connection) -> dict[str, str]:
    """Return the live slots, locked before all else: rebuilds begin and end one after the other."""
    rows = connection.execute(select(projections).order_by(projections.c.name).with_for_update())
    return {row.name: row.live for row in rows}


def other_slot(slot: str) -> str:
    """Return the slot that is live when this one is not."""
    return SLOTS[1 - SLOTS.index(slot)]
