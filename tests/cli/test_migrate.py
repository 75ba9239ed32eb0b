"""`timeline migrate` on an empty database, again, and for another role."""

from collections.abc import Callable

import psycopg
import pytest
from alembic.command import upgrade
from alembic.config import Config
from click.testing import Result
from sqlalchemy import Engine, text

from attacks import attacking
from builders import acted, registered
from timeline.eventstore.database import create_engine, migration_transaction, write_transaction
from timeline.eventstore.model import Append
from timeline.eventstore.schema import grant, head_revision, migrations_path
from timeline.eventstore.sql import SqlStore
from timeline.eventstore.writer import Writer
from timeline.projections.policy_history import steps
from timeline.projections.reading import view


def test_an_empty_database_is_brought_to_the_newest_schema_and_stays_there(
    command: Callable[..., Result], empty_database_url: str
) -> None:
    """Running it again does nothing; nothing goes to stdout."""
    results = [command(empty_database_url, ["migrate"]) for _ in range(2)]

    said = f"The schema is at {head_revision()}.\n"
    assert [(each.exit_code, each.stdout, each.stderr) for each in results] == [(0, "", said)] * 2


def bring_to_0003(engine: Engine) -> None:
    """Migrate as far as the tables that 0004 replaces."""
    config = Config()
    config.set_main_option("script_location", str(migrations_path()))
    with migration_transaction(engine) as connection:
        config.attributes["connection"] = connection
        upgrade(config, "0003")


def record_at_0003(engine: Engine) -> None:
    """Record three events, as was done before a log could be stopped.

    What records today asks a column for that, which comes with 0015.
    """
    with write_transaction(engine) as connection:
        connection.execute(text("ALTER TABLE log_head ADD COLUMN stopped TEXT"))
    with Writer(SqlStore(engine)) as writer:
        for each in (registered("an-order"), acted("an-order"), acted("an-order")):
            writer.append(Append(drafts=(each,), recorded_by="desk"))
    with write_transaction(engine) as connection:
        connection.execute(text("ALTER TABLE log_head DROP COLUMN stopped"))


def test_read_models_that_a_migration_emptied_are_filled_before_it_returns(
    command: Callable[..., Result], empty_database_url: str
) -> None:
    """A record from before the read models' tables were made anew is read as it was."""
    engine = create_engine(empty_database_url)
    bring_to_0003(engine)
    record_at_0003(engine)
    with write_transaction(engine) as connection:
        connection.execute(text("UPDATE projection_progress SET position = 3 WHERE slot = 'a'"))

    result = command(empty_database_url, ["migrate"])

    assert (result.exit_code, result.stderr) == (
        0,
        f"Live position: 3 of 3\nVerified position: 3 of 3\nThe schema is at {head_revision()}.\n",
    )
    with view(engine) as live:
        assert live.position == 3
        assert steps(live, "an-order", after=0, until=3, limit=9) == [1, 2, 3]
    engine.dispose()


def test_a_log_that_was_changed_is_found_once_it_is_migrated(
    command: Callable[..., Result], empty_database_url: str
) -> None:
    """The schema is migrated, the exit code is 1, and one line tells the position."""
    engine = create_engine(empty_database_url)
    bring_to_0003(engine)
    record_at_0003(engine)
    with attacking(engine) as run:
        run("UPDATE log_entries SET recorded_by = 'mole' WHERE position = 2")
    engine.dispose()

    result = command(empty_database_url, ["migrate"])
    again = command(empty_database_url, ["migrate"])

    assert result.exit_code == 1
    assert (
        "position 2, entry: its entry has the recorded_by desk, and its row mole"
        in (result.stderr.splitlines()[-1])
    )
    assert again.exit_code == 0


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_the_service_keeps_its_rights_on_tables_that_are_made_anew(
    command: Callable[..., Result], empty_database_url: str
) -> None:
    """A role that could write the read models before can do so after, without being named again."""
    role = "service_before_migrate"
    engine = create_engine(empty_database_url)
    bring_to_0003(engine)
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {role} LOGIN")
        try:
            grant(engine, role)
            result = command(empty_database_url, ["migrate"])
            may = connection.execute(
                "SELECT has_table_privilege(%s, 'policy_values_b', 'INSERT'),"
                " has_table_privilege(%s, 'log_entries', 'UPDATE')",
                (role, role),
            ).fetchone()
        finally:
            connection.execute(f"DROP OWNED BY {role}")
            connection.execute(f"DROP ROLE {role}")
    engine.dispose()

    assert result.exit_code == 0
    assert may == (True, False)


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_the_service_gets_what_it_needs_and_owns_nothing(
    command: Callable[..., Result], empty_database_url: str
) -> None:
    """With --grant-to, the service's role may append, and may not rewrite."""
    role = "service_of_migrate"
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {role} LOGIN")
        try:
            result = command(empty_database_url, ["migrate", "--grant-to", role])
            may = {
                privilege: connection.execute(
                    "SELECT has_table_privilege(%s, 'log_entries', %s)", (role, privilege)
                ).fetchone()
                for privilege in ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE")
            }
        finally:
            connection.execute(f"DROP OWNED BY {role}")
            connection.execute(f"DROP ROLE {role}")

    assert result.exit_code == 0
    assert may == {
        "SELECT": (True,),
        "INSERT": (True,),
        "UPDATE": (False,),
        "DELETE": (False,),
        "TRUNCATE": (False,),
    }


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_a_role_that_does_not_exist_is_refused_in_one_line(
    command: Callable[..., Result], empty_database_url: str
) -> None:
    """A mistyped role is named."""
    result = command(empty_database_url, ["migrate", "--grant-to", "nobody-by-this-name"])

    assert (result.exit_code, result.stdout) == (1, "")
    assert "nobody-by-this-name" in result.stderr
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1


def test_a_server_that_is_not_there_is_one_line(command: Callable[..., Result]) -> None:
    """An unreachable database leaves no traceback, and shows no password."""
    result = command("postgresql://desk:hunter2@127.0.0.1:1/timeline", ["migrate"])

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    assert "hunter2" not in result.stderr
