"""An event as it is served has one shape, however it was read."""

import msgspec

from builders import acted, erased, registered
from clocks import TestClock
from eventstore.recording import Recorder
from timeline.application.served import ServedEvent, served_events
from timeline.domain.vocabulary import EventType
from timeline.eventstore.memory import MemoryStore
from timeline.eventstore.model import Recorded, Stored
from timeline.formats.ndjson import lines
from timeline.transparency.canonical import encode

ENTRY = {
    "id": "0193d2a0-0000-7000-8000-000000000001",
    "position": 42,
    "policy": "la-ordinance-188441",
    "version": 4,
    "type": "ActionRecorded",
    "schema": 1,
    "batch": 41,
    "recorded_at": "2026-11-22T10:00:00.123456Z",
    "recorded_by": "newsroom",
    "commitment": "00" * 32,
}
LINE = (
    b'{"id":"0193d2a0-0000-7000-8000-000000000001","position":42,"policy":"la-ordinance-188441",'
    b'"version":4,"type":"ActionRecorded","schema":1,"batch":41,'
    b'"recorded_at":"2026-11-22T10:00:00.123456Z","recorded_by":"newsroom","data":%b}\n'
)


def test_a_line_is_the_entry_s_fields_and_the_data_as_it_lies() -> None:
    """The commitment stays behind, and the data is not written anew, byte for byte."""
    data = '{"label":"Straße \\u0001 \\"x\\""}'.encode()

    written = lines(served_events(MemoryStore(), [Stored(encode(ENTRY), data, None)]))

    assert written == LINE % data


def test_an_erased_event_says_who_erased_it(clock: TestClock) -> None:
    """`data` is null, and there is who erased it, when, and by what authority."""
    store = MemoryStore()
    action = acted("a")
    Recorder(store, clock).drafts(registered("a"), action, erased(action.id, "a"))
    erasure = store.read()[2]

    written = lines(served_events(store, store.stretch(0, until=3).events))

    shown = msgspec.json.decode(written.splitlines()[1])
    assert (shown["data"], shown["erased_by"]) == (None, erasure.id)
    assert shown["erasure"] == {
        "event": erasure.id,
        "position": 3,
        "recorded_at": erasure.recorded_at,
        "recorded_by": erasure.recorded_by,
        "authority": "a court",
    }


def test_an_event_read_by_itself_is_served_alike() -> None:
    """Pages and streams have the same fields in the same order."""
    stored = Stored(encode(ENTRY), b'{"a":1}', None)
    recorded = Recorded.from_entry(*stored)

    alone = ServedEvent.of(recorded)

    assert recorded.type is EventType.ACTION_RECORDED
    assert (
        lines([alone]) == lines([alone.document()]) == lines(served_events(MemoryStore(), [stored]))
    )
