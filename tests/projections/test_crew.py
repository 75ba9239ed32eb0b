"""Other processes that help with long work."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy import Engine

from timeline.eventstore.database import create_engine
from timeline.eventstore.errors import StoreUnavailable
from timeline.projections.crew import Queue, Tell, crew
from timeline.projections.errors import RebuildBrokenError

NUMBERS = tuple(range(200))


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Engine]:
    """Give a database for the processes to connect to."""
    engine = create_engine(sqlite_url)
    yield engine
    engine.dispose()


def _double(_engine: Engine, tell: Tell, queue: Queue[int]) -> None:
    for number in queue:
        tell(2 * number)


def _fail(_engine: Engine, tell: Tell) -> None:
    tell("begun")
    raise ValueError("what went wrong")


def _refuse(_engine: Engine, _tell: Tell) -> None:
    raise StoreUnavailable(reason="it is gone", interrupted=True) from OSError("the disk")


def _die(_engine: Engine, tell: Tell) -> None:
    tell(os.getpid())
    os.kill(os.getpid(), signal.SIGKILL)


def _stay(_engine: Engine, tell: Tell) -> None:
    tell(os.getpid())
    signal.pause()


def test_each_part_is_taken_once(database: Engine) -> None:
    """Every part is done by one of the processes, or by the one that began the work."""
    queue = Queue(NUMBERS)
    with crew(database, 2, _double, queue) as others:
        own = [2 * number for number in queue]
        told = list(others.last_words())

    assert sorted((*own, *told)) == [2 * number for number in NUMBERS]


def test_an_error_is_told_to_who_waits(database: Engine) -> None:
    """What a process raises is raised where its words are heard, after what it said before."""
    with crew(database, 1, _fail) as others:
        words = others.last_words()
        first = next(words)
        with pytest.raises(ValueError, match="what went wrong"):
            next(words)

    assert first == "begun"


def test_an_error_comes_with_its_facts_and_its_cause(database: Engine) -> None:
    """Whoever catches it handles it as one of this process's own, and can tell what led to it."""
    with (
        pytest.raises(StoreUnavailable, match="it is gone") as raised,
        crew(database, 1, _refuse) as others,
    ):
        list(others.last_words())

    assert raised.value.interrupted
    assert "OSError: the disk" in raised.value.__notes__[0]


def test_a_process_that_dies_is_missed(database: Engine) -> None:
    """A process that is killed is noticed: its part of the work is not taken as done."""
    with pytest.raises(RebuildBrokenError), crew(database, 1, _die) as others:
        list(others.last_words())


def test_no_process_is_left_behind(database: Engine) -> None:
    """Processes end with the block, whatever they were doing."""
    with crew(database, 2, _stay) as others:
        pids: Sequence[int] = [next(iter(others.said(30.0))) for _ in range(2)]

    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


KILLED = """
import sys
from timeline.eventstore.database import create_engine
from timeline.projections.crew import Queue, crew
from test_crew import _stay_with
with crew(create_engine(sys.argv[1]), 1, _stay_with, Queue((1, 2))) as others:
    print(next(iter(others.said(30.0))), flush=True)
    list(others.last_words())
"""


def _stay_with(engine: Engine, tell: Tell, _queue: Queue[int]) -> None:
    _stay(engine, tell)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_command_that_is_killed_leaves_nothing_to_complain_of(
    sqlite_url: str, number: signal.Signals
) -> None:
    """There is nothing that only it could have removed, of which Python would warn."""
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, sqlite_url],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
    ) as process:
        assert process.stdout is not None
        helper = int(process.stdout.readline())
        process.send_signal(number)
        process.wait(20.0)
        os.kill(helper, signal.SIGKILL)
        assert process.stderr is not None
        complaints = process.stderr.read()

    assert complaints == b""
