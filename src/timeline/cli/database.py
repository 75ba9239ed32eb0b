"""The database that a command works on.

Owns how a command gets at the application, and what is said where there is nothing to get at. Must
not know any command.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine, make_url

from timeline.application.key_files import KeyFile
from timeline.bootstrap import Application, application, key_file
from timeline.cli.errors import CommandError
from timeline.eventstore import schema
from timeline.eventstore.database import create_engine
from timeline.observability import redact_url
from timeline.settings import Settings


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
