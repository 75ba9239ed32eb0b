"""Random appends: the databases agree with the reference, and every store with a replay."""

import shutil
import tempfile
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clocks import TestClock
from eventstore.random_appends import RandomAppends
from eventstore.recording import Recorder
from eventstore.replay import assert_holds
from timeline.domain.situation import Proposal
from timeline.eventstore.database import create_engine
from timeline.eventstore.memory import MemoryStore
from timeline.eventstore.model import Append, Outcome
from timeline.eventstore.sql import SqlStore
from timeline.eventstore.waiting import Result


def told(results: list[Result]) -> list[object]:
    """Return results in a form that compares."""
    return [
        each if isinstance(each, Outcome) else (type(each), str(each), getattr(each, "field", None))
        for each in results
    ]


def recorded_of(appends: list[Append], results: list[Result]) -> list[Proposal]:
    """Return the proposals that a group has recorded, in order."""
    return [
        draft.proposal
        for append, result in zip(appends, results, strict=True)
        if isinstance(result, Outcome) and result.created
        for draft in append.drafts
    ]


@pytest.mark.parametrize("seed", range(5))
def test_rows_and_tags_are_those_of_a_replay(recorder: Recorder, seed: int) -> None:
    """Stream heads, subjects, beliefs and tags equal a replay from scratch, erasures included."""
    appends = RandomAppends(Random(seed))  # noqa: S311 - repeatable, no secret
    recorded: list[Proposal] = []

    for _ in range(60):
        group = appends.next_group()
        recorded += recorded_of(group, recorder.group(*group))

    assert len(recorded) > 20
    assert_holds(recorder.store, recorded)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(random=st.randoms(use_true_random=False), groups=st.integers(1, 25))
def test_sqlite_answers_as_the_reference_does(
    migrated_sqlite: Path, random: Random, groups: int
) -> None:
    """The same appends have the same outcomes, refusals, events and bytes in both stores."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "timeline.db"
        shutil.copy(migrated_sqlite, path)
        engine = create_engine(f"sqlite:///{path}")
        reference = Recorder(MemoryStore(), TestClock())
        database = Recorder(SqlStore(engine), TestClock())
        appends = RandomAppends(random)

        for _ in range(groups):
            group = appends.next_group()
            assert told(database.group(*group)) == told(reference.group(*group))

        assert database.store.head() == reference.store.head()
        assert database.store.read(limit=1_000) == reference.store.read(limit=1_000)
        engine.dispose()
