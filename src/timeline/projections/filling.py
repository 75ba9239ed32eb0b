"""Fills empty slots from the log, group by group of policies, in as many processes as there are cores.

Owns the groups' way into the tables. Must not know which slots are live.

A group is worked out from its first event to its last before anything is written, so each row is
written once, with both ends of its rectangle. Nothing outside of a group bears on it, so it does
not matter in which order, or where, groups are worked out.
"""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec
from sqlalchemy import Engine

from timeline.eventstore.database import write_transaction
from timeline.eventstore.sql import SqlStore
from timeline.projections.changes import Changes
from timeline.projections.crew import Queue, Tell, crew, helpers
from timeline.projections.emptying import require_run
from timeline.projections.errors import RebuildBrokenError, RebuildOvertakenError
from timeline.projections.gathered import Gathered
from timeline.projections.log import Log
from timeline.projections.model import ReadModel
from timeline.projections.models import MODELS
from timeline.projections.parking import is_of_event
from timeline.projections.projector import Projector
from timeline.projections.writing import apply

ATTEMPTS: Final = 100
"""Each fails only where a payload was erased in the seconds in which rows were worked out."""

MANY_EVENTS: Final = 5_000
"""Events from which on other processes are worth the second that the first takes to start."""

Report = Callable[[int], None]


class Filling(msgspec.Struct, frozen=True, kw_only=True):
    """What is filled: slots by model, by which run, up to which position, without which events."""

    slots: dict[str, str]
    run: str
    until: int
    hidden: dict[str, int]


def fill(
    engine: Engine,
    filling: Filling,
    groups: Sequence[Sequence[str]],
    on_filled: Report,
    *,
    helpers: int,
) -> None:
    """Fill slots with what groups of policies come to.

    Args:
        engine: the database.
        filling: which slots, and from what.
        groups: policies that nothing outside of their group bears on.
        on_filled: told how many events were worked out, after every group.
        helpers: how many processes work besides this one.

    Raises:
        RebuildInterruptedError: another rebuild got in between.
        RebuildOvertakenError: payloads were erased all the time.
        RebuildBrokenError: an event cannot be taken in, or a process ended before its work.

    """
    queue = Queue(groups)
    with crew(engine, helpers, _help, filling, queue) as others:
        for group in queue:
            on_filled(_fill_group(engine, filling, group))
            for events in others.said():
                on_filled(events)
        for events in others.last_words():
            on_filled(events)


def helpers_for(events: int) -> int:
    """Return how many processes are worth while besides this one for so many events."""
    return helpers() if events >= MANY_EVENTS else 0


def _help(engine: Engine, tell: Tell, filling: Filling, queue: Queue[Sequence[str]]) -> None:
    for group in queue:
        tell(_fill_group(engine, filling, group))


def _fill_group(engine: Engine, filling: Filling, policies: Sequence[str]) -> int:
    """Write what some policies come to; returns how many events they have.

    What is erased as they are worked out may stand in the rows still. Where the slots are locked,
    whoever applies an erasure has done so, and it is seen here, or finds the rows that it has to
    take away.
    """
    log = Log(SqlStore(engine), filling.hidden)
    models = [model for model in MODELS if model.name in filling.slots]
    for _ in range(ATTEMPTS):
        read_at = log.head()
        changes, events = _changes(log, filling, models, policies)
        with write_transaction(engine) as connection:
            require_run(connection, filling.slots, filling.run)
            if not log.erased_between(read_at, log.head()):
                apply(connection, models, filling.slots, changes)
                return events
    raise RebuildOvertakenError


def _changes(
    log: Log, filling: Filling, models: Sequence[ReadModel], policies: Sequence[str]
) -> tuple[Changes, int]:
    """Return what some policies come to, and how many events they have."""
    streams = log.streams(policies, filling.until)
    events = sorted(
        (event for stream in streams.values() for event in stream),
        key=lambda event: event.position,
    )
    changes = Changes()
    try:
        Projector(models, Gathered(events, log.references)).advance(events, changes)
    except Exception as error:
        if is_of_event(error):
            raise RebuildBrokenError from error
        raise
    return changes, len(events)
