"""Builds read models anew in their other slot, compares them with the live ones and switches.

Owns the rebuild and its refusal. Readers never see the other slot before it is complete; a rebuild
that is killed leaves the live slot as it was, and the next one starts over.
"""

from collections.abc import Callable, Container, Sequence
from typing import Any, Final
from uuid import uuid4

import msgspec
import structlog
from sqlalchemy import Connection, Engine, select, update

from timeline.eventstore.database import read_snapshot, write_transaction
from timeline.eventstore.sql import SqlStore
from timeline.projections.changes import Changes
from timeline.projections.crew import Tell, crew
from timeline.projections.digest import digest
from timeline.projections.emptying import (
    empty_slots,
    locked_pointers,
    other_slot,
    require_run,
    take_slots,
)
from timeline.projections.errors import (
    RebuildBrokenError,
    RebuildInterruptedError,
    RebuildOvertakenError,
    RebuildUnsettledError,
)
from timeline.projections.filling import ATTEMPTS, Filling, fill, helpers_for
from timeline.projections.grouping import grouped
from timeline.projections.log import Log
from timeline.projections.model import ReadModel
from timeline.projections.models import MODELS
from timeline.projections.parking import hidden, is_of_event, parked
from timeline.projections.projector import Projector
from timeline.projections.reading import View, view
from timeline.projections.runner import BATCH, LostRaceError, Runner, move_slots
from timeline.projections.tables import projection_progress, projections
from timeline.projections.telling import Report, Telling, telling
from timeline.projections.writing import apply

SWITCH_ATTEMPTS: Final = 100
"""Each attempt fails only where the live slot advanced within a millisecond or two."""

COMPARE_ATTEMPTS: Final = 5
"""Each attempt fails only where a payload was erased in the moment before the comparison."""

_log = structlog.get_logger(__name__)


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
    on_progress: Report = lambda _, __: None,
) -> list[Compared]:
    """Rebuild read models from the log alone.

    What waits because its policy is parked waits in the rebuilt rows, too, so that they compare.

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
        RebuildUnsettledError: a policy was parked or unparked.
        RebuildBrokenError: an event that the live rows have cannot be taken in.

    """
    with telling(engine, on_progress) as told:
        log, filling = _begin(engine, log, models)
        position, compared = _fill_and_compare(engine, log, models, filling, told)
        switched = accept_differences or all(live == rebuilt for live, rebuilt in compared.values())
        if switched:
            told.state("switching")
            _switch(engine, log, models, filling)
        told.state("switched" if switched else "different")
    return [
        Compared(
            name=name,
            position=position,
            live=live,
            rebuilt=rebuilt,
            slot=filling.slots[name],
            switched=switched,
        )
        for name, (live, rebuilt) in compared.items()
    ]


def _fill_and_compare(
    engine: Engine, log: Log, models: Sequence[ReadModel], filling: Filling, told: Telling
) -> tuple[int, dict[str, tuple[str, str]]]:
    """Return the position up to which the slots are filled, and how they compare there."""
    told.state("filling")
    position = _fill_apart(engine, log, models, filling, told.progress)
    for _ in range(COMPARE_ATTEMPTS):
        position = _fill(engine, log, models, filling, told.progress, (position, None))
        told.state("comparing")
        compared = _compare(engine, log, models, filling, position)
        if compared is not None:
            return position, compared
    raise RebuildOvertakenError


def build(
    engine: Engine, log: Log, models: Sequence[ReadModel], on_progress: Report = lambda _, __: None
) -> int:
    """Build read models that have read little or nothing yet; return the position that they reflect.

    As a rebuild does, in the other slots and on all cores, but there is nothing to compare with.
    Readers have what there is until all is there.

    Args:
        engine: the database.
        log: what to build from.
        models: all read models.
        on_progress: told how many events were worked out, and the head, as it goes on.

    Raises:
        RebuildInterruptedError: another rebuild got in between.
        RebuildOvertakenError: the live slots have got further meanwhile.
        RebuildBrokenError: an event cannot be taken in; a runner parks its policy.

    """
    with telling(engine, on_progress) as told:
        log, filling = _begin(engine, log, models)
        told.state("filling")
        reached = _fill_apart(engine, log, models, filling, told.progress)
        told.state("switching")
        _switch_unless_overtaken(engine, log, filling, reached)
        told.state("switched")
    return reached


def _switch_unless_overtaken(engine: Engine, log: Log, filling: Filling, reached: int) -> None:
    slots = filling.slots
    live_slots = _live_slots(filling)
    try:
        with write_transaction(engine) as connection:
            _require_live(connection, live_slots)
            # Moved to where they stand, the rows are locked against the runner, and before the
            # others, as it locks them.
            stand = min(_progress(connection, name, slot) for name, slot in live_slots.items())
            move_slots(connection, live_slots, stand, stand)
            require_run(connection, slots, filling.run)
            _require_settled(connection, filling.hidden)
            if stand > reached or log.erased_between(reached, log.head()):
                raise RebuildOvertakenError
            _point_at(connection, slots)
    except LostRaceError as error:
        raise RebuildOvertakenError from error


def _begin(engine: Engine, log: Log, models: Sequence[ReadModel]) -> tuple[Log, Filling]:
    """Empty the slots that are not live; return the log without what waits, and what to fill."""
    with read_snapshot(engine) as connection:
        waiting = hidden(parked(connection))
    slots = empty_slots(engine, models)
    run, until = uuid4().hex, log.head()
    take_slots(engine, slots, run, until)
    return log.hiding(waiting), Filling(slots=slots, run=run, until=until, hidden=waiting)


def _require_live(connection: Connection, slots: dict[str, str]) -> None:
    pointers = locked_pointers(connection)
    if any(pointers[name] != slot for name, slot in slots.items()):
        raise RebuildInterruptedError


def _point_at(connection: Connection, slots: dict[str, str]) -> None:
    for name, slot in slots.items():
        connection.execute(update(projections).where(projections.c.name == name).values(live=slot))


def _compare(
    engine: Engine,
    log: Log,
    models: Sequence[ReadModel],
    filling: Filling,
    position: int,
) -> dict[str, tuple[str, str]] | None:
    """Return the live and the rebuilt digests by model, or None where they cannot be compared yet.

    Each side is read in a snapshot of its own that has to allow it, many rows by two processes at
    once. An erasure acts at every known position: once the live slots have applied one that the
    rebuilt ones have not, they differ for that reason alone.

    Raises:
        RebuildInterruptedError: the slots are not this rebuild's any more.

    """
    Runner(engine, log).catch_up(position)
    sides = _live_slots(filling), filling.slots
    names = [model.name for model in models]
    number = min(helpers_for(position), 1)
    with crew(engine, number, _tell_digests, filling, names, position, sides[0]) as others:
        own = [_digests(engine, filling, names, position, side) for side in sides[number:]]
        digests = [*others.last_words(), *own]
    live, rebuilt = digests
    if live is None or rebuilt is None:
        return None
    return {name: (live[name], rebuilt[name]) for name in filling.slots}


def _tell_digests(engine: Engine, tell: Tell, *arguments: Any) -> None:
    tell(_digests(engine, *arguments))


def _digests(
    engine: Engine, filling: Filling, names: Sequence[str], position: int, slots: dict[str, str]
) -> dict[str, str] | None:
    """Return digests by model, or None where something was erased that only some rows reflect."""
    with view(engine) as live:
        _require_comparable(live, filling, position)
        if Log(SqlStore(engine)).erased_between(position, live.position):
            return None
        return {
            model.name: digest(live.connection, model, slots[model.name], position)
            for model in MODELS
            if model.name in names
        }


def _live_slots(filling: Filling) -> dict[str, str]:
    return {name: other_slot(slot) for name, slot in filling.slots.items()}


def _require_comparable(live: View, filling: Filling, position: int) -> None:
    """Raise where the slots are not this rebuild's any more, or what waits is not what it hid."""
    for name, slot in filling.slots.items():
        reached = _progress(live.connection, name, slot)
        if live.slots[name] != other_slot(slot) or reached != position:
            raise RebuildInterruptedError
    _require_settled(live.connection, filling.hidden)


def _require_settled(connection: Connection, waiting: dict[str, int]) -> None:
    if hidden(parked(connection)) != waiting:
        raise RebuildUnsettledError


def _fill_apart(
    engine: Engine,
    log: Log,
    models: Sequence[ReadModel],
    filling: Filling,
    on_progress: Report,
) -> int:
    """Fill the slots up to a position, policies that have nothing to do with each other apart.

    Those of which too many are bound together are worked out in the log's order, after the others.
    """
    until = filling.until
    sizes = log.versions(until)
    groups, together = grouped(
        sizes, log.links(until), lambda jurisdiction: log.registered_in(jurisdiction, until)
    )
    done = 0

    def filled(events: int) -> None:
        nonlocal done
        done += events
        on_progress(done, max(until, log.head()))

    apart = until - sum(sizes[policy] for policy in together)
    fill(engine, filling, groups, filled, helpers=helpers_for(apart))
    if together:
        return _fill(engine, log, models, filling, on_progress, (0, until), together)
    try:
        with write_transaction(engine) as connection:
            require_run(connection, filling.slots, filling.run)
            move_slots(connection, filling.slots, 0, until)
    except LostRaceError as error:
        raise RebuildInterruptedError from error
    return until


def _fill(
    engine: Engine,
    log: Log,
    models: Sequence[ReadModel],
    filling: Filling,
    on_progress: Report,
    span: tuple[int, int | None],
    only: Container[str] | None = None,
) -> int:
    """Apply a span of the log, or what it has of some policies, to the slots; return up to where.

    A batch is worked out anew where something was erased meanwhile, as a group is.
    """
    position, until = span
    projector = Projector(models, log)
    read_at, attempts = log.head(), ATTEMPTS
    while attempts:
        events = log.after(position, until=until, limit=BATCH)
        if not events:
            return position
        changes = Changes()
        wanted = [event for event in events if only is None or event.policy in only]
        try:
            projector.advance(wanted, changes)
        except Exception as error:
            if is_of_event(error):
                raise RebuildBrokenError from error
            raise
        reached = events[-1].position
        try:
            with write_transaction(engine) as connection:
                require_run(connection, filling.slots, filling.run)
                before, read_at = read_at, log.head()
                erased = log.erased_between(before, read_at)
                if not erased:
                    move_slots(connection, filling.slots, position, reached)
                    apply(connection, models, filling.slots, changes)
        except LostRaceError as error:
            raise RebuildInterruptedError from error
        if erased:
            # It may be remembered from an earlier batch as well.
            projector.forget()
            attempts -= 1
            continue
        position, attempts = reached, ATTEMPTS
        on_progress(position, max(position, log.head()))
    raise RebuildOvertakenError


def _switch(
    engine: Engine,
    log: Log,
    models: Sequence[ReadModel],
    filling: Filling,
) -> None:
    """Point readers at the rebuilt slots, at a moment when both have read equally far."""
    slots, waiting = filling.slots, filling.hidden
    for _ in range(SWITCH_ATTEMPTS):
        live = Runner(engine, log).catch_up()
        with read_snapshot(engine) as connection:
            reached = _progress(connection, models[0].name, slots[models[0].name])
        if reached < live:
            _fill(engine, log, models, filling, lambda _, __: None, (reached, live))
        live_slots = _live_slots(filling)
        try:
            with write_transaction(engine) as connection:
                _require_live(connection, live_slots)
                # Moved to where they stand, the rows are locked against the runner.
                move_slots(connection, live_slots, live, live)
                move_slots(connection, slots, live, live)
                _require_settled(connection, waiting)
                _point_at(connection, slots)
        except LostRaceError:
            continue
        _log.debug("projection.rebuild.switched", position=live, slots=slots)
        return
    raise RebuildOvertakenError


def _progress(connection: Connection, name: str, slot: str) -> int:
    """Return how far a slot has read; one without progress is being emptied by another rebuild."""
    position = connection.execute(
        select(projection_progress.c.position).where(
            projection_progress.c.name == name, projection_progress.c.slot == slot
        )
    ).scalar()
    if position is None:
        raise RebuildInterruptedError
    return int(position)


def live_digests(
    engine: Engine,
    models: Sequence[ReadModel],
    at: int | None = None,
    on_page: Callable[[], None] = lambda: None,
) -> tuple[int, dict[str, str]]:
    """Return the position that the live read models reflect, and their digests there.

    Args:
        engine: the database.
        models: the read models to digest.
        at: the position to digest at, in place of the one that they reflect.
        on_page: called every few milliseconds; what it raises ends the work.

    """
    with view(engine) as live:
        position = live.position if at is None else at
        return live.position, {
            model.name: digest(live.connection, model, live.slots[model.name], position, on_page)
            for model in models
        }
