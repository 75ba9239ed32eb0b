"""How the service stands: its schema, its log and how far the read models are behind.

Owns what is told about a database, also about one that cannot be served from. Must not know
terminals or HTTP.
"""

from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import Connection, Engine, and_, func, select

from timeline.application.access import tokens
from timeline.eventstore import guards, stopping
from timeline.eventstore.database import read_snapshot
from timeline.eventstore.instants import read_instant
from timeline.eventstore.protocol import EventStore
from timeline.eventstore.published import Published
from timeline.eventstore.schema import current_revision, head_revision
from timeline.eventstore.stops import Stop
from timeline.projections.lease import Lease
from timeline.projections.parking import parked
from timeline.projections.tables import projection_progress, projections
from timeline.projections.telling import last_told

_MICROSECONDS: Final = 6


class SchemaStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The database's schema and the one that this version works with; None: never migrated."""

    current: str | None
    expected: str


class ProjectionStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How far one read model is: the events it has not read, and for how long they have waited."""

    name: str
    live: str
    position: int
    lag_events: int
    lag_s: float


class LeaseStatus(msgspec.Struct, frozen=True, kw_only=True):
    """Who advances the read models; nobody where there is nothing to do, or no service runs."""

    holder: str | None


class ParkedStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A policy whose events wait, since one of them broke the read models."""

    policy: str
    position: int
    event: str
    error: str


class RebuildStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The last rebuild: what it does, or how it ended, and for how long nothing was heard of it."""

    state: str
    events_done: int
    events_total: int
    silent_s: float


class CheckpointStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The newest checkpoint: how many entries it has, since when, and how many witnesses saw it."""

    size: int
    signed_at: str
    cosignatures: int


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """What `timeline status` tells; all but the first fields need a schema that fits."""

    ok: bool
    database: str
    schema: SchemaStatus
    position: int | None = None
    recorded_at: str | None = None
    projections: list[ProjectionStatus] = []
    lease: LeaseStatus | None = None
    rebuild: RebuildStatus | None = None
    """None where there never was one."""
    parked: list[ParkedStatus] = []
    tokens: int | None = None
    """Tokens that are valid."""
    checkpoint: CheckpointStatus | None = None
    """None before the first."""
    stopped: Stop | None = None
    """Why nothing is recorded; None where the log goes on."""
    guards_missing: list[str] = []
    """Triggers that refuse to change what is recorded, and are gone or switched off."""


def status(engine: Engine, store: EventStore, database: str, now: datetime) -> Status:
    """Return how a database stands.

    Args:
        engine: the database.
        store: its log.
        database: its address, without a password.
        now: the time, for the lag.

    """
    schema = SchemaStatus(current=current_revision(engine), expected=head_revision())
    if schema.current != schema.expected:
        return Status(ok=False, database=database, schema=schema)
    with read_snapshot(engine) as connection:
        progress = _progress(connection)
        waiting = parked(connection)
        stopped = stopping.of(connection)
        unguarded = guards.missing(connection)
        rebuilt = last_told(connection)
        valid = connection.execute(
            select(func.count()).select_from(tokens).where(tokens.c.revoked_at.is_(None))
        ).scalar_one()
    latest = Published(engine).latest()
    # Read after the progress, so that no lag comes out negative.
    head = store.head()
    return Status(
        ok=True,
        database=database,
        schema=schema,
        position=head.position,
        recorded_at=head.recorded_at,
        projections=[
            ProjectionStatus(
                name=name,
                live=live,
                position=position,
                lag_events=head.position - position,
                lag_s=_lag_s(store, position, head.position, now),
            )
            for name, live, position in progress
        ],
        lease=LeaseStatus(holder=Lease(engine, "").look().holder),
        rebuild=_rebuild(rebuilt),
        parked=[
            ParkedStatus(
                policy=each.policy, position=each.position, event=each.event, error=each.error
            )
            for each in waiting
        ],
        tokens=valid,
        checkpoint=None
        if latest is None
        else CheckpointStatus(
            size=latest.size,
            signed_at=latest.signed_at,
            cosignatures=len(latest.cosignatures),
        ),
        stopped=stopped,
        guards_missing=unguarded,
    )


def _rebuild(told: tuple[str, int, int, float] | None) -> RebuildStatus | None:
    if told is None:
        return None
    state, done, total, silent_s = told
    return RebuildStatus(
        state=state, events_done=done, events_total=total, silent_s=round(silent_s, 3)
    )


def unmigrated(database: str) -> Status:
    """Return how a database stands that is not there yet."""
    schema = SchemaStatus(current=None, expected=head_revision())
    return Status(ok=False, database=database, schema=schema)


def _progress(connection: Connection) -> list[tuple[str, str, int]]:
    """Return each read model's name, live slot and position."""
    found = connection.execute(
        select(projections.c.name, projections.c.live, projection_progress.c.position)
        .join(
            projection_progress,
            and_(
                projection_progress.c.name == projections.c.name,
                projection_progress.c.slot == projections.c.live,
            ),
        )
        .order_by(projections.c.name)
    )
    return [(row.name, row.live, row.position) for row in found]


def _lag_s(store: EventStore, position: int, head: int, now: datetime) -> float:
    """Return for how long the first event that was not read has waited, in seconds."""
    if position >= head:
        return 0.0
    (waiting,) = store.read(position, limit=1)
    waited = (now - read_instant(waiting.recorded_at)).total_seconds()
    return round(max(0.0, waited), _MICROSECONDS)
