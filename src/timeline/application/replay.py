"""Replaying: the read models recomputed from the log alone, beside the live ones.

Owns the throw-away database that they are recomputed in, and when two digests may be compared. Must
not know terminals; it writes nothing into the record's database but, where an erasure waits to be
applied, what the runner would write anyway.

An erasure acts at every known position, so rows made before it and rows made after it differ at
positions that both have reached. Digests compare only where both sides have seen the same erasures.
"""

import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec
from sqlalchemy import Engine, event

from timeline.application.digesting import Recorded, compared
from timeline.application.errors import InvalidRequest
from timeline.application.queries import MAX_LIMIT, HistoryQuery
from timeline.application.reading import Reader
from timeline.eventstore.database import create_engine, read_snapshot, write_transaction
from timeline.eventstore.errors import StoreBusy
from timeline.eventstore.protocol import EventStore
from timeline.eventstore.published import Digests, Published
from timeline.eventstore.schema import head_revision
from timeline.eventstore.tables import metadata
from timeline.projections.changes import Changes
from timeline.projections.digest import digest
from timeline.projections.errors import RebuildError
from timeline.projections.filling import MANY_EVENTS
from timeline.projections.log import Log
from timeline.projections.model import ReadModel
from timeline.projections.models import MODELS
from timeline.projections.parking import hidden, parked
from timeline.projections.projector import Projector
from timeline.projections.reading import view
from timeline.projections.rebuild import build, live_digests
from timeline.projections.runner import BATCH, Runner
from timeline.projections.writing import apply

MAX_ATTEMPTS: Final = 5
"""Replays begun anew because something was erased, or a policy parked or tried again, meanwhile:
each happens a few times a year."""

_SLOT: Final = "a"

DAYS_SHOWN: Final = 31
"""Days with recorded digests that a replay names: a month."""

Report = Callable[[int, int], None]


class ReplayedModel(msgspec.Struct, frozen=True, kw_only=True):
    """One read model: its digest as it is live, and as the log alone gives it."""

    name: str
    identical: bool
    live: str
    replayed: str


class Replay(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of a replay up to a position.

    `last_erasure` is the position of the last erasure that both sides had applied: digests are to
    be compared with those of other replays only where it is the same. `recorded` are the digests
    that were recorded at this position, where it is a day's last checkpoint; `days` are the last
    days that have some.
    """

    position: int
    identical: bool
    last_erasure: int | None
    projections: list[ReplayedModel]
    recorded: Recorded | None
    days: list[Digests]


def replay(
    engine: Engine,
    store: EventStore,
    models: Sequence[ReadModel],
    *,
    until: int | None = None,
    field: str = "until",
    settle: Callable[[int], object] | None = None,
    on_progress: Report = lambda _, __: None,
) -> Replay:
    """Recompute read models from the log alone, and compare them with the live ones.

    Args:
        engine: the record's database.
        store: its log.
        models: the read models to recompute.
        until: the position to replay up to; the one that the live read models reflect by default.
        field: what names the position where it is refused.
        settle: has the live read models reflect a position, which has an erasure that they have yet
            to learn of; by default, they are brought there.
        on_progress: told the position reached and the last one, every few milliseconds; what it
            raises ends the replay.

    Raises:
        InvalidRequest: the live read models have not reached the position.
        StoreBusy: events were erased, or policies parked, all the time.

    """
    log = Log(store)
    for _ in range(MAX_ATTEMPTS):
        live = _live(engine)
        if until is not None and until > live:
            reason = f"The read models reflect position {live} of {store.head().position}"
            raise InvalidRequest(field=field, reason=reason)
        waiting = _waiting(engine)
        begun = store.head().position
        if log.erased_between(live, begun):
            # These payloads are gone already: the live rows have to learn of it first.
            (settle or Runner(engine, log).catch_up)(begun)
        position = live if until is None else until
        replayed = _recompute(log.hiding(waiting), models, position, on_progress)
        report = partial(on_progress, position, position)
        ended, digests = live_digests(engine, models, position, report)
        if not log.erased_between(begun, store.head().position) and waiting == _waiting(engine):
            is_parked = any(at <= position for at in waiting.values())
            return _compared(
                Published(engine),
                position,
                log.last_erasure(ended),
                digests,
                replayed,
                parked=is_parked,
            )
    raise StoreBusy(retry_after_s=1)


def _waiting(engine: Engine) -> dict[str, int]:
    """Return what waits in the live rows, as it has to in those that are compared with them."""
    with read_snapshot(engine) as connection:
        return hidden(parked(connection))


def _live(engine: Engine) -> int:
    """Return the position that the live read models reflect."""
    with view(engine) as live:
        return live.position


def _recompute(
    log: Log, models: Sequence[ReadModel], until: int, on_progress: Report
) -> dict[str, str]:
    """Return the digests that the log alone gives."""
    slots = {model.name: _SLOT for model in models}
    with _throw_away(models) as scratch:
        projector = Projector(models, log)
        position = 0
        while events := log.after(position, until=until, limit=BATCH):
            changes = Changes()
            projector.advance(events, changes)
            position = events[-1].position
            with write_transaction(scratch) as connection:
                apply(connection, models, slots, changes)
            on_progress(position, until)
        with read_snapshot(scratch) as connection:
            return {model.name: digest(connection, model, _SLOT, until) for model in models}


@contextmanager
def _throw_away(models: Sequence[ReadModel]) -> Iterator[Engine]:
    """Yield an SQLite database with empty tables for these read models, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="timeline-replay-") as directory:
        engine = create_engine(f"sqlite:///{Path(directory) / 'replay.db'}")
        event.listen(engine, "connect", _hurry)
        try:
            tables = [model.table(spec.name, _SLOT) for model in models for spec in model.specs]
            with write_transaction(engine) as connection:
                metadata.create_all(connection, tables=tables)
            yield engine
        finally:
            engine.dispose()


def _hurry(connection: sqlite3.Connection, _record: object) -> None:
    """Wait for no disk: nothing of this outlives the process."""
    connection.execute("PRAGMA synchronous = OFF")


def _compared(
    published: Published,
    position: int,
    last_erasure: int | None,
    live: dict[str, str],
    replayed: dict[str, str],
    *,
    parked: bool,
) -> Replay:
    projections = [
        ReplayedModel(name=name, identical=live[name] == found, live=live[name], replayed=found)
        for name, found in replayed.items()
    ]
    recorded = published.digests_at(position)
    return Replay(
        position=position,
        identical=all(each.identical for each in projections),
        last_erasure=last_erasure,
        projections=projections,
        recorded=None
        if recorded is None
        else compared(recorded, replayed, last_erasure, head_revision(), parked=parked),
        days=published.newest_digests(DAYS_SHOWN),
    )


def catch_up(engine: Engine, runner: Runner, log: Log, on_progress: Report) -> int:
    """Bring the live read models to the end of the log, as a running service does by itself.

    Where they have read nothing of a long log yet, they are built in one go.

    Args:
        engine: the database.
        runner: applies the events.
        log: where they come from.
        on_progress: told the position reached and the head, after every batch.

    Returns:
        The position that the live read models reflect.

    """
    position = runner.position()
    if not position and log.head() >= MANY_EVENTS:
        # What stands in the way of that stands not in the runner's, which goes event by event.
        with suppress(RebuildError):
            position = build(engine, log, MODELS, on_progress)
    while (reached := runner.step()) != position:
        position = reached
        on_progress(position, max(position, log.head()))
    return position


def story(reader: Reader, policy: str, query: HistoryQuery) -> Iterator[dict[str, Any]]:
    """Yield a policy's replay step by step: the event, what it changed, and the state after it.

    All steps are told as of one date, at one position.

    Args:
        reader: answers from the live read models.
        policy: the policy.
        query: both clocks; its page is not heeded.

    Raises:
        UnknownResource: there is no such policy.

    """
    cursor = None
    while True:
        page = msgspec.structs.replace(query, limit=MAX_LIMIT, cursor=cursor)
        document = reader.history(policy, page).document
        yield from msgspec.json.decode(msgspec.json.encode(document["items"]))
        cursor = document["next"]
        if cursor is None:
            return
