"""Expected versions and conditions, as every event store checks them."""

import os
from typing import Any, Final

import pytest

from builders import (
    CALIFORNIA,
    LOS_ANGELES,
    acted,
    batch,
    one,
    registered,
)
from clocks import TestClock
from eventstore.recording import Recorder, positions
from timeline.eventstore import errors
from timeline.eventstore.model import Outcome
from timeline.eventstore.sequencing import plan, request_for
from timeline.eventstore.waiting import MAX_GROUP_CONDITIONS

# ---- Expected versions ----


def test_an_expected_version_has_to_be_the_current_one(recorder: Recorder) -> None:
    """A number is the version the policy has to be at; the error says where it is."""
    recorder.append(batch(registered("a"), acted("a")))

    with pytest.raises(errors.WrongExpectedVersion) as refused:
        recorder.append(one(acted("a", expected_version=1)))
    outcome = recorder.append(one(acted("a", expected_version=2)))

    assert (refused.value.expected, refused.value.actual) == (1, 2)
    assert refused.value.field == "expected_version"
    assert positions(outcome) == [3]


def test_new_means_not_registered(recorder: Recorder) -> None:
    """`new` holds for a policy without events only."""
    first = recorder.append(one(registered("a", expected_version="new")))

    with pytest.raises(errors.WrongExpectedVersion):
        recorder.append(one(registered("a", expected_version="new")))

    assert positions(first) == [1]


def test_in_a_batch_an_expected_version_belongs_to_the_policy_s_first_event(
    recorder: Recorder,
) -> None:
    """It is about the policy before the batch; on a later event it is refused, naming the field."""
    outcome = recorder.append(
        batch(registered("a", expected_version="new"), registered("b", expected_version="new"))
    )
    with pytest.raises(errors.MisplacedExpectedVersion) as refused:
        recorder.append(batch(acted("a", expected_version=1), acted("a", expected_version=2)))

    assert positions(outcome) == [1, 2]
    assert refused.value.field == "events[1].expected_version"


def test_of_two_appends_that_expect_the_same_version_one_is_refused(recorder: Recorder) -> None:
    """Also where they share a commit, the second sees the version that the first has made."""
    recorder.append(one(registered("a")))

    first, second = recorder.group(
        one(acted("a", expected_version=1)), one(acted("a", expected_version=1))
    )

    assert positions(first) == [2]
    assert isinstance(second, errors.WrongExpectedVersion)
    assert second.actual == 2


# ---- Conditions ----


CONDITIONS: Final[list[tuple[dict[str, Any], int | None]]] = [
    ({"types": ("ActionRecorded",)}, 2),
    ({"types": ("PoliciesMerged",)}, None),
    ({"policies": ("b",)}, 3),
    ({"policies": ("c", "b")}, 3),
    ({"jurisdictions": (CALIFORNIA,)}, 3),
    ({"jurisdictions": ("ocd-division/country:us",)}, None),
    ({"topics": ("  RENT  control ",)}, 1),
    ({"topics": ("rent",)}, None),
    ({"actors": ("karen BASS",)}, 2),
    ({"actors": ("ann",)}, 3),
    ({"identifiers": ("EO:N 7",)}, 3),
    ({"identifiers": ("no colon",)}, None),
    ({"types": ("ActionRecorded",), "policies": ("b",)}, 4),
    ({"types": ("ActionRecorded",), "actors": ("ann",)}, None),
    ({"types": ("ActionRecorded", "PolicyRegistered"), "after": 1}, 2),
    ({"policies": ("a",), "after": 2}, None),
    ({"topics": ("rent control",), "policies": ("a",), "after": 1}, 2),
    ({"topics": ("homes", "rent control"), "jurisdictions": (LOS_ANGELES,), "after": 1}, 2),
    ({"after": 3}, 4),
    ({"after": 4}, None),
    ({"types": ("PoliciesMerged", "PayloadErased")}, None),
    ({"types": ("PoliciesMerged", "ActionRecorded"), "topics": ("rent control",)}, 2),
]


def test_a_condition_fails_where_an_event_matches(
    recorder: Recorder, clock: TestClock, subtests: pytest.Subtests
) -> None:
    """Fields AND, values OR, over the whole log after a position; the error names the first match."""
    recorder.append(
        batch(
            registered("a", topics=["Rent control"]),
            acted("a", actors=[{"name": "Karen Bass"}]),
            registered(
                "b",
                jurisdiction=CALIFORNIA,
                sponsors=[{"name": "Ann"}],
                identifiers=[{"scheme": "eo", "value": "N7"}],
            ),
            acted("b"),
        )
    )

    for match, fails_at in CONDITIONS:
        appends = [one(acted("a"), **match)]
        view = recorder.store.view(request_for(appends))
        (result,) = plan(view, appends, clock=clock, random_bytes=os.urandom).results

        with subtests.test(str(match)):
            found = result.position if isinstance(result, errors.ConditionFailed) else None
            assert found == fails_at
            assert isinstance(result, Outcome) == (fails_at is None)


def test_conditions_hold_against_events_of_the_same_group(recorder: Recorder) -> None:
    """Of two appends that each exclude the other, one is recorded, though they share a commit."""
    recorder.append(one(registered("a", topics=["Rent"])))

    results = recorder.group(
        one(acted("a", actors=[{"name": "Ann"}]), actors=("ann",), after=1),
        one(acted("a", actors=[{"name": "Ann"}]), actors=("ann",), after=1),
        one(acted("a"), topics=("rent",), after=2),
    )

    assert positions(results[0]) == [2]
    assert isinstance(results[1], errors.ConditionFailed)
    assert (results[1].position, results[1].field) == (2, "condition")
    assert positions(results[2]) == [3]


def test_a_condition_that_begins_beyond_the_log_is_refused(recorder: Recorder) -> None:
    """Its position is that of another log: it would hold for nothing, whatever is recorded next."""
    recorder.append(one(registered("a")))

    results = recorder.group(
        one(acted("a"), topics=("rent",), after=2),
        one(acted("a"), topics=("rent",), after=1),
        one(acted("a"), topics=("rent",), after=2),
    )

    assert isinstance(results[0], errors.ConditionBeyondLog)
    assert (results[0].position, results[0].field) == (1, "condition.after")
    assert [positions(result) for result in results[1:]] == [[2], [3]]


def test_a_condition_does_not_meet_its_own_events(recorder: Recorder) -> None:
    """What an append adds is not what it is conditional on."""
    outcome = recorder.append(batch(registered("a"), acted("a"), policies=("a",)))

    assert positions(outcome) == [1, 2]


def test_versions_are_judged_before_conditions(recorder: Recorder) -> None:
    """Where both stand against an append, the version is named."""
    recorder.append(one(registered("a")))

    (result,) = recorder.group(one(acted("a", expected_version=9), policies=("a",)))

    assert isinstance(result, errors.WrongExpectedVersion)


def test_many_conditions_are_checked_together(recorder: Recorder) -> None:
    """As many conditions as a group may have are looked up in one go."""
    recorder.append(one(registered("a", topics=["Rent"])))
    filters: dict[str, Any] = {
        "topics": ("none", "nor this"),
        "types": ("ActionRecorded",),
        "actors": ("ann",),
    }

    results = recorder.group(*(one(acted("a"), **filters) for _ in range(MAX_GROUP_CONDITIONS)))

    assert [positions(result) for result in results] == [[2 + each] for each in range(64)]
