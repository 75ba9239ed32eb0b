"""The log as it is read: its events, page by page, as a stream, or one.

Owns pages and where they end; `served` has the shape of an event. Must not know what events mean,
nor HTTP.
"""

from collections.abc import Iterator

from timeline.application.cursors import POSITION_KEY, query_digest, read_cursor, write_cursor
from timeline.application.errors import CursorMismatch, InvalidRequest, UnknownResource
from timeline.application.moments import Answer, Clocked, Moment, collection
from timeline.application.paging import read_page
from timeline.application.queries import EventsQuery
from timeline.application.served import ServedEvent, with_erasures
from timeline.application.transfer import exported
from timeline.eventstore.model import EventFilter, Head


class LogReading(Clocked):
    """Answers questions about the log."""

    def events(self, query: EventsQuery) -> Answer:
        """Return a page of the log."""
        digest = query_digest(query)
        head = self._store.head().position
        after = within_log(query.after, head, "after")
        if query.cursor is not None:
            place, after = read_cursor(query.cursor, digest, POSITION_KEY)
            if place.position > head:
                raise CursorMismatch
            head = place.position
        wanted = event_filter(query)

        def read(after: int | None, limit: int) -> list[tuple[int, ServedEvent]]:
            events = self._store.read(after or 0, until=head, filter=wanted, limit=limit)
            served = [ServedEvent.of(event) for event in events]
            return [(event.position, event) for event in with_erasures(self._store, served)]

        page = read_page(read, after, query.limit)
        more = page.next(lambda last: write_cursor(digest, head, None, last))
        return collection(page.items, more, Moment(None, head, self._recorded_at(head)))

    def rest(self, query: EventsQuery) -> tuple[Head, Iterator[bytes]]:
        """Return the head, and as NDJSON, part by part, all events after a position up to it.

        Args:
            query: what to look for; `limit` and `cursor` play no part.

        """
        head = self._store.head()
        within_log(query.after, head.position, "after")
        wanted = event_filter(query)
        return head, exported(self._store, after=query.after, until=head.position, filter=wanted)

    def event(self, id: str) -> Answer:
        """Return one event."""
        head = self._store.head().position
        event = self._store.get(id)
        if event is None:
            raise UnknownResource(kind="event", id=id, position=head, field="id")
        (served,) = with_erasures(self._store, [ServedEvent.of(event)])
        return Answer(served.document(), max(head, event.position))


def within_log(after: int, head: int, field: str) -> int:
    """Return a position that somebody has read up to, where the log reaches that far.

    Raises:
        InvalidRequest: it does not: the position is that of another log, or of a later copy, and
            what is recorded here up to it would be skipped.

    """
    if after > head:
        raise InvalidRequest(field=field, reason=f"The log ends at position {head}")
    return after


def event_filter(query: EventsQuery) -> EventFilter:
    """Return which events a question about the log is about."""
    return EventFilter(
        types=query.type,
        policies=query.policy,
        jurisdictions=query.jurisdiction,
        topics=query.topic,
        actors=query.actor,
        identifiers=query.identifier,
        recorded_by=query.recorded_by,
    )
