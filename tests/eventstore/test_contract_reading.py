"""What every event store answers when it is read: the log, one event, streams, filters."""

from typing import Any, Final

import pytest

from builders import (
    CALIFORNIA,
    LOS_ANGELES,
    acted,
    batch,
    described,
    event_id,
    merged,
    one,
    registered,
    related,
)
from clocks import TestClock
from eventstore.recording import Recorder
from timeline.domain.vocabulary import EventType
from timeline.eventstore.model import EventFilter, Recorded


@pytest.fixture
def read(recorder: Recorder) -> Any:
    """Give a function that returns the positions read, on a log of two policies."""
    recorder.append(
        batch(registered("a", topics=["Rent"]), acted("a", actors=[{"name": "Karen Bass"}]))
    )
    recorder.append(
        batch(
            registered(
                "b",
                jurisdiction=CALIFORNIA,
                topics=["Rent", "Homes"],
                identifiers=[{"scheme": "eo", "value": "N-7 (2024)"}],
                sponsors=[{"name": "Ann"}],
            ),
            by="archive",
        )
    )
    recorder.append(batch(described("a", topics=["Homes"]), related("b", "a"), acted("b")))

    def positions(*arguments: int, **options: Any) -> list[int]:
        return [event.position for event in recorder.store.read(*arguments, **options)]

    return positions


def test_an_event_is_read_as_it_was_sent(recorder: Recorder) -> None:
    """An event comes back with its envelope and the canonical bytes of its data."""
    event = registered("a", id=event_id(1), title="Straße")
    recorder.append(one(event, by="archive"))

    assert recorder.store.read() == [
        Recorded(
            id=event_id(1),
            position=1,
            policy="a",
            version=1,
            type=EventType.POLICY_REGISTERED,
            schema=1,
            batch=1,
            recorded_at="2026-11-22T10:00:00.123456Z",
            recorded_by="archive",
            data=event.data,
        )
    ]
    assert '"title":"Straße"'.encode() in event.data


def test_a_page_begins_after_a_position_and_ends_at_one(read: Any) -> None:
    """`after` is exclusive, `until` inclusive, and `limit` takes the first ones."""
    assert read() == [1, 2, 3, 4, 5, 6]
    assert read(2) == [3, 4, 5, 6]
    assert read(2, until=4) == [3, 4]
    assert read(2, limit=1) == [3]
    assert read(6) == []
    assert read(4, until=2) == []


@pytest.mark.parametrize("limit", [0, -1, 1_001])
def test_a_page_is_bounded(recorder: Recorder, limit: int) -> None:
    """A page has 1 to 1,000 events."""
    with pytest.raises(ValueError, match="1 to 1000"):
        recorder.store.read(limit=limit)


FILTERS: Final[list[tuple[dict[str, Any], list[int]]]] = [
    ({"types": ("PolicyRegistered",)}, [1, 3]),
    ({"types": ("PolicyRegistered", "PolicyDescribed")}, [1, 3, 4]),
    ({"policies": ("b",)}, [3, 6]),
    ({"policies": ("b", "a", "c")}, [1, 2, 3, 4, 5, 6]),
    ({"jurisdictions": (CALIFORNIA,)}, [3, 6]),
    ({"topics": ("rent",)}, [1, 2, 3, 6]),
    ({"topics": ("HOMES", "rent")}, [1, 2, 3, 4, 5, 6]),
    ({"actors": ("karen  bass",)}, [2]),
    ({"identifiers": ("EO:n-7(2024)",)}, [3]),
    ({"targets": ("b",)}, [5]),
    ({"targets": ("a",)}, []),
    ({"recorded_by": ("archive",)}, [3]),
    ({"recorded_by": ("archive", "newsroom"), "types": ("ActionRecorded",)}, [2, 6]),
    ({"topics": ("homes",), "policies": ("a",)}, [4, 5]),
    ({"topics": ("rent",), "jurisdictions": (LOS_ANGELES,)}, [1, 2]),
    ({"topics": ("rent",), "types": ("ActionRecorded",)}, [2, 6]),
    ({"topics": ("nothing",)}, []),
    ({"topics": ("rent",), "types": (EventType.POLICIES_MERGED,)}, []),
    ({"types": (EventType.RELATION_ASSERTED, "PoliciesMerged")}, [5]),
]


def test_filters(read: Any, subtests: pytest.Subtests) -> None:
    """Fields AND, values OR; topics are those of the policy at that version."""
    for filter, expected in FILTERS:
        with subtests.test(str(filter)):
            assert read(filter=EventFilter(**filter)) == expected


def test_a_filtered_page_begins_and_ends_where_it_is_told(read: Any) -> None:
    """Filters, positions and limit go together, also where an event matches in two ways."""
    either = EventFilter(topics=("rent", "homes"))

    assert read(1, until=5, filter=either) == [2, 3, 4, 5]
    assert read(1, filter=either, limit=2) == [2, 3]


def test_a_filter_is_bounded_and_takes_only_text_that_events_have() -> None:
    """A filter has at most 100 values a field, and none that no event can have."""
    with pytest.raises(ValueError, match="at most 100 values in `types`"):
        EventFilter(types=("x",) * 101)
    for value in ("a\0b", "\ud800"):
        with pytest.raises(ValueError, match="U\\+0000 or a lone surrogate"):
            EventFilter(topics=(value,))


def test_a_long_name_is_found(recorder: Recorder) -> None:
    """Folding can make a name longer than an index takes: it is found all the same."""
    name = "".join(chr(0x390 + 0x20 * (each % 2)) for each in range(500))
    recorder.append(batch(registered("a"), acted("a", actors=[{"name": name}])))

    found = recorder.store.read(filter=EventFilter(actors=(name.upper(), "nobody")))

    assert [event.position for event in found] == [2]


def test_one_event_is_found_by_its_id(recorder: Recorder) -> None:
    """An id that is not recorded finds nothing."""
    recorder.append(one(registered("a", id=event_id(1))))

    assert recorder.store.get(event_id(1)) == recorder.store.read()[0]
    assert recorder.store.get(event_id(2)) is None


def test_a_stream_is_read_by_versions_and_up_to_a_position(recorder: Recorder) -> None:
    """`after_version` is exclusive, `until` an inclusive position."""
    recorder.append(batch(registered("a"), registered("b"), acted("a"), acted("a"), acted("a")))
    store = recorder.store

    assert [each.version for each in store.stream("a")] == [1, 2, 3, 4]
    assert [each.position for each in store.stream("a")] == [1, 3, 4, 5]
    assert [each.version for each in store.stream("a", after_version=1, limit=2)] == [2, 3]
    assert [each.version for each in store.stream("a", until=4)] == [1, 2, 3]
    assert store.stream("c") == []


def test_several_streams_are_read_at_once(recorder: Recorder) -> None:
    """Each policy has its own list, in order; one without events has none."""
    recorder.append(batch(registered("a"), registered("b"), acted("a"), registered("c")))

    streams = recorder.store.streams(frozenset({"a", "c", "nowhere"}), until=3)

    assert {policy: [each.position for each in streams[policy]] for policy in streams} == {
        "a": [1, 3]
    }
    assert recorder.store.streams(frozenset()) == {}


def test_targets_are_those_a_policy_s_events_point_at(recorder: Recorder) -> None:
    """Relations and mergers point; the policies are told once each."""
    recorder.drafts(registered("a"), registered("b"), registered("c"))
    recorder.drafts(related("b", "a"), related("b", "a"), merged("c", "a"), related("a", "b"))

    assert recorder.store.links(recorder.store.head().position) == [
        ("a", "b"),
        ("a", "c"),
        ("b", "a"),
    ]
    head = recorder.store.head().position
    assert recorder.store.targets("a", head) == {"b", "c"}
    assert recorder.store.targets("b", head - 1) == frozenset()
    assert recorder.store.targets("b", head) == {"a"}
    assert recorder.store.targets("c", head) == frozenset()


def test_an_instant_leads_to_the_last_position_recorded_by_then(
    recorder: Recorder, clock: TestClock
) -> None:
    """The instant is inclusive, and covers the whole of an append."""
    recorder.append(batch(registered("a"), acted("a")))
    clock.advance(1)
    recorder.append(one(acted("a")))
    store = recorder.store

    assert store.position_at("2026-11-22T10:00:00.123455Z") == 0
    assert store.position_at("2026-11-22T10:00:00.123456Z") == 2
    assert store.position_at("2026-11-22T10:00:01.123455Z") == 2
    assert store.position_at("2026-11-22T10:00:01.123456Z") == 3
    assert store.position_at("2999-01-01T00:00:00.000000Z") == 3
