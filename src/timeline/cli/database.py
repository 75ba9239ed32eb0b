"""The database that a command works on.

Owns how a command gets at the application, and what is said where there is nothing to get at. Must
not know any command.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.exc import ProgrammingError

from timeline.application.replay import catch_up
from timeline.bootstrap import Application, application
from timeline.cli.errors import CommandError
from timeline.cli.progress import progress
from timeline.eventstore import schema
from timeline.eventstore.database import create_engine
from timeline.eventstore.errors import SchemaOutdated
from timeline.eventstore.sql import SqlStore
from timeline.projections.log import Log
from timeline.projections.runner import Runner
from timeline.settings import Settings


@contextmanager
def opened(settings: Settings, *, records: bool = False) -> Iterator[Application]:
    """Yield the application, without a follower, on a database that is there and migrated.

    Args:
        settings: from the environment.
        records: whether something may be recorded.

    Raises:
        SchemaError: the database has to be migrated, or was by a newer timeline.

    """
    if not exists(settings):
        raise SchemaOutdated(current="empty", expected=schema.head_revision())
    with application(settings, follow=False, records=records) as app:
        yield app


def exists(settings: Settings) -> bool:
    """Tell whether an SQLite database has its file: opening it would make one, empty."""
    url = make_url(settings.database_url)
    return url.get_backend_name() != "sqlite" or Path(url.database or "").exists()


def migrate(settings: Settings, grant_to: str | None = None, *, quiet: bool = False) -> None:
    """Bring the schema and the read models up to date, and give a role what the service needs.

    A migration may leave read models empty; no service is to start on them before they are filled.

    Raises:
        CommandError: the database's own rules forbid it.
        SchemaError: the database was migrated by a newer timeline.

    """
    engine = create_engine(settings.database_url)
    try:
        schema.migrate(engine)
        log = Log(SqlStore(engine))
        with progress("Live position", quiet=quiet) as report:
            catch_up(engine, Runner(engine, log), log, report)
        if grant_to is not None:
            schema.grant(engine, grant_to)
    except ProgrammingError as error:
        # A role that is not there, or one that may not do this: an operator can help.
        raise CommandError(f"The database refuses: {error.orig}") from error
    finally:
        engine.dispose()
