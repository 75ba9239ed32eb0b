"""The peers: eventsourcing's recorders and UmaDB's server, from the dependency group `peers`.

Owns how each is started and given one event. Must not know what is measured. Where a peer is not
installed, there is none: the figures of this project are then measured alone.
"""

import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any, Final, TypeAlias

from sqlalchemy import make_url

from bench.databases import Databases, sqlite_path
from bench.services import free_port
from timeline.eventstore.model import Draft

MISSING: Final = "not installed: uv run --group peers"

THREADS: Final = 16
"""Of eventsourcing, and clients of UmaDB: what the targets name."""

START_TIMEOUT_S: Final = 15.0
STOP_TIMEOUT_S: Final = 10.0

Insert: TypeAlias = Callable[[Draft], None]
"""Records one event, durably."""


def installed(name: str) -> bool:
    """Tell whether a peer is there."""
    return find_spec(name) is not None


@contextmanager
def recorder(databases: Databases, kind: str) -> Iterator[Any]:
    """Yield eventsourcing's application recorder on a database of its own; None without it."""
    if not installed("eventsourcing"):
        yield None
        return
    url = databases.fresh(kind, migrated=False)
    recorder = _sqlite(url) if kind == "sqlite" else _postgresql(url)
    try:
        recorder.create_table()
        yield recorder
    finally:
        recorder.datastore.close()
        databases.drop(url)


@contextmanager
def inserting(databases: Databases, kind: str) -> Iterator[Insert | None]:
    """Yield what records an event through eventsourcing's recorder; None without it."""
    versions = count(1)
    with recorder(databases, kind) as found:
        if found is None:
            yield None
            return
        # One counter for all policies: versions have to differ, and need not be dense.
        yield lambda draft: found.insert_events(stored([draft], next(versions)))


def _sqlite(url: str) -> Any:
    from eventsourcing.sqlite import (  # noqa: PLC0415 - may be missing
        SQLiteApplicationRecorder,
        SQLiteDatastore,
    )

    return SQLiteApplicationRecorder(
        SQLiteDatastore(str(sqlite_path(url)), pool_size=THREADS, originator_id_type="text")
    )


def _postgresql(url: str) -> Any:
    from eventsourcing.postgres import (  # noqa: PLC0415 - may be missing
        PostgresApplicationRecorder,
        PostgresDatastore,
    )

    address = make_url(url)
    host = address.query.get("host", address.host)
    datastore = PostgresDatastore(
        dbname=address.database or "",
        host=str(host),
        port=address.port or "",
        user=address.username or "",
        password=address.password or "",
        pool_size=THREADS,
        originator_id_type="text",
    )
    return PostgresApplicationRecorder(datastore)


def stored(drafts: Sequence[Draft], first_version: int) -> list[Any]:
    """Return events as eventsourcing records them: the same data, under the same policy."""
    from eventsourcing.persistence import StoredEvent  # noqa: PLC0415 - may be missing

    return [
        StoredEvent(
            originator_id=draft.proposal.policy,
            originator_version=version,
            topic=draft.proposal.type,
            state=draft.data,
        )
        for version, draft in enumerate(drafts, first_version)
    ]


def session_settings(
    kind: str, databases: Databases, names: tuple[str, ...]
) -> dict[str, str] | None:
    """Return the settings of a session as eventsourcing opens it; None without it."""
    with recorder(databases, kind) as found:
        if found is None:
            return None
        with found.datastore.transaction(commit=False) as cursor:
            settings = {}
            for name in names:
                cursor.execute(f"{'PRAGMA' if kind == 'sqlite' else 'SHOW'} {name}")
                row = cursor.fetchone()
                settings[name] = str(next(iter(dict(row).values())))
            return settings


def umadb(directory: Path) -> AbstractContextManager[Insert | None]:
    """Run UmaDB's server; gives what records an event, by a client for each thread."""
    return _umadb(directory) if installed("umadb") else nullcontext(None)


@contextmanager
def _umadb(directory: Path) -> Iterator[Insert]:
    from umadb import Client, Event  # noqa: PLC0415 - may be missing

    port = free_port()
    data = directory / "umadb"
    data.mkdir()
    server = subprocess.Popen(  # noqa: S603 - the peer's own command
        [_command("umadb"), "--listen", f"127.0.0.1:{port}", "--db-path", str(data)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    clients = threading.local()

    def insert(draft: Draft) -> None:
        if not hasattr(clients, "own"):
            clients.own = Client(f"http://127.0.0.1:{port}")
        event = Event(str(draft.proposal.type), draft.data, [draft.proposal.policy])
        clients.own.append([event])

    try:
        _await(lambda: Client(f"http://127.0.0.1:{port}").head())
        yield insert
    finally:
        server.terminate()
        try:
            server.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait(STOP_TIMEOUT_S)
        shutil.rmtree(data, ignore_errors=True)


def _command(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def _await(ask: Callable[[], object]) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        try:
            ask()
        except Exception:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return
