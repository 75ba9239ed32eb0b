"""How Alembic reaches the database: the connection it was given, or TIMELINE_DATABASE_URL.

`timeline migrate` gives a connection, inside a transaction that has the migrations to itself; the
`alembic` command in a checkout opens one of its own in the same way.
"""

import os

from alembic import context
from sqlalchemy import Connection

from timeline.eventstore.database import create_engine, migration_transaction
from timeline.eventstore.schema import load_tables

DEFAULT_URL = "sqlite:///timeline.db"


def run(connection: Connection) -> None:
    """Run the migrations in the connection's transaction, all or none."""
    context.configure(
        connection=connection,
        target_metadata=load_tables(),
        transactional_ddl=True,
    )
    context.run_migrations()


def main() -> None:
    """Migrate, or compare the database with the tables in the code."""
    if context.is_offline_mode():
        msg = "Migrations are run on a database; there is no script mode"
        raise SystemExit(msg)
    given = context.config.attributes.get("connection")
    if given is not None:
        run(given)
        return
    engine = create_engine(os.environ.get("TIMELINE_DATABASE_URL", DEFAULT_URL))
    try:
        with migration_transaction(engine) as connection:
            run(connection)
    finally:
        engine.dispose()


main()
