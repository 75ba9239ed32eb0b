"""An event as it is served has one shape, however it was read."""

from timeline.application.served import ServedEvent, served_events
from timeline.domain.vocabulary import EventType
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

    written = lines(served_events([Stored(encode(ENTRY), data, None)]))

    assert written == LINE % data


def test_an_erased_event_is_served_without_data() -> None:
    """`data` is null, and the event that erased it is named."""
    written = lines(served_events([Stored(encode(ENTRY), None, "an-eraser")]))

    assert written == LINE % b'null,"erased_by":"an-eraser"'


def test_an_event_read_by_itself_is_served_alike() -> None:
    """Pages and streams have the same fields in the same order."""
    for data, erased_by in ((b'{"a":1}', None), (None, "an-eraser")):
        stored = Stored(encode(ENTRY), data, erased_by)
        recorded = Recorded.from_entry(*stored)

        alone = ServedEvent.of(recorded)

        assert recorded.type is EventType.ACTION_RECORDED
        assert lines([alone]) == lines([alone.document()]) == lines(served_events([stored]))
