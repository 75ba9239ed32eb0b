"""PostgreSQL's answers to `dialects.Dialect`.

Owns the settings of its sessions, its error codes, and the one statement that commits.
"""

import re
import select as readiness
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import msgspec
import psycopg
from sqlalchemy import (
    URL,
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Engine,
    Integer,
    ScalarSelect,
    Select,
    Table,
    Text,
    any_,
    bindparam,
    cast,
    create_engine,
    event,
    func,
    literal_column,
    select,
    text,
)
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.types import UserDefinedType

from timeline.eventstore.arrays import Blobs, Numbers, Texts, register
from timeline.eventstore.errors import (
    AppendOnlyViolation,
    CorruptStore,
    EventStoreError,
    NotDurable,
    NotOwner,
    StoreBusy,
    StoreUnavailable,
)
from timeline.eventstore.protocol import Batch
from timeline.eventstore.stops import Stop
from timeline.eventstore.tables import tag_value

STATEMENT_TIMEOUT_MS: Final = 30_000
"""No page, commit or rebuild step takes longer, unless something is wrong."""

LOCK_TIMEOUT_MS: Final = 5_000
"""Waiting for the head takes milliseconds; longer means that someone holds it."""

IDLE_TRANSACTION_TIMEOUT_MS: Final = 60_000
"""A client that stalls in a transaction loses its connection, and with it its locks."""

HOLDING_IDLE_MS: Final = 3_000
"""Judging a batch takes a fraction of that; a client that stalls loses the head it holds."""

HOLDING_MS: Final = 10_000
"""No statement takes longer that holds the head or waits for it, nor (from version 17 on) do all
of them together."""

MAX_APPENDING: Final = 4
"""Connections for appends: the writer's, those of two trials, and one to spare."""

KEPT_APPENDING: Final = 2
"""Of these, connections that are kept with what they have planned: one that looks up while another
one commits."""

APPENDING_TIMEOUT_S: Final = 10.0
"""How long one of them is waited for, as for any other."""

APPEND_ONLY: Final = "TL001"
"""The SQLSTATE that the guards' triggers raise."""

BRIEF_IDLE_MS: Final = 3_000
"""How long a transaction that others wait for may be idle: a client that stalls longer is stopped or
gone, and another one goes on in its place. Between two statements it is idle for milliseconds."""

EMPTIED_PAGES: Final = 8_192
"""Pages of a table emptied in one statement: 64 MB, a fraction of a second."""

CHANNEL: Final = "timeline_log"
"""Where each commit tells the head's new position, to those who listen in this database."""

_HEAD: Final = "SELECT position FROM log_head WHERE id = 1"

_OWNED: Final = "SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = %s::regclass"

_PAGES: Final = "SELECT pg_relation_size(%s::regclass) / current_setting('block_size')::bigint"

MIGRATION_LOCK: Final = 0x74696D656C696E65
"""The advisory lock of migrations: `timeline` in ASCII."""

_LOST: Final = "08"
"""The class of SQLSTATEs for lost connections, which come without one of their own."""

_MEANINGS: Final[tuple[tuple[tuple[str, ...], Callable[[str], EventStoreError]], ...]] = (
    ((APPEND_ONLY,), lambda reason: AppendOnlyViolation(reason=reason)),
    # Serialisation failure, deadlock, and the timeouts of locks, statements, idle transactions and
    # transactions: all rolled back.
    (
        ("40001", "40P01", "55P03", "57014", "25P03", "25P04"),
        lambda _: StoreBusy(retry_after_s=1),
    ),
    (("42P01",), lambda _: StoreUnavailable(reason="it has no tables; run `timeline migrate`")),
    # Connection lost, stopped by an operator: perhaps after the commit, before the answer.
    ((_LOST, "57"), lambda reason: StoreUnavailable(reason=reason, interrupted=True)),
    # A standby, no privilege, out of resources, system error: all rolled back.
    (("25006", "42501", "53", "58"), lambda reason: StoreUnavailable(reason=reason)),
    (("23",), lambda reason: CorruptStore(reason=reason)),
)
"""By the first characters of an SQLSTATE; the first that fits holds."""


_WHERE: Final = re.compile(r' (?:at|on socket) "[^"]*"(?: \([^)]*\))?(?:, port [0-9]+)?')
"""Where libpq says that it looked for the server: what is told to clients is not to say that."""


class PostgreSQL:
    """PostgreSQL, through psycopg 3."""

    is_server = True

    def address(self, url: URL) -> URL:
        """Return the address with psycopg 3 as driver."""
        return url.set(drivername="postgresql+psycopg")

    def connect_args(self) -> dict[str, Any]:
        """Bound the wait for a connection, and notice within a minute that the peer is gone."""
        return {
            "connect_timeout": 10,
            "keepalives_idle": 20,
            "keepalives_interval": 10,
            "keepalives_count": 3,
            "tcp_user_timeout": 60_000,
            "application_name": "timeline",
        }

    def prepare(self, engine: Engine, *, must_exist: bool) -> None:  # noqa: ARG002 - it always must
        """Set up each new session, and give out none whose server has ended it."""
        event.listen(engine, "connect", _set_up_session)
        event.listen(engine, "before_cursor_execute", _ask_for_bytes)
        event.listen(engine, "checkout", _refuse_ended)

    def identity(self, engine: Engine) -> object:
        """Return the address: a connection to a database that is gone fails by itself."""
        return engine.url

    def check_durability(self, connection: Connection) -> None:
        """Refuse a server that may lose or tear what it acknowledged."""
        for setting in ("fsync", "full_page_writes"):
            value = connection.execute(select(func.current_setting(setting))).scalar_one()
            if value != "on":
                raise NotDurable(setting=setting, value=value, expected="on")

    def translate(self, error: DBAPIError) -> EventStoreError | None:
        """Sort an error by its SQLSTATE; without one, the connection was lost."""
        if not isinstance(error.orig, psycopg.Error):
            return None
        state = error.orig.sqlstate or ""
        if not state and (
            error.connection_invalidated or isinstance(error.orig, psycopg.OperationalError)
        ):
            state = _LOST
        said = error.orig.diag.message_primary or str(error.orig).partition("\n")[0]
        reason = _WHERE.sub("", said)
        return next((make(reason) for start, make in _MEANINGS if state.startswith(start)), None)

    @contextmanager
    def snapshot(self, engine: Engine) -> Iterator[Connection]:
        """Open a REPEATABLE READ READ ONLY transaction."""
        with engine.connect().execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        ) as connection:
            yield connection

    @contextmanager
    def transaction(self, engine: Engine) -> Iterator[Connection]:
        """Open a READ COMMITTED transaction."""
        with engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def brief_transaction(self, engine: Engine) -> Iterator[Connection]:
        """Open a READ COMMITTED transaction that the server ends once its client stalls."""
        with self.transaction(engine) as connection:
            connection.exec_driver_sql(_BOUND_IDLING, {"idle": str(BRIEF_IDLE_MS)})
            yield connection

    @contextmanager
    def statement(self, engine: Engine) -> Iterator[Connection]:
        """Open a connection in autocommit mode, which saves the trips for BEGIN and COMMIT."""
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            yield connection

    @contextmanager
    def watching(self, engine: Engine) -> Iterator[Callable[[float], int]]:
        """Listen to what `_COMMIT` notifies, beside the pool; after a silence, look at the head."""
        with self.statement(engine) as connection:
            raw: Any = connection.connection.driver_connection
            connection.detach()
            raw.execute(f"LISTEN {CHANNEL}")

            def wait(timeout_s: float) -> int:
                told = [int(each.payload) for each in raw.notifies(timeout=timeout_s, stop_after=1)]
                return max(told) if told else int(raw.execute(_HEAD).fetchone()[0])

            yield wait

    def lock_migrations(self, connection: Connection) -> None:
        """Take the advisory lock of migrations, which may take as long as another migration."""
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(text("SET LOCAL lock_timeout = 0"))
        connection.execute(select(func.pg_advisory_xact_lock(MIGRATION_LOCK)))

    def appending(self, engine: Engine) -> Engine:
        """Return an engine whose sessions plan a statement once.

        Otherwise the server plans the same statement anew for each list of another length, which
        takes longer than carrying it out.
        """
        appending = create_engine(
            engine.url,
            connect_args=self.connect_args(),
            isolation_level="AUTOCOMMIT",
            pool_size=KEPT_APPENDING,
            max_overflow=MAX_APPENDING - KEPT_APPENDING,
            pool_timeout=APPENDING_TIMEOUT_S,
            hide_parameters=True,
        )
        self.prepare(appending, must_exist=True)
        event.listen(appending, "connect", _plan_once)
        event.listen(engine, "engine_disposed", lambda _engine: appending.dispose())
        return appending

    def commit(self, engine: Engine, expected: int, batch: Batch) -> bool:
        """Write the batch in one statement: no client is waited for while the head is locked."""
        with engine.connect() as connection:
            return self.write(connection, expected, batch)

    @contextmanager
    def holding_head(self, engine: Engine) -> Iterator[Connection]:
        """Lock the head's row, and bound how long that lasts, whatever becomes of this client."""
        with self.transaction(engine) as connection:
            connection.exec_driver_sql(
                _BOUND_HOLDING, {"idle": str(HOLDING_IDLE_MS), "total": str(HOLDING_MS)}
            )
            connection.exec_driver_sql("SELECT FROM log_head WHERE id = 1 FOR UPDATE")
            yield connection

    def write(self, connection: Connection, expected: int, batch: Batch) -> bool:
        """Write the batch in one statement."""
        row = connection.exec_driver_sql(_COMMIT, _parameters(expected, batch)).first()
        if row is not None and row.stopped is not None:
            raise Stop.read(row.stopped).error()
        return row is not None

    def insert_rows(
        self, connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]
    ) -> None:
        """Copy the rows in."""
        names = ", ".join(f'"{column.name}"' for column in table.c)
        driver: psycopg.Connection[Any] = connection.connection.driver_connection  # type: ignore[assignment]
        statement = f"COPY {table.name} ({names}) FROM STDIN"
        try:
            with driver.cursor().copy(statement) as copy:
                for row in rows:
                    copy.write_row(row)
        except psycopg.Error as error:
            # As SQLAlchemy would have it, which knows nothing of COPY.
            raise DBAPIError.instance(
                statement, None, error, psycopg.Error, hide_parameters=True
            ) from error

    def update_rows(
        self,
        connection: Connection,
        table: Table,
        key: Sequence[str],
        column: tuple[str, int],
        rows: Sequence[tuple[Any, ...]],
    ) -> None:
        """Join the rows with arrays of what they become."""
        name, now = column
        types = [*(_array_of(table.c[each]) for each in key), "bigint[]"]
        given = ", ".join(f"%s::{type}" for type in types)
        names = ", ".join(f'"{each}"' for each in (*key, "new_value"))
        found = " AND ".join(f't."{each}" = given."{each}"' for each in key)
        # An array's length is not known to the planner, and hashing a whole table is never right.
        connection.exec_driver_sql("SET LOCAL enable_hashjoin = off")
        connection.exec_driver_sql("SET LOCAL enable_mergejoin = off")
        connection.exec_driver_sql(
            f"UPDATE {table.name} AS t SET {name} = given.new_value"  # noqa: S608 - our own names
            f" FROM unnest({given}) AS given ({names})"
            f" WHERE {found} AND t.{name} = {now}",
            tuple(list(values) for values in zip(*rows, strict=True)),
        )

    def delete_part(self, connection: Connection, table: Table, part: int) -> bool:
        """Delete what lies in some pages: each is looked at once, however many rows are gone."""
        first, last = part * EMPTIED_PAGES, (part + 1) * EMPTIED_PAGES
        connection.exec_driver_sql(
            f"DELETE FROM {table.name} WHERE ctid >= %s::tid AND ctid < %s::tid",  # noqa: S608 - our own name
            (f"({first},0)", f"({last},0)"),
        )
        size = connection.exec_driver_sql(_PAGES, (table.name,)).scalar_one()
        return int(size) > last

    def write_anew(self, engine: Engine, tables: Sequence[str]) -> None:
        """Write each table anew, while it is locked: an ordinary VACUUM leaves bytes in its pages."""
        with self.statement(engine) as connection:
            # Its settings go with it.
            connection.detach()
            connection.exec_driver_sql("SET statement_timeout = 0")
            for table in tables:
                if not connection.exec_driver_sql(_OWNED, (table,)).scalar_one():
                    raise NotOwner(table=table)
            for table in tables:
                connection.exec_driver_sql(f"VACUUM (FULL) {table}")

    def among(self, column: ColumnElement[Any], parameter: str) -> ColumnElement[bool]:
        """Compare with an array parameter."""
        return column == any_(bindparam(parameter, type_=_Written()))

    def one_of(self, column: ColumnElement[Any], values: Collection[str]) -> ColumnElement[bool]:
        """Compare with an array, as `among` does."""
        return column == any_(bindparam(None, self.listed(values), type_=_Written()))

    def listed(self, values: Collection[str]) -> object:
        """Return an array as it is sent."""
        return Texts.of(sorted(values))

    def rows(self, statement: Select[Any]) -> ScalarSelect[Any]:
        """Aggregate whole rows as JSON."""
        found = statement.subquery("found")
        aggregated = cast(func.json_agg(literal_column("found")), Text)
        return select(aggregated).select_from(found).scalar_subquery()

    def within(self, statement: Select[Any], size_bytes: int) -> Select[Any]:
        """Leave out in the server what lies beyond: the driver reads all rows at once."""
        found = statement.subquery("found")
        size = func.octet_length(found.c.entry) + func.coalesce(func.octet_length(found.c.data), 0)
        before = func.sum(size).over(order_by=found.c.position, rows=(None, 0)) - size
        summed = select(found, before.label("before")).subquery("summed")
        columns = [column for column in summed.c if column.name != "before"]
        return select(*columns).where(summed.c.before < size_bytes).order_by(summed.c.position)

    def clock_ms(self) -> ColumnElement[int]:
        """Read the clock of the moment, not that of the transaction's beginning."""
        return cast(func.extract("epoch", func.clock_timestamp()) * 1_000, BigInteger)

    def as_text(self, column: ColumnElement[bytes]) -> ColumnElement[Any]:
        """Decode bytea."""
        return func.convert_from(column, "UTF8")

    def as_hex(self, column: ColumnElement[bytes]) -> ColumnElement[Any]:
        """Encode bytea."""
        return func.encode(column, "hex")


def _array_of(column: Column[Any]) -> str:
    return "bigint[]" if isinstance(column.type, Integer) else "text[]"


class _Written(UserDefinedType[Texts]):
    """The type of an array that is written already: SQLAlchemy leaves it alone."""

    cache_ok = True

    def get_col_spec(self, **_options: object) -> str:
        """Return its name in SQL."""
        return "TEXT[]"


def _set_up_session(connection: psycopg.Connection[Any], _record: object) -> None:
    """Bound what a session may wait for; raise a lax synchronous_commit, keep a stricter one."""
    register(connection)
    connection.autocommit = True
    connection.execute(
        """
        SELECT set_config('statement_timeout', %s, false),
               set_config('lock_timeout', %s, false),
               set_config('idle_in_transaction_session_timeout', %s, false),
               set_config('synchronous_commit', CASE current_setting('synchronous_commit')
                          WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, false)
        """,
        [str(STATEMENT_TIMEOUT_MS), str(LOCK_TIMEOUT_MS), str(IDLE_TRANSACTION_TIMEOUT_MS)],
    )
    connection.autocommit = False


def _ask_for_bytes(
    _connection: Connection,
    cursor: Any,
    _statement: str,
    _parameters: object,
    context: Any,
    _many: object,
) -> None:
    """Have raw results sent in binary form: bytea in text form is digits, twice as long."""
    if context is not None and context.execution_options.get("timeline_raw"):
        cursor.format = psycopg.pq.Format.BINARY


def _plan_once(connection: psycopg.Connection[Any], _record: object) -> None:
    connection.autocommit = True
    connection.execute("SELECT set_config('plan_cache_mode', 'force_generic_plan', false)")


def _refuse_ended(connection: psycopg.Connection[Any], _record: object, _proxy: object) -> None:
    """Have the pool open another connection where the server has closed this one.

    A server that ends a session says so, and so there is something to read. Looking costs a
    thousandth of the round trip that asking would.
    """
    waiting = readiness.poll()
    try:
        waiting.register(connection.fileno(), readiness.POLLIN)
        ended = bool(waiting.poll(0))
    except psycopg.OperationalError:
        ended = True
    if ended:
        raise DisconnectionError


_BOUND_IDLING: Final = "SELECT set_config('idle_in_transaction_session_timeout', %(idle)s, true)"
"""Holds for one transaction."""

_BOUND_HOLDING: Final = """
SELECT set_config('idle_in_transaction_session_timeout', %(idle)s, true),
       set_config('statement_timeout', %(total)s, true),
       CASE WHEN current_setting('transaction_timeout', true) IS NOT NULL
            THEN set_config('transaction_timeout', %(total)s, true) END
"""
"""Holds for one transaction. Versions before 17 have no `transaction_timeout`."""

_COMMIT: Final = """
WITH moved AS (
    UPDATE log_head
    SET position = %(position)s, recorded_at = %(recorded_at)s, frontier = %(frontier)s
    WHERE id = 1 AND position = %(expected)s AND stopped IS NULL
    RETURNING position
), entries AS (
    INSERT INTO log_entries
        (position, id, policy, version, type, subject, recorded_at, recorded_by, entry, leaf_hash)
    SELECT * FROM unnest(
        %(entry_positions)b, %(ids)b, %(policies)b,
        %(versions)b, %(types)b, %(subjects)b,
        %(instants)b, %(principals)b, %(entries)b,
        %(leaf_hashes)b)
    WHERE EXISTS (SELECT FROM moved)
), payloads AS (
    INSERT INTO log_payloads (position, data, salt)
    SELECT * FROM unnest(
        %(payload_positions)b, %(data)b, %(salts)b)
    WHERE EXISTS (SELECT FROM moved)
), tagged AS (
    INSERT INTO log_tags (kind, value, position)
    SELECT * FROM unnest(
        %(tag_kinds)b, %(tag_values)b, %(tag_positions)b)
    WHERE EXISTS (SELECT FROM moved)
), untagged AS (
    DELETE FROM log_tags AS tag
    USING unnest(
        %(gone_kinds)b, %(gone_values)b, %(gone_positions)b
    ) AS gone (kind, value, position)
    WHERE (tag.kind, tag.value, tag.position) = (gone.kind, gone.value, gone.position)
        AND EXISTS (SELECT FROM moved)
), erased AS (
    DELETE FROM log_payloads
    WHERE position = ANY(%(erased)b) AND EXISTS (SELECT FROM moved)
), heads AS (
    INSERT INTO streams
        (policy, version, registered_by, jurisdiction, topics, retracted_by, merged_into)
    SELECT * FROM unnest(
        %(stream_policies)b, %(stream_versions)b, %(registered_by)b,
        %(jurisdictions)b, %(topics)b, %(streams_retracted_by)b,
        %(merged_into)b)
    WHERE EXISTS (SELECT FROM moved)
    ON CONFLICT (policy) DO UPDATE SET
        version = excluded.version, jurisdiction = excluded.jurisdiction,
        topics = excluded.topics, retracted_by = excluded.retracted_by,
        merged_into = excluded.merged_into
), named AS (
    INSERT INTO subjects (id, retracted_by, erased_by, duplicate, disputes, retracts)
    SELECT * FROM unnest(
        %(subject_ids)b, %(retracted_by)b, %(erased_by)b,
        %(duplicates)b, %(disputes)b, %(retracts)b)
    WHERE EXISTS (SELECT FROM moved)
    ON CONFLICT (id) DO UPDATE SET
        retracted_by = excluded.retracted_by, erased_by = excluded.erased_by,
        disputes = excluded.disputes
)
SELECT pg_notify('timeline_log', position::text)::text, NULL AS stopped FROM moved
UNION ALL
SELECT NULL, stopped FROM log_head WHERE stopped IS NOT NULL AND NOT EXISTS (SELECT FROM moved)
"""
"""Moves the head by compare-and-set; everything else is written only where that succeeded.

Its one row says that it did, or why nothing does any more; it has none where the head has moved on.
Only where nothing was moved is the head looked at once more.

Under READ COMMITTED the UPDATE waits for a writer that holds the head, then looks at the row again:
if its position is another by now, nothing is moved. A constraint that is checked at the end of the
statement (the payloads' foreign key, the deferred guard of erasures) sees all of it. Arrays say
of what type they are.
"""


def _parameters(expected: int, batch: Batch) -> dict[str, Any]:
    envelopes = [new.envelope for new in batch.entries]
    return {
        "expected": expected,
        "position": batch.head.position,
        "recorded_at": batch.head.recorded_at,
        "frontier": batch.head.frontier.to_bytes(),
        "entry_positions": Numbers.of([envelope.position for envelope in envelopes]),
        "ids": Texts.of([envelope.id for envelope in envelopes]),
        "policies": Texts.of([envelope.policy for envelope in envelopes]),
        "versions": Numbers.of([envelope.version for envelope in envelopes]),
        "types": Texts.of([envelope.type for envelope in envelopes]),
        "subjects": Texts.of([new.subject for new in batch.entries]),
        "instants": Texts.of([envelope.recorded_at for envelope in envelopes]),
        "principals": Texts.of([envelope.recorded_by for envelope in envelopes]),
        "entries": Blobs.of([new.entry for new in batch.entries]),
        "leaf_hashes": Blobs.of([new.leaf_hash for new in batch.entries]),
        "payload_positions": Numbers.of([payload.position for payload in batch.payloads]),
        "data": Blobs.of([payload.data for payload in batch.payloads]),
        "salts": Blobs.of([payload.salt for payload in batch.payloads]),
        "tag_kinds": Texts.of([row.tag.kind for row in batch.tagged]),
        "tag_values": Texts.of([tag_value(row.tag.value) for row in batch.tagged]),
        "tag_positions": Numbers.of([row.position for row in batch.tagged]),
        "gone_kinds": Texts.of([row.tag.kind for row in batch.untagged]),
        "gone_values": Texts.of([tag_value(row.tag.value) for row in batch.untagged]),
        "gone_positions": Numbers.of([row.position for row in batch.untagged]),
        "erased": Numbers.of(batch.erased),
        "stream_policies": Texts.of([stream.policy for stream in batch.streams]),
        "stream_versions": Numbers.of([stream.version for stream in batch.streams]),
        "registered_by": Texts.of([stream.registered_by for stream in batch.streams]),
        "jurisdictions": Texts.of([stream.jurisdiction for stream in batch.streams]),
        "topics": Texts.of(
            [msgspec.json.encode(stream.topics).decode() for stream in batch.streams]
        ),
        "streams_retracted_by": Texts.of([stream.retracted_by for stream in batch.streams]),
        "merged_into": Texts.of([stream.merged_into for stream in batch.streams]),
        "subject_ids": Texts.of([subject.id for subject in batch.subjects]),
        "retracted_by": Texts.of([subject.retracted_by for subject in batch.subjects]),
        "erased_by": Texts.of([subject.erased_by for subject in batch.subjects]),
        "duplicates": Texts.of([subject.duplicate for subject in batch.subjects]),
        "disputes": Numbers.of([int(subject.disputes) for subject in batch.subjects]),
        "retracts": Texts.of(
            [msgspec.json.encode(subject.retracts).decode() for subject in batch.subjects]
        ),
    }
