"""The log as it is read: its events, page by page, as a stream, or one.

Owns how an event is served. Must not know what events mean, nor HTTP.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from timeline.application.cursors import POSITION_KEY, query_digest, read_cursor, write_cursor
from timeline.application.errors import CursorMismatch, UnknownResource
from timeline.application.moments import Answer, Clocked, Moment, collection
from timeline.application.queries import EventsQuery
from timeline.eventstore.model import EventFilter, Head, Recorded


class LogReading(Clocked):
    """Answers questions about the log."""

    def events(self, query: EventsQuery) -> Answer:
        """Return a page of the log."""
        digest = query_digest(query)
        head = self._store.head().position
        after = query.after
        if query.cursor is not None:
            place, after = read_cursor(query.cursor, digest, POSITION_KEY)
            if place.position > head:
                raise CursorMismatch
            head = place.position
        found = self._store.read(
            after, until=head, filter=_event_filter(query), limit=query.limit + 1
        )
        page = found[: query.limit]
        more = None
        if len(found) > query.limit:
            more = write_cursor(digest, head, None, page[-1].position)
        moment = Moment(None, head, self._recorded_at(head))
        return collection([served_event(event) for event in page], more, moment)

    def rest(self, query: EventsQuery, page: int) -> tuple[Head, Iterator[list[dict[str, Any]]]]:
        """Return the head, and page by page all events after a position up to that head.

        Args:
            query: what to look for; `limit` and `cursor` play no part.
            page: how many events are in memory at once.

        """
        head = self._store.head()
        return head, self._pages(query, head.position, page)

    def _pages(self, query: EventsQuery, until: int, size: int) -> Iterator[list[dict[str, Any]]]:
        after, filter = query.after, _event_filter(query)
        while after < until:
            found = self._store.read(after, until=until, filter=filter, limit=size)
            if found:
                yield [served_event(event) for event in found]
            if len(found) < size:
                return
            after = found[-1].position

    def event(self, id: str) -> Answer:
        """Return one event."""
        head = self._store.head().position
        event = self._store.get(id)
        if event is None:
            raise UnknownResource(kind="event", id=id, position=head, field="id")
        return Answer(served_event(event), max(head, event.position))


def served_event(event: Recorded) -> dict[str, Any]:
    """Return an event as it is served: the entry's fields, and the data as it was sent."""
    served: dict[str, Any] = {
        "id": event.id,
        "position": event.position,
        "policy": event.policy,
        "version": event.version,
        "type": str(event.type),
        "schema": event.schema,
        "batch": event.batch,
        "recorded_at": event.recorded_at,
        "recorded_by": event.recorded_by,
        "data": None if event.data is None else msgspec.Raw(event.data),
    }
    if event.erased_by is not None:
        served["erased_by"] = event.erased_by
    return served


def _event_filter(query: EventsQuery) -> EventFilter:
    return EventFilter(
        types=query.type,
        policies=query.policy,
        jurisdictions=query.jurisdiction,
        topics=query.topic,
        actors=query.actor,
        identifiers=query.identifier,
        recorded_by=query.recorded_by,
    )
