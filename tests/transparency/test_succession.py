"""Entries follow one another without gaps, or it is told in which way they do not."""

import pytest

from timeline.transparency.succession import Succession

FIRST, LATER = "2026-11-22T10:00:00.000000Z", "2026-11-22T10:00:01.000000Z"


@pytest.fixture
def succession() -> Succession:
    """Give what follows two appends: one of two events, one of one."""
    succession = Succession()
    assert [
        succession.follows(1, "a", 1, FIRST),
        succession.follows(2, "b", 1, FIRST),
        succession.follows(3, "a", 2, LATER),
    ] == [1, 1, 3]
    return succession


AFTER = "2026-11-22T10:00:02.000000Z"


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        ((5, "a", 3, AFTER, 5), "position 4 is missing before it"),
        ((7, "a", 3, AFTER, 5), "positions 4 to 6 are missing before it"),
        ((3, "a", 3, AFTER, 3), "the entry before it has position 3"),
        ((4, "a", 4, AFTER, 4), "it is version 4 of a, after version 2"),
        ((4, "a", 2, AFTER, 4), "it is version 2 of a, after version 2"),
        ((4, "c", 2, AFTER, 4), "it is version 2 of c, after version 0"),
        (
            (4, "a", 3, FIRST, 4),
            f"it was recorded at {FIRST}, before the entry before it",
        ),
        ((4, "a", 3, "2026-11-22", 4), "its recorded_at '2026-11-22' is no instant"),
    ],
)
def test_what_does_not_follow_is_told(
    succession: Succession, entry: tuple[int, str, int, str, int], fault: str
) -> None:
    """Each way in which an entry does not follow, and nothing else."""
    position, policy, version, recorded_at, _ = entry

    assert succession.follows(position, policy, version, recorded_at) == 0
    assert succession.faults(*entry) == [fault]


def test_another_batch_is_told(succession: Succession) -> None:
    """An entry says to be of another append than the one that it was recorded with."""
    assert succession.faults(4, "a", 3, LATER, 4) == ["its batch is 4, and its append began at 3"]


def test_after_a_gap_all_goes_on(succession: Succession) -> None:
    """One missing entry makes one finding, not one for each that follows."""
    succession.faults(6, "a", 3, AFTER, 4)

    assert succession.follows(7, "a", 4, AFTER) == 4
