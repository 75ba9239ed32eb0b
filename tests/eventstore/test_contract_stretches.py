"""What every event store gives of its stored bytes: stretches that join without gap or repeat."""

import json
from typing import Any

import pytest

from builders import acted, batch, erased, registered
from eventstore.recording import Recorder
from eventstore.test_contract_reading import FILTERS, read
from timeline.eventstore.model import EVERYTHING, EventFilter, Recorded, Stored, Stretch

__all__ = ["read"]


def positions(stretch: Stretch) -> list[int]:
    """Return the positions that the entries name."""
    return [json.loads(event.entry)["position"] for event in stretch.events]


@pytest.mark.usefixtures("read")
def test_a_stretch_holds_what_a_page_holds(recorder: Recorder, subtests: pytest.Subtests) -> None:
    """The bytes are those of the events that match, in order, whatever the filter."""
    for filter in [EVERYTHING, *(EventFilter(**fields) for fields, _ in FILTERS)]:
        with subtests.test(str(filter)):
            stretch = recorder.store.stretch(0, until=6, filter=filter)

            assert stretch.until == 6
            assert [Recorded.from_entry(*event) for event in stretch.events] == (
                recorder.store.read(filter=filter)
            )


@pytest.mark.usefixtures("read")
@pytest.mark.parametrize("bound", [{"limit": 2}, {"limit": 1}, {"size_bytes": 1}])
@pytest.mark.parametrize("fields", [{}, {"topics": ("rent", "homes")}, {"policies": ("b",)}])
def test_stretches_join_without_gap_or_repeat(
    recorder: Recorder, bound: dict[str, Any], fields: dict[str, Any]
) -> None:
    """Where one ends by a bound, the next one goes on; the last one reaches the end asked for."""
    filter = EventFilter(**fields)
    found: list[int] = []
    reached = 0
    while reached < 6:
        stretch = recorder.store.stretch(reached, until=6, filter=filter, **bound)
        assert len(stretch.events) <= bound.get("limit", 1)
        assert reached < stretch.until
        found += positions(stretch)
        reached = stretch.until

    assert found == [event.position for event in recorder.store.read(filter=filter)]


@pytest.mark.usefixtures("read")
def test_a_stretch_begins_after_a_position_and_ends_at_one(recorder: Recorder) -> None:
    """`after` is exclusive, `until` inclusive, also where the log is shorter or it is empty."""
    store = recorder.store

    assert positions(store.stretch(2, until=4)) == [3, 4]
    assert positions(store.stretch(4, until=900)) == [5, 6]
    assert store.stretch(6, until=900) == Stretch([], 900)
    assert store.stretch(4, until=4) == Stretch([], 4)


def test_a_stretch_ends_with_the_event_that_fills_it(recorder: Recorder) -> None:
    """It holds fewer bytes than its bound before its last event, and one event at least."""
    recorder.append(batch(registered("a"), *(acted("a", summary="x" * 900) for _ in range(6))))
    store = recorder.store
    sizes = [event.size_bytes for event in store.stretch(0, until=7).events]

    assert positions(store.stretch(0, until=7, size_bytes=sum(sizes[:3]))) == [1, 2, 3]
    assert positions(store.stretch(0, until=7, size_bytes=sum(sizes[:3]) + 1)) == [1, 2, 3, 4]
    assert positions(store.stretch(3, until=7, size_bytes=1)) == [4]


def test_a_stretch_names_the_eraser_in_place_of_data(recorder: Recorder) -> None:
    """An erased event keeps its entry's bytes; its data is gone."""
    action = acted("a", actors=[{"name": "Ann"}])
    recorder.drafts(registered("a"), action)
    before = recorder.store.stretch(1, until=2).events[0]
    (erasure,) = recorder.drafts(erased(action.id, "a"))

    after = recorder.store.stretch(1, until=3).events

    assert before == Stored(before.entry, action.data, None)
    assert after[0] == Stored(before.entry, None, erasure)
    assert after[1].erased_by is None
