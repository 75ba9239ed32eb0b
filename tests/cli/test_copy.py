"""`timeline copy`: the log moves to another database, also where it is killed on the way."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest
from click.testing import Result
from sqlalchemy import Engine

from attacks import attacking
from service import environment
from timeline.eventstore.copying import standing
from timeline.eventstore.database import create_engine, read_snapshot
from timeline.eventstore.schema import current_revision, head_revision
from whole_logs import WholeLog, log_rows

PATIENCE_S: Final = 60.0
KILLS: Final = 3
"""Enough for one to be of a copy that was carried on; each commit is a place to die at in
`test_copying`."""
EVENTS: Final = 3_000

Timeline = Callable[..., Result]


@pytest.fixture
def target_url(database_kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """Give the address of an empty database of the other kind."""
    if database_kind == "postgresql":
        yield f"sqlite:///{tmp_path / 'copy.db'}"
        return
    server = request.getfixturevalue("postgres")
    yield server.get_uri(request.getfixturevalue("postgres_database")(None))


@pytest.fixture
def target(target_url: str) -> Iterator[Engine]:
    """Give an engine for `target_url`."""
    engine = create_engine(target_url)
    yield engine
    engine.dispose()


def test_a_log_is_copied_and_served_from_the_copy(
    timeline: Timeline,
    command: Callable[..., Result],
    example: Path,
    engine: Engine,
    target_url: str,
    target: Engine,
) -> None:
    """The other database is migrated, has the same log, and answers the same."""
    timeline("import", str(example))
    timeline("token", "create", "desk", "--role", "recorder")

    result = timeline("copy", "--to", target_url, "--json", "--quiet")

    said = json.loads(result.stdout)
    assert (said["position"], said["copied"], said["known"]) == (74, 74, 0)
    assert current_revision(target) == head_revision()
    assert log_rows(target) == log_rows(engine)
    assert command(target_url, ["export", "-q"]).stdout == timeline("export", "-q").stdout
    replayed = command(target_url, ["replay", "--json", "-q"])
    assert json.loads(replayed.stdout)["position"] == 74
    assert json.loads(replayed.stdout)["identical"] is True


def test_a_copy_of_a_changed_payload_is_no_success(
    timeline: Timeline, example: Path, engine: Engine, target_url: str
) -> None:
    """The log is carried as it lies; that it was changed before is the last that is said."""
    timeline("import", str(example))
    with attacking(engine) as run:
        run(
            "UPDATE log_payloads SET data = (SELECT data FROM log_payloads WHERE position = 1)"
            " WHERE position = 5"
        )

    result = timeline("copy", "--to", target_url, "--quiet")

    assert result.exit_code == 1
    assert "74 events copied" in result.stderr
    assert "the first at position 5, are not what their entries commit to" in result.stderr


def test_a_second_copy_says_what_there_was(
    timeline: Timeline, lines: Callable[..., str], target_url: str
) -> None:
    """In words where no script asks."""
    timeline("import", "-", input=lines(3))
    timeline("copy", "--to", target_url, "--quiet")
    timeline("import", "-", input=lines(2, "another", 100))

    result = timeline("copy", "--to", target_url, "--quiet")

    assert result.exit_code == 0
    assert result.stderr.startswith(
        "2 events copied; 3 had been there. Both logs end at position 5 "
    )


def test_a_database_with_another_log_is_refused(
    timeline: Timeline, command: Callable[..., Result], lines: Callable[..., str], target_url: str
) -> None:
    """In one line, and it stays as it was."""
    timeline("import", "-", input=lines(3))
    command(target_url, ["migrate"])
    command(target_url, ["import", "-"], lines(2, "another", 100))

    result = timeline("copy", "--to", target_url, "--quiet")

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        "Error: The database that the log was to be copied to holds another one:"
        " its entry at position 1 is another one.\n"
    )
    assert len(command(target_url, ["export", "-q"]).stdout.splitlines()) == 2


def test_a_database_is_not_copied_to_itself(timeline: Timeline, database_url: str) -> None:
    """A slip of the pen is named."""
    result = timeline("copy", "--to", database_url)

    assert result.exit_code == 1
    assert result.stderr == "Error: Both addresses are of the same database.\n"


@pytest.mark.parametrize(
    "url", ["mysql://desk:hunter2@host/timeline", "postgresql://desk:hunter@2@host/db", "sqlite://"]
)
def test_what_is_no_address_is_used_wrongly(url: str, timeline: Timeline) -> None:
    """It is not repeated, since a password may be in it."""
    result = timeline("copy", "--to", url)

    assert result.exit_code == 2
    assert "postgresql://USER@HOST/DATABASE" in result.stderr
    assert "hunter" not in result.stderr


def test_a_place_that_is_not_there_is_one_line(timeline: Timeline, tmp_path: Path) -> None:
    """A directory that does not exist leaves no traceback."""
    result = timeline("copy", "--to", f"sqlite:///{tmp_path / 'nowhere' / 'copy.db'}")

    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1


COPYING: Final = """
import sys
from functools import partial
from timeline.eventstore import copying, rows
from timeline.cli import main

copying.events = partial(rows.events, limit=50)
copying.ROWS = rows.ROWS = 100
main(["copy", "--to", sys.argv[1], "--quiet"])
"""


def begin(database_url: str, target_url: str) -> "subprocess.Popen[bytes]":
    """Start a copy in a process of its own, in small parts."""
    return subprocess.Popen(
        [sys.executable, "-c", COPYING, target_url], env=environment(database_url)
    )


def entries(engine: Engine) -> int:
    """Return how many entries there are, 0 before there is a table."""
    if current_revision(engine) is None:
        return 0
    with read_snapshot(engine) as connection:
        return standing(connection).entries


def test_a_copy_that_is_killed_is_carried_on(
    timeline: Timeline,
    command: Callable[..., Result],
    database_url: str,
    engine: Engine,
    target_url: str,
    target: Engine,
    tmp_path: Path,
) -> None:
    """Killed again and again, it is not taken for the log before it is all of it."""
    chance = random.Random(database_url)  # noqa: S311 - a test's dice
    log = WholeLog(engine, tmp_path)
    log.fill()
    for _ in range(EVENTS // 500):
        log.lengthen(500)
        log.grow(5)
    unfinished = 0

    for _ in range(KILLS):
        before = entries(target)
        process = begin(database_url, target_url)
        try:
            deadline = time.monotonic() + PATIENCE_S
            while entries(target) == before < log.store.head().position:
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.01)
            time.sleep(chance.random() / 4)
        finally:
            os.kill(process.pid, signal.SIGKILL)
            process.wait(PATIENCE_S)
        with read_snapshot(target) as connection:
            found = standing(connection)
        if found.entries > found.head:
            unfinished += 1
            refused = command(target_url, ["export", "-q"])
            assert refused.exit_code == 1
            assert "run `timeline copy` again" in refused.stderr

    assert timeline("copy", "--to", target_url, "--quiet").exit_code == 0
    assert unfinished, "a kill came in the middle"
    assert log_rows(target) == log_rows(engine)
