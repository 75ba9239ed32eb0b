"""Builds read models anew in their other slot, compares them with the live ones and switches.

Owns the rebuild and its refusal. Readers never see the other slot before it is complete; a rebuild
that is killed leaves the live slot as it was, and the next one starts over.
"""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec
import structlog
from sqlalchemy import Connection, Engine, delete, insert, select, update

from timeline.eventstore.database import read_snapshot, write_transaction
from timeline.projections.changes import Changes
from timeline.projections.digest import digest
from timeline.projections.log import Log
from timeline.projections.model import ReadModel
from timeline.projections.projector import Projector
from timeline.projections.reading import view
from timeline.projections.runner import BATCH, LostRaceError, Runner, move_slots
from timeline.projections.tables import SLOTS, projection_progress, projections
from timeline.projections.writing import apply

SWITCH_ATTEMPTS: Final = 100
"""Each attempt fails only where the live slot advanced within a millisecond or two."""

COMPARE_ATTEMPTS: Final = 5
"""Each attempt fails only where a payload was erased in the moment before the comparison."""

_log = structlog.get_logger(__name__)


class RebuildError(Exception):
    """The rebuild did not come to its end; it can be run again."""

    def __str__(self) -> str:
        return (type(self).__doc__ or type(self).__name__).strip()


class RebuildInterruptedError(RebuildError):
    """Another rebuild of the same read models is under way."""


class RebuildOvertakenError(RebuildError):
    """The log moved on faster than the rebuild could follow."""


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """One read model after a rebuild: both digests at the position compared."""

    name: str
    position: int
    live: str
    rebuilt: str
    slot: str
    switched: bool

    @property
    def identical(self) -> bool:
        """Tell whether the rebuilt rows equal the live ones."""
        return self.live == self.rebuilt


def rebuild(
    engine: Engine,
    log: Log,
    models: Sequence[ReadModel],
    *,
    accept_differences: bool = False,
    on_progress: Callable[[int, int], None] = lambda _, __: None,
) -> list[Compared]:
    """Rebuild read models from the log alone.

    Args:
        engine: the database.
        log: what to rebuild from.
        models: the read models to rebuild.
        accept_differences: switch even where the rebuilt rows differ from the live ones.
        on_progress: told the position reached and the head, after every batch.

    Returns:
        For each model how it compares, and whether it was switched.

    Raises:
        RebuildInterruptedError: another rebuild got in between.
        RebuildOvertakenError: events were erased, or recorded, all the time.

    """
    slots = _prepare(engine, models)
    position = 0
    for _ in range(COMPARE_ATTEMPTS):
        position = _fill(engine, log, models, slots, on_progress, position)
        compared = _compare(engine, log, models, slots, position)
        if compared is not None:
            break
    else:
        raise RebuildOvertakenError
    switched = accept_differences or all(live == rebuilt for live, rebuilt in compared.values())
    if switched:
        _switch(engine, log, models, slots)
    return [
        Compared(
            name=name,
            position=position,
            live=live,
            rebuilt=rebuilt,
            slot=slots[name],
            switched=switched,
        )
        for name, (live, rebuilt) in compared.items()
    ]


def _compare(
    engine: Engine,
    log: Log,
    models: Sequence[ReadModel],
    slots: dict[str, str],
    position: int,
) -> dict[str, tuple[str, str]] | None:
    """Return the live and the rebuilt digests by model, or None where they cannot be compared yet.

    An erasure acts at every known position: once the live slots have applied one that the rebuilt
    ones have not, they differ for that reason alone.

    Raises:
        RebuildInterruptedError: the slots are not this rebuild's any more.

    """
    Runner(engine, log).catch_up(position)
    with view(engine) as live:
        for name, slot in slots.items():
            reached = _progress(live.connection, name, slot)
            if live.slots[name] != _other(slot) or reached != position:
                raise RebuildInterruptedError
        if log.erased_between(position, live.position):
            return None
        return {
            model.name: (
                digest(live.connection, model, _other(slots[model.name]), position),
                digest(live.connection, model, slots[model.name], position),
            )
            for model in models
        }


def _other(slot: str) -> str:
    return SLOTS[1 - SLOTS.index(slot)]


def _prepare(engine: Engine, models: Sequence[ReadModel]) -> dict[str, str]:
    """Empty the slots that are not live; return them by model."""
    with write_transaction(engine) as connection:
        live = _locked_pointers(connection)
        slots = {model.name: _other(live[model.name]) for model in models}
        # The progress first: a rebuild that is filling the slot holds it, so that what is emptied
        # next includes all that it has written.
        for name, slot in sorted(slots.items()):
            connection.execute(
                delete(projection_progress).where(
                    projection_progress.c.name == name, projection_progress.c.slot == slot
                )
            )
            connection.execute(insert(projection_progress).values(name=name, slot=slot, position=0))
        for model in models:
            for spec in model.specs:
                connection.execute(delete(model.table(spec.name, slots[model.name])))
    return slots


def _locked_pointers(connection: Connection) -> dict[str, str]:
    """Return the live slots, locked before all else: rebuilds begin and end one after the other."""
    rows = connection.execute(select(projections).order_by(projections.c.name).with_for_update())
    return {row.name: row.live for row in rows}


def _fill(
    engine: Engine,
    log: Log,
    models: Sequence[ReadModel],
    slots: dict[str, str],
    on_progress: Callable[[int, int], None],
    position: int = 0,
    until: int | None = None,
) -> int:
    """Apply the log to the slots until its end, or up to a position; return where that is."""
    projector = Projector(models, log)
    while True:
        events = log.after(position, until=until, limit=BATCH)
        if not events:
            return position
        changes = Changes()
        projector.advance(events, changes)
        reached = events[-1].position
        try:
            with write_transaction(engine) as connection:
                move_slots(connection, slots, position, reached)
                apply(connection, models, slots, changes)
        except LostRaceError as error:
            raise RebuildInterruptedError from error
        position = reached
        on_progress(position, max(position, log.head()))


def _switch(engine: Engine, log: Log, models: Sequence[ReadModel], slots: dict[str, str]) -> None:
    """Point readers at the rebuilt slots, at a moment when both have read equally far."""
    for _ in range(SWITCH_ATTEMPTS):
        live = Runner(engine, log).catch_up()
        with read_snapshot(engine) as connection:
            reached = _progress(connection, models[0].name, slots[models[0].name])
        if reached < live:
            _fill(engine, log, models, slots, lambda _, __: None, reached, live)
        live_slots = {model.name: _other(slots[model.name]) for model in models}
        try:
            with write_transaction(engine) as connection:
                pointers = _locked_pointers(connection)
                if any(pointers[name] != slot for name, slot in live_slots.items()):
                    raise RebuildInterruptedError
                # Moved to where they stand, the rows are locked against the runner.
                move_slots(connection, live_slots, live, live)
                move_slots(connection, slots, live, live)
                for name, slot in slots.items():
                    connection.execute(
                        update(projections).where(projections.c.name == name).values(live=slot)
                    )
        except LostRaceError:
            continue
        _log.debug("projection.rebuild.switched", position=live, slots=slots)
        return
    raise RebuildOvertakenError


def _progress(connection: Connection, name: str, slot: str) -> int:
    return int(
        connection.execute(
            select(projection_progress.c.position).where(
                projection_progress.c.name == name, projection_progress.c.slot == slot
            )
        ).scalar_one()
    )


def live_digests(
    engine: Engine, models: Sequence[ReadModel], at: int | None = None
) -> tuple[int, dict[str, str]]:
    """Return the position that the live read models reflect, and their digests there.

    Args:
        engine: the database.
        models: the read models to digest.
        at: the position to digest at, in place of the one that they reflect.

    """
    with view(engine) as live:
        position = live.position if at is None else at
        return live.position, {
            model.name: digest(live.connection, model, live.slots[model.name], position)
            for model in models
        }
