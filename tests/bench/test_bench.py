"""The benchmark runs, on sizes that measure nothing: one that rots would be worse than none."""

import importlib.util

import pytest
from bench.databases import Databases
from bench.table import Row, Scale, Target, markdown

from bench import appends, growth, rebuilding, record, two_clocks

TINY = Scale(kinds=("sqlite",), rounds=1, events=200, seconds=0.05, timeout_s=30.0)


def test_a_record_is_the_same_for_the_same_size() -> None:
    """Every contestant takes in the same events, and a figure can be measured again."""
    assert list(record.events(300)) == list(record.events(300))
    assert len(list(record.events(300, relations=0.1))) == 300


def test_read_models_are_rebuilt_and_compared() -> None:
    """The rate is that of a rebuild whose rows equal the live ones."""
    with Databases() as databases:
        rows = list(rebuilding.measure(TINY, databases))

    assert [row.database for row in rows] == ["sqlite"] * len(rows)
    assert all(row.value > 0 for row in rows)


def test_appends_are_measured_beside_peers() -> None:
    """Each row of the table says beside what."""
    if importlib.util.find_spec("eventsourcing") is None:
        pytest.skip("needs the dependency group `peers`")
    with Databases() as databases:
        rows = list(appends.measure(TINY, databases))

    assert rows
    assert all(row.beside for row in rows)


def test_a_missed_target_is_said() -> None:
    """Nothing is rounded up, and nothing left out."""
    missed = Row(
        part="rebuild",
        database="sqlite",
        what="rebuild",
        value=10.0,
        unit="events/s",
        targets=(Target(bound=100, of="value"),),
    )

    assert "MISSED" in markdown([missed])


def test_questions_are_asked_of_a_record() -> None:
    """Modules that hold figures of the two clocks can be run."""
    assert callable(two_clocks.main)
    assert callable(growth.measure)
