"""The bare drivers, psycopg and sqlite3: what the same rows cost without this project.

Owns how rows are read out of a log that was written and put into the same tables of another
database. Each transaction is as durable as those of the service.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from itertools import count
from typing import Any, Final, TypeAlias

import psycopg
from sqlalchemy import Engine, Table, select

from bench.databases import sqlite_path
from timeline.eventstore.database import statement
from timeline.eventstore.tables import log_entries, log_payloads, log_tags, streams, subjects

Rows: TypeAlias = Mapping[str, Sequence[tuple[Any, ...]]]
"""By table, in the order in which they can be written."""

TABLES: Final = (log_entries, log_payloads, log_tags, streams, subjects)
"""What an append writes, but for the head."""

PAGE: Final = 10_000
"""Rows fetched at once when the log is read."""

_ENTRY: Final = b"e" * 400
_DATA: Final = b"d" * 200
_HASH: Final = b"h" * 32
_INSTANT: Final = "2026-11-22T10:00:00.123456Z"


def rows(engine: Engine) -> Rows:
    """Return the rows of the log and of the write side."""
    with statement(engine) as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(select(table))]
            for table in TABLES
        }


def copy(url: str, rows: Rows) -> float:
    """COPY rows into the tables in one transaction; return the seconds it took."""
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        started = time.perf_counter()
        for table in TABLES:
            with cursor.copy(f"COPY {_columns(table)} FROM STDIN".encode()) as copying:
                for row in rows[table.name]:
                    copying.write_row(row)
        connection.commit()
        return time.perf_counter() - started


def executemany(url: str, rows: Rows) -> float:
    """Insert rows into the tables in one transaction; return the seconds it took."""
    with closing(_sqlite(url)) as connection:
        started = time.perf_counter()
        connection.execute("BEGIN IMMEDIATE")
        for table in TABLES:
            marks = ", ".join("?" * len(table.columns))
            insertion = f"INSERT INTO {_columns(table)} VALUES ({marks})"  # noqa: S608 - our own names
            connection.executemany(insertion, rows[table.name])
        connection.execute("COMMIT")
        return time.perf_counter() - started


@contextmanager
def committing(url: str) -> Iterator[Callable[[], None]]:
    """Yield what inserts one event's entry and payload, in a commit of its own."""
    numbers = count(1)
    if url.startswith("sqlite"):
        with closing(_sqlite(url)) as connection:

            def commit() -> None:
                entry, payload = _event(next(numbers))
                connection.execute("BEGIN IMMEDIATE")
                connection.execute(f"INSERT INTO log_entries VALUES ({'?, ' * 9}?)", entry)  # noqa: S608
                connection.execute("INSERT INTO log_payloads VALUES (?, ?, ?)", payload)
                connection.execute("COMMIT")

            yield commit
        return
    with psycopg.connect(url, autocommit=True) as session:
        inserted = (
            f"WITH entry AS (INSERT INTO log_entries VALUES ({'%s, ' * 9}%s)) "  # noqa: S608
            "INSERT INTO log_payloads VALUES (%s, %s, %s)"
        ).encode()

        def insert() -> None:
            entry, payload = _event(next(numbers))
            session.execute(inserted, entry + payload, prepare=True)

        yield insert


def _event(number: int) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    entry = (
        *(number, f"00000000-0000-7000-8000-{number:012}", "order-00001", number),
        *("ActionRecorded", None, _INSTANT, "bench", _ENTRY, _HASH),
    )
    return entry, (number, _DATA, _HASH)


def read(url: str) -> int:
    """Read the whole log, entries with their data; return how many there are."""
    query = (
        "SELECT entry, data FROM log_entries JOIN log_payloads USING (position) ORDER BY position"
    )
    found = 0
    if url.startswith("sqlite"):
        with closing(_sqlite(url)) as connection:
            rows = connection.execute(query)
            while page := rows.fetchmany(PAGE):
                found += len(page)
        return found
    with psycopg.connect(url) as session, session.cursor("log", binary=True) as cursor:
        cursor.execute(query.encode())
        while batch := cursor.fetchmany(PAGE):
            found += len(batch)
    return found


@contextmanager
def selecting(engine: Engine, table: Table) -> Iterator[Callable[[str], object]]:
    """Yield what selects one row of a policy by the table's index, on a connection of its own."""
    query = f"SELECT * FROM {table.name} WHERE policy = {{}} LIMIT 1"  # noqa: S608
    if engine.dialect.name == "sqlite":
        with closing(sqlite3.connect(engine.url.database or "")) as connection:
            marked = query.format("?")
            yield lambda policy: connection.execute(marked, (policy,)).fetchone()
        return
    address = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as session:
        prepared = query.format("%s").encode()
        yield lambda policy: session.execute(prepared, (policy,), prepare=True).fetchone()


def _columns(table: Table) -> str:
    return f"{table.name} ({', '.join(column.name for column in table.columns)})"


def _sqlite(url: str) -> sqlite3.Connection:
    connection = sqlite3.connect(sqlite_path(url), isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    return connection
