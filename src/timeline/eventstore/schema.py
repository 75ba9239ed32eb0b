"""The schema's versions: which one a database has, and refusing one that is not up to date.

Owns where the migrations are and what the service's role may do. The migrations themselves are
beside this package; must not know what they contain, nor what runs them: every command asks for the
version, and few migrate.
"""

from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Final, NamedTuple

from sqlalchemy import Connection, Engine, MetaData, column, inspect, select, table, text

from timeline.eventstore import tables
from timeline.eventstore.database import statement, translated, write_transaction
from timeline.eventstore.dialects import dialect_of
from timeline.eventstore.errors import SchemaOutdated, SchemaTooNew

TABLE_MODULES: Final = ("timeline.projections.models", "timeline.application.access")
"""Who else hangs tables into `tables.metadata`. Names only: imports point the other way."""

VERSION_TABLE: Final = "alembic_version"
"""Where Alembic keeps a database's revision, in one row."""


def check_schema(engine: Engine) -> None:
    """Refuse a database whose schema is not the one this version works with.

    Raises:
        SchemaOutdated: `timeline migrate` has to be run.
        SchemaTooNew: a newer timeline has to be installed.

    """
    current = current_revision(engine)
    refuse_unknown(current)
    if current != head_revision():
        raise SchemaOutdated(current=current or "empty", expected=head_revision())


def current_revision(engine: Engine) -> str | None:
    """Return the revision a database is at, or None where it was never migrated."""
    with statement(engine) as connection:
        return revision(connection)


def revision(connection: Connection) -> str | None:
    """Return the revision a connection's database is at, or None where it was never migrated."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    return connection.execute(
        select(column("version_num")).select_from(table(VERSION_TABLE))
    ).scalar()


def head_revision() -> str:
    """Return the newest revision this version knows."""
    return _versions().head


def migrations_path() -> Path:
    """Return the directory of the migrations: in the installed package, or in a checkout."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "migrations"
    return installed if installed.is_dir() else package.parents[1] / "migrations"


def load_tables() -> MetaData:
    """Return the metadata with the tables of every package in it."""
    for name in TABLE_MODULES:
        import_module(name)
    return tables.metadata


def write_anew(engine: Engine) -> None:
    """Write anew all that ever held payloads, or what was derived of them.

    Afterwards nothing is left in the database's own files of rows that went.

    Raises:
        NotOwner: on PostgreSQL, the role owns no tables.
        StoreBusy: another process kept the database from it.

    """
    held = [
        table.name
        for table in load_tables().sorted_tables
        if table.info["kind"] == "derived" or table is tables.log_payloads
    ]
    with translated(engine):
        dialect_of(engine).write_anew(engine, held)


def grant(engine: Engine, role: str) -> None:
    """Give a role what the service needs on PostgreSQL, and take away what else it had.

    The log can be read and appended to, payloads can go (a trigger asks for their erasure), and
    tables that are derived can be changed freely. The role must own none of them.
    """
    with write_transaction(engine) as connection:
        quote = engine.dialect.identifier_preparer.quote
        present = set(inspect(connection).get_table_names())
        schema = quote(inspect(connection).default_schema_name or "public")
        allowed = {
            table.name: table.info["grants"]
            for table in load_tables().sorted_tables
            if table.name in present
        }
        allowed[VERSION_TABLE] = ("SELECT",)
        connection.execute(text(f"GRANT USAGE ON SCHEMA {schema} TO {quote(role)}"))
        for table, privileges in allowed.items():
            name = f"{schema}.{quote(table)}"
            connection.execute(text(f"REVOKE ALL ON TABLE {name} FROM {quote(role)}"))
            connection.execute(
                text(f"GRANT {', '.join(privileges)} ON TABLE {name} TO {quote(role)}")
            )


class _Versions(NamedTuple):
    """The revisions this version knows."""

    head: str
    known: frozenset[str]


@cache
def _versions() -> _Versions:
    """Return the migrations' revisions, as their files are named, read once for all checks."""
    known = [path.name[:4] for path in migrations_path().glob("versions/[0-9]*_*.py")]
    return _Versions(max(known, default=""), frozenset(known))


def refuse_unknown(current: str | None) -> None:
    """Refuse a revision that this version does not know.

    Raises:
        SchemaTooNew: a newer timeline made it.

    """
    versions = _versions()
    if current is not None and current not in versions.known:
        raise SchemaTooNew(current=current, expected=versions.head)
