"""What every event store forgets of an erased event, and what it keeps."""

import pytest

from builders import (
    LOS_ANGELES,
    acted,
    batch,
    described,
    erased,
    one,
    registered,
)
from eventstore.recording import Recorder
from timeline.eventstore import errors
from timeline.eventstore.model import EventFilter


def test_an_erased_event_keeps_its_place_and_loses_its_data(recorder: Recorder) -> None:
    """Only the payload goes; the event says which event erased it."""
    action = acted("a", actors=[{"name": "Ann"}])
    recorder.drafts(registered("a"), action)
    before = recorder.store.get(action.id)
    (erasure,) = recorder.drafts(erased(action.id, "a"))

    after = recorder.store.get(action.id)

    assert before is not None
    assert before.data == action.data
    assert after is not None
    assert (after.data, after.erased_by) == (None, erasure)
    assert (after.position, after.version, after.recorded_at) == (2, 2, before.recorded_at)


def test_an_erased_event_is_repeated_by_policy_and_type_alone(recorder: Recorder) -> None:
    """A retry of what has been erased since is answered, and says so; another policy conflicts."""
    action = acted("a")
    recorder.drafts(registered("a"), registered("b"), action, erased(action.id, "a"))

    again = recorder.append(one(acted("a", id=action.id, label="Whatever it was")))

    assert again.created is False
    assert [(each.position, each.erased) for each in again.events] == [(3, True)]
    with pytest.raises(errors.IdConflict):
        recorder.append(one(acted("b", id=action.id)))


def test_an_event_can_be_erased_in_the_append_that_records_it(recorder: Recorder) -> None:
    """Its payload is never written; what refers to it goes on."""
    action = acted("a", actors=[{"name": "Ann"}])

    recorder.append(batch(registered("a"), action, erased(action.id, "a"), acted("a")))

    event = recorder.store.get(action.id)
    assert event is not None
    assert event.data is None
    condition = one(acted("a"), actors=("ann",)).condition
    assert condition is not None
    assert recorder.store.read(filter=condition.fail_if_match) == []


def test_an_erased_registration_is_found_by_what_replaces_it(recorder: Recorder) -> None:
    """The tags of all events follow the replacement: the old topic is gone from the index."""
    needed = {"title": "An order", "instrument": "executive_order", "jurisdiction": LOS_ANGELES}
    registration = registered("a", topics=["Secret"])
    recorder.drafts(registration, acted("a"), described("a", topics=["Rent"]), acted("a"))

    recorder.drafts(
        erased(
            registration.id,
            "a",
            replacement=needed | {"topics": ["Homes"], "sources": [{"citation": "x"}]},
        )
    )

    assert recorder.store.read(filter=EventFilter(topics=("secret",))) == []
    assert [
        event.position for event in recorder.store.read(filter=EventFilter(topics=("homes",)))
    ] == [1, 2]
    assert [
        event.position for event in recorder.store.read(filter=EventFilter(topics=("rent",)))
    ] == [3, 4, 5]


def test_what_erased_events_is_found_by_their_ids(recorder: Recorder) -> None:
    """All at once; events that were not erased, or are not there, are left out."""
    actions = [acted("a") for _ in range(3)]
    recorder.drafts(registered("a"), *actions)
    first, second = recorder.drafts(*(erased(each.id, "a") for each in actions[:2]))

    found = recorder.store.erasures(frozenset({*(each.id for each in actions), "nobody"}))

    assert found == {
        actions[0].id: recorder.store.get(first),
        actions[1].id: recorder.store.get(second),
    }
    assert recorder.store.erasures(frozenset()) == {}
