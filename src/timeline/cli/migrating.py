"""How commands migrate: the schema, what that emptied, and the check of what was there before.

Owns the order of it, and what is told of a log that is wrong. Must not know any command.
"""

from typing import Final

from sqlalchemy import Engine
from sqlalchemy.exc import ProgrammingError

from timeline.application.key_files import KeyFile
from timeline.application.replay import catch_up
from timeline.application.verifying import verify
from timeline.cli.database import known_keys
from timeline.cli.errors import CommandError
from timeline.cli.progress import progress
from timeline.cli.showing import shown
from timeline.eventstore import migrating, schema
from timeline.eventstore.database import create_engine
from timeline.eventstore.sql import SqlStore
from timeline.projections.log import Log
from timeline.projections.runner import Runner
from timeline.settings import Settings

SHOWN_FINDINGS: Final = 3
"""What a migration tells of a log that is wrong: all of it may be a hundred lines."""


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
        migrating.migrate(engine)
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
