"""Bringing a database's schema up to date, by Alembic.

Owns how the migrations are run: all in one transaction, by one process at a time. Must not know what
they contain.
"""

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine

from timeline.eventstore.database import migration_transaction
from timeline.eventstore.schema import migrations_path, refuse_unknown, revision


def migrate(engine: Engine) -> None:
    """Bring a database up to the newest schema; does nothing where it is there already.

    All of it is one transaction, and one process at a time does it.

    Raises:
        SchemaTooNew: the database was migrated by a newer timeline.

    """
    with migration_transaction(engine) as connection:
        refuse_unknown(revision(connection))
        config = Config()
        config.set_main_option("script_location", str(migrations_path()).replace("%", "%%"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
