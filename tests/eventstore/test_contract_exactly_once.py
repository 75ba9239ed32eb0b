"""Every event store records an id once, however often it is sent."""

from typing import Any

import pytest

from builders import (
    acted,
    batch,
    described,
    event_id,
    one,
    registered,
)
from eventstore.recording import Recorder, positions
from timeline.domain import errors as domain
from timeline.eventstore import errors
from timeline.eventstore.model import Append, Outcome


def test_the_same_append_again_has_the_same_outcome(recorder: Recorder) -> None:
    """A repeated id with equal content answers the first outcome, however late, and adds nothing."""
    append = batch(registered("a"), acted("a"))
    first = recorder.append(append)
    for _ in range(3):
        recorder.append(one(acted("a")))

    again = recorder.append(append)

    assert again == Outcome(first.events, created=False)
    assert recorder.store.head().position == 5


def test_ids_come_before_versions_conditions_and_rules(recorder: Recorder) -> None:
    """A repeated append is answered although it could not be recorded now."""
    append = Append(
        drafts=(registered("a", expected_version="new"),),
        recorded_by="newsroom",
        condition=one(acted("a"), policies=("a",)).condition,
    )
    first = recorder.append(append)

    again = recorder.append(append)

    assert again == Outcome(first.events, created=False)


def test_the_same_append_twice_in_a_group_is_recorded_once(recorder: Recorder) -> None:
    """A retry that shares the commit with its original is answered with the original's outcome."""
    append = one(registered("a"))

    first, again = recorder.group(append, append)

    assert isinstance(first, Outcome)
    assert again == Outcome(first.events, created=False)
    assert recorder.store.head().position == 1


@pytest.mark.parametrize(
    "other",
    [
        acted("a", id=event_id(1), label="Other words"),
        acted("b", id=event_id(1)),
        described("a", id=event_id(1), topics=["Rent"]),
    ],
    ids=["data", "policy", "type"],
)
def test_an_id_with_other_content_is_a_conflict(recorder: Recorder, other: Any) -> None:
    """An id is taken for good: with other data, policy or type it is refused."""
    recorder.append(batch(registered("a"), registered("b"), acted("a", id=event_id(1))))

    with pytest.raises(errors.IdConflict) as refused:
        recorder.append(one(other))

    assert refused.value.field == "id"
    assert recorder.store.head().position == 3


def test_a_conflict_within_a_group_is_found(recorder: Recorder) -> None:
    """An id that an earlier append of the same group takes is taken."""
    recorder.append(one(registered("a")))

    first, second = recorder.group(
        one(acted("a", id=event_id(1))), one(acted("a", id=event_id(1), label="Other"))
    )

    assert positions(first) == [2]
    assert isinstance(second, errors.IdConflict)


def test_a_partly_known_batch_is_refused(recorder: Recorder) -> None:
    """A batch is repeated as a whole or not at all."""
    known = registered("a")
    recorder.append(one(known))

    with pytest.raises(errors.PartlyKnownBatch) as refused:
        recorder.append(batch(known, acted("a")))

    assert refused.value.ids == (known.id,)
    assert recorder.store.head().position == 1


def test_a_batch_of_events_known_from_several_appends_is_known(recorder: Recorder) -> None:
    """It is the ids that count, not how they were grouped."""
    first, second = registered("a"), acted("a")
    recorder.drafts(first, second)

    again = recorder.append(batch(first, second))

    assert (positions(again), again.created) == ([1, 2], False)


def test_an_id_stands_once_in_a_batch(recorder: Recorder) -> None:
    """Two events of one append cannot have the same id, even with equal content."""
    event = acted("a")

    with pytest.raises(errors.RepeatedId) as refused:
        recorder.append(batch(registered("a"), event, event))

    assert refused.value.field == "events[2].id"


def test_a_refused_id_stays_free(recorder: Recorder) -> None:
    """What was refused was not recorded: the id can be used for something else."""
    results = recorder.group(one(acted("a", id=event_id(1))), one(registered("a", id=event_id(1))))

    assert isinstance(results[0], domain.PolicyNotRegistered)
    assert positions(results[1]) == [1]
