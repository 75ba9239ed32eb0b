"""On PostgreSQL the service has a role that owns nothing: what it may do, and what it may not."""

from collections.abc import Iterator
from typing import Final

import psycopg
import pytest
from sqlalchemy import Engine, make_url, select, text
from sqlalchemy.exc import ProgrammingError

from builders import acted, batch, erased, registered
from clocks import TestClock
from eventstore.recording import Recorder
from timeline.eventstore import schema
from timeline.eventstore.database import (
    check_durability,
    create_engine,
    write_transaction,
)
from timeline.eventstore.errors import (
    AppendOnlyViolation,
    NotOwner,
    StoreUnavailable,
)
from timeline.eventstore.sql import SqlStore

FORBIDDEN: Final = (
    "UPDATE log_entries SET policy = 'x'",
    "DELETE FROM log_entries",
    "TRUNCATE log_tags",
    "INSERT INTO log_head VALUES (1, 0, NULL, '')",
    "ALTER TABLE log_entries DISABLE TRIGGER ALL",
    "DROP TABLE log_entries",
    "UPDATE alembic_version SET version_num = '0'",
    "SET session_replication_role = replica",
)


@pytest.fixture
def service(database_url: str, engine: Engine, clock: TestClock) -> Iterator[Engine]:
    """Give an engine whose sessions have the rights of a role that owns nothing."""
    recorder = Recorder(SqlStore(engine), clock)
    recorder.append(batch(registered("a"), acted("a")))
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("CREATE ROLE timeline_service LOGIN")
    schema.grant(engine, "timeline_service")
    address = make_url(database_url).set(username="timeline_service")
    service = create_engine(address.render_as_string(hide_password=False))
    yield service
    service.dispose()
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("DROP OWNED BY timeline_service; DROP ROLE timeline_service")


@pytest.mark.parametrize("database_kind", ["postgresql"])
def test_only_the_owner_writes_tables_anew(service: Engine, engine: Engine) -> None:
    """PostgreSQL itself would pass over each table with a warning, and so leave what was erased."""
    with pytest.raises(NotOwner, match="this one owns no"):
        schema.write_anew(service)

    schema.write_anew(engine)


@pytest.mark.parametrize("database_kind", ["postgresql"])
def test_the_service_s_role_can_do_its_work(service: Engine, clock: TestClock) -> None:
    """It checks the schema, appends and erases."""
    schema.check_schema(service)
    check_durability(service)
    recorder = Recorder(SqlStore(service), clock)
    action = acted("a")

    recorder.drafts(action, erased(action.id, "a"))

    assert [event.data is None for event in recorder.store.read()] == [False, False, True, False]


@pytest.mark.parametrize("database_kind", ["postgresql"])
def test_the_service_s_role_can_do_no_more(service: Engine, subtests: pytest.Subtests) -> None:
    """It has no right to change the log, let alone to switch the guards off."""
    for statement in FORBIDDEN:
        with subtests.test(statement):
            with pytest.raises((StoreUnavailable, ProgrammingError)) as refused:
                _run(service, statement)

            said = str(refused.value)
            assert "permission denied" in said or "must be owner" in said


@pytest.mark.parametrize("database_kind", ["postgresql"])
def test_the_service_s_role_meets_the_guards_too(service: Engine) -> None:
    """What it has a right to, for erasures, is still refused without one."""
    with pytest.raises(AppendOnlyViolation):
        _run(service, "DELETE FROM log_payloads")


@pytest.mark.parametrize("database_kind", ["postgresql"])
def test_derived_tables_are_the_service_s_own(service: Engine) -> None:
    """What can be filled again from the log may be emptied."""
    for table in schema.load_tables().tables.values():
        if table.info["kind"] == "derived":
            _run(service, f"DELETE FROM {table.name}")  # noqa: S608 - a name of our own
            with service.connect() as connection:
                assert connection.execute(select(table)).first() is None


def _run(engine: Engine, statement: str) -> None:
    with write_transaction(engine) as connection:
        for each in statement.split("; "):
            connection.execute(text(each))
