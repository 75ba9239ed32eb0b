"""The database that a command works on.

Owns how a command gets at the application, and what is said where there is nothing to get at. Must
not know any command.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import Engine, make_url
from sqlalchemy.exc import ProgrammingError

from timeline.application.key_files import KeyFile
from timeline.application.replay import catch_up
from timeline.application.verifying import verify
from timeline.bootstrap import Application, application, key_file
from timeline.cli.errors import CommandError
from timeline.cli.progress import progress
from timeline.cli.showing import shown
from timeline.eventstore import schema
from timeline.eventstore.database import create_engine
from timeline.eventstore.sql import SqlStore
from timeline.observability import redact_url
from timeline.projections.log import Log
from timeline.projections.runner import Runner
from timeline.settings import Settings

SHOWN_FINDINGS: Final = 3
"""What a migration tells of a log that is wrong: all of it may be a hundred lines."""


@contextmanager
def opened(settings: Settings, *, records: bool = False) -> Iterator[Application]:
    """Yield the application, without a follower, on a database that is there and migrated.

    Args:
        settings: from the environment.
        records: whether something may be recorded.

    Raises:
        CommandError: there is none.
        SchemaError: it has to be migrated, or was by a newer timeline.

    """
    _require_there(settings)
    with application(settings, follow=False, records=records) as app:
        yield app


@contextmanager
def migrated(settings: Settings) -> Iterator[Engine]:
    """Yield the database alone, which is there and migrated, whatever the log in it is like.

    Raises:
        CommandError: there is none.
        SchemaError: it has to be migrated, or was by a newer timeline.

    """
    _require_there(settings)
    engine = create_engine(settings.database_url, must_exist=True)
    try:
        schema.check_schema(engine)
        yield engine
    finally:
        engine.dispose()


def known_keys(settings: Settings) -> KeyFile | None:
    """Return the file of the log's keys, or None where none is set and none lies there."""
    file = key_file(settings)
    if file is None or (settings.signing_key_file is None and not file.exists()):
        return None
    return file


def exists(settings: Settings) -> bool:
    """Tell whether an SQLite database has its file: opening it would make one, empty."""
    url = make_url(settings.database_url)
    return url.get_backend_name() != "sqlite" or Path(url.database or "").exists()


def _require_there(settings: Settings) -> None:
    """Say where no database is: a new one would be empty, and is seldom what was meant."""
    if not exists(settings):
        url = redact_url(settings.database_url)
        raise CommandError(
            f"There is no database at {url}: TIMELINE_DATABASE_URL names it, or else the directory that"
            " a command runs in. `timeline migrate` makes a new one, without any record."
        )


def migrate(settings: Settings, grant_to: str | None = None, *, quiet: bool = False) -> None:
    """Bring the schema and the read models up to date, and give a role what the service needs.

    A migration may leave read models empty; no service is to start on them before they are filled.
    After one that found a log there, the whole log is checked.

    Raises:
        CommandError: the database's own rules forbid it, or the log is not as it has to be.
        SchemaError: the database was migrated by a newer timeline.

    """
    engine = create_engine(settings.database_url)
    try:
        before = schema.current_revision(engine)
        schema.migrate(engine)
        log = Log(SqlStore(engine))
        with progress("Live position", quiet=quiet) as report:
            catch_up(engine, Runner(engine, log), log, report)
        if grant_to is not None:
            schema.grant(engine, grant_to)
        if before not in {None, schema.head_revision()}:
            _verify(engine, known_keys(settings), quiet=quiet)
    except ProgrammingError as error:
        # A role that is not there, or one that may not do this: an operator can help.
        raise CommandError(f"The database refuses: {error.orig}") from error
    finally:
        engine.dispose()


def _verify(engine: Engine, keys: KeyFile | None, *, quiet: bool) -> None:
    """Check the whole log; what is wrong is told as far as it fits in a few lines."""
    with progress("Verified position", quiet=quiet) as report:
        found = verify(engine, keys, report=report)
    if found.findings:
        first = "; ".join(map(shown, found.findings[:SHOWN_FINDINGS]))
        raise CommandError(
            f"The schema is migrated, but the log is not as it has to be: {first}. "
            "`timeline verify` tells all."
        )
