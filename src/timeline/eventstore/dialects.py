"""What differs between the databases, and the one place that asks which one it is.

Owns the list of differences. The answers are in `postgresql` and `sqlite`; must not know what the
store does with them.
"""

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from functools import cache
from importlib import import_module
from typing import Any, Final, Protocol

from sqlalchemy import URL, ColumnElement, Connection, Engine, ScalarSelect, Select, Table
from sqlalchemy.exc import DBAPIError

from timeline.eventstore.errors import EventStoreError
from timeline.eventstore.protocol import Batch

_PLACES: Final = {
    "postgresql": "timeline.eventstore.postgresql:PostgreSQL",
    "sqlite": "timeline.eventstore.sqlite:SQLite",
}
"""Where each database's answers are: imported, with its driver, once there is such a database."""

RAW: Final = {"timeline_raw": True}
"""Execution options of a statement whose many bytes the driver is to send as they are."""


class Dialect(Protocol):
    """How one database does what both can do."""

    is_server: bool
    """Whether it does its work in processes of its own."""

    def address(self, url: URL) -> URL:
        """Return the address with the driver that is used here."""
        ...

    def connect_args(self) -> dict[str, Any]:
        """Return what the driver is told when it opens a connection."""
        ...

    def prepare(self, engine: Engine, *, must_exist: bool) -> None:
        """Have every new connection set up, and transactions begin as they have to.

        Where the database must exist, no connection makes an empty one in its place.
        """
        ...

    def identity(self, engine: Engine) -> object:
        """Return what tells the database from another in its place; None where it is gone."""
        ...

    def check_durability(self, connection: Connection) -> None:
        """Raise NotDurable where the database may lose what it acknowledged."""
        ...

    def translate(self, error: DBAPIError) -> EventStoreError | None:
        """Return what a driver's error means here, or None where that is a fault of ours."""
        ...

    def snapshot(self, engine: Engine) -> AbstractContextManager[Connection]:
        """Open a transaction that reads one state of the database, whatever is written beside."""
        ...

    def transaction(self, engine: Engine) -> AbstractContextManager[Connection]:
        """Open a transaction that writes, and commit it at the end."""
        ...

    def brief_transaction(self, engine: Engine) -> AbstractContextManager[Connection]:
        """Open a transaction that writes what others wait for: it is not left idle for long."""
        ...

    def statement(self, engine: Engine) -> AbstractContextManager[Connection]:
        """Open a connection for one statement that reads: it is a snapshot of its own."""
        ...

    def watching(self, engine: Engine) -> AbstractContextManager[Callable[[float], int]]:
        """Open a connection that hears of appends, by a function that waits for one.

        It waits at most that many seconds, and returns a position that the head has reached.
        """
        ...

    def lock_migrations(self, connection: Connection) -> None:
        """Wait until no one else migrates, and keep others waiting until the transaction ends."""
        ...

    def appending(self, engine: Engine) -> Engine:
        """Return an engine for the write side's two statements alone, or the same one."""
        ...

    def commit(self, engine: Engine, expected: int, batch: Batch) -> bool:
        """Move the head and write the batch, or nothing; raises LogDiverged where that is stopped."""
        ...

    def holding_head(self, engine: Engine) -> AbstractContextManager[Connection]:
        """Open a transaction in which no one else moves the head, and commit it at the end."""
        ...

    def write(self, connection: Connection, expected: int, batch: Batch) -> bool:
        """Move the head and write the batch, or nothing, in a transaction that is open."""
        ...

    def insert_rows(
        self, connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]
    ) -> None:
        """Insert many rows, each with a value for every column in the table's order."""
        ...

    def update_rows(
        self,
        connection: Connection,
        table: Table,
        key: Sequence[str],
        column: tuple[str, int],
        rows: Sequence[tuple[Any, ...]],
    ) -> None:
        """Give one column of many rows another value.

        Args:
            connection: within a transaction.
            table: the table.
            key: the columns by which rows are found, words and numbers.
            column: the one that changes, a number, and what it is now.
            rows: for each its key's values, and the new one.

        """
        ...

    def delete_part(self, connection: Connection, table: Table, part: int) -> bool:
        """Delete a part of a table to which nobody adds; tell whether there may be more.

        Args:
            connection: within a transaction of its own, so that others wait for one part only.
            table: the table.
            part: the number of the part: 0, then 1, and so on.

        """
        ...

    def write_anew(self, engine: Engine, tables: Sequence[str]) -> None:
        """Write tables, or the whole database, anew, so that nothing is left of rows that went.

        Raises:
            NotOwner: this role may not.

        """
        ...

    def among(self, column: ColumnElement[Any], parameter: str) -> ColumnElement[bool]:
        """Compare a column with a parameter that takes a list of any length."""
        ...

    def one_of(self, column: ColumnElement[Any], values: Collection[str]) -> ColumnElement[bool]:
        """Compare a column with a list of any length."""
        ...

    def listed(self, values: Collection[str]) -> object:
        """Return a list as the driver takes it for `among`."""
        ...

    def rows(self, statement: Select[Any]) -> ScalarSelect[Any]:
        """Return a query's rows as one JSON text: an array of objects, or NULL."""
        ...

    def within(self, statement: Select[Any], size_bytes: int) -> Select[Any]:
        """Bound a query of (position, entry, data, …), in that order, by its bytes.

        Rows are left out only after so many bytes; the reader stops there, where they come one by
        one anyway.
        """
        ...

    def clock_ms(self) -> ColumnElement[int]:
        """Return the database's own clock, in milliseconds since 1970."""
        ...

    def as_text(self, column: ColumnElement[bytes]) -> ColumnElement[Any]:
        """Return bytes, which are UTF-8, as text."""
        ...

    def as_hex(self, column: ColumnElement[bytes]) -> ColumnElement[Any]:
        """Return bytes as hexadecimal digits."""
        ...


def dialect_of(database: Engine | Connection | URL) -> Dialect:
    """Return the dialect of a database; raises ValueError for one that is not supported."""
    return _dialect(
        database.get_backend_name() if isinstance(database, URL) else database.dialect.name
    )


@cache
def _dialect(name: str) -> Dialect:
    if name not in _PLACES:
        msg = f"The database {name!r} is not supported; use SQLite or PostgreSQL"
        raise ValueError(msg)
    module, _, cls = _PLACES[name].partition(":")
    found: Dialect = getattr(import_module(module), cls)()
    return found
