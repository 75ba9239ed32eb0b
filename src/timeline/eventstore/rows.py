"""The log's rows as they lie, for whoever carries them elsewhere: in parts that are bounded.

Owns the queries and their bounds. Must not know where the rows go.
"""

from collections.abc import Callable, Iterator, Sequence
from operator import itemgetter
from typing import Any, Final, NamedTuple, TypeAlias

from sqlalchemy import Connection, Engine, Row, Select, Table, select, tuple_

from timeline.eventstore.database import statement
from timeline.eventstore.dialects import RAW, dialect_of
from timeline.eventstore.model import MAX_STRETCH_EVENTS, STRETCH_BYTES
from timeline.eventstore.tables import log_entries, log_payloads

ROWS: Final = 2_000
"""Rows read at once: some 100 KB of most tables, and at most 128 MB, were every note at its bound."""

Values: TypeAlias = tuple[Any, ...]
"""A row: a value for every column, in the table's order."""


class EventRow(NamedTuple):
    """An event: its row among the entries and, unless it was erased, its data and salt."""

    position: int
    entry: bytes
    data: bytes | None
    salt: bytes | None
    id: str
    policy: str
    version: int
    type: str
    subject: str | None
    recorded_at: str
    recorded_by: str
    leaf_hash: bytes

    @property
    def size_bytes(self) -> int:
        """The bytes of entry and data."""
        return len(self.entry) + len(self.data or b"")

    def entered(self) -> Values:
        """Return the row of `log_entries`."""
        return tuple(getattr(self, column.name) for column in log_entries.c)


_EVENTS: Final = (
    select(
        log_entries.c.position,
        log_entries.c.entry,
        log_payloads.c.data,
        log_payloads.c.salt,
        *(log_entries.c[name] for name in EventRow._fields[4:]),
    )
    .outerjoin_from(log_entries, log_payloads, log_payloads.c.position == log_entries.c.position)
    .order_by(log_entries.c.position)
)


def events(
    connection: Connection, after: int, until: int, limit: int = MAX_STRETCH_EVENTS
) -> list[EventRow]:
    """Return the first events in (after, until]: as many as `limit`, or as fill a stretch."""
    position = log_entries.c.position
    query = _EVENTS.where(position > after, position <= until).limit(limit)
    found: list[EventRow] = []
    size_bytes = 0
    bounded = dialect_of(connection.engine).within(query, STRETCH_BYTES)
    for row in connection.execute(bounded, execution_options=RAW):
        found.append(EventRow(*row))
        size_bytes += found[-1].size_bytes
        if size_bytes >= STRETCH_BYTES:
            break
    return found


def all_events(connection: Connection, after: int, until: int) -> list[EventRow]:
    """Return all events in (after, until], which are to be few: a stretch of some database, or a bundle."""
    found: list[EventRow] = []
    while part := events(connection, after, until):
        found += part
        after = part[-1].position
    return found


def leaves(connection: Connection, after: int, until: int) -> list[tuple[int, bytes]]:
    """Return the leaf hashes of the first ROWS entries in (after, until], with their positions."""
    position = log_entries.c.position
    query = select(position, log_entries.c.leaf_hash).where(position > after, position <= until)
    found = connection.execute(query.order_by(position).limit(ROWS), execution_options=RAW)
    return [(row.position, bytes(row.leaf_hash)) for row in found]


def key_of(table: Table) -> Callable[[Values], Any]:
    """Return what takes the key out of a table's rows."""
    names = [column.name for column in table.c]
    return itemgetter(*(names.index(column.name) for column in table.primary_key))


def rows(database: Connection | Engine, table: Table) -> Iterator[Values]:
    """Yield a table's rows in the order of its key, read ROWS at a time.

    On a connection they are those of its snapshot; on an engine, those that stand there by then.
    """
    read = _reads(database)
    columns = list(table.primary_key.columns)
    key = key_of(table)
    query = select(table).order_by(*columns).limit(ROWS)
    part = read(query)
    while part:
        yield from map(tuple, part)
        if len(part) < ROWS:
            return
        last = key(tuple(part[-1]))
        beyond = columns[0] > last if len(columns) == 1 else tuple_(*columns) > last
        part = read(query.where(beyond))


def _reads(database: Connection | Engine) -> Callable[[Select[Any]], Sequence[Row[Any]]]:
    if isinstance(database, Connection):
        return lambda query: database.execute(query, execution_options=RAW).all()

    def read(query: Select[Any]) -> Sequence[Row[Any]]:
        with statement(database) as connection:
            return connection.execute(query, execution_options=RAW).all()

    return read
