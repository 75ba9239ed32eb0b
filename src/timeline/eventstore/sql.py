"""The event store on SQLite and PostgreSQL.

Owns the queries that read events. What differs between the two is behind `dialects`; how filters
and the write side's snapshot become SQL, in `searching` and `snapshots`.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import Connection, Engine, Select, and_, case, func, select

from timeline.domain.situation import Situation, Tag
from timeline.eventstore import stopping
from timeline.eventstore.database import statement, translated, write_transaction
from timeline.eventstore.dialects import RAW, Dialect, dialect_of
from timeline.eventstore.lookup import Wanted, look_up
from timeline.eventstore.model import (
    EVERYTHING,
    MAX_STRETCH_EVENTS,
    STRETCH_BYTES,
    EventFilter,
    Head,
    Recorded,
    Stored,
    Stretch,
    checked_limit,
)
from timeline.eventstore.protocol import Batch, View, ViewRequest
from timeline.eventstore.searching import matching
from timeline.eventstore.snapshots import Snapshots
from timeline.eventstore.stops import Stop
from timeline.eventstore.tables import (
    IS_TARGET,
    log_entries,
    log_head,
    log_payloads,
    log_tags,
    subjects,
    tag_value,
)
from timeline.transparency.merkle import Frontier

_EVENTS: Final = (
    select(log_entries.c.entry, log_payloads.c.data, subjects.c.erased_by)
    .outerjoin_from(log_entries, log_payloads, log_payloads.c.position == log_entries.c.position)
    .outerjoin(subjects, subjects.c.id == log_entries.c.id)
)


class SqlStore:
    """An `EventStore` in a database that has been migrated."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._dialect = dialect_of(engine)
        self._appending = self._dialect.appending(engine)
        self._snapshots = Snapshots(self._dialect, engine)

    @property
    def commits_elsewhere(self) -> bool:
        """Whether the database is a server."""
        return self._dialect.is_server

    def head(self) -> Head:
        """Return the end of the log."""
        with statement(self._engine) as connection:
            row = connection.execute(select(log_head)).one()
        return Head(row.position, row.recorded_at, Frontier.from_bytes(row.position, row.frontier))

    def view(self, request: ViewRequest) -> View:
        """Return one consistent snapshot of all that the proposals are to be judged by."""
        with translated(self._appending), self._appending.connect() as connection:
            return _view(self._snapshots, connection, request)

    def commit(self, expected: int, batch: Batch) -> bool:
        """Write the batch if the head still stands at the position `expected`."""
        with translated(self._appending):
            return self._dialect.commit(self._appending, expected, batch)

    @contextmanager
    def exclusively(self) -> Iterator["_HeldHead"]:
        """Hold the head for one view and one commit; whoever else commits waits meanwhile."""
        with (
            translated(self._engine),
            self._dialect.holding_head(self._engine) as connection,
        ):
            yield _HeldHead(connection, self._dialect, self._snapshots)

    def stop(self, why: Stop) -> bool:
        """Have nothing recorded any more, by any process; tell whether nothing had stopped it yet."""
        with write_transaction(self._engine) as connection:
            return stopping.stop(connection, why)

    def resume(self) -> Stop | None:
        """Let recording go on; return what had stopped it, or None where nothing had."""
        return stopping.resume(self._engine)

    def stopped(self) -> Stop | None:
        """Return why nothing is recorded; None where the log goes on."""
        return stopping.stopped(self._engine)

    def read(
        self,
        after: int = 0,
        *,
        until: int | None = None,
        filter: EventFilter = EVERYTHING,
        limit: int = 100,
    ) -> list[Recorded]:
        """Return the first `limit` matching events in (after, until]."""
        page = matching(filter, after, until).limit(checked_limit(limit)).subquery()
        return self._recorded(_EVENTS.join(page, page.c.position == log_entries.c.position))

    def stretch(
        self,
        after: int,
        *,
        until: int,
        filter: EventFilter = EVERYTHING,
        limit: int = MAX_STRETCH_EVENTS,
        size_bytes: int = STRETCH_BYTES,
    ) -> Stretch:
        """Return the first matching events in (after, until] as they are stored."""
        query = self._dialect.within(_stored(filter, after, until, limit), size_bytes)
        events: list[Stored] = []
        total = 0
        with statement(self._engine) as connection:
            for position, *stored in connection.execute(query, execution_options=RAW):
                event = Stored(*stored)
                events.append(event)
                total += event.size_bytes
                if len(events) == limit or total >= size_bytes:
                    return Stretch(events, position)
        return Stretch(events, until)

    def tagged(self, tags: Collection[Tag], after: int, until: int) -> dict[int, set[Tag]]:
        """Return which of some tags the events in (after, until] have, by position."""
        by_kind: dict[str, dict[str, Tag]] = {}
        for tag in tags:
            by_kind.setdefault(tag.kind, {})[tag_value(tag.value)] = tag
        found: dict[int, set[Tag]] = {}
        with statement(self._engine) as connection:
            for kind, asked in by_kind.items():
                query = select(log_tags.c.position, log_tags.c.value).where(
                    log_tags.c.kind == kind,
                    self._dialect.among(log_tags.c.value, "values"),
                    log_tags.c.position > after,
                    log_tags.c.position <= until,
                )
                for row in connection.execute(query, {"values": self._dialect.listed(asked)}):
                    found.setdefault(row.position, set()).add(asked[row.value])
        return found

    def get(self, id: str) -> Recorded | None:
        """Return the event with this id, or None."""
        return next(iter(self._recorded(_EVENTS.where(log_entries.c.id == id))), None)

    def erasures(self, events: frozenset[str]) -> dict[str, Recorded]:
        """Return what erased these events, by their ids, where something did."""
        query = (
            select(subjects.c.id, log_entries.c.entry, log_payloads.c.data)
            .join(log_entries, log_entries.c.id == subjects.c.erased_by)
            .join(log_payloads, log_payloads.c.position == log_entries.c.position)
            .where(self._dialect.among(subjects.c.id, "events"))
        )
        with statement(self._engine) as connection:
            rows = connection.execute(query, {"events": self._dialect.listed(events)}).all()
        return {row.id: Recorded.from_entry(row.entry, row.data, None) for row in rows}

    def stream(
        self,
        policy: str,
        *,
        after_version: int = 0,
        until: int | None = None,
        limit: int = 100,
    ) -> list[Recorded]:
        """Return the first `limit` events of a policy after a version, up to a position."""
        query = _EVENTS.where(log_entries.c.policy == policy, log_entries.c.version > after_version)
        if until is not None:
            query = query.where(log_entries.c.position <= until)
        return self._recorded(query.order_by(log_entries.c.version).limit(checked_limit(limit)))

    def streams(
        self, policies: frozenset[str], *, until: int | None = None
    ) -> dict[str, list[Recorded]]:
        """Return the whole streams of these policies up to a position, by policy."""
        checked_limit(max(len(policies), 1))
        query = _EVENTS.where(self._dialect.among(log_entries.c.policy, "policies"))
        if until is not None:
            query = query.where(log_entries.c.position <= until)
        streams: dict[str, list[Recorded]] = {}
        for event in self._recorded(query, policies=self._dialect.listed(policies)):
            streams.setdefault(event.policy, []).append(event)
        return streams

    def targets(self, policy: str, until: int) -> frozenset[str]:
        """Return the keys of what a policy's events up to a position pointed at, erased or not."""
        query = (
            select(log_tags.c.value)
            .join(log_entries, log_entries.c.position == log_tags.c.position)
            .where(log_entries.c.policy == policy, log_entries.c.position <= until, IS_TARGET)
            .distinct()
        )
        with statement(self._engine) as connection:
            return frozenset(connection.execute(query).scalars())

    def links(self, until: int) -> list[tuple[str, str]]:
        """Return every policy with each key that one of its events ever pointed at, once."""
        query = (
            select(log_entries.c.policy, log_tags.c.value)
            .join(log_tags, log_entries.c.position == log_tags.c.position)
            .where(IS_TARGET, log_entries.c.position <= until)
            .distinct()
            .order_by(log_entries.c.policy, log_tags.c.value)
        )
        with statement(self._engine) as connection:
            return [(row.policy, row.value) for row in connection.execute(query)]

    def versions(self, until: int) -> dict[str, int]:
        """Return every policy's version at a position, by policy in any order."""
        query = (
            select(log_entries.c.policy, func.max(log_entries.c.version).label("version"))
            .where(log_entries.c.position <= until)
            .group_by(log_entries.c.policy)
        )
        with statement(self._engine) as connection:
            return {row.policy: row.version for row in connection.execute(query)}

    def position_at(self, recorded_at: str) -> int:
        """Return the last position recorded at or before an instant; 0 where there is none."""
        query = (
            select(log_entries.c.position)
            .where(log_entries.c.recorded_at <= recorded_at)
            .order_by(log_entries.c.recorded_at.desc(), log_entries.c.position.desc())
            .limit(1)
        )
        with statement(self._engine) as connection:
            return connection.execute(query).scalar() or 0

    def _recorded(self, query: Select[Any], **parameters: object) -> list[Recorded]:
        """Return the events of a query, by position."""
        with statement(self._engine) as connection:
            rows = connection.execute(query, parameters).all()
        found = [Recorded.from_entry(row.entry, row.data, row.erased_by) for row in rows]
        return sorted(found, key=lambda event: event.position)


def _stored(filter: EventFilter, after: int, until: int, limit: int) -> Select[Any]:
    """Return a query for events as they are stored, by position.

    Payloads are bounded by positions of their own: joined in the order of both, they would be read
    from the log's beginning. Only an event without a payload is looked up among the subjects.
    """
    position = log_entries.c.position
    here = and_(log_payloads.c.position > after, log_payloads.c.position <= until)
    erased_by = (
        select(subjects.c.erased_by).where(subjects.c.id == log_entries.c.id).scalar_subquery()
    )
    query = (
        select(
            position,
            log_entries.c.entry,
            log_payloads.c.data,
            case((log_payloads.c.position.is_(None), erased_by)).label("erased_by"),
        )
        .outerjoin_from(log_entries, log_payloads, and_(log_payloads.c.position == position, here))
        .where(position > after, position <= until)
        .order_by(position)
    )
    if filter == EVERYTHING:
        return query.limit(limit)
    found = matching(filter, after, until).limit(limit).subquery()
    return query.join(found, found.c.position == position)


class _HeldHead:
    """A `HeldHead`: the connection whose transaction holds it."""

    def __init__(self, connection: Connection, dialect: Dialect, snapshots: Snapshots) -> None:
        self._connection = connection
        self._dialect = dialect
        self._snapshots = snapshots

    def view(self, request: ViewRequest) -> View:
        """Return what the proposals are to be judged by."""
        with translated(self._connection.engine):
            return _view(self._snapshots, self._connection, request)

    def commit(self, expected: int, batch: Batch) -> bool:
        """Write the batch, which is committed when the head is let go."""
        with translated(self._connection.engine):
            return self._dialect.write(self._connection, expected, batch)


def _view(snapshots: Snapshots, connection: Connection, request: ViewRequest) -> View:
    def load(wanted: Wanted) -> tuple[Situation, View]:
        return snapshots.load(connection, wanted, request.conditions)

    _, view = look_up(request.proposals, load)
    return view
