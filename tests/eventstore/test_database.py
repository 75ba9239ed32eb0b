"""Connections: what they are set to, what is refused at the start, what drivers' errors mean."""

import sqlite3
from pathlib import Path
from threading import Event, Thread

import psycopg
import pytest
from sqlalchemy import URL, Engine, make_url, text

from builders import acted, one, registered
from clocks import TestClock
from eventstore.recording import Recorder
from timeline.eventstore.database import (
    check_durability,
    create_engine,
    read_snapshot,
    statement,
    write_transaction,
)
from timeline.eventstore.errors import (
    CorruptStore,
    EventStoreError,
    NotDurable,
    StoreBusy,
    StoreUnavailable,
)
from timeline.eventstore.sql import SqlStore
from timeline.eventstore.tables import log_tags


@pytest.mark.parametrize("url", ["nonsense", "mysql://localhost/timeline"])
def test_other_databases_are_refused(url: str) -> None:
    """Only SQLite and PostgreSQL are supported."""
    with pytest.raises(ValueError, match=r"malformed|not supported"):
        create_engine(url)


def test_a_sound_database_passes(engine: Engine) -> None:
    """Both databases, as opened here, keep what they acknowledge."""
    check_durability(engine)


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_sqlite_syncs_and_checks_on_every_connection(engine: Engine) -> None:
    """WAL, synchronous=FULL, foreign keys and a bounded wait hold for each connection."""
    for _ in range(2):
        with engine.connect() as connection:
            settings = {
                name: connection.execute(text(f"PRAGMA {name}")).scalar_one()
                for name in (
                    "journal_mode",
                    "synchronous",
                    "foreign_keys",
                    "busy_timeout",
                    "secure_delete",
                )
            }
            connection.invalidate()

        assert settings == {
            "journal_mode": "wal",
            "synchronous": 2,
            "foreign_keys": 1,
            "secure_delete": 1,
            "busy_timeout": 10_000,
        }


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_sqlite_without_sync_is_refused(engine: Engine) -> None:
    """A connection that does not wait for the disk is refused, naming the setting."""
    _pragma(engine, "synchronous = OFF")

    with pytest.raises(NotDurable, match=r"synchronous is 0; 2 is needed"):
        check_durability(engine)


@pytest.mark.parametrize("database_kind", ["postgresql"])
def test_postgresql_sessions_are_bounded_and_wait_for_the_disk(database_url: str) -> None:
    """Statements, locks and idle transactions have time-outs; a lax synchronous_commit is raised."""
    name = make_url(database_url).database
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
    engine = create_engine(database_url)

    with statement(engine) as connection_:
        settings = {
            setting: connection_.execute(text(f"SHOW {setting}")).scalar_one()
            for setting in (
                "synchronous_commit",
                "statement_timeout",
                "lock_timeout",
                "idle_in_transaction_session_timeout",
            )
        }
    engine.dispose()

    assert settings == {
        "synchronous_commit": "on",
        "statement_timeout": "30s",
        "lock_timeout": "5s",
        "idle_in_transaction_session_timeout": "1min",
    }


@pytest.mark.parametrize("database_kind", ["postgresql"])
@pytest.mark.parametrize("setting", ["fsync", "full_page_writes"])
def test_postgresql_that_may_lose_commits_is_refused(database_url: str, setting: str) -> None:
    """A server with fsync or full_page_writes off is refused, naming the setting."""
    engine = create_engine(database_url)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"ALTER SYSTEM SET {setting} = off")
        connection.execute("SELECT pg_reload_conf()")
        try:
            with pytest.raises(NotDurable, match=f"{setting} is off; on is needed"):
                _until_refused(engine)
        finally:
            connection.execute(f"ALTER SYSTEM RESET {setting}")
            connection.execute("SELECT pg_reload_conf()")
    engine.dispose()


def _until_refused(engine: Engine) -> None:
    """Check until the server has read its settings anew, at most 100 times."""
    for _ in range(100):
        check_durability(engine)
        Event().wait(0.05)


def test_a_snapshot_sees_one_state(engine: Engine, clock: TestClock) -> None:
    """What others commit while a snapshot is open is not seen in it."""
    recorder = Recorder(SqlStore(engine), clock)
    recorder.append(one(registered("a", topics=["Rent"])))
    count = "SELECT count(*) FROM log_entries"

    with read_snapshot(engine) as connection:
        before = connection.execute(text(count)).scalar_one()
        recorder.append(one(acted("a")))
        during = connection.execute(text(count)).scalar_one()
    with read_snapshot(engine) as connection:
        after = connection.execute(text(count)).scalar_one()

    assert (before, during, after) == (1, 1, 2)


def test_a_transaction_is_all_or_nothing(engine: Engine) -> None:
    """An error in the block rolls back what was written."""
    with pytest.raises(KeyError):
        _write_and_fail(engine)

    with read_snapshot(engine) as connection:
        assert connection.execute(log_tags.select()).all() == []


def _write_and_fail(engine: Engine) -> None:
    with write_transaction(engine) as connection:
        connection.execute(log_tags.insert().values(kind="topic", value="rent", position=1))
        raise KeyError


def test_writers_take_turns(engine: Engine) -> None:
    """Transactions that read and then write wait for each other, on both databases."""

    def increase() -> None:
        for _ in range(20):
            with write_transaction(engine) as connection:
                connection.execute(text("UPDATE log_head SET position = position + 1 WHERE id = 1"))

    threads = [Thread(target=increase) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    with read_snapshot(engine) as connection:
        assert connection.execute(text("SELECT position FROM log_head")).scalar_one() == 80


@pytest.mark.parametrize("database_kind", ["postgresql"])
def test_a_session_that_the_server_has_ended_is_not_given_out_again(
    engine: Engine, database_url: str
) -> None:
    """After a restart of the server the next statement has a new session, and no error."""
    process = text("SELECT pg_backend_pid()")
    with statement(engine) as connection:
        ended = connection.execute(process).scalar_one()
    with psycopg.connect(database_url, autocommit=True) as operator:
        operator.execute("SELECT pg_terminate_backend(%s, 5000)", [ended])

    with statement(engine) as connection:
        found = connection.execute(process).scalar_one()

    assert found != ended


# ---- What drivers' errors mean ----


def test_a_broken_constraint_is_corruption(engine: Engine) -> None:
    """The store never breaks a constraint by itself: where one breaks, something is wrong."""
    with pytest.raises(CorruptStore), write_transaction(engine) as connection:
        connection.execute(text("INSERT INTO log_payloads VALUES (9, '', '')"))


def test_a_mistake_in_a_statement_is_not_translated(engine: Engine) -> None:
    """A fault of ours comes through as what it is."""
    with pytest.raises(Exception, match="nonsense") as raised, statement(engine) as connection:
        connection.execute(text("SELECT nonsense"))

    assert not isinstance(raised.value, EventStoreError)


@pytest.mark.parametrize(
    "url", ["sqlite:////no/such/directory/timeline.db", "postgresql://nobody@127.0.0.1:1/nowhere"]
)
def test_a_database_that_is_not_there_is_unavailable(url: str) -> None:
    """A file that cannot be opened, or a server that does not answer."""
    store = SqlStore(create_engine(url))

    with pytest.raises(StoreUnavailable):
        store.head()


@pytest.mark.parametrize("database_kind", ["postgresql"])
def test_a_lost_connection_is_unavailable(engine: Engine) -> None:
    """A backend that is terminated under a statement."""
    with pytest.raises(StoreUnavailable), statement(engine) as connection:
        connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))


@pytest.mark.parametrize("database_kind", ["postgresql"])
def test_an_idle_connection_that_was_lost_is_replaced(engine: Engine, database_url: str) -> None:
    """A restart of the server is not noticed by those who read after it."""
    store = SqlStore(engine)
    store.head()
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

    assert store.head().position == 0


@pytest.mark.parametrize("database_kind", ["postgresql"])
@pytest.mark.parametrize(
    "slow",
    ["SET statement_timeout = 20; SELECT pg_sleep(5)", "SET lock_timeout = 20; LOCK streams"],
)
def test_waiting_too_long_is_being_busy(engine: Engine, slow: str) -> None:
    """A statement that was cut off by a time-out was rolled back: try again."""
    with write_transaction(engine) as holder:
        holder.execute(text("LOCK streams"))
        with pytest.raises(StoreBusy):
            _run(engine, slow)


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_a_locked_file_is_being_busy(engine: Engine) -> None:
    """Another process that writes for too long: try again."""
    other = sqlite3.connect(str(engine.url.database), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    _pragma(engine, "busy_timeout = 20")

    with pytest.raises(StoreBusy), write_transaction(engine):
        pass

    other.close()


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_a_full_disk_is_unavailable_and_loses_nothing(engine: Engine, clock: TestClock) -> None:
    """Where SQLite finds no room, the append is refused as a whole, and works again with room."""
    recorder = Recorder(SqlStore(engine), clock)
    recorder.append(one(registered("a")))
    pages = _pragma(engine, "page_count")
    _pragma(engine, f"max_page_count = {pages}")

    (refused,) = recorder.group(one(acted("a", summary="x" * 20_000)))
    _pragma(engine, f"max_page_count = {pages + 1_000}")
    recorder.append(one(acted("a")))

    assert isinstance(refused, StoreUnavailable)
    assert [event.version for event in recorder.store.read()] == [1, 2]


def _pragma(engine: Engine, pragma: str) -> int:
    """Set or ask something of the one connection in the pool, outside of any transaction."""
    with engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        row = driver.execute(f"PRAGMA {pragma}").fetchone()
        return 0 if row is None else int(row[0])


def test_messages_hold_no_payload(engine: Engine) -> None:
    """Parameters are payloads: an error that is logged does not show them."""
    with pytest.raises(Exception, match="nonsense") as raised, statement(engine) as connection:
        connection.execute(text("SELECT nonsense, :secret"), {"secret": "s3cret-payload"})

    assert "s3cret-payload" not in str(raised.value)


def _run(engine: Engine, statement: str) -> None:
    with write_transaction(engine) as connection:
        for each in statement.split("; "):
            connection.execute(text(each))


@pytest.mark.parametrize("name", ["plain.db", "with ?mode=memory #100%.db"])
def test_a_database_that_must_exist_is_not_made(tmp_path: Path, name: str) -> None:
    """Any file name is opened as it is, and none is created."""
    path = tmp_path / name
    url = URL.create("sqlite", database=str(path)).render_as_string()
    engine = create_engine(url, must_exist=True)

    with pytest.raises(StoreUnavailable), statement(engine) as connection:
        connection.execute(text("SELECT 1"))
    absent = list(tmp_path.iterdir())
    sqlite3.connect(path).close()
    with statement(engine) as connection:
        found = connection.execute(text("SELECT 1")).scalar_one()
    engine.dispose()

    assert absent == []
    assert found == 1
    assert {each.name for each in tmp_path.iterdir()} == {name}
