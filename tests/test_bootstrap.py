"""The composition root: what it starts stops, in order and in time."""

import time

import pytest

from timeline.bootstrap import STOP_TIMEOUT_S, stop_in_time
from timeline.cli import serve


def test_all_parts_stop_by_one_deadline() -> None:
    """One that takes all the time leaves none to the others, which are told to stop all the same."""
    given: list[float] = []

    def hang(timeout_s: float) -> None:
        given.append(timeout_s)
        time.sleep(timeout_s)

    stop_in_time([hang, given.append, given.append], 0.05)

    assert 0 < given[0] <= 0.05
    assert given[1:] == [0.0, 0.0]


def test_a_part_that_fails_to_stop_keeps_none_from_stopping() -> None:
    """Its error is told afterwards."""
    stopped: list[float] = []

    def fail(_timeout_s: float) -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        stop_in_time([fail, stopped.append], 1.0)

    assert len(stopped) == 1


def test_a_process_stops_by_itself_before_it_is_killed() -> None:
    """What its threads may take is within what the server grants it, with as much for requests."""
    assert 2 * STOP_TIMEOUT_S <= serve.STOP_TIMEOUT_S
