"""SQLite's answers to `dialects.Dialect`.

Owns the settings of its connections, how its transactions begin, its error codes, and the
statements that commit.
"""

import sqlite3
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec
from sqlalchemy import (
    URL,
    BindParameter,
    ColumnElement,
    Connection,
    Engine,
    Integer,
    ScalarSelect,
    Select,
    Table,
    Text,
    bindparam,
    cast,
    delete,
    event,
    func,
    select,
    text,
    tuple_,
)
from sqlalchemy.exc import DBAPIError

from timeline.eventstore.errors import (
    AppendOnlyViolation,
    CorruptStore,
    EventStoreError,
    NotDurable,
    StoreBusy,
    StoreUnavailable,
)
from timeline.eventstore.protocol import Batch
from timeline.eventstore.stops import Stop
from timeline.eventstore.tables import tag_value

BUSY_TIMEOUT_MS: Final = 10_000
"""How long a writer waits for another process's transaction, which takes milliseconds."""

EMPTIED_ROWS: Final = 5_000
"""Rows deleted in one transaction: some tens of milliseconds, in which there is no append."""

JULIAN_DAY_1970: Final = 2_440_587.5
MILLISECONDS_A_DAY: Final = 86_400_000

WATCH_S: Final = 0.025
"""How often another process's commits are looked for: half of the 50 ms that they may take."""

_MEANINGS: Final[tuple[tuple[tuple[str, ...], Callable[[str], EventStoreError]], ...]] = (
    (("SQLITE_CONSTRAINT_TRIGGER",), lambda reason: AppendOnlyViolation(reason=reason)),
    (("SQLITE_BUSY", "SQLITE_LOCKED"), lambda _: StoreBusy(retry_after_s=1)),
    # The disk failed, perhaps while the commit was being synced.
    (("SQLITE_IOERR",), lambda reason: StoreUnavailable(reason=reason, interrupted=True)),
    # All rolled back.
    (
        (
            "SQLITE_CANTOPEN",
            "SQLITE_FULL",
            "SQLITE_INTERRUPT",
            "SQLITE_NOMEM",
            "SQLITE_PERM",
            "SQLITE_READONLY",
        ),
        lambda reason: StoreUnavailable(reason=reason),
    ),
    (
        ("SQLITE_CONSTRAINT", "SQLITE_CORRUPT", "SQLITE_NOTADB"),
        lambda reason: CorruptStore(reason=reason),
    ),
)
"""By the first characters of SQLite's name for an error; the first that fits holds."""


class SQLite:
    """SQLite in WAL mode, through the standard library's driver."""

    is_server = False

    def address(self, url: URL) -> URL:
        """Return the address with the standard library's driver."""
        return url.set(drivername="sqlite+pysqlite")

    def connect_args(self) -> dict[str, Any]:
        """Leave transactions to `prepare`: the driver's own start too late, and never immediate."""
        return {
            "isolation_level": None,
            "check_same_thread": False,
            "timeout": BUSY_TIMEOUT_MS / 1_000,
        }

    def prepare(self, engine: Engine, *, must_exist: bool) -> None:
        """Set up each new connection, and begin transactions explicitly."""
        if must_exist:
            event.listen(engine, "do_connect", _open_existing)
        event.listen(engine, "connect", _set_up_connection)
        event.listen(engine, "begin", _begin)

    def identity(self, engine: Engine) -> object:
        """Return the file's device and inode."""
        try:
            found = Path(engine.url.database or "").stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def check_durability(self, connection: Connection) -> None:
        """Refuse a connection that does not sync its log at each commit."""
        for setting, expected in (("journal_mode", "wal"), ("synchronous", "2")):
            value = str(connection.execute(text(f"PRAGMA {setting}")).scalar_one())
            if value != expected:
                raise NotDurable(setting=setting, value=value, expected=expected)

    def translate(self, error: DBAPIError) -> EventStoreError | None:
        """Sort an error by SQLite's name for it."""
        if not isinstance(error.orig, sqlite3.Error):
            return None
        name = getattr(error.orig, "sqlite_errorname", "")
        reason = str(error.orig)
        if reason.startswith("no such table"):
            return StoreUnavailable(reason="it has no tables; run `timeline migrate`")
        return next((make(reason) for start, make in _MEANINGS if name.startswith(start)), None)

    @contextmanager
    def snapshot(self, engine: Engine) -> Iterator[Connection]:
        """Open a deferred transaction: in WAL mode its first read fixes what it sees."""
        with engine.connect() as connection:
            yield connection

    @contextmanager
    def transaction(self, engine: Engine) -> Iterator[Connection]:
        """Open an immediate transaction: one that reads first and then writes could not wait."""
        with (
            engine.connect().execution_options(sqlite_begin="BEGIN IMMEDIATE") as connection,
            connection.begin(),
        ):
            yield connection

    statement = snapshot
    brief_transaction = transaction

    @contextmanager
    def watching(self, engine: Engine) -> Iterator[Callable[[float], int]]:
        """Ask often for SQLite's count of others' commits: a few microseconds each time."""
        with engine.connect() as connection:
            raw: Any = connection.connection.driver_connection
            seen = -1

            def wait(timeout_s: float) -> int:
                nonlocal seen
                deadline = time.monotonic() + timeout_s
                while (found := raw.execute("PRAGMA data_version").fetchone()[0]) == seen:
                    if time.monotonic() >= deadline:
                        break
                    time.sleep(WATCH_S)
                seen = found
                return int(raw.execute("SELECT position FROM log_head").fetchone()[0])

            yield wait

    def lock_migrations(self, connection: Connection) -> None:
        """Do nothing: an immediate transaction has the database for itself."""

    def appending(self, engine: Engine) -> Engine:
        """Return the same engine."""
        return engine

    def commit(self, engine: Engine, expected: int, batch: Batch) -> bool:
        """Write the batch in one immediate transaction, all within this process."""
        with self.transaction(engine) as connection:
            return self.write(connection, expected, batch)

    holding_head = transaction

    def write(self, connection: Connection, expected: int, batch: Batch) -> bool:
        """Write the batch, statement by statement."""
        head = batch.head
        moved = connection.exec_driver_sql(
            "UPDATE log_head SET position = ?, recorded_at = ?, frontier = ?"
            " WHERE id = 1 AND position = ? AND stopped IS NULL",
            (head.position, head.recorded_at, head.frontier.to_bytes(), expected),
        )
        if moved.rowcount == 0:
            stopped = connection.exec_driver_sql("SELECT stopped FROM log_head").scalar()
            if stopped is not None:
                raise Stop.read(stopped).error()
            return False
        for statement, rows in _writes(batch):
            if rows:
                connection.exec_driver_sql(statement, rows)
        return True

    def insert_rows(
        self, connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]
    ) -> None:
        """Run one statement for all rows, past the compiler's parameters."""
        names = ", ".join(f'"{column.name}"' for column in table.c)
        marks = ", ".join("?" * len(table.c))
        insert = f"INSERT INTO {table.name} ({names}) VALUES ({marks})"  # noqa: S608 - our own names
        connection.exec_driver_sql(insert, list(rows))

    def update_rows(
        self,
        connection: Connection,
        table: Table,
        key: Sequence[str],
        column: tuple[str, int],
        rows: Sequence[tuple[Any, ...]],
    ) -> None:
        """Run one statement for all rows."""
        name, now = column
        found = " AND ".join(f'"{each}" = ?' for each in key)
        update = f"UPDATE {table.name} SET {name} = ? WHERE {found} AND {name} = ?"  # noqa: S608 - our own names
        connection.exec_driver_sql(update, [(row[-1], *row[:-1], now) for row in rows])

    def delete_part(self, connection: Connection, table: Table, part: int) -> bool:  # noqa: ARG002 - the first of what is left
        """Delete the first rows."""
        key = list(table.primary_key.columns)
        some = select(*key).limit(EMPTIED_ROWS)
        deleted = connection.execute(delete(table).where(tuple_(*key).in_(some))).rowcount
        return deleted == EMPTIED_ROWS

    def write_anew(self, engine: Engine, tables: Sequence[str]) -> None:  # noqa: ARG002 - the whole file
        """Write the whole file anew, and the write-ahead log into it, which is empty then.

        Rows that go are overwritten at once, but not what was left of them where pages were split.
        """
        with engine.connect() as connection:
            raw: Any = connection.connection.driver_connection
            try:
                raw.execute("VACUUM")
                busy, _, _ = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            except sqlite3.Error as error:
                # As SQLAlchemy would have it, which would begin a transaction first.
                raise DBAPIError.instance(
                    "VACUUM", None, error, sqlite3.Error, hide_parameters=True
                ) from error
        if busy:
            raise StoreBusy(retry_after_s=1)

    def among(self, column: ColumnElement[Any], parameter: str) -> ColumnElement[bool]:
        """Compare with the values of a JSON array: one parameter, whatever its length."""
        return _among(column, bindparam(parameter, type_=Text()))

    def one_of(self, column: ColumnElement[Any], values: Collection[str]) -> ColumnElement[bool]:
        """Compare with the values of a JSON array, as `among` does."""
        return _among(column, bindparam(None, self.listed(values), type_=Text()))

    def listed(self, values: Collection[str]) -> object:
        """Return a JSON array."""
        return msgspec.json.encode(sorted(values)).decode()

    def rows(self, statement: Select[Any]) -> ScalarSelect[Any]:
        """Aggregate rows as JSON objects, named by their columns."""
        found = statement.subquery("found")
        pairs = [part for column in found.c for part in (column.name, column)]
        return select(func.json_group_array(func.json_object(*pairs))).scalar_subquery()

    def within(self, statement: Select[Any], size_bytes: int) -> Select[Any]:  # noqa: ARG002 - see there
        """Leave it as it is: rows are made one by one, as they are read."""
        return statement

    def clock_ms(self) -> ColumnElement[int]:
        """Count from the Julian day: seconds with a fraction came with SQLite 3.42."""
        days = func.julianday("now") - JULIAN_DAY_1970
        return cast(days * MILLISECONDS_A_DAY, Integer)

    def as_text(self, column: ColumnElement[bytes]) -> ColumnElement[Any]:
        """Read a blob as text."""
        return cast(column, Text)

    def as_hex(self, column: ColumnElement[bytes]) -> ColumnElement[Any]:
        """Read a blob as digits; NULL stays NULL, which `hex` would make the empty text."""
        return func.iif(column.is_(None), None, func.hex(column))


def _among(column: ColumnElement[Any], values: BindParameter[str]) -> ColumnElement[bool]:
    """Compare with the values of a JSON array: one parameter, whatever its length."""
    each = func.json_each(values).table_valued("value")
    return column.in_(select(each.c.value))


def _open_existing(
    _dialect: object, _record: object, arguments: list[Any], parameters: dict[str, Any]
) -> None:
    """Name the file by a URI, which can say that it is not to be created."""
    arguments[0] = f"{Path(arguments[0]).absolute().as_uri()}?mode=rw"
    parameters["uri"] = True


def _set_up_connection(connection: sqlite3.Connection, _record: object) -> None:
    """Set what SQLite keeps per connection."""
    for pragma in (
        f"busy_timeout = {BUSY_TIMEOUT_MS}",
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        # What is deleted is overwritten: a payload that is erased, and what was derived of it.
        "secure_delete = ON",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("sqlite_begin", "BEGIN"))


def _writes(batch: Batch) -> Iterator[tuple[str, list[tuple[Any, ...]]]]:
    """Yield what is written beside the head: statements in order, each with its rows."""
    yield (
        _ENTRIES,
        [
            (
                new.envelope.position,
                new.envelope.id,
                new.envelope.policy,
                new.envelope.version,
                new.envelope.type,
                new.subject,
                new.envelope.recorded_at,
                new.envelope.recorded_by,
                new.entry,
                new.leaf_hash,
            )
            for new in batch.entries
        ],
    )
    yield (
        "INSERT INTO log_payloads (position, data, salt) VALUES (?, ?, ?)",
        [(payload.position, payload.data, payload.salt) for payload in batch.payloads],
    )
    # The guard of erasures looks for the PayloadErased, so its entry is written before.
    yield "DELETE FROM log_payloads WHERE position = ?", [(each,) for each in batch.erased]
    yield (
        "DELETE FROM log_tags WHERE kind = ? AND value = ? AND position = ?",
        [(row.tag.kind, tag_value(row.tag.value), row.position) for row in batch.untagged],
    )
    yield (
        "INSERT INTO log_tags (kind, value, position) VALUES (?, ?, ?)",
        [(row.tag.kind, tag_value(row.tag.value), row.position) for row in batch.tagged],
    )
    yield (
        _STREAMS,
        [
            (
                stream.policy,
                stream.version,
                stream.registered_by,
                stream.jurisdiction,
                msgspec.json.encode(stream.topics).decode(),
                stream.retracted_by,
                stream.merged_into,
            )
            for stream in batch.streams
        ],
    )
    yield (
        _SUBJECTS,
        [
            (
                subject.id,
                subject.retracted_by,
                subject.erased_by,
                subject.duplicate,
                int(subject.disputes),
                msgspec.json.encode(subject.retracts).decode(),
            )
            for subject in batch.subjects
        ],
    )


_ENTRIES: Final = """
INSERT INTO log_entries
    (position, id, policy, version, type, subject, recorded_at, recorded_by, entry, leaf_hash)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""

_STREAMS: Final = """
INSERT INTO streams
    (policy, version, registered_by, jurisdiction, topics, retracted_by, merged_into)
VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (policy) DO UPDATE SET
    version = excluded.version, jurisdiction = excluded.jurisdiction, topics = excluded.topics,
    retracted_by = excluded.retracted_by, merged_into = excluded.merged_into
"""

_SUBJECTS: Final = """
INSERT INTO subjects (id, retracted_by, erased_by, duplicate, disputes, retracts)
VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET
    retracted_by = excluded.retracted_by, erased_by = excluded.erased_by,
    disputes = excluded.disputes
"""
