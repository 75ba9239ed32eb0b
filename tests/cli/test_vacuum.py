"""`timeline vacuum`: nothing is left in the files of rows that went."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from sqlalchemy import Engine

from builders import acted, erased, event_id, registered
from timeline.eventstore import sqlite
from timeline.eventstore.database import read_snapshot
from timeline.eventstore.model import Append
from timeline.eventstore.sql import SqlStore
from timeline.eventstore.tables import log_head
from timeline.eventstore.writer import Writer
from timeline.projections.log import Log
from timeline.projections.runner import Runner

Timeline = Callable[..., Result]


@pytest.fixture
def gone(engine: Engine) -> None:
    """Have an action erased that the read models still show."""
    with Writer(store := SqlStore(engine)) as writer:
        action = acted("first", id=event_id(7), summary="what has to go")
        for draft in (registered("first"), action):
            writer.append(Append(drafts=(draft,), recorded_by="desk"))
        Runner(engine, Log(store)).catch_up()
        writer.append(Append(drafts=(erased(event_id(7), "first"),), recorded_by="desk"))


@pytest.mark.usefixtures("gone")
def test_erasures_are_taken_in_before_all_is_written_anew(timeline: Timeline) -> None:
    """Where no service runs, the read models have yet to learn of them."""
    result = timeline("vacuum", "--quiet")

    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == ("Written anew. The read models have taken in every erasure up to 3.\n")
    assert "identical" in timeline("replay", "--quiet").stdout


@pytest.mark.usefixtures("gone")
@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_nothing_is_left_in_the_file_or_its_log(timeline: Timeline, engine: Engine) -> None:
    """Also where another process has the database open, as a service has."""
    path = Path(engine.url.database or "")
    with engine.connect():
        before = b"".join(each.read_bytes() for each in path.parent.glob(f"{path.name}*"))

        timeline("vacuum", "--quiet")

        files = {each.name: each.read_bytes() for each in path.parent.glob(f"{path.name}*")}
    assert b"what has to go" in before
    assert [name for name, held in files.items() if b"what has to go" in held] == []


@pytest.mark.usefixtures("gone")
@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_a_reader_that_goes_on_is_told_of(
    timeline: Timeline, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it reads is in the write-ahead log, which is not emptied meanwhile: exit code 1."""
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_MS", 100)
    with read_snapshot(engine) as reader:
        reader.execute(log_head.select()).all()

        result = timeline("vacuum", "--quiet")

    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")
    assert timeline("vacuum", "--quiet").exit_code == 0
