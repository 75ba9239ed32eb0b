"""The databases refuse to change what is recorded, whoever asks and however."""

from typing import Final

import pytest
from sqlalchemy import Engine, text

from builders import acted, batch, erased, registered
from clocks import TestClock
from eventstore.recording import Recorder
from timeline.eventstore.database import write_transaction
from timeline.eventstore.errors import AppendOnlyViolation
from timeline.eventstore.sql import SqlStore

COPY_OF_ENTRY: Final = """
    SELECT 9, id || 'x', policy, version + 9, type, subject, recorded_at, recorded_by, entry,
        leaf_hash
    FROM log_entries WHERE position = 1
"""

ON_BOTH: Final = {
    "update entries": "UPDATE log_entries SET recorded_by = 'someone' WHERE position = 1",
    "update no entry": "UPDATE log_entries SET entry = entry",
    "delete entries": "DELETE FROM log_entries WHERE position = 2",
    "delete all entries": "DELETE FROM log_entries",
    "update payloads": "UPDATE log_payloads SET data = salt WHERE position = 1",
    "delete a payload": "DELETE FROM log_payloads WHERE position = 1",
    "delete all payloads": "DELETE FROM log_payloads",
    "move the head back": "UPDATE log_head SET position = 1",
    "rewrite the frontier": "UPDATE log_head SET frontier = frontier",
    "stop and move back at once": "UPDATE log_head SET stopped = '{}', position = 1",
    "stop and rewrite the frontier": "UPDATE log_head SET stopped = '{}', frontier = ''",
    "move the head of a stopped log": """
        UPDATE log_head SET stopped = '{}';
        UPDATE log_head SET position = position + 1, stopped = NULL
    """,
    "delete the head": "DELETE FROM log_head",
    "upsert an entry": """
        INSERT INTO log_entries SELECT * FROM log_entries WHERE position = 1
        ON CONFLICT (position) DO UPDATE SET recorded_by = 'someone'
    """,
    "upsert a payload": """
        INSERT INTO log_payloads SELECT * FROM log_payloads WHERE position = 1
        ON CONFLICT (position) DO UPDATE SET data = excluded.salt
    """,
    "upsert the head": """
        INSERT INTO log_head SELECT * FROM log_head WHERE true
        ON CONFLICT (id) DO UPDATE SET position = 0
    """,
}

ON_SQLITE: Final = {
    "replace by position": f"""
        INSERT OR REPLACE INTO log_entries {COPY_OF_ENTRY.replace("SELECT 9", "SELECT 1")}
    """,
    "replace by id": f"""
        INSERT OR REPLACE INTO log_entries {COPY_OF_ENTRY.replace("|| 'x'", "")}
    """,
    "replace by version": f"""
        REPLACE INTO log_entries {COPY_OF_ENTRY.replace("+ 9", "")}
    """,
    "replace by update": "UPDATE OR REPLACE log_entries SET position = 2 WHERE position = 1",
    "replace a payload": """
        INSERT OR REPLACE INTO log_payloads SELECT position, salt, salt FROM log_payloads
    """,
    "replace the head": "REPLACE INTO log_head SELECT id, 0, NULL, frontier, NULL FROM log_head",
}

ON_POSTGRESQL: Final = {
    "truncate entries": "TRUNCATE log_entries CASCADE",
    "truncate payloads": "TRUNCATE log_payloads",
    "truncate the head": "TRUNCATE log_head",
    "truncate all": "TRUNCATE log_head, log_entries, log_payloads, log_tags",
    "merge": """
        MERGE INTO log_entries AS old USING (SELECT 1 AS position) AS new
        ON old.position = new.position WHEN MATCHED THEN DELETE
    """,
    "as a replica": """
        SET LOCAL session_replication_role = replica;
        DELETE FROM log_entries
    """,
    "payload as a replica": """
        SET LOCAL session_replication_role = replica;
        DELETE FROM log_payloads
    """,
    "with a look-alike": """
        CREATE TEMPORARY TABLE log_entries AS
            SELECT position, id, 'PayloadErased' AS type, id AS subject FROM public.log_entries;
        DELETE FROM log_payloads
    """,
}


@pytest.fixture
def filled(engine: Engine, clock: TestClock) -> Engine:
    """Give a database with a policy and two actions, of which one is erased."""
    recorder = Recorder(SqlStore(engine), clock)
    gone = acted("a")
    recorder.append(batch(registered("a"), acted("a"), gone))
    recorder.drafts(erased(gone.id, "a"))
    return engine


def attempt(engine: Engine, statement: str) -> None:
    """Run statements in one transaction, and commit."""
    with write_transaction(engine) as connection:
        for each in statement.split(";"):
            connection.execute(text(each))


def assert_refused(engine: Engine, statement: str) -> None:
    """Assert that a statement is refused, and that the log is as it was."""
    store = SqlStore(engine)
    before = (store.head(), store.read())

    with pytest.raises(AppendOnlyViolation, match="append-only"):
        attempt(engine, statement)

    assert (store.head(), store.read()) == before


def test_the_log_is_not_changed(filled: Engine, subtests: pytest.Subtests) -> None:
    """UPDATE, DELETE and upserts on entries, payloads and head are refused."""
    for name, statement in ON_BOTH.items():
        with subtests.test(name):
            assert_refused(filled, statement)


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_sqlite_replaces_nothing(filled: Engine, subtests: pytest.Subtests) -> None:
    """INSERT OR REPLACE deletes behind the back of DELETE's trigger: it is refused on its own."""
    for name, statement in ON_SQLITE.items():
        with subtests.test(name):
            assert_refused(filled, statement)


@pytest.mark.parametrize("database_kind", ["postgresql"])
def test_postgresql_truncates_nothing(filled: Engine, subtests: pytest.Subtests) -> None:
    """TRUNCATE, MERGE, a session that plays replica and a look-alike table do not get by."""
    for name, statement in ON_POSTGRESQL.items():
        with subtests.test(name):
            assert_refused(filled, statement)


def test_a_payload_goes_beside_its_erasure(filled: Engine) -> None:
    """The store's own erasure passes the guard that refuses every other deletion."""
    events = SqlStore(filled).read()

    assert [event.data is None for event in events] == [False, False, True, False]


def test_the_guards_let_new_rows_in(filled: Engine, clock: TestClock) -> None:
    """What the guards refuse is change: appends go on."""
    outcome = Recorder(SqlStore(filled), clock).append(batch(acted("a"), acted("a")))

    assert [receipt.position for receipt in outcome.events] == [5, 6]
