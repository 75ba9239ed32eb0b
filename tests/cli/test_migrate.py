"""`timeline migrate` on an empty database, again, and for another role."""

from collections.abc import Callable

import psycopg
import pytest
from click.testing import Result

from timeline.eventstore.schema import head_revision


def test_an_empty_database_is_brought_to_the_newest_schema_and_stays_there(
    command: Callable[..., Result], empty_database_url: str
) -> None:
    """Running it again does nothing; nothing goes to stdout."""
    results = [command(empty_database_url, ["migrate"]) for _ in range(2)]

    said = f"The schema is at {head_revision()}.\n"
    assert [(each.exit_code, each.stdout, each.stderr) for each in results] == [(0, "", said)] * 2


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
