"""Engines, transactions, and what a driver's error means.

Owns how connections are opened and bounded, and the only places where a transaction begins. Must
not know any table.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Final

import sqlalchemy
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from timeline.eventstore.dialects import dialect_of
from timeline.eventstore.errors import StoreBusy

POOL_SIZE: Final = 10
"""Connections kept open: the writer, a runner of read models, and a few readers."""

MAX_OVERFLOW: Final = 6
"""More connections for a burst. With them, the four for appends and the one that listens, four
processes fit into the 97 that PostgreSQL's default of 100 leaves to those who are no superusers, and
so do commands and a monitor beside them."""

POOL_TIMEOUT_S: Final = 10.0
"""How long a caller waits for a connection: less than a client's own patience."""

RETRY_AFTER_S: Final = 1.0
"""When to come back after the pool was empty: statements take milliseconds."""


def create_engine(url: str, *, must_exist: bool = False) -> Engine:
    """Return an engine for `sqlite:///FILE` or `postgresql://…`; nothing is opened yet.

    Args:
        url: the database's address.
        must_exist: never make an SQLite file; one that is gone is then StoreUnavailable.

    Raises:
        ValueError: the address is malformed, or that of another database.

    """
    try:
        address = sqlalchemy.make_url(url)
    except sqlalchemy.exc.ArgumentError as error:
        msg = "The database's address is malformed"
        raise ValueError(msg) from error
    dialect = dialect_of(address)
    engine = sqlalchemy.create_engine(
        dialect.address(address),
        connect_args=dialect.connect_args(),
        pool_size=POOL_SIZE,
        max_overflow=MAX_OVERFLOW,
        pool_timeout=POOL_TIMEOUT_S,
        # Parameters are payloads: they stay out of logs and messages.
        hide_parameters=True,
    )
    dialect.prepare(engine, must_exist=must_exist)
    return engine


def identity(engine: Engine) -> object:
    """Return what tells the database from another in its place; None where it is gone."""
    return dialect_of(engine).identity(engine)


def check_durability(engine: Engine) -> None:
    """Refuse a database that may lose what it acknowledged.

    Raises:
        NotDurable: naming the setting, and what it has to be.

    """
    with statement(engine) as connection:
        dialect_of(engine).check_durability(connection)


def read_snapshot(engine: Engine) -> AbstractContextManager[Connection]:
    """Open a read-only transaction that sees one state of the database."""
    return _translating(engine, dialect_of(engine).snapshot)


def write_transaction(engine: Engine) -> AbstractContextManager[Connection]:
    """Open a transaction that commits at the end, or rolls back on an error."""
    return _translating(engine, dialect_of(engine).transaction)


def brief_transaction(engine: Engine) -> AbstractContextManager[Connection]:
    """Open a transaction that others wait for; where the database can, it ends one that stalls."""
    return _translating(engine, dialect_of(engine).brief_transaction)


def statement(engine: Engine) -> AbstractContextManager[Connection]:
    """Open a connection for single statements that read: each is a snapshot of its own."""
    return _translating(engine, dialect_of(engine).statement)


def migration_transaction(engine: Engine) -> AbstractContextManager[Connection]:
    """Open a transaction in which this process alone migrates."""

    @contextmanager
    def locked(engine: Engine) -> Iterator[Connection]:
        dialect = dialect_of(engine)
        with dialect.transaction(engine) as connection:
            dialect.lock_migrations(connection)
            yield connection

    return _translating(engine, locked)


@contextmanager
def translated(engine: Engine) -> Iterator[None]:
    """Turn drivers' errors into those of this package.

    Raises:
        StoreBusy: locked, timed out, or no connection is free: nothing was written.
        StoreUnavailable: the database cannot be reached, or the connection was lost.
        AppendOnlyViolation: a guard refused to change what is recorded.
        CorruptStore: a constraint does not hold.

    """
    try:
        yield
    except PoolTimeout as error:
        raise StoreBusy(retry_after_s=RETRY_AFTER_S) from error
    except DBAPIError as error:
        known = dialect_of(engine).translate(error)
        if known is None:
            raise
        raise known from error


@contextmanager
def _translating(
    engine: Engine, open: Callable[[Engine], AbstractContextManager[Connection]]
) -> Iterator[Connection]:
    with translated(engine), open(engine) as connection:
        yield connection
